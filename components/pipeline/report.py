"""The report of one training: what was measured, beside every baseline, with pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.application import Illustration, Run
from components.bundles.verdict import score_table, verdict_line
from components.data.artifacts import Artifact
from components.data.choices import choices_list, choices_on


def write_report(
    path: Path,
    run: Run[Any],
    verdict: Mapping[str, Any],
    illustration: Illustration,
    artifacts: tuple[Artifact, Artifact],
) -> None:
    """Write the Markdown report that stands beside its pictures.

    Args:
        path: the file.
        run: what was trained.
        verdict: of the comparison with the baselines.
        illustration: what the application shows of its model.
        artifacts: the data and the model.
    """
    app, (data, model) = run.application, (artifact.card() for artifact in artifacts)
    choices = choices_list(choices_on(data)) or "None had to be made."
    facts = {name: value for name, value in data.get("raw", data).items() if name != "choices"}
    pictures = "\n\n".join(f"![{Path(name).stem.replace('_', ' ')}]({name})" for name in illustration.pictures)
    path.write_text(
        f"# {app.title}\n\n{verdict_line(app, verdict)}\n\n{score_table(app, verdict)}\n\n"
        f"Measured on {verdict['test_examples']:,} test examples that no choice was made on.\n\n"
        f"{illustration.markdown}\n\n{pictures}\n\n"
        f"## Data\n\n{_listing(facts)}\n\n"
        f"## What was chosen for you\n\n{choices}\n\n"
        f"## Model\n\n{model['parameters']:,} parameters, {model['epochs']} epochs.\n\n"
        f"{_listing(run.config.model_dump(mode='json'))}\n",
        encoding="utf-8",
    )


def _listing(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in values.items())
