"""The cache of bars within the sessions: what is asked of the source, what is kept, and after a split all anew."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from mtum.adapters.calendar import ExchangeCalendar
from mtum.app.bars.intraday import gathered_within, read_within, to_read_within
from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.market.intraday import Rows, sessions_for
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import Timeframe
from mtum.errors import SourceUnavailableError
from support.desks import ShelfSource, market_desk
from support.hourly import Hourly

CALENDAR = ExchangeCalendar()
MON, TUE, WED = (CALENDAR.sessions(day, day).known[0] for day in (date(2024, 7, 1), date(2024, 7, 2), date(2024, 7, 3)))
"""Wednesday ends at 13:00."""
ASKED: Mapping[str, Mapping[Timeframe, int]] = {"AAA": {Timeframe.HOUR: 14}}


@dataclass
class Halves(ShelfSource):
    """A source of half hours at one price, which a test changes."""

    price: float = 100.0
    wanted: list[tuple[date, date]] = field(default_factory=list)
    silent: bool = False

    def minutes_for(self, symbol: str, timeframe: Timeframe) -> int:
        return 30

    def intraday(self, symbol: str, minutes: int, first: date, last: date) -> Rows:
        self.wanted.append((first, last))
        if self.silent:
            raise SourceUnavailableError(f"{symbol}: the test's source is down")
        begins = [
            (one.open + timedelta(minutes=30 * n)).replace(tzinfo=None)
            for one in CALENDAR.sessions(first, last)
            for n in range(int((one.close - one.open).total_seconds() // 1800))
        ]
        prices = np.full(len(begins), self.price)
        return {"begins": begins, **dict.fromkeys((*PRICE_COLUMNS, "volume"), prices)}


def snapshot(session: Session) -> datetime:
    return session.before_close(20)


def test_a_session_is_read_again_until_it_was_read_once_it_was_over(tmp_path: Path) -> None:
    source = Halves({})
    with market_desk(tmp_path, source, snapshot(TUE)) as desk:

        def read(session: Session, at: datetime) -> int:
            for one in to_read_within(desk, ASKED, session, at):
                assert read_within(desk, one, at) == ""
            ((_, bars),) = gathered_within(desk, ASKED, session, at, {}).told.values()
            return len(bars)

        # Two sessions hold fourteen hours only if nothing is missing: three are asked for.
        friday = date(2024, 6, 28)
        assert read(TUE, snapshot(TUE)) == 2 * 13 + 12
        assert read(TUE, snapshot(TUE)) == 2 * 13 + 12
        # Tuesday was not over when it was read.
        assert read(WED, snapshot(WED))
        assert read(WED, WED.close)
        assert read(WED, WED.close)
        assert source.wanted == [(friday, TUE.day), (TUE.day, TUE.day), (TUE.day, WED.day), (WED.day, WED.day)]
        rows = desk.store.intraday.rows("AAA", "yahoo", 30, TUE.day)
        assert len(np.asarray(rows["begins"])) == 13 + 7


def test_of_a_value_that_changed_the_newest_counts_and_the_earlier_one_stays(tmp_path: Path) -> None:
    source = Halves({})
    with market_desk(tmp_path, source, snapshot(TUE)) as desk:
        for price in (100.0, 101.0, 101.0):
            source.price = price
            (one,) = to_read_within(desk, ASKED, TUE, snapshot(TUE))
            assert read_within(desk, one, snapshot(TUE)) == ""
        closes = np.asarray(desk.store.intraday.rows("AAA", "yahoo", 30, TUE.day)["close"])
        assert closes.tolist() == [101.0] * 12


def test_what_was_read_before_a_split_is_read_anew(tmp_path: Path) -> None:
    source = Halves({})
    with market_desk(tmp_path, source, snapshot(TUE)) as desk:
        at = MON.close + timedelta(hours=1)
        (one,) = to_read_within(desk, ASKED, MON, at)
        read_within(desk, one, at)
        assert to_read_within(desk, ASKED, MON, at) == []
        days = [MON.day, TUE.day]
        columns = {**dict.fromkeys(PRICE_COLUMNS, (50.0, 50.0)), "volume": (1.0, 1.0), "split": (0.0, 2.0)}
        desk.store.bars.accept(Bars.from_columns("AAA", "yahoo", days, columns), TUE.close, TUE.day)
        (again,) = to_read_within(desk, ASKED, TUE, snapshot(TUE))
        assert again.sessions[0].day < MON.day


def test_prices_of_other_shares_than_the_daily_bars_are_not_shown(tmp_path: Path) -> None:
    source = Halves({})
    daily = Bars.from_columns(
        "AAA", "yahoo", [MON.day, TUE.day], {**dict.fromkeys(PRICE_COLUMNS, (50.0, 50.0)), "volume": (1.0, 1.0)}
    )
    with market_desk(tmp_path, source, snapshot(TUE)) as desk:
        (one,) = to_read_within(desk, ASKED, TUE, snapshot(TUE))
        read_within(desk, one, snapshot(TUE))
        within = gathered_within(desk, ASKED, TUE, snapshot(TUE), {})
        frames, (why,) = within.of(Hourly(), {"AAA": daily})
        assert frames == {}
        assert f"AAA 1h: prices from yahoo of {MON.day} are not those of its daily bar" in why
        source.price = 50.0
        (one,) = to_read_within(desk, ASKED, WED, snapshot(WED))


def test_a_source_that_is_down_costs_these_bars_alone(tmp_path: Path) -> None:
    source = Halves({}, silent=True)
    with market_desk(tmp_path, source, snapshot(TUE)) as desk:
        (one,) = to_read_within(desk, ASKED, TUE, snapshot(TUE))
        why = read_within(desk, one, snapshot(TUE))
        assert why == "AAA: the test's source is down"
        within = gathered_within(desk, ASKED, TUE, snapshot(TUE), {"AAA": why})
        daily = Bars.from_columns(
            "AAA", "yahoo", [TUE.day], {**dict.fromkeys(PRICE_COLUMNS, (50.0,)), "volume": (1.0,)}
        )
        assert within.of(Hourly(), {"AAA": daily}) == (
            {},
            (f"AAA not seen: {why}; a condition on them does not hold",),
        )


def test_a_week_of_early_closes_holds_fewer_bars_and_more_sessions_are_asked_for(tmp_path: Path) -> None:
    """Each of five sessions of three and a half hours has four hourly bars, the last of half an hour."""
    opens = [datetime(2024, 7, day, 13, 30, tzinfo=UTC) for day in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12)]
    lengths = [390] * 5 + [210] * 5
    sessions = [
        Session(one.date(), one, one + timedelta(minutes=long)) for one, long in zip(opens, lengths, strict=True)
    ]
    at = sessions[-1].close
    # 0.95 of 4 bars, five times, are 19; 17 are needed with one to spare.
    assert len(sessions_for(Timeframe.HOUR, 17, sessions, at)) == 5
    assert len(sessions_for(Timeframe.HOUR, 19, sessions, at)) == 6
    assert len(sessions_for(Timeframe.FOUR_HOURS, 4, sessions, at)) == 6
