"""Text generation: a corpus in, a streaming generator out."""
