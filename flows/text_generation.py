"""The flow of text_generation."""

from flows.factory import application_flow

text_generation = application_flow("text_generation")
