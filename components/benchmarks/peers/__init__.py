"""One module per runtime: `start(threads)` gives a function that turns a case into a timed call.

No module imports another's runtime: TensorFlow and PyTorch never share a process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Work:
    """What is timed: a call, and how many units of work it does (characters, packets of audio)."""

    call: Callable[[], Any]
    units: int = 1


Prepare = Callable[[Mapping[str, Any]], Work]
