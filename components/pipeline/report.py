"""The report of one training: what was measured, beside every baseline, with pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.application import Application, Illustration
from components.data.artifacts import Artifact
from components.settings import Settings


def write_report(
    path: Path,
    app: Application,
    verdict: Mapping[str, Any],
    illustration: Illustration,
    data_card: Mapping[str, Any],
    model: Artifact,
    config: Settings,
) -> None:
    """Write the Markdown report that stands beside its pictures."""
    facts = model.card()
    pictures = "\n\n".join(f"![{Path(name).stem.replace('_', ' ')}]({name})" for name in illustration.pictures)
    path.write_text(
        f"# {app.title}\n\n{verdict_line(app, verdict)}\n\n{score_table(app, verdict)}\n\n"
        f"Measured on {verdict['test_examples']:,} test examples that no choice was made on.\n\n"
        f"{illustration.markdown}\n\n{pictures}\n\n"
        f"## Data\n\n{_listing(data_card.get('raw', data_card))}\n\n"
        f"## Model\n\n{facts['parameters']:,} parameters, {facts['epochs']} epochs.\n\n"
        f"{_listing(config.model_dump(mode='json'))}\n",
        encoding="utf-8",
    )


def verdict_line(app: Application, verdict: Mapping[str, Any]) -> str:
    """One sentence: does the model win, with both numbers."""
    shown = app.metric.shown
    word = "beats" if verdict["beats_baseline"] else "**loses to**"
    chance = "" if verdict["p_value"] is None else f" (paired permutation test: p = {verdict['p_value']:.4f})"
    return (
        f"The model {word} its hardest baseline: {app.metric.name} {shown(verdict['value'])} against "
        f"{shown(verdict['baseline_value'])} of {verdict['baseline'].replace('_', ' ')}{chance}."
    )


def score_table(app: Application, verdict: Mapping[str, Any]) -> str:
    """A Markdown table: one row for the model and one for each baseline, one column per metric."""
    rows = {"**this model**": verdict["metrics"], **verdict["baselines"]}
    names = list(dict.fromkeys([app.metric.name, *(name for metrics in rows.values() for name in metrics)]))
    lines = ["| | " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for label, metrics in rows.items():
        cells = [f"{metrics[name]:.4g}" if name in metrics else "" for name in names]
        lines.append(f"| {label.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _listing(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in values.items())
