"""Contracts and hours of the practice gateway."""

import pytest

from mtum.gateway.contracts import liquid_hours, listing_of, matching, stands_on, trading_hours
from support.gateway import HALF_DAY, weekday_sessions

LISTINGS = {symbol: listing_of(symbol) for symbol in ("MTUM", "SPYX", "VIX")}


def test_known_listings_are_pinned() -> None:
    assert (LISTINGS["MTUM"].exchange, LISTINGS["MTUM"].primary_exchange) == ("SMART", "BATS")
    assert (LISTINGS["VIX"].con_id, LISTINGS["VIX"].sec_type, LISTINGS["VIX"].exchange) == (13455763, "IND", "CBOE")
    assert listing_of("MTUM").con_id == LISTINGS["MTUM"].con_id != LISTINGS["SPYX"].con_id


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"symbol": "MTUM"}, ["MTUM"]),
        ({"symbol": "MTUM", "secType": "STK", "exchange": "SMART", "primaryExchange": "BATS"}, ["MTUM"]),
        ({"symbol": "MTUM", "exchange": "BATS"}, ["MTUM"]),
        ({"symbol": "MTUM", "primaryExchange": "ARCA"}, []),
        ({"symbol": "MTUM", "currency": "EUR"}, []),
        ({"symbol": "VIX", "secType": "STK"}, []),
        ({"conId": "13455763", "symbol": "anything"}, ["VIX"]),
        ({"conId": "0", "secType": "STK"}, ["MTUM", "SPYX"]),
        ({"conId": "5"}, []),
    ],
)
def test_contracts_match_field_by_field(asked: dict[str, str], found: list[str]) -> None:
    assert [listing.symbol for listing in matching(LISTINGS, asked)] == found


def test_hours_show_half_days_and_closed_days() -> None:
    sessions = weekday_sessions()
    assert liquid_hours(sessions, HALF_DAY, 2) == "20150612:0930-20150612:1300;20150613:CLOSED"
    assert trading_hours(sessions, HALF_DAY, 1) == "20150612:0400-20150612:1700"


@pytest.mark.parametrize(
    ("trading_class", "symbol"),
    [("SPY", "SPY"), ("2SPY", "SPY"), ("SPY1", "SPY"), ("SPXW", "SPX"), ("VIX", "VIX"), ("SP500", "SP500")],
)
def test_options_stand_on_the_symbol_of_their_class(trading_class: str, symbol: str) -> None:
    assert stands_on(trading_class) == symbol
