"""A script that answers once with a bundle and says how much memory that took; imports the light package only."""

import json
import sys
from pathlib import Path
from typing import Any


def answer(path: Path) -> Any:
    """What the predictor of a bundle answers to the example that it carries."""
    import gatewise
    from gatewise.examples import example_call

    call, _ = example_call(gatewise.load(path))
    return call()


def peak_bytes() -> int:
    """The most memory this process has held; not its parent's, which `ru_maxrss` remembers across a fork."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (text for text in status.read_text().splitlines() if text.startswith("VmHWM:"))
        return 1_024 * int(line.split()[1])
    import resource

    unit = 1 if sys.platform == "darwin" else 1_024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"answer": str(answer(Path(sys.argv[1])))[:80]}) + "\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps({"bytes": peak_bytes()}) + "\n")
