"""The indicators of the design written out slowly in plain Python, to hold the fast ones against."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

Values = Sequence[float]


def mean(values: Values, sessions: int, at: int) -> float | None:
    """Plain mean of the last values, exactly."""
    if at + 1 < sessions:
        return None
    return float(sum(Fraction(value) for value in values[at + 1 - sessions : at + 1]) / sessions)


def simple_rsi(close: Values, sessions: int, at: int) -> float | None:
    """RSI from plain means of the last moves; None while undefined."""
    if at < sessions:
        return None
    none = Fraction(0)
    moves = [Fraction(close[i]) - Fraction(close[i - 1]) for i in range(at - sessions + 1, at + 1)]
    return _strength(sum((max(move, none) for move in moves), none), sum((max(-move, none) for move in moves), none))


def wilder_rsi(close: Values, sessions: int) -> list[float | None]:
    """RSI with Wilder's recursion from the first move on."""
    moves = [later - earlier for earlier, later in pairwise(close)]
    rises, falls = ([max(sign * move, 0.0) for move in moves] for sign in (1, -1))
    gain, loss = (_wilder(part, sessions) for part in (rises, falls))
    pairs = zip(gain, loss, strict=True)
    return [None, *(None if up is None or down is None else _strength(up, down) for up, down in pairs)]


def true_range(high: Values, low: Values, close: Values, at: int) -> float:
    """The largest of the three distances; needs a previous close."""
    return max(high[at] - low[at], abs(high[at] - close[at - 1]), abs(low[at] - close[at - 1]))


def simple_atr(high: Values, low: Values, close: Values, sessions: int, at: int) -> float | None:
    """Plain mean of the last true ranges."""
    if at < sessions:
        return None
    return sum(true_range(high, low, close, i) for i in range(at - sessions + 1, at + 1)) / sessions


def wilder_atr(high: Values, low: Values, close: Values, sessions: int) -> list[float | None]:
    """ATR with Wilder's recursion from the first true range on."""
    return [None, *_wilder([true_range(high, low, close, i) for i in range(1, len(close))], sessions)]


def _wilder(values: Values, sessions: int) -> list[float | None]:
    found: list[float | None] = [None] * (sessions - 1)
    state = sum(values[:sessions]) / sessions
    found.append(state)
    for value in values[sessions:]:
        state = ((sessions - 1) * state + value) / sessions
        found.append(state)
    return found


def _strength(gain: Fraction | float, loss: Fraction | float) -> float | None:
    if gain == 0 and loss == 0:
        return None
    return float(100 * gain / (gain + loss))
