"""What a bundle's variant computes, how well and how fast, through the runtime that devices use."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.application import Application, Description, Feeds, Predict
from components.bundles.choice import largest_loss, loss
from components.converters.checking.timing import median_seconds
from components.settings import Settings

if TYPE_CHECKING:
    from gatewise.bundle import Variant
    from gatewise.runtime import Runtime

log = logging.getLogger(__name__)

VARIANT_EXAMPLES = 2_000  # test examples each variant is scored on: the same for all, so that they compare
CHOICE_EXAMPLES = 2_000  # validation examples on which files are chosen: 0.2 points are four of them
LATENCY_ROUNDS, LATENCY_RUNS = 12, 5  # variants take turns of so many runs; the median of all is reported
QUANTIZED_MARGIN = 2.0  # a quantised variant may differ on another processor by this much more than it did here
EXACT = "float32"


@dataclass(frozen=True)
class Measuring:
    """Measures the variants of one bundle.

    Attributes:
        app: whose metric counts.
        folder: the bundle.
        description: its real inputs.
        expected: what Keras computes from each of them.
        data: the preprocessed data.
        config: the settings.
    """

    app: Application[Any]
    folder: Path
    description: Description
    expected: Sequence[dict[str, np.ndarray]]
    data: Path
    config: Settings

    def validation(self, name: str) -> tuple[float, int]:
        """The metric on the validation part, and on how many examples."""
        _, predict = self._opened(name)
        scores = self.app.score(predict, self.data, self.config, limit=CHOICE_EXAMPLES, part="validation")
        return float(scores.metrics[self.app.metric.name]), len(scores.each)

    def verdict(self, name: str, exact: tuple[float, int]) -> dict[str, Any]:
        """How much worse than float32 the variant is on the validation part, and whether that is accepted.

        Args:
            name: the variant.
            exact: metric and number of examples of the float32 model.
        """
        value, examples = self.validation(name)
        worse = loss(self.app.metric, exact[0], value)
        return {"loss": worse, "recommended": bool(worse <= largest_loss(self.app.metric, exact[0], examples))}

    def measured(self, name: str) -> dict[str, Any]:
        """Parity and test metric."""
        from components.converters import check_parity

        variant, predict = self._opened(name)
        exact = variant.precision == EXACT
        errors = [
            check_parity(wanted, predict(case), variant.tolerance if exact else np.inf, name)
            for case, wanted in zip(self.description.cases, self.expected, strict=True)
        ]
        started = time.perf_counter()
        scores = self.app.score(predict, self.data, self.config, limit=VARIANT_EXAMPLES)
        log.info("scored %s in %.1f s", name, time.perf_counter() - started)
        return {
            "parity": max(errors),
            "tolerance": variant.tolerance if exact else max(variant.tolerance, QUANTIZED_MARGIN * max(errors)),
            "metric": scores.metrics[self.app.metric.name],
            "metric_examples": len(scores.each),
        }

    def latencies(self, names: Sequence[str]) -> dict[str, float]:
        """Milliseconds of one prediction on one thread by variant, all measured side by side."""
        predicts, case = [self._opened(name)[1] for name in names], self.description.cases[0]
        calls = [partial(predict, case) for predict in predicts]
        taken = median_seconds(calls, LATENCY_ROUNDS, LATENCY_RUNS)
        return {name: 1_000 * seconds for name, seconds in zip(names, taken, strict=True)}

    def _opened(self, name: str) -> "tuple[Variant, Predict]":
        from gatewise.bundle import open_bundle
        from gatewise.runtime import Runtime

        bundle = open_bundle(self.folder)
        variant = bundle.variant(name)
        return variant, runtime_predict(Runtime(bundle, variant))


def runtime_predict(runtime: "Runtime") -> Predict:
    """A predict function over a variant as a device runs it: states in and out under the graph's names."""

    def predict(feeds: Feeds) -> dict[str, np.ndarray]:
        states = [np.asarray(feeds[state.name], state.dtype) for state in runtime.states if state.name in feeds]
        outputs, following = runtime.run(feeds, states)
        return outputs | {state.next: array for state, array in zip(runtime.states, following, strict=True)}

    return predict
