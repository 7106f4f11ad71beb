"""Sentiment: labelled texts in, a classifier out."""
