"""One history for each kind of day a report must be able to tell, on a made-up market."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from mtum.adapters.store.opening import open_store
from mtum.app.approvals.approve_backtest import approve_backtest
from mtum.app.desk import Provenance
from mtum.config import Settings, load
from mtum.core.market.bars import Bars
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus
from support.report_history import ACCOUNT, SYMBOL, Day, History

FIRST_DAY = date(2026, 1, 5)
ENTRY = 60
SESSIONS = 80
BUSY, QUIET = 1_500_000.0, 1_000_000.0


@dataclass(frozen=True, slots=True)
class Market:
    """Closes and volumes that differ from the ordinary zigzag, by position."""

    closes: dict[int, float]
    busy: frozenset[int] = frozenset({ENTRY})


def bars_of(market: Market) -> Bars:
    """Return bars on weekdays: a rising zigzag of one dollar a step and slowly falling volume, with exceptions."""
    close = [round(100.0 + 0.1 * index + (0.5 if index % 2 == 0 else -0.5), 2) for index in range(SESSIONS)]
    for index, price in market.closes.items():
        close[index] = price
    days: list[date] = []
    day = FIRST_DAY
    while len(days) < SESSIONS:
        if day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    prices = np.array(close)
    volume = [BUSY - index if index in market.busy else QUIET - index for index in range(SESSIONS)]
    columns = {"open": prices, "high": prices + 0.5, "low": prices - 0.5, "close": prices, "volume": volume}
    return Bars.from_columns(SYMBOL, "sample", days, columns)


def history_of(folder: Path, market: Market, half_days: frozenset[date] = frozenset()) -> History:
    """Return an empty database beside a made-up market."""
    return History(
        open_store(folder / "mtum.db", "practice", ACCOUNT), folder, bars_of(market), {}, half_days=half_days
    )


ORDINARY = Market({})


def _played(folder: Path, market: Market, *specials: Day) -> tuple[History, date]:
    history = history_of(folder, market)
    day = FIRST_DAY
    for step, special in enumerate(specials):
        day = history.play(ENTRY + step, special)
        if step < len(specials) - 1:
            history.report(day)
    return history, day


def _enter(folder: Path) -> tuple[History, date]:
    return _played(folder, ORDINARY, Day(price_seen=0.999))


def _hold_long(folder: Path) -> tuple[History, date]:
    return _played(folder, ORDINARY, Day(), Day())


def _hold_flat(folder: Path) -> tuple[History, date]:
    return _played(folder, Market({}, frozenset()), Day(), Day())


def _exit_below_ma(folder: Path) -> tuple[History, date]:
    return _played(folder, Market({61: 103.2}), Day(), Day())


def _exit_vix(folder: Path) -> tuple[History, date]:
    return _played(folder, ORDINARY, Day(), Day(vix=35.5))


def _exit_rsi(folder: Path) -> tuple[History, date]:
    climb = {index: 101.0 + 3.0 * (index - 50) for index in range(51, 61)}
    slide = {index: 131.0 - 0.9 * (index - 60) for index in range(61, 75)}
    specials = [Day()] * 14
    return _played(folder, Market({**climb, **slide}), *specials)


def _exit_target(folder: Path) -> tuple[History, date]:
    return _played(folder, Market({61: 115.0}), Day(), Day())


def _exit_carried(folder: Path) -> tuple[History, date]:
    return _played(folder, Market({61: 103.2}), Day(), Day(filled=12), Day())


def _exit_partly_filled(folder: Path) -> tuple[History, date]:
    return _played(folder, Market({61: 103.2}), Day(), Day(filled=12))


def _no_decision(folder: Path) -> tuple[History, date]:
    text = f"{SYMBOL}: no bar for 2026-03-30 inside the window; run `mtum bars check`"
    return _played(folder, ORDINARY, Day(), Day(broken=(3, text)))


def _halted(folder: Path) -> tuple[History, date]:
    return _played(folder, ORDINARY, Day(restriction=Restriction.REDUCE_ONLY))


def _half_day(folder: Path) -> tuple[History, date]:
    half = bars_of(ORDINARY).day(ENTRY)
    history = history_of(folder, ORDINARY, frozenset({half}))
    return history, history.play(ENTRY)


def _failed_broker(folder: Path) -> tuple[History, date]:
    text = "no connection to the broker at 127.0.0.1:4002 within 15 s; nothing was sent"
    return _played(folder, ORDINARY, Day(), Day(broken=(4, text)))


def _rejected(folder: Path) -> tuple[History, date]:
    return _played(folder, ORDINARY, Day(ended=OrderStatus.REJECTED, text="201 Order rejected: no permission"))


def _nothing_final(folder: Path) -> tuple[History, date]:
    return _played(folder, Market({61: 103.2}), Day(), Day(settled=False))


def _no_vix(folder: Path) -> tuple[History, date]:
    return _played(folder, ORDINARY, Day(vix=None))


def _cash(folder: Path) -> tuple[History, date]:
    moves = (("dividend", "23.00", False), ("tax", "-3.45", True), ("deposit", "1000.00", True), ("fee", "-1.50", True))
    return _played(folder, ORDINARY, Day(), Day(cash=moves))


def _missed(folder: Path) -> tuple[History, date]:
    history, day = _played(folder, ORDINARY, Day())
    history.report(day)
    return history, history.calendar.days[history.calendar.days.index(day) + 1]


def _corrected(folder: Path) -> tuple[History, date]:
    history, day = _played(folder, Market({61: 103.2}), Day(), Day(settled=False))
    history.report(day)
    history.settle_late(ENTRY + 1)
    return history, history.play(ENTRY + 2)


def backtest_of(settings: Settings) -> dict[str, object]:
    """Return the document of a backtest as far as an approval keeps it."""
    played = settings.document()
    return {
        "symbol": "MTUM",
        "strategy": "mtum_confluence",
        "source": "csv",
        "start": date(2014, 1, 2),
        "end": date(2024, 6, 28),
        "sessions": 2640,
        "decision_model": "official",
        "fill_model": "same_close",
        "settings": {section: played[section] for section in ("strategy", "portfolio", "risk")},
        "metrics": {
            "total_return_frac": 0.067,
            "volatility_frac": 0.12,
            "max_drawdown_frac": -0.31,
            "exposure_frac": 0.5,
            "win_rate_frac": 0.35,
            "closed_trades": 81,
        },
    }


def _backtest(folder: Path) -> tuple[History, date]:
    history = history_of(folder, Market({61: 115.0}))
    tested = backtest_of(load(None, {}, {"risk.max_daily_loss_usd": 400.0}))
    code, at = Provenance("0.0.9", "c0de", {"numpy": "2.2.6"}), datetime(2026, 3, 27, 20, tzinfo=UTC)
    approve_backtest(history.store.approvals, history.settings, tested, code, at)
    history.report(history.play(ENTRY))
    return history, history.play(ENTRY + 1)


KINDS: dict[str, Callable[[Path], tuple[History, date]]] = {
    "enter": _enter,
    "hold-long": _hold_long,
    "hold-flat": _hold_flat,
    "exit-below-ma": _exit_below_ma,
    "exit-vix": _exit_vix,
    "exit-rsi": _exit_rsi,
    "exit-target": _exit_target,
    "exit-partly-filled": _exit_partly_filled,
    "exit-carried": _exit_carried,
    "no-decision": _no_decision,
    "halted": _halted,
    "half-day": _half_day,
    "failed-broker": _failed_broker,
    "order-rejected": _rejected,
    "nothing-final": _nothing_final,
    "no-vix": _no_vix,
    "cash-moves": _cash,
    "missed": _missed,
    "corrected": _corrected,
    "against-backtest": _backtest,
}
"""Kind of day -> the history that ends with it; earlier sessions are reported already."""
DRAWN = ("enter", "exit-partly-filled", "no-decision", "nothing-final", "against-backtest")
"""Kinds of day that are laid out differently; charts take a second each."""
