"""The first import of TensorFlow, without what its C++ part writes to stderr before it can be told not to."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2  # its file descriptor: C++ knows nothing of sys.stderr


def import_tensorflow() -> None:
    """Import TensorFlow; nothing of it is shown unless it fails."""
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silent():
        import tensorflow  # noqa: F401


@contextmanager
def _silent() -> Iterator[None]:
    kept = os.dup(STDERR)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
