"""Every strategy orders what a second implementation in plain Python orders, session by session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib import import_module
from typing import Any, cast

import pytest

from mtum import config
from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.embedded import sample_source
from mtum.app.research.backtest_request import BacktestRequest
from mtum.config.validation import strategy_from
from mtum.core.canonical import plain
from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Dividends
from mtum.core.portfolio.decision import Decision
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Strategy
from support.markets import made_up_bars, real_bars, weekdays
from support.plain.account import Bar, Market, Order, play
from support.registry import OF_SHARES
from support.values import replace

OTHER_ORACLE = {"mtum_confluence"}
"""Strategies that are held against plain rules elsewhere."""
NAMES = sorted({*OF_SHARES} - OTHER_ORACLE)
SESSIONS = 300
"""Sessions played beyond the history in the quick runs."""
COLUMNS = ("open", "high", "low", "close", "volume", "dividend")


def symbols_of(strategy: Strategy) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*strategy.universe(), *strategy.reads())))


def on_common_sessions(bars: Mapping[str, Bars]) -> dict[str, Bars]:
    """The bars of the sessions that all symbols have."""
    common = set.intersection(*({*one.days.astype(object)} for one in bars.values()))
    found = {}
    for symbol, one in bars.items():
        at = [n for n, day in enumerate(one.days.astype(object)) if day in common]
        columns = {name: getattr(one, name)[at] for name in COLUMNS}
        found[symbol] = Bars.from_columns(symbol, one.source, one.days.astype(object)[at], columns)
    return found


def plain_market(bars: Mapping[str, Bars], calendar: list[date]) -> Market:
    rows = {
        symbol: [
            Bar(day, *(float(getattr(one, name)[n]) for name in COLUMNS))
            for n, day in enumerate(one.days.astype(object))
        ]
        for symbol, one in bars.items()
    }
    return Market(rows, calendar)


def orders_of(decisions: list[Decision]) -> list[Order]:
    return [
        Order(decision.session, order.symbol, order.side.value, order.shares, order.reasons)
        for decision in decisions
        for order in decision.orders
    ]


@dataclass(frozen=True)
class Traded:
    """Bars on the same sessions, the calendar around them, and what the sleeve starts with."""

    bars: Mapping[str, Bars]
    calendar: list[date]
    capital: float
    holdings: Mapping[str, int] = field(default_factory=dict)


def both(
    name: str, params: Mapping[str, Any], traded: Traded, sessions: int | None = None
) -> tuple[list[Order], list[Order]]:
    """Orders of the product and of the plain rules on the same bars."""
    bars, calendar = traded.bars, traded.calendar
    rules: Any = import_module(f"support.plain.{name}")
    strategy = strategy_from(name, params)
    count = len(next(iter(bars.values())))
    params = cast("Mapping[str, Any]", plain(strategy))
    assert strategy.history_sessions() == rules.history(params)
    first = strategy.history_sessions() if sessions is None else max(strategy.history_sessions(), count - sessions)
    assert first < count, f"{count} sessions, {first} are warm-up"
    free = {"risk.max_daily_loss_usd": "none", "risk.max_position_usd": "none", "portfolio.capital_usd": traded.capital}
    history = SessionHistory(bars, {}, tuple(calendar), dict.fromkeys(bars, Dividends.KNOWN))
    told: list[Decision] = []
    terms = replace(BacktestRequest(config.load(None, {}, free)).terms(), holdings=traded.holdings)
    play_sessions(history, strategy, terms, first, count, told.append)
    return orders_of(told), play(plain_market(bars, calendar), rules, params, first, traded.capital, traded.holdings)


def embedded(name: str) -> Traded:
    example, strategy = STRATEGIES[name].EXAMPLE, strategy_from(name, params_on(name))
    source = sample_source(example.market)
    bars = on_common_sessions({symbol: source.history(symbol, date.min, date.max) for symbol in symbols_of(strategy)})
    return Traded(bars, sessions_around(bars), example.capital_usd, example.holdings)


def sessions_around(bars: Mapping[str, Bars]) -> list[date]:
    days = next(iter(bars.values())).days.astype(object)
    sessions = ExchangeCalendar().sessions(days[0] - timedelta(days=60), days[-1] + timedelta(days=15))
    return [session.day for session in sessions]


def params_on(name: str) -> Mapping[str, Any]:
    """Settings of the example; a module whose symbols were listed late names others."""
    rules: Any = import_module(f"support.plain.{name}")
    return {**STRATEGIES[name].EXAMPLE.settings, **getattr(rules, "EMBEDDED", {})}


@pytest.mark.parametrize("name", NAMES)
def test_on_the_embedded_market_it_orders_what_the_plain_rules_order(name: str) -> None:
    found, wanted = both(name, params_on(name), embedded(name), SESSIONS)
    assert found == wanted
    assert found


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_on_the_whole_embedded_market_it_orders_what_the_plain_rules_order(name: str) -> None:
    found, wanted = both(name, params_on(name), embedded(name))
    assert found == wanted


@pytest.mark.parametrize("name", NAMES)
def test_on_a_made_up_market_it_orders_what_the_plain_rules_order(name: str) -> None:
    made_up(name, 1, SESSIONS)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(2, 8))
@pytest.mark.parametrize("name", NAMES)
def test_on_more_made_up_markets_it_orders_what_the_plain_rules_order(name: str, seed: int) -> None:
    made_up(name, seed, 1000)


OTHERS = [
    (name, number)
    for name in NAMES
    for number in range(len(getattr(import_module(f"support.plain.{name}"), "ALSO", ())))
]


@pytest.mark.full
@pytest.mark.parametrize(("name", "number"), OTHERS)
def test_with_other_parameters_it_orders_what_the_plain_rules_order(name: str, number: int) -> None:
    rules: Any = import_module(f"support.plain.{name}")
    made_up(name, 9, 1000, rules.ALSO[number])
    found, wanted = both(name, {**params_on(name), **rules.ALSO[number]}, embedded(name))
    assert found == wanted
    assert found


def made_up(name: str, seed: int, sessions: int, other: Mapping[str, Any] | None = None) -> None:
    params, example = {**params_on(name), **(other or {})}, STRATEGIES[name].EXAMPLE
    strategy = strategy_from(name, params)
    count = strategy.history_sessions() + sessions
    bars = {symbol: made_up_bars(count, 31 * seed + n, symbol) for n, symbol in enumerate(symbols_of(strategy))}
    days = next(iter(bars.values())).days.astype(object)
    before = [days[0] - timedelta(days=back) for back in range(60, 0, -1)]
    calendar = [day for day in before if day.weekday() < 5] + weekdays(count + 30, days[0])
    found, wanted = both(name, params, Traded(bars, calendar, example.capital_usd, example.holdings))
    assert found == wanted
    assert found


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_on_real_bars_it_orders_what_the_plain_rules_order(name: str) -> None:
    rules: Any = import_module(f"support.plain.{name}")
    params: Mapping[str, Any] = getattr(rules, "REAL", {})
    strategy = strategy_from(name, params)
    read = {symbol: real_bars(symbol) for symbol in symbols_of(strategy)}
    bars = on_common_sessions(read)
    holdings: Mapping[str, int] = getattr(rules, "REAL_HOLDINGS", {})
    found, wanted = both(name, params, Traded(bars, sessions_around(bars), 100_000.0, holdings))
    assert found == wanted
    assert found
