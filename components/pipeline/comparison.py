"""The model beside its baselines: which is the hardest, and whether a lead over it is more than chance."""

from typing import Any

from components.application import Application, Scores
from components.errors import DataError


def compare(app: Application[Any], scores: Scores, others: dict[str, Scores]) -> dict[str, Any]:
    """The model's metrics beside every baseline's, with the hardest baseline named and a paired test against it.

    Raises:
        DataError: the application has no baseline.
    """
    if not others:
        raise DataError(f"{app.name} has no baseline to compare with")
    metric = app.metric
    values = {name: other.metrics[metric.name] for name, other in others.items()}
    hardest = max(values, key=lambda name: values[name] if metric.higher_is_better else -values[name])
    value = scores.metrics[metric.name]
    return {
        "metric": metric.name,
        "higher_is_better": metric.higher_is_better,
        "value": value,
        "metrics": dict(scores.metrics),
        "baselines": {name: dict(other.metrics) for name, other in others.items()},
        "baseline": hardest,
        "baseline_value": values[hardest],
        "beats_baseline": metric.better(value, values[hardest]),
        "p_value": paired_p_value(scores, others[hardest]),
        "test_examples": len(scores.each),
    }


def paired_p_value(model: Scores, baseline: Scores) -> float | None:
    """One-sided p-value that the model's losses are below the baseline's, example by example.

    A paired permutation test (random sign flips of the differences, 9,999 of them, fixed seed). None where the two
    were not measured on the same examples.
    """
    import numpy as np
    from scipy.stats import permutation_test

    if model.each.shape != baseline.each.shape or not len(model.each):
        return None
    test = permutation_test(
        (np.asarray(model.each, float), np.asarray(baseline.each, float)),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        alternative="less",
        vectorized=True,
        n_resamples=9_999,
        batch=100,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)
