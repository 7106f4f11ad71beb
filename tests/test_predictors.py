"""The four predictors: what they answer, that streams do not depend on chunk sizes, and what they refuse."""

import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_bundles import (
    CLIP,
    CONTEXT,
    HOP,
    HORIZON,
    SAMPLE_RATE,
    forecasting_bundle,
    sentiment_bundle,
    speech_bundle,
    text_bundle,
)

import gatewise
from gatewise import GatewiseError, InputError
from gatewise.audio import resample
from gatewise.cleaning import STEPS, clean

FEW = settings(max_examples=30)

# Text generation


@pytest.fixture(scope="module")
def generator(tiny_bundles):
    return gatewise.load(tiny_bundles["text_generation"])


@pytest.fixture(scope="module")
def subword(tiny_bundles):
    return gatewise.load(tiny_bundles["subword"])


def test_a_text_has_the_length_asked_for(generator):
    assert len(generator.predict("the ", length=50, seed=1)) == 50
    assert generator.predict("the ", length=0) == ""


def test_the_stream_joins_to_the_prediction(generator, subword):
    for model in (generator, subword):
        pieces = list(model.stream("the ", length=40, seed=3))
        assert "".join(pieces) == model.predict("the ", length=40, seed=3)


def test_the_state_is_carried_from_step_to_step(generator, tiny_bundles):
    """Greedy text equals that of a model which is shown the whole text anew before every character."""
    runtime = generator._runtime
    ids = [1 + sorted("\n !abcdefghijklmnopqrstuvwxyzé€").index(char) for char in "hello"]
    vocabulary = json.loads((tiny_bundles["text_generation"] / "tokenizer.json").read_text())["model"]["vocab"]
    characters = {index: char for char, index in vocabulary.items()}
    expected = ""
    for _ in range(25):
        logits = runtime.run({"ids": np.array([ids], np.int32)})[0]["logits"][0, -1]
        logits[0] = -np.inf  # [UNK] is never written
        ids.append(int(logits.argmax()))
        expected += characters[ids[-1]]
    assert generator.predict("hello", length=25, temperature=0) == expected


@FEW
@given(cuts=st.lists(st.integers(0, 12), max_size=4), lengths=st.lists(st.integers(0, 9), min_size=1, max_size=4))
def test_keep_state_goes_on_as_if_there_had_been_one_call(generator, cuts, lengths):
    prompt = "some prompt "
    whole = generator.predict(prompt, length=sum(lengths), temperature=0)
    generator.reset()
    begin = 0
    for cut in sorted(cuts):
        generator.predict(prompt[begin:cut], length=0, keep_state=begin > 0 or not cut) if cut > begin else None
        begin = max(begin, cut)
    parts = [generator.predict(prompt[begin:], length=lengths[0], temperature=0, keep_state=begin > 0)]
    parts += [generator.predict("", length=length, temperature=0, keep_state=True) for length in lengths[1:]]
    assert "".join(parts) == whole


def test_without_keep_state_every_call_starts_anew(generator):
    first = generator.predict("abc", length=30, temperature=0)
    generator.predict("something else entirely", length=10)
    assert generator.predict("abc", length=30, temperature=0) == first


def test_a_prompt_longer_than_one_call_is_read_to_its_end(generator, monkeypatch):
    prompt = "a long prompt of many words " * 5
    whole = generator.predict(prompt, length=20, temperature=0)
    monkeypatch.setattr("gatewise.text_generation.PROMPT_CHUNK", 7)
    assert generator.predict(prompt, length=20, temperature=0) == whole


@pytest.mark.parametrize("kind", ["text_generation", "subword"])
def test_a_variant_of_one_step_writes_the_same_text(tiny_bundles, kind, tmp_path):
    wanted = gatewise.load(tiny_bundles[kind]).predict("the film ", length=40, seed=5)
    assert gatewise.load(tiny_bundles[kind], variant="step").predict("the film ", length=40, seed=5) == wanted
    level = {"text_generation": "character", "subword": "subword"}[kind]
    mixed = gatewise.load(text_bundle(tmp_path / "mixed", level, step_variant="step"))
    assert mixed.predict("the film ", length=40, seed=5) == wanted


def test_a_seed_repeats_a_text_and_another_changes_it(generator):
    texts = {generator.predict("the ", length=60, seed=seed) for seed in (1, 1, 2)}
    assert len(texts) == 2


