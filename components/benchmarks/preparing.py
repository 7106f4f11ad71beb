"""A table's models, made in a process of their own: the one that times stays small and free of TensorFlow."""

import logging
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

from components.errors import ConversionError

log = logging.getLogger(__name__)

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def prepared(table: str, folder: Path) -> Path:
    """The folder of a table's models, made anew.

    Raises:
        ConversionError: they cannot be made; the last line that the process wrote is quoted.
    """
    target, started = folder / table, time.monotonic()
    target.mkdir(parents=True)
    command = [sys.executable, "-m", "components.benchmarks.preparing", table, str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **QUIET})
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise ConversionError(f"the models of table '{table}' cannot be made: {said[-1]}")
    log.info("models of %s ready after %.0f s", table, time.monotonic() - started)
    return target


if __name__ == "__main__":
    import_module(f"components.benchmarks.{sys.argv[1]}").prepare(Path(sys.argv[2]))
