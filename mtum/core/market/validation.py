"""Are these bars fit to decide on? Rules for finished history, the newest bar and today's unfinished one."""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from itertools import pairwise

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mtum.core.market.bars import PRICE_COLUMNS, Bar, Bars, Column, Days, ProvisionalBar, among, median
from mtum.core.market.glance import calm, whole
from mtum.core.market.merging import as_traded

SPIKE_MULTIPLE = 12.0
"""In history: beyond this many mean absolute moves, and `SPIKE_FRAC`, and undone by more than half."""
SPIKE_FRAC = 0.08
MOVE_SESSIONS = 60
"""Sessions whose mean absolute move a spike is measured against."""
VOLUME_SESSIONS = 20
SPIKE_VOLUME, SPLIT_VOLUME = 3.0, 2.0
"""From this many median volumes on the market has made the move: a bad price and a split draw no crowd."""
CONFIRM_FRAC = 0.01
"""How near the second source or the midpoint must be to confirm a newest bar."""
AGREE_FRAC = 0.005
"""How near two sources' official closes must be."""
MAX_AGE = timedelta(minutes=10)
_FIRST_ORDINAL = date(1970, 1, 1).toordinal()
_SPLIT_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 20.0)
_SPLIT_FRAC = 0.03
# A wrong close is its session's extreme; real trading went on beyond it (LQD on 2008-09-29, on 2.2 usual volumes).
_BEYOND_FRAC = 0.1
# A symbol that trades this unevenly has sessions without a trade (funds in their first weeks).
_THIN_FRAC = 0.2
_LONGEST_CLOSURE = np.timedelta64(10, "D")
# Beyond the largest usual split only a wrong unit is left: cents for dollars, a lost decimal point.
_POSSIBLE_MULTIPLE = max(_SPLIT_RATIOS) * (1 + _SPLIT_FRAC)
# Vendors round each price of a bar on its own: a close may pass the high by a digit far behind the cent.
_ROUNDING = 1e-6


class Rule(Enum):
    """Names of the rules, as stored and shown."""

    MISSING_SESSION = "missing_session"
    NOT_A_SESSION = "not_a_session"
    NOT_A_NUMBER = "not_a_number"
    NOT_POSITIVE = "not_positive"
    OUT_OF_RANGE = "out_of_range"
    NO_VOLUME = "no_volume"
    JUMP = "jump"
    SPIKE = "spike"
    UNCONFIRMED = "unconfirmed"
    LOOKS_LIKE_SPLIT = "looks_like_split"
    AS_TRADED = "as_traded"
    STALE = "stale"
    DELAYED = "delayed"
    SOURCES_DISAGREE = "sources_disagree"


class BarProblem(Struct, frozen=True):
    """One bar that breaks one rule.

    Parameters
    ----------
    found : str
        What was seen, with numbers.
    advice : str
        What a person can do about it.
    blocks_exit : bool
        False when only entries are barred and an exit may still be decided at the midpoint.
    """

    symbol: str
    session: date
    rule: Rule
    found: str
    advice: str
    blocks_exit: bool = True

    @property
    def text(self) -> str:
        """The problem in one line."""
        return f"{self.symbol} {self.session}: {self.rule.value}: {self.found}; {self.advice}"


class Confirmation(Struct, frozen=True):
    """What else is known of the newest price: live midpoint, second source's price, a person's word."""

    midpoint: float | None = None
    second_close: float | None = None
    released: bool = False


NOTHING_CONFIRMED = Confirmation()
"""No other source confirms a move."""


@lru_cache(maxsize=16)
def session_days(days: tuple[date, ...]) -> Days:
    """Return dates as the array that the checks take: made once, as most symbols have the same sessions."""
    # Counting days is several times as fast as numpy's own reading of dates.
    counted = np.fromiter(map(date.toordinal, days), np.int64, len(days)) - _FIRST_ORDINAL
    counted.flags.writeable = False
    return counted.view("datetime64[D]")


