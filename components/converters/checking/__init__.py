"""What an exported file computes beside Keras, and how fast."""
