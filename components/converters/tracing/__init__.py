"""Reading anybody's Keras model and tracing it with its GRUs under our control."""
