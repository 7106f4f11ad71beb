"""Raw prompts for the front-door check, and what the network writes after them."""

from typing import TYPE_CHECKING

import numpy as np

from components.application import Call, FrontDoor, Predict
from components.text_generation import ids
from components.text_generation.samples import write_on

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PROMPTS, PROMPT_IDS, WRITTEN_IDS = 3, 60, 40
LIKELIEST = 0.0  # temperature at which nothing is drawn


def asked(predict: Predict, test: np.ndarray, tokenizer: "Tokenizer", states: dict[str, np.ndarray]) -> FrontDoor:
    """Passages of the test part as prompts, and the likeliest continuation of each.

    Args:
        predict: the network.
        test: ids of the test part, (length,).
        tokenizer: turns them into text.
        states: start states by name, each (units,).
    """
    calls, expected = [], []
    for place in np.linspace(0, len(test) - PROMPT_IDS, PROMPTS).astype(int):
        prompt = ids.decode(tokenizer, test[place : place + PROMPT_IDS])
        read = ids.encode(tokenizer, prompt)
        text = write_on(predict, tokenizer, read, states, LIKELIEST, WRITTEN_IDS)
        calls.append(Call((prompt,), ("--length", str(WRITTEN_IDS), "--temperature", "0")))
        expected.append({"prompt": prompt, "text": text})
    return FrontDoor(tuple(calls), tuple(expected))
