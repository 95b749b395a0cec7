"""One question to Yahoo: the client library kept within a time budget, its faults as our errors."""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Lock, local
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from mtum.adapters.clock import growing, monotonic_seconds, pause, retried
from mtum.errors import (
    BarsInvalidError,
    BarsMissingError,
    DataError,
    MtumError,
    SourceUnavailableError,
    TooManyRequestsError,
)

if TYPE_CHECKING:
    import pandas as pd

TRYING_FRAC = 0.75
"""Part of a budget after which nothing is tried again."""
_LEAST_SECONDS = 0.05
_PACE_SECONDS = 0.25
"""Least time between the beginnings of two questions: Yahoo turns away who asks faster for long."""
_AT_ONCE = 8
"""Questions in the air, so that one answer that takes long holds up no other."""
_TOLD = ("symbol", "currency", "regularMarketTime", "exchangeDataDelayedBy")


class Answer(Struct, frozen=True):
    """Rows of one chart, indexed by instants of the exchange's zone, and what Yahoo tells about the symbol."""

    frame: "pd.DataFrame"
    about: Mapping[str, Any]


class YahooClient:
    """Asks for charts, again and again within the budget, and never longer.

    Parameters
    ----------
    cache_dir : Path
        Where the client library may keep its own small files.
    base_url : str
        Address that stands in for all of Yahoo's; empty for the real ones.
    timeout_seconds : float
        Longest wait for one HTTP answer.
    budget_seconds : float
        Longest time for one question with all its retries.
    """

    def __init__(self, cache_dir: Path, base_url: str, timeout_seconds: float, budget_seconds: float) -> None:
        self._cache_dir = cache_dir
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout_seconds
        self._budget = budget_seconds
        self._session: Any = None
        self._since_last: Callable[[], float] = lambda: _PACE_SECONDS
        self._turn = Lock()
        self._shared_budget: Callable[[], float] = lambda: budget_seconds

    def chart(self, ticker: str, zone: str, first: date, last: date, interval: str = "1d") -> Answer:
        """Return the chart of a closed interval of days; empty when Yahoo has nothing in it.

        Parameters
        ----------
        ticker : str
            Symbol as Yahoo writes it.
        zone : str
            Time zone of the exchange.
        first : date
            First day of the closed interval.
        last : date
            Last day of the closed interval.
        interval : str
            Length of a bar, as Yahoo writes it: ``1d``.

        Raises
        ------
        SourceUnavailableError
            When no usable answer came within the budget.
        BarsMissingError
            When Yahoo says that it has no such chart.
        BarsInvalidError
            When the answer is about another symbol or currency.
        """
        spent, budget = monotonic_seconds(), min(self._budget, self._shared_budget())
        reasons: list[Exception] = []

        def may_pass(error: Exception) -> bool:
            reasons.append(error)
            return isinstance(error, SourceUnavailableError) and spent() < TRYING_FRAC * budget

        def once() -> Answer:
            return self._once(ticker, zone, (first, last), interval, budget - spent())

        try:
            return retried(once, may_pass, growing(0.5, budget / 8, budget))
        except SourceUnavailableError as error:
            # The first try had the whole budget; the last one often dies of its end.
            why = reasons[0]
            raise type(why)(f"{why} (tried {len(reasons)} times in {spent():.0f} s)") from error

    def side_by_side(self, calls: Sequence[Callable[[], Any]], seconds: float) -> dict[int, Any]:
        """Make calls that ask for charts at the same time, none longer than so many seconds.

        The library's own way to ask for many symbols sends as many questions, and tells neither what went wrong
        with one nor when a price was formed. Once Yahoo turns one away, no further one is begun.

        Returns
        -------
        dict of int to object
            By position what came of those that ended in time, errors of ours among it.
        """
        spent = monotonic_seconds()
        turned_away = Event()

        def made(call: Callable[[], Any]) -> Any:
            if turned_away.is_set():
                return TooManyRequestsError("not asked: Yahoo limits requests")
            try:
                return call()
            except MtumError as error:
                if isinstance(error, TooManyRequestsError):
                    turned_away.set()
                return error

        self._shared_budget = lambda: seconds - spent()
        workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="yahoo")
        try:
            # The filter of warnings is the whole process's: it is put back when all are done.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                asked = [workers.submit(made, call) for call in calls]
                wait(asked, seconds)
                return {at: one.result() for at, one in enumerate(asked) if one.done()}
        finally:
            workers.shutdown(wait=False, cancel_futures=True)
            self._shared_budget = lambda: self._budget

    def _once(self, ticker: str, zone: str, days: tuple[date, date], interval: str, left: float) -> Answer:
        with self._turn:
            yfinance = self._opened(ticker, zone)
            pause(min(_PACE_SECONDS - self._since_last(), left))
            self._since_last = monotonic_seconds()
        self._session.budget.left = _countdown(left)
        asked = yfinance.Ticker(ticker, session=self._session)
        try:
            with warnings.catch_warnings():
                # The library uses what pandas will drop one day; nothing a person could do about it.
                warnings.simplefilter("ignore")
                frame = asked.history(
                    start=days[0].isoformat(),
                    end=(days[1] + timedelta(days=1)).isoformat(),
                    interval=interval,
                    auto_adjust=False,
                    actions=True,
                    keepna=True,
                    timeout=self._timeout,
                )
            about = _told(asked)
        except Exception as error:
            nothing = _told_of_nothing(asked, error)
            if nothing is None:
                raise _translated(ticker, error) from error
            frame, about = yfinance.utils.empty_df(), nothing
        _check_identity(ticker, about)
        return Answer(frame, about)

    def _opened(self, ticker: str, zone: str) -> Any:
        import yfinance
        from yfinance.cache import get_tz_cache
        from yfinance.data import YfData

        if self._session is None:
            self._cache_dir.mkdir(parents=True, exist_ok=True)
            yfinance.set_tz_cache_location(str(self._cache_dir))
            for name in ("yfinance", "bs4"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
            # By default the library logs faults and returns an empty table.
            yfinance.config.debug.hide_exceptions = False
            self._session = _session(self._base_url, self._timeout)
        # It keeps answers about the past for the life of the process; a revision would never be seen.
        YfData.cache_get.cache_clear()
        get_tz_cache().store(ticker, zone)
        return yfinance


def _countdown(seconds: float) -> Callable[[], float]:
    spent = monotonic_seconds()
    return lambda: seconds - spent()


def _session(base_url: str, timeout_seconds: float) -> Any:
    from curl_cffi.requests import Session

    class BudgetedSession(Session[Any]):
        """Ends every request with the budget, and sends it to the stand-in address if there is one."""

        budget = local()  # of the thread that asks

        def request(self, method: Any, url: str, **options: Any) -> Any:  # type: ignore[override]  # passed on
            left = self.budget.left()
            if left < _LEAST_SECONDS:
                raise TimeoutError("the time budget is used up")
            options["timeout"] = min(timeout_seconds, left)
            return super().request(method, routed(url, base_url), **options)

    return BudgetedSession(impersonate="chrome")


def routed(url: str, base_url: str) -> str:
    """Return the address asked instead of one of Yahoo's.

    Examples
    --------
    >>> routed("https://query2.finance.yahoo.com/v8/finance/chart/MTUM?a=1", "http://127.0.0.1:8000")
    'http://127.0.0.1:8000/v8/finance/chart/MTUM?a=1'
    """
    if not base_url:
        return url
    parts = urlsplit(url)
    return f"{base_url}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def _told(asked: Any) -> dict[str, Any]:
    told = asked.get_history_metadata()
    return {name: told.get(name) for name in _TOLD}


def _told_of_nothing(asked: Any, error: Exception) -> dict[str, Any] | None:
    # "No rows" is an answer when Yahoo told what the symbol is and gave no reason.
    if getattr(error, "yahoo_reason", "") is not None:
        return None
    with suppress(Exception):
        about = _told(asked)
        return about if about["symbol"] else None
    return None


def _translated(ticker: str, error: Exception) -> DataError:
    reason = getattr(error, "yahoo_reason", None)
    if reason:
        return BarsMissingError(f"{ticker}: Yahoo answers: {reason}")
    kind = type(error).__name__
    if kind == "YFRateLimitError":
        return TooManyRequestsError(f"{ticker}: Yahoo refuses: too many requests (HTTP 429); wait some minutes")
    if kind == "YFPricesMissingError":
        return SourceUnavailableError(f"{ticker}: Yahoo's answer holds no chart and gives no reason")
    if isinstance(error, TimeoutError) or "Timeout" in kind:
        return SourceUnavailableError(f"{ticker}: Yahoo did not answer in time")
    if "JSON" in kind or isinstance(error, KeyError | TypeError | IndexError | ValueError | AttributeError):
        return SourceUnavailableError(f"{ticker}: Yahoo's answer is not a chart ({kind}): {_short(error)}")
    return SourceUnavailableError(f"{ticker}: Yahoo cannot be reached ({kind}): {_short(error)}")


def _short(error: Exception) -> str:
    # Without the library's hint at its own manual.
    return " ".join(str(error).partition(". See ")[0].split())[:120]


def _check_identity(ticker: str, about: Mapping[str, Any]) -> None:
    symbol, currency = about.get("symbol"), about.get("currency")
    if symbol != ticker:
        raise BarsInvalidError(f"{ticker} was asked for, and Yahoo answered about {symbol}")
    if currency != "USD":
        raise BarsInvalidError(f"{ticker}: Yahoo's prices are in {currency}, not USD")
