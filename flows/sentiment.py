"""The flow of sentiment."""

from flows.factory import application_flow

sentiment = application_flow("sentiment")
