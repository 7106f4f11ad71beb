"""Where clips of spoken words come from: espeak-ng, the public data sets, and the user's own."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.data.sources import RemoteFile, Source, fetch, identity, is_own, named, own_path
from components.speech_commands.audio import Reading
from components.speech_commands.clip_files import fingerprint_of

if TYPE_CHECKING:
    from components.speech_commands.config import Config

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
        return fingerprint_of(own_path(source))
    entry = named(SOURCES, source)
    if entry.kind == "embedded":
        try:
            return f"espeak-ng {version('espeakng-loader')} seed {seed}"
        except PackageNotFoundError:
            return "espeak-ng is missing"
    return " ".join(map(identity, entry.files))


def ingest(source: str, config: "Config", folder: Path) -> dict[str, Any]:
    """Write the clips of a source and return the data card.

    Args:
        source: a name in the catalogue or a path.
        config: words, rate and channel; seed, number and words of what espeak-ng speaks for `embedded`.
        folder: where to.
    """
    from components.speech_commands.ingest import ingest_archive, ingest_spoken
    from components.speech_commands.parts import CORE_WORDS

    how = Reading(config.sample_rate, config.channel, config.words)
    if is_own(source):
        return {"licence": "the owner's", **ingest_archive(own_path(source), how, folder)}
    entry = named(SOURCES, source)
    if entry.kind == "embedded":
        words = config.words or CORE_WORDS[: config.embedded_words]
        spoken = ingest_spoken(words, config.embedded_clips, config.sample_rate, config.seed, folder)
        return {"licence": entry.licence, **spoken}
    return {"licence": entry.licence, "url": entry.files[0].url, **ingest_archive(fetch(entry.files[0]), how, folder)}
