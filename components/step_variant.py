"""Which file a predictor takes single steps with."""

from collections.abc import Mapping
from typing import Any

LARGEST_LOSS = 0.005  # of the metric, relative: a faster variant that differs by more is not taken unasked


def fastest_step(variants: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The setting `step_variant`: the fastest variant per step that scores what float32 scores; empty without states.

    Args:
        variants: the manifest's variants, measured.
    """
    exact = variants["onnx"]["metric"]
    timed = {
        name: variant["step_us"]
        for name, variant in variants.items()
        if variant.get("step_us") and abs(variant["metric"] - exact) <= LARGEST_LOSS * abs(exact)
    }
    return {"step_variant": min(timed, key=lambda name: timed[name])} if timed else {}
