"""Share prices from Yahoo through yfinance: patient with its rate limit, and every ticker that fails is named."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from components.errors import SourceError
from components.series import History

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

ATTEMPTS = 5
FIRST_WAIT_S = 5.0  # doubled after every refusal: 5, 10, 20, 40 s
LIMITED = "YFRateLimitError"


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

    with _complaints() as lines:
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
    reason = " ".join(line.strip() for line in lines if line.strip()) or "an empty answer"
    return table, reason


class _Complaints(logging.Handler):
    """Keeps the messages of a logger instead of printing them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """The lines that yfinance logs in the block, its own exceptions among them instead of guesses at delisting."""
    from yfinance.config import YfConfig

    logger, handler = logging.getLogger("yfinance"), _Complaints()
    hidden, spreads = YfConfig.debug.hide_exceptions, logger.propagate
    YfConfig.debug.hide_exceptions, logger.propagate = False, False
    logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)
        YfConfig.debug.hide_exceptions, logger.propagate = hidden, spreads


def _history(ticker: str, table: "pd.DataFrame") -> History:
    index = table.index.tz_localize(None)  # clocks on the exchange's wall
    minutes = index.to_numpy().astype("datetime64[m]").astype(np.int64)
    return History(ticker, minutes, table["Close"].to_numpy(float), np.empty((len(table), 0)))
