"""Many symbols asked of the broker at once: within its limits, and each for itself."""

from collections.abc import Iterator
from datetime import date
from functools import cache

import pytest

from mtum.errors import BarsStaleError, SourceUnavailableError
from mtum.gateway.market import MarketClock
from mtum.ports.market_data import SourceCall
from support.gateway import BarTable, Running, running_gateway
from support.ib_adapter import Adapter, adapter
from support.many_bars import DAY, SESSIONS, many, names

SESSION = SESSIONS.between(DAY, DAY)[0]
NOW = SESSION.before_close(20)
FIRST, LAST = date(2017, 9, 25), date(2017, 10, 3)


@cache
def table() -> BarTable:
    # Not while the file is read: every worker reads it.
    return many(names(55), SESSIONS)


@pytest.fixture
def gateway() -> Iterator[Running]:
    with running_gateway(source=table(), clock=MarketClock(NOW, speed=0.0)) as running:
        yield running


@pytest.fixture
def ours(gateway: Running) -> Iterator[Adapter]:
    with adapter(gateway, request_seconds=5.0, data_lines=4) as found:
        yield found


def histories(*symbols: str) -> list[SourceCall]:
    return [SourceCall("history", (symbol, FIRST, LAST)) for symbol in symbols]


def test_many_symbols_are_asked_at_once_within_lines_and_pacing(gateway: Running, ours: Adapter) -> None:
    gateway.tell("behavior", history_seconds=0.3, quote_seconds=0.05, data_lines=4)
    calls = [SourceCall("quote", (symbol, SESSION, NOW)) for symbol in names(12)]
    ours.source.ask_ahead([*calls, *histories(*names(55))], 60.0)
    gateway.tell("behavior", no_data=[*names(55)])
    # The 719th weekday: 20 + 0.02 x 718, and one USD more for the next symbol.
    assert [ours.source.quote(symbol, SESSION, NOW).close for symbol in names(2)] == [34.36, 35.36]
    assert all(ours.source.quote(symbol, SESSION, NOW).volume == 0.8 * 1_718_000 for symbol in names(12)[2:])
    assert all(len(ours.source.history(symbol, FIRST, LAST)) == 7 for symbol in names(55))


def test_what_came_ahead_answers_one_call_and_the_next_is_asked(gateway: Running, ours: Adapter) -> None:
    ours.source.ask_ahead(histories("S000"), 10.0)
    gateway.tell("behavior", no_data=["S000"])
    assert len(ours.source.history("S000", FIRST, LAST)) == 7
    with pytest.raises(SourceUnavailableError, match="No market data permissions"):
        ours.source.history("S000", FIRST, LAST)


def test_what_came_ahead_is_forgotten_with_the_next_time(gateway: Running, ours: Adapter) -> None:
    ours.source.ask_ahead(histories("S000"), 10.0)
    ours.source.ask_ahead(histories("S001"), 10.0)
    gateway.tell("behavior", no_data=["S000"])
    with pytest.raises(SourceUnavailableError, match="No market data permissions"):
        ours.source.history("S000", FIRST, LAST)


def test_a_slow_symbol_is_not_gathered_in_time_and_hurts_no_other(gateway: Running, ours: Adapter) -> None:
    gateway.fault("reqHistoricalData", "swallow", count=0, when={"symbol": "S001"})
    ours.source.ask_ahead(histories(*names(5)), 1.0)
    for symbol in ("S000", "S002", "S003", "S004"):
        assert len(ours.source.history(symbol, FIRST, LAST)) == 7
    with pytest.raises(SourceUnavailableError, match="S001: not gathered in time: no answer of ib in 1 s"):
        ours.source.history("S001", FIRST, LAST)


def test_a_bad_symbol_hurts_only_itself(gateway: Running, ours: Adapter) -> None:
    gateway.tell("behavior", no_data=["S001"])
    ours.source.ask_ahead(histories("S000", "S001", "NOSUCH", "S002"), 10.0)
    assert [len(ours.source.history(symbol, FIRST, LAST)) for symbol in ("S000", "S002")] == [7, 7]
    with pytest.raises(SourceUnavailableError, match="No market data permissions"):
        ours.source.history("S001", FIRST, LAST)
    with pytest.raises(SourceUnavailableError, match="NOSUCH: the broker knows 0 contracts"):
        ours.source.history("NOSUCH", FIRST, LAST)


