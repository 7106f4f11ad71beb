"""A model beside its baselines, in words and as a table: for the report and for the model card."""

from collections.abc import Mapping
from typing import Any

from components.application import Application


def verdict_line(app: Application[Any], verdict: Mapping[str, Any]) -> str:
    """One sentence: does the model win, with both numbers."""
    shown = app.metric.shown
    word = "beats" if verdict["beats_baseline"] else "**loses to**"
    chance = "" if verdict["p_value"] is None else f" (paired permutation test: p = {verdict['p_value']:.4f})"
    return (
        f"The model {word} its hardest baseline: {app.metric.name} {shown(verdict['value'])} against "
        f"{shown(verdict['baseline_value'])} of {verdict['baseline'].replace('_', ' ')}{chance}."
    )


def score_table(app: Application[Any], verdict: Mapping[str, Any]) -> str:
    """A Markdown table: one row for the model and one for each baseline, one column per metric."""
    rows = {"**this model**": verdict["metrics"], **verdict["baselines"]}
    names = list(dict.fromkeys([app.metric.name, *(name for metrics in rows.values() for name in metrics)]))
    lines = ["| | " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for label, metrics in rows.items():
        cells = [f"{metrics[name]:.4g}" if name in metrics else "" for name in names]
        lines.append(f"| {label.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
