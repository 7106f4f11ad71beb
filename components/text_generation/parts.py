"""A text cut into training, validation and test part and turned into ids, as `preprocess` leaves it in a folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from components.errors import DataError
from components.text_generation import corpora
from components.text_generation.ids import characters, encode
from components.text_generation.scores import CHUNK

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER, IDS, FACTS = "tokenizer.json", "ids.npz", "facts.json"


@dataclass(frozen=True)
class Facts:
    """What a network and a predictor must know of a text.

    Attributes:
        vocabulary: number of different ids.
        prompt_id: the id that a text without a prompt starts from, a line feed's.
        turn_end: what ends a speaker's turn where the text is dialogue.
    """

    vocabulary: int
    prompt_id: int
    turn_end: str | None


@dataclass(frozen=True)
class Parts:
    """The three parts of a text in its order; the test part is its end, the validation part stands before that.

    Attributes:
        train, validation, test: ids, (length,) int32 each.
        characters: how many characters begin in each token, (vocabulary,) int32.
        facts: see there.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    characters: np.ndarray
    facts: Facts

    @classmethod
    def of(cls, tokenizer: "Tokenizer", text: str, validation_share: float, test_share: float) -> Self:
        """The parts of a text; the shares are of its characters."""
        start, end = cuts(len(text), validation_share, test_share)
        first = int(encode(tokenizer, "\n")[0])
        facts = Facts(tokenizer.get_vocab_size(), first, corpora.turn_end(text))
        return cls(
            train=encode(tokenizer, text[:start]),
            validation=encode(tokenizer, text[start:end]),
            test=encode(tokenizer, text[end:]),
            characters=characters(tokenizer),
            facts=facts,
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The parts that `write` wrote."""
        with np.load(folder / IDS) as arrays:
            return cls(**arrays, facts=Facts(**json.loads((folder / FACTS).read_text())))

    def write(self, folder: Path) -> None:
        """Write arrays and facts into a folder."""
        np.savez(folder / IDS, train=self.train, validation=self.validation, test=self.test, characters=self.characters)
        (folder / FACTS).write_text(json.dumps(asdict(self.facts)))

    def with_past(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """The ids before the validation or test part, and the part's own."""
        if part == "validation":
            return self.train, self.validation
        return np.concatenate([self.train, self.validation]), self.test

    def check_lengths(self, window: int) -> None:
        """See that every part can be used.

        Raises:
            DataError: one is too short.
        """
        least = {"training": (self.train, window + 1), "validation": (self.validation, max(window + 1, CHUNK))}
        for name, (ids, needed) in {**least, "test": (self.test, CHUNK)}.items():
            if len(ids) < needed:
                raise DataError(
                    f"the text is too short: its {name} part has {len(ids)} ids and needs {needed}; give a longer "
                    f"text or, with --set, a smaller window (now {window}) or a larger {name} share"
                )


def cuts(length: int, validation_share: float, test_share: float) -> tuple[int, int]:
    """Where the validation part begins and where it ends."""
    end = int(length * (1 - test_share))
    return end - int(length * validation_share), end
