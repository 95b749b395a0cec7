"""What do freshly read bars change in the cache: new bars, revisions, a split?"""

from datetime import date
from enum import Enum

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS, Bars, Column, among, followed, median, selected

PRICE_TOLERANCE = 0.0005
"""Revisions of a price up to this fraction are accepted and recorded."""
VOLUME_TOLERANCE = 0.02
# Below these it is only another rounding of the same value.
_PRICE_NOISE = 5e-6
_VOLUME_NOISE_SHARES = 1.0
_BASIS_FRAC = 0.01
# A smaller split moves a price no further than a day does: which side it stands on cannot be seen.
_TELLABLE_SPLIT = 1.1


class BasisProblem(Enum):
    """Ways in which a vendor's split and its prices contradict each other."""

    SPLIT_NOT_APPLIED = "split_not_applied"
    SPLIT_APPLIED_WRONGLY = "split_applied_wrongly"
    SPLIT_NOT_LISTED = "split_not_listed"


class Change(Struct, frozen=True):
    """A value of a finished bar that the source now states differently; `tolerable` = within tolerance."""

    session: date
    column: str
    before: float
    after: float
    tolerable: bool


class NewSplit(Struct, frozen=True):
    """A split the cache did not know: new shares per old, effective on `session`."""

    session: date
    ratio: float


class Merge(Struct, frozen=True):
    """What accepting freshly read bars would do.

    Parameters
    ----------
    bars : Bars
        The whole cache afterwards; equals the cache before when `basis` names a contradiction.
    written : Bars
        The part of `bars` that differs from the cache.
    changes : tuple of Change
        Revisions, oldest first; those not tolerable keep their old value in `bars`.
    splits : tuple of NewSplit
        Splits by which earlier bars were re-based, prices and volumes.
    basis : BasisProblem or None
        Why nothing was accepted.
    """

    bars: Bars
    written: Bars
    changes: tuple[Change, ...] = ()
    splits: tuple[NewSplit, ...] = ()
    basis: BasisProblem | None = None

    @property
    def refused(self) -> tuple[Change, ...]:
        """Changes beyond tolerance."""
        return tuple(change for change in self.changes if not change.tolerable)


def merge(
    cached: Bars,
    fresh: Bars,
    final_until: date | None,
    agreed: frozenset[date] = frozenset(),
    *,
    split_rebases: bool = True,
    check_basis: bool = True,
) -> Merge:
    """Join freshly read bars to cached ones.

    Parameters
    ----------
    cached, fresh : Bars
        Same symbol and source; `fresh` should overlap the cache so that a changed basis is seen.
    final_until : date or None
        Newest cached session whose bar was final; changes of later ones are always accepted.
    agreed : frozenset of date
        Sessions whose changes beyond tolerance are accepted (a second source or a person supports them).
    split_rebases : bool
        False for files, whose prices are re-based already and whose split column only explains a jump.
    check_basis : bool
        False when a person replaces the bars and means it.

    Raises
    ------
    ValueError
        If the bars are of another symbol or source.
    """
    if (cached.symbol, cached.source) != (fresh.symbol, fresh.source):
        raise ValueError(f"{fresh.symbol} from {fresh.source} cannot join {cached.symbol} from {cached.source}")
    if not len(cached) or not len(fresh):
        return Merge(_joined(cached, fresh), fresh)
    added = _only_added(cached, fresh)
    if added is not None:
        return Merge(followed(cached, added) if len(added) else cached, added)
    splits = new_splits(cached, fresh) if split_rebases else ()
    based = rebased(cached, splits)
    basis = _basis_problem(cached, based, fresh, splits) if check_basis else None
    if basis is not None:
        return Merge(cached, cached.tail(0), basis=basis)
    changes, settled = _settled(based, fresh, final_until, agreed)
    joined = _joined(based, settled)
    return Merge(joined, _differing(cached, joined), changes, splits)


def new_splits(cached: Bars, fresh: Bars) -> tuple[NewSplit, ...]:
    """Return the splits in `fresh` that lie inside or behind the cache and are not in it."""
    first = cached.days[0]
    listed = np.flatnonzero((fresh.split > 0) & (fresh.split != 1) & (fresh.days > first))
    found = [NewSplit(fresh.day(int(index)), float(fresh.split[index])) for index in listed]
    return tuple(split for split in found if not _knows(cached, split))


