"""A strategy of months and several symbols through the daily job: memory, calendar, frames, reports, backtest."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from mtum import config
from mtum.app.desk import Provenance
from mtum.app.ledger.book_problems import book_problems
from mtum.app.records.verify import verify
from mtum.app.reporting.daily_report import daily_report
from mtum.app.reporting.facts import Setup, session_facts
from mtum.app.reporting.quality import flip_lines
from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.service.rehearse import Surroundings, rehearse
from mtum.app.service.rehearse_market import CheckState
from mtum.app.session.play_session import Replay, play_session
from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.portfolio.carried import memory_of, standing_of
from mtum.core.reporting.explain import explanation_of, explanation_text
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Memory, Price
from mtum.errors import ExitCode
from mtum.wiring import desks
from mtum.wiring.reports import writer_of
from support.month_turn import MonthTurn
from support.practice import sample_market, settings_of, write_market

FIRST, LAST, SESSIONS = date(2017, 7, 3), date(2018, 1, 31), 60
SYMBOLS = ("AAA", "BBB", "CCC")
STRATEGY = MonthTurn()


def settings() -> config.Settings:
    plain = settings_of(market__source="csv", risk__max_position_usd=1e6, risk__max_daily_loss_usd=1e6)
    portfolio = structs.replace(plain.portfolio, strategy=STRATEGY.name, capital_usd=20_000.0)
    return structs.replace(plain, strategy={**plain.strategy, STRATEGY.name: STRATEGY}, portfolio=portfolio)


def walk(bars: Bars, symbol: str, seed: int) -> Bars:
    """Moves large enough for stops, and a dividend now and then."""
    draw = np.random.default_rng(seed)
    close = np.round(40.0 * np.exp(np.cumsum(draw.normal(0.0, 0.022, len(bars)))), 2)
    dividend = np.where(np.arange(len(bars)) % 29 == 7, 0.25, 0.0)
    columns = {**dict.fromkeys(PRICE_COLUMNS, close), "volume": bars.volume, "dividend": dividend}
    return Bars.from_columns(symbol, "csv", bars.days, columns)


VIX = sample_market(FIRST, LAST)[1]
MARKET = {symbol: walk(sample_market(FIRST, LAST)[0], symbol, 160 + at) for at, symbol in enumerate(SYMBOLS)}


@contextmanager
def market(folder: Path) -> Iterator[Replay]:
    write_market(folder / "bars", MARKET, VIX)
    with desks.replay_desk(settings(), folder) as replay:
        yield replay


def test_a_symbol_whose_dividends_are_not_told_is_not_decided_on(tmp_path: Path) -> None:
    with market(tmp_path) as replay:
        file = tmp_path / "bars" / "BBB.csv"
        file.write_text("".join(line.rpartition(",")[0] + "\n" for line in file.read_text().splitlines()))
    with desks.replay_desk(settings(), tmp_path) as replay:
        replay.desk.clock.wait_until(replay.market[0].before_close(20))
        looked = rehearse(replay.desk, replay.market[0], Surroundings(lambda: 10**10, lambda: (), lambda: ()))
        assert [(one.name, one.state) for one in looked.checks if one.exit_code] == [
            ("dividends BBB", CheckState.NO_GO)
        ]
        result = play_session(replay.desk, replay.market[0])
        assert looked.exit_code is result.exit_code is ExitCode.DATA
        told = "BBB: csv does not tell its dividends, and month_turn needs total returns"
        assert told in result.document["problems"][0]["text"]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, STRATEGY.name, MonthTurn)
        with market(tmp_path_factory.mktemp("month_turn")) as replay:
            for session in replay.market[:SESSIONS]:
                result = play_session(replay.desk, session)
                assert result.exit_code is ExitCode.DONE, result.document["problems"]
            yield replay


def test_what_one_decision_remembers_is_what_the_next_one_knows(played: Replay) -> None:
    records = played.desk.store.decisions.final_decisions()
    assert len(records) == SESSIONS
    known: Memory = {}
    standing: object = ()
    for record in records:
        book = record.frame["book"]
        assert memory_of(book.get("memory", {})) == known
        assert standing_of(book.get("standing", [])) == standing
        known = memory_of(record.document.get("memory", {}))
        standing = standing_of(record.document.get("standing", []))
    months = [record.document["memory"]["month"] for record in records]
    assert months == sorted(months)
    assert len({*months}) == 4
    remembered = [value for record in records for value in memory_of(record.document["memory"]).values()]
    assert any(isinstance(value, Price) for value in remembered)
    reasons = {reason for record in records for reason in record.reasons}
    assert {"month", "stop", "purchase_carried"} <= reasons, "every way of the contract was gone"


def test_a_series_comes_with_the_values_asked_for(played: Replay) -> None:
    days = sorted(VIX)
    for record in played.desk.store.decisions.final_decisions():
        at = days.index(record.session)
        assert record.frame["series_history"] == {"VIX": {str(day): VIX[day] for day in days[at - 2 : at]}}
        assert record.document["symbols"]["AAA"]["indicators"]["fear"] == VIX[days[at - 2]] + VIX[days[at - 1]]


def test_its_decisions_and_books_verify(played: Replay) -> None:
    desk = played.desk
    assert book_problems(desk.store) == ()
    today = desk.provenance
    assert isinstance(today, Provenance)
    found = verify(desk.store, desk.settings, today)
    assert (found.exit_code, found.document["verified"]) == (0, SESSIONS)


def test_the_backtest_of_the_same_sessions_is_the_same(played: Replay) -> None:
    desk = played.desk
    days = [session.day for session in played.market[:SESSIONS]]
    first = int(np.searchsorted(MARKET["AAA"].days, np.datetime64(days[0])))
    calendar = tuple(one.day for one in desk.calendar.sessions(date(2017, 1, 3), date(2018, 3, 1)))
    terms = BacktestRequest(desk.settings, settlement="calendar").terms()
    fast = play_sessions(SessionHistory(MARKET, {"VIX": VIX}, calendar), STRATEGY, terms, first, first + SESSIONS)
    equity = {point.session: float(point.equity_usd) for point in desk.store.ledger.equity(STRATEGY.name)}
    assert dict(zip(days, fast.equity.tolist(), strict=True)) == pytest.approx(equity, abs=0.006)
    assert len(fast.trades) == 2


def test_its_decision_is_explained_with_what_it_remembers(played: Replay) -> None:
    carried = next(one for one in played.desk.store.decisions.final_decisions() if "purchase_carried" in one.reasons)
    row = {name: getattr(carried, name) for name in ("session", "strategy", "action", "reasons", "document", "frame")}
    told = explanation_of(row, STRATEGY)
    assert told.memory["month"] == carried.document["memory"]["month"]
    text = explanation_text(told)
    assert "a purchase of an earlier decision is made good" in text
    assert "Remembers" in text


def test_its_day_is_reported(played: Replay, tmp_path: Path) -> None:
    desk, day = played.desk, played.market[SESSIONS - 1].day
    writer = writer_of(desk.settings, tmp_path, desk.store, desk.calendar, html=False)
    report = daily_report(writer, day, desk.clock.now())
    assert "month_turn" in report.text


def test_what_would_change_the_next_decision_is_asked_with_what_is_remembered(played: Replay) -> None:
    desk = played.desk
    setup = Setup(desk.settings, desk.account)
    levels = 0
    for session in played.market[SESSIONS - 20 : SESSIONS : 5]:
        facts = session_facts(desk.store, desk.calendar, setup, session.day)
        assert facts.decision is not None
        memory = memory_of(facts.decision.document["memory"])
        for line in flip_lines(facts):
            stop = memory.get(f"stop:{line.symbol}")
            if line.when == "next":
                assert isinstance(stop, Price)
                assert line.level == pytest.approx(stop.usd, abs=1e-4)
                levels += 1
    assert levels


def test_memory_is_that_of_the_last_decision_before_a_session(played: Replay) -> None:
    store = played.desk.store
    last = played.market[SESSIONS - 1].day
    found = store.decisions.memory_before(STRATEGY.name, played.market[SESSIONS].day)
    assert found is not None
    decided, document = found
    assert (decided, document["memory"]["month"]) == (last, "2017-11")
    earlier = store.decisions.memory_before(STRATEGY.name, last)
    assert earlier is not None
    assert earlier[0] == played.market[SESSIONS - 2].day
    assert store.decisions.memory_before(STRATEGY.name, played.market[0].day) is None
    assert store.decisions.memory_before("other", last) is None