def test_volumes_asked_ahead_are_known_at_any_minute_and_whatever_is_asked_next(
    gateway: Running, ours: Adapter
) -> None:
    """The decision comes at another moment than the one it was prepared for, and behind its quotes."""
    ours.source.ask_ahead([SourceCall("volume_share", (symbol, SESSION, 20.0)) for symbol in names(3)], 20.0)
    ours.source.ask_ahead([SourceCall("quote", ("S000", SESSION, NOW))], 10.0)
    asked = len(gateway.entries("request"))
    found = [ours.source.volume_share(symbol, SESSION, minutes) for symbol in names(3) for minutes in (19.5, 12.0)]
    assert [one is not None and round(one.share, 9) for one in found] == [0.8] * 6
    assert len(gateway.entries("request")) == asked > 0


def test_volumes_that_did_not_come_in_time_are_not_waited_for_again(gateway: Running, ours: Adapter) -> None:
    gateway.tell("behavior", history_seconds=30.0)
    ours.source.ask_ahead([SourceCall("volume_share", (symbol, SESSION, 20.0)) for symbol in names(3)], 1.0)
    asked = len(gateway.entries("request"))
    assert [ours.source.volume_share(symbol, SESSION, 19.5) for symbol in names(3)] == [None] * 3
    assert len(gateway.entries("request")) == asked > 0


def test_volumes_that_were_refused_are_asked_for_when_they_are_called_for(gateway: Running, ours: Adapter) -> None:
    gateway.fault("reqHistoricalData", "reject", code=162, text="HMDS query returned no data")
    ours.source.ask_ahead([SourceCall("volume_share", (symbol, SESSION, 20.0)) for symbol in names(3)], 20.0)
    ours.source.ask_ahead([SourceCall("quote", ("S000", SESSION, NOW))], 20.0)
    found = [ours.source.volume_share(symbol, SESSION, 19.5) for symbol in names(3)]
    assert [one is not None and round(one.share, 9) for one in found] == [0.8] * 3


def test_a_dropped_connection_is_made_again_for_what_it_cut_short(gateway: Running, ours: Adapter) -> None:
    gateway.fault("reqHistoricalData", "drop", skip=2)
    ours.source.ask_ahead(histories(*names(5)), 20.0)
    gateway.tell("behavior", no_data=[*names(5)])
    assert [len(ours.source.history(symbol, FIRST, LAST)) for symbol in names(5)] == [7] * 5
    assert len(gateway.entries("login")) == 2


def test_a_quote_given_up_frees_its_line_at_the_broker(gateway: Running, ours: Adapter) -> None:
    gateway.tell("behavior", quote_seconds=30.0, data_lines=1)
    ours.source.ask_ahead([SourceCall("quote", ("S000", SESSION, NOW))], 1.0)
    gateway.tell("behavior", quote_seconds=0.0)
    assert ours.source.quote("S001", SESSION, NOW).close == 35.36


def test_an_error_of_a_quote_is_told_when_it_is_called_for(gateway: Running, ours: Adapter) -> None:
    gateway.tell("clock", session=DAY.isoformat(), minutes_to_close=400)
    ours.source.ask_ahead([SourceCall("quote", ("S000", SESSION, NOW))], 10.0)
    with pytest.raises(BarsStaleError, match="no bar of 2017-10-04 yet"):
        ours.source.quote("S000", SESSION, NOW)


def test_pacing_is_no_lack_of_permission(gateway: Running, ours: Adapter) -> None:
    words = "Historical Market Data Service error message:Historical data request pacing violation"
    gateway.fault("reqHistoricalData", "reject", code=162, text=words)
    with pytest.raises(SourceUnavailableError, match=r"pacing violation$"):
        ours.source.history("S000", FIRST, LAST)


def test_the_gateway_of_these_tests_would_refuse_too_many() -> None:
    with (
        running_gateway(source=table(), clock=MarketClock(NOW, speed=0.0)) as gateway,
        adapter(gateway, request_seconds=5.0, data_lines=10) as ours,
    ):
        gateway.tell("behavior", quote_seconds=0.3, data_lines=4)
        ours.source.ask_ahead([SourceCall("quote", (symbol, SESSION, NOW)) for symbol in names(10)], 20.0)
        with pytest.raises(SourceUnavailableError, match="101: Max number of tickers"):
            [ours.source.quote(symbol, SESSION, NOW) for symbol in names(10)]
