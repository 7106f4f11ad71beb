"""`python -m components.benchmarks [NAMES]`: measure the named tables (all without one) and write `reports/bench.*`."""

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from components.benchmarks import audio, cold_start, generation, half_precision, layer_speed, memory
from components.benchmarks.document import write
from components.benchmarks.processes import QUICK, Effort
from components.errors import GatewiseError
from components.measuring.machine import described

log = logging.getLogger(__name__)

TABLES: dict[str, ModuleType] = {
    "layer_speed": layer_speed,
    "generation": generation,
    "audio": audio,
    "half_precision": half_precision,
    "cold_start": cold_start,
    "memory": memory,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure tables and add them to those that the report already holds; 1 where a table cannot be measured."""
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    path = chosen.reports / "bench.json"
    found = json.loads(path.read_text())["tables"] if path.exists() else {}
    folder = Path(tempfile.mkdtemp(prefix="gatewise-bench-"))
    try:
        for name in chosen.names or TABLES:
            found[name] = _measured(name, folder, QUICK if chosen.quick else Effort())
            write(chosen.reports, found, TABLES)
    except GatewiseError as error:
        log.error("%s", error)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _measured(name: str, folder: Path, effort: Effort) -> dict[str, Any]:
    """A table, with when and where it was measured."""
    started = time.monotonic()
    table = TABLES[name].run(folder, effort)
    minutes = (time.monotonic() - started) / 60
    log.info("table %s took %.1f min", name, minutes)
    return {
        "machine": described(),
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "minutes": minutes,
        "turns": effort.turns,
        **table,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m components.benchmarks", description="Speed, beside what others use.")
    parser.add_argument("names", nargs="*", choices=[*TABLES, []], help=f"tables: {', '.join(TABLES)}", metavar="NAME")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of bench.md and bench.json")
    parser.add_argument("--quick", action="store_true", help="show that everything runs; the numbers mean nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
