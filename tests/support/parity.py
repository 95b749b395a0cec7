"""The same sessions through the daily job and through the fast path, in one form that can be compared."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from mtum.adapters.calendar import ExchangeCalendar
from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.run_backtest import run_backtest
from mtum.app.session.play_session import market_sessions, play_session
from mtum.config import Settings
from mtum.core.portfolio.fills import folded, rebased
from mtum.core.portfolio.lots import trades_of
from mtum.core.simulation.backtest import ALL_CONDITIONS, run
from mtum.core.strategies.contract import Own, SymbolVerdict
from mtum.core.strategies.mtum_confluence import MtumConfluence, judged
from mtum.errors import ExitCode
from mtum.wiring import desks, resources
from support.practice import settings_of
from support.values import replace

if TYPE_CHECKING:
    from mtum.core.view import MarketView

type Row = tuple[date, float, date | None, float | None, int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Account:
    """Trades with every reason of their exits, and the equity at each close."""

    trades: tuple[Row, ...]
    equity: Mapping[date, float]

    def is_same(self, other: "Account") -> bool:
        """Whether trades and reasons are the same, and equity to the cent."""
        return self.trades == other.trades and self.equity == pytest.approx(other.equity, abs=0.006)


@dataclass(frozen=True, slots=True)
class Without(MtumConfluence):
    """The rules with one condition changed: to enter, `dropped` always holds; to leave, never."""

    dropped: str = ""

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the verdict on altered inputs."""
        now, holding = self.readings(view), own.of(self.symbol)
        flat: dict[str, dict[str, float | None]] = {
            "close_above_ma": {"ma": -1.0},
            "vix_calm": {"vix": 0.0},
            "rsi_high": {"rsi": 1e3},
            "volume_high": {"volume_average": -1.0},
        }
        long: dict[str, dict[str, float | None]] = {
            "close_below_ma": {"ma": -1.0},
            "vix_fear": {"vix": 0.0},
            "rsi_low": {"rsi": 1e3},
        }
        if holding.shares > 0 and self.dropped == "atr_target":
            holding = replace(holding, remembered={})
        return (judged(self, now | (long if holding.shares > 0 else flat).get(self.dropped, {}), holding),)


def settings_without(settings: Settings, dropped: str) -> Settings:
    """The same settings with a strategy that has lost one condition."""
    base = settings.active_strategy()
    assert isinstance(base, MtumConfluence)
    names = [field.name for field in fields(MtumConfluence)]
    changed = Without(**{name: getattr(base, name) for name in names}, dropped=dropped)
    return structs.replace(settings, strategy={**settings.strategy, base.name: changed})


def market_settings(**changes: Any) -> Settings:
    """Settings of the embedded market with the day's true share of its volume."""
    return settings_of(market__sample_share="exact", **changes)


def market_days(settings: Settings) -> list[date]:
    """Every session that the replayed market can decide."""
    return [session.day for session in market_sessions(resources.source_of(settings, Path()), _calendar(), settings)]


def by_the_daily_job(settings: Settings, first: date, last: date) -> Account:
    """Play a fresh installation from one session to another, one by one."""
    with in_memory() as folder, desks.replay_desk(settings, folder) as replay:
        desk = replay.desk
        for session in replay.market:
            if first <= session.day <= last:
                result = play_session(desk, session)
                assert result.exit_code in (ExitCode.DONE, ExitCode.HALTED), result.document["problems"]
        store, name = desk.store, desk.sleeves[0].name
        reasons = {state.intent.id: tuple(state.intent.reasons) for state in store.orders.states()}
        return Account(
            trades=tuple(
                (
                    *(one.entry_session, float(one.entry_price), one.exit_session),
                    *(None if one.exit_price is None else float(one.exit_price), one.shares),
                    reasons[one.exit_intent_id] if one.exit_intent_id and one.exit_session else (),
                )
                for one in trades_of(rebased(folded(store.orders.fills(name)), store.bars.actions()))
            ),
            equity={point.session: float(point.equity_usd) for point in store.ledger.equity(name)},
        )


def by_the_fast_path(settings: Settings, first: date, last: date, dropped: str = "") -> Account:
    """Play the same sessions in one pass, proceeds settled as the practice account's are.

    `dropped` names a condition that is left out.
    """
    asked = BacktestRequest(settings, start=first, end=last, settlement="calendar")
    found = run_backtest(asked, resources.source_of(settings, Path()), _calendar(), lambda _: None)
    assert isinstance(found.strategy, MtumConfluence)
    assert found.history is not None
    played = run(found.history, found.strategy, asked.terms(), found.span, ALL_CONDITIONS - {dropped})
    return Account(
        trades=tuple(
            (one.entry_session, one.entry_price, one.exit_session, one.exit_price, one.shares, one.reasons)
            for one in played.trades
        ),
        equity=dict(zip(played.days.astype(object).tolist(), played.equity.tolist(), strict=True)),
    )


@cache
def _calendar() -> ExchangeCalendar:
    return ExchangeCalendar()  # one for all tests of a process, and no file of its sessions


@contextmanager
def in_memory() -> Iterator[Path]:
    # A disk would be asked to sync fifty times a session; nothing here is about surviving a power cut.
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shared if os.access(shared, os.W_OK) else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
