"""`make quality`: the README's real-data runs, end to end, written down beside their baselines."""

import json
import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.application import get
from components.data.artifacts import CARD, Artifact, home, key_of, open_artifact
from components.errors import GatewiseError
from components.measuring.machine import described, machine
from components.pipeline import stages as pipeline

log = logging.getLogger(__name__)

REPORTS = Path("reports")


@dataclass(frozen=True)
class Run:
    """One real-data run: what the command line would be told."""

    application: str
    source: str
    preset: str = "base"
    settings: dict[str, Any] = field(default_factory=dict)
    picture: str = ""  # of its report, for the README

    @property
    def command(self) -> str:
        """The same run as a command."""
        extra = "".join(f" --set {name}={value}" for name, value in self.settings.items())
        return f"gatewise-flows run {self.application} --preset {self.preset} --source {self.source}{extra}"


RUNS = {
    "imdb": Run("sentiment", "../shared/data/imdb"),
    "shakespeare": Run("text_generation", "../shared/data/shakespeare/input.txt"),
    "stocks": Run("forecasting", "../shared/data/stocks", picture="forecasts.png"),
    "speech_commands": Run("speech_commands", "../shared/data/speech_commands"),
}


def measure(name: str, run: Run) -> dict[str, Any]:
    """All stages of one run; its scores, baselines, bundle and times."""
    app = get(run.application)
    config = app.preset(run.preset).changed(run.settings)
    folder = home() / "quality" / f"{name}-{key_of(run.command, config.model_dump(mode='json'))}"
    raw = _kept(folder / "ingest", lambda path: pipeline.ingest(app, run.source, config, path))
    data = _kept(folder / "preprocess", lambda path: pipeline.preprocess(app, raw, config, path))
    model = _kept(folder / "train", lambda path: pipeline.train(app, data, config, path))
    report = _kept(folder / "evaluate", lambda path: pipeline.evaluate(app, data, model, config, path))
    if run.picture:
        shutil.copy(report.path / run.picture, REPORTS / run.picture)
    bundle = pipeline.export(app, data, model, report, config, folder / "export", run.preset)
    verdict = report.card()
    return {
        "command": run.command,
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


def main(names: list[str]) -> int:
    """Measure the runs of the given names (all without one), adding to what the table already holds."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for name in names or RUNS:
        if name not in RUNS:
            log.error("no run named '%s': choose from %s", name, ", ".join(RUNS))
            return 1
        try:
            found = measure(name, RUNS[name])
        except GatewiseError as error:
            log.error("%s", error)
            return 1
        results = _earlier() | {name: found}  # read only now: another run may have added its row meanwhile
        write_table({key: results[key] for key in RUNS if key in results})
    return 0


def _earlier() -> dict[str, dict[str, Any]]:
    """The rows that the table already holds."""
    path = REPORTS / "quality.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
