"""Trained tokenizers: the same from the same texts, in the form the light runtime reads, and whole."""

import json
from pathlib import Path

import pytest

from components.data.tokenizing import encode, train_byte_bpe, train_characters, train_wordpiece
from components.errors import DataError

TEXTS = ["The film was wonderful, truly wonderful.", "A dull film; the plot was unwatchable!", "Näive café ☃ plots"] * 5
STRANGE = [
    "",
    " ",
    "  two  spaces\n\n\tand a tab ",
    "Ünïcödé ☃ 漢字 \U0001f600",
    "unwatchable wonderfully",
    "\x85\x00a\u200bb",
]


def test_word_pieces_begin_with_padding_and_unknown(tmp_path: Path) -> None:
    train_wordpiece(TEXTS, 200, tmp_path / "tokenizer.json")
    written = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    ids = written["model"]["vocab"]
    assert (ids["[PAD]"], ids["[UNK]"]) == (0, 1)
    assert sorted(ids.values()) == list(range(len(ids)))
    assert written["model"]["type"] == "WordPiece"
    assert written["normalizer"]["type"] == "BertNormalizer"
    assert written["pre_tokenizer"] == {"type": "BertPreTokenizer"}


@pytest.mark.parametrize(
    "train", [lambda path: train_wordpiece(TEXTS, 150, path), lambda path: train_byte_bpe(TEXTS, 300, path)]
)
def test_the_same_texts_give_the_same_file(tmp_path: Path, train) -> None:  # type: ignore[no-untyped-def]
    for name in ("one", "two"):
        train(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_word_pieces_stay_within_the_vocabulary_and_spell_unseen_words(tmp_path: Path) -> None:
    tokenizer = train_wordpiece(TEXTS, 70, tmp_path / "tokenizer.json")
    assert tokenizer.get_vocab_size() <= 70
    roomy = train_wordpiece(TEXTS, 500, tmp_path / "tokenizer.json")
    assert "[UNK]" not in roomy.encode("mutual").tokens
    assert roomy.encode("Wonderful").tokens == ["wonderful"]
    assert roomy.encode("漢").tokens == ["[UNK]"]


def test_bytes_come_back_as_the_same_text(tmp_path: Path) -> None:
    tokenizer = train_byte_bpe(TEXTS, 300, tmp_path / "tokenizer.json")
    for text in [*TEXTS[:3], *STRANGE]:
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_characters_are_numbered_in_order_after_the_unknown_one(tmp_path: Path) -> None:
    tokenizer = train_characters(["ba\n", "c a"], tmp_path / "tokenizer.json")
    assert tokenizer.get_vocab() == {"[UNK]": 0, "\n": 1, " ": 2, "a": 3, "b": 4, "c": 5}
    assert tokenizer.encode("b\nx☃").ids == [4, 1, 0, 0]


@pytest.mark.parametrize("kind", ["words", "bytes", "characters"])
def test_the_light_reader_gives_the_same_ids(tmp_path: Path, kind: str) -> None:
    from gatewise.tokenizer import read_tokenizer

    path = tmp_path / "tokenizer.json"
    trained = {
        "words": lambda: train_wordpiece(TEXTS, 120, path),
        "bytes": lambda: train_byte_bpe(TEXTS, 300, path),
        "characters": lambda: train_characters(TEXTS, path),
    }[kind]()
    light = read_tokenizer(path.read_bytes())
    for text in [*TEXTS[:3], *STRANGE]:
        assert list(light.encode(text)) == trained.encode(text).ids, repr(text)


def test_many_texts_are_encoded_in_order(tmp_path: Path) -> None:
    tokenizer = train_wordpiece(TEXTS, 120, tmp_path / "tokenizer.json")
    texts = [TEXTS[i % 3] + f" {i}" for i in range(2_050)]
    ids = encode(tokenizer, texts)
    assert len(ids) == len(texts)
    assert all(ids[i].tolist() == tokenizer.encode(texts[i]).ids for i in (0, 999, 1_000, 2_049))


@pytest.mark.parametrize("texts", [[], [""], [" \n"]])
def test_texts_without_words_cannot_train_a_tokenizer(tmp_path: Path, texts: list[str]) -> None:
    with pytest.raises(DataError, match="the texts hold no characters"):
        train_wordpiece(texts, 100, tmp_path / "tokenizer.json")
    assert list(tmp_path.iterdir()) == []
