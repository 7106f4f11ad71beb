"""From a source of clips to the clips on disk, and from these to the three parts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from components.data.artifacts import sha256_of
from components.errors import DataError
from components.speech_commands.audio import BACKGROUND, MAX_RATE, SPLITS, Clip, ClipReader, to_pcm
from components.speech_commands.augmentation import Augmentation, generated_noise, place, retold, stretch_of
from components.speech_commands.parts import (
    BY_TABLE,
    CORE_WORDS,
    FRAMES_PER_SECOND,
    SPECTRA,
    UNKNOWN,
    ClipFacts,
    Sounds,
    label_names,
    write_parts,
)
from components.speech_commands.splits import DIGIT_NAME, digit_split, file_name, is_digits, split
from components.speech_commands.store import Row, read_table, write_clips, write_table
from components.speech_commands.synthetic import OTHER_WORDS, speak

SPOKEN_NOISE_DB = (10.0, 35.0)  # espeak-ng's words above the noise laid under them
OTHER_EVERY = 6  # of the clips that espeak-ng speaks, one in so many is another word
SPOKEN_SECONDS = 1.0
WORDS_NAMED = 40  # in the data card


def ingest_archive(path: Path, rate: int, folder: Path) -> dict[str, Any]:
    """Write the clips of a folder or archive and the part of each; return the facts for the data card.

    Raises:
        DataError: a file that cannot be used, or nothing to use; names it.
    """
    reader = ClipReader(rate)
    rows = write_clips(folder, reader.read(path))
    spoken = [row for row in rows if row.label != BACKGROUND]
    if not spoken:
        raise DataError(f"{path}: no clips; give a folder of <word>/*.wav or *.flac, or a .tar.gz of one")
    placed, sentence = _placed(spoken)
    if loose := [row.name for row in placed if not row.label]:
        raise DataError(f"{path}: '{loose[0]}' lies in no word's folder ({len(loose)} such): move it to <word>/")
    noises = [row for row in rows if row.label == BACKGROUND]
    label_names(placed, ())  # a folder without two words is refused here, not a stage later
    write_table(folder, [*placed, *noises], reader.rate, sentence)
    return {**_facts(placed, reader.rate, sentence), **reader.report(), "sha256": sha256_of(path)}


def ingest_spoken(words: Sequence[str], count: int, rate: int, seed: int, folder: Path) -> dict[str, Any]:
    """Write words spoken by espeak-ng over noise, no voice in two parts; return the facts for the data card.

    Raises:
        SourceError: espeak-ng is not installed; says what to install.
    """
    rate = rate or MAX_RATE
    rows = write_clips(folder, _spoken_in_noise(words or CORE_WORDS, count, rate, seed))
    _, parts, sentence = split([row.name for row in rows], [row.label for row in rows])
    placed = [replace(row, split=part) for row, part in zip(rows, parts, strict=True)]
    write_table(folder, placed, rate, sentence)
    return _facts(placed, rate, "voices dealt out 80/10/10, no voice in two parts")


def prepare(
    raw: Path, folder: Path, words: Sequence[str], clip_seconds: float, synthetic_clips: int, seed: int
) -> dict[str, Any]:
    """Write the three parts of raw clips, with so many of espeak-ng's added to the training; return their sizes."""
    rows, pcm, rate, sentence = read_table(raw)
    hop = SPECTRA * (rate // (SPECTRA * FRAMES_PER_SECOND))
    labels = label_names([row for row in rows if row.label != BACKGROUND], words)
    facts = ClipFacts(labels, rate, hop, round(clip_seconds * FRAMES_PER_SECOND) * hop, sentence)
    extra = Sounds((), np.zeros(0, np.int16))
    if synthetic_clips:
        wanted = [label for label in labels if label[0] != "_"]
        clips = _synthetic(wanted, synthetic_clips, rate, facts.clip_samples, seed)
        extra = _in_memory(clip for clip in clips if clip.label in labels)  # some data know no other words
    sizes = write_parts(Sounds(rows, pcm), extra, facts, seed, folder)
    return {"labels": list(labels), "clips": sizes, "synthetic_clips": len(extra.rows), "sample_rate": rate}


def _placed(rows: Sequence[Row]) -> tuple[list[Row], str]:
    """The rows with speaker and part, and how these were found."""
    if all(row.split for row in rows):
        return list(rows), BY_TABLE
    names = [row.name for row in rows]
    if is_digits(names):
        speakers, parts = digit_split(names)
        labels = [match["label"] if (match := DIGIT_NAME.search(file_name(name))) else "" for name in names]
        sentence = "the data's own: recordings 0-4 of each speaker and word are the test, 5-9 validation"
    else:
        labels = [row.label for row in rows]
        speakers, parts, sentence = split(names, labels)
    changed = zip(rows, labels, speakers, parts, strict=True)
    return [replace(row, label=word, speaker=who, split=part) for row, word, who, part in changed], sentence


def _facts(rows: Sequence[Row], rate: int, sentence: str) -> dict[str, Any]:
    words, parts = Counter(row.label for row in rows), Counter(row.split for row in rows)
    return {
        "clips": len(rows),
        "hours": round(sum(row.samples for row in rows) / rate / 3_600, 2),
        "words": dict(words.most_common(WORDS_NAMED)),
        "speakers": len({row.speaker for row in rows}),
        "sample_rate": rate,
        "split": sentence,
        "parts": {part: parts[part] for part in SPLITS},
    }


def _words_and_others(words: Sequence[str], count: int, rate: int, seed: int) -> Iterator[Clip]:
    """espeak-ng's clips of the words, and one in `OTHER_EVERY` of other words, labelled as unknown."""
    others = [word for word in OTHER_WORDS if word not in words]
    yield from speak(words, count - count // OTHER_EVERY, rate, seed)
    for clip in speak(others, count // OTHER_EVERY, rate, seed + 1):
        yield replace(clip, label=UNKNOWN)


def _synthetic(words: Sequence[str], count: int, rate: int, length: int, seed: int) -> Iterator[Clip]:
    """espeak-ng's clips somewhere in a clip, as recorded words are; those that are too long are left out."""
    rng, changes = np.random.default_rng(seed), Augmentation()
    for clip in _words_and_others(words, count, rate, seed):
        if len(clip.samples) <= length:
            gain = np.float32(10 ** rng.uniform(-1.3, 0))
            samples = place(clip.samples * gain, length, length - len(clip.samples))
            yield replace(clip, samples=retold(samples, rate, rng, changes))


def _spoken_in_noise(words: Sequence[str], count: int, rate: int, seed: int) -> Iterator[Clip]:
    """The same over noise of a random kind and loudness: the embedded source."""
    rng, noises = np.random.default_rng(seed), generated_noise(rate, seed)
    for clip in _synthetic(words, count, rate, int(SPOKEN_SECONDS * rate), seed):
        noise = stretch_of(noises[rng.integers(len(noises))], len(clip.samples), rng)
        below = 10 ** (-rng.uniform(*SPOKEN_NOISE_DB) / 20)
        scale = below * np.abs(clip.samples).max() / np.abs(noise).max()
        yield replace(clip, samples=np.clip(clip.samples + scale * noise, -1, 1))


def _in_memory(clips: Iterator[Clip]) -> Sounds:
    """Rows and samples of clips that need no file."""
    rows, parts, start = [], [], 0
    for clip in clips:
        rows.append(Row(clip.name, clip.label, clip.speaker, "train", start, len(clip.samples)))
        parts.append(to_pcm(clip.samples))
        start += len(clip.samples)
    return Sounds(rows, np.concatenate(parts))
