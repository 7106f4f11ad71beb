"""Text generation: streams continue each other, the state is carried, and the numbers are what they say they are."""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from components.application import Scores
from components.errors import DataError, SettingError
from components.text_generation import application as text_generation
from components.text_generation import ids as text_ids
from components.text_generation.application import PRESETS, Config
from components.text_generation.ngram import NGramModel, best_order
from components.text_generation.parts import TOKENIZER, Parts, cuts
from components.text_generation.samples import fenced, write_on
from components.text_generation.scores import CHUNK, chunk_losses, cross_entropy

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

SMALL = PRESETS["tiny"].changed(
    {"units": 24, "embedding": 8, "window": 20, "batch_size": 8, "epochs": 2, "dropout": 0.0, "learning_rate": 1e-2}
)
LEVELS = {"character": SMALL, "subword": SMALL.changed({"level": "subword", "vocabulary": 300})}


def dialogue(lines: int, seed: int = 0) -> str:
    """Lines of two speakers who count: regular enough to learn in seconds."""
    rng = np.random.default_rng(seed)
    words = ["one", "two", "three", "four", "five", "six"]
    return "".join(
        f"{'ANNA' if line % 2 else 'BEN'}: {' '.join(words[(start + i) % 6] for i in range(4))}.\n"
        for line, start in enumerate(rng.integers(0, 6, lines))
    )


def prepared(text: str, config: Config, folder: Path) -> Path:
    """The text ingested from a file and preprocessed."""
    (folder / "raw").mkdir()
    (folder / "data").mkdir()
    (folder / "own.txt").write_text(text, encoding="utf-8")
    text_generation.ingest(str(folder / "own.txt"), config, folder / "raw")
    text_generation.preprocess(folder / "raw", config, folder / "data")
    return folder / "data"


@pytest.fixture(scope="module", params=LEVELS)
def level(request: pytest.FixtureRequest) -> str:
    """Each level in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def counting(level: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dialogue, preprocessed at the level."""
    return prepared(dialogue(700), LEVELS[level], tmp_path_factory.mktemp(level))


@pytest.fixture(scope="module")
def trained(
    level: str, counting: Path, tmp_path_factory: pytest.TempPathFactory
) -> "tuple[keras.Model, dict[str, Any]]":
    """A network trained on it, and its history."""
    from components.networks.training import seed_everything

    seed_everything(1)
    model = text_generation.build(counting, LEVELS[level])
    return model, text_generation.fit(model, counting, LEVELS[level], tmp_path_factory.mktemp("checkpoints"))


class Recall:
    """A stand-in for a network that knows the next id if, and only if, its state was carried: it counts ids seen."""

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary

    def __call__(self, feeds: Any) -> dict[str, np.ndarray]:
        ids, seen = feeds["ids"], feeds["state_0"]
        last = np.where(seen[:, :1] > 0, seen[:, :1] - 1, -1).astype(int)
        before = np.concatenate([last, ids[:, :-1]], axis=1)  # the id before each
        guess = (2 * ids - before) % self.vocabulary  # an arithmetic series goes on
        logits = np.where(np.arange(self.vocabulary) == guess[..., None], 20.0, 0.0).astype(np.float32)
        return {"logits": logits, "state_0_next": (ids[:, -1:] + 1).astype(np.float32)}


# The page


def test_every_preset_is_within_bounds_and_tiny_is_the_smallest() -> None:
    assert list(PRESETS) == ["tiny", "base", "large"]
    assert PRESETS["tiny"].units < PRESETS["base"].units < PRESETS["large"].units


def test_an_unknown_level_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match="setting 'level' = 'word'"):
        SMALL.changed({"level": "word"})


def test_the_test_part_is_the_last_tenth_and_the_validation_part_stands_before_it() -> None:
    assert cuts(1_115_394, 0.05, 0.1) == (1_003_854 - 55_769, 1_003_854)


def test_nothing_of_the_test_part_is_in_the_vocabulary(tmp_path: Path) -> None:
    data = prepared(dialogue(300) + "§" * 500, SMALL, tmp_path)
    assert "§" not in json.loads((data / TOKENIZER).read_text())["model"]["vocab"]
    assert (Parts.read(data).test == 0).any()


def test_parts_hold_the_whole_text_in_order(level: str, counting: Path) -> None:
    parts, tokenizer = Parts.read(counting), text_ids.load(counting / TOKENIZER)
    whole = np.concatenate([parts.train, parts.validation, parts.test])
    assert text_ids.decode(tokenizer, whole) == dialogue(700)
    assert parts.characters[whole].sum() == len(dialogue(700))
    assert parts.facts.turn_end == "\n"


