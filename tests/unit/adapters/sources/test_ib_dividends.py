"""Dividends of the broker's bars, read from its prices and its quote."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import numpy as np
import pytest

from mtum.adapters.sources.ib import Facts, ib_source
from mtum.adapters.sources.vendor import VendorSource
from mtum.core.market.coverage import Dividends
from mtum.gateway.market import MarketClock
from mtum.ports.market_data import SourceCall
from support.gateway import Running, running_gateway
from support.ib_adapter import Adapter, adapter
from support.many_bars import DAY, DIVIDEND, EX_DATES, many, names

TODAY_TOO = {**dict.fromkeys(EX_DATES, DIVIDEND), DAY: 0.3418}
TABLE = many(names(3), dividends=TODAY_TOO)
SESSION = TABLE.sessions.between(DAY, DAY)[0]
NOW = SESSION.before_close(20)
FIRST, BEFORE = date(2017, 1, 3), date(2017, 10, 3)


@contextmanager
def broker() -> Iterator[tuple[Running, Adapter, VendorSource, dict[str, str]]]:
    """A gateway, our adapter on it, a source that is told dividends, and what it remembers of them."""
    with (
        running_gateway(source=TABLE, clock=MarketClock(NOW, speed=0.0)) as gateway,
        adapter(gateway, request_seconds=5.0) as ours,
    ):
        known: dict[str, str] = {}
        yield gateway, ours, ib_source(ours.contracts, Facts(known.get, known.__setitem__)), known


def test_past_dividends_are_the_difference_of_two_histories() -> None:
    with broker() as (_, _, source, _):
        bars = source.history("S000", FIRST, BEFORE)
        found = {bars.day(int(at)): float(bars.dividend[at]) for at in np.flatnonzero(bars.dividend)}
        assert sorted(found) == list(EX_DATES)
        assert all(abs(usd - DIVIDEND) <= 0.003 for usd in found.values())
        assert source.coverage("S000").dividends is Dividends.KNOWN
        # A span that begins with an ex-date has it too.
        assert source.history("S000", EX_DATES[2], BEFORE).dividend[0] > 0.33


def test_today_is_told_by_the_quote_and_remembered_to_the_last_digit() -> None:
    with broker() as (gateway, _, source, known):
        quote = source.quote("S000", SESSION, NOW)
        assert (quote.dividend, quote.dividend_told) == (0.3418, True)
        assert known == {"dividend of S000 on 2017-10-04": "0.3418"}
        gateway.close_session(DAY.isoformat())
        assert source.history("S000", date(2017, 9, 25), DAY).dividend[-1] == 0.3418


def test_a_broker_that_tells_no_dividend_says_so() -> None:
    with broker() as (gateway, _, source, _):
        gateway.tell("behavior", no_dividends=["S000"])
        calls = [SourceCall("quote", (symbol, SESSION, NOW)) for symbol in names(3)]
        source.ask_ahead(calls, 20.0)
        told = {symbol: source.quote(symbol, SESSION, NOW) for symbol in names(3)}
        assert [quote.dividend_told for quote in told.values()] == [False, True, True]
        assert told["S000"].close == 34.36


def test_without_adjusted_prices_the_bars_come_and_their_dividends_are_not_known() -> None:
    with broker() as (gateway, _, source, _):
        gateway.fault("reqHistoricalData", "reject", code=162, text="no data", when={"whatToShow": "ADJUSTED_LAST"})
        bars = source.history("S000", FIRST, BEFORE)
        assert len(bars) == len(TABLE.sessions.between(FIRST, BEFORE))
        assert not bars.dividend.any()
        assert source.coverage("S000").dividends is Dividends.UNKNOWN
        source.history("S000", FIRST, BEFORE)
        assert source.coverage("S000").dividends is Dividends.KNOWN


def test_a_quote_asked_for_dividends_leaves_no_line_in_use() -> None:
    with broker() as (gateway, _, source, _):
        gateway.tell("behavior", data_lines=1)
        for symbol in names(3):
            assert source.quote(symbol, SESSION, NOW).dividend_told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1.3,1.4,20171004,0.35", (0.35, True)),
        ("1.3,1.4,20171005,0.35", (0.0, True)),
        ("1.3,1.4,20170703,0.35", (0.0, True)),
        (",,,", (0.0, True)),
        ("", (0.0, True)),
        ("1.3,1.4,soon,0.35", (0.0, False)),
        ("1.3,1.4,20171004,", (0.0, False)),
    ],
)
def test_what_goes_ex_today_is_read_from_the_text_of_the_quote(text: str, told: tuple[float, bool]) -> None:
    with broker() as (gateway, _, source, _):
        gateway.fault("tickString", "alter", count=0, when={"3": "59"}, fields={"4": text})
        quote = source.quote("S000", SESSION, NOW)
        assert (quote.dividend, quote.dividend_told) == told
