"""Bit parity: bits go in, "even" or "odd" comes out."""

from collections.abc import Sequence

import numpy as np

from gatewise.bundle import Bundle
from gatewise.runtime import Runtime


class ParityJudge:
    """Says whether the ones in a row of bits are odd in number."""

    def __init__(self, bundle: Bundle, variant: str | None = None, threads: int = 1) -> None:
        self.bundle = bundle
        self._runtime = Runtime(bundle, bundle.variant(variant), threads)

    def predict(self, bits: Sequence[int]) -> str:
        """ "even" or "odd"."""
        outputs, _ = self._runtime.run({"bits": np.array(bits, np.float32)[None, :, None]})
        return str(self.bundle.settings["labels"][int(outputs["probabilities"][0].argmax())])


Predictor = ParityJudge
