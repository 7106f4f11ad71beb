"""From text to ids and back, at both levels, fast enough for a whole corpus."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.data.tokenizing import UNKNOWN, train_byte_bpe, train_characters

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PIECE = 1 << 17  # characters at the least
SAFE_CUT = re.compile(r"(?<=\S)\n(?=\S)")
REPLACEMENT = "\ufffd"  # Unicode's sign for a character that cannot be shown
CONTINUATION_BYTES = range(0x80, 0xC0)  # bytes of UTF-8 that do not begin a character


def pieces_of(text: str) -> Iterator[str]:
    """The text in pieces that have the ids of the whole: memory is bounded by the longest of them.

    A single line feed between two lines is a token's end in every byte-level reading; white space of more signs is not.
    """
    begin = 0
    while len(text) - begin > PIECE and (cut := SAFE_CUT.search(text, begin + PIECE)):
        yield text[begin : cut.end()]
        begin = cut.end()
    yield text[begin:]


def train(text: str, level: str, vocabulary: int, path: Path) -> "Tokenizer":
    """A tokenizer of the level, trained on the text and written to `path`."""
    pieces = pieces_of(text)
    return train_characters(pieces, path) if level == "character" else train_byte_bpe(pieces, vocabulary, path)


def load(path: Path) -> "Tokenizer":
    """The tokenizer in a `tokenizer.json`."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path))


def of_characters(tokenizer: "Tokenizer") -> bool:
    """Whether the tokenizer is of the character level; those have nothing to decode."""
    return tokenizer.decoder is None


def encode(tokenizer: "Tokenizer", text: str) -> np.ndarray:
    """The text's ids, (length,) int32; single characters go through a table, 50 times faster and the same."""
    if not of_characters(tokenizer):
        ids = [np.array(tokenizer.encode(piece).ids, np.int32) for piece in pieces_of(text)]
        return np.concatenate([np.zeros(0, np.int32), *ids])
    vocabulary = tokenizer.get_vocab()
    table = np.full(0x110000, vocabulary[UNKNOWN], np.int32)  # one entry per code point
    for token, index in vocabulary.items():
        if len(token) == 1:
            table[ord(token)] = index
    return table[np.frombuffer(text.encode("utf-32-le"), np.uint32)]


def decode(tokenizer: "Tokenizer", ids: "Sequence[int] | np.ndarray") -> str:
    """The text that ids stand for."""
    if of_characters(tokenizer):  # the library would put spaces between them
        return "".join(str(tokenizer.id_to_token(int(index))) for index in ids).replace(UNKNOWN, REPLACEMENT)
    return str(tokenizer.decode([int(index) for index in ids]))


def characters(tokenizer: "Tokenizer") -> np.ndarray:
    """How many characters begin in each token, (vocabulary,) int32: over a text they add up to its length."""
    vocabulary = tokenizer.get_vocab()
    counts = np.ones(len(vocabulary), np.int32)
    if not of_characters(tokenizer):
        byte_of = byte_alphabet()
        for token, index in vocabulary.items():
            counts[index] = sum(byte_of[letter] not in CONTINUATION_BYTES for letter in token)
    return counts


def byte_alphabet() -> dict[str, int]:
    """The byte that each letter of a byte-level vocabulary stands for: printable Latin-1 is itself, others moved up."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(0x100) if byte not in kept]
    return {chr(byte): byte for byte in kept} | {chr(0x100 + place): byte for place, byte in enumerate(moved)}
