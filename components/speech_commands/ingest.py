"""From a source of clips to the clips on disk, and from these to the three parts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.data.choices import chose, doubt
from components.errors import DataError, SourceError
from components.speech_commands.audio import MAX_RATE, Clip, ClipReader, Reading, to_pcm
from components.speech_commands.augmentation import Augmentation, generated_noise, place, retold, stretch_of
from components.speech_commands.clip_files import SPLITS, fingerprint_of
from components.speech_commands.layout import BACKGROUND, SILENCE, UNKNOWN, places
from components.speech_commands.parts import (
    BY_TABLE,
    FRAMES_PER_SECOND,
    SPECTRA,
    UNKNOWN_SHARES,
    ClipFacts,
    Sounds,
    label_names,
    write_parts,
)
from components.speech_commands.speakers import judged
from components.speech_commands.splits import DIGIT_NAME, dealt, digit_split, file_name, is_digits, split, split_by
from components.speech_commands.store import Row, read_table, write_clips, write_table
from components.speech_commands.synthetic import speak, speaker
from components.speech_commands.telling import tell_lengths, tell_noise, tell_words
from components.speech_commands.words import CORE_WORDS, other_than

if TYPE_CHECKING:
    from components.speech_commands.config import Config

SPOKEN_NOISE_DB = (10.0, 35.0)  # espeak-ng's words above the noise laid under them
OTHER_EVERY = 6  # of the clips that espeak-ng speaks, one in so many is another word
SPOKEN_SECONDS = 1.0
MOST_OTHERS = 5_000  # clips of other words in a part, spoken where the data has none
SPARE = 3  # so many times more are spoken than needed: voices are not dealt out evenly, and some words are too long
WORDS_NAMED = 40  # in the data card


def ingest_archive(path: Path, how: Reading, folder: Path) -> dict[str, Any]:
    """Write the clips of a folder or archive and the part of each; return the facts for the data card.

    Raises:
        DataError: a file that cannot be used, or nothing to use; names it.
    """
    reader = ClipReader(how.rate, how.channel, how.words)
    rows = _labelled(write_clips(folder, reader.read(path)), how.words)
    spoken = [row for row in rows if row.label != BACKGROUND]
    if not spoken:
        raise DataError(f"{path}: no clips; give a folder of <word>/*.wav or *.flac, or a .tar.gz of one")
    placed, sentence = _placed(spoken)
    if loose := [row.name for row in placed if not row.label]:
        raise DataError(f"{path}: '{loose[0]}' lies in no word's folder ({len(loose)} such): move it to <word>/")
    noises = [row for row in rows if row.label == BACKGROUND]
    label_names(placed, ())  # a folder without two words is refused here, not a stage later
    write_table(folder, [*placed, *noises], reader.rate, sentence)
    return {**_facts(placed, reader.rate, sentence), **reader.report(), "sha256": fingerprint_of(path)}


def ingest_spoken(words: Sequence[str], count: int, rate: int, seed: int, folder: Path) -> dict[str, Any]:
    """Write words spoken by espeak-ng over noise, no voice in two parts; return the facts for the data card.

    Raises:
        SourceError: espeak-ng is not installed; says what to install.
    """
    rate = rate or MAX_RATE
    clips = _synthetic(words or CORE_WORDS, count, rate, int(SPOKEN_SECONDS * rate), seed)
    rows = write_clips(folder, _in_noise(clips, rate, seed))
    parts = dealt([row.speaker for row in rows])
    placed = [replace(row, split=part) for row, part in zip(rows, parts, strict=True)]
    sentence = "voices dealt out 80/10/10, no voice in two parts"
    write_table(folder, placed, rate, sentence)
    return _facts(placed, rate, sentence)


def prepare(raw: Path, folder: Path, config: "Config") -> dict[str, Any]:
    """Write the three parts of raw clips, with those that espeak-ng is to add; return their sizes."""
    rows, pcm, rate, sentence = read_table(raw)
    hop = SPECTRA * (rate // (SPECTRA * FRAMES_PER_SECOND))
    spoken = [row for row in rows if row.label != BACKGROUND]
    labels = label_names(spoken, config.words)
    length = round(config.clip_seconds * FRAMES_PER_SECOND) * hop
    tell_words(rows, labels, config.words)
    tell_lengths(rows, length, rate)
    tell_noise(rows)
    others = [] if UNKNOWN in labels else _others(spoken, config, rate, length)
    labels = (*labels[:-1], UNKNOWN, SILENCE) if others else labels
    synthetic = _trained_on(labels, config, rate, length)
    facts = ClipFacts(labels, rate, hop, length, sentence)
    sizes = write_parts(Sounds(rows, pcm), _in_memory([*others, *synthetic]), facts, config.seed, folder)
    counts = {"clips": sizes, "synthetic_clips": len(synthetic), "other_words": len(others)}
    return {"labels": list(labels), **counts, "sample_rate": rate}


def _trained_on(labels: Sequence[str], config: "Config", rate: int, length: int) -> list[Clip]:
    """The clips by espeak-ng that were asked for: of the words, and of others if there is a label for them."""
    if not config.synthetic_clips:
        return []
    words = [label for label in labels if label[0] != "_"]
    clips = _synthetic(words, config.synthetic_clips, rate, length, config.seed)
    return [replace(clip, split="train") for clip in clips if clip.label in labels]


def _labelled(rows: Sequence[Row], words: Sequence[str]) -> list[Row]:
    """The rows with word and perhaps speaker as their folders say, where no table says it."""
    if any(row.split for row in rows):
        return list(rows)
    found = places([row.name for row in rows], words)
    return [replace(row, label=place.label, speaker=place.speaker) for row, place in zip(rows, found, strict=True)]


def _others(rows: Sequence[Row], config: "Config", rate: int, length: int) -> list[Clip]:
    """Clips of other words by espeak-ng for all three parts, for data that has none; none where it cannot speak."""
    lack = "the data has no clips of other words, without which any word may be taken for a command"
    if not config.other_words:
        doubt("other words", f"{lack}: put some into a folder {UNKNOWN}, or set other_words=true")
        return []
    parts = Counter(row.split for row in rows)
    counts = {part: min(MOST_OTHERS, max(1, int(UNKNOWN_SHARES[part] * parts[part]))) for part in SPLITS}
    words, seed = other_than([row.label for row in rows]), config.seed + 2
    try:
        clips = _of_own_voices(speak(words, SPARE * sum(counts.values()), rate, seed), counts)
        chosen = list(_in_noise(_somewhere(clips, rate, length, seed), rate, seed))
    except SourceError as error:
        doubt("other words", f"{lack}, and espeak-ng cannot speak some ({error}): put some into a folder {UNKNOWN}")
        return []
    doubt("other words", f"{lack}: espeak-ng speaks {len(chosen)} for {UNKNOWN}, recorded ones would be better")
    return chosen


def _of_own_voices(clips: Iterator[Clip], counts: dict[str, int]) -> Iterator[Clip]:
    """So many of the clips for each part, labelled as unknown, every voice in one part only."""
    timbres = speaker().timbres
    parts, wanted = dict(zip(timbres, dealt(timbres), strict=True)), Counter(counts)
    for clip in clips:
        part = parts[clip.speaker]
        if wanted[part] > 0:
            wanted[part] -= 1
            yield replace(clip, label=UNKNOWN, split=part)


def _placed(rows: Sequence[Row]) -> tuple[list[Row], str]:
    """The rows with speaker and part, and how these were found."""
    if all(row.split for row in rows):
        return list(rows), BY_TABLE
    names = [row.name for row in rows]
    if is_digits(names):
        labels, speakers, parts, sentence = _flat(names)
    else:
        labels = [row.label for row in rows]
        speakers, parts, sentence = _split(rows, names, labels)
    changed = zip(rows, labels, speakers, parts, strict=True)
    return [replace(row, label=word, speaker=who, split=part) for row, word, who, part in changed], sentence


def _flat(names: Sequence[str]) -> tuple[list[str], list[str], list[str], str]:
    """Words, speakers, parts and how these were made, of clips in one folder named `<word>_<speaker>_<take>`."""
    labels = [match["label"] if (match := DIGIT_NAME.search(file_name(name))) else "" for name in names]
    chose("words", f"as the names of the files tell, <word>_<speaker>_<take>, for example '{labels[0]}'")
    speakers, parts = digit_split(names)
    if all(label.isdecimal() for label in labels) and set(parts) == set(SPLITS):
        sentence = "the data's own: recordings 0-4 of each speaker and word are the test, 5-9 validation"
        return labels, speakers, parts, sentence
    return labels, *split_by(judged(speakers, labels, "file names"), names, labels)


def _split(rows: Sequence[Row], names: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[str], str]:
    """Speakers, parts and how they were made: by the speakers' folders where there are such, else by file names."""
    if any(row.speaker for row in rows):
        own = [row.speaker or name for row, name in zip(rows, names, strict=True)]
        return split_by(judged(own, labels, "folders"), names, labels)
    return split(names, labels)


