"""Faults that a user can cause: one line that says what, where and what to do, and nothing half written."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import DataError
from flows.faults import told


def gatewise_flows(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a program of its own."""
    return subprocess.run(
        [sys.executable, "-m", "flows", *arguments],
        env={**os.environ, "GATEWISE_HOME": str(folder / "home"), "DO_NOT_TRACK": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DataError("a\nb.csv: no rows"), "a b.csv: no rows"),
        (OSError(errno.ENOSPC, "No space left on device", "x/y"), "x/y: No space left on device: make room"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "x: Permission denied: see that it is there"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("Failed to reach API at http://127.0.0.1:1/api/"), "no Prefect server answers at"),
    ],
)
def test_what_a_user_can_cause_is_one_line(error: BaseException, line: str) -> None:
    found = told(error)
    assert found is not None
    assert found.startswith(line)
    assert "\n" not in found


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    assert told(KeyError("x")) is None


def test_help_states_the_exit_codes(tmp_path: Path) -> None:
    assert "Exit codes: 0 done; 1 an error" in " ".join(gatewise_flows(tmp_path, "--help").stdout.split())


def faults(folder: Path) -> dict[str, tuple[list[str], dict[str, str], str]]:
    """Command line, environment and what the line must say, by fault."""
    (folder / "empty.csv").write_text("")
    (folder / "binary.csv").write_bytes(bytes(range(256)) * 20)
    (folder / "a folder.csv").mkdir()
    (folder / "home").write_text("a file in the way")
    table = folder / "fine.csv"
    table.write_text("text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(100)))
    run = ["run", "sentiment", "--preset", "tiny", "--source"]
    return {
        "an empty table": (["inspect", "sentiment", str(folder / "empty.csv")], {}, "empty.csv"),
        "no table at all": (["inspect", "forecasting", str(folder / "binary.csv")], {}, "binary.csv"),
        "a folder for a file": (["inspect", "forecasting", str(folder / "a folder.csv")], {}, "a folder.csv"),
        "a server that is not there": (
            [*run, str(table)],
            {"PREFECT_API_URL": "http://127.0.0.1:9/api", "GATEWISE_HOME": str(folder / "other")},
            "no Prefect server answers at http://127.0.0.1:9/api",
        ),
        "a file where a folder is needed": (
            [
                "stage",
                "ingest",
                "sentiment",
                "--preset",
                "tiny",
                "--source",
                str(table),
                "--out",
                str(folder / "home" / "x"),
            ],
            {},
            "home",
        ),
        "a model that is none": (["convert", str(folder / "binary.csv"), str(folder / "out")], {}, "binary.csv"),
    }


@pytest.mark.parametrize(
    "fault",
    [
        "an empty table",
        "no table at all",
        "a folder for a file",
        "a server that is not there",
        "a file where a folder is needed",
        "a model that is none",
    ],
)
def test_a_fault_ends_in_one_line_and_exit_code_1(tmp_path: Path, fault: str) -> None:
    arguments, environment, said = faults(tmp_path)[fault]
    before = sorted(tmp_path.iterdir())
    done = gatewise_flows(tmp_path, *arguments, **environment)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1, done.stderr
    assert last.startswith("error: ")
    assert said in last
    assert "Traceback" not in done.stderr
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "other"] == before
