"""What is known of an instrument by its id."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.market.instruments import Instrument, InstrumentKind, Right, instrument, option_id

CALL = "MTUM  180119C00280000"


def test_the_traded_fund_is_a_stock_listed_at_cboe_bzx() -> None:
    assert instrument("MTUM") == Instrument("MTUM", InstrumentKind.STOCK, "USD", "BATS")


def test_the_vix_is_an_index() -> None:
    assert instrument("VIX").kind is InstrumentKind.INDEX


def test_an_unknown_symbol_is_a_stock_whose_market_must_be_asked() -> None:
    assert instrument("SPY") == Instrument("SPY", InstrumentKind.STOCK, "USD", None)


@pytest.mark.parametrize("ticker", ["MTUM", "VIX", "SPY", "BRK B"])
def test_the_id_of_a_stock_or_an_index_is_its_ticker(ticker: str) -> None:
    assert (instrument(ticker).id, instrument(ticker).multiplier) == (ticker, 1)


def test_an_options_id_tells_everything_of_it_and_back() -> None:
    found = instrument(CALL)
    assert (found.symbol, found.kind, found.multiplier, found.currency) == ("MTUM", InstrumentKind.OPTION, 100, "USD")
    assert (found.expiry, found.right, found.strike) == (date(2018, 1, 19), Right.CALL, Decimal(280))
    assert found.id == CALL
    assert option_id("F", date(2026, 12, 18), Right.PUT, Decimal("7.5")) == "F     261218P00007500"


def test_a_number_of_several_digits_belongs_to_the_name_of_an_index() -> None:
    found = instrument("SP500 181123P00283000")
    assert (found.kind, found.symbol, found.multiplier) == (InstrumentKind.OPTION, "SP500", 100)


@pytest.mark.parametrize(
    "other",
    [
        "OXY1  250117C00040000",  # adjusted: no longer 100 shares
        "2AAPL 250117C00040000",  # a flexible one
        "MTUM  180231C00280000",  # no such day
        "MTUM  180119C00000000",  # no strike
        " MTUM 180119C00280000",
    ],
)
def test_an_option_that_is_not_standard_is_never_taken_for_a_stock(other: str) -> None:
    assert (instrument(other).kind, instrument(other).id) == (InstrumentKind.OTHER, other)


@pytest.mark.parametrize(
    ("root", "strike", "words"),
    [
        ("OXY1", "40", "no root of a standard option"),
        ("", "40", "no root of a standard option"),
        ("TOOLONG", "40", "no root of a standard option"),
        ("MTUM", "0", "cannot be written"),
        ("MTUM", "0.0005", "cannot be written"),
        ("MTUM", "100000", "cannot be written"),
    ],
)
def test_an_option_that_no_id_can_stand_for_has_none(root: str, strike: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        option_id(root, date(2018, 1, 19), Right.CALL, Decimal(strike))


def test_only_an_option_has_an_expiry_a_strike_and_a_right() -> None:
    with pytest.raises(ValueError, match="MTUM: an option, and nothing else"):
        Instrument("MTUM", InstrumentKind.OPTION, multiplier=100, strike=Decimal(280))
    with pytest.raises(ValueError, match="MTUM: an option, and nothing else"):
        Instrument("MTUM", right=Right.PUT)
