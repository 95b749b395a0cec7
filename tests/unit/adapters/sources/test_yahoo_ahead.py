"""Many symbols asked of Yahoo at once: the real client library against a local server, each symbol for itself."""

import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.vendor import VendorSource
from mtum.adapters.sources.yahoo import yahoo_source
from mtum.core.market.sessions import Session
from mtum.errors import BarsInvalidError, BarsMissingError, SourceUnavailableError, TooManyRequestsError
from mtum.ports.market_data import SourceCall
from support.bars import bars_of
from support.values import replace
from support.yahoo import CHICAGO, NULL_CHART, TOO_MANY, Chart, Reply, Row, YahooServer, chart_of, yahoo_server

FIRST, LAST = date(2024, 1, 2), date(2024, 2, 9)
TODAY = date(2024, 2, 12)
SESSION = Session(TODAY, datetime(2024, 2, 12, 14, 30, tzinfo=UTC), datetime(2024, 2, 12, 21, 0, tzinfo=UTC))
AT = SESSION.before_close(20)
GOOD = ("AAA", "BBB", "CCC", "DDD")


@pytest.fixture
def server() -> Iterator[YahooServer]:
    with yahoo_server() as running:
        for number, symbol in enumerate(GOOD):
            bars = bars_of([100.0 + 10 * number + index for index in range(29)], first=FIRST, symbol=symbol)
            chart = chart_of(bars)
            close = 200.0 + number
            chart.rows.append(Row(SESSION.open, close, close + 1, close - 1, close, 5000.0))
            chart.traded_at = AT
            running.charts[symbol] = chart
        yield running


def source(server: YahooServer, folder: Path) -> VendorSource:
    return yahoo_source(ExchangeCalendar(), folder / "yahoo", server.url, 5.0, 20.0)


def histories(*symbols: str) -> list[SourceCall]:
    return [SourceCall("history", (symbol, FIRST, LAST)) for symbol in symbols]


def test_bars_quotes_and_the_vix_come_at_once(server: YahooServer, tmp_path: Path) -> None:
    row = Row(SESSION.open, 15.0, 16.0, 14.0, 15.5, 0.0)
    server.charts["^VIX"] = Chart([row], symbol="^VIX", zone=CHICAGO, kind="INDEX", traded_at=AT)
    found = source(server, tmp_path)
    quotes = [SourceCall("quote", (symbol, SESSION, AT)) for symbol in GOOD]
    found.ask_ahead([*histories(*GOOD), *quotes, SourceCall("series", ("VIX", SESSION, AT))], 30.0)
    asked = len(server.asked)
    assert [found.history(symbol, FIRST, LAST).close[-1] for symbol in GOOD] == [128.0, 138.0, 148.0, 158.0]
    assert [found.quote(symbol, SESSION, AT).close for symbol in GOOD] == [200.0, 201.0, 202.0, 203.0]
    vix = found.series("VIX", SESSION, AT)
    assert vix is not None
    assert (vix.value, len(server.asked)) == (15.5, asked)


def test_one_bad_symbol_hurts_no_other_and_says_what_is_wrong(server: YahooServer, tmp_path: Path) -> None:
    server.charts["EUR"] = replace(server.charts["AAA"], symbol="EUR", currency="EUR")
    server.charts["OTHER"] = server.charts["AAA"]
    server.instead["NULL"] = NULL_CHART
    found = source(server, tmp_path)
    found.ask_ahead(histories("GONE", "AAA", "EUR", "BBB", "OTHER", "NULL", "CCC"), 30.0)
    assert [len(found.history(symbol, FIRST, LAST)) for symbol in ("AAA", "BBB", "CCC")] == [29, 29, 29]
    for symbol, kind, said in (
        ("GONE", BarsMissingError, "symbol may be delisted"),
        ("EUR", BarsInvalidError, "in EUR, not USD"),
        ("OTHER", BarsInvalidError, "answered about AAA"),
        ("NULL", SourceUnavailableError, "NULL: Yahoo"),
    ):
        with pytest.raises(kind, match=said):
            found.history(symbol, FIRST, LAST)


def test_a_slow_symbol_is_not_gathered_in_time_and_hurts_no_other(server: YahooServer, tmp_path: Path) -> None:
    server.instead["BBB"] = Reply(wait_seconds=30.0)
    found = source(server, tmp_path)
    found.ask_ahead(histories(*GOOD), 3.0)
    assert [len(found.history(symbol, FIRST, LAST)) for symbol in ("AAA", "CCC", "DDD")] == [29, 29, 29]
    with pytest.raises(SourceUnavailableError, match=r"BBB: (not gathered in time|Yahoo did not answer in time)"):
        found.history("BBB", FIRST, LAST)


def test_nothing_more_is_asked_once_yahoo_turns_one_away(server: YahooServer, tmp_path: Path) -> None:
    server.always = TOO_MANY
    found = source(server, tmp_path)
    many = [f"S{number}" for number in range(40)]
    found.ask_ahead(histories(*many), 30.0)
    assert len(server.asked) < 20
    for symbol in many:
        with pytest.raises(TooManyRequestsError, match=r"too many requests|limits requests"):
            found.history(symbol, FIRST, LAST)


def test_the_filter_of_warnings_is_as_before(server: YahooServer, tmp_path: Path) -> None:
    before = list(warnings.filters)
    source(server, tmp_path).ask_ahead(histories(*GOOD), 30.0)
    assert list(warnings.filters) == before
