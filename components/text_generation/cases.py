"""Inputs to try an exported text network on: test vectors and what its number ranges are taken from."""

import numpy as np

from components.application import Feeds
from components.networks.gru import STATE
from components.text_generation.scores import CHUNK

CASES, CASE_IDS = 3, 32  # test vectors: how many, and ids in each


def start(units: int, layers: int) -> dict[str, np.ndarray]:
    """The start states by name, zeros, each (units,)."""
    return {STATE.format(index): np.zeros(units, np.float32) for index in range(layers)}


def cases(ids: np.ndarray, states: dict[str, np.ndarray], seed: int) -> tuple[Feeds, ...]:
    """The first pieces of some ids, one from the start states, the others from states as a text leaves them."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(CASES):
        piece = ids[index * CASE_IDS : (index + 1) * CASE_IDS][None].astype(np.int32)  # (1, time)
        spread = 0.0 if index == 0 else 0.5  # a GRU's state lies within (-1, 1)
        given = {
            name: rng.uniform(-spread, spread, (1, *state.shape)).astype(np.float32) for name, state in states.items()
        }
        found.append({"ids": piece, **given})
    return tuple(found)


def openings(ids: np.ndarray, states: dict[str, np.ndarray], count: int) -> tuple[Feeds, ...]:
    """Pieces spread over some ids, each from the start states."""
    places = np.linspace(0, max(0, len(ids) - CHUNK), count).astype(int)
    given = {name: state[None] for name, state in states.items()}
    return tuple({"ids": ids[None, place : place + CHUNK].astype(np.int32), **given} for place in places)
