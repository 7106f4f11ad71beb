"""Passages that a text network writes, for a person to read."""

from typing import TYPE_CHECKING

import numpy as np

from components.application import Predict
from components.data.tokenizing import UNKNOWN
from components.text_generation.ids import decode

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SEED = 1  # of the draws


def write_on(
    predict: Predict,
    tokenizer: "Tokenizer",
    prompt: np.ndarray,
    states: dict[str, np.ndarray],
    temperature: float,
    length: int,
) -> str:
    """The text that a network writes after a prompt.

    Args:
        predict: the network.
        tokenizer: turns its ids into text.
        prompt: ids to start from, (time,).
        states: start states by name, each (units,).
        temperature: as in `gatewise.sampling.Sampler`.
        length: ids to write.
    """
    from gatewise.sampling import Sampler

    carried = {name: state[None] for name, state in states.items()}
    ids, written, sampler = prompt[None], [], None
    for _ in range(length):
        results = predict({"ids": ids.astype(np.int32), **carried})
        carried = {name: results[f"{name}_next"] for name in states}
        logits = results["logits"][0, -1]  # (vocabulary,)
        sampler = sampler or Sampler(len(logits), temperature, seed=SEED, banned=tokenizer.token_to_id(UNKNOWN))
        written.append(sampler.draw(np.array(logits)))
        ids = np.array([[written[-1]]])
    return decode(tokenizer, written)


def fenced(text: str) -> str:
    """The text as a Markdown code block that shows it letter by letter."""
    fence = "`" * max(3, 1 + max((len(run) for run in text.split() if set(run) == {"`"}), default=0))
    return f"{fence}text\n{text}\n{fence}"
