"""The three parts that a recogniser is trained, tuned and measured on, made of labelled clips and background noise."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.data.choices import chose
from components.errors import DataError
from components.speech_commands.audio import BACKGROUND, SPLITS, from_pcm, to_pcm
from components.speech_commands.augmentation import generated_noise, stretch_of
from components.speech_commands.layout import SILENCE, UNKNOWN
from components.speech_commands.store import Row
from components.speech_commands.words import CORE_WORDS
from gatewise.clip_search import clip_search

FRAMES_PER_SECOND = 25  # a recogniser answers every 40 ms
SPECTRA = 2  # that are heard for each answer, one every 20 ms
NOISE_SHARES = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}  # of each recording, in time order
UNKNOWN_SHARES = {"train": 0.3, "validation": 0.1, "test": 0.1}  # of the word clips; 0.1 as in the official test set
SILENCE_SHARE = 0.1  # of the word clips, as in the official test set
SILENCE_GAINS = (-3.0, 0.0)  # powers of ten by which background noise is turned down to become a clip of silence
FACTS, WHOLE = "facts.json", "test_whole.npz"
WHOLE_CLIPS = 20  # test recordings kept as they were, which a device is asked about when a bundle is made


@dataclass(frozen=True)
class ClipFacts:
    """What the clips of all parts have in common."""

    labels: tuple[str, ...]
    sample_rate: int  # Hz
    hop: int  # samples from one frame, that is one answer, to the next
    clip_samples: int
    split: str  # how the parts were made

    @property
    def frames(self) -> int:
        """Frames of one clip."""
        return self.clip_samples // self.hop

    @property
    def spectra(self) -> int:
        """Log-mel spectra of one clip."""
        return self.frames * SPECTRA

    @property
    def spectrum_hop(self) -> int:
        """Samples from one spectrum to the next."""
        return self.hop // SPECTRA


@dataclass(frozen=True)
class Part:
    """Clips of one part: (clips, clip_samples) 16-bit, (clips,) int32, and its own background noise (samples,)."""

    clips: np.ndarray
    labels: np.ndarray
    noise: np.ndarray

    def samples(self, first: int, last: int) -> np.ndarray:
        """Clips `first` to `last` as a network takes them: (clips, clip_samples) float32."""
        return from_pcm(self.clips[first:last])


@dataclass(frozen=True)
class Sounds:
    """Clips and the samples that they are stretches of, (samples,) 16-bit."""

    rows: Sequence[Row]
    pcm: np.ndarray

    def of(self, row: Row) -> np.ndarray:
        """The samples of one of the rows."""
        return self.pcm[row.start : row.start + row.samples]


def read_facts(data: Path) -> ClipFacts:
    """What preprocess wrote about the clips in `data`."""
    facts = json.loads((data / FACTS).read_text())
    return ClipFacts(**(facts | {"labels": tuple(facts["labels"])}))


def read_part(data: Path, part: str) -> Part:
    """The clips of one part, mapped from disk."""
    arrays = [np.load(data / f"{part}_{name}.npy", mmap_mode="r") for name in ("clips", "labels", "noise")]
    return Part(*arrays)


def label_names(rows: Sequence[Row], words: Sequence[str]) -> tuple[str, ...]:
    """The wanted words in order, then `_unknown_` if there are others, then `_silence_`.

    Without wanted words they are the ten of Speech Commands where all of these are there, else every word there is.

    Raises:
        DataError: fewer than two words, or a wanted one that nobody says.
    """
    there = Counter(row.label for row in rows if row.label not in (BACKGROUND, SILENCE))
    if len(there) < 2:
        named = f"only the word '{next(iter(there))}'" if there else "no word at all"
        raise DataError(f"the clips hold {named}: give at least two word folders, or one and {UNKNOWN}")
    missing = [word for word in words if word not in there]
    if missing:
        raise DataError(f"no clip of the word '{missing[0]}': words there are {', '.join(sorted(there))}")
    core = CORE_WORDS if set(CORE_WORDS) <= set(there) else tuple(sorted(set(there) - {UNKNOWN}))
    wanted = tuple(words or core)
    return (*wanted, *((UNKNOWN,) if set(there) - set(wanted) else ()), SILENCE)


def write_parts(recorded: Sounds, extra: Sounds, facts: ClipFacts, seed: int, folder: Path) -> dict[str, Any]:
    """Write clips, labels and noise of the three parts and return how many clips each has; `extra` are not thinned out.

    Raises:
        DataError: a part without clips, or a word nobody says in the training part.
    """
    (folder / FACTS).write_text(json.dumps(asdict(facts)))
    return {part: _write_part(part, (recorded, extra), facts, seed, folder) for part in SPLITS}


def _write_part(part: str, sounds: tuple[Sounds, Sounds], facts: ClipFacts, seed: int, folder: Path) -> int:
    """Write one part and return how many clips it has: recorded ones, extra ones, and silence at the end."""
    recorded, extra = sounds
    rng = np.random.default_rng((seed, SPLITS.index(part)))
    noise = _noise(recorded, facts.sample_rate, part, seed)
    chosen = _chosen([row for row in recorded.rows if row.split == part], facts, rng)
    if not chosen:
        raise DataError(f"no clips for the {part} part: record more speakers, or give a clips.csv with a split column")
    silent = _silences(chosen, noise, facts, rng)
    added = [row for row in extra.rows if row.split == part]
    names = [row.label for row in (*chosen, *added)]
    labels = [_index(name, facts.labels) for name in names] + [len(facts.labels) - 1] * len(silent)
    if part == "train" and (unheard := set(range(len(facts.labels))) - set(labels)):
        raise DataError(f"no training clip of '{facts.labels[min(unheard)]}': record more speakers or leave it out")
    spoken = [recorded.of(row) for row in chosen] + [extra.of(row) for row in added]  # views: nothing is copied
    shape = (len(labels), facts.clip_samples)
    clips = np.lib.format.open_memmap(folder / f"{part}_clips.npy", "w+", np.int16, shape)
    for place_, samples in enumerate(spoken):
        clips[place_] = fitted(samples, facts.clip_samples)
    clips[len(spoken) :] = np.reshape(silent, (len(silent), facts.clip_samples))
    clips.flush()
    np.save(folder / f"{part}_labels.npy", np.array(labels, np.int32))
    np.save(folder / f"{part}_noise.npy", to_pcm(noise))
    if part == "test":
        _write_whole(spoken, folder)
    return len(labels)


def _write_whole(spoken: Sequence[np.ndarray], folder: Path) -> None:
    """Write some recordings as long as they are, from the shortest to the longest, with their places in the part."""
    by_length = sorted(range(len(spoken)), key=lambda place: len(spoken[place]))
    places = sorted({by_length[i] for i in np.linspace(0, len(spoken) - 1, WHOLE_CLIPS).astype(int)})
    np.savez(folder / WHOLE, **{str(place): spoken[place] for place in places})


def read_whole(data: Path) -> dict[int, np.ndarray]:
    """Some recordings of the test part before they were cut, 16-bit (samples,), by their place in the part."""
    with np.load(data / WHOLE) as arrays:
        return {int(place): arrays[place] for place in arrays.files}


def fitted(samples: np.ndarray, length: int) -> np.ndarray:
    """A clip of exactly `length` samples, cut as devices cut it: zeros in front, or the loudest stretch."""
    return clip_search(length).cut(samples)


def _index(label: str, labels: Sequence[str]) -> int:
    return labels.index(label) if label in labels else labels.index(UNKNOWN)


def _chosen(rows: Sequence[Row], facts: ClipFacts, rng: np.random.Generator) -> list[Row]:
    """The rows of a part, other words thinned out unless their owner said which clips belong to it."""
    rows = [row for row in rows if row.label != BACKGROUND]
    others = [row for row in rows if _index(row.label, facts.labels) == _unknown(facts)]
    limit = int(UNKNOWN_SHARES[rows[0].split] * (len(rows) - len(others))) if rows else 0
    if facts.split == BY_TABLE or len(others) <= max(1, limit):
        return rows
    kept = {others[i].name for i in rng.permutation(len(others))[: max(1, limit)]}
    chose("other words", f"{len(kept)} of {len(others)} clips are taken for the {rows[0].split} part")
    return [row for row in rows if _index(row.label, facts.labels) != _unknown(facts) or row.name in kept]


BY_TABLE = "as the table clips.csv says"


def _unknown(facts: ClipFacts) -> int:
    return facts.labels.index(UNKNOWN) if UNKNOWN in facts.labels else -1


def _noise(recorded: Sounds, rate: int, part: str, seed: int) -> np.ndarray:
    """This part's stretch of every background recording, and noise made for it: (samples,) float32."""
    first, last = NOISE_SHARES[part]
    pieces = [
        from_pcm(recorded.pcm[row.start + int(first * row.samples) : row.start + int(last * row.samples)])
        for row in recorded.rows
        if row.label == BACKGROUND
    ]
    return np.concatenate(pieces + generated_noise(rate, seed + 1_000 * SPLITS.index(part)))


def _silences(rows: Sequence[Row], noise: np.ndarray, facts: ClipFacts, rng: np.random.Generator) -> list[np.ndarray]:
    """Clips of background noise for the label `_silence_`, where the data has none of its own."""
    if any(row.label == SILENCE for row in rows):
        return []
    count = max(1, int(SILENCE_SHARE * len(rows)))
    gains = 10 ** rng.uniform(*SILENCE_GAINS, count)
    return [to_pcm(stretch_of(noise, facts.clip_samples, rng) * gain) for gain in gains]
