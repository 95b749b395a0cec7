"""Every indicator of the registry written out a second time, in plain Python, from its definition.

Each takes daily bars, oldest first, and gives its lines by name: one number a session, None where undefined.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise

from mtum.core.market.bars import Bar
from support import oracle

type Numbers = list[float | None]
type Lines = dict[str, Numbers]


def window(values: Sequence[float | None], at: int, sessions: int) -> list[float] | None:
    """Return the last values up to that place; None where one of them is missing."""
    found = [value for value in values[max(0, at + 1 - sessions) : at + 1] if value is not None]
    return found if len(found) == sessions else None


def rolling(values: Sequence[float | None], sessions: int, figure: Callable[[list[float]], float | None]) -> Numbers:
    found: Numbers = []
    for at in range(len(values)):
        part = window(values, at, sessions)
        found.append(None if part is None else figure(part))
    return found


def mean(values: Sequence[float | None], sessions: int) -> Numbers:
    return rolling(values, sessions, lambda part: math.fsum(part) / sessions)


def recursive(values: Sequence[float | None], sessions: int, alpha: float) -> Numbers:
    """Seeded with the mean of the first defined values, then each new value counts alpha."""
    found: Numbers = []
    seed: list[float] = []
    state: float | None = None
    for value in values:
        if value is not None and state is None:
            seed.append(value)
            state = math.fsum(seed) / sessions if len(seed) == sessions else None
        elif value is not None and state is not None:
            state = alpha * value + (1 - alpha) * state
        found.append(state)
    return found


def exponential(values: Sequence[float | None], sessions: int) -> Numbers:
    return recursive(values, sessions, 2 / (sessions + 1))


def wilder(values: Sequence[float | None], sessions: int) -> Numbers:
    return recursive(values, sessions, 1 / sessions)


def combined(figure: Callable[..., float | None], *columns: Numbers) -> Numbers:
    """Return a figure of the columns' values where all are there."""
    return [None if any(value is None for value in row) else figure(*row) for row in zip(*columns, strict=True)]


def closes(bars: Sequence[Bar]) -> Numbers:
    return [bar.close for bar in bars]


def highs(bars: Sequence[Bar], sessions: int) -> Numbers:
    return rolling([bar.high for bar in bars], sessions, max)


def lows(bars: Sequence[Bar], sessions: int) -> Numbers:
    return rolling([bar.low for bar in bars], sessions, min)


def ranges(bars: Sequence[Bar]) -> Numbers:
    columns = [bar.high for bar in bars], [bar.low for bar in bars], [bar.close for bar in bars]
    return [None, *(oracle.true_range(*columns, at) for at in range(1, len(bars)))]


def sma(bars: Sequence[Bar]) -> Lines:
    return {"sma": mean(closes(bars), 20)}


def ema(bars: Sequence[Bar]) -> Lines:
    return {"ema": exponential(closes(bars), 20)}


def wma(bars: Sequence[Bar]) -> Lines:
    def weighted(part: list[float]) -> float:
        return math.fsum(value * weight for weight, value in enumerate(part, 1)) / (20 * 21 / 2)

    return {"wma": rolling(closes(bars), 20, weighted)}


def dema(bars: Sequence[Bar]) -> Lines:
    once = exponential(closes(bars), 20)
    return {"dema": combined(lambda one, two: 2 * one - two, once, exponential(once, 20))}


def tema(bars: Sequence[Bar]) -> Lines:
    once = exponential(closes(bars), 20)
    twice = exponential(once, 20)
    thrice = exponential(twice, 20)
    return {"tema": combined(lambda one, two, three: 3 * (one - two) + three, once, twice, thrice)}


def macd(bars: Sequence[Bar]) -> Lines:
    fast, slow = exponential(closes(bars), 12), exponential(closes(bars), 26)
    line = combined(lambda one, two: one - two, fast, slow)
    signal = exponential(line, 9)
    return {"line": line, "signal": signal, "histogram": combined(lambda one, two: one - two, line, signal)}


def rsi(bars: Sequence[Bar]) -> Lines:
    close = [bar.close for bar in bars]
    return {"rsi": [oracle.simple_rsi(close, 14, at) for at in range(len(close))]}


def stochastic(bars: Sequence[Bar]) -> Lines:
    raw = combined(
        lambda close, high, low: None if high == low else 100 * (close - low) / (high - low),
        closes(bars),
        highs(bars, 14),
        lows(bars, 14),
    )
    smoothed = mean(raw, 3)
    return {"k": smoothed, "d": mean(smoothed, 3)}


def williams_r(bars: Sequence[Bar]) -> Lines:
    found = combined(
        lambda close, high, low: None if high == low else -100 * (high - close) / (high - low),
        closes(bars),
        highs(bars, 14),
        lows(bars, 14),
    )
    return {"williams_r": found}


def roc(bars: Sequence[Bar]) -> Lines:
    return {"roc": rolling(closes(bars), 11, lambda part: 100 * (part[-1] / part[0] - 1))}


def bollinger(bars: Sequence[Bar]) -> Lines:
    middle = mean(closes(bars), 20)
    spread = rolling(closes(bars), 20, lambda part: 2 * statistics.pstdev(part))
    upper, lower = (combined(lambda one, two, sign=sign: one + sign * two, middle, spread) for sign in (1, -1))
    inside = combined(
        lambda close, above, below: None if above == below else (close - below) / (above - below),
        closes(bars),
        upper,
        lower,
    )
    width = combined(lambda above, below, between: (above - below) / between, upper, lower, middle)
    return {"middle": middle, "upper": upper, "lower": lower, "percent_b": inside, "bandwidth": width}


