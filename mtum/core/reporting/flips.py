"""Where would each condition change? Solved from the history for today's decision or the next one.

The averages move with the value that is asked for, so the level is not the threshold: a close x
beats a 50-session mean that includes x exactly when it beats the mean of the 49 closes before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mtum.core.reporting.plain_indicators import Column, moves
from mtum.core.reporting.summary import FlipLine


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers of the confluence rules; units as in the settings of the same names."""

    ma_sessions: int = 50
    rsi_sessions: int = 14
    volume_sessions: int = 20
    rsi_smoothing: str = "simple"
    vix_entry_below: float = 25.0
    vix_exit_above: float = 30.0
    rsi_entry_above: float = 50.0
    rsi_exit_below: float = 30.0

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "Rules":
        """Read them from a strategy's stored settings; a missing one keeps its default."""
        known = {name: settings[name] for name in cls.__dataclass_fields__ if name in settings}
        return cls(**known)  # type: ignore[arg-type]  # stored settings were validated when they were read


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before the session asked about.

    Parameters
    ----------
    close, volume : ndarray of float64, shape (n,)
        Final values of the sessions before the one asked about, oldest first.
    now : mapping
        Present "close", "volume" and "vix"; the session's own for `when` "session", the newest
        known for "next". A missing or None value is unknown.
    target_usd : float or None
        Close at which the profit target is met; None when flat or unknown.
    forced : bool
        Whether something other than the conditions decides (an exit carried over, a halt).
    """

    when: str
    close: Column
    volume: Column
    now: Mapping[str, float | None]
    held: bool
    target_usd: float | None = None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class _Level:
    condition: str
    role: str
    input: str
    level: float | None
    above: bool
    strict: bool = True

    def holds(self, given: float | None) -> bool:
        if given is None or self.level is None or np.isnan(given):
            return False
        if given == self.level:
            return not self.strict
        return (given > self.level) == self.above


def average_level(before: Column, sessions: int) -> float | None:
    """Value at which the next one equals the mean of `sessions` values that includes it.

    x = (S + x)/n with S the sum of the n - 1 values before gives x = S/(n - 1).
    """
    window = before[len(before) - sessions + 1 :]
    if sessions < 2 or len(before) < sessions - 1 or bool(np.isnan(window).any()):
        return None
    return float(window.mean())


def rsi_level(close: Column, sessions: int, smoothing: str, threshold: float) -> float | None:
    """Close at which the next RSI equals a threshold; None during warm-up or when no close does it.

    With weights G and L of the rises and falls that stay in the window, a rise of d gives
    RSI = 100 (G + d)/(G + d + L); setting it to T gives d = L T/(100 - T) - G, and a fall likewise.
    """
    weights = _kept(close, sessions, smoothing)
    if weights is None or not 0 < threshold < 100:
        return None
    rise, fall = weights
    if not rise + fall > 0:
        return float(close[-1])
    up = fall * threshold / (100.0 - threshold) - rise
    down = rise * (100.0 - threshold) / threshold - fall
    level = float(close[-1]) + (up if up >= 0 else -down)
    return level if level > 0 else None


def _kept(close: Column, sessions: int, smoothing: str) -> tuple[float, float] | None:
    if smoothing == "wilder":
        rise, fall = moves(close, sessions, smoothing)
        if np.isnan(rise[-1]):
            return None
        return float(rise[-1]) * (sessions - 1), float(fall[-1]) * (sessions - 1)
    if len(close) < sessions:
        return None
    step = np.diff(close[-sessions:])
    return float(np.maximum(step, 0.0).sum()), float(np.maximum(-step, 0.0).sum())


def flips(situation: Situation, rules: Rules) -> tuple[FlipLine, ...]:
    """Return where each condition that matters now changes: exits while long, entries while flat.

    `alone` is true when that change by itself, everything else as it is now, changes the decision.
    """
    levels = _levels(situation, rules)
    matter = [level for level in levels if (level.role == "exit") == situation.held]
    holding = {level.condition: level.holds(situation.now.get(level.input)) for level in matter}
    return tuple(_line(level, situation, holding) for level in matter if level.level is not None)


def _levels(situation: Situation, rules: Rules) -> tuple[_Level, ...]:
    mean_close = average_level(situation.close, rules.ma_sessions)
    mean_volume = average_level(situation.volume, rules.volume_sessions)
    form = rules.rsi_sessions, rules.rsi_smoothing
    return (
        _Level("close_above_ma", "entry", "close", mean_close, above=True),
        _Level("vix_calm", "entry", "vix", rules.vix_entry_below, above=False),
        _Level("rsi_high", "entry", "close", rsi_level(situation.close, *form, rules.rsi_entry_above), above=True),
        _Level("volume_high", "entry", "volume", mean_volume, above=True),
        _Level("close_below_ma", "exit", "close", mean_close, above=False),
        _Level("vix_fear", "exit", "vix", rules.vix_exit_above, above=True),
        _Level("rsi_low", "exit", "close", rsi_level(situation.close, *form, rules.rsi_exit_below), above=False),
        _Level("atr_target", "exit", "close", situation.target_usd, above=True, strict=False),
    )


def _line(level: _Level, situation: Situation, holding: Mapping[str, bool]) -> FlipLine:
    at = level.level
    assert at is not None  # the caller left the unknown ones out
    now = situation.now.get(level.input)
    holds = holding[level.condition]
    others = [held for name, held in holding.items() if name != level.condition]
    distance = None if now is None or np.isnan(now) else at - now
    return FlipLine(
        when=situation.when,
        condition=level.condition,
        role=level.role,
        input=level.input,
        direction="above" if level.above != holds else "below",
        level=round(at, 6),
        now=now,
        distance=None if distance is None else round(distance, 6),
        distance_frac=round(distance / now, 6) if distance is not None and now else None,
        holds_now=holds,
        alone=not situation.forced and (not any(others) if level.role == "exit" else all(others)),
    )
