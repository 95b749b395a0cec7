"""Many symbols on a practice gateway, and an account whose sleeves look at all of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.market.bars import Bar
from mtum.core.simulation.exchange_state import AccountKind, ExchangeAccount
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import IndicatorSpec, Keep, Own, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView
from mtum.gateway.behavior import Behavior
from mtum.gateway.market import MarketClock
from support.gateway import ACCOUNT, SHARE, BarTable, running_gateway
from support.live_days import Installation, paper_settings

DAY = date(2017, 10, 4)
FIRST = date(2015, 1, 2)
EX_DATES = (date(2017, 3, 17), date(2017, 6, 16), date(2017, 9, 15))
DIVIDEND = 0.34


@dataclass(frozen=True, slots=True)
class Wide(Strategy):
    """Hold the first ones of what closes above its mean, in equal parts."""

    name: ClassVar[str] = "wide"
    EACH_BY_ITSELF: ClassVar[bool] = True

    symbols: tuple[str, ...] = field(default=("AAA",), metadata={"doc": "symbols it trades"})
    history: int = field(default=300, metadata={"doc": "bars it asks for"})
    most: int = field(default=2, metadata={"doc": "how many of them it may hold"})

    def universe(self) -> tuple[str, ...]:
        """Every symbol of the list."""
        return self.symbols

    def history_sessions(self) -> int:
        """As many as the parameters say."""
        return self.history

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """The mean."""
        return (IndicatorSpec("average", "sma", (("sessions", 50),), "USD", "mean of 50"),)

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """An equal part of each of the first above its mean of 50, keep for the rest."""
        (mean,) = self.indicators()
        part = Target(round(1 / len(self.symbols), 6))
        found = []
        for number, symbol in enumerate(one for one in self.symbols if one in view.bars):
            above = float(view.bars[symbol].close[-1]) > (view.newest(symbol, mean) or 0.0)
            enters = above and number < self.most and not own.of(symbol).shares
            found.append(SymbolVerdict(symbol, part if enters else Keep(), ("above" if above else "below",), (), {}))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Total(Wide):
    """The same on returns with dividends."""

    name: ClassVar[str] = "total"
    TOTAL_RETURNS: ClassVar[bool] = True


def names(count: int) -> tuple[str, ...]:
    """So many symbols."""
    return tuple(f"S{number:03}" for number in range(count))


def many(symbols: tuple[str, ...], dividends: Mapping[date, float] | None = None) -> BarTable:
    """Each symbol rises by two cents a session from 20 USD and its number; VIX 15; all pay on three days."""
    paid = dict.fromkeys(EX_DATES, DIVIDEND) if dividends is None else dividends
    sessions = ExchangeCalendar().sessions(FIRST, date(2017, 10, 31))
    bars: dict[str, dict[date, Bar]] = {"VIX": {}}
    for at, session in enumerate(sessions):
        bars["VIX"][session.day] = Bar(session.day, 15.0, 15.5, 14.5, 15.25, 0.0)
        for number, symbol in enumerate(symbols):
            close = round(20 + number + 0.02 * at, 2)
            bar = Bar(session.day, close, round(close + 0.1, 2), round(close - 0.1, 2), close, 1e6 + 1000.0 * at)
            bars.setdefault(symbol, {})[session.day] = replace(bar, dividend=paid.get(session.day, 0.0))
    return BarTable(sessions, bars, lambda symbol, session, minutes: SHARE if minutes > 0 else 1.0)


@contextmanager
def wide_installation(
    folder: Path,
    table: BarTable,
    *,
    sleeves: int = 1,
    strategy: type[Wide] = Wide,
    history: int = 300,
    minutes: float = 20.0,
    behavior: Behavior | None = None,
    **changes: Any,
) -> Iterator[Installation]:
    """An installation whose sleeves, equal parts of 1,000,000 USD, all look at every symbol of the market."""
    session = table.sessions.get(DAY)
    assert session is not None
    parts: dict[str, Any] = {}
    for number in range(sleeves):
        parts |= {
            f"sleeve__s{number}__strategy": strategy.name,
            f"sleeve__s{number}__weight": 1 / sleeves,
            f"sleeve__s{number}__rules__symbols": list(table.symbols),
            f"sleeve__s{number}__rules__history": history,
        }
    account = ExchangeAccount(ACCOUNT, AccountKind.CASH, Decimal(1_000_000))
    clock = MarketClock(session.before_close(minutes), speed=0.0)
    given = {"source": table, "accounts": (account,), "clock": clock, "behavior": behavior or Behavior()}
    with pytest.MonkeyPatch.context() as patch, running_gateway(**given) as gateway:
        patch.setitem(STRATEGIES, Wide.name, Wide)
        patch.setitem(STRATEGIES, Total.name, Total)
        folder.mkdir(parents=True, exist_ok=True)
        plain = {"portfolio__capital_usd": 1e6, "broker__request_seconds": 10.0, **parts, **changes}
        yield Installation(folder, gateway, paper_settings(gateway.port, **plain))
