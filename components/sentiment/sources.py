"""Sources of labelled texts other than the user's tables: the embedded grammar and public data sets."""

import csv
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.data.artifacts import key_of, sha256_of
from components.data.choices import chose
from components.data.sources import RemoteFile, Source, fetch, identity, is_own, named, own_path
from components.errors import DataError
from components.sentiment import reviews
from components.sentiment.archives import TAR_NAMES
from components.sentiment.config import Config
from components.sentiment.labels import BINARY
from components.sentiment.tables import LabelledTexts, check, frame, own
from gatewise.cleaning import clean

if TYPE_CHECKING:
    import pandas as pd

IMDB_FOLDER = "aclImdb/"
IMDB_MEMBER = re.compile(r"aclImdb/(train|test)/(pos|neg|unsup)/\d+_\d+\.txt")
IMDB_LABELS = {"pos": "positive", "neg": "negative"}
SST2_MEMBERS = {"train": "SST-2/train.tsv", "test": "SST-2/dev.tsv"}
TWEET_LABELS = {"0": "negative", "1": "neutral", "2": "positive"}
TWEET_PARTS = {"train": "train", "val": "validation", "test": "test"}
TWEET_FOLDER = "https://raw.githubusercontent.com/cardiffnlp/tweeteval/main/datasets/sentiment"
CLEANING = ("line breaks", "white space")
CLEANING_OF = {"tweets": ("escapes", "entities", "white space"), "own": ("line breaks", "entities", "white space")}
DEFAULTS = Config()
EMBEDDED_TRAIN, EMBEDDED_TEST = 4_000, 1_000


def load(source: str, config: Config = DEFAULTS) -> tuple[LabelledTexts, dict[str, Any]]:
    """The texts of a source, checked, and what is known about them: licence, address, checksum, cleaning.

    Each part has the text as the source has it (`raw`), after cleaning (`text`), and its label.

    Raises:
        SettingError: no such source.
        SourceError: it cannot be had.
        DataError: it cannot be used.
    """
    steps = cleaning(source, config)
    if is_own(source):
        path = own_path(source)
        found = imdb(path) if _is_imdb(path) else own(path, config, steps)
        card: dict[str, Any] = {"licence": "as the owner of the data states"}
    else:
        entry = named(SOURCES, source)
        found = embedded() if entry.kind == "embedded" else public(entry)
        card = {"licence": entry.licence} | ({"url": [file.url for file in entry.files]} if entry.files else {})
    found = cleaned(found, steps)
    check(found.parts, source)
    return found, card | {"sha256": fingerprint(source), "cleaning": list(steps)}


def cleaning(source: str, config: Config) -> tuple[str, ...]:
    """The steps that make the source's texts fit to read, here and on the device."""
    return config.cleaning or CLEANING_OF.get("own" if is_own(source) else source, CLEANING)


def cleaned(found: LabelledTexts, steps: tuple[str, ...]) -> LabelledTexts:
    """The same texts after cleaning, those of the parts with the text as it was beside them."""
    parts = {}
    for name, part in found.parts.items():
        parts[name] = part.rename(columns={"text": "raw"})
        parts[name].insert(1, "text", [clean(text, steps) for text in part["text"]])
    texts = [text for part in parts.values() for text in zip(part["raw"], part["text"], strict=True)]
    changed = sum(raw.strip() != text for raw, text in texts)
    chose("cleaning", f"{', '.join(steps)}, here and on the device; it changes {changed:,} of {len(texts):,} texts")
    return LabelledTexts(parts, [clean(text, steps) for text in found.unlabelled])


def fingerprint(source: str) -> str:
    """What identifies the raw data of a source, without loading it.

    Raises:
        SettingError: no such source.
        SourceError: a path where nothing is.
    """
    if is_own(source):
        return sha256_of(own_path(source))
    entry = named(SOURCES, source)
    grammar = (reviews.REVISION, reviews.SEED, EMBEDDED_TRAIN, EMBEDDED_TEST)
    return key_of([identity(file) for file in entry.files] or grammar)


def embedded() -> LabelledTexts:
    """Reviews from the grammar."""
    train, test = reviews.reviews(EMBEDDED_TRAIN, test=False), reviews.reviews(EMBEDDED_TEST, test=True)
    return LabelledTexts({"train": frame(train), "test": frame(test)})


def public(source: Source) -> LabelledTexts:
    """A public source, fetched where it is not here yet.

    Raises:
        SourceError: it cannot be had.
        DataError: a file does not hold what it should.
    """
    readers: dict[str, Callable[..., LabelledTexts]] = {"imdb": imdb, "sst2": sst2, "tweets": tweets}
    return readers[source.name](*(fetch(file) for file in source.files))


