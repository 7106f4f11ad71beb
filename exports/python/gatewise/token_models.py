"""Two ways from text to ids: one id per character, and WordPiece.

Each has `encode(text)` and a `decoder()` that takes one id at a time, so that stream and whole text decode alike.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from gatewise import unicode_tables

CACHED_WORDS = 100_000  # words remembered with their ids: a few MB
CLOSED_UP = (  # what the WordPiece decoder of Hugging Face tidies, in its order
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


class Decoder(Protocol):
    """Ids back to text, one at a time."""

    def feed(self, token: int) -> str:
        """The text that this id completes; empty while a character is only half known."""

    def finish(self) -> str:
        """The text still held back."""


class TokenModel(Protocol):
    """Text to ids and back; knows nothing of added tokens."""

    def encode(self, text: str) -> list[int]:
        """The text's ids."""

    def decoder(self) -> Decoder:
        """A decoder at the start of a text."""


class PerCharacter(dict[int, str | None]):
    """A table for `str.translate`, filled by `replace` as characters turn up; None deletes a character."""

    def __init__(self, replace: Callable[[str], str | None]) -> None:
        super().__init__()
        self._replace = replace

    def __missing__(self, code: int) -> str | None:
        self[code] = replacement = self._replace(chr(code))
        return replacement


class WordCache(dict[str, list[int]]):
    """The ids of words met before, forgotten when there are too many."""

    def __init__(self, pieces: Callable[[str], list[int]]) -> None:
        super().__init__()
        self._pieces = pieces

    def __missing__(self, word: str) -> list[int]:
        if len(self) >= CACHED_WORDS:
            self.clear()
        self[word] = ids = self._pieces(word)
        return ids


class Characters:
    """One id per character."""

    def __init__(self, vocabulary: Mapping[str, int], unknown: int) -> None:
        self._vocabulary = vocabulary
        self._unknown = unknown
        self._tokens = {token: text for text, token in vocabulary.items()}

    def encode(self, text: str) -> list[int]:
        """The text's ids."""
        get, unknown = self._vocabulary.get, self._unknown
        return [get(char, unknown) for char in text]

    def decoder(self) -> Decoder:
        """A decoder at the start of a text."""
        return _CharacterDecoder(self._tokens)


class _CharacterDecoder:
    def __init__(self, tokens: Mapping[int, str]) -> None:
        self._tokens = tokens

    def feed(self, token: int) -> str:
        return self._tokens.get(token, "")

    def finish(self) -> str:
        return ""


class WordPiece:
    """Words split at spaces and punctuation, each cut greedily into the longest known pieces."""

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        unknown: int,
        *,
        prefix: str,
        longest_word: int,
        lowercase: bool,
        cleanup: bool | None,
    ) -> None:
        self._vocabulary = vocabulary
        self._unknown = unknown
        self._prefix = prefix
        self._longest_word = longest_word
        self._longest_piece = max(map(len, vocabulary), default=0)
        self._lowercase = lowercase
        self._cleanup = cleanup  # None: tokens are joined by spaces as they are
        self._table = PerCharacter(self._spaced)
        self._words = WordCache(self._pieces)

    def encode(self, text: str) -> list[int]:
        """The text's ids."""
        ids: list[int] = []
        words = self._words
        for word in text.translate(self._table).split():
            ids += words[word]
        return ids

    def decoder(self) -> Decoder:
        """A decoder at the start of a text."""
        tokens = {token: text for text, token in self._vocabulary.items()}
        return _WordPieceDecoder(tokens, self._prefix, self._cleanup)

    def _spaced(self, char: str) -> str | None:
        """A character cleaned and in lower case, with spaces around it if it is punctuation."""
        if unicode_tables.is_removed(char):
            return None
        if unicode_tables.is_space(char):
            return " "
        if unicode_tables.is_punctuation(char):
            return f" {char} "
        return unicode_tables.lower(char) if self._lowercase else char

    def _pieces(self, word: str) -> list[int]:
        if len(word) > self._longest_word:
            return [self._unknown]
        ids: list[int] = []
        begin, prefix = 0, ""
        while begin < len(word):
            for end in range(min(len(word), begin + self._longest_piece), begin, -1):
                piece = self._vocabulary.get(prefix + word[begin:end])
                if piece is not None:
                    break
            else:
                return [self._unknown]
            ids.append(piece)
            begin, prefix = end, self._prefix
        return ids


class _WordPieceDecoder:
    def __init__(self, tokens: Mapping[int, str], prefix: str, cleanup: bool | None) -> None:
        self._tokens = tokens
        self._prefix = prefix
        self._cleanup = cleanup
        self._first = True

    def feed(self, token: int) -> str:
        text = self._tokens.get(token)
        if text is None:
            return ""
        if not self._first:
            glued = self._cleanup is not None and text.startswith(self._prefix)
            text = text.removeprefix(self._prefix) if glued else f" {text}"
        self._first = False
        if self._cleanup:
            for apart, together in CLOSED_UP:
                text = text.replace(apart, together)
        return text

    def finish(self) -> str:
        return ""
