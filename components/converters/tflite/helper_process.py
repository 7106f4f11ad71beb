"""A Python script in a process of its own that ends with the one that started it, however that ends.

It runs twice: `run_helper` in the process that waits, and this file as the script that the other process starts with.
There it asks Linux for a signal at its parent's death, and watches a pipe that only the parent holds open, for other
systems and for a parent that died before it could ask; then it runs the script that was wanted.
"""

import ctypes
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
ORPHANED = 4  # exit code


def run_helper(
    script: Path, arguments: Sequence[Path], timeout_s: float, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """What the script's process wrote and how it ended.

    Raises:
        subprocess.TimeoutExpired: it did not end in time; it is killed.
    """
    command = [sys.executable, str(Path(__file__)), str(script), *map(str, arguments)]
    reading, writing = os.pipe()
    try:
        return subprocess.run(
            command,
            stdin=reading,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout_s,
            env={**os.environ, **(environment or {})},
        )
    finally:
        os.close(reading)
        os.close(writing)


def _end_with_parent() -> None:
    """Arrange that this process ends when its parent does."""
    if sys.platform == "linux":  # a signal comes also while a long call into C++ keeps every thread of Python waiting
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    os.read(0, 1)  # nobody writes: it returns when the parent's end of the pipe is closed
    os._exit(ORPHANED)


if __name__ == "__main__":
    _end_with_parent()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
