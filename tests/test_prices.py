"""Prices from Yahoo: yfinance itself runs; only the network below it is made up, in the format of Yahoo's chart API."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.errors import SourceError
from components.forecasting.prices import ATTEMPTS, download

DAY_S = 86_400
OPENING = 1_704_205_800  # 2024-01-02 09:30 in New York
CLOSES = [185.64, 184.25, 181.91, 181.18, 185.56]


@dataclass
class Answer:
    """What a session's request returns, as far as yfinance looks at it."""

    status_code: int
    text: str
    url: str

    @property
    def content(self) -> bytes:
        return self.text.encode()

    def raise_for_status(self) -> None:
        from yfinance._http import HTTPError

        if self.status_code >= 400:
            raise HTTPError(f"HTTP Error {self.status_code}: ")

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Yahoo:
    """A made-up Yahoo: knows some tickers, refuses the first `refusals` chart requests."""

    known: tuple[str, ...] = ("AAPL", "MSFT")
    refusals: int = 0
    unreachable: bool = False
    closes: list[float | None] = field(default_factory=lambda: list(CLOSES))
    requested: list[dict[str, Any]] = field(default_factory=list)

    def request(self, url: str, **options: Any) -> Answer:
        if "/v10/finance/quoteSummary/" in url:
            return Answer(404, "{}", url)
        if "/v8/finance/chart/" not in url:
            return Answer(200, "crumb" if url.endswith("getcrumb") else "", url)
        if self.unreachable:
            raise OSError("Could not resolve host: query2.finance.yahoo.com")
        self.requested.append(options.get("params", {}))
        if self.refusals > 0:
            self.refusals -= 1
            return Answer(429, "Too Many Requests", url)
        return self.chart(url.rsplit("/", 1)[1], url)

    def chart(self, ticker: str, url: str) -> Answer:
        if ticker not in self.known:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return Answer(404, json.dumps({"chart": {"result": None, "error": error}}), url)
        period = {"timezone": "EST", "start": OPENING, "end": OPENING + 23_400, "gmtoffset": -18_000}
        meta = {
            "currency": "USD",
            "symbol": ticker,
            "exchangeName": "NMS",
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": "America/New_York",
            "gmtoffset": -18_000,
            "regularMarketPrice": 185.56,
            "priceHint": 2,
            "currentTradingPeriod": dict.fromkeys(("pre", "regular", "post"), period),
            "dataGranularity": "1d",
            "validRanges": ["1mo", "1y", "5y", "max"],
        }
        quote = dict.fromkeys(("open", "high", "low", "close"), self.closes) | {"volume": [1_000] * len(self.closes)}
        adjusted = [None if close is None else close / 2 for close in self.closes]
        result = {
            "meta": meta,
            "timestamp": [OPENING + DAY_S * day for day in range(len(self.closes))],
            "indicators": {"quote": [quote], "adjclose": [{"adjclose": adjusted}]},
        }
        return Answer(200, json.dumps({"chart": {"result": [result], "error": None}}), url)


@pytest.fixture
def yahoo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Yahoo]:
    """Puts a made-up Yahoo below yfinance."""
    import yfinance
    from yfinance import _http

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    yfinance.set_tz_cache_location(str(tmp_path))

    def place(**facts: Any) -> Yahoo:
        made_up = Yahoo(**facts)

        def request(session: Any, method: str, url: str, **options: Any) -> Answer:
            return made_up.request(url, **options)

        monkeypatch.setattr(_http.requests.Session, "request", request)
        return made_up

    return place


def never(seconds: float) -> None:
    raise AssertionError(f"nothing to wait for, asked to wait {seconds} s")


def test_prices_are_adjusted_closes_at_the_days_of_the_exchange(yahoo: Callable[..., Yahoo]) -> None:
    yahoo()
    (history,) = download(["aapl"], "5y", "1d", never)
    assert history.name == "AAPL"
    np.testing.assert_allclose(history.values, np.array(CLOSES) / 2)
    assert history.minutes[0] == np.datetime64("2024-01-02", "m").astype(int)


def test_every_ticker_becomes_a_series_in_the_order_given_once(yahoo: Callable[..., Yahoo]) -> None:
    yahoo()
    assert [history.name for history in download(["MSFT", "AAPL", "msft"], "5y", "1d", never)] == ["MSFT", "AAPL"]


def test_adjustment_and_flat_columns_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd
    import yfinance

    asked: dict[str, Any] = {}

    def recorded(tickers: list[str], **options: Any) -> pd.DataFrame:
        asked.update(options, tickers=tickers)
        return pd.DataFrame({"Close": CLOSES}, pd.date_range("2024-01-02", periods=len(CLOSES)))

    monkeypatch.setattr(yfinance, "download", recorded)
    download(["AAPL"], "2y", "1wk", never)
    assert asked["auto_adjust"] is True
    assert asked["multi_level_index"] is False
    assert (asked["tickers"], asked["period"], asked["interval"]) == (["AAPL"], "2y", "1wk")


def test_a_rate_limit_is_waited_out_with_doubling_pauses(yahoo: Callable[..., Yahoo]) -> None:
    yahoo(refusals=4)  # yfinance asks twice before it gives up: two refused attempts
    waits: list[float] = []
    (history,) = download(["AAPL"], "5y", "1d", waits.append)
    assert len(history.values) == len(CLOSES)
    assert waits == [5.0, 10.0]


def test_a_rate_limit_that_stays_names_the_ticker_and_what_to_do(yahoo: Callable[..., Yahoo]) -> None:
    yahoo(refusals=1_000)
    waits: list[float] = []
    with pytest.raises(SourceError, match=r"AAPL: still rate limited after 5 attempts: try again in an hour"):
        download(["AAPL"], "5y", "1d", waits.append)
    assert len(waits) == ATTEMPTS - 1


def test_an_unknown_ticker_is_named_with_yahoos_reason_and_the_good_ones_are_not(yahoo: Callable[..., Yahoo]) -> None:
    yahoo()
    with pytest.raises(SourceError, match=r"1 of 2 tickers \(NOPE: not known to Yahoo.*tickers=") as caught:
        download(["AAPL", "NOPE"], "5y", "1d", never)
    assert "AAPL" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yahoo_returning_nothing_is_an_error_naming_the_ticker(yahoo: Callable[..., Yahoo]) -> None:
    yahoo(closes=[])
    with pytest.raises(SourceError, match="AAPL"):
        download(["AAPL"], "5y", "1d", never)


def test_no_network_says_so_and_offers_a_folder_instead(yahoo: Callable[..., Yahoo]) -> None:
    yahoo(unreachable=True)
    with pytest.raises(SourceError, match=r"AAPL: .*Could not resolve host.*a folder of price tables"):
        download(["AAPL"], "5y", "1d", never)


def test_no_tickers_is_an_error_that_shows_how_to_name_them() -> None:
    with pytest.raises(SourceError, match="--set tickers=AAPL,MSFT"):
        download([], "5y", "1d", never)
