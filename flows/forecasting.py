"""The flow of forecasting."""

from flows.factory import application_flow

forecasting = application_flow("forecasting")
