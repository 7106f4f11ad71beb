"""What `gatewise predict` takes and prints for bit parity."""

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from gatewise.commands import ArgumentGroup, inputs


def add_options(group: ArgumentGroup) -> None:
    """There is nothing that this application alone understands."""


def answer(predictor: Any, options: Namespace) -> Iterator[str]:
    """One line."""
    answer = predictor.predict([int(bit) for bit in "".join(inputs(options))])
    yield (json.dumps({"answer": answer}) if options.json else answer) + "\n"
