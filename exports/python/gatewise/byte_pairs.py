"""Byte-level pair encoding: any text to ids and back without loss."""

import re
from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from functools import cache
from heapq import heappop, heappush

from gatewise.token_models import Decoder, PerCharacter, WordCache
from gatewise.unicode_tables import ascii_class

# GPT-2's splitting pattern, over a text whose characters gave way to ASCII ones of the same class
WORDS = re.compile(r"'(?:[stmd]|re|ve|ll)| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+", flags=re.ASCII)
GONE = -1  # a symbol that was merged into its left neighbour


@cache
def byte_characters() -> tuple[str, ...]:
    """The printable character that stands for each byte in a byte-level vocabulary (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    codes = dict(zip(printable, printable, strict=True)) | {byte: 256 + i for i, byte in enumerate(others)}
    return tuple(chr(codes[byte]) for byte in range(256))


class BytePairs:
    """Words of bytes, merged pair by pair in the order in which training learnt the pairs."""

    def __init__(self, vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> None:
        self._vocabulary = vocabulary
        self._bytes = [vocabulary.get(char) for char in byte_characters()]
        self._merges = {
            (vocabulary[left], vocabulary[right]): (rank, vocabulary[left + right])
            for rank, (left, right) in enumerate(merges)
        }
        self._classes = PerCharacter(lambda char: char if char.isascii() else ascii_class(char))
        self._words = WordCache(self._pieces)

    def encode(self, text: str) -> list[int]:
        """The text's ids."""
        ids: list[int] = []
        words = self._words
        classes = text if text.isascii() else text.translate(self._classes)
        for match in WORDS.finditer(classes):
            ids += words[text[match.start() : match.end()]]
        return ids

    def decoder(self) -> Decoder:
        """A decoder at the start of a text."""
        places = {char: byte for byte, char in enumerate(byte_characters())}
        return _Utf8Decoder({token: _raw(text, places) for text, token in self._vocabulary.items()})

    def _pieces(self, word: str) -> list[int]:
        """A word's ids: of all neighbours that may merge, always the pair learnt first, from the left."""
        ids = [token for byte in word.encode() if (token := self._bytes[byte]) is not None]
        size = len(ids)
        before, after = list(range(-1, size - 1)), list(range(1, size + 1))
        queue: list[tuple[int, int, tuple[int, int], int]] = []  # rank, place, pair, what it becomes

        def offer(left: int) -> None:
            if left >= 0 and after[left] < size:
                pair = ids[left], ids[after[left]]
                if pair in self._merges:
                    rank, merged = self._merges[pair]
                    heappush(queue, (rank, left, pair, merged))

        for place in range(size):
            offer(place)
        while queue:
            _, left, pair, merged = heappop(queue)
            right = after[left]
            if right >= size or (ids[left], ids[right]) != pair:
                continue  # one of the two has merged with its other neighbour since
            ids[left], ids[right] = merged, GONE
            after[left] = after[right]
            if after[right] < size:
                before[after[right]] = left
            offer(before[left])
            offer(left)
        return [token for token in ids if token != GONE]


def _raw(token: str, places: Mapping[str, int]) -> bytes:
    """The bytes that a token stands for; those of its own text when it is no byte-level token."""
    codes = [places.get(char) for char in token]
    return token.encode() if None in codes else bytes(code for code in codes if code is not None)


class _Utf8Decoder:
    def __init__(self, tokens: Mapping[int, bytes]) -> None:
        self._tokens = tokens
        self._utf8 = getincrementaldecoder("utf-8")("replace")

    def feed(self, token: int) -> str:
        return self._utf8.decode(self._tokens.get(token, b""))

    def finish(self) -> str:
        return self._utf8.decode(b"", final=True)
