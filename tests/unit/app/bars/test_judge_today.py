"""What the second source, the midpoint and a person say about today's bar and the VIX."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.app.bars.judge_today import RESTATED
from mtum.app.bars.refresh_bars import refresh_bars
from mtum.app.desk import Desk
from mtum.app.session.decide_sleeves import decide_believed
from mtum.app.session.gather import SleeveMarket, gather
from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Session
from mtum.core.market.volume import UsualShare
from mtum.core.portfolio.decision import Action, Book
from mtum.core.strategies.contract import Holding
from mtum.errors import BarsInvalidError, SourceUnavailableError
from mtum.ports.market_data import Quote, SeriesValue
from support.bars import moved
from support.desks import ShelfSource, market_desk
from support.values import replace

CALENDAR = ExchangeCalendar()
SESSIONS = CALENDAR.sessions(date(2024, 1, 2), date(2024, 5, 15))
SESSION = SESSIONS.known[-1]
AT = SESSION.before_close(20)
# Up and down by 0.1 % around 100: ten usual moves are about 1 %.
CLOSES = [100.0 + 0.1 * (index % 2) for index in range(len(SESSIONS) - 1)]
BARS = Bars.from_columns(
    "MTUM",
    "yahoo",
    [session.day for session in SESSIONS][:-1],
    {name: CLOSES for name in ("open", "high", "low", "close")} | {"volume": [1000.0] * len(CLOSES)},  # noqa: C420
)


def quote(close: float = 100.05, **more: object) -> Quote:
    seen = Quote("MTUM", "yahoo", SESSION.day, 100.0, max(100.1, close), min(99.9, close), close, 900.0, AT)
    return replace(seen, **more)


@dataclass
class VixShelf(ShelfSource):
    """A shelf with a VIX on it."""

    vix: SeriesValue | None = None

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        if self.down:
            raise SourceUnavailableError("the test's source is down")
        return self.vix

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        return UsualShare(0.87)


def vix(points: float, source: str = "yahoo", minutes: float = 1.0) -> SeriesValue:
    return SeriesValue("VIX", source, points, AT - timedelta(minutes=minutes))


@contextmanager
def desk_with(folder: Path, seen: Quote, second: VixShelf | None = None, points: float | None = 14.0) -> Iterator[Desk]:
    source = VixShelf({"MTUM": BARS}, quotes={"MTUM": seen}, vix=None if points is None else vix(points))
    with market_desk(folder, source, AT, second=second, calendar=CALENDAR) as desk:
        refresh_bars(desk, "MTUM", SESSION, SESSIONS)
        yield desk


def seen_by(desk: Desk) -> SleeveMarket:
    return gather(desk, SESSION, SESSIONS, AT).of(desk.sleeves[0])


def second_source(close: float | None = None, points: float | None = None) -> VixShelf:
    quotes = {} if close is None else {"MTUM": quote(close, source="ib")}
    return VixShelf(
        {"MTUM": replace(BARS, source="ib")}, "ib", quotes, vix=None if points is None else vix(points, "ib")
    )


def test_a_quiet_bar_bars_nothing(tmp_path: Path) -> None:
    with desk_with(tmp_path, quote()) as desk:
        found = seen_by(desk)
    assert (found.entries_barred, found.doubtful, found.notes, found.degraded) == ({}, frozenset(), (), ())


def test_a_big_move_that_the_midpoint_confirms_is_believed(tmp_path: Path) -> None:
    with desk_with(tmp_path, quote(92.0, midpoint=92.3)) as desk:
        assert seen_by(desk).entries_barred == {}


def test_a_big_move_that_the_second_source_confirms_is_believed(tmp_path: Path) -> None:
    with desk_with(tmp_path, quote(92.0), second_source(92.5)) as desk:
        assert seen_by(desk).entries_barred == {}


@pytest.mark.parametrize(("minutes", "delayed"), [(11, False), (1, True)], ids=["an old price", "a delayed feed"])
def test_a_second_source_confirms_a_big_move_only_with_a_price_of_now(
    tmp_path: Path, minutes: int, delayed: bool
) -> None:
    other = second_source(92.5)
    other.quotes["MTUM"] = replace(other.quotes["MTUM"], seen_at=AT - timedelta(minutes=minutes), delayed=delayed)
    with desk_with(tmp_path, quote(92.0), other) as desk:
        assert seen_by(desk).entries_barred == {"MTUM": "unconfirmed"}


def test_a_second_source_without_an_answer_is_noted_and_confirms_nothing(tmp_path: Path) -> None:
    with desk_with(tmp_path, quote(92.0), second_source()) as desk:
        found = seen_by(desk)
    assert found.entries_barred == {"MTUM": "unconfirmed"}
    assert any("the second source has no opinion" in note for note in found.notes)


@pytest.mark.parametrize(
    ("primary", "fallback", "used", "said"),
    [
        (14.0, 30.0, 14.0, ()),
        (None, 16.0, 16.0, ("VIX: yahoo has no value", "VIX 16 from web stands in")),
        (None, 400.0, None, ("VIX: yahoo has no value", "VIX 400 from web is outside 5 to 150")),
        (None, None, None, ("VIX: yahoo has no value", "VIX: web has no value")),
    ],
    ids=["not needed", "stands in", "absurd", "none either"],
)
def test_the_fallback_is_asked_for_a_vix_only_when_there_is_no_other(
    tmp_path: Path, primary: float | None, fallback: float | None, used: float | None, said: tuple[str, ...]
) -> None:
    other = VixShelf({}, "web", vix=None if fallback is None else vix(fallback, "web"))
    with desk_with(tmp_path, quote(), points=primary) as desk:
        found = seen_by(replace(desk, vix_fallback=other))
    assert (found.view.series["VIX"], found.notes) == (used, said)
    assert found.degraded == (() if used else ("vix",))


def test_ranges_of_today_that_do_not_touch_bar_entries(tmp_path: Path) -> None:
    other = second_source(100.05)
    other.quotes["MTUM"] = replace(other.quotes["MTUM"], open=90.0, high=91.0, low=89.0, close=90.5)
    with desk_with(tmp_path, quote(), other) as desk:
        assert seen_by(desk).entries_barred == {"MTUM": "sources_disagree"}


def test_a_spike_of_yesterday_that_today_undoes_is_refused(tmp_path: Path) -> None:
    # 100 -> 112 is more than 12 usual moves and 8 %; back to 100 undoes all of it.
    with desk_with(tmp_path, quote(100.0)) as desk:
        assert isinstance(desk.source, VixShelf)
        spiked = moved(BARS, {len(BARS) - 1: 112.0})
        desk.store.bars.accept(spiked.tail(1), AT, spiked.last_day)
        desk.source.shelf["MTUM"] = spiked
        with pytest.raises(BarsInvalidError, match="spike"):
            seen_by(desk)


def test_a_restated_bar_of_the_window_bars_entries_until_somebody_decides(tmp_path: Path) -> None:
    with desk_with(tmp_path, quote()) as desk:
        assert isinstance(desk.source, VixShelf)
        desk.source.shelf["MTUM"] = moved(BARS, {len(BARS) - 4: 101.0})
        refresh_bars(desk, "MTUM", SESSION, SESSIONS)
        found = seen_by(desk)
        assert found.entries_barred == {"MTUM": RESTATED}
        (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
        assert any(f"mtum bars release {held.id}" in note for note in found.notes)
        desk.store.quarantine.release_bar(held.id, "owner", AT)
        refresh_bars(desk, "MTUM", SESSION, SESSIONS)
        assert seen_by(desk).entries_barred == {}


def test_a_restated_bar_the_second_source_supports_counts_for_exits_and_still_bars_entries(tmp_path: Path) -> None:
    other = second_source(100.05)
    with desk_with(tmp_path, quote(), other) as desk:
        assert isinstance(desk.source, VixShelf)
        restated = moved(BARS, {len(BARS) - 4: 101.0})
        desk.source.shelf["MTUM"], other.shelf["MTUM"] = restated, replace(restated, source="ib")
        refresh_bars(desk, "MTUM", SESSION, SESSIONS)
        found = seen_by(desk)
        assert float(found.view.bars["MTUM"].close[-5]) == 101.0
        assert found.entries_barred == {"MTUM": RESTATED}
        (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
        desk.store.quarantine.release_bar(held.id, "owner", AT)
        refresh_bars(desk, "MTUM", SESSION, SESSIONS)
        assert seen_by(desk).entries_barred == {}


def test_the_vix_of_the_second_source_stands_in_for_none(tmp_path: Path) -> None:
    with desk_with(tmp_path, quote(), second_source(100.05, 17.0), points=None) as desk:
        found = seen_by(desk)
    assert (found.view.series["VIX"], found.degraded) == (17.0, ())


def test_two_sources_of_the_vix_that_disagree_give_a_flat_sleeve_the_higher(tmp_path: Path) -> None:
    with desk_with(tmp_path, quote(), second_source(100.05, 27.0), points=24.0) as desk:
        found = seen_by(desk)
    assert found.view.series["VIX"] == 27.0
    assert "VIX 24 from yahoo and 27 from ib" in found.notes


def test_a_source_that_is_down_for_the_vix_only_degrades(tmp_path: Path) -> None:
    other = second_source(100.05, 17.0)
    other.down = True
    with desk_with(tmp_path, quote(), other, points=None) as desk:
        found = seen_by(desk)
    assert (found.view.series["VIX"], found.degraded) == (None, ("vix",))
    assert "source is down" in found.notes[0]


@dataclass
class Sale:
    """A long position whose stop is the average: below it the rules sell."""

    midpoint: float | None
    error: str | None
    seen: Quote = field(init=False)

    def __post_init__(self) -> None:
        self.seen = quote(92.0, midpoint=self.midpoint)


@pytest.mark.parametrize(
    "sale",
    [
        Sale(None, "there is no midpoint to check it at"),
        Sale(100.2, r"it does not hold at 100.2"),
        Sale(95.0, None),
    ],
    ids=["no midpoint", "midpoint above the average", "midpoint below it too"],
)
def test_a_sale_at_an_unconfirmed_price_must_hold_at_the_midpoint(tmp_path: Path, sale: Sale) -> None:
    # 92 is below the average of about 100; 95 is too, though 3 % from 92; 100.2 is not.
    with desk_with(tmp_path, sale.seen) as desk:
        found = seen_by(desk)
        assert found.doubtful == {"MTUM"}
        holding = Holding("MTUM", 10, 99.0, remembered={"atr": 1.0})
        book = Book(cash_usd=0.0, available_usd=0.0, holdings={"MTUM": holding})
        if sale.error:
            with pytest.raises(BarsInvalidError, match=sale.error):
                decide_believed(found, desk.sleeves[0], book)
        else:
            assert decide_believed(found, desk.sleeves[0], book).action is Action.EXIT


def test_a_sale_that_no_price_led_to_is_not_held_up(tmp_path: Path) -> None:
    with desk_with(tmp_path, quote(108.0)) as desk:
        found = seen_by(desk)
        holding = Holding("MTUM", 10, 99.0, remembered={"atr": 10.0})
        book = Book(
            cash_usd=0.0, available_usd=0.0, holdings={"MTUM": holding}, exit_pending={"MTUM": "close_below_ma"}
        )
        decision = decide_believed(found, desk.sleeves[0], book)
    assert decision.reasons == ("exit_carried", "close_below_ma")
