"""Many symbols in one go: one that fails, and a source that limits requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import cast

import pytest

from mtum.adapters.store.opening import SqliteStore
from mtum.app.bars.sync_bars import Synced, sync_bars
from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.sessions import Session
from mtum.errors import BarsMissingError, DataError, TooManyRequestsError
from mtum.ports.market_data import Quote, SeriesValue
from support.bars import bars_of, weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar, market_desk

FIRST = date(2024, 1, 2)
SESSIONS = weekday_sessions(FIRST, 31)
AT = SESSIONS.known[-1].before_close(30)


@dataclass
class MoodySource:
    """Answers every symbol alike, but for those that have an error."""

    errors: Mapping[str, DataError]
    name: str = "yahoo"
    asked: list[str] = field(default_factory=list)

    def history(self, symbol: str, first: date, last: date) -> Bars:
        self.asked.append(symbol)
        if symbol in self.errors:
            raise self.errors[symbol]
        return bars_of([100.0] * 30, first=FIRST, symbol=symbol).since(first).until(last)

    def quote(self, symbol: str, session: Session, at: object) -> Quote:
        raise BarsMissingError("nobody asks")

    def series(self, name: str, session: Session, at: object) -> SeriesValue | None:
        return None

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        return {}

    def coverage(self, symbol: str) -> Coverage:
        return Coverage(Dividends.KNOWN)

    def volume_share(self, symbol: str, session: Session, minutes: float) -> None:
        return None


def synced(
    folder: Path, errors: Mapping[str, DataError], known: tuple[str, ...] = ()
) -> tuple[list[Synced], list[str]]:
    source = MoodySource({})
    told: list[Synced] = []
    with market_desk(folder, source, AT, calendar=WeekdayCalendar(SESSIONS)) as desk:
        sync_bars(desk, known, (), lambda _: None, since=FIRST)
        source.errors, source.asked = errors, []
        sync_bars(desk, ("AAA", "BBB", "CCC"), (), told.append, since=FIRST)
    return told, source.asked


def test_a_symbol_that_fails_does_not_stop_the_rest(tmp_path: Path) -> None:
    told, asked = synced(tmp_path, {"AAA": BarsMissingError("AAA: unknown")})
    assert asked == ["AAA", "BBB", "CCC"]
    assert [one.refresh.written if one.refresh else str(one.error) for one in told] == ["AAA: unknown", 30, 30]


@pytest.mark.parametrize("known", [(), ("AAA",)], ids=["with an empty cache", "with a complete one"])
def test_a_source_that_turns_us_away_is_not_asked_for_the_rest(tmp_path: Path, known: tuple[str, ...]) -> None:
    told, asked = synced(tmp_path, {"AAA": TooManyRequestsError("AAA: too many requests")}, known)
    assert asked == ["AAA"]
    assert [str(one.error) for one in told[1:]] == [
        "BBB: not asked: yahoo limits requests",
        "CCC: not asked: yahoo limits requests",
    ]


def test_a_sync_of_a_whole_cache_looks_at_its_newest_bars_alone(tmp_path: Path) -> None:
    """The ten sessions that are read again, and the 62 that the rules look back on; with a gap, at all of it."""
    count = 200
    calendar = WeekdayCalendar(weekday_sessions(FIRST, count + 1))
    at = calendar.known.known[-1].before_close(30)
    shelf = {"AAA": bars_of([100.0] * count, first=FIRST, symbol="AAA")}
    asked: list[str] = []
    with market_desk(tmp_path, ShelfSource(shelf), at, calendar=calendar) as desk:
        sync_bars(desk, ("AAA",), (), lambda _: None, since=FIRST)
        connection = cast("SqliteStore", desk.store).database.connection
        connection.set_trace_callback(asked.append)
        (whole,) = sync_bars(desk, ("AAA",), (), lambda _: None)
        connection.execute("DELETE FROM bars WHERE session = ?", (str(shelf["AAA"].day(50)),))
        desk.store.bars.accept(shelf["AAA"][:1], at, None)
        (gap,) = sync_bars(desk, ("AAA",), (), lambda _: None)
        assert desk.store.bars.bars("AAA", "yahoo").days.tolist() == shelf["AAA"].days.tolist()
    begun = [one.split("session >= ")[1][1:11] for one in asked if one.startswith("SELECT open")]
    assert begun[:2] == [str(shelf["AAA"].day(count - 72)), str(FIRST)]
    assert [one.refresh and one.refresh.read for one in (whole, gap)] == [10, count - 50]
