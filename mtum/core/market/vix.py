"""Which VIX may a decision use? Its own rules: no spike rule, an age limit, and two sources."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import Enum

from msgspec import Struct

LOWEST, HIGHEST = 5.0, 150.0
MAX_AGE = timedelta(minutes=20)
AGREE_POINTS, AGREE_FRAC = 0.5, 0.05


class VixProblem(Enum):
    """Why a VIX value is not used, or not alone."""

    MISSING = "vix_missing"
    OUT_OF_RANGE = "vix_out_of_range"
    STALE = "vix_stale"
    DELAYED = "vix_delayed"
    SOURCES_DISAGREE = "vix_sources_disagree"


class VixValue(Struct, frozen=True):
    """One source's value in index points, and when it was formed."""

    source: str
    points: float
    seen_at: datetime
    delayed: bool = False


class VixReading(Struct, frozen=True):
    """What a decision uses: entries the higher value, exits the lower; None = missing.

    They differ only when two sources disagree.
    """

    for_entry: float | None
    for_exit: float | None
    problems: tuple[tuple[VixProblem, str], ...] = ()


def vix_problem(seen: VixValue, at: datetime) -> tuple[VixProblem, str] | None:
    """Return why a value cannot be used at that instant, or None."""
    if seen.delayed:
        return VixProblem.DELAYED, f"VIX from {seen.source} is delayed"
    if not LOWEST <= seen.points <= HIGHEST:
        return VixProblem.OUT_OF_RANGE, f"VIX {seen.points:g} from {seen.source} is outside {LOWEST:g} to {HIGHEST:g}"
    age = at - seen.seen_at
    if not -timedelta(minutes=1) <= age <= MAX_AGE:
        minutes = age.total_seconds() / 60
        return VixProblem.STALE, f"VIX from {seen.source} is {minutes:.0f} minutes old (limit 20)"
    return None


def vix_reading(first: VixValue | None, second: VixValue | None, at: datetime) -> VixReading:
    """Return the VIX to decide with.

    Parameters
    ----------
    first, second : VixValue or None
        In the order of trust; a second one is only an opinion on the first, and stands in for it
        when the first cannot be used.
    at : datetime
        Instant up to which the market is seen, UTC.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 6, 28, 19, 40, tzinfo=UTC)
    >>> found = vix_reading(VixValue("ib", 24.0, at), VixValue("yahoo", 26.0, at), at)
    >>> found.for_entry, found.for_exit
    (26.0, 24.0)
    """
    problems: list[tuple[VixProblem, str]] = []
    usable: list[VixValue] = []
    for seen in (first, second):
        problem = vix_problem(seen, at) if seen is not None else None
        problems += [problem] if problem else []
        usable += [seen] if seen is not None and problem is None else []
    if not usable:
        return VixReading(None, None, tuple(problems) or ((VixProblem.MISSING, "no source has a VIX"),))
    points = [seen.points for seen in usable]
    if max(points) - min(points) > max(AGREE_POINTS, AGREE_FRAC * points[0]):
        said = " and ".join(f"{seen.points:g} from {seen.source}" for seen in usable)
        problems.append((VixProblem.SOURCES_DISAGREE, f"VIX {said}"))
        return VixReading(max(points), min(points), tuple(problems))
    return VixReading(points[0], points[0], tuple(problems))


def on_sessions(closes: Mapping[date, float], sessions: frozenset[date] | set[date]) -> dict[date, float]:
    """Return the closes of real sessions: vendors also print the index on days the exchange is shut."""
    return {day: points for day, points in sorted(closes.items()) if day in sessions}