def atr(bars: Sequence[Bar]) -> Lines:
    return {"atr": mean(ranges(bars), 14)}


def keltner(bars: Sequence[Bar]) -> Lines:
    middle, far = exponential(closes(bars), 20), wilder(ranges(bars), 10)
    upper, lower = (combined(lambda one, two, sign=sign: one + 2 * sign * two, middle, far) for sign in (1, -1))
    return {"middle": combined(lambda one, _: one, middle, middle), "upper": upper, "lower": lower}


def donchian(bars: Sequence[Bar]) -> Lines:
    return {"high": highs(bars, 20), "low": lows(bars, 20)}


def adx(bars: Sequence[Bar]) -> Lines:
    plus: Numbers = [None]
    minus: Numbers = [None]
    for before, now in pairwise(bars):
        rise, fall = now.high - before.high, before.low - now.low
        plus.append(rise if rise > 0 and rise > fall else 0.0)
        minus.append(fall if fall > 0 and fall > rise else 0.0)
    mean_range = wilder(ranges(bars), 14)
    up, down = (
        combined(lambda moved, reach: 100 * moved / reach if reach else 0.0, wilder(one, 14), mean_range)
        for one in (plus, minus)
    )
    apart = combined(lambda one, two: 100 * abs(one - two) / (one + two) if one + two else 0.0, up, down)
    return {"adx": wilder(apart, 14), "plus_di": up, "minus_di": down}


def volatility(bars: Sequence[Bar]) -> Lines:
    moves: Numbers = [None, *(math.log(now.close / before.close) for before, now in pairwise(bars))]
    return {"volatility": rolling(moves, 20, lambda part: statistics.stdev(part) * math.sqrt(252))}


def vwap(bars: Sequence[Bar]) -> Lines:
    spent = rolling([(bar.high + bar.low + bar.close) / 3 * bar.volume for bar in bars], 20, math.fsum)
    traded = rolling([bar.volume for bar in bars], 20, math.fsum)
    return {"vwap": combined(lambda one, two: one / two if two else None, spent, traded)}


def obv(bars: Sequence[Bar]) -> Lines:
    signed: Numbers = [None]
    for before, now in pairwise(bars):
        signed.append(now.volume * ((now.close > before.close) - (now.close < before.close)))
    return {"obv": rolling(signed, 20, math.fsum)}


def flows(bars: Sequence[Bar]) -> Numbers:
    return [
        ((bar.close - bar.low) - (bar.high - bar.close)) / (bar.high - bar.low) * bar.volume
        if bar.high > bar.low
        else 0.0
        for bar in bars
    ]


def ad(bars: Sequence[Bar]) -> Lines:
    return {"ad": rolling(flows(bars), 20, math.fsum)}


def pvt(bars: Sequence[Bar]) -> Lines:
    moved: Numbers = [None]
    for before, now in pairwise(bars):
        moved.append(now.volume * (now.close - before.close) / before.close)
    return {"pvt": rolling(moved, 20, math.fsum)}


def cmf(bars: Sequence[Bar]) -> Lines:
    traded = rolling([bar.volume for bar in bars], 20, math.fsum)
    return {"cmf": combined(lambda one, two: one / two if two else None, rolling(flows(bars), 20, math.fsum), traded)}


def pivots(bars: Sequence[Bar]) -> Lines:
    names = ("p", "r1", "s1", "r2", "s2", "r3", "s3")
    found: Lines = {name: [None] for name in names}
    for before in bars[:-1]:
        high, low, close = before.high, before.low, before.close
        middle = (high + low + close) / 3
        levels = (
            middle,
            2 * middle - low,
            2 * middle - high,
            middle + high - low,
            middle - high + low,
            high + 2 * (middle - low),
            low - 2 * (high - middle),
        )
        for name, level in zip(names, levels, strict=True):
            found[name].append(level)
    return found


def fibonacci(bars: Sequence[Bar]) -> Lines:
    parts = {"0": 0.0, "23.6": 0.236, "38.2": 0.382, "50": 0.5, "61.8": 0.618, "78.6": 0.786, "100": 1.0}
    found: Lines = {name: [] for name in (*parts, "up")}
    for at in range(len(bars)):
        part = bars[max(0, at - 119) : at + 1]
        top, bottom = max(bar.high for bar in part), min(bar.low for bar in part)
        last_top = max(place for place, bar in enumerate(part) if bar.high == top)
        last_bottom = max(place for place, bar in enumerate(part) if bar.low == bottom)
        defined = len(part) == 120 and last_top != last_bottom
        up = last_bottom < last_top
        newer, older = (top, bottom) if up else (bottom, top)
        for name, taken in parts.items():
            found[name].append(newer + taken * (older - newer) if defined else None)
        found["up"].append((1.0 if up else -1.0) if defined else None)
    return found


def percentile_rank(bars: Sequence[Bar]) -> Lines:
    def share(part: list[float]) -> float:
        return sum(value < part[-1] for value in part[:-1]) / 251

    return {"percentile_rank": rolling(closes(bars), 252, share)}


def iv_rank(bars: Sequence[Bar]) -> Lines:
    def place(part: list[float]) -> float | None:
        return (part[-1] - min(part)) / (max(part) - min(part)) if max(part) > min(part) else None

    return {"iv_rank": rolling(closes(bars), 252, place)}
