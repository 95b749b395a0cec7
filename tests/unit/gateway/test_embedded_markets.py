"""The practice gateway over the embedded market `stocks`: prices as traded, splits and dividends of the morning."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.embedded import sample_source
from mtum.core.market.embedded import MARKETS
from mtum.core.portfolio.sleeves import symbols_of
from mtum.core.simulation.account_book import CorporateAction
from mtum.gateway.market import Market, MarketClock, PortMarket, port_market
from mtum.wiring import resources

BEFORE, SPLIT_DAY = date(2005, 2, 25), date(2005, 2, 28)


@pytest.fixture(scope="module")
def source() -> PortMarket:
    return port_market(sample_source("stocks"), ExchangeCalendar(), tuple(MARKETS["stocks"]))


def at(source: PortMarket, day: date, minutes_to_close: float = 20.0) -> Market:
    session = source.sessions.get(day)
    assert session is not None
    return Market(source, MarketClock(session.before_close(minutes_to_close), speed=0.0))


def test_the_day_before_a_split_everything_is_in_old_shares(source: PortMarket) -> None:
    """Apple closed at 88.99 on 25 February 2005 and at 88.93 the day before."""
    market = at(source, BEFORE)
    assert (market.price("AAPL"), market.previous_close("AAPL")) == (Decimal("88.99"), Decimal("88.93"))
    assert market.moment().actions == ()


def test_from_the_morning_of_a_split_the_past_is_in_new_shares(source: PortMarket) -> None:
    """2:1: 88.99 is 44.495, and 22,900,000 shares of that day are twice as many."""
    market = at(source, SPLIT_DAY)
    assert (market.price("AAPL"), market.previous_close("AAPL")) == (Decimal("44.86"), Decimal("44.495"))
    past, running = list(market.history("AAPL", BEFORE))
    old = at(source, BEFORE, -1.0).running_bar("AAPL")
    assert old is not None
    assert (past.close, past.volume) == (44.495, 2 * old.volume)
    assert running.close == 44.86
    assert market.moment().actions == (CorporateAction("AAPL", Decimal(0), Decimal(2)),)


def test_a_dividend_is_paid_on_its_morning(source: PortMarket) -> None:
    found = at(source, date(2012, 8, 9)).moment().actions
    assert found == (CorporateAction("AAPL", Decimal("2.65"), Decimal(1)),)


def test_every_symbol_has_a_price_and_a_late_one_none_before_it_is_listed(source: PortMarket) -> None:
    assert set(at(source, date(2012, 8, 9)).moment().prices) == set(MARKETS["stocks"])
    assert set(at(source, date(2004, 8, 18)).moment().prices) == set(MARKETS["stocks"]) - {"GOOG", "FB"}


def test_there_is_no_vix(source: PortMarket) -> None:
    assert at(source, SPLIT_DAY).price("VIX") is None


def test_an_unknown_volume_is_shown_as_such() -> None:
    market = at(port_market(sample_source("multi"), ExchangeCalendar(), ("NDQ",)), date(2018, 1, 9))
    running = market.running_bar("NDQ")
    assert running is not None
    assert running.volume != running.volume
    assert running.close == 143.2716


def test_every_symbol_of_the_packaged_portfolio_has_a_price_also_on_a_bond_holiday() -> None:
    settings, _ = resources.packaged_portfolio()
    symbols = symbols_of(settings.sleeves())
    source = port_market(resources.source_of(settings, Path("nowhere")), ExchangeCalendar(), symbols)
    for minutes in (20.0, -1.0):
        found = at(source, date(2018, 10, 8), minutes).moment()
        assert found.prices == {"SP500": Decimal("288.443"), "NDQ": Decimal("154.719"), "UST10": Decimal("111.4288")}
        assert found.volumes == (
            {} if minutes > 0 else {"SP500": 3_330_320_000.0, "NDQ": 2_239_640_000.0, "UST10": 0.0}
        )
