"""What training does to clips: sizes are kept, changes are bounded, nothing happens at strength zero."""

import numpy as np
import pytest

from components.speech_commands import augmentation as change
from components.speech_commands.augmentation import Augmentation

RATE = 16_000
MELS, FRAMES = 40, 50


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def frames() -> np.ndarray:
    """Smooth log-mel frames of five clips."""
    time, mel = np.meshgrid(np.arange(FRAMES), np.arange(MELS), indexing="ij")
    bumps = [-np.hypot((time - 25) / 10, (mel - 10 - 3 * clip) / 5) for clip in range(5)]
    return np.stack(bumps).astype(np.float32)  # (5, frames, mels)


def test_faster_is_shorter_and_higher() -> None:
    wave = np.sin(2 * np.pi * 400 * np.arange(RATE) / RATE).astype(np.float32)
    fast = change.change_speed(wave, 1.25)
    assert len(fast) == pytest.approx(RATE / 1.25, abs=2)
    assert np.argmax(np.abs(np.fft.rfft(fast))) == pytest.approx(400, abs=1)


@pytest.mark.parametrize(
    ("start", "wanted"), [(1, [0, 1, 2, 3, 0]), (-1, [2, 3, 0, 0, 0]), (4, [0, 0, 0, 0, 1]), (9, [0] * 5)]
)
def test_a_clip_is_cut_where_it_hangs_over(start: int, wanted: list[int]) -> None:
    assert change.place(np.array([1, 2, 3], np.float32), 5, start).tolist() == wanted


def test_a_room_keeps_the_direct_sound_loudest(rng: np.random.Generator) -> None:
    response = change.room(RATE, rng)
    assert response[0] == 1.0
    assert np.abs(response[1:]).max() < 1.0


def test_a_retold_clip_has_the_same_length_and_stays_finite(rng: np.random.Generator) -> None:
    clip = np.concatenate([np.zeros(9_000), rng.uniform(-0.5, 0.5, 7_000)]).astype(np.float32)
    for _ in range(10):
        told = change.retold(clip, RATE, rng, Augmentation())
        assert told.shape == clip.shape
        assert np.isfinite(told).all()
        assert np.abs(told).sum() > 0


def test_a_silent_clip_stays_silent(rng: np.random.Generator) -> None:
    assert not change.retold(np.zeros(RATE, np.float32), RATE, rng, Augmentation()).any()


def test_nothing_changes_at_strength_zero(frames: np.ndarray, rng: np.random.Generator) -> None:
    still = Augmentation().scaled(0)
    changed = change.coloured(change.moved(frames, rng, still, 0.02), rng, still)
    changed = change.masked(change.noisy(changed, np.zeros((99, MELS), np.float32), rng, still), rng, still)
    np.testing.assert_allclose(changed, frames, atol=1e-5)


def test_clips_are_changed_each_in_its_own_way(frames: np.ndarray, rng: np.random.Generator) -> None:
    same = np.repeat(frames[:1], 5, axis=0)
    for changed in (
        change.moved(same, rng, Augmentation(), 0.02),
        change.coloured(same, rng, Augmentation()),
        change.masked(same, rng, Augmentation()),
    ):
        assert changed.shape == same.shape
        assert all(np.abs(changed[0] - other).max() > 0.01 for other in changed[1:])


def test_a_gain_is_an_addition_in_the_logarithm(frames: np.ndarray, rng: np.random.Generator) -> None:
    louder = change.coloured(frames, rng, Augmentation(colour_db=0, gain_db=6)) - frames
    assert np.ptp(louder, axis=(1, 2)).max() < 1e-4
    assert np.abs(louder).max() <= 6 * change.DB + 1e-6


def test_noise_adds_energy_and_never_takes_any(frames: np.ndarray, rng: np.random.Generator) -> None:
    noise = rng.normal(size=(200, MELS)).astype(np.float32)
    louder = change.noisy(frames, noise, rng, Augmentation(noise=1.0, noise_db=(0.0, 10.0)))
    assert (louder >= frames).all()
    assert (louder > frames + 0.01).any()


def test_masks_blank_at_most_their_share(frames: np.ndarray, rng: np.random.Generator) -> None:
    blanked = change.masked(frames - 9, rng, Augmentation(masks=1, mask_share=0.2)) == 0
    assert blanked.all(axis=2).sum(axis=1).max() <= 0.2 * FRAMES + 1
    assert blanked.all(axis=1).sum(axis=1).max() <= 0.2 * MELS + 1
    assert blanked.any()


def test_short_noise_is_repeated(rng: np.random.Generator) -> None:
    assert len(change.stretch_of(np.arange(7), 30, rng)) == 30


def test_generated_noises_differ_in_colour_and_repeat_with_their_seed() -> None:
    white, pink, brown = (np.abs(np.fft.rfft(noise)) for noise in change.generated_noise(8_000, 3))
    low = [float(s[1_000:5_000].sum() / s[1_000:].sum()) for s in (white, pink, brown)]
    assert low == sorted(low)
    np.testing.assert_array_equal(change.generated_noise(8_000, 3)[1], change.generated_noise(8_000, 3)[1])