@FEW
@given(stop=st.text("aeo ", min_size=1, max_size=3) | st.lists(st.text("aeo", min_size=1, max_size=2), min_size=1))
def test_a_text_ends_before_the_first_stop(generator, stop):
    whole = generator.predict("the ", length=80, seed=9)
    stops = [stop] if isinstance(stop, str) else stop
    ends = [whole.index(text) for text in stops if text in whole]
    expected = whole[: min(ends)] if ends else whole
    pieces = list(generator.stream("the ", length=80, seed=9, stop=stop))
    assert "".join(pieces) == expected


def test_a_stream_gives_whole_characters_only(subword):
    for piece in subword.stream("é€", length=300, seed=2):
        assert piece
        piece.encode()  # raises on half a surrogate pair


def test_an_empty_prompt_starts_from_the_start_id(subword, generator):
    assert subword.predict("", length=5, temperature=0) == subword.predict("u", length=5, temperature=0)  # "u" is 84
    generator.reset()
    with pytest.raises(InputError, match="prompt is empty"):
        generator.predict("")


def test_a_second_generation_does_not_silently_disturb_the_first(generator):
    first = generator.stream("abc", length=5)
    next(first)
    generator.predict("abc", length=5)
    with pytest.raises(GatewiseError, match="another generation has begun"):
        next(first)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"prompt": 5}, "prompt is int"),
        ({"prompt": None}, "prompt is NoneType"),
        ({"prompt": b"abc"}, "prompt is bytes"),
        ({"prompt": "a\ud800"}, "surrogate"),
        ({"length": -1}, "length = -1"),
        ({"length": 2.5}, "length"),
        ({"length": True}, "length"),
        ({"temperature": -1}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 2}, "top_p"),
        ({"seed": -5}, "seed"),
        ({"stop": ""}, "stop"),
        ({"stop": ["a", ""]}, "stop"),
        ({"stop": 3}, "stop"),
    ],
)
def test_bad_generation_arguments_are_refused_before_anything_is_written(generator, arguments, named):
    with pytest.raises(InputError, match=named):
        generator.stream(**{"prompt": "abc"} | arguments)


# Sentiment


@pytest.fixture(scope="module")
def classifier(tiny_bundles):
    return gatewise.load(tiny_bundles["sentiment"])


def test_texts_are_cleaned_as_the_bundle_says(tmp_path):
    steps = ["escapes", "line breaks", "entities", "white space"]
    plain = gatewise.load(sentiment_bundle(tmp_path / "plain"))  # of an older layout: no cleaning
    cleaning = gatewise.load(sentiment_bundle(tmp_path / "cleaning", cleaning=steps))
    raw = " bad<br />film &amp; \\u0067ood<BR>good&nbsp;film "
    assert cleaning.predict(raw) == plain.predict("bad\nfilm & good\ngood\xa0film") != plain.predict(raw)
    with pytest.raises(gatewise.BundleError, match="cleans texts with 'magic', which this gatewise does not know"):
        gatewise.load(sentiment_bundle(tmp_path / "new", cleaning=["magic"]))


@given(text=st.text())
def test_every_step_of_cleaning_takes_any_text(text):
    for step in STEPS:
        clean(text, [step]).encode()


def test_a_text_gets_its_label_and_every_labels_probability(classifier):
    answer = classifier.predict("A good film!")
    assert answer.label == "positive"
    assert answer.probability == answer.probabilities["positive"] == pytest.approx(1 / (1 + np.exp(-2.5)))
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert list(answer.probabilities) == ["negative", "positive"]


@FEW
@given(st.lists(st.text("good bad!un", min_size=1).filter(str.strip), min_size=1, max_size=70))
def test_several_texts_are_answered_as_each_alone_and_in_order(classifier, texts):
    together = classifier.predict(texts)
    for text, answer in zip(texts, together, strict=True):
        assert answer.probabilities == pytest.approx(classifier.predict(text).probabilities, abs=1e-6)


def test_a_long_text_counts_up_to_its_limit(classifier):
    assert classifier.predict("film " * 8 + "good " * 50).probabilities["positive"] == pytest.approx(0.5)