def before_split(fresh: Bars, split: NewSplit) -> Bars:
    """Return bars that a vendor has re-based for a split effective after their last session, as they were.

    The cache keeps the old basis until the bar of the split's own session is final.
    """
    return rebased(fresh, (NewSplit(split.session, 1.0 / split.ratio),))


def rebased(bars: Bars, splits: tuple[NewSplit, ...]) -> Bars:
    """Return the bars in new shares: before each split, prices divided and volumes multiplied."""
    if not splits:
        return bars
    factor = np.ones(len(bars))
    for split in splits:
        factor[bars.days < np.datetime64(split.session, "D")] *= split.ratio
    columns = {name: getattr(bars, name) / factor for name in (*PRICE_COLUMNS, "dividend")}
    columns["volume"] = bars.volume * factor
    columns["split"] = bars.split
    return Bars.from_columns(bars.symbol, bars.source, bars.days, columns)


def as_traded(bars: Bars) -> tuple[int, ...]:
    """Return the positions of recorded splits by whose ratio the prices jump: those before are not re-based.

    Open and close must both be nearer to such a jump, by what the day itself may have moved, than to none or to
    one of twice the size.
    """
    return tuple(index for index in _tellable_splits(bars) if _jumps(bars, index))


def already_rebased(bars: Bars) -> tuple[int, ...]:
    """Return the positions of recorded splits by whose ratio the prices do not jump."""
    return tuple(index for index in _tellable_splits(bars) if not _jumps(bars, index))


def _tellable_splits(bars: Bars) -> list[int]:
    if not bars.split.any():
        return []
    ratio = np.where(bars.split > 0, bars.split, 1.0)
    found: list[int] = np.flatnonzero(np.maximum(ratio, 1 / ratio) >= _TELLABLE_SPLIT).tolist()
    return [index for index in found if index > 0]


def _jumps(bars: Bars, index: int) -> bool:
    seen = np.array([bars.open[index], bars.close[index]]) / bars.close[index - 1]
    if not (np.isfinite(seen) & (seen > 0)).all():
        return False
    return bool((np.abs(np.log(seen * bars.split[index])) < abs(np.log(bars.split[index])) / 2).all())


def dividend_adjusted(bars: Bars) -> Bars:
    """Return prices adjusted for dividends as well, the newest bar unchanged.

    Before each ex-date prices are multiplied by 1 - dividend / close of the session before.
    """
    factor = np.ones(len(bars))
    step = 1.0 - bars.dividend[1:] / bars.close[:-1]
    factor[:-1] = np.cumprod(step[::-1])[::-1]
    columns = {name: getattr(bars, name) * (factor if name in PRICE_COLUMNS else 1.0) for name in COLUMNS}
    return Bars.from_columns(bars.symbol, bars.source, bars.days, columns)


def _only_added(cached: Bars, fresh: Bars) -> Bars | None:
    # The bars behind the cache, where those inside are as they were: so on most days, and nothing else is to be found.
    start = int(cached.days.searchsorted(fresh.days[0]))
    again = len(cached) - start
    if again > len(fresh) or fresh.split[again:].any():
        return None
    both = ((getattr(cached, name)[start:], getattr(fresh, name)[:again]) for name in ("days", *COLUMNS))
    return fresh[again:] if all(before.tobytes() == now.tobytes() for before, now in both) else None


def _knows(cached: Bars, split: NewSplit) -> bool:
    bar = cached.find(split.session)
    return bar is not None and abs(bar.split - split.ratio) < 1e-9


def _shared(first: Bars, second: Bars) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.flatnonzero(among(first.days, second.days)), np.flatnonzero(among(second.days, first.days))


