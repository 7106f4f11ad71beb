"""What `gatewise predict` takes and prints for text generation."""

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from gatewise.commands import ArgumentGroup, inputs


def add_options(group: ArgumentGroup) -> None:
    """Add what this application alone understands."""
    group.add_argument("--length", type=int, default=200, help="ids to generate at the most (200)")
    group.add_argument("--temperature", type=float, default=0.8, help="0 takes the likeliest (0.8)")
    group.add_argument("--top-k", type=int, help="draw from the k likeliest")
    group.add_argument("--top-p", type=float, help="draw from the fewest that have this probability together")
    group.add_argument("--seed", type=int, help="the same seed gives the same text")
    group.add_argument("--stop", action="append", help="text to stop at; may be repeated")


def answer(predictor: Any, options: Namespace) -> Iterator[str]:
    """The prompt's continuation, piece by piece."""
    arguments = {
        "length": options.length,
        "temperature": options.temperature,
        "top_k": options.top_k,
        "top_p": options.top_p,
        "seed": options.seed,
        "stop": options.stop,
    }
    prompt = " ".join(inputs(options))
    if options.json:
        yield json.dumps({"prompt": prompt, "text": predictor.predict(prompt, **arguments)}, ensure_ascii=False)
    else:
        yield from predictor.stream(prompt, **arguments)
    yield "\n"
