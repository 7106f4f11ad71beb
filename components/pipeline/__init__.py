"""The six stages over any application, the comparison with baselines, the report."""
