"""Forecasting: raw series in, quantiles that never cross out, measured beside baselines on windows never trained on."""

import gzip
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from components.errors import DataError, SettingError, SourceError
from components.forecasting import application as forecasting
from components.forecasting import baselines as series_baselines
from components.forecasting import windows
from components.forecasting.application import PRESETS, Config
from components.forecasting.frequency import DAY, HOUR
from components.forecasting.preparation import prepare, ranked
from components.forecasting.scores import (
    by_fold,
    coverage,
    measured,
    pinball,
    relative_errors,
    standardised_error,
)
from components.forecasting.series import History
from components.forecasting.sources import exchange_rates
from components.forecasting.windows import Task, Windows, framed

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

SMALL = PRESETS["tiny"].changed({"horizon": 6, "units": 8, "epochs": 2, "windows_per_epoch": 1_500})
MONDAY = 19_723 * DAY  # minutes; 2024-01-01


def waves(rows: int, name: str = "a", extras: int = 0, seed: int = 0) -> History:
    """An hourly series with a daily wave."""
    rng = np.random.default_rng(seed)
    hours = np.arange(rows)
    values = 20 + 5 * np.sin(2 * np.pi * hours / 24) + rng.normal(0, 1, rows)
    return History(name, MONDAY + HOUR * hours, values, rng.normal(50, 9, (rows, extras)))


