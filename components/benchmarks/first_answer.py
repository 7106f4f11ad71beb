"""A script that answers once with a bundle and says how much memory that took; imports the light package only."""

import json
import sys
from pathlib import Path
from typing import Any

CHARACTERS = 20
REVIEW = "The plot was dull, but the acting was not bad at all."


def answer(path: Path) -> Any:
    """The first answer of the predictor in a bundle."""
    import numpy as np

    import gatewise

    predictor: Any = gatewise.load(path)
    application = predictor.bundle.application
    if application == "text_generation":
        return predictor.predict("The ", length=CHARACTERS)
    if application == "sentiment":
        return predictor.predict(REVIEW).label
    if application == "speech_commands":
        return predictor.predict(np.zeros(predictor.bundle.settings["clip_samples"], np.float32)).label
    vectors = np.load(path / "testvectors.npz")
    extra = {"extra": vectors["case0/input/extra"][0]} if "case0/input/extra" in vectors else {}
    times = vectors["case0/input/minutes"][0].astype("datetime64[m]")  # (context + horizon,)
    return predictor.predict(vectors["case0/input/values"][0], times=times, **extra).median.tolist()


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
    sys.stdout.write(json.dumps({"answer": str(answer(Path(sys.argv[1])))}) + "\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps({"bytes": peak_bytes()}) + "\n")
