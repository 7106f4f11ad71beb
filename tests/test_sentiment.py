"""Sentiment from raw texts to a description for the exporter, on texts whose answer lies in the order of words."""

import io
import json
import random
import tarfile
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from components.application import Illustration, Predict, Scores
from components.data.sources import named
from components.errors import DataError, SettingError, SourceError
from components.sentiment import application as sentiment
from components.sentiment import blending, reviews
from components.sentiment import linear_part as linear_texts
from components.sentiment import sources as text_sources
from components.sentiment.batches import Part, load_part, padded, training_batches
from components.sentiment.layers import LinearText
from components.sentiment.splits import split
from components.sentiment.word_vectors import word_vectors

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

CONFIG = sentiment.Config(
    vocabulary=100, embedding=16, max_length=24, stretch=24, units=16, epochs=6, batch_size=16, learning_rate=0.02,
    taught_epochs=1
)  # fmt: skip
FILLERS = ("the", "plot", "and", "then", "a", "song", "of", "two", "hours", "here")


def ordered_texts(count: int, seed: int = 0) -> pd.DataFrame:
    """Texts of the same words in which the later of 'fine' and 'awful' is the label."""
    chance = random.Random(seed)  # noqa: S311  not for secrets
    rows = []
    for _ in range(count):
        good = chance.random() < 0.5
        pair = ["awful", "fine"] if good else ["fine", "awful"]
        words = [word for judged in pair for word in (*chance.choices(FILLERS, k=3), judged)]
        rows.append((" ".join([*words, *chance.choices(FILLERS, k=chance.randint(2, 9))]), "good" if good else "bad"))
    return pd.DataFrame(rows, columns=["review", "label"])


@dataclass(frozen=True)
class Trained:
    """A network trained on `ordered_texts`, a few of them without label, with everything around it."""

    raw: Path
    data: Path
    card: dict[str, object]
    history: dict[str, list[float]]
    checkpoints: Path
    model: "keras.Model"
    predict: Predict
    scores: Scores


def rows_by_hand(ids: np.ndarray, vocabulary: int, buckets: int) -> list[int]:
    """The rows of the table that a padded row of ids adds up, pair by pair in Python's unbounded integers."""
    kept = [int(piece) for piece in ids if piece]
    pairs = [(before * 21_467 + after) % buckets for before, after in pairwise(kept)]
    return kept + [vocabulary + pair for pair in pairs]


@pytest.mark.parametrize("labels", [2, 3])
def test_the_linear_part_is_what_its_fit_says_it_is(labels: int) -> None:
    vocabulary, buckets, rng = 90_000, 512, np.random.default_rng(0)  # ids whose products need all 31 bits
    texts = [rng.integers(1, vocabulary, size).astype(np.int32) for size in (7, 1, 12)]
    layer = LinearText(vocabulary, buckets, labels)
    ids = np.pad(padded(texts, 20), ((0, 1), (0, 3)))  # the last text is empty
    layer.build(ids.shape)
    table = rng.normal(size=layer.table.shape).astype(np.float32)
    layer.set_weights([table])
    expected = [
        table[rows_by_hand(row, vocabulary, buckets)].sum(axis=0) / max(1, (row > 0).sum()) ** 0.5 for row in ids
    ]
    found = np.asarray(layer(ids))
    np.testing.assert_allclose(found[:, -table.shape[1] :], expected, atol=1e-5)
    np.testing.assert_allclose(
        found[:3], linear_texts.logits(linear_texts.features(texts, vocabulary, buckets), table), atol=1e-5
    )
    assert found.shape == (4, labels)
    assert labels > 2 or not found[:, 0].any()


def test_the_linear_part_learns_what_single_words_say() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 300)
    texts = [np.append(rng.integers(5, 50, 8), 2 + label).astype(np.int32) for label in labels]
    counts = linear_texts.features(texts, 50, 64)
    found = linear_texts.logits(counts[200:], linear_texts.fitted_table(counts[:200], labels[:200], 3))
    assert np.mean(found.argmax(axis=1) == labels[200:]) > 0.9


