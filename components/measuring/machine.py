"""The machine a number was measured on, in the words a reader of a table needs."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path


def machine() -> dict[str, str]:
    """Processor, cores, memory, operating system and Python version."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _field(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine(),
        "cores": str(cores),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def described(facts: Mapping[str, str] | None = None) -> str:
    """A machine in one line: this one unless the facts of another are given."""
    facts = facts or machine()
    return (
        f"{facts['processor']}, {facts['cores']} cores, {facts['memory']}, {facts['system']}, Python {facts['python']}"
    )


def _memory() -> str:
    kilobytes = _field(Path("/proc/meminfo"), "MemTotal").split(" ")[0]
    return f"{int(kilobytes) / 2**20:.0f} GB" if kilobytes else "memory unknown"


def _field(path: Path, name: str) -> str:
    """The value after `name:` in a file of such lines; empty where there is no such file or line."""
    if not path.exists():
        return ""
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")
