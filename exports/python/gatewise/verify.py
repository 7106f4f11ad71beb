"""Whether a bundle computes on this device what it computed where it was made: its test vectors replayed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gatewise.bundle import Bundle, Variant
from gatewise.errors import GatewiseError, MissingRuntimeError, VerificationError
from gatewise.runtime import Runtime

VECTORS, TOKENIZER = "testvectors.npz", "tokenizer.json"
REPEATS = 5  # the quickest counts: the others were disturbed


@dataclass(frozen=True)
class Check:
    """What replaying the test vectors on one variant gave.

    Attributes:
        variant: its name, or `tokenizer`.
        passed: whether every output is within tolerance; None when it was skipped.
        max_error: largest absolute error of any output or state.
        tolerance: largest error accepted.
        milliseconds: quickest replay of one case, on one thread.
        note: why it was skipped, or what is wrong.
    """

    variant: str
    passed: bool | None
    max_error: float | None = None
    tolerance: float | None = None
    milliseconds: float | None = None
    note: str = ""


def verify(bundle: Bundle) -> list[Check]:
    """One check per variant, then one of the tokenizer if there is one.

    Raises:
        BundleError: the test vectors are missing or unreadable.
        VerificationError: there is nothing to replay.
    """
    vectors = bundle.arrays(VECTORS)
    cases = _cases(vectors)
    if not cases:
        raise VerificationError(f"{VECTORS} of bundle {bundle.path} holds no case: make the bundle again")
    checks = [_replayed(bundle, variant, cases) for variant in bundle.variants.values()]
    return [*checks, _tokenized(bundle, vectors)] if "text" in vectors else checks


def require(bundle: Bundle, checks: list[Check]) -> None:
    """Nothing, if every check passed that could be made.

    Raises:
        VerificationError: one failed, or none could be made.
    """
    failed = [check for check in checks if check.passed is False]
    if failed:
        what = "; ".join(f"{check.variant}: {check.note}" for check in failed)
        raise VerificationError(f"bundle {bundle.path} does not verify: {what}: do not use it on this device")
    if not any(check.passed for check in checks if check.variant in bundle.variants):
        raise VerificationError(f"bundle {bundle.path} has no variant that this device can run: {checks[0].note}")


def _replayed(bundle: Bundle, variant: Variant, cases: list[dict[str, dict[str, np.ndarray]]]) -> Check:
    """A variant's check: every case through the runtime that the predictors use."""
    worst, quickest, note = 0.0, float("inf"), ""
    try:
        runtime = Runtime(bundle, variant)
        for case in cases:
            given = case["input"]
            states = [given[state.name] for state in runtime.states] or []
            for _ in range(REPEATS):
                started = time.perf_counter()
                outputs, after = runtime.run(given, states)
                quickest = min(quickest, 1_000 * (time.perf_counter() - started))
            found = outputs | {state.next: array for state, array in zip(runtime.states, after, strict=True)}
            for name, expected in case["output"].items():
                error = _error(found.get(name), expected)
                if error > worst:
                    worst, note = error, f"'{name}' is {error:.3g} off, tolerance {variant.tolerance:.3g}"
    except MissingRuntimeError as error:
        return Check(variant.name, None, note=str(error))
    except (GatewiseError, KeyError) as error:
        return Check(variant.name, False, note=f"cannot replay: {error}")
    passed = worst <= variant.tolerance
    return Check(variant.name, passed, worst, variant.tolerance, quickest, "" if passed else note)


def _error(found: np.ndarray | None, expected: np.ndarray) -> float:
    """Largest absolute error; infinite when the shape is another or something is not a number."""
    if found is None or found.shape != expected.shape:
        return float("inf")
    error = float(np.abs(found.astype(np.float64) - expected).max(initial=0.0))
    return float("inf") if np.isnan(error) else error


def _tokenized(bundle: Bundle, vectors: Mapping[str, np.ndarray]) -> Check:
    """The check that texts become the ids that training gave them."""
    from gatewise.tokenizer import read_tokenizer

    started = time.perf_counter()
    texts = vectors["text"].tolist()
    try:
        tokenizer = read_tokenizer(bundle.read(TOKENIZER))
        for place, text in enumerate(texts):
            if tokenizer.encode(text) != vectors[f"ids/{place}"].tolist():
                return Check("tokenizer", False, note=f"text {place} gives other ids than in training")
    except (GatewiseError, KeyError) as error:
        return Check("tokenizer", False, note=str(error))
    milliseconds = 1_000 * (time.perf_counter() - started) / max(1, len(texts))
    return Check("tokenizer", True, 0.0, 0.0, milliseconds)


def _cases(vectors: Mapping[str, np.ndarray]) -> list[dict[str, dict[str, np.ndarray]]]:
    """Inputs and outputs by name, per case, from keys such as case0/input/ids."""
    cases: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for key, array in vectors.items():
        case, _, rest = key.partition("/")
        role, _, name = rest.partition("/")
        if case.startswith("case") and role in ("input", "output"):
            cases.setdefault(case, {"input": {}, "output": {}})[role][name] = array
    return [cases[name] for name in sorted(cases)]