def _facts(rows: Sequence[Row], rate: int, sentence: str) -> dict[str, Any]:
    words, parts = Counter(row.label for row in rows), Counter(row.split for row in rows)
    return {
        "clips": len(rows),
        "hours": round(sum(row.samples for row in rows) / rate / 3_600, 2),
        "words": dict(words.most_common(WORDS_NAMED)),
        "speakers": len({row.speaker for row in rows} - {""}),  # 0 where none can be told
        "sample_rate": rate,
        "split": sentence,
        "parts": {part: parts[part] for part in SPLITS},
    }


def _words_and_others(words: Sequence[str], count: int, rate: int, seed: int) -> Iterator[Clip]:
    """espeak-ng's clips of the words, and one in `OTHER_EVERY` of other words, labelled as unknown."""
    others = other_than(words)
    yield from speak(words, count - count // OTHER_EVERY, rate, seed)
    for clip in speak(others, count // OTHER_EVERY, rate, seed + 1):
        yield replace(clip, label=UNKNOWN)


def _synthetic(words: Sequence[str], count: int, rate: int, length: int, seed: int) -> Iterator[Clip]:
    """espeak-ng's clips of the words and of others, as recorded ones are."""
    return _somewhere(_words_and_others(words, count, rate, seed), rate, length, seed)


def _somewhere(clips: Iterator[Clip], rate: int, length: int, seed: int) -> Iterator[Clip]:
    """Spoken words somewhere in a clip, as recorded words are; those that are too long are left out."""
    rng, changes = np.random.default_rng(seed), Augmentation()
    for clip in clips:
        if len(clip.samples) <= length:
            gain = np.float32(10 ** rng.uniform(-1.3, 0))
            samples = place(clip.samples * gain, length, length - len(clip.samples))
            yield replace(clip, samples=retold(samples, rate, rng, changes))


def _in_noise(clips: Iterator[Clip], rate: int, seed: int) -> Iterator[Clip]:
    """The same over noise of a random kind and loudness."""
    rng, noises = np.random.default_rng(seed), generated_noise(rate, seed)
    for clip in clips:
        noise = stretch_of(noises[rng.integers(len(noises))], len(clip.samples), rng)
        below = 10 ** (-rng.uniform(*SPOKEN_NOISE_DB) / 20)
        scale = below * np.abs(clip.samples).max() / np.abs(noise).max()
        yield replace(clip, samples=np.clip(clip.samples + scale * noise, -1, 1))


def _in_memory(clips: Sequence[Clip]) -> Sounds:
    """Rows and samples of clips that need no file."""
    rows, parts, start = [], [np.zeros(0, np.int16)], 0
    for clip in clips:
        rows.append(Row(clip.name, clip.label, clip.speaker, clip.split, start, len(clip.samples)))
        parts.append(to_pcm(clip.samples))
        start += len(clip.samples)
    return Sounds(rows, np.concatenate(parts))
