"""What is known of a symbol beforehand."""

from mtum.core.market.instruments import Instrument, Kind, instrument


def test_the_traded_fund_is_a_stock_listed_at_cboe_bzx() -> None:
    assert instrument("MTUM") == Instrument("MTUM", Kind.STOCK, "USD", "BATS")


def test_the_vix_is_an_index() -> None:
    assert instrument("VIX").kind is Kind.INDEX


def test_an_unknown_symbol_is_a_stock_whose_market_must_be_asked() -> None:
    assert instrument("SPY") == Instrument("SPY", Kind.STOCK, "USD", None)
