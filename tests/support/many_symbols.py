"""Many symbols on a practice gateway, and an account whose sleeves look at all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mtum import config
from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.portfolio.money import AccountKind
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target
from mtum.core.strategies.description import IndicatorSpec
from mtum.core.view import MarketView
from mtum.gateway.behavior import Behavior
from mtum.gateway.market import MarketClock
from support.gateway import ACCOUNT, BarTable, running_gateway
from support.live_days import Installation, paper_settings
from support.many_bars import DAY, FIRST, many, names


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


@cache
def wide_market(count: int) -> BarTable:
    """So many symbols on the exchange's own sessions."""
    return many(names(count), ExchangeCalendar().sessions(FIRST, date(2017, 10, 31)))


@contextmanager
def wide_settings(
    port: int, count: int, *, sleeves: int = 1, strategy: type[Wide] = Wide, **changes: Any
) -> Iterator[config.Settings]:
    """Settings whose sleeves, equal parts of 1,000,000 USD, all look at every symbol."""
    rules = {name: changes.pop(name) for name in ("most", "history") if name in changes}
    parts: dict[str, Any] = {"portfolio__capital_usd": 1e6, "broker__request_seconds": 10.0}
    for number in range(sleeves):
        parts |= {
            f"sleeve__s{number}__strategy": strategy.name,
            f"sleeve__s{number}__weight": 1 / sleeves,
            f"sleeve__s{number}__rules__symbols": list(names(count)),
            **{f"sleeve__s{number}__rules__{name}": value for name, value in rules.items()},
        }
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Wide.name, Wide)
        patch.setitem(STRATEGIES, Total.name, Total)
        yield paper_settings(port, **{**parts, **changes})


@contextmanager
def wide_installation(
    folder: Path, table: BarTable, *, minutes: float = 20.0, behavior: Behavior | None = None, **changes: Any
) -> Iterator[Installation]:
    """An installation with such settings on a gateway of that market."""
    session = table.sessions.get(DAY)
    assert session is not None
    account = ExchangeAccount(ACCOUNT, AccountKind.CASH, Decimal(1_000_000))
    clock = MarketClock(session.before_close(minutes), speed=0.0)
    given = {"source": table, "accounts": (account,), "clock": clock, "behavior": behavior or Behavior()}
    with (
        running_gateway(**given) as gateway,
        wide_settings(gateway.port, len(table.symbols), **changes) as settings,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        yield Installation(folder, gateway, settings)