def test_a_text_shorter_than_a_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the text is too short: its validation part has 10 ids and needs 100"):
        prepared("abcd efgh\n" * 20, SMALL, tmp_path)


def test_a_short_text_is_learned_from_in_fewer_streams(tmp_path: Path) -> None:
    data = prepared(dialogue(80), SMALL.changed({"epochs": 1, "validation_share": 0.1}), tmp_path)
    config = SMALL.changed({"epochs": 1, "batch_size": 64})
    history = text_generation.fit(text_generation.build(data, config), data, config, tmp_path / "checkpoints")
    assert math.isfinite(history["val_loss"][0])


def test_tied_weights_are_used_twice(counting: Path, level: str) -> None:
    plain = text_generation.build(counting, LEVELS[level])
    tied = text_generation.build(counting, LEVELS[level].changed({"tied": True}))
    vocabulary = Parts.read(counting).facts.vocabulary
    assert {weight.shape for weight in plain.weights} >= {(vocabulary, 8), (24, vocabulary)}
    assert [weight.shape for weight in tied.weights].count((vocabulary, 8)) == 1
    assert (24, vocabulary) not in {weight.shape for weight in tied.weights}
    assert tied.output["logits"].shape == (None, None, vocabulary)


# Streams


def test_each_row_continues_where_it_ended_and_targets_are_one_ahead() -> None:
    from components.text_generation.streams import Streams

    streams = Streams(np.arange(1_000), rows=3, window=10)
    batches = [streams[index] for index in range(len(streams))]
    for ids, following in batches:
        np.testing.assert_array_equal(following, ids + 1)
    for (ids, _), (after, _) in pairwise(batches):
        np.testing.assert_array_equal(after[:, 0], ids[:, -1] + 1)
    assert len(streams) == 33


def test_each_epoch_starts_elsewhere_and_the_same_epoch_at_the_same_place() -> None:
    from components.text_generation.streams import Streams

    streams = Streams(np.arange(1_000), rows=4, window=16, seed=1)
    starts = []
    for epoch in (0, 1, 2, 0):
        streams.begin(epoch)
        starts.append(streams[0][0][0, 0])
        assert streams[len(streams) - 1][1].max() <= 999
    assert len(set(starts[:3])) > 1
    assert starts[0] == starts[3]


def test_the_shortest_usable_text_makes_one_batch() -> None:
    from components.text_generation.streams import Streams, rows_of

    assert rows_of(32, 10, np.arange(21), np.arange(11)) == 1
    assert rows_of(32, 10, np.arange(10)) == 0
    assert len(Streams(np.arange(11), rows=1, window=10, seed=1)) == 1


# Scores


def test_the_state_is_carried_through_the_whole_test_part() -> None:
    ids = np.arange(40 * CHUNK) * 3 % 50
    losses = chunk_losses(Recall(50), ids[:1], ids[1:], {"state_0": np.zeros(1, np.float32)})
    assert losses.shape == (39,)
    assert losses[1:].max() < 1e-6
    assert losses[0] < 0.3  # the very first id cannot be known


def test_a_limit_measures_the_first_chunks() -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 50, 12 * CHUNK)
    start = {"state_0": np.zeros(1, np.float32)}
    whole = chunk_losses(Recall(50), ids[:300], ids[300:], start)
    np.testing.assert_allclose(chunk_losses(Recall(50), ids[:300], ids[300:], start, limit=4), whole[:4])


def test_cross_entropy_is_that_of_softmax() -> None:
    logits = np.array([[1.0, 2.0, 3.0], [1e4, 0.0, 0.0]])
    got = cross_entropy(logits, np.array([2, 0]))
    np.testing.assert_allclose(got, [math.log(1 + math.exp(-1) + math.exp(-2)), 0.0], atol=1e-12)