def test_a_padded_variant_answers_alike(tiny_bundles, classifier):
    padded = gatewise.load(tiny_bundles["sentiment"], variant="padded")
    texts = ["good", "bad film", "good " * 20]
    for ours, other in zip(classifier.predict(texts), padded.predict(texts), strict=True):
        assert ours.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_padding_written_in_a_text_changes_nothing(classifier):
    assert classifier.predict("[PAD]good").label == "positive"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "text 0 holds no word"),
        (" \n\t", "text 0 holds no word"),
        ("\u200b\x00", "text 0 holds no word"),
        (["good", ""], "text 1 holds no word"),
        (["good", None], "text 1 is NoneType"),
        ([], "list of texts is empty"),
        (None, "text is NoneType"),
        (7, "text is int"),
        (b"good", "text is bytes"),
        ("\udfff", "surrogate"),
    ],
)
def test_texts_that_are_none_are_refused(classifier, text, named):
    with pytest.raises(InputError, match=named):
        classifier.predict(text)


# Forecasting

START = np.datetime64("2024-03-01T00:00")
HISTORY = np.array([3, 1, 4, 1, 5, 9], np.float64)
HOURS = START + np.arange(CONTEXT) * np.timedelta64(60, "m")


@pytest.fixture(scope="module")
def forecaster(tiny_bundles):
    return gatewise.load(tiny_bundles["forecasting"])


def test_a_forecast_holds_quantiles_median_and_times(forecaster):
    forecast = forecaster.predict(HISTORY, HOURS)
    assert forecast.quantiles == (0.1, 0.5, 0.9)
    assert forecast.values.shape == (HORIZON, 3)
    assert forecast.median.tolist() == [9.5, 10.0, 10.5]
    assert (np.diff(forecast.values, axis=1) >= 0).all()
    assert forecast.times.tolist() == [datetime(2024, 3, 1, hour) for hour in (6, 7, 8)]


def test_a_longer_history_counts_by_its_end(forecaster):
    longer = np.concatenate([[100, -100], HISTORY])
    times = START + (np.arange(8) - 2) * np.timedelta64(60, "m")
    assert forecaster.predict(longer, times).values.tolist() == forecaster.predict(HISTORY, HOURS).values.tolist()


@FEW
@given(st.integers(1, 70))
def test_several_series_are_forecast_as_each_alone(forecaster, count):
    rows = np.random.default_rng(count).normal(size=(count, CONTEXT + 2))
    together = forecaster.predict(rows)
    assert len(together) == count
    assert together[-1].values == pytest.approx(forecaster.predict(rows[-1]).values)


def test_a_variant_of_one_series_forecasts_several(tiny_bundles, forecaster):
    single = gatewise.load(tiny_bundles["forecasting"], variant="single")
    rows = np.arange(18.0).reshape(3, 6)
    for ours, other in zip(forecaster.predict(rows, HOURS), single.predict(rows, HOURS), strict=True):
        assert ours.values == pytest.approx(other.values)


def iso(zone=""):
    return [f"2024-03-01T0{hour}:00{zone}" for hour in range(CONTEXT)]


@pytest.mark.parametrize(
    "times",
    [
        HOURS.astype("datetime64[ns]"),
        iso(),
        iso("Z"),
        iso("+05:00"),  # a zone is dropped, as in training
        [datetime(2024, 3, 1, hour) for hour in range(CONTEXT)],
        [datetime(2024, 3, 1, hour, tzinfo=UTC) for hour in range(CONTEXT)],
        [datetime(2024, 3, 1, hour, tzinfo=timezone(timedelta(hours=-8))) for hour in range(CONTEXT)],
    ],
)
def test_times_are_taken_in_every_usual_form(forecaster, times):
    assert forecaster.predict(HISTORY, times).times[0] == np.datetime64("2024-03-01T06:00")


def test_times_of_the_horizon_may_be_given(tmp_path):
    model = gatewise.load(forecasting_bundle(tmp_path, step_minutes=None, frequency="B"))
    days = np.busday_offset("2024-03-01", np.arange(6)).astype("datetime64[m]")
    every = np.concatenate([days, days[-1] + np.array([120, 240, 360], "timedelta64[m]")])
    assert model.predict(HISTORY, every).median.tolist() == [10, 11, 12]


def test_without_times_the_history_ends_now(forecaster):
    first = forecaster.predict(HISTORY).times[0]
    assert abs(first - np.datetime64(datetime.now(), "m")) <= np.timedelta64(61, "m")
    assert first.astype(int) % 60 == 0