def test_the_blend_trusts_the_half_that_is_right() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 400)
    right = np.eye(2)[labels] * 2 + rng.normal(size=(400, 2))
    noise = rng.normal(size=(400, 2))
    first, second = blending.fitted(right, noise, labels), blending.fitted(noise, right, labels)
    assert first.scales[0] > 1 > 0.3 > first.scales[1]
    assert second.scales[1] > 1 > 0.3 > second.scales[0]
    better = second.probabilities(noise, right).argmax(axis=1) == labels
    assert better.mean() == pytest.approx(np.mean(right.argmax(axis=1) == labels), abs=0.02)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from components.networks.gru import predictor
    from components.networks.training import seed_everything

    work = tmp_path_factory.mktemp("sentiment")
    raw, data, source = work / "raw", work / "data", work / "source"
    raw.mkdir(), data.mkdir(), source.mkdir()
    ordered_texts(600).to_csv(source / "train.csv", index=False)
    ordered_texts(100, seed=1)[["review"]].to_csv(source / "unlabelled.csv", index=False)
    card = sentiment.ingest(str(source), CONFIG, raw) | sentiment.preprocess(raw, CONFIG, data)
    seed_everything(CONFIG.seed)
    model = sentiment.build(data, CONFIG)
    history = sentiment.fit(model, data, CONFIG, work / "checkpoints")
    predict = predictor(model)
    return Trained(
        raw, data, card, history, work / "checkpoints", model, predict, sentiment.score(predict, data, CONFIG)
    )


def test_the_network_reads_in_order_where_a_bag_of_words_guesses(trained: Trained) -> None:
    hardest = sentiment.baselines(trained.data, CONFIG)["tfidf_logistic_regression"]
    assert trained.scores.metrics["accuracy"] > 90
    assert hardest.metrics["accuracy"] < 75
    assert hardest.each.shape == trained.scores.each.shape == (60,)
    assert len(trained.history["val_loss"]) <= CONFIG.epochs + CONFIG.taught_epochs


def test_the_history_tells_what_each_half_is_worth(trained: Trained) -> None:
    gru, linear, blend = (trained.history[f"{half}_val_accuracy"][-1] for half in ("gru", "linear", "blend"))
    assert gru > 0.9 > 0.75 > linear
    assert blend > 0.9


