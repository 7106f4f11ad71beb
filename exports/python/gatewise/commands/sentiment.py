"""What `gatewise predict` takes and prints for sentiment."""

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gatewise.commands import ArgumentGroup, inputs
from gatewise.errors import InputError


def add_options(group: ArgumentGroup) -> None:
    """There is nothing that this application alone understands."""


def answer(predictor: Any, options: Namespace) -> Iterator[str]:
    """One line per text."""
    texts = inputs(options)
    if not texts:
        raise InputError("no text to judge: give it as an argument, or - to read lines from standard input")
    for text, found in zip(texts, predictor.predict(texts), strict=True):
        plain = f"{found.label}  {found.probability:.1%}  {text}"
        yield (json.dumps({"text": text, **asdict(found)}, ensure_ascii=False) if options.json else plain) + "\n"
