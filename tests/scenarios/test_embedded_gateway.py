"""Embedded symbols over the broker's wire: decided on their bars, sent to the auction, filled at its close."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.embedded import sample_source
from mtum.app.service.rehearse import Surroundings, rehearse
from mtum.app.service.rehearse_market import CheckState
from mtum.app.session.confirm_fills import confirm_fills
from mtum.app.session.run_today import run_today
from mtum.core.portfolio.money import AccountKind
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.gateway.market import MarketClock, port_market
from mtum.wiring import desks
from support.gateway import ACCOUNT, Running, running_gateway
from support.live_days import DECISION_MINUTES, paper_settings


@contextmanager
def gateway(market: str, symbol: str, day: date) -> Iterator[Running]:
    source = port_market(sample_source(market, exact=True), ExchangeCalendar(), (symbol,))
    session = source.sessions.get(day)
    assert session is not None
    clock = MarketClock(session.before_close(DECISION_MINUTES), speed=0.0)
    account = ExchangeAccount(ACCOUNT, AccountKind.CASH, Decimal(5000))
    with running_gateway(source=source, accounts=(account,), clock=clock) as running:
        yield running


def play(folder: Path, running: Running, symbol: str, day: date) -> dict[str, object]:
    """Decide, let the auction happen, settle; the run's document and what was filled at which price."""
    settings = paper_settings(
        running.port, portfolio__strategy="buy_and_hold", strategy__buy_and_hold__symbols=(symbol,)
    )
    (session,) = ExchangeCalendar().sessions(day, day)
    running.tell("clock", session=day.isoformat(), minutes_to_close=DECISION_MINUTES)
    with desks.live_desk(settings, folder, None) as desk:
        found = run_today(desk, None)
    for minutes in (0, -125):
        running.tell("clock", session=day.isoformat(), minutes_to_close=minutes)
    with desks.live_desk(settings, folder, None) as desk:
        settled = confirm_fills(desk, session)
        fills = [(fill.symbol, fill.shares, float(fill.price)) for fill in desk.store.orders.fills("buy_and_hold")]
    return {"run": found.exit_code, "settled": settled.exit_code, "fills": fills}


@pytest.mark.parametrize(
    ("market", "symbol", "day", "shares", "close"),
    [
        ("stocks", "AAPL", date(2012, 8, 8), 8, 619.86),
        ("multi", "UST10", date(2018, 6, 1), 43, 113.0106),
        ("multi", "NDQ", date(2018, 1, 9), 34, 143.2716),
    ],
    ids=["a stock", "closes only", "an unknown volume"],
)
def test_a_purchase_is_filled_at_the_official_close(
    tmp_path: Path, market: str, symbol: str, day: date, shares: int, close: float
) -> None:
    """5,000 USD / (close x 1.006): 8.02 shares, 43.98 and 34.69."""
    with gateway(market, symbol, day) as running:
        assert play(tmp_path, running, symbol, day) == {"run": 0, "settled": 0, "fills": [(symbol, shares, close)]}


def test_a_rehearsal_finds_nothing_wrong_with_closes_alone(tmp_path: Path) -> None:
    day = date(2018, 6, 1)
    with gateway("multi", "UST10", day) as running:
        settings = paper_settings(
            running.port, portfolio__strategy="buy_and_hold", strategy__buy_and_hold__symbols=("UST10",)
        )
        (session,) = ExchangeCalendar().sessions(day, day)
        around = Surroundings(lambda: 10**12, tuple, tuple)
        with desks.live_desk(settings, tmp_path, None) as desk:
            found = rehearse(desk, session, around)
    assert [check for check in found.checks if check.state is CheckState.NO_GO] == []
