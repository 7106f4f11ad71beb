"""The light package's predictors, used as a device uses them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import gatewise
from components.benchmarks.peers import Prepare, Work

CHARACTERS = 200  # generated per call
NOISE = 0.1  # loudness of the audio, full scale is 1


def start(threads: int) -> Prepare:
    """A function that loads a case's `bundle` in its `variant` and does its `task`: "write", "feed" or "predict"."""

    def prepare(case: Mapping[str, Any]) -> Work:
        predictor: Any = gatewise.load(case["bundle"], case.get("variant"), threads)
        if case["task"] == "write":
            return Work(lambda: predictor.predict(case["prompt"], length=CHARACTERS, temperature=0.8), CHARACTERS)
        audio = NOISE * np.random.default_rng(0).standard_normal(case["samples"])
        samples = np.clip(audio, -1, 1).astype(np.float32)
        act = predictor.feed if case["task"] == "feed" else predictor.predict
        return Work(lambda: act(samples), case.get("units", 1))

    return prepare
