"""Whose bars a symbol is given, and what has to be said of it."""

import pytest

from mtum.core.market.coverage import Dividends
from mtum.core.market.embedded import MARKETS, embedded_symbol, truths


@pytest.mark.parametrize(
    ("market", "symbol", "own"),
    [
        *(("multi", fund, own) for fund, own in (("SPY", "SP500"), ("QQQ", "NDQ"), ("IEF", "UST10"), ("TLT", "UST30"))),
        *(
            ("multi", fund, own)
            for fund, own in (("SHY", "UST2"), ("BIL", "BILL"), ("SGOV", "BILL"), ("MTUM", "SP500"))
        ),
        ("multi", "UST30", "UST30"),
        ("multi", "GLD", None),
        ("multi", "AAPL", None),
        ("stocks", "AAPL", "AAPL"),
        ("stocks", "TLT", None),
    ],
)
def test_a_symbol_has_its_own_bars_or_its_stand_ins_or_none(market: str, symbol: str, own: str | None) -> None:
    assert embedded_symbol(market, symbol) == own


def test_every_output_says_what_is_not_what_it_seems() -> None:
    assert truths("multi", ["TLT", "UST2", "SP500", "EFA"]) == (
        "20- to 30-year Treasury series of the embedded sample stands in for TLT: computed from published yields; "
        "no fund ever had these prices",
        "UST2 is 2-year Treasury series: computed from published yields; no fund ever had these prices",
        "SP500 is S&P 500 / 10: price index, dividends missing",
        "EFA is not in the embedded market multi and is left out",
    )
    assert truths("stocks", ["AAPL", "AAPL"]) == ()


def test_a_missing_vix_is_said_where_it_is_asked_for() -> None:
    said = "the embedded market stocks has no VIX: what waits for it never comes"
    assert truths("stocks", ["IBM"], ["VIX"]) == (said,)
    assert truths("stocks", ["IBM"]) == truths("multi", ["UST2"], ["VIX"])[1:] == ()


def test_dividends_are_known_of_stocks_and_part_of_the_price_or_missing_elsewhere() -> None:
    known = {symbol for symbol, found in MARKETS["stocks"].items() if found.coverage.dividends is Dividends.KNOWN}
    assert known == {"AAPL", "IBM", "MSFT", "GOOG", "FB"}
    assert {found.coverage.dividends for found in MARKETS["multi"].values()} == {Dividends.NONE}
    bare = {symbol for symbol, found in MARKETS["multi"].items() if found.coverage.close_only}
    assert bare == {"UST2", "UST10", "UST30", "BILL"}
