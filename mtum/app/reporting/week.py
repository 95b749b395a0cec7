"""What a weekly review looks at: trades, missed signals, indicators, partial bars, slack."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from statistics import median

import numpy as np

from mtum.app.reporting.period import Period
from mtum.app.reporting.regret import VIX_CONDITIONS
from mtum.core.market.bars import Bars
from mtum.core.reporting import plain_indicators as plain
from mtum.core.reporting.accuracy import Accuracy, accuracies, wilson
from mtum.core.reporting.periods.review import IndicatorCheck, MissedSignal, Regret, Slack, WinLoss
from mtum.core.reporting.periods.run_summary import TradeLine
from mtum.core.reporting.plain_indicators import Column
from mtum.core.strategies.mtum_confluence import ENTRY_CONDITIONS
from mtum.ports.records import IntentState

FINAL_EXITS = ("close_below_ma", "vix_fear", "rsi_low")


def win_loss(trades: Iterable[TradeLine]) -> WinLoss:
    """Return how the closed ones of these trades ended."""
    closed = [trade for trade in trades if trade.pnl_usd is not None]
    results = [trade.pnl_usd or 0.0 for trade in closed]
    wins = sum(1 for result in results if result > 0)
    low, high = wilson(wins, len(closed))
    fractions = [trade.return_frac for trade in closed if trade.return_frac is not None]
    return WinLoss(
        closed=len(closed),
        wins=wins,
        win_frac=round(wins / len(closed), 6) if closed else None,
        low_frac=low,
        high_frac=high,
        gained_usd=round(sum(result for result in results if result > 0), 6),
        lost_usd=round(-sum(result for result in results if result < 0), 6),
        mean_frac=round(sum(fractions) / len(fractions), 6) if fractions else None,
    )


def signal_accuracy(period: Period) -> tuple[Accuracy, ...]:
    """Return the accuracy of every condition on final bars, over all sessions since the start."""
    at = [index for day in _sessions(period) if (index := period.index(day)) is not None]
    if not at:
        return ()
    close = period.facts.bars.close[at]
    return accuracies(close, {name: flags[at].tolist() for name, flags in period.flags.items()})


def _sessions(period: Period) -> tuple[date, ...]:
    days = period.press.calendar.sessions(period.begun, period.end)
    return tuple(session.day for session in days)


def missed_signals(period: Period) -> tuple[MissedSignal, ...]:
    """Return signals of the period that led to no full order, with cause and cost."""
    found: list[MissedSignal] = []
    for session in period.sessions:
        held = shares_before(period, session.day)
        index = period.index(session.day)
        if index is None:
            continue
        cause = _exit_cause(period, session.day, index) if held else _entry_cause(period, session.day, index)
        if cause is not None:
            words, left = cause
            found.append(_missed(period, session.day, index, "exit" if held else "entry", words, left or held))
    return tuple(found)


def shares_before(period: Period, day: date) -> int:
    """Return the shares held when that session began."""
    earlier = [point for point in period.facts.points if point.session < day]
    return earlier[-1].shares if earlier else 0


def _entry_cause(period: Period, day: date, index: int) -> tuple[str, int] | None:
    wanted = all(bool(period.flags[name][index]) for name in ENTRY_CONDITIONS)
    state = _order(period, day, "BUY")
    if state is not None:
        short = state.intent.shares - state.filled
        return (_order_words(state), short) if short > 0 else None
    record = period.decisions.get(day)
    if record is None:
        return (_run_words(period, day), 0) if wanted else None
    decided = [condition for condition in period.conditions(day) if condition["name"] in ENTRY_CONDITIONS]
    if decided and all(condition["passed"] for condition in decided):
        return ", ".join(record.reasons), 0
    return (_turned_words(period, day, index, ENTRY_CONDITIONS), 0) if wanted else None


def _exit_cause(period: Period, day: date, index: int) -> tuple[str, int] | None:
    wanted = any(bool(period.flags[name][index]) for name in FINAL_EXITS)
    state = _order(period, day, "SELL")
    if state is not None:
        short = state.intent.shares - state.filled
        return (_order_words(state), short) if short > 0 else None
    record = period.decisions.get(day)
    if record is None:
        return (_run_words(period, day), 0) if wanted else None
    if any(condition["passed"] for condition in period.conditions(day) if condition["name"] not in ENTRY_CONDITIONS):
        return ", ".join(record.reasons), 0
    return (_turned_words(period, day, index, FINAL_EXITS), 0) if wanted else None


def _order(period: Period, day: date, side: str) -> IntentState | None:
    states = period.press.store.orders.states(day) if day in period.decisions else ()
    return next((state for state in states if state.intent.side.value == side), None)


def _order_words(state: IntentState) -> str:
    words = f"order {state.status.value.lower().replace('_', ' ')}"
    return f"{words}, {state.filled} of {state.intent.shares} filled" + (f": {state.text}" if state.text else "")


def _run_words(period: Period, day: date) -> str:
    run = period.deciding_run(day)
    if run is None:
        return "the daily job did not run"
    problems = (run.document or {}).get("problems", [])
    return str(problems[0]["text"]) if problems else f"the daily job ended as {run.outcome or 'not finished'}"


def _turned_words(period: Period, day: date, index: int, names: Sequence[str]) -> str:
    seen = {str(condition["name"]): bool(condition["passed"]) for condition in period.conditions(day)}
    turned = [name for name in names if name in seen and seen[name] != bool(period.flags[name][index])]
    return f"seen on final bars only ({', '.join(turned)})" if turned else "seen on final bars only"


def _missed(period: Period, day: date, index: int, signal: str, cause: str, shares: int) -> MissedSignal:
    bars = period.facts.bars
    close = float(bars.close[index])
    count = shares or _affordable(period, day, close)
    if index + 1 == len(bars):
        return MissedSignal(day, signal, cause, count, close, None, None)
    move = float(bars.close[index + 1]) - close
    cost = move if signal == "entry" else -move
    return MissedSignal(day, signal, cause, count, close, round(cost / close, 6), round(cost * count, 6))


def _affordable(period: Period, day: date, close: float) -> int:
    earlier = [point for point in period.facts.points if point.session <= day]
    equity = float(earlier[-1].equity_usd) if earlier else period.press.setup.settings.portfolio.capital_usd
    return int(equity // close)


def indicator_checks(period: Period, history_sessions: int) -> tuple[IndicatorCheck, ...]:
    """Compare the deciding indicators with their second implementation over the live cache."""
    bars = period.facts.bars
    if len(bars) < history_sessions:
        return ()
    first, second = _deciding(bars, period), _second(bars, period)
    short = _deciding(bars.tail(history_sessions), period)
    checks = [
        _check(name, unit, bars, first[name], second[name], short[name]) for name, unit in _INDICATOR_UNITS.items()
    ]
    return (*checks, *_known_vectors())


KNOWN_CLOSES = (10.0, 11.0, 10.5, 12.0, 12.5)
KNOWN_VALUES = {"ma": 11.666667, "rsi": 80.0, "atr": 1.333333}
"""By hand over three sessions of bars one dollar high: (10.5 + 12 + 12.5)/3; rises 2, falls 0.5; ranges 1, 2, 1."""


def _known_vectors() -> list[IndicatorCheck]:
    from mtum.core.indicators.atr import atr
    from mtum.core.indicators.rsi import rsi
    from mtum.core.indicators.sma import sma
    from mtum.core.indicators.smoothing import Smoothing

    close = np.array(KNOWN_CLOSES)
    days = np.datetime64("2020-01-01") + np.arange(len(close))
    columns = {"open": close, "high": close + 0.5, "low": close - 0.5, "close": close, "volume": close}
    bars = Bars.from_columns("KNOWN", "by hand", days, columns)
    found = {
        "ma": float(sma(close, 3)[-1]),
        "rsi": float(rsi(close, 3, Smoothing.SIMPLE)[-1]),
        "atr": float(atr(bars, 3, Smoothing.SIMPLE)[-1]),
    }
    return [
        IndicatorCheck(f"{name}, by hand", _INDICATOR_UNITS[name], len(close), abs(found[name] - known), None, 0.0)
        for name, known in KNOWN_VALUES.items()
    ]


_INDICATOR_UNITS = {"ma": "USD", "rsi": "", "atr": "USD", "volume_average": "shares"}


def _deciding(bars: Bars, period: Period) -> dict[str, Column]:
    from mtum.core.indicators.atr import atr  # these load pandas-ta
    from mtum.core.indicators.rsi import rsi
    from mtum.core.indicators.sma import sma
    from mtum.core.indicators.smoothing import Smoothing

    rules, parameters = period.rules, period.facts.parameters
    atr_form = Smoothing(parameters.get("atr_smoothing", "simple"))
    return {
        "ma": sma(bars.close, rules.ma_sessions),
        "rsi": rsi(bars.close, rules.rsi_sessions, Smoothing(rules.rsi_smoothing)),
        "atr": atr(bars, int(parameters.get("atr_sessions", 14)), atr_form),
        "volume_average": sma(bars.volume, rules.volume_sessions),
    }


def _second(bars: Bars, period: Period) -> dict[str, Column]:
    rules, parameters = period.rules, period.facts.parameters
    atr_sessions, atr_form = int(parameters.get("atr_sessions", 14)), str(parameters.get("atr_smoothing", "simple"))
    return {
        "ma": plain.mean(bars.close, rules.ma_sessions),
        "rsi": plain.rsi(bars.close, rules.rsi_sessions, rules.rsi_smoothing),
        "atr": plain.atr(bars.high, bars.low, bars.close, atr_sessions, atr_form),
        "volume_average": plain.mean(bars.volume, rules.volume_sessions),
    }


def _check(name: str, unit: str, bars: Bars, first: Column, second: Column, short: Column) -> IndicatorCheck:
    apart = np.abs(first - second)
    known = ~np.isnan(apart)
    worst = int(np.nanargmax(apart)) if known.any() else None
    # One undefined where the other is not is no small difference.
    one_sided = bool((np.isnan(first) != np.isnan(second)).any())
    return IndicatorCheck(
        indicator=name,
        unit=unit,
        sessions=int(known.sum()),
        largest=None if one_sided or worst is None else float(apart[worst]),
        largest_session=bars.day(worst) if worst is not None and apart[worst] > 0 else None,
        warm_up=round(abs(float(short[-1]) - float(first[-1])), 9) if not np.isnan(first[-1]) else 0.0,
    )


def regrets(period: Period) -> tuple[Regret, ...]:
    """Return how often final bars would have turned a condition that was decided on a partial one."""
    counts: dict[str, list[int]] = {}
    for day in period.decisions:
        index = period.index(day)
        if index is None:
            continue
        for condition in period.conditions(day):
            name = str(condition["name"])
            if name not in period.flags or (name in VIX_CONDITIONS and day not in period.facts.vix):
                continue
            turned = int(bool(condition["passed"]) != bool(period.flags[name][index]))
            row = counts.setdefault(name, [0, 0, 0, 0])
            row[2] += 1
            row[3] += turned
            if period.inside(day):
                row[0] += 1
                row[1] += turned
    return tuple(Regret(name, *row) for name, row in counts.items())


def projection_error(period: Period) -> float | None:
    """Return the mean absolute error of the projected volume over the period, as a fraction."""
    errors: list[float] = []
    for day, record in period.decisions.items():
        index = period.index(day)
        projected = record.document["symbols"].get(period.facts.symbol, {}).get("indicators", {}).get("volume")
        if period.inside(day) and index is not None and projected and period.facts.bars.volume[index]:
            errors.append(abs(projected / float(period.facts.bars.volume[index]) - 1.0))
    return round(sum(errors) / len(errors), 6) if errors else None


def slacks(period: Period) -> tuple[Slack, ...]:
    """Return how far decisions and sends stayed from their deadlines."""
    schedule = period.press.setup.settings.schedule
    steps = (
        ("decided", "decided", schedule.decision_deadline_minutes),
        ("sent", "sent", schedule.last_send_minutes),
    )
    found = [_slack(period, step, name, deadline) for step, name, deadline in steps]
    return tuple(slack for slack in found if slack is not None)


def _slack(period: Period, step: str, name: str, deadline: float) -> Slack | None:
    left: dict[date, float] = {}
    for session in period.sessions:
        run = period.deciding_run(session.day)
        at: datetime | None = run.steps.get(step) if run else None
        if at is not None:
            left[session.day] = (session.close - at).total_seconds() / 60.0 - deadline
    if not left:
        return None
    least = min(left, key=lambda day: left[day])
    return Slack(name, len(left), round(left[least], 3), least, round(median(left.values()), 3))