def test_texts_without_label_are_learned_from_and_finished_rounds_are_not_repeated(trained: Trained) -> None:
    assert trained.card["unlabelled"] == 100
    rounds = [json.loads((trained.checkpoints / name / "history.json").read_text()) for name in ("labelled", "taught")]
    assert len(rounds[1]["loss"]) == CONFIG.taught_epochs
    assert trained.history["loss"] == rounds[0]["loss"] + rounds[1]["loss"]
    again = sentiment.build(trained.data, CONFIG)
    assert sentiment.fit(again, trained.data, CONFIG, trained.checkpoints) == trained.history
    for found, expected in zip(again.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_commonest_label_is_a_baseline(trained: Trained) -> None:
    majority = sentiment.baselines(trained.data, CONFIG)["majority_class"]
    labels = load_part(trained.data / sentiment.DATA, "test").labels
    seen = np.concatenate([load_part(trained.data / sentiment.DATA, part).labels for part in ("train", "validation")])
    assert majority.metrics["accuracy"] == pytest.approx(100 * np.mean(labels == np.bincount(seen).argmax()))


def test_scores_of_a_few_texts_are_those_of_the_first_ones(trained: Trained) -> None:
    few = sentiment.score(trained.predict, trained.data, CONFIG, limit=20)
    np.testing.assert_array_equal(few.each, trained.scores.each[:20])


def test_padding_changes_no_answer(trained: Trained) -> None:
    part = load_part(trained.data / sentiment.DATA, "test")
    rows = padded(part.ids[:4], CONFIG.max_length)
    alone = trained.predict({"ids": rows})["probabilities"]
    wide = trained.predict({"ids": np.pad(rows, ((0, 0), (0, 9)))})["probabilities"]
    np.testing.assert_allclose(alone, wide, atol=1e-6)
    np.testing.assert_allclose(alone.sum(axis=1), 1, atol=1e-5)


def test_the_exported_graph_holds_the_linear_part_and_its_table_has_one_scale(trained: Trained) -> None:
    import onnxruntime
    from onnx import numpy_helper

    from components.converters.onnx.quantize import with_int8_weights
    from components.converters.onnx.to_onnx import onnx_of

    proto, _ = onnx_of(trained.model, sentiment.describe(trained.data, CONFIG).graph)
    small = with_int8_weights(proto)
    texts = load_part(trained.data / sentiment.DATA, "test").ids[:8]
    ids = np.pad(padded([*texts, texts[0][:1]], CONFIG.max_length), ((0, 0), (0, 3)))  # one is a single piece
    expected = trained.predict({"ids": ids})["probabilities"]
    for graph, tolerance in ((proto, 1e-5), (small, 0.02)):
        session = onnxruntime.InferenceSession(graph.SerializeToString())
        np.testing.assert_allclose(session.run(None, {"ids": ids})[0], expected, atol=tolerance)
    trained_table = trained.model.get_layer("linear").get_weights()[0]
    tables = [numpy_helper.to_array(value) for value in small.graph.initializer]
    (table,) = [array for array in tables if array.shape == trained_table.shape]
    assert table.dtype == np.int8, "and no scale beside each row, of the same shape"
    assert len(np.unique(table)) > 20


def test_the_description_is_what_a_device_needs(trained: Trained) -> None:
    said = sentiment.describe(trained.data, CONFIG)
    assert said.settings == {
        "labels": ["bad", "good"],
        "max_length": CONFIG.max_length,
        "cleaning": ["line breaks", "entities", "white space"],
    }
    assert said.graph.outputs[0].shape == ("batch", 2)
    assert dict(said.graph.fixed) == {"batch": 1, "time": CONFIG.max_length}
    assert said.tokenizer is not None
    assert said.tokenizer.is_file()
    for case in said.cases:
        assert case["ids"].dtype == np.int32
        assert case["ids"].shape[0] == 1
        assert trained.predict(case)["probabilities"].shape == (1, 2)
    assert any((case["ids"] == 0).any() for case in said.cases), "one case is padded"


def test_the_illustration_shows_mistakes_and_a_picture(trained: Trained, tmp_path: Path) -> None:
    shown = sentiment.illustrate(trained.predict, trained.data, CONFIG, tmp_path)
    assert isinstance(shown, Illustration)
    assert "surest and right" in shown.markdown
    assert [(tmp_path / name).read_bytes()[:4] for name in shown.pictures] == [b"\x89PNG"]


def test_a_saved_network_answers_the_same(trained: Trained, tmp_path: Path) -> None:
    import keras

    from components.networks.gru import predictor

    model = sentiment.build(trained.data, CONFIG)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    ids = padded(load_part(trained.data / sentiment.DATA, "test").ids[:3], CONFIG.max_length)
    answers = [predictor(network)({"ids": ids})["probabilities"] for network in (model, again)]
    np.testing.assert_array_equal(*answers)


def test_three_classes_get_three_probabilities(tmp_path: Path) -> None:
    from components.networks.gru import predictor

    raw, data, path = tmp_path / "raw", tmp_path / "data", tmp_path / "mood.jsonl"
    raw.mkdir(), data.mkdir()
    rows = [{"tweet": f"{mood} words number {i}", "mood": mood} for i in range(12) for mood in ("sad", "glad", "calm")]
    path.write_text("\n".join(map(json.dumps, rows)))
    config = CONFIG.changed({"label_column": "mood"})
    sentiment.ingest(str(path), config, raw)
    facts = sentiment.preprocess(raw, config, data)
    assert facts["labels"] == ["calm", "glad", "sad"]
    answer = predictor(sentiment.build(data, config))({"ids": np.array([[2, 3]], np.int32)})
    assert answer["probabilities"].shape == (1, 3)
    assert sentiment.describe(data, config).settings["labels"] == ["calm", "glad", "sad"]


def test_the_test_part_is_the_same_whatever_the_seed() -> None:
    table = ordered_texts(200).rename(columns={"review": "text"})
    parts = [split({"train": table}, 0.1, 0.2, seed) for seed in (1, 2)]
    pd.testing.assert_frame_equal(parts[0]["test"], parts[1]["test"])
    assert not parts[0]["validation"].equals(parts[1]["validation"])
    assert {name: len(part) for name, part in parts[0].items()} == {"train": 144, "validation": 16, "test": 40}


def test_no_training_text_stands_in_the_validation_part() -> None:
    table = pd.DataFrame({"text": ["same"] * 20 + [f"text {i}" for i in range(80)], "label": ["a", "b"] * 50})
    parts = split({"train": table, "test": table[-10:]}, 0.3, 0.1, seed=1)
    assert not set(parts["train"]["text"]) & set(parts["validation"]["text"])
    assert sorted(parts["test"]["text"]) == sorted(table["text"][-10:]), "an official test part stays as it is"


def test_a_long_text_shows_another_stretch_every_epoch() -> None:
    part = Part([np.arange(2, 102, dtype=np.int32), np.arange(2, 7, dtype=np.int32)], np.eye(2, dtype=np.float32))
    batches = training_batches(part, batch_size=1, length=10, word_dropout=0.0, seed=1)
    epochs = [list(batches.as_numpy_iterator()) for _ in range(6)]
    starts = {int(inputs["ids"][0, 0]) for epoch in epochs for inputs, truth in epoch if truth[0, 0] == 1}
    shapes = {inputs["ids"].shape for inputs, _ in epochs[0]}
    assert len(starts) > 1
    assert shapes == {(1, 10), (1, 5)}


def test_pieces_with_the_same_neighbours_get_like_vectors() -> None:
    rng = np.random.default_rng(0)
    sequences = [np.array([10 + i % 2, 2 + rng.integers(2), 20 + i % 2, 4 + rng.integers(2)]) for i in range(400)]
    vectors = word_vectors(sequences, 30, 8, seed=1)
    lengths = np.linalg.norm(vectors, axis=1)
    same = vectors[2] @ vectors[3] / (lengths[2] * lengths[3])
    other = vectors[2] @ vectors[4] / (lengths[2] * lengths[4])
    assert vectors.shape == (30, 8)
    assert same > 0.7 > other + 0.2
    assert lengths[29] == 0


def test_the_grammar_is_seeded_and_defeats_a_bag_of_words() -> None:
    from components.sentiment.baselines import tfidf_regression

    train, test = list(reviews.reviews(1_500, test=False)), list(reviews.reviews(400, test=True))
    assert train[:50] == list(reviews.reviews(50, test=False))
    truth = np.array([reviews.LABELS.index(label) for _, label in test])
    labels = np.array([reviews.LABELS.index(label) for _, label in train])
    found = tfidf_regression([text for text, _ in train], labels, [text for text, _ in test], 2)
    assert 0.4 < np.mean(found.argmax(axis=1) == truth) < 0.6
    assert 0.4 < truth.mean() < 0.6


def test_every_test_review_of_the_grammar_holds_an_unseen_pair_of_words() -> None:
    def pairs(text: str) -> set[tuple[str, str]]:
        words = text.replace(",", "").replace(".", "").split()
        aspects = [i for i, word in enumerate(words) if word in reviews.ASPECTS]
        judged = [i for i, word in enumerate(words) if word in reviews.PRAISE + reviews.BLAME]
        return {(words[a], words[j]) for a, j in zip(aspects, judged, strict=True)}

    known = {pair for text, _ in reviews.reviews(3_000, test=False) for pair in pairs(text)}
    assert all(pairs(text) - known for text, _ in reviews.reviews(300, test=True))


def imdb_archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(f"aclImdb/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


IMDB = {
    "README": b"about",
    "train/pos/1_9.txt": b"Good.<br /><br />Very good.",
    "train/pos/0_10.txt": b"Fine",
    "train/pos/2_8.txt": b"Nice",
    **{f"train/neg/{i}_1.txt": f"Bad {i}".encode() for i in range(3)},
    "train/unsup/0_0.txt": b"Who knows",
    "train/labeledBow.feat": b"0 9:1",
    "test/neg/0_2.txt": b"Poor",
    "test/pos/0_7.txt": b"Great",
}


def test_the_imdb_archive_is_read_as_it_is(tmp_path: Path) -> None:
    found, card = text_sources.load(str(imdb_archive(tmp_path / "aclImdb_v1.tar.gz", IMDB)))
    assert found.parts["train"]["text"].tolist() == ["Bad 0", "Bad 1", "Bad 2", "Fine", "Good.\n\nVery good.", "Nice"]
    assert found.parts["train"]["label"].tolist() == ["negative"] * 3 + ["positive"] * 3
    assert found.parts["test"]["label"].tolist() == ["negative", "positive"]
    assert found.unlabelled == ["Who knows"]
    assert len(card["sha256"]) == 64


def test_a_public_source_is_taken_from_the_data_folder_and_its_checksum_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWISE_DATA", str(tmp_path))
    imdb_archive(tmp_path / "aclImdb_v1.tar.gz", IMDB)
    with pytest.raises(SourceError, match="sha256 is"):
        text_sources.load("imdb")


@pytest.mark.parametrize("fault", ["cut off", "no test part", "not UTF-8"])
def test_a_faulty_imdb_archive_is_one_error(tmp_path: Path, fault: str) -> None:
    members = {name: content for name, content in IMDB.items() if fault != "no test part" or "test" not in name}
    if fault == "not UTF-8":
        members["train/pos/0_10.txt"] = b"\xff\xfe"
    path = imdb_archive(tmp_path / "a.tar.gz", members)
    if fault == "cut off":
        path.write_bytes(path.read_bytes()[:200])
    said = {"cut off": "not a whole tar", "no test part": "no aclImdb/test", "not UTF-8": "0_10.txt is not UTF-8"}
    with pytest.raises(DataError, match=said[fault]):
        text_sources.imdb(path)


def test_sst2_is_read_from_glues_archive(tmp_path: Path) -> None:
    path = tmp_path / "SST-2.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("SST-2/train.tsv", 'sentence\tlabel\nhide new secretions \t0\nan " odd quote\t1\n')
        archive.writestr("SST-2/dev.tsv", "sentence\tlabel\nit 's charming\t1\n")
        archive.writestr("SST-2/test.tsv", "index\tsentence\n0\tsecret\n")
    parts = text_sources.sst2(path).parts
    assert parts["train"].to_numpy().tolist() == [["hide new secretions ", "negative"], ['an " odd quote', "positive"]]
    assert parts["test"].to_numpy().tolist() == [["it 's charming", "positive"]]
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match=r"not GLUE's SST-2\.zip"):
        text_sources.sst2(path)


def tweet_files(folder: Path) -> list[Path]:
    for part in ("train", "val", "test"):
        (folder / f"tweeteval_{part}_text.txt").write_text("I\\u2019m fine &amp; well \nmeh\u2028 \n", encoding="utf-8")
        (folder / f"tweeteval_{part}_labels.txt").write_text("2\n1\n")
    return sorted(folder.iterdir())


def test_tweets_are_read_from_their_pairs_of_files(tmp_path: Path) -> None:
    found = text_sources.tweets(*tweet_files(tmp_path))
    assert set(found.parts) == {"train", "validation", "test"}
    test = text_sources.cleaned(found, text_sources.CLEANING_OF["tweets"]).parts["test"]
    assert test["text"].tolist() == ["I’m fine & well", "meh"]
    assert test["raw"].tolist() == ["I\\u2019m fine &amp; well ", "meh\u2028 "]
    assert test["label"].tolist() == ["positive", "neutral"]
    assert {file.name for file in named(text_sources.SOURCES, "tweets").files} == {
        path.name for path in tmp_path.iterdir()
    }


@pytest.mark.parametrize(("labels", "said"), [("2\n", "2 lines and"), ("2\n7\n", "line 2: '7' is no label")])
def test_faulty_tweets_are_one_error(tmp_path: Path, labels: str, said: str) -> None:
    paths = tweet_files(tmp_path)
    (tmp_path / "tweeteval_val_labels.txt").write_text(labels)
    with pytest.raises(DataError, match=said):
        text_sources.tweets(*paths)


def test_a_folder_of_tables_is_an_official_split(tmp_path: Path) -> None:
    pd.DataFrame({"text": list("abcdef"), "label": [0, 1] * 3}).to_parquet(tmp_path / "train.parquet")
    (tmp_path / "dev.csv").write_text("text,label\nv,1\n")
    (tmp_path / "test.tsv").write_text("text\tlabel\nt<br/>u\t0\n")
    pd.DataFrame({"text": ["free"]}).to_parquet(tmp_path / "unsup.parquet")
    found, _ = text_sources.load(str(tmp_path))
    assert found.parts["train"]["label"].tolist() == ["0", "1"] * 3
    assert found.parts["validation"].to_numpy().tolist() == [["v", "v", "1"]]
    assert found.parts["test"].to_numpy().tolist() == [["t<br/>u", "t\nu", "0"]]
    assert found.unlabelled == ["free"]


GOOD = "text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(8))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "text,label\nfine,a\n  ,b\n,a\n", "a.csv, line 3: column 'text' is empty (and in 1 more rows)"),
        ("a.csv", "text,label\nfine,\n", "a.csv, line 2: column 'label' is empty"),
        ("a.csv", "text,label\nfine,a\nbad,a\n", "every text has the label 'a'"),
        ("a.csv", GOOD + "odd,c\n", "label 'c' has 1 different texts, 3 are needed"),
        ("a.csv", "text,label\n" + "".join(f"t,{i}\n" for i in range(101)), "101 different labels"),
        ("a.csv", "words,label\nfine,a\n", "none of the usual columns text, review"),
        ("a.csv", "text,mark\nfine,a\n", "name one with --set label_column=COLUMN"),
        ("a.csv", "", "is empty"),
        ("a.jsonl", '{"text": "fine", "label": null}\n', "a.jsonl, row 1: column 'label' is empty"),
        ("test.csv", GOOD, None),
        ("notes.txt", "words", "not a table that can be read"),
    ],
)
def test_a_faulty_table_is_one_error_and_nothing_is_written(
    tmp_path: Path, name: str, content: str, said: str | None
) -> None:
    path, folder = tmp_path / name, tmp_path / "raw"
    path.write_text(content)
    folder.mkdir()
    if said is None:
        sentiment.ingest(str(path), CONFIG, folder)
        return
    with pytest.raises(DataError) as caught:
        sentiment.ingest(str(path), CONFIG, folder)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(folder.iterdir()) == []


