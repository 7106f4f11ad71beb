"""`make quality`: the README's real-data runs, end to end, written down beside their baselines."""

import json
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.application import Application, QualityRun, Run, Trained
from components.data.artifacts import CARD, Artifact, home, key_of, open_artifact
from components.errors import GatewiseError
from components.measuring.machine import described, machine
from components.pipeline import stages
from components.registry import get, names

log = logging.getLogger(__name__)

REPORTS = Path("reports")


def runs() -> dict[str, tuple[Application[Any], QualityRun]]:
    """Every declared run by its name, with its application."""
    return {name: (app, run) for app in map(get, names()) for name, run in app.quality.items()}


def command(app: Application[Any], run: QualityRun) -> str:
    """The run as a command."""
    extra = "".join(f" --set {name}={value}" for name, value in run.settings.items())
    return f"gatewise-flows run {app.name} --preset {run.preset} --source {run.source}{extra}"


def measure(name: str) -> dict[str, Any]:
    """All stages of one run; its scores, baselines, bundle and times."""
    app, asked = runs()[name]
    run = Run(app, asked.source, app.preset(asked.preset).changed(asked.settings), asked.preset)
    key = key_of(command(app, asked), run.config.model_dump(mode="json"))
    folder = home() / "quality" / f"{name}-{key}"
    raw = _kept(folder / "ingest", lambda path: stages.ingest(run, path))
    data = _kept(folder / "preprocess", lambda path: stages.preprocess(run, raw, path))
    model = _kept(folder / "train", lambda path: stages.train(run, data, path))
    report = _kept(folder / "evaluate", lambda path: stages.evaluate(run, data, model, path))
    if asked.picture:
        shutil.copy(report.path / asked.picture, REPORTS / asked.picture)
    bundle = stages.export(Trained(run, data, model, report), folder / "export")
    verdict = report.card()
    return {
        "application": app.name,
        "about": asked.about,
        "command": command(app, asked),
        **{key: verdict[key] for key in ("metric", "value", "baseline", "baseline_value", "beats_baseline", "p_value")},
        "metrics": verdict["metrics"],
        "baselines": verdict["baselines"],
        "test_examples": verdict["test_examples"],
        "parameters": model.card()["parameters"],
        "variants": bundle.card()["variants"],
        "training_minutes": model.card()["minutes"],
        "machine": machine(),
    }


def _kept(folder: Path, make: Callable[[Path], Artifact]) -> Artifact:
    """The artifact that an earlier, cut-off run left in `folder`, or a new one."""
    return open_artifact(folder) if (folder / CARD).exists() else make(folder)


def write_table(results: dict[str, dict[str, Any]]) -> None:
    """Write `reports/quality.json` and `reports/quality.md`."""
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "quality.json").write_text(json.dumps(results, indent=1) + "\n")
    lines = [
        "# Model quality on real data\n",
        f"Measured by `make quality` on: {described()}.\n",
        "| data | metric | model | hardest baseline | p | test examples | parameters | training, min |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in results.items():
        chance = "" if row["p_value"] is None else f"{row['p_value']:.4f}"
        lines.append(
            f"| {name} | {row['metric']} | {row['value']:.4f} | {row['baseline_value']:.4f} ({row['baseline']}) "
            f"| {chance} | {row['test_examples']:,} | {row['parameters']:,} | {row['training_minutes']:.1f} |"
        )
    lines += ["", *(f"- `{row['command']}`" for row in results.values()), ""]
    lines += ["| data | variant | bytes | metric | parity | ms |", "|---|---|---|---|---|---|"]
    for name, row in results.items():
        for variant, entry in row["variants"].items():
            lines.append(
                f"| {name} | {variant} | {entry['bytes']:,} | {entry['metric']:.4f} | {entry['parity']:.1e} "
                f"| {entry['latency_ms']:.3f} |"
            )
    (REPORTS / "quality.md").write_text("\n".join(lines) + "\n")


def main(asked: list[str]) -> int:
    """Measure the runs of the given names (all without one), adding to what the table already holds."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    declared = runs()
    for name in asked or declared:
        if name not in declared:
            log.error("no run named '%s': choose from %s", name, ", ".join(declared))
            return 1
        try:
            found = measure(name)
        except GatewiseError as error:
            log.error("%s", error)
            return 1
        results = _earlier() | {name: found}  # read only now: another run may have added its row meanwhile
        write_table({key: results[key] for key in declared if key in results})
    return 0


def _earlier() -> dict[str, dict[str, Any]]:
    """The rows that the table already holds."""
    path = REPORTS / "quality.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