@pytest.mark.parametrize(
    ("alias", "last", "ahead"),
    [
        ("B", "2024-03-01T09:30", ["2024-03-04T09:30", "2024-03-05T09:30", "2024-03-06T09:30"]),  # from a Friday
        ("MS", "2024-11-01", ["2024-12-01", "2025-01-01", "2025-02-01"]),
        ("ME", "2023-12-31", ["2024-01-31", "2024-02-29", "2024-03-31"]),
        ("QS-JAN", "2024-10-01", ["2025-01-01", "2025-04-01", "2025-07-01"]),
        ("YS", "2023-01-01T12:00", ["2024-01-01T12:00", "2025-01-01T12:00", "2026-01-01T12:00"]),
    ],
)
def test_calendar_steps_are_followed(tmp_path, alias, last, ahead):
    model = gatewise.load(forecasting_bundle(tmp_path, step_minutes=None, frequency=alias))
    times = pd.date_range(end=last, periods=6, freq=alias)
    forecast = model.predict(HISTORY, times)
    assert forecast.times.tolist() == [np.datetime64(time, "m").item() for time in ahead]
    assert len(model.predict(HISTORY).times) == HORIZON


def test_a_rhythm_without_a_calendar_needs_the_horizons_times(tmp_path):
    model = gatewise.load(forecasting_bundle(tmp_path, step_minutes=None, frequency="lunar"))
    with pytest.raises(InputError, match="give times of the horizon too"):
        model.predict(HISTORY, HOURS)
    with pytest.raises(InputError, match="give times"):
        model.predict(HISTORY)


def test_extra_columns_are_taken_by_name_or_as_an_array(tiny_bundles):
    model = gatewise.load(tiny_bundles["forecasting_extras"])
    rain, wind = np.arange(6.0), np.full(6, 2.0)
    named = model.predict(HISTORY, HOURS, {"wind": wind, "rain": rain, "unused": None})
    assert named.median.tolist() == [16.5, 17, 17.5]  # 9 + 5 + 2 and the rise
    stacked = np.stack([rain, wind], axis=-1)
    assert model.predict(HISTORY, HOURS, stacked).values.tolist() == named.values.tolist()
    assert model.predict(HISTORY[None], HOURS, stacked[None])[0].values.tolist() == named.values.tolist()
    for extra, message in (
        (None, "needs the extra columns rain, wind"),
        ({"rain": rain}, "lacks the column 'wind'"),
        (stacked[:5], r"shape \(5, 2\): expected \(1, 6, 2\)"),
        (stacked * np.nan, r"extra\[0, 0\] is nan"),
    ):
        with pytest.raises(InputError, match=message):
            model.predict(HISTORY, HOURS, extra)


def test_extra_columns_a_model_does_not_know_are_refused(forecaster):
    with pytest.raises(InputError, match="without extra columns"):
        forecaster.predict(HISTORY, HOURS, extra={"rain": HISTORY})


GAP = np.concatenate([HOURS[:3], HOURS[3:] + np.timedelta64(60, "m")])


@pytest.mark.parametrize(
    ("values", "times", "named"),
    [
        ([], None, "values are empty"),
        (HISTORY[:5], None, "history has 5 values, this model looks at 6"),
        ([1, 2, np.nan, 4, 5, 6], None, r"values\[2\] is nan"),
        ([[1] * 6, [1, 2, 3, 4, 5, np.inf]], None, r"values\[1, 5\] is inf"),
        (["a"] * 6, None, "not numbers"),
        ([[1] * 6, [1] * 5], None, "rows of equal length"),
        (None, None, "NoneType|nan|numbers|shape"),
        (5.0, None, r"shape \(\)"),
        (np.zeros((2, 3, 6)), None, r"shape \(2, 3, 6\)"),
        ([1e39] * 6, None, "float32"),
        (HISTORY, HOURS[:4], "4 times for 6 values"),
        (HISTORY, HOURS[::-1], r"times\[1\] is not after times\[0\]"),
        (HISTORY, np.repeat(HOURS[:3], 2), r"times\[1\] is not after"),
        (HISTORY, GAP, r"times\[3\] is 120 minutes after times\[2\], the model's step is 60"),
        (HISTORY, [*iso()[:5], "soon"], r"times\[5\] = 'soon'"),
        (HISTORY, list(range(6)), r"times\[0\] = 0 is not a time"),
        (HISTORY, [*HOURS[:5], np.datetime64("NaT")], "missing|not a time"),
        (HISTORY, np.array("2024-01-01"), r"shape \(\)"),
        (HISTORY, HOURS + np.timedelta64(5_000 * 366, "D"), "before the year 6053"),
    ],
)
def test_histories_that_are_none_are_refused(forecaster, values, times, named):
    with pytest.raises(InputError, match=named):
        forecaster.predict(values, times)


# Speech commands


