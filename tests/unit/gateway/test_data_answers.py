"""Contracts, quotes and history, with and without permission."""

# mypy: disable-error-code="no-untyped-call"

import math

import pytest
from ib_insync import Contract, Index, Stock

from mtum.gateway.behavior import Behavior, Login
from support.gateway import FIRST, TODAY, running_gateway
from support.ib_clients import MTUM, Listener, client, codes, until

VIX = Index("VIX", "CBOE", "USD")


def bars(ib: Listener, contract: Contract = MTUM, duration: str = "5 D", size: str = "1 day", **changes: str) -> list:  # type: ignore[type-arg]
    what, end = changes.get("what", "TRADES"), changes.get("end", "")
    found: list = ib.reqHistoricalData(contract, end, duration, size, what, True)  # type: ignore[type-arg]
    return found


def test_a_contract_is_found_by_its_listing_or_not_at_all() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        (found,) = ib.reqContractDetails(MTUM)
        assert found.contract is not None
        assert (found.contract.primaryExchange, found.minTick, found.timeZoneId) == ("BATS", 0.01, "US/Eastern")
        assert found.liquidHours.startswith("20150610:0930-20150610:1600;")
        assert ib.reqContractDetails(Stock("MTUM", "SMART", "USD", primaryExchange="ARCA")) == []
        assert codes(ib) == [200]


def test_the_running_bar_is_absent_before_the_opening() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=391)
        assert f"{bars(ib)[-1].date}" == "2015-06-09"
        gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=390)
        assert f"{bars(ib)[-1].date}" == "2015-06-10"


def test_the_bar_is_whole_after_the_close() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        assert bars(ib)[-1].volume == 120_000
        gateway.close_session()
        assert bars(ib)[-1].volume == 150_000


@pytest.mark.parametrize(("duration", "count"), [("1 D", 1), ("30 D", 30), ("2 W", 11), ("1 Y", 51)])
def test_durations_count_sessions_or_calendar_days(duration: str, count: int) -> None:
    # 51 sessions from 1 April to 10 June; two weeks back is 27 May.
    with running_gateway() as gateway, client(gateway) as ib:
        assert len(bars(ib, duration=duration)) == count


def test_history_may_end_earlier() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        found = bars(ib, duration="3 D", end="20150605 23:59:59 US/Eastern")
        assert [f"{bar.date}" for bar in found] == ["2015-06-03", "2015-06-04", "2015-06-05"]


def test_adjusted_bars_with_an_end_and_odd_sizes_are_refused() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        assert not bars(ib, what="ADJUSTED_LAST", end="20150605 23:59:59 US/Eastern")
        assert not bars(ib, size="2 mins")
        assert codes(ib) == [321, 321]
        assert len(bars(ib, what="ADJUSTED_LAST")) == 5


def test_intraday_volumes_add_up_to_the_day() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.close_session()
        found = bars(ib, duration="1 D", size="5 mins")
        assert len(found) == 78
        assert sum(bar.volume for bar in found) == 150_000


def test_hours_begin_with_the_clocks_as_the_brokers_do() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.close_session()
        begins = [f"{bar.date:%H:%M}" for bar in bars(ib, duration="1 D", size="1 hour")]
        assert begins == ["09:30", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00"]
        halves = [f"{bar.date:%H:%M}" for bar in bars(ib, duration="1 D", size="30 mins")]
        assert (len(halves), halves[:3]) == (13, ["09:30", "10:00", "10:30"])


def test_a_symbol_without_permission_gives_errors_and_no_prices() -> None:
    with running_gateway(behavior=Behavior(no_data=("VIX",))) as gateway, client(gateway, seconds=1) as ib:
        assert not bars(ib, VIX)
        ticker = ib.reqMktData(VIX, "", True)
        assert until(ib, lambda: codes(ib) == [162, 354])
        assert math.isnan(ticker.last)


def test_delayed_quotes_say_so() -> None:
    with running_gateway(behavior=Behavior(delayed=("MTUM",))) as gateway, client(gateway) as ib:
        ib.reqMarketDataType(3)
        ticker = ib.reqMktData(MTUM, "", True)
        assert until(ib, lambda: ticker.last == 75.0)
        assert codes(ib) == [10167]
        assert ticker.marketDataType == 3


def test_the_spread_is_two_cents_and_gone_after_the_close() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        (open_quote,) = ib.reqTickers(MTUM)
        assert (open_quote.bid, open_quote.ask, open_quote.close) == (74.99, 75.01, 74.9)
        gateway.close_session()
        ticker = ib.reqMktData(MTUM, "", True)
        assert until(ib, lambda: ticker.volume == 150_000)


def test_a_stream_hears_of_new_volume() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        ticker = ib.reqMktData(MTUM, "", False)
        assert until(ib, lambda: ticker.volume == 120_000)
        gateway.close_session()
        assert until(ib, lambda: ticker.volume == 150_000)


def test_the_first_date_of_history_is_known() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        assert ib.reqHeadTimeStamp(MTUM, "TRADES", True).date() == FIRST


def test_the_schedule_lists_sessions() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        found = ib.reqHistoricalSchedule(MTUM, 2)
        assert [session.refDate for session in found.sessions] == ["20150609", "20150610"]


@pytest.mark.parametrize("login", [Login.SILENT, Login.CUT])
def test_a_login_may_be_silent_or_cut(login: Login) -> None:
    # The library waits for its limit in both cases.
    with running_gateway(behavior=Behavior(login=login)) as gateway:
        with pytest.raises((TimeoutError, ConnectionError)), client(gateway, seconds=0.4):
            pass
        assert gateway.entries("login") == []
