"""A script that answers once with a Keras model in TensorFlow and says how much memory that took."""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def answer(model: Path, vectors: Path) -> Any:
    """The model's outputs for the first test vector; a text's tokens are already ids."""
    import numpy as np

    from components.benchmarks.peers.tensorflow_loops import loaded

    arrays = np.load(vectors)
    start = "case0/input/"
    feeds = {name.removeprefix(start): arrays[name] for name in arrays if name.startswith(start)}
    return loaded(model)(feeds if len(feeds) > 1 else next(iter(feeds.values())), training=False)


if __name__ == "__main__":
    from components.benchmarks.first_answer import peak_bytes

    sys.stdout.write(json.dumps({"answer": str(answer(Path(sys.argv[1]), Path(sys.argv[2])))[:80]}) + "\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps({"bytes": peak_bytes()}) + "\n")