def test_numbers_hardly_depend_on_how_many_streams_read_the_text(
    trained: "tuple[keras.Model, Any]", counting: Path, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.networks.gru import predictor

    predict = predictor(trained[0])
    many = text_generation.score(predict, counting, LEVELS[level])
    monkeypatch.setattr("components.text_generation.scores.ROWS", 1)
    one = text_generation.score(predict, counting, LEVELS[level])
    assert one.metrics["nats_per_character"] == pytest.approx(many.metrics["nats_per_character"], rel=0.01)


def test_nats_are_counted_per_character_at_both_levels(counting: Path, level: str) -> None:
    parts = Parts.read(counting)
    vocabulary = parts.facts.vocabulary

    def knows_nothing(feeds: Any) -> dict[str, np.ndarray]:
        return {"logits": np.zeros((*feeds["ids"].shape, vocabulary)), "state_0_next": feeds["state_0"]}

    scores = text_generation.score(knows_nothing, counting, LEVELS[level])
    measured = parts.test[: len(scores.each) * CHUNK]
    expected = math.log(vocabulary) * len(measured) / parts.characters[measured].sum()
    assert scores.metrics["nats_per_character"] == pytest.approx(expected)
    assert scores.metrics["bits_per_character"] == pytest.approx(expected / math.log(2))


# Training and baselines


def test_training_learns_more_than_frequencies(
    trained: "tuple[keras.Model, dict[str, Any]]", counting: Path, level: str
) -> None:
    from components.networks.gru import predictor

    model, history = trained
    assert history["loss"][-1] < history["loss"][0]
    scores = text_generation.score(predictor(model), counting, LEVELS[level])
    others = text_generation.baselines(counting, LEVELS[level])
    assert scores.metrics["nats_per_character"] < others["frequencies"].metrics["nats_per_character"]
    assert all(other.each.shape == scores.each.shape for other in others.values())


def test_ngram_probabilities_add_up_to_one() -> None:
    ids = np.random.default_rng(0).integers(0, 7, 3_000) * np.random.default_rng(1).integers(0, 2, 3_000)
    model = NGramModel(ids, 7, 4)
    for before in (ids[:10], ids[500:504], np.array([6, 6, 6, 6])):
        every = [np.exp(-model.losses(before, np.array([index]))[:, 0]) for index in range(7)]
        np.testing.assert_allclose(np.sum(every, axis=0), 1.0, atol=1e-9)


def test_the_order_is_chosen_that_the_text_has() -> None:
    rng = np.random.default_rng(0)
    ids = [0, 1]
    for _ in range(6_000):  # each id depends on the two before it
        ids.append(int((ids[-1] + 2 * ids[-2]) % 5 if rng.random() < 0.9 else rng.integers(5)))
    model = NGramModel(np.array(ids[:5_000]), 5, 5)
    assert best_order(model, np.array(ids[:5_000]), np.array(ids[5_000:])) == 3


def test_ngrams_know_the_text_before_the_first_id() -> None:
    ids = np.tile(np.arange(5), 200)
    losses = NGramModel(ids, 5, 3).losses(ids[:995], ids[995:])
    assert losses[2, 0] < 0.1


# What people and devices get


def test_a_report_shows_passages_and_a_picture(
    trained: "tuple[keras.Model, Any]", counting: Path, level: str, tmp_path: Path
) -> None:
    from components.networks.gru import predictor

    shown = text_generation.illustrate(predictor(trained[0]), counting, LEVELS[level], tmp_path)
    assert shown.markdown.count("```text") == 3
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in shown.pictures)


def test_writing_carries_the_state(tmp_path: Path) -> None:
    tokenizer = text_ids.train("abcde", "character", 0, tmp_path / TOKENIZER)
    text = write_on(Recall(6), tokenizer, np.array([1, 2]), {"state_0": np.zeros(1, np.float32)}, 0.0, 3)
    assert text == "cde"


def test_a_code_block_holds_text_with_backticks() -> None:
    assert fenced("a ``` b").startswith("````text")


def test_the_description_fits_the_network(trained: "tuple[keras.Model, Any]", counting: Path, level: str) -> None:
    from components.networks.gru import predictor

    description = text_generation.describe(counting, LEVELS[level])
    results = [predictor(trained[0])(case) for case in description.cases]
    assert {tensor.name for tensor in description.graph.outputs} == set(results[0])
    assert {tensor.name for tensor in description.graph.inputs} == set(description.cases[0])
    assert not description.cases[0]["state_0"].any()
    assert description.cases[1]["state_0"].any()
    assert description.settings["turn_stop"] == "\n"
    tokenizer = text_ids.load(counting / TOKENIZER)
    assert text_ids.decode(tokenizer, [description.settings["prompt_token"]]) == "\n"


def test_fast_ids_are_the_tokenizers(counting: Path, level: str) -> None:
    tokenizer = text_ids.load(counting / TOKENIZER)
    for text in (dialogue(20, seed=9), text_generation.STRANGE_TEXT):
        np.testing.assert_array_equal(text_ids.encode(tokenizer, text), tokenizer.encode(text).ids)


def test_the_ngram_baseline_gives_its_known_number_on_shakespeare(shared_data: Path, tmp_path: Path) -> None:
    text = (shared_data / "shakespeare" / "input.txt").read_text()
    config = PRESETS["base"].changed({"validation_share": 0.05})
    data = prepared(text, config, tmp_path)
    scores: dict[str, Scores] = text_generation.baselines(data, config)
    name, hardest = next(iter(scores.items()))
    assert name == "7-gram"
    assert hardest.metrics["nats_per_character"] == pytest.approx(1.677, abs=0.001)
