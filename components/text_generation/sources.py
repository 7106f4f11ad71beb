"""The texts that `text_generation` knows by name, and how a named text or a user's own is read."""

import platform
from hashlib import sha256
from typing import Any

from components.data.sources import RemoteFile, Source, fetch, identity, is_own, named, own_path
from components.text_generation import corpora, own_texts

BOOK_PREFIX = "gutenberg_"
EMBEDDED = {"embedded": corpora.python_topics, "embedded_code": corpora.python_library}


def _book(name: str, number: int, title: str) -> Source:
    file = RemoteFile(f"{BOOK_PREFIX}{name}.txt", f"https://www.gutenberg.org/cache/epub/{number}/pg{number}.txt")
    return Source(name, "public", f"{title} (Project Gutenberg {number})", "public domain in the USA", (file,))


SOURCES = {
    source.name: source
    for source in (
        Source("embedded", "embedded", "the language reference inside every CPython, its English prose", "PSF-2.0"),
        Source("embedded_code", "embedded", "packages of the standard library: Python source code", "PSF-2.0"),
        Source(
            "tiny_shakespeare",
            "public",
            "tiny Shakespeare: 1.1 million characters of plays",
            "public domain text",
            (
                RemoteFile(
                    "tiny_shakespeare.txt",
                    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
                    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                    1_115_394,
                ),
            ),
        ),
        _book("alice", 11, "Lewis Carroll, Alice's Adventures in Wonderland"),
        _book("frankenstein", 84, "Mary Shelley, Frankenstein"),
        _book("pride_and_prejudice", 1342, "Jane Austen, Pride and Prejudice"),
        _book("sherlock_holmes", 1661, "Arthur Conan Doyle, The Adventures of Sherlock Holmes"),
        _book("war_and_peace", 2600, "Leo Tolstoy, War and Peace"),
        _book("moby_dick", 2701, "Herman Melville, Moby Dick"),
    )
}


def fingerprint(source: str) -> str:
    """What identifies the text of a source, without downloading it.

    Raises:
        SettingError: an unknown name.
        SourceError: no such file or folder.
        DataError: a folder without text.
    """
    if is_own(source):
        return corpora.fingerprint(own_texts.own_files(own_path(source)))
    entry = named(SOURCES, source)
    if entry.kind == "embedded":
        return f"{source} of Python {platform.python_version()}"
    return f"{source} {identity(entry.files[0])}"


def read(source: str, encoding: str = "") -> tuple[str, dict[str, Any]]:
    """The text of a source, and the facts of its data card; a user's own is in the encoding, found where it is "".

    Raises:
        SettingError: an unknown name.
        SourceError: the text cannot be had.
        DataError: the text cannot be used.
    """
    if is_own(source):
        files = own_texts.own_files(own_path(source))
        facts = {"licence": "the user's own", "files": len(files), "sha256": corpora.fingerprint(files)}
        return own_texts.read_own(own_path(source), encoding), facts
    entry = named(SOURCES, source)
    facts = {"licence": entry.licence, "summary": entry.summary}
    if entry.kind == "embedded":
        text = EMBEDDED[source]()
        return text, {**facts, "python": platform.python_version(), "sha256": sha256(text.encode()).hexdigest()}
    (file,) = entry.files
    path = fetch(file)
    text = corpora.read_book(path) if file.name.startswith(BOOK_PREFIX) else corpora.read_text(path)
    return text, {**facts, "url": file.url, "sha256": corpora.fingerprint([path])}
