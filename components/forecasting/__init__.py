"""Forecasting: time series in, quantile forecasts of every step ahead out."""
