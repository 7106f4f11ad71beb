"""Orchestration: the stages and the four flows, the only place that imports prefect."""