def _is_imdb(path: Path) -> bool:
    """Whether a file is the Large Movie Review Dataset's archive, told by its first member."""
    if not path.is_file() or not path.name.endswith(TAR_NAMES):
        return False
    try:
        with tarfile.open(path) as archive:
            first = archive.next()
    except (tarfile.TarError, EOFError, OSError):
        return True  # which says what is wrong with it
    return first is None or f"{first.name}/".startswith(IMDB_FOLDER)


def imdb(path: Path) -> LabelledTexts:
    """The Large Movie Review Dataset, read straight from its archive.

    Raises:
        DataError: not a whole archive, or none of its layout.
    """
    found = _members(path)
    rows: dict[str, list[tuple[str, str]]] = {"train": [], "test": []}
    unlabelled = []
    for name in sorted(found):
        _, part, folder, _ = name.split("/")
        if folder in IMDB_LABELS:
            rows[part].append((found[name], IMDB_LABELS[folder]))
        else:
            unlabelled.append(found[name])
    for part, texts in rows.items():
        if not texts:
            raise DataError(f"{path} holds no aclImdb/{part}/pos|neg/*.txt: give the archive of the original layout")
    return LabelledTexts({part: frame(texts) for part, texts in rows.items()}, unlabelled)


def _members(path: Path) -> dict[str, str]:
    """The archive's reviews by member name."""
    found = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member) if IMDB_MEMBER.fullmatch(member.name) else None
                if stream is not None:
                    found[member.name] = stream.read().decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{path}: {member.name} is not UTF-8: fetch the archive again") from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{path} is not a whole tar archive ({error}): fetch it again") from None
    return found


def sst2(path: Path) -> LabelledTexts:
    """SST-2 as GLUE ships it; its test labels are secret, so its development part is the test.

    Raises:
        DataError: not that archive.
    """
    import pandas as pd

    parts = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for part, member in SST2_MEMBERS.items():
                with archive.open(member) as stream:
                    table = pd.read_csv(stream, sep="\t", quoting=csv.QUOTE_NONE, dtype=str, keep_default_na=False)
                rows = zip(table["sentence"], table["label"], strict=True)
                parts[part] = frame((text, BINARY[label]) for text, label in rows)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DataError(f"{path} is not GLUE's SST-2.zip ({error}): fetch it again") from None
    return LabelledTexts(parts)


def tweets(*paths: Path) -> LabelledTexts:
    """TweetEval's sentiment task: three classes, official parts.

    Raises:
        DataError: the files of a part do not belong together.
    """
    by_name = {path.name: path for path in paths}
    return LabelledTexts(
        {
            part: _tweets(by_name[_tweet_file(short, "text")], by_name[_tweet_file(short, "labels")])
            for short, part in TWEET_PARTS.items()
        }
    )


def _tweets(texts: Path, labels: Path) -> "pd.DataFrame":
    lines, marks = (file.read_text(encoding="utf-8").rstrip("\n").split("\n") for file in (texts, labels))
    if len(lines) != len(marks):
        raise DataError(f"{texts} has {len(lines)} lines and {labels} has {len(marks)}: fetch both again")
    wrong = [index for index, mark in enumerate(marks) if mark.strip() not in TWEET_LABELS]
    if wrong:
        raise DataError(f"{labels}, line {wrong[0] + 1}: '{marks[wrong[0]]}' is no label: fetch the file again")
    rows = [(line, TWEET_LABELS[mark.strip()]) for line, mark in zip(lines, marks, strict=True)]
    return frame(row for row in rows if row[0].strip())


def _tweet_file(part: str, kind: str) -> str:
    return f"tweeteval_{part}_{kind}.txt"


SOURCES = {
    source.name: source
    for source in (
        Source("embedded", "embedded", "reviews from a grammar with negation, contrast and intensity", "Apache-2.0"),
        Source(
            "imdb",
            "public",
            "Large Movie Review Dataset: 25,000 + 25,000 film reviews, official split",
            "no formal licence; free for research, cite Maas et al. 2011",
            (
                RemoteFile(
                    "aclImdb_v1.tar.gz",
                    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
                    "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
                    84_125_825,
                ),
            ),
        ),
        Source(
            "sst2",
            "public",
            "Stanford Sentiment Treebank, two classes: 67,349 phrases; the 872 development sentences are the test",
            "not stated; cite Socher et al. 2013",
            (
                RemoteFile(
                    "SST-2.zip",
                    "https://dl.fbaipublicfiles.com/glue/data/SST-2.zip",
                    "d67e16fb55739c1b32cdce9877596db1c127dc322d93c082281f64057c16deaa",
                    7_439_277,
                ),
            ),
        ),
        Source(
            "tweets",
            "public",
            "TweetEval sentiment: some 60,000 tweets, negative, neutral or positive, official split",
            "not stated; the terms of Twitter hold; cite Rosenthal et al. 2017",
            tuple(
                RemoteFile(_tweet_file(part, kind), f"{TWEET_FOLDER}/{part}_{kind}.txt")
                for part in TWEET_PARTS
                for kind in ("text", "labels")
            ),
        ),
    )
}
