"""The demonstration: small trainings of all applications on embedded data, then predictions where no TensorFlow is."""

import json
import logging
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import typer

from components.data.artifacts import home
from components.errors import GatewiseError
from components.registry import get, names
from flows.launch import launch, result_of
from flows.surroundings import prepare
from flows.tables import results_table, show

log = logging.getLogger(__name__)

PRESET = "tiny"
ON_DEVICE = Path(__file__).with_name("on_device.py")


def run_demo(device: Path) -> None:
    """Run every flow, predict with every bundle in the environment of the Python `device`, and show one table.

    Raises:
        GatewiseError: a flow failed, or a bundle did not prove itself on the device.
    """
    os.environ.setdefault("PREFECT_HOME", str(home() / "prefect"))  # a demonstration leaves nothing behind elsewhere
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
    prepare()
    started = time.monotonic()
    outcomes = [launch(name, PRESET, get(name).default_source, {}, publish_anyway=True) for name in names()]
    answers = {outcome.plan.application: predict_on(device, outcome.promotion.path) for outcome in outcomes}
    for outcome in outcomes:
        name = outcome.plan.application
        typer.echo(f"{name}: {outcome.promotion.reason}\n    {answers[name]['shown']}")
    packages = ", ".join(next(iter(answers.values()))["packages"])
    table = results_table([result_of(one, answers[one.plan.application]["milliseconds"]) for one in outcomes])
    table.caption = (
        f"{time.monotonic() - started:.0f} s in all; bundles verified and predictions timed with: {packages}"
    )
    show(table)


def predict_on(device: Path, bundle: Path) -> dict[str, Any]:
    """What `flows/on_device.py` says of a bundle, after `gatewise verify` accepted it there.

    Raises:
        GatewiseError: either of them failed.
    """
    _device_output(device, "-m", "gatewise", "verify", str(bundle))
    answer: dict[str, Any] = json.loads(_device_output(device, str(ON_DEVICE), str(bundle)))
    log.info("%s predicts in %s", bundle.name, device)
    return answer


def _device_output(device: Path, *arguments: str) -> str:
    command = [str(device), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise GatewiseError(f"`{' '.join(command)}` failed: {(answer.stderr or answer.stdout).strip()}")
    return answer.stdout