def walk(rows: int, name: str = "share", seed: int = 0) -> History:
    """A random walk of prices on business days."""
    days = MONDAY // DAY + np.arange(rows * 7 // 5 + 7)
    days = days[~np.isin(days % 7, (2, 3))][:rows]
    changes = np.random.default_rng(seed).normal(0, 0.01, rows)
    return History(name, days * DAY, 50 * np.exp(np.cumsum(changes)), np.empty((rows, 0)))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the embedded series, ingested and preprocessed."""
    raw, data = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("data")
    forecasting.ingest("embedded", SMALL, raw)
    forecasting.preprocess(raw, SMALL, data)
    return data


@dataclass(frozen=True)
class Trained:
    """A network trained for a moment, and its history."""

    model: "keras.Model"
    history: dict[str, list[float]]
    data: Path


@pytest.fixture(scope="module")
def trained(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    from components.networks.training import seed_everything

    seed_everything(SMALL.seed)
    model = forecasting.build(city, SMALL)
    return Trained(model, forecasting.fit(model, city, SMALL, tmp_path_factory.mktemp("fit")), city)


def predictor(model: "keras.Model") -> Callable[..., dict[str, np.ndarray]]:
    from components.networks.gru import predictor as made

    predict: Callable[..., dict[str, np.ndarray]] = made(model)
    return predict


def task(**choices: object) -> Task:
    usual = {"context": 50, "horizon": 30, "quantiles": (0.1, 0.5, 0.9), "anchor": "last", "season": 24, "lags": (24,)}
    rest = {"logarithm": False, "cycles": (DAY,), "alias": "h", "step": 60, "unit": "", "series": ("a",), "extras": ()}
    return Task(**{**usual, **rest, **choices})  # type: ignore[arg-type]


# ---------------------------------------------------------------- the front end inside the graph


@pytest.mark.parametrize("anchor", ["last", "seasonal", "mean"])
@pytest.mark.parametrize("logarithm", [False, True])
def test_the_graph_frames_a_window_as_the_baselines_do(anchor: str, logarithm: bool) -> None:
    from components.forecasting.layers import Frame

    chosen = task(anchor=anchor, logarithm=logarithm)
    values = np.random.default_rng(1).uniform(80, 120, (4, 50))
    layer = Frame({name: getattr(chosen, name) for name in Frame.CHOICES})
    frame = {name: np.asarray(tensor) for name, tensor in layer(values.astype(np.float32)).items()}
    _, anchors, scale = framed(chosen, values)
    np.testing.assert_allclose(frame["anchors"], anchors, rtol=1e-5)
    np.testing.assert_allclose(frame["scale"], scale, rtol=1e-3)
    assert all(frame[name].shape[1:] == shape[1:] for name, shape in layer.compute_output_shape((None, 50)).items())


def test_a_standstill_gives_finite_numbers() -> None:
    from components.forecasting.layers import Frame

    layer = Frame({name: getattr(task(), name) for name in Frame.CHOICES})
    for tensor in layer(np.full((1, 50), 3.0, np.float32)).values():
        assert np.isfinite(np.asarray(tensor)).all()


def test_the_calendar_tells_neighbouring_minutes_of_any_year_apart() -> None:
    from components.forecasting.layers import Calendar

    minutes = np.array([[39_916_800, 39_916_801]], np.int32)  # of 2045, past what float32 counts one by one
    found = np.asarray(Calendar((DAY,), harmonics=1)(minutes))
    exact = 2 * np.pi * (minutes % DAY) / DAY
    np.testing.assert_allclose(found, np.stack([np.sin(exact), np.cos(exact)], axis=-1), atol=1e-6)
    assert found[0, 0, 0] != found[0, 1, 0]


def test_quantiles_never_cross_and_start_where_they_are_told() -> None:
    from components.forecasting.layers import Quantiles

    layer = Quantiles(middle=2, logarithm=False)
    rng = np.random.default_rng(3)
    zeros, anchors, scale = np.zeros((2, 4, 5), np.float32), np.full((2, 4), 10.0), np.full((2, 1), 2.0)
    layer(zeros, anchors, scale)
    wanted = np.sort(rng.normal(size=(4, 5)), axis=1)
    layer.start_from(wanted)
    np.testing.assert_allclose(layer(zeros, anchors, scale)[0], 10 + 2 * wanted, atol=0.01)
    wild = rng.normal(0, 20, (2, 4, 5)).astype(np.float32)
    assert (np.diff(np.asarray(layer(wild, anchors, scale, wild[..., 0])), axis=-1) >= 0).all()


def test_an_untrained_network_repeats_the_last_price_and_otherwise_is_the_autoregression() -> None:
    from components.forecasting.network import network

    prices = prepare([walk(900, name, seed) for seed, name in enumerate("abc")], (), "", Config(context=40))
    assert (prices.task.anchor, prices.task.logarithm, prices.task.alias) == ("last", True, "B")
    naive = series_baselines.candidates(prices)["repeat_last_recent_volatility"]
    air = prepare([waves(900)], (), "", SMALL)
    linear = series_baselines.best_autoregression(air)[1]
    for data, baseline in ((prices, naive), (air, linear)):
        starts = data.test(50)
        untrained = predictor(network(data, Config(units=4)))(data.feeds(starts))["quantiles"]
        np.testing.assert_allclose(untrained, baseline(starts), rtol=1e-3)


def test_raw_values_of_any_size_come_back_in_their_own_units() -> None:
    data = prepare([walk(900)], (), "", Config(context=40, units=4))
    from components.forecasting.network import network

    predict = predictor(network(data, Config(units=4)))
    feeds = data.feeds(data.test(5))
    small = predict(feeds)["quantiles"]
    large = predict({**feeds, "values": 1_000 * feeds["values"]})["quantiles"]
    np.testing.assert_allclose(large, 1_000 * small, rtol=1e-3)


# ---------------------------------------------------------------- training and scores


def test_a_moment_of_training_beats_every_baseline_on_series_of_known_structure(trained: Trained) -> None:
    scores = forecasting.score(predictor(trained.model), trained.data, SMALL)
    others = forecasting.baselines(trained.data, SMALL)
    assert scores.metrics["pinball"] < min(other.metrics["pinball"] for other in others.values())
    assert 60 < scores.metrics["coverage_of_80"] < 95
    assert {len(other.each) for other in others.values()} == {len(scores.each)}


def test_the_training_loss_is_the_primary_metric(trained: Trained) -> None:
    data = windows.load(trained.data)
    starts = data.parts["validation"]
    quantiles = predictor(trained.model)(data.feeds(starts))["quantiles"]
    found = measured(data, starts, quantiles, "own").metrics["pinball"]
    assert found == pytest.approx(min(trained.history["val_loss"]), rel=0.02)  # Keras weighs the last batch alike


def test_a_saved_network_forecasts_the_same_after_loading(trained: Trained, tmp_path: Path) -> None:
    import keras

    trained.model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    feeds = forecasting.describe(trained.data, SMALL).cases[0]
    np.testing.assert_array_equal(predictor(again)(feeds)["quantiles"], predictor(trained.model)(feeds)["quantiles"])


def test_a_limit_scores_that_many_windows_spread_over_the_test_part(trained: Trained) -> None:
    data = windows.load(trained.data)
    scores = forecasting.score(predictor(trained.model), trained.data, SMALL, limit=7)
    assert len(scores.each) == 7
    assert data.test(7)[0] == data.parts["test"][0]
    assert data.test(7)[-1] == data.parts["test"][-1]


def test_the_pictures_and_the_backtest_table_are_drawn(trained: Trained, tmp_path: Path) -> None:
    shown = forecasting.illustrate(predictor(trained.model), trained.data, SMALL, tmp_path)
    for name in shown.pictures:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert shown.markdown.count("\n| 2024-") == 8
    assert "autoregression" in shown.markdown


def test_the_description_fits_the_graph_and_its_cases(trained: Trained) -> None:
    description = forecasting.describe(trained.data, SMALL)
    assert description.settings["context"] == 48
    assert description.settings["step_minutes"] == 60
    assert description.settings["frequency"] == "h"
    assert len(description.cases) == 3
    for tensor in description.graph.inputs:
        assert description.cases[0][tensor.name].shape == (1, *tensor.shape[1:])
        assert description.cases[0][tensor.name].dtype == tensor.dtype
    outputs = predictor(trained.model)(description.cases[0])
    assert {t.name: (1, *t.shape[1:]) for t in description.graph.outputs} == {n: a.shape for n, a in outputs.items()}


def test_pinball_loss_is_what_its_formula_says() -> None:
    loss = pinball(np.array([[10.0]]), np.array([[[8.0, 11.0, 14.0]]]), (0.1, 0.5, 0.9))
    np.testing.assert_allclose(loss, [[[0.2, 0.5, 0.4]]])


def test_losses_are_scaled_by_the_mean_step_of_the_training_part() -> None:
    data = prepare([waves(900)], (), "", SMALL)
    train_end = data.minutes[data.parts["train"][-1] + SMALL.context + SMALL.horizon - 1]
    steps = np.abs(np.diff(data.values[data.minutes <= train_end]))
    assert data.scales[0] == pytest.approx(steps.mean(), rel=0.02)
    starts = data.test(3)
    flat = np.repeat(data.targets(starts)[:, :, None], 5, axis=2) + data.scales[0]
    assert measured(data, starts, flat, "own").metrics["mase"] == pytest.approx(1)


def test_coverage_counts_targets_between_the_outermost_quantiles() -> None:
    quantiles = np.tile([0.0, 1.0, 2.0], (1, 4, 1))
    assert coverage(np.array([[-1, 0.5, 1.5, 3]]), quantiles, (0.1, 0.5, 0.9)) == {"coverage_of_80": 50}


def test_the_metrics_of_published_comparisons_follow_their_definitions() -> None:
    data = prepare([waves(900)], (), "", SMALL)
    targets, median = np.arange(12.0).reshape(2, 6), np.zeros((2, 6))
    third = targets[:, 2]
    expected = np.sqrt((third**2).mean()) / third.std()
    assert relative_errors(data, targets, median) == {
        "rse_3": pytest.approx(expected),
        "rse_6": pytest.approx(np.sqrt((5**2 + 11**2) / 2) / 3),
    }
    error = standardised_error(data, targets, median)["standardised_mse"]
    assert error == pytest.approx((targets**2).mean() / data.task.level[1] ** 2)


def test_the_backtest_rolls_on_by_one_horizon_and_its_folds_cover_the_test_part() -> None:
    data = prepare([waves(900), waves(900, "b", seed=1)], (), "", SMALL)
    starts = data.test()
    origins = np.unique(data.times(starts))
    assert set(np.diff(origins).tolist()) == {SMALL.horizon * HOUR}
    folds = by_fold(data, starts, np.ones(len(starts)), folds=4)
    assert sum(fold[2] for fold in folds) == len(starts)
    assert [fold[0] for fold in folds[1:]] > [fold[1] for fold in folds[:-1]]


# ---------------------------------------------------------------- baselines


def test_baselines_stand_in_the_order_of_their_validation_losses(city: Path) -> None:
    names = list(ranked(windows.load(city)))
    assert names[0] == "autoregression"
    assert names.index("seasonal_naive_24") < names.index("repeat_last")


def test_nothing_beats_the_random_walks_median_on_a_random_walk() -> None:
    data = prepare([walk(1_500, str(seed), seed) for seed in range(4)], (), "", Config(context=40))
    names = list(ranked(data))
    assert names.index("repeat_last") < names.index("seasonal_naive_5")
    starts = data.test()
    walk_scores = measured(data, starts, ranked(data)["repeat_last"](starts), "own").metrics
    assert walk_scores["coverage_of_80"] == pytest.approx(80, abs=5)


def test_repeating_a_season_repeats_the_same_hour_of_the_day_before() -> None:
    data = prepare([waves(900)], (), "", SMALL)
    starts = data.test(4)
    exact = replace(data, values=np.arange(900.0) % 24)
    median = series_baselines.candidates(exact)["seasonal_naive_24"](starts)[:, :, 2]
    np.testing.assert_allclose(median, exact.targets(starts))


# ---------------------------------------------------------------- sources and settings


def test_extra_columns_reach_the_network_raw(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    series = waves(700, extras=1)
    lines = [
        f"{np.datetime64(int(minute), 'm')},{value},{extra}"
        for minute, value, extra in zip(series.minutes, series.values, series.extras[:, 0], strict=True)
    ]
    path.write_text("\n".join(["time,load,wind", *lines]))
    config = SMALL.changed({"value_columns": "load", "extra_columns": "wind"})
    raw, data = tmp_path / "raw", tmp_path / "data"
    raw.mkdir(), data.mkdir()
    card = forecasting.ingest(str(path), config, raw)
    assert (card["series"], card["rows"]) == (1, 700)
    forecasting.preprocess(raw, config, data)
    description = forecasting.describe(data, config)
    assert description.settings["extras"] == ["wind"]
    assert description.cases[0]["extra"].shape == (1, 48, 1)
    model = forecasting.build(data, config)
    feeds = dict(description.cases[0])
    assert predictor(model)(feeds)["quantiles"].shape == (1, 6, 5)


def test_the_exchange_rates_file_without_header_or_dates_becomes_business_days(tmp_path: Path) -> None:
    path = tmp_path / "exchange_rate.txt.gz"
    with gzip.open(path, "wt") as stream:
        stream.writelines(",".join(f"{row + column / 10:.6f}" for column in range(8)) + "\n" for row in range(9))
    found = exchange_rates(path)
    assert [history.name for history in found][:2] == ["Australia", "Britain"]
    assert found[7].values[8] == pytest.approx(8.7)
    assert str(found[0].minutes[5].astype("datetime64[m]")) == "1990-01-08T00:00"
    path.write_bytes(gzip.compress(b"a,b\n"))
    with pytest.raises(DataError, match=r"exchange_rate\.txt\.gz"):
        exchange_rates(path)


def test_a_public_file_that_was_altered_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ETTh1.csv").write_text("date,OT\n2016-07-01,1\n")
    monkeypatch.setenv("GATEWISE_DATA", str(tmp_path))
    with pytest.raises(SourceError, match=r"ETTh1.csv: sha256 is"):
        forecasting.ingest("etth1", SMALL, tmp_path)


def test_tickers_and_period_reach_yahoo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from components.forecasting import sources as series_sources

    asked: list[object] = []

    def download(*arguments: object) -> list[History]:
        asked.extend(arguments)
        return [walk(400, "AAPL")]

    monkeypatch.setattr(series_sources, "download", download)
    config = Config().changed({"tickers": "AAPL", "period": "2y"})
    forecasting.ingest("yfinance", config, tmp_path)
    assert asked == [("AAPL",), "2y", "1d"]


def test_the_fingerprint_of_own_data_follows_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,value\n")
    before = forecasting.fingerprint(str(path), SMALL)
    path.write_text("time,value\n2024-01-01,1\n")
    assert forecasting.fingerprint(str(path), SMALL) != before


@pytest.mark.parametrize("given", [[0.5, 0.1], [0.1, 0.9], [0.1, 0.5, 1.0], [0.5, 0.5]])
def test_quantiles_that_make_no_sense_are_refused(given: list[float]) -> None:
    with pytest.raises(SettingError, match="quantiles"):
        Config().changed({"quantiles": given})


def test_extra_columns_of_a_source_without_any_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="source 'embedded' has no extra columns"):
        forecasting.ingest("embedded", SMALL.changed({"extra_columns": "wind"}), tmp_path)


def test_an_unknown_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="unknown source 'yahoo'"):
        forecasting.ingest("yahoo", SMALL, tmp_path)


def test_a_constant_series_is_refused_by_name_and_nothing_is_written(tmp_path: Path) -> None:
    path, raw = tmp_path / "flat.csv", tmp_path / "raw"
    raw.mkdir()
    path.write_text("time,flat\n" + "".join(f"2024-01-{day:02d},7\n" for day in range(1, 31)))
    with pytest.raises(DataError, match=r"flat.csv: series 'flat' has the same value 7"):
        forecasting.ingest(str(path), SMALL, raw)
    assert not any(raw.iterdir())


def test_too_few_rows_are_refused_with_what_is_there_and_what_is_needed() -> None:
    with pytest.raises(DataError, match=r"too few rows: .* 'a', has 40 rows and a window needs 54"):
        prepare([waves(40)], (), "", SMALL)
    with pytest.raises(DataError, match=r"no window of 54 rows has its targets in the (train|validation|test) part"):
        prepare([waves(58)], (), "", SMALL)


def test_a_series_that_begins_after_the_training_part_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    late = replace(waves(200, "late"), minutes=MONDAY + HOUR * np.arange(900, 1_100))
    with caplog.at_level(logging.WARNING):
        data = prepare([waves(1_000), late], (), "", SMALL)
    assert data.task.series == ("a",)
    assert "late begins after the training part ends" in caplog.text


def test_counts_never_fall_below_zero_and_training_sees_through_the_floor() -> None:
    from components.forecasting.network import network

    counts = replace(waves(700), values=np.maximum(np.round(waves(700).values - np.median(waves(700).values)), 0))
    data = prepare([counts], (), "", SMALL.changed({"non_negative": True, "transform": "level"}))
    model = network(data, SMALL)
    feeds = data.feeds(data.test())
    forecast, trained = (model(feeds, training=training)["quantiles"].numpy() for training in (False, True))
    assert forecast.min() == 0 > trained.min()
    assert all(rows.min() >= 0 for rows in (f(data.test()) for f in ranked(data).values()))
    with pytest.raises(DataError, match="non_negative=true needs values of zero or above"):
        prepare([replace(counts, values=counts.values - 1)], (), "", SMALL.changed({"non_negative": True}))


def test_logarithms_of_values_that_are_not_above_zero_are_refused() -> None:
    below = replace(waves(700), values=waves(700).values - 20)
    with pytest.raises(DataError, match="transform=log needs values above zero"):
        prepare([below], (), "", SMALL.changed({"transform": "log"}))


def test_a_seasonal_anchor_without_a_season_is_refused() -> None:
    with pytest.raises(SettingError, match="anchor=seasonal needs a season"):
        prepare([waves(700)], (), "", SMALL.changed({"anchor": "seasonal", "context": 20}))


def test_what_was_decided_is_written_down_and_read_back(tmp_path: Path) -> None:
    data: Windows = prepare([waves(700)], (), "°C", SMALL)
    data.save(tmp_path)
    again = windows.load(tmp_path)
    assert again.task == data.task
    assert json.loads((tmp_path / "task.json").read_text())["unit"] == "°C"
    np.testing.assert_array_equal(again.feeds(again.test(2))["values"], data.feeds(data.test(2))["values"])