def test_a_folder_without_a_training_table_says_what_it_holds(tmp_path: Path) -> None:
    for name in ("test.csv", "other.csv"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(DataError, match=r"holds other\.csv, test\.csv: name the training table train\.csv"):
        text_sources.load(str(tmp_path))


def test_a_label_that_only_the_test_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(GOOD)
    (tmp_path / "test.csv").write_text("text,label\nx,z\n")
    with pytest.raises(DataError, match="label 'z' of the test part is not in the training part"):
        text_sources.load(str(tmp_path))


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(GOOD)
    before = sentiment.fingerprint(str(path), CONFIG)
    assert sentiment.fingerprint(str(path), CONFIG) == before
    path.write_text(GOOD + "more,a\n")
    assert sentiment.fingerprint(str(path), CONFIG) != before
    assert len({sentiment.fingerprint(name, CONFIG) for name in text_sources.SOURCES}) == len(text_sources.SOURCES)


def test_an_unknown_source_and_a_missing_path_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="unknown source 'imbd'"):
        sentiment.fingerprint("imbd", CONFIG)
    with pytest.raises(SourceError, match="no such file or folder"):
        sentiment.fingerprint(str(tmp_path / "none.csv"), CONFIG)


def test_real_reviews_of_the_shared_folder_are_loaded_whole(shared_data: Path) -> None:
    found, _ = text_sources.load(str(shared_data / "imdb"))
    sizes = {name: len(table) for name, table in found.parts.items()}
    assert sizes == {"train": 25_000, "test": 25_000}
    assert len(found.unlabelled) == 50_000
    assert found.parts["test"]["label"].value_counts().to_dict() == {"positive": 12_500, "negative": 12_500}
    assert not found.parts["train"]["text"].str.contains("<br").any()
