"""Where clips of spoken words come from: espeak-ng, the public data sets, and the user's own."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from components.data.artifacts import sha256_of
from components.data.sources import RemoteFile, Source, fetch, identity, is_own, named, own_path

SOURCES = {
    source.name: source
    for source in (
        Source("embedded", "embedded", "words spoken by espeak-ng in many voices, over noise", "Apache-2.0"),
        Source(
            "speech_commands_v2",
            "public",
            "Google Speech Commands v0.02: 105,829 clips of 35 words by 2,618 speakers, official hash split",
            "CC BY 4.0",
            (
                RemoteFile(
                    "speech_commands_v0.02.tar.gz",
                    "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
                    "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
                    2_428_923_189,
                ),
            ),
        ),
        Source(
            "fsdd",
            "public",
            "Free Spoken Digit Dataset: 3,000 clips of ten digits by six speakers, 8 kHz, official split",
            "CC BY-SA 4.0",
            (
                RemoteFile(
                    "free-spoken-digit-dataset-1.0.10.tar.gz",
                    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz",
                ),
            ),
        ),
    )
}


def fingerprint(source: str, seed: int) -> str:
    """What identifies the raw data of a source, without loading it."""
    if is_own(source):
        return sha256_of(own_path(source))
    entry = named(SOURCES, source)
    if entry.kind == "embedded":
        try:
            return f"espeak-ng {version('espeakng-loader')} seed {seed}"
        except PackageNotFoundError:
            return "espeak-ng is missing"
    return " ".join(map(identity, entry.files))


def ingest(source: str, words: Sequence[str], count: int, rate: int, seed: int, folder: Path) -> dict[str, Any]:
    """Write the clips of a source and return the data card.

    Args:
        source: a name in the catalogue or a path.
        words: what espeak-ng speaks for `embedded`.
        count: how many clips it speaks.
        rate: Hz; 0 takes the clips' own.
        seed: of what espeak-ng speaks.
        folder: where to.
    """
    from components.speech_commands.ingest import ingest_archive, ingest_spoken

    if is_own(source):
        return {"licence": "the owner's", **ingest_archive(own_path(source), rate, folder)}
    entry = named(SOURCES, source)
    if entry.kind == "embedded":
        return {"licence": entry.licence, **ingest_spoken(words, count, rate, seed, folder)}
    return {"licence": entry.licence, "url": entry.files[0].url, **ingest_archive(fetch(entry.files[0]), rate, folder)}