@pytest.fixture(scope="module")
def recognizer(tiny_bundles):
    return gatewise.load(tiny_bundles["speech_commands"])


def scene(*parts):
    """Sound of some levels, each for some milliseconds."""
    return np.concatenate([np.full(ms * SAMPLE_RATE // 1_000, level, np.float32) for level, ms in parts])


SCENE = scene((0, 300), (0.5, 200), (0, 700), (-0.5, 200), (0, 300))


def test_a_clip_gets_its_label_and_every_labels_probability(recognizer):
    answer = recognizer.predict(scene((0.5, 200)))
    assert answer.label == "yes"
    assert answer.probability == answer.probabilities["yes"] > 0.99
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert recognizer.predict(scene((-0.5, 200))).label == "no"
    assert recognizer.predict(scene((0, 200))).label == "_silence_"


def test_a_short_clip_gets_silence_in_front(recognizer):
    short = scene((0.5, 90))
    padded = np.concatenate([np.zeros(CLIP - len(short), np.float32), short])
    assert recognizer.predict(short) == recognizer.predict(padded)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float64, np.uint8])
def test_samples_are_taken_in_every_usual_type(recognizer, dtype):
    clip = scene((0.5, 200)).astype(np.float64)
    scale = {np.int16: 2**15, np.int32: 2**31, np.float64: 1, np.uint8: 2**7}[dtype]
    samples = (clip * scale + (128 if dtype == np.uint8 else 0)).astype(dtype)
    assert recognizer.predict(samples).probability == pytest.approx(recognizer.predict(clip).probability, abs=1e-4)


def test_stereo_is_mixed_down(recognizer):
    clip = scene((0.5, 200))
    assert recognizer.predict(np.stack([clip, clip], axis=1)) == recognizer.predict(clip)


@pytest.mark.parametrize("rate", [1_500, 8_000, 44_100])
def test_another_sample_rate_is_resampled(recognizer, rate):
    clip = np.full(rate // 5, 0.5)
    assert recognizer.predict(clip, rate).label == "yes"


def test_a_stream_tells_each_command_and_its_moment(recognizer):
    heard = list(recognizer.stream([SCENE]))
    assert [found.label for found in heard] == ["yes", "no"]
    assert 0.3 < heard[0].time_s <= 0.5
    assert 1.2 < heard[1].time_s <= 1.4
    assert all(found.probability >= 0.6 for found in heard)


@FEW
@given(st.lists(st.integers(0, 400), max_size=40), st.sampled_from(["onnx", "step", "wide"]))
def test_chunk_sizes_do_not_change_what_is_heard(tiny_bundles, recognizer, sizes, variant):
    model = gatewise.load(tiny_bundles["speech_commands"], variant)
    chunks = np.split(SCENE, np.clip(np.cumsum([0, *sizes]), 0, len(SCENE)))
    expected, heard = list(recognizer.stream([SCENE])), list(model.stream(chunks))
    assert [(f.label, f.time_s) for f in heard] == [(f.label, f.time_s) for f in expected]
    assert [f.probability for f in heard] == pytest.approx([f.probability for f in expected], abs=1e-6)


def test_single_steps_take_the_file_that_is_fastest_at_them(tmp_path, recognizer, monkeypatch):
    model = gatewise.load(speech_bundle(tmp_path / "stepping", step_variant="step"))
    taken = {"single": 0, "whole": 0}
    for name, runtime in (("single", model._single), ("whole", model._runtime)):

        def counted(*inputs, name=name, run=runtime.run):
            taken[name] += 1
            return run(*inputs)

        monkeypatch.setattr(runtime, "run", counted)
    hop = model.bundle.settings["hop"]
    by_step = list(model.stream(SCENE[begin : begin + hop] for begin in range(0, len(SCENE), hop)))
    assert taken == {"single": len(SCENE) // hop, "whole": 0}
    at_once = list(model.stream([SCENE]))
    assert taken["whole"] > 0
    expected = [(found.label, found.time_s) for found in recognizer.stream([SCENE])]
    assert [(found.label, found.time_s) for found in by_step] == expected
    assert [(found.label, found.time_s) for found in at_once] == expected


@FEW
@given(st.lists(st.integers(1, 900), min_size=1, max_size=10))
def test_chunk_sizes_do_not_change_what_is_heard_at_another_rate(recognizer, sizes):
    fast = resample(SCENE, SAMPLE_RATE, 2_205)
    chunks = np.split(fast, np.clip(np.cumsum([0, *sizes]), 0, len(fast)))
    assert list(recognizer.stream(chunks, 2_205)) == list(recognizer.stream([fast], 2_205))
    assert [found.label for found in recognizer.stream(chunks, 2_205)] == ["yes", "no"]


def test_feeding_after_a_reset_starts_anew(recognizer):
    recognizer.reset()
    first = recognizer.feed(SCENE)
    assert first == list(recognizer.stream([SCENE]))
    recognizer.reset()
    assert recognizer.feed(SCENE) == first


def test_a_command_is_not_told_twice_within_its_refractory_time(tmp_path):
    patient = gatewise.load(speech_bundle(tmp_path / "patient", refractory_ms=5_000))
    assert [found.label for found in patient.stream([SCENE])] == ["yes"]
    eager = gatewise.load(speech_bundle(tmp_path / "eager", refractory_ms=0))
    assert [found.label for found in eager.stream([SCENE])] == ["yes", "no"]  # each once while it stays sure


def test_a_command_that_fell_silent_is_heard_again(recognizer):
    twice = scene((0, 300), (0.5, 400), (0, 700), (0.5, 1_500), (0, 300))
    assert [found.label for found in recognizer.stream([twice])] == ["yes", "yes"]


@pytest.mark.parametrize("after", [0, 100, 500, 1_000])
@pytest.mark.parametrize("before", [0, 300, 600])
def test_a_word_is_found_wherever_it_is_in_a_longer_clip(tmp_path, before, after):
    patient = gatewise.load(speech_bundle(tmp_path / "whole", decision_frames=CLIP // HOP))
    answer = patient.predict(scene((0, before), (0.5, 200), (0.01, after)))
    assert answer.probabilities["yes"] > 0.7
    assert answer.start_s == pytest.approx(before / 1_000, abs=0.1)


def test_the_stretch_heard_follows_the_bundles_settings(tmp_path):
    coarse = gatewise.load(speech_bundle(tmp_path / "coarse", search_step=CLIP // 2))
    assert coarse.predict(scene((0, 250), (0.5, 200), (0, 300))).start_s in (0.2, 0.3)


def test_the_answer_to_a_clip_is_what_its_stream_ends_with(recognizer):
    clip = scene((0, 100), (0.2, 100))
    frames = recognizer._runtime.run({"samples": clip[None]})[0]["probabilities"][0]
    wanted = frames[-4:].mean(axis=0)
    assert list(recognizer.predict(clip).probabilities.values()) == pytest.approx(wanted.tolist())


def test_an_empty_chunk_is_nothing_heard(recognizer):
    recognizer.reset()
    assert recognizer.feed(np.zeros(0, np.float32)) == []
    assert recognizer.feed([]) == []


@pytest.mark.parametrize(
    ("samples", "rate", "named"),
    [
        ([], None, "samples are empty"),
        ([0.1, np.nan] * 50, None, r"samples\[1\] is not a number"),
        ([0.1, np.inf] * 50, None, r"samples\[1\] is not a number"),
        (np.full(100, 3_000.0), None, r"reach 3000: scale them to \[-1, 1\]"),
        (np.zeros((2, 3, 4)), None, r"shape \(2, 3, 4\)"),
        (np.zeros((2, 1_000)), None, "channels last"),
        ("sound", None, "samples are <U5"),
        (np.zeros(100, complex), None, "complex"),
        (np.zeros(10 * CLIP + 1), None, "the sound lasts 2.0 s, a clip at most 2 s: use stream"),
        (np.zeros(100), 0, "sample_rate = 0"),
        (np.zeros(100), -8_000, "sample_rate"),
        (np.zeros(100), 8_000.5, "sample_rate"),
        (np.zeros(100), True, "sample_rate"),
        (np.zeros(1), 10, "sample rate 10 Hz"),
    ],
)
def test_sound_that_is_none_is_refused(recognizer, samples, rate, named):
    with pytest.raises(InputError, match=named):
        recognizer.predict(samples, rate)


def test_a_stream_keeps_its_sample_rate(recognizer):
    recognizer.reset()
    recognizer.feed(np.zeros(100), 8_000)
    with pytest.raises(InputError, match="began with 8000 Hz"):
        recognizer.feed(np.zeros(100), 16_000)


def test_a_hop_of_sound_is_heard_at_once(recognizer):
    recognizer.reset()
    told = [bool(recognizer.feed(SCENE[begin : begin + HOP])) for begin in range(0, len(SCENE), HOP)]
    assert sum(told) == 2
