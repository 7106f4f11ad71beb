"""Texts as people have them, from the folder of cases beside the repository: what each is read as, and what is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny_bundles import sentiment_graph, write_bundle

import gatewise
from components.data.choices import collected
from components.errors import DataError
from components.sentiment import application as sentiment
from components.sentiment.batches import load_part
from components.sentiment.scores import probabilities
from components.text_generation import application as text_generation

Prepared = tuple[pd.DataFrame, dict[str, Any], str, Path]


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of inputs as people have them, beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("no cases: ../shared/cases is not beside the repository")
    return folder


def prepared(path: Path, work: Path, **settings: Any) -> Prepared:
    """Every text with its part and label, the sizes, all that was said, and the folder of the data."""
    raw, data = work / "raw", work / "data"
    raw.mkdir(), data.mkdir()
    config = sentiment.PRESETS["tiny"].changed(settings)
    with collected() as choices:
        sentiment.ingest(str(path), config, raw)
        facts = sentiment.preprocess(raw, config, data)
    said = "\n".join(f"{choice.about}: {choice.chosen}" for choice in choices)
    return pd.read_parquet(data / sentiment.TEXTS), facts, said, data


def test_the_device_answers_raw_reviews_as_the_report_counts_them(cases: Path, tmp_path: Path) -> None:
    texts, facts, said, data = prepared(cases / "sentiment" / "imdb_html.csv", tmp_path)
    config = sentiment.PRESETS["tiny"]
    scores = np.random.default_rng(0).normal(size=(facts["vocabulary"], 2))
    scores[0] = 0
    bundle = gatewise.open_bundle(
        write_bundle(
            tmp_path / "bundle",
            "sentiment",
            sentiment_graph(scores),
            sentiment.describe(data, config).settings,
            [{"ids": np.array([[2, 3]], np.int32)}],
            tokenizer=(data / sentiment.TOKENIZER).read_bytes(),
        )
    )
    classifier = gatewise.load(bundle.path)
    runtime = classifier._runtime
    part = load_part(data / sentiment.DATA, "test")
    reported = probabilities(lambda feeds: runtime.run(feeds)[0], part, config.max_length)
    test = texts[texts["part"] == "test"]
    answers = classifier.predict(test["raw"].tolist())
    assert test["raw"].str.contains("<br />").all()
    assert not test["text"].str.contains("<br />|&amp;").any()
    assert [answer.label for answer in answers] == [facts["labels"][row] for row in reported.argmax(axis=1)]
    np.testing.assert_allclose([list(answer.probabilities.values()) for answer in answers], reported, atol=1e-6)
    assert "cleaning: line breaks, entities, white space" in said


@pytest.mark.parametrize(
    ("name", "settings", "rows", "labels", "expected"),
    [
        ("tsv_lone_quotes.tsv", {}, 1_200, ["0", "1"], "6 lone ones belong to the texts"),
        ("backslash_quotes.csv", {}, 1_200, ["0", "1"], "quotes within cells behind a backslash"),
        ("json_array.json", {}, 1_200, ["0", "1"], "text column: 'text'"),
        ("excel_semicolon_bom.csv", {}, 1_200, ["gut", "schlecht"], "a semicolon between its cells"),
        ("toxic_0_1.csv", {}, 1_200, ["0", "1"], "label column: 'toxic', the only one"),
        ("toxic_0_1.csv", {"label_names": ["0=fine", "1=toxic"]}, 1_200, ["fine", "toxic"], "'toxic', the only one"),
        ("case_mixed_labels.csv", {"join_labels": True}, 1_200, ["negative", "positive"], "joined with 'negative'"),
        ("clickbait_category_rating.csv", {"label_column": "rating"}, 1_200, ["1", "5"], "cleaning"),
        ("sentiment140_style_utf8.csv", {"text_column": "6", "label_column": "1"}, None, ["0", "4"], "numbered from 1"),
        ("retweets_conflicting_labels.csv", {}, 1_250, ["neg", "neu", "pos"], "1 texts have two labels or more"),
        ("kaggle_test_without_label", {}, 1_000, ["0", "1"], "test.csv has no labels in a column 'target'"),
        ("three_classes_two_in_test", {}, 1_152, ["0", "1", "2"], "it holds no text of '2'"),
    ],
)
def test_a_table_is_read_whole_and_what_was_chosen_is_said(
    cases: Path, tmp_path: Path, name: str, settings: dict[str, Any], rows: int, labels: list[str], expected: str
) -> None:
    texts, facts, said, _ = prepared(cases / "sentiment" / name, tmp_path, **settings)
    assert facts["labels"] == labels
    assert expected in said
    assert len(texts) == rows or rows is None
    assert texts["text"].str.len().max() < 200, "no text swallowed another line"


def test_quotes_behind_a_backslash_are_the_texts_own(cases: Path, tmp_path: Path) -> None:
    texts, *_ = prepared(cases / "sentiment" / "backslash_quotes.csv", tmp_path)
    assert texts["text"].str.fullmatch(r'he said "[^"\\]+", fine').all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("case_mixed_labels.csv", r"'negative' and 'Negative' look like one.*join_labels=true"),
        ("clickbait_category_rating.csv", r"'category' and 'rating' could each hold the labels"),
        ("sentiment140_style_utf8.csv", r"its first row is 1: '0', 2: '1467810369'.*--set text_column=NUMBER"),
        ("rare_class_two_distinct.csv", r"label 'none' has 2 different texts, 3 are needed"),
    ],
)
def test_what_cannot_be_told_is_asked_in_one_line(cases: Path, tmp_path: Path, name: str, expected: str) -> None:
    with pytest.raises(DataError, match=expected) as caught:
        prepared(cases / "sentiment" / name, tmp_path)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "raw").iterdir()) == []


def test_training_rows_that_the_test_repeats_teach_nothing(cases: Path, tmp_path: Path) -> None:
    texts, facts, said, data = prepared(cases / "sentiment" / "test_repeats_train_random_labels", tmp_path)
    assert "200 texts of the train part stand in the test part too" in said
    assert (facts["train"] + facts["validation"], facts["test"]) == (800, 200)
    seen = set(texts["text"][texts["part"] != "test"])
    assert not seen & set(texts["text"][texts["part"] == "test"])
    learned = sentiment.baselines(data, sentiment.PRESETS["tiny"])["tfidf_logistic_regression"]
    assert 35 < learned.metrics["accuracy"] < 65


def corpus(path: Path, work: Path) -> tuple[str, str]:
    """The text that is read, and all that was said."""
    raw, data = work / "raw", work / "data"
    raw.mkdir(), data.mkdir()
    config = text_generation.PRESETS["tiny"]
    with collected() as choices:
        text_generation.ingest(str(path), config, raw)
        text_generation.preprocess(raw, config, data)
    said = "\n".join(f"{choice.about}: {choice.chosen}" for choice in choices)
    return (raw / text_generation.TEXT).read_text(encoding="utf-8"), said


def test_notepads_utf16_is_read_and_said(cases: Path, tmp_path: Path) -> None:
    text, said = corpus(cases / "text_generation" / "utf16_notepad.txt", tmp_path)
    assert text.startswith("Old with with house")
    assert "utf16_notepad.txt is utf-16" in said


def test_nul_bytes_are_no_characters(cases: Path, tmp_path: Path) -> None:
    text, said = corpus(cases / "text_generation" / "nul_bytes.txt", tmp_path)
    assert "\0" not in text
    assert "nul_bytes.txt holds 2,000, the first at character 100,000" in said


def test_a_folder_of_code_is_read_without_its_copies(cases: Path, tmp_path: Path) -> None:
    text, said = corpus(cases / "text_generation" / "code_folder_copies", tmp_path)
    assert "copies: 12 files repeat another one" in said
    assert "2 not text by their names (a.out, logo.png), 1 in node_modules" in said
    assert "var a=1;" not in text
    first = (cases / "text_generation" / "code_folder_copies" / "src" / "application.py").read_text().strip()
    assert text.count(first) == 1


def test_a_test_part_that_was_read_before_is_doubted(cases: Path, tmp_path: Path) -> None:
    _, said = corpus(cases / "text_generation" / "last_chapter_repeats_first.txt", tmp_path)
    assert "test part: 100% of it repeats training text" in said
