"""Which files of a bundle are good enough to be used unasked, decided on the validation part."""

from collections.abc import Mapping
from typing import Any

from components.application import Metric

LARGEST_LOSS_POINTS = 0.2  # of a metric in per cent
LARGEST_LOSS_SHARE = 0.005  # of any other, such as nats
ROUNDING = 1e-9  # of a percentage of few examples


def loss(metric: Metric, exact: float, found: float) -> float:
    """By how much `found` is worse than float32's `exact`, in the metric's unit; negative where it is better."""
    return exact - found if metric.higher_is_better else found - exact


def largest_loss(metric: Metric, exact: float, examples: int) -> float:
    """The loss that is accepted: 0.2 points of a percentage, at the least one example; else 0.5% of the value."""
    if metric.unit == "%":
        return max(LARGEST_LOSS_POINTS, 100 / examples) + ROUNDING
    return LARGEST_LOSS_SHARE * abs(exact)


def fastest_step(variants: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The setting `step_variant`: the fastest recommended variant per step; empty without states.

    Args:
        variants: the manifest's variants, measured.
    """
    timed = {name: v["step_us"] for name, v in variants.items() if v.get("step_us") and v["recommended"]}
    return {"step_variant": min(timed, key=lambda name: timed[name])} if timed else {}