def _basis_problem(cached: Bars, based: Bars, fresh: Bars, splits: tuple[NewSplit, ...]) -> BasisProblem | None:
    left, right = _shared(based, fresh)
    usable = np.isfinite(fresh.close[right]) & (fresh.close[right] > 0)
    left, right = left[usable], right[usable]
    if not splits:
        # A lone wrong price is a revision; a shift of most of the overlap is another basis.
        shifted = len(left) > 1 and not _same_basis(cached, fresh, left, right)
        return BasisProblem.SPLIT_NOT_LISTED if shifted else None
    before = fresh.days[right] < np.datetime64(splits[-1].session, "D")
    left, right = left[before], right[before]
    if not len(left) or _same_basis(based, fresh, left, right):
        return None
    unapplied = _same_basis(cached, fresh, left, right)
    return BasisProblem.SPLIT_NOT_APPLIED if unapplied else BasisProblem.SPLIT_APPLIED_WRONGLY


def _same_basis(first: Bars, second: Bars, left: NDArray[np.intp], right: NDArray[np.intp]) -> bool:
    return abs(median(second.close[right] / first.close[left]) - 1.0) <= _BASIS_FRAC


def _settled(
    based: Bars, fresh: Bars, final_until: date | None, agreed: frozenset[date]
) -> tuple[tuple[Change, ...], Bars]:
    # The fresh bars with every change that is noise or not acceptable set back to the cached value.
    left, right = _shared(based, fresh)
    final = based.days[left] <= np.datetime64(final_until, "D")  # no day is before none
    changes: list[Change] = []
    columns: dict[str, Column] = {}
    for name in COLUMNS:
        before, after = getattr(based, name)[left], getattr(fresh, name)[right].copy()
        # A null states nothing.
        same = _noise(name, before, after) | ~np.isfinite(after)
        after[same] = before[same]
        # New splits are taken care of before; a vendor that forgets an action changes nothing, and one that
        # tells a dividend or an unknown volume for the first time takes no earlier word back.
        told = ~same & (before != 0) if name == "dividend" else ~same & ~np.isnan(before)
        for index in np.flatnonzero(told) if name != "split" else ():
            day = based.day(int(left[index]))
            change = Change(day, name, float(before[index]), float(after[index]), tolerable=True)
            change = replace(change, tolerable=not final[index] or day in agreed or tolerable(change))
            changes.append(change)
            after[index] = change.after if change.tolerable else change.before
        columns[name] = getattr(fresh, name).copy()
        columns[name][right] = after
    ordered = tuple(sorted(changes, key=lambda change: (change.session, COLUMNS.index(change.column))))
    return ordered, Bars.from_columns(fresh.symbol, fresh.source, fresh.days, columns)


def tolerable(change: Change) -> bool:
    """Whether a revision is small enough to be accepted without a second opinion.

    A dividend or split listed late changes no price by itself and is accepted.
    """
    if change.column in ("dividend", "split"):
        return True
    limit = VOLUME_TOLERANCE if change.column == "volume" else PRICE_TOLERANCE
    return bool(abs(change.after - change.before) <= limit * abs(change.before))


def _noise(column: str, before: Column, after: Column) -> NDArray[np.bool_]:
    if column in ("dividend", "split"):
        return np.asarray((after == 0) | (after == before))
    limit = _VOLUME_NOISE_SHARES if column == "volume" else _PRICE_NOISE * np.abs(before)
    return np.asarray(np.abs(after - before) <= limit)


def _joined(older: Bars, newer: Bars) -> Bars:
    # Every session of either; where both have one, the newer reading.
    keep = ~among(older.days, newer.days)
    days = np.concatenate([older.days[keep], newer.days])
    order = np.argsort(days)
    columns = {name: np.concatenate([getattr(older, name)[keep], getattr(newer, name)])[order] for name in COLUMNS}
    return Bars.from_columns(newer.symbol, newer.source, days[order], columns)


def _differing(cached: Bars, joined: Bars) -> Bars:
    same = np.zeros(len(joined), dtype=bool)
    left, right = _shared(cached, joined)
    equal = np.ones(len(left), dtype=bool)
    for name in COLUMNS:
        before, after = getattr(cached, name)[left], getattr(joined, name)[right]
        equal &= (before == after) | (np.isnan(before) & np.isnan(after))
    same[right] = equal
    return selected(joined, ~same)