def problems_in_history(
    bars: Bars, sessions: Days, *, released: frozenset[date] = frozenset()
) -> tuple[BarProblem, ...]:
    """Return every rule broken by finished bars, oldest first.

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    sessions : array of datetime64[D]
        Every session the bars must cover, in order. Bars before the first are not judged themselves:
        moves and volumes are measured against them.
    released : frozenset of date
        Sessions whose bar a person has accepted as it is.

    Returns
    -------
    tuple of BarProblem
        Empty when the bars are fit. A move is judged on close + dividend against the close before.
    """
    fit = whole(bars)
    found = [
        *_calendar_problems(bars, sessions),
        *(() if fit else _value_problems(bars)),
        *_volume_problems(bars),
        *(() if fit and calm(bars, SPIKE_FRAC) else _move_problems(bars)),
    ]
    if not found:
        return ()
    first = _as_dates(sessions[:1])[0] if len(sessions) else date.min
    kept = [problem for problem in found if problem.session >= first and problem.session not in released]
    return tuple(sorted(kept, key=lambda problem: problem.session))


def moves(bars: Bars) -> Column:
    """Return the total move of each session as a fraction, dividend included; NaN for the first."""
    found = np.full(len(bars), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        found[1:] = (bars.close[1:] + bars.dividend[1:]) / bars.close[:-1] - 1.0
    return found


def spike_size(bars: Bars, sessions: int = MOVE_SESSIONS) -> float:
    """Return the newest move in mean absolute moves of the sessions before it; NaN when unknown."""
    newest = bars.tail(sessions + 2)
    if len(newest) < sessions + 2:
        return float("nan")
    changes = moves(newest)
    usual = float(np.abs(changes[1:-1]).mean())
    return float(abs(changes[-1]) / usual) if usual > 0 else float("inf") if changes[-1] else 0.0


def newest_problems(
    bars: Bars, spike_multiple: float, confirmation: Confirmation = NOTHING_CONFIRMED
) -> tuple[BarProblem, ...]:
    """Return what is wrong with the newest move of bars that otherwise pass.

    Beyond `spike_multiple` mean absolute moves the second source or the midpoint must be within 1 %,
    or a person must have released the bar. On ten ETFs from 1993 to 2024, crashes included, ten usual
    moves would have asked 11 times in 49,359 sessions. A move that looks like a split nobody announced, on an
    ordinary volume, is never confirmed by a price: both sides would show it.

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    spike_multiple : float
        A move of more times the mean absolute one must be confirmed.
    confirmation : Confirmation
        What else is known of the newest price: live midpoint, second source's price, a person's word.
    """
    if len(bars) < 2 or confirmation.released:
        return ()
    symbol, day, close = bars.symbol, bars.last_day, float(bars.close[-1])
    ratio = close / float(bars.close[-2])
    if _split_like(bars, len(bars) - 1, ratio):
        found = f"close {close:g} is {ratio:.3f} times the one before: history and today differ by a split"
        return (BarProblem(symbol, day, Rule.LOOKS_LIKE_SPLIT, found, f"check for a split, then {_RELEASE}"),)
    size = spike_size(bars)
    if not size > spike_multiple or _confirmed(close, confirmation):
        return ()
    found = f"close {close:g} is a move of {ratio - 1:+.1%}, {size:.1f} times the usual one (limit {spike_multiple:g})"
    seen = [price for price in (confirmation.second_close, confirmation.midpoint) if price is not None]
    found += f", not confirmed by {', '.join(f'{price:g}' for price in seen)}" if seen else ", nothing to confirm it"
    return (BarProblem(symbol, day, Rule.UNCONFIRMED, found, _RELEASE, blocks_exit=False),)


def provisional_problems(
    history: Bars,
    today: ProvisionalBar,
    at: datetime,
    spike_multiple: float,
    confirmation: Confirmation = NOTHING_CONFIRMED,
    *,
    delayed: bool = False,
) -> tuple[BarProblem, ...]:
    """Return what is wrong with today's unfinished bar behind a fit history.

    Parameters
    ----------
    history : Bars
        Finished sessions before today's.
    today : ProvisionalBar
        Today's unfinished bar as it was seen.
    at : datetime
        The instant of the decision; the bar must have been seen at most 10 minutes before.
    spike_multiple : float
        A move of more times the mean absolute one must be confirmed.
    confirmation : Confirmation
        Its midpoint defaults to the bar's own.
    delayed : bool
        Whether the feed says that it is not live.
    """
    if confirmation.midpoint is None:
        confirmation = replace(confirmation, midpoint=today.midpoint)
    # The rules use a projected volume that may be NaN; what was seen is what is judged.
    seen = replace(today.bar, volume=today.volume_so_far)
    extended = history.tail(MOVE_SESSIONS + 2).extended(seen)  # no rule of the newest bar looks further back
    found = [*freshness_problems(history.symbol, seen.day, today.seen_at, at, delayed=delayed)]
    if not _sound(seen) and not confirmation.released:
        newest = extended.tail(VOLUME_SESSIONS + 1)
        own = [*_value_problems(newest), *_volume_problems(newest)]
        advice = "nothing is decided on such a bar; the next look may see a better one"
        found += [replace(problem, advice=advice) for problem in own if problem.session == seen.day]
    broken = {Rule.NOT_A_NUMBER, Rule.NOT_POSITIVE}
    if not any(problem.rule in broken for problem in found):
        found += newest_problems(extended, spike_multiple, confirmation)
    return tuple(found)


def freshness_problems(
    symbol: str, day: date, seen_at: datetime, at: datetime, *, delayed: bool = False
) -> tuple[BarProblem, ...]:
    """Return a problem when a price is older than 10 minutes, from the future, or from a delayed feed.

    Parameters
    ----------
    symbol : str
        Ticker.
    day : date
        The session's date.
    seen_at : datetime
        Instant of the price, UTC.
    at : datetime
        Instant of the decision, UTC.
    delayed : bool
        Whether the price comes from a delayed feed.
    """
    if delayed:
        return (BarProblem(symbol, day, Rule.DELAYED, "the feed is delayed", "subscribe to live prices"),)
    age = at - seen_at
    if -timedelta(minutes=1) <= age <= MAX_AGE:
        return ()
    minutes = age.total_seconds() / 60
    found = f"last traded {seen_at:%Y-%m-%d %H:%M:%S} UTC, {minutes:.0f} minutes before the decision (limit 10)"
    advice = "the feed is frozen, the symbol halted, or a clock is wrong; nothing is decided on it"
    return (BarProblem(symbol, day, Rule.STALE, found, advice),)


def at_midpoint(today: ProvisionalBar, midpoint: float) -> ProvisionalBar:
    """Return today's bar with the midpoint as its close: an unconfirmed exit must hold at it too."""
    bar = today.bar
    moved = replace(bar, close=midpoint, low=min(bar.open, midpoint), high=max(bar.open, midpoint))
    return replace(today, bar=moved)


def disagreements(first: Bars, second: Bars, frac: float = AGREE_FRAC) -> tuple[BarProblem, ...]:
    """Return a problem when two sources' newest official closes differ by more than `frac`.

    The newest session of `first` is compared; a second source without it cannot agree.

    Parameters
    ----------
    first : Bars
        Bars of one symbol and one source, oldest first, one per session.
    second : Bars
        Bars of one symbol and one source, oldest first, one per session.
    frac : float
        Largest difference that agrees, fraction of the price.
    """
    if not len(first):
        return ()
    day, close = first.last_day, float(first.close[-1])
    other = second.find(day)
    found = f"close {close:g} from {first.source}, "
    if other is None:
        found += f"no bar from {second.source}"
    elif abs(other.close / close - 1.0) > frac:
        found += f"{other.close:g} from {second.source}"
    else:
        return ()
    advice = "entries wait until they agree"
    return (BarProblem(first.symbol, day, Rule.SOURCES_DISAGREE, found, advice, blocks_exit=False),)


def ranges_agree(first: Bar, second: Bar, frac: float = CONFIRM_FRAC) -> bool:
    """Whether today's ranges of two sources overlap when both are widened by `frac`.

    Parameters
    ----------
    first : Bar
        Open, high, low, close and volume of one session; prices in USD, split-adjusted.
    second : Bar
        Open, high, low, close and volume of one session; prices in USD, split-adjusted.
    frac : float
        Largest difference that agrees, fraction of the price.
    """
    return first.low * (1 - frac) <= second.high * (1 + frac) and second.low * (1 - frac) <= first.high * (1 + frac)


_RELEASE = "if it is real, accept it with `mtum bars release`"


def _calendar_problems(bars: Bars, sessions: Days) -> Iterator[BarProblem]:
    if not len(sessions):
        return
    inside = bars.days[bars.days.searchsorted(sessions[0]) :]
    if inside.tobytes() == sessions.tobytes():
        return
    for day in _as_dates(sessions[~among(sessions, bars.days)]):
        yield BarProblem(bars.symbol, day, Rule.MISSING_SESSION, f"no bar from {bars.source}", "run `mtum bars sync`")
    for day in _as_dates(inside[~among(inside, sessions)]):
        yield BarProblem(bars.symbol, day, Rule.NOT_A_SESSION, "the exchange is shut that day", "drop the bar")


def _sound(bar: Bar) -> bool:
    # Breaks no rule by itself, as nearly all; no comparison with a missing number holds.
    return 0 < bar.low <= bar.open <= bar.high < np.inf and bar.low <= bar.close <= bar.high and 0 < bar.volume < np.inf


def _value_problems(bars: Bars) -> Iterator[BarProblem]:
    o, h, low, c = bars.open, bars.high, bars.low, bars.close
    # A volume that is not known (NaN) is no fault of the bar: it leaves what looks at volumes undefined.
    finite = np.isfinite(o) & np.isfinite(h) & np.isfinite(low) & np.isfinite(c) & ~np.isinf(bars.volume)
    positive = (np.minimum(np.minimum(o, h), np.minimum(low, c)) > 0) & ~(bars.volume < 0)
    slack = _ROUNDING * np.abs(h)
    ordered = (low <= np.minimum(o, c) + slack) & (h >= np.maximum(o, c) - slack)
    if bool((finite & positive & ordered).all()):
        return
    yield from _each(bars, ~finite, Rule.NOT_A_NUMBER)
    yield from _each(bars, finite & ~positive, Rule.NOT_POSITIVE)
    yield from _each(bars, finite & positive & ~ordered, Rule.OUT_OF_RANGE)


def _each(bars: Bars, wrong: NDArray[np.bool_], rule: Rule) -> Iterator[BarProblem]:
    for index in np.flatnonzero(wrong):
        bar = bars.bar(int(index))
        found = ", ".join(f"{name} {getattr(bar, name):g}" for name in (*PRICE_COLUMNS, "volume"))
        yield BarProblem(bars.symbol, bar.day, rule, found, f"correct the source, or {_RELEASE}")


def _volume_problems(bars: Bars) -> Iterator[BarProblem]:
    # Where half of the sessions before have no volume none is usual: a series of closes is looked at no further.
    (nothing,) = (bars.volume == 0).nonzero()
    if not len(nothing):
        return
    known = np.append(0, np.cumsum(bars.volume > 0))
    for index in nothing[2 * (known[nothing] - known[np.maximum(0, nothing - VOLUME_SESSIONS)]) >= VOLUME_SESSIONS]:
        before = bars.volume[max(0, index - VOLUME_SESSIONS) : index]
        usual = median(before) if len(before) == VOLUME_SESSIONS else 0.0
        if usual > 0 and before[before > 0].min() > _THIN_FRAC * usual:
            found = f"volume 0 where {usual:,.0f} shares are usual"
            yield BarProblem(bars.symbol, bars.day(int(index)), Rule.NO_VOLUME, found, "run `mtum bars sync` later")


def _move_problems(bars: Bars) -> Iterator[BarProblem]:
    traded = as_traded(bars)
    for index in traded:
        found = f"the prices jump by the split {bars.split[index]:g}:1 recorded that day: those before are as traded"
        yield BarProblem(bars.symbol, bars.day(index), Rule.AS_TRADED, found, "the source must re-base them")
    changes = moves(bars)
    if not len((np.abs(changes) > SPIKE_FRAC).nonzero()[0]):
        return
    # Parts of a history given one by one have a hole between them: no move of one session, and nothing to compare.
    holes = np.flatnonzero(bars.days[1:] - bars.days[:-1] > _LONGEST_CLOSURE).tolist()
    for before, last in pairwise((-1, *holes, len(bars) - 1)):
        part = bars[before + 1 : last + 1] if holes else bars
        yield from _moves_of_a_part(part, [index - before - 1 for index in traded])


def _moves_of_a_part(bars: Bars, traded: Collection[int]) -> Iterator[BarProblem]:
    changes = moves(bars)
    spike = -1
    for index in np.flatnonzero(np.abs(changes) > SPIKE_FRAC).tolist():
        day, change, ratio = bars.day(index), f"{changes[index]:+.1%}", 1.0 + float(changes[index])
        # The move back from a spike is not judged, the spike is; nor is one from or to a price that is none.
        if index in traded or index == spike + 1 or not 0 < ratio < np.inf:
            continue
        found = f"move of {change} without a corporate action"
        if not 1 / _POSSIBLE_MULTIPLE <= ratio <= _POSSIBLE_MULTIPLE:
            advice = f"check for a bad price or another unit, or {_RELEASE}"
            yield BarProblem(bars.symbol, day, Rule.JUMP, found, advice)
        elif (times := _undone(bars, changes, index)) is not None:
            spike = index
            found = f"move of {change}, {times:.0f} times the usual one, undone the next session"
            yield BarProblem(bars.symbol, day, Rule.SPIKE, f"{found} on an ordinary volume", _RELEASE)
        elif _split_like(bars, index, ratio):
            found += " on an ordinary volume, as by a split"
            yield BarProblem(bars.symbol, day, Rule.LOOKS_LIKE_SPLIT, found, f"check for a split, or {_RELEASE}")


def _undone(bars: Bars, changes: Column, index: int) -> float | None:
    # How many usual moves a spike was; None when it is none, is not undone, or the market made it.
    if index + 1 >= len(bars):
        return None
    close, before = bars.close[index], bars.close[index - 1]
    moved = close - before
    if not moved or not (close - bars.close[index + 1]) / moved > 0.5:
        return None
    beyond = bars.high[index] - close if moved > 0 else close - bars.low[index]
    crowd = SPLIT_VOLUME if beyond > _BEYOND_FRAC * abs(moved) else SPIKE_VOLUME
    usual = np.abs(_nearest(changes[1:], index - 1, MOVE_SESSIONS, 2))
    usual = usual[np.isfinite(usual)]
    if _volume_multiple(bars, index) >= crowd or len(usual) < VOLUME_SESSIONS:
        return None
    mean = float(usual.mean())
    times = float(abs(changes[index]) / mean) if mean > 0 else float("inf")
    return times if times > SPIKE_MULTIPLE else None


def _volume_multiple(bars: Bars, index: int, ratio: float = 1.0) -> float:
    # In median volumes, all in the shares of the session itself; 0 where no volume can speak for a move.
    volumes = _nearest(bars.volume, index, VOLUME_SESSIONS, 1)
    volumes[: min(index, VOLUME_SESSIONS)] /= ratio
    known = volumes[~np.isnan(volumes)]
    usual = median(known) if len(known) else 0.0
    return float(np.nan_to_num(bars.volume[index])) / usual if usual > 0 else 0.0


def _nearest(column: Column, index: int, count: int, own: int) -> Column:
    # The sessions before; at the beginning of a history those after the `own` ones stand in for what is missing.
    before = column[max(0, index - count) : index]
    return np.concatenate([before, column[index + own : index + own + count - len(before)]])


def _confirmed(close: float, confirmation: Confirmation) -> bool:
    seen = (confirmation.second_close, confirmation.midpoint)
    return any(price is not None and abs(close / price - 1.0) <= CONFIRM_FRAC for price in seen)


def _split_like(bars: Bars, index: int, ratio: float) -> bool:
    # A split multiplies the shares traded by what it divides the price by; a reverse one may only lessen them.
    usual = any(abs(max(ratio, 1 / ratio) / split - 1.0) <= _SPLIT_FRAC for split in _SPLIT_RATIOS)
    return usual and _volume_multiple(bars, index, min(ratio, 1.0)) < SPLIT_VOLUME


def _as_dates(days: NDArray[np.datetime64]) -> list[date]:
    found: list[date] = days.astype("datetime64[D]").astype(object).tolist()
    return found
