"""Columns that plain strategies read: one number a session rounded to 1e-6, None where undefined."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from support.plain.account import Bar
from support.plain_indicators import Numbers, exponential, mean, wilder

_KEPT: dict[tuple[int, str], tuple[Sequence[Bar], Numbers]] = {}


def kept(bars: Sequence[Bar], name: str, make: Callable[[], Numbers]) -> Numbers:
    """A column worked out once for a list of bars."""
    if (id(bars), name) not in _KEPT:
        rounded = [None if one is None else round(one, 6) for one in make()]
        _KEPT[id(bars), name] = (bars, rounded)  # the bars stay, so that no other list gets their number
    return _KEPT[id(bars), name][1]


def closes(bars: Sequence[Bar]) -> list[float]:
    return [bar.close for bar in bars]


def sma(bars: Sequence[Bar], sessions: int, of: str = "close") -> Numbers:
    return kept(bars, f"sma {of} {sessions}", lambda: mean([getattr(bar, of) for bar in bars], sessions))


def ema(bars: Sequence[Bar], sessions: int) -> Numbers:
    return kept(bars, f"ema {sessions}", lambda: exponential(closes(bars), sessions))


def rsi(bars: Sequence[Bar], sessions: int) -> Numbers:
    """Wilder's: rises over all moves, in percent."""

    def made() -> Numbers:
        moves = [new - old for old, new in pairwise(closes(bars))]
        up = wilder([max(move, 0.0) for move in moves], sessions)
        down = wilder([max(-move, 0.0) for move in moves], sessions)
        found: Numbers = [None]
        for rise, fall in zip(up, down, strict=True):
            unknown = rise is None or fall is None or rise + fall == 0
            found.append(None if unknown else 100.0 * rise / (rise + fall))  # type: ignore[operator]  # both are known
        return found

    return kept(bars, f"rsi {sessions}", made)


def ranges(bars: Sequence[Bar]) -> list[float]:
    return [max(new.high, old.close) - min(new.low, old.close) for old, new in pairwise(bars)]


def atr(bars: Sequence[Bar], sessions: int) -> Numbers:
    """Wilder's mean of the true ranges."""
    return kept(bars, f"atr {sessions}", lambda: [None, *wilder(ranges(bars), sessions)])


def forgets(alpha: float) -> int:
    """Values after which a recursive mean has forgotten its seed: it weighs less than 1e-9."""
    weight, count = 1.0, 0
    while weight >= 1e-9:
        weight, count = weight * (1.0 - alpha), count + 1
    return count
