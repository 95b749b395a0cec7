"""Each fault of a vendor, through the real client library: decided correctly, or refused with a reason."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.yahoo import client, yahoo_source
from mtum.app.bars.check_bars import check_bars
from mtum.app.bars.refresh_bars import refresh_bars
from mtum.app.desk import Desk
from mtum.app.session.gather import SleeveMarket, gather
from mtum.core.market.bars import Bar, Bars
from mtum.errors import DataError, ExitCode
from support.commands import Called, call_json, start
from support.desks import market_desk
from support.exchange_sessions import xnys
from support.practice import write_market
from support.values import replace
from support.yahoo import (
    CHICAGO,
    EMPTY,
    RESET,
    TOO_MANY,
    TRUNCATED,
    Chart,
    Reply,
    Row,
    YahooServer,
    chart_of,
    yahoo_server,
)

CALENDAR = ExchangeCalendar()
TODAY = date(2024, 5, 15)
SESSIONS = xnys("2024-01-02", TODAY.isoformat())
SESSION = SESSIONS.known[-1]
AT = SESSION.before_close(20)
COUNT = len(SESSIONS) - 1
CLOSES = np.round(180.0 + 4.0 * np.sin(np.arange(COUNT) / 6.0), 2)


def history(closes: Any = CLOSES) -> Bars:
    days = [session.day for session in SESSIONS][:COUNT]
    return Bars.from_columns(
        "MTUM",
        "yahoo",
        days,
        {
            "open": closes,
            "high": closes + 0.5,
            "low": closes - 0.5,
            "close": closes,
            "volume": np.full(COUNT, 500_000.0),
        },
    )


@dataclass
class Market:
    """The stand-in vendor on a good day; each fault changes one thing."""

    server: YahooServer
    chart: Chart
    vix: Chart

    def break_row(self, index: int, **cells: float | None) -> None:
        self.chart.rows[index] = replace(self.chart.rows[index], **cells)

    def times(self, index: int, factor: float) -> None:
        row = self.chart.rows[index]
        prices = {name: getattr(row, name) * factor for name in ("open", "high", "low", "close")}
        self.break_row(index, **prices)


@pytest.fixture
def market() -> Iterator[Market]:
    with yahoo_server() as server:
        chart = chart_of(history(), traded_at=AT - timedelta(minutes=1))
        chart.rows.append(Row(SESSION.open, 181.0, 182.0, 180.5, 181.5, 435_000.0))
        opening = datetime.combine(TODAY, time(2, 15), tzinfo=CHICAGO)
        vix = Chart([Row(opening, 12.4, 12.9, 12.2, 12.45, 0.0)], "^VIX", CHICAGO, "INDEX")
        vix.traded_at = AT - timedelta(minutes=2)
        server.charts.update({"MTUM": chart, "^VIX": vix})
        yield Market(server, chart, vix)


@contextmanager
def desk_at(market: Market, folder: Path, at: datetime = AT) -> Iterator[Desk]:
    source = yahoo_source(CALENDAR, folder / "yahoo", market.server.url, 1.0, 3.0)
    with market_desk(folder, source, at, calendar=CALENDAR) as desk:
        yield desk


def gathered(desk: Desk) -> SleeveMarket:
    refresh_bars(desk, "MTUM", SESSION, SESSIONS)
    return gather(desk, SESSION, SESSIONS, AT).of(desk.sleeves[0])


def refusal(market: Market, folder: Path) -> str:
    """The reason nothing is decided; afterwards what is cached must still be sound."""
    with desk_at(market, folder) as desk:
        with pytest.raises(DataError) as caught:
            gathered(desk)
        assert caught.value.exit_code is ExitCode.DATA
        for found in check_bars(desk.store, desk.calendar, AT):
            assert {problem.rule.value for problem in found.problems} <= {"missing_session", "spike"}
    return str(caught.value)


def test_a_good_day_is_fit_to_decide(market: Market, tmp_path: Path) -> None:
    with desk_at(market, tmp_path) as desk:
        found = gathered(desk)
    bars = found.view.bars["MTUM"]
    assert (bars.last_day, float(bars.close[-1]), found.view.series["VIX"]) == (TODAY, 181.5, 12.45)
    assert float(bars.volume[-1]) == 500_000.0  # 435,000 at the documented share 0.87
    assert (found.degraded, found.entries_barred) == ((), {})


type Fault = Callable[[Market], object]

REFUSED: dict[str, tuple[Fault, str]] = {
    "missing last session": (lambda m: m.chart.rows.pop(-2), "2024-05-14: missing_session"),
    "missing inner session": (lambda m: m.chart.rows.pop(60), "2024-03-28: missing_session: no bar from yahoo"),
    "null close with volume": (lambda m: m.break_row(70, close=None), "its bar is kept out (not a number)"),
    "null close today": (lambda m: m.break_row(-1, close=None), "Yahoo's bar of today has no close"),
    "price x 100 in history": (lambda m: m.times(60, 100.0), "its bar is kept out (jump): move of +9866.9%"),
    "volume 0 in history": (
        lambda m: m.break_row(60, volume=0.0),
        "kept out (no volume): volume 0 where 500,000 shares are usual",
    ),
    "volume 0 today": (lambda m: m.break_row(-1, volume=0.0), "no_volume: volume 0 where 500,000 shares are usual"),
    "stale server": (lambda m: m.chart.rows.pop(), "no bar of 2024-05-15 yet"),
    "429 for ever": (lambda m: setattr(m.server, "always", TOO_MANY), "too many requests"),
    "connection reset": (lambda m: setattr(m.server, "always", RESET), "cannot be reached"),
    "slow beyond the budget": (
        lambda m: setattr(m.server, "always", Reply(wait_seconds=30.0)),
        "did not answer in time",
    ),
    "wrong symbol": (lambda m: setattr(m.chart, "symbol", "MTUX"), "Yahoo answered about MTUX"),
    "empty body": (lambda m: setattr(m.server, "always", EMPTY), "not a chart"),
    "truncated JSON": (lambda m: setattr(m.server, "always", TRUNCATED), "not a chart"),
    "feed frozen an hour ago": (
        lambda m: setattr(m.chart, "traded_at", AT - timedelta(hours=1)),
        "60 minutes before the decision",
    ),
    "delayed feed": (lambda m: setattr(m.chart, "traded_at", AT - timedelta(minutes=15)), "stale"),
    "halted symbol": (lambda m: setattr(m.chart, "traded_at", AT - timedelta(minutes=42)), "the symbol halted"),
    "price of today without its split": (lambda m: m.times(-1, 0.5), "looks_like_split"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_fault_is_refused_with_its_reason_and_the_cache_stays_sound(
    market: Market, tmp_path: Path, name: str
) -> None:
    fault, reason = REFUSED[name]
    fault(market)
    assert reason in refusal(market, tmp_path)


def wanted(market: Market) -> None:
    """Make today a session on which the rules enter: a rising price and much volume."""
    market.break_row(-1, high=183.5, close=183.0, volume=600_000.0)


def commanded(market: Market, folder: Path, second: str = "none") -> Called:
    """`mtum run` as a person gives it, 20 minutes before the close."""
    text = f'mode = "practice"\n[market]\nsource = "yahoo"\nyahoo_url = "{market.server.url}"\n'
    (folder / "config.toml").write_text(
        f'{text}read_timeout_seconds = 1\nsecond_source = "{second}"\n', encoding="utf-8"
    )
    return call_json(folder, "run", "--as-of", AT.isoformat())


def test_the_command_decides_on_a_good_day(market: Market, tmp_path: Path) -> None:
    wanted(market)
    run = commanded(market, tmp_path)
    assert (run.code, run.document["action"], run.document["problems"]) == (0, "enter", [])
    assert [order["side"] for order in run.document["orders"]] == ["BUY"]


@pytest.mark.parametrize(
    ("close", "vix", "action", "said"),
    [
        (float(CLOSES[-1]), 12.4, "enter", ""),
        (float(CLOSES[-1]) * 1.02, 12.4, "hold", "sources_disagree"),
        (float(CLOSES[-1]), 26.0, "hold", "26"),
    ],
    ids=["they agree", "another last close", "another VIX"],
)
def test_the_command_enters_only_while_two_sources_agree(
    market: Market, tmp_path: Path, close: float, vix: float, action: str, said: str
) -> None:
    wanted(market)
    bars = history(np.r_[CLOSES[:-1], close]).extended(Bar(TODAY, 181.0, 183.5, 180.5, 183.0, 9e5))
    write_market(tmp_path / "data" / "bars", {"MTUM": bars}, {TODAY: vix})
    run = commanded(market, tmp_path, "csv")
    assert (run.code, run.document["action"]) == (0, action)
    assert said in run.out


@pytest.mark.parametrize("name", [name for name in REFUSED if name != "slow beyond the budget"])
def test_the_command_refuses_a_fault_with_exit_3_its_reason_and_no_order(
    market: Market, tmp_path: Path, name: str
) -> None:
    fault, reason = REFUSED[name]
    wanted(market)
    fault(market)
    run = commanded(market, tmp_path)
    assert (run.code, run.document["orders"]) == (3, [])
    assert reason in run.err
    assert call_json(tmp_path, "show", "orders").document["orders"] == []
    assert call_json(tmp_path, "verify", "--all").code == 0


@pytest.mark.parametrize(
    ("listed", "effective", "twice", "reason"),
    [
        (COUNT - 2, COUNT - 1, False, "2024-05-13: missing_session: its bar is kept out (spike)"),
        (COUNT, COUNT - 1, False, "kept out (looks like split): move of -50.2%"),
        (COUNT - 1, COUNT - 1, True, "moved by another ratio"),
        (None, COUNT - 1, False, "its prices moved by a constant ratio and it lists no split"),
    ],
    ids=["early", "late", "twice", "never"],
)
def test_the_command_refuses_a_split_told_wrongly_and_keeps_its_cache(
    market: Market, tmp_path: Path, listed: int | None, effective: int, twice: bool, reason: str
) -> None:
    (tmp_path / "data").mkdir()
    with desk_at(market, tmp_path / "data") as desk:
        refresh_bars(desk, "MTUM", SESSIONS.known[effective - 1], SESSIONS)
        before = desk.store.bars.bars("MTUM", "yahoo")
    wanted(market)
    split_chart(market, listed, effective)
    if twice:
        market.chart.splits[SESSIONS.known[COUNT - 2].day] = 2.0
    run = commanded(market, tmp_path)
    assert (run.code, run.document["orders"]) == (3, [])
    with desk_at(market, tmp_path / "data") as desk:
        after = desk.store.bars.bars("MTUM", "yahoo").until(before.last_day)
    np.testing.assert_array_equal(after.close, before.close)
    assert reason in run.err


@pytest.mark.parametrize("name", ["price x 100 in history", "volume 0 in history", "null close with volume"])
def test_a_fault_in_sessions_already_cached_does_not_stop_the_decision(
    market: Market, tmp_path: Path, name: str
) -> None:
    with desk_at(market, tmp_path) as desk:
        refresh_bars(desk, "MTUM", SESSION, SESSIONS)
        before = desk.store.bars.bars("MTUM", "yahoo")
        cells: dict[str, Callable[[], object]] = {
            "price x 100 in history": lambda: market.times(-5, 100.0),
            "volume 0 in history": lambda: market.break_row(-5, volume=0.0),
            "null close with volume": lambda: market.break_row(-5, close=None),
        }
        cells[name]()
        gathered(desk)
        np.testing.assert_array_equal(desk.store.bars.bars("MTUM", "yahoo").close, before.close)


def test_too_many_requests_and_then_an_answer_is_a_good_day(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TRYING_FRAC", 0.75)
    market.server.replies = [TOO_MANY, TOO_MANY]
    with desk_at(market, tmp_path) as desk:
        assert gathered(desk).view.bars["MTUM"].last_day == TODAY


def test_a_retry_says_nothing_on_a_terminal_that_is_not_there(market: Market, tmp_path: Path) -> None:
    market.server.replies = [TOO_MANY, TOO_MANY]
    text = f'mode = "practice"\n[market]\nsource = "yahoo"\nyahoo_url = "{market.server.url}"\n'
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    synced = start(tmp_path, "bars", "sync", "VIX", "--json")
    assert (synced.code, synced.err, len(market.server.asked)) == (0, "", 3)


def test_a_doubled_last_row_is_one_bar(market: Market, tmp_path: Path) -> None:
    market.chart.rows.append(replace(market.chart.rows[-1], at=AT, volume=436_000.0))
    with desk_at(market, tmp_path) as desk:
        found = gathered(desk)
        assert len(found.view.bars["MTUM"].until(TODAY)) == 60
        assert found.view.provisional["MTUM"].volume_so_far == 436_000.0
        assert desk.store.bars.bars("MTUM", "yahoo").last_day == date(2024, 5, 14)


def test_a_big_move_today_bars_entries_and_waits_for_a_person(market: Market, tmp_path: Path) -> None:
    # The usual move is about 0.2 %; 8 % is far beyond ten of them and no split.
    market.break_row(-1, open=181.0, high=182.0, low=166.0, close=166.9)
    with desk_at(market, tmp_path) as desk:
        found = gathered(desk)
        assert (found.entries_barred, found.doubtful) == ({"MTUM": "unconfirmed"}, frozenset({"MTUM"}))
        (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
        desk.store.quarantine.release_bar(held.id, "owner", AT)
        again = gathered(desk)
        assert (again.entries_barred, again.doubtful) == ({}, frozenset())


@pytest.mark.parametrize("fault", ["gone", "stale", "absurd"])
def test_without_a_vix_the_rest_is_decided_and_entries_are_barred(market: Market, tmp_path: Path, fault: str) -> None:
    match fault:
        case "gone":
            market.vix.rows.clear()
        case "stale":
            market.vix.traded_at = AT - timedelta(minutes=21)
        case _:
            market.vix.rows[0] = replace(market.vix.rows[0], close=1.0)
    with desk_at(market, tmp_path) as desk:
        found = gathered(desk)
    assert (found.view.series["VIX"], found.degraded) == (None, ("vix",))
    assert found.notes


def split_chart(market: Market, listed: int | None, effective: int) -> None:
    """Show a 2:1 split at session `effective` as a vendor would that believes in session `listed`."""
    rebased_before = effective if listed is None else listed
    for index, row in enumerate(market.chart.rows):
        raw = 1.0 if index < effective else 0.5
        shown = raw * (0.5 if index < rebased_before else 1.0)
        prices = {name: getattr(row, name) * shown for name in ("open", "high", "low", "close")}
        market.chart.rows[index] = replace(row, **prices)
    if listed is not None:
        market.chart.splits[market.chart.rows[listed].at.date()] = 2.0


def test_a_split_in_the_overlap_rebases_cache_and_decision(market: Market, tmp_path: Path) -> None:
    with desk_at(market, tmp_path) as desk:
        refresh_bars(desk, "MTUM", SESSIONS.known[-4], SESSIONS)
        split_chart(market, listed=COUNT - 1, effective=COUNT - 1)
        bars = gathered(desk).view.bars["MTUM"]
        np.testing.assert_allclose(bars.close[:-1], CLOSES[-59:] / 2, atol=1e-4)
        assert float(bars.close[-1]) == 90.75


def test_a_split_effective_today_rebases_only_the_decision(market: Market, tmp_path: Path) -> None:
    with desk_at(market, tmp_path) as desk:
        refresh_bars(desk, "MTUM", SESSION, SESSIONS)
        split_chart(market, listed=COUNT, effective=COUNT)
        bars = gathered(desk).view.bars["MTUM"]
        np.testing.assert_allclose(bars.close[:-1], CLOSES[-59:] / 2, atol=1e-4)
        np.testing.assert_allclose(desk.store.bars.bars("MTUM", "yahoo").close, CLOSES, atol=1e-4)


@pytest.mark.parametrize(
    ("listed", "effective"),
    [(COUNT - 2, COUNT - 1), (COUNT, COUNT - 1), (None, COUNT - 1)],
    ids=["early", "late", "never"],
)
def test_a_split_at_the_wrong_session_is_refused_and_the_cache_kept(
    market: Market, tmp_path: Path, listed: int | None, effective: int
) -> None:
    with desk_at(market, tmp_path) as desk:
        refresh_bars(desk, "MTUM", SESSIONS.known[effective - 1], SESSIONS)
        before = desk.store.bars.bars("MTUM", "yahoo")
        split_chart(market, listed, effective)
        with pytest.raises(DataError):
            gathered(desk)
        after = desk.store.bars.bars("MTUM", "yahoo").until(before.last_day)
        np.testing.assert_array_equal(after.close, before.close)


def test_a_split_listed_twice_is_refused_and_the_cache_kept(market: Market, tmp_path: Path) -> None:
    with desk_at(market, tmp_path) as desk:
        refresh_bars(desk, "MTUM", SESSIONS.known[-4], SESSIONS)
        before = desk.store.bars.bars("MTUM", "yahoo")
        split_chart(market, COUNT - 1, COUNT - 1)
        market.chart.splits[SESSIONS.known[COUNT - 2].day] = 2.0
        with pytest.raises(DataError, match="moved by another ratio"):
            gathered(desk)
        np.testing.assert_array_equal(desk.store.bars.bars("MTUM", "yahoo").close, before.close)
