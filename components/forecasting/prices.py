"""Share prices from Yahoo through yfinance: patient with its rate limit, and every ticker that fails is named."""

import logging
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from components.errors import SourceError
from components.forecasting.series import History

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

ATTEMPTS = 5
FIRST_WAIT_S = 5.0  # doubled after every refusal: 5, 10, 20, 40 s
LIMITED = "YFRateLimitError"
UNKNOWN = ("404", "No data found", "delisted")  # in what yfinance says of a ticker that Yahoo does not know


def download(
    tickers: Sequence[str], period: str, interval: str, wait: Callable[[float], None] = time.sleep
) -> list[History]:
    """One history of closing prices per ticker, adjusted for splits and dividends.

    Args:
        tickers: as Yahoo spells them: AAPL, BRK-B, SAP.DE, EURUSD=X.
        period: how far back: 1mo, 1y, 5y, 10y, max, …
        interval: 1d, 1h, 15m, 1wk, 1mo, …
        wait: what waits that many seconds between attempts.

    Raises:
        SourceError: a ticker gave nothing; all that failed are named with Yahoo's reason.
    """
    if not tickers:
        raise SourceError("no tickers: name them with --set tickers=AAPL,MSFT")
    histories, failed = [], {}
    for ticker in dict.fromkeys(name.strip().upper() for name in tickers):
        table, reason = _patiently(ticker, period, interval, wait)
        if table.empty:
            failed[ticker] = reason
            log.error("%s: %s", ticker, reason)
        else:
            histories.append(_history(ticker, table))
            log.info("%s: %d prices from %s to %s", ticker, len(table), table.index[0], table.index[-1])
    if failed:
        named = "; ".join(f"{ticker}: {reason}" for ticker, reason in failed.items())
        raise SourceError(
            f"Yahoo gave no prices for {len(failed)} of {len(failed) + len(histories)} tickers ({named}); correct or "
            "leave them out of --set tickers=..., or give a folder of price tables as --source"
        )
    return histories


def _patiently(ticker: str, period: str, interval: str, wait: Callable[[float], None]) -> tuple["pd.DataFrame", str]:
    """A ticker's table and, when it is empty, why; refusals for too many requests are waited out."""
    for attempt in range(ATTEMPTS):
        table, reason = _once(ticker, period, interval)
        if LIMITED not in reason:
            return table, reason
        if attempt < ATTEMPTS - 1:
            seconds = FIRST_WAIT_S * 2**attempt
            log.warning("%s: Yahoo's rate limit: next attempt in %.0f s", ticker, seconds)
            wait(seconds)
    return table, f"still rate limited after {ATTEMPTS} attempts: try again in an hour"


def _once(ticker: str, period: str, interval: str) -> tuple["pd.DataFrame", str]:
    """A ticker's table and what yfinance complained of.

    `yfinance.download` turns every failure into an empty table and a line in its log, so the line is read.
    """
    import yfinance

    with _complaints() as lines, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # yfinance 1.7 calls pandas 3.1 in ways it will drop
        table = yfinance.download(
            [ticker],
            period=period,
            interval=interval,
            auto_adjust=True,  # its default has changed once already
            multi_level_index=False,  # else one ticker's columns come as pairs
            threads=False,
            progress=False,
        )
    if table is None or "Close" not in table:
        import pandas as pd

        table = pd.DataFrame()
    return table, _reason(lines)


def _reason(lines: Sequence[str]) -> str:
    """What yfinance complained of, each thing once, without its heading and the ticker in front."""
    told = [re.sub(r"^(\[.*?\]|\$\S+): ", "", line.strip()) for line in lines]
    told = [line for line in dict.fromkeys(told) if line and "Failed download" not in line]
    reason = ", ".join(told) or "an empty answer"
    return f"not known to Yahoo ({reason})" if any(sign in reason for sign in UNKNOWN) else reason


class _Complaints(logging.Handler):
    """Keeps the messages of a logger instead of printing them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """The lines that yfinance logs in the block, kept from the terminal.

    Its exceptions are not hidden meanwhile: hidden, a network that is down reads "possibly delisted".
    """
    from yfinance.config import YfConfig

    logger, handler = logging.getLogger("yfinance"), _Complaints()
    before = logger.handlers, logger.propagate, YfConfig.debug.hide_exceptions
    logger.handlers, logger.propagate, YfConfig.debug.hide_exceptions = [handler], False, False
    try:
        yield handler.lines
    finally:
        logger.handlers, logger.propagate, YfConfig.debug.hide_exceptions = before


def _history(ticker: str, table: "pd.DataFrame") -> History:
    index = table.index.tz_localize(None)  # clocks on the exchange's wall
    minutes = index.to_numpy().astype("datetime64[m]").astype(np.int64)
    return History(ticker, minutes, table["Close"].to_numpy(float), np.empty((len(table), 0)))
