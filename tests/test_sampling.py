"""Drawing ids: what temperature, top-k, top-p and the seed mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewise import GatewiseError, InputError
from gatewise.sampling import Sampler

DRAWS = 2_000
LOGITS = np.log(np.array([0.05, 0.4, 0.1, 0.3, 0.15], np.float32))


def shares(logits, **settings):
    """How often each id is drawn."""
    sampler = Sampler(len(logits), seed=7, **settings)
    drawn = [sampler.draw(logits.copy()) for _ in range(DRAWS)]
    return np.bincount(drawn, minlength=len(logits)) / DRAWS


def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_ids_are_drawn_with_the_probabilities_of_the_temperature(temperature):
    assert shares(LOGITS, temperature=temperature) == pytest.approx(softmax(LOGITS / temperature), abs=0.05)


@pytest.mark.parametrize("temperature", [0, 1e-9, 1e-5])
def test_no_temperature_takes_the_likeliest(temperature):
    assert shares(LOGITS, temperature=temperature)[1] == 1


def test_top_k_draws_from_the_k_likeliest_in_their_proportion():
    assert shares(LOGITS, temperature=1, top_k=2) == pytest.approx([0, 4 / 7, 0, 3 / 7, 0], abs=0.05)


def test_top_p_draws_from_the_fewest_that_reach_it():
    assert shares(LOGITS, temperature=1, top_p=0.65) == pytest.approx([0, 4 / 7, 0, 3 / 7, 0], abs=0.05)
    assert shares(LOGITS, temperature=1, top_p=0.39)[1] == 1
    assert shares(LOGITS, temperature=1, top_p=1.0) == pytest.approx(softmax(LOGITS), abs=0.05)


def test_top_p_counts_after_top_k():
    assert shares(LOGITS, temperature=1, top_k=2, top_p=0.5)[1] == 1


def test_top_p_is_right_in_a_vocabulary_larger_than_the_first_look():
    logits = np.zeros(3_000, np.float32)  # all alike: half of them make one half
    drawn = shares(logits, temperature=1, top_p=0.5)
    assert (drawn > 0).sum() > 800
    assert not drawn[1_501:].any()
    logits[2_000] = 20
    assert shares(logits, temperature=1, top_p=0.5)[2_000] == 1


@given(st.integers(1, 400), st.floats(0.05, 1), st.integers(0, 9), st.integers(1, 500) | st.none())
def test_the_nucleus_is_the_smallest_set_that_reaches_the_share(size, share, seed, top_k):
    logits = np.random.default_rng(seed).normal(0, 3, size).astype(np.float32)
    sampler = Sampler(size, temperature=1, top_k=top_k, top_p=share, seed=seed)
    probabilities = softmax(logits.astype(np.float64))
    order = np.argsort(-probabilities)[: top_k or size]
    kept = probabilities[order] / probabilities[order].sum()
    nucleus = order[: int(np.searchsorted(kept.cumsum(), share * (1 + 1e-6))) + 1]
    assert {sampler.draw(logits.copy()) for _ in range(20)} <= set(nucleus.tolist())


@given(st.integers(0, 2**32), st.floats(0.1, 3), st.integers(1, 70) | st.none(), st.floats(0.1, 1) | st.none())
def test_a_seed_repeats_its_draws(seed, temperature, top_k, top_p):
    logits = np.random.default_rng(1).normal(size=65).astype(np.float32)
    first, second = (Sampler(65, temperature, top_k, top_p, seed) for _ in range(2))
    assert [first.draw(logits.copy()) for _ in range(5)] == [second.draw(logits.copy()) for _ in range(5)]


def test_without_a_seed_draws_differ():
    logits = np.zeros(1_000, np.float32)
    drawn = {tuple(s.draw(logits.copy()) for _ in range(4)) for s in (Sampler(1_000), Sampler(1_000))}
    assert len(drawn) == 2


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"temperature": 1}, {"top_k": 2}, {"top_p": 0.9}])
def test_a_banned_id_is_never_drawn(settings):
    sampler = Sampler(5, seed=1, banned=1, **settings)
    assert 1 not in {sampler.draw(LOGITS.copy()) for _ in range(200)}


def test_extreme_logits_are_drawn_from_without_overflow():
    logits = np.array([-1e30, 1e30, -np.inf, 0], np.float32)
    assert shares(logits, temperature=1e-3)[1] == 1


def test_logits_that_are_no_numbers_are_one_clear_error():
    with pytest.raises(GatewiseError, match="not numbers"):
        Sampler(2, temperature=1).draw(np.array([np.nan, 1], np.float32))


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"temperature": "hot"},
        {"temperature": True},
        {"top_k": 0},
        {"top_k": 1.5},
        {"top_k": True},
        {"top_p": 0},
        {"top_p": 1.1},
        {"top_p": float("nan")},
        {"seed": -1},
        {"seed": 1.0},
    ],
)
def test_a_setting_out_of_bounds_is_named(settings):
    (name,) = settings
    with pytest.raises(InputError, match=name):
        Sampler(10, **settings)
