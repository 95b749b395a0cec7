"""One symbol whose bars cannot be decided on: the others go on, and what is held of it raises the alarm."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import structs

from mtum import config
from mtum.app.ledger.book_problems import book_problems
from mtum.app.records.verify import DECIDED_FIELDS
from mtum.app.reporting.daily_report import daily_report
from mtum.app.reporting.period import Kind
from mtum.app.reporting.review import write_review
from mtum.app.service.rehearse import Surroundings, rehearse
from mtum.app.service.rehearse_market import CheckState
from mtum.app.session.play_session import Replay, play_session
from mtum.core.market.bars import PRICE_COLUMNS, Bar, Bars
from mtum.core.record import differences, replayed
from mtum.core.reporting.explain import explanation_of, explanation_text
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView
from mtum.wiring import desks
from mtum.wiring.reports import writer_of
from support.commands import call, call_json
from support.practice import sample_market, settings_of, write_market
from support.sixty_forty import SixtyForty

FIRST, LAST = date(2017, 10, 2), date(2017, 10, 13)
SECOND, THIRD = date(2017, 10, 3), date(2017, 10, 4)


@dataclass(frozen=True, slots=True)
class Halves(Strategy):
    """Half the money in each of two symbols, each for itself."""

    name: ClassVar[str] = "halves"
    EACH_BY_ITSELF: ClassVar[bool] = True

    def universe(self) -> tuple[str, ...]:
        """Both symbols."""
        return ("AAA", "BBB")

    def history_sessions(self) -> int:
        """Today's price is enough."""
        return 1

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Buy what is not held yet."""
        held = {symbol: own.of(symbol).shares for symbol in view.bars}
        return tuple(
            SymbolVerdict(symbol, Keep() if shares else Target(0.5), ("hold" if shares else "flat",), (), {})
            for symbol, shares in held.items()
        )


def settings(strategy: Strategy) -> config.Settings:
    plain = settings_of(market__source="csv", risk__max_position_usd=1e6, risk__max_daily_loss_usd=1e6)
    portfolio = structs.replace(plain.portfolio, strategy=strategy.name)
    return structs.replace(plain, strategy={**plain.strategy, strategy.name: strategy}, portfolio=portfolio)


def steady(bars: Bars, symbol: str, price: float, missing: date | None = None) -> Bars:
    columns = {**{name: [price] * len(bars) for name in PRICE_COLUMNS}, "volume": bars.volume}
    whole = Bars.from_columns(symbol, "csv", bars.days, columns)
    return Bars.of(symbol, "csv", [whole.bar(n) for n in range(len(whole)) if whole.day(n) != missing])


@contextmanager
def market(folder: Path, *, missing: date, strategy: Strategy | None = None) -> Iterator[Replay]:
    """Two symbols at 50 and 40 USD; BBB has no bar of one session."""
    bars, _ = sample_market(FIRST, LAST)
    write_market(folder / "bars", {"AAA": steady(bars, "AAA", 50.0), "BBB": steady(bars, "BBB", 40.0, missing)})
    with desks.replay_desk(settings(strategy or Halves()), folder) as replay:
        yield replay


def played(replay: Replay) -> dict[str, Any]:
    session = replay.upcoming()
    assert session is not None
    return play_session(replay.desk, session).document


def orders(document: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(order["symbol"], order["side"], order["shares"]) for order in document["orders"]]


def test_an_unfit_symbol_that_is_not_held_is_left_out_and_named(tmp_path: Path) -> None:
    with market(tmp_path, missing=FIRST) as replay:
        first = played(replay)
        # 2,500 / (50 x 1.006) = 49.7
        assert orders(first) == [("AAA", "BUY", 49)]
        decided = replay.desk.store.decisions.decision_of(FIRST, Halves.name)
        assert decided is not None
        assert decided.document["degraded"] == ["BBB"]
        assert decided.document["symbols"]["BBB"]["verdict"] == "abstain"
        assert list(decided.document["symbols"]) == ["AAA", "BBB"]
        # The next session has its bar: 2,500 less what buying cost / (40 x 1.006) = 62.0
        assert orders(played(replay)) == [("BBB", "BUY", 62)]


def test_the_run_ends_well_where_nothing_of_the_unfit_symbol_is_held(tmp_path: Path) -> None:
    with market(tmp_path, missing=FIRST) as replay:
        played(replay)
        run = replay.desk.store.runs.run_of("decide_and_order", "", FIRST)
        assert run is not None
        assert run.document is not None
        assert [one for one in run.document["problems"] if "was not decided" in one["text"]] == []


def test_an_unfit_symbol_that_is_held_raises_the_alarm_after_the_rest_is_done(tmp_path: Path) -> None:
    with market(tmp_path, missing=SECOND) as replay:
        # 2,500 / (50 x 1.006) = 49.7 and 2,500 / (40 x 1.006) = 62.1
        assert orders(played(replay)) == [("AAA", "BUY", 49), ("BBB", "BUY", 62)]
        second = played(replay)
        assert second["exit_code"] == 3
        assert any("BBB is held and was not decided" in one["text"] for one in second["problems"])
        decided = replay.desk.store.decisions.decision_of(SECOND, Halves.name)
        assert decided is not None
        # 5,000 less 0.1 % of 4,930: BBB is worth its last close.
        assert decided.document["equity_usd"] == pytest.approx(5000 - 4.93)
        assert decided.frame["unfit"] == {"BBB": 40.0}
        assert second["orders"] == []


@pytest.mark.parametrize(
    ("strategy", "missing", "sessions", "code"),
    [(Halves(), FIRST, 0, 0), (Halves(), SECOND, 1, 3), (SixtyForty(), SECOND, 1, 3)],
    ids=["flat", "held", "weighed against each other"],
)
def test_a_rehearsal_judges_a_symbol_as_the_run_does(
    tmp_path: Path, strategy: Strategy, missing: date, sessions: int, code: int
) -> None:
    with market(tmp_path, missing=missing, strategy=strategy) as replay:
        for _ in range(sessions):
            played(replay)
        session = replay.upcoming()
        assert session is not None
        replay.desk.clock.wait_until(session.before_close(20))
        told = rehearse(replay.desk, session, Surroundings(lambda: 10**10, lambda: (), lambda: ()))
        states = {check.name: check.state for check in told.checks if check.name.startswith("market data")}
        unfit = CheckState.NO_GO if code else CheckState.WARNING
        assert states == {"market data AAA": CheckState.OK, "market data BBB": unfit}
        assert told.exit_code == played(replay)["exit_code"] == code


def test_the_close_beside_the_shares_is_that_of_the_symbol_held(tmp_path: Path) -> None:
    bars, _ = sample_market(FIRST, LAST)
    write_market(tmp_path / "bars", {"AAA": steady(bars, "AAA", 4000.0), "BBB": steady(bars, "BBB", 40.0)})
    with desks.replay_desk(settings(Halves()), tmp_path) as replay:
        # Half of 5,000 buys no AAA.
        assert orders(played(replay)) == [("BBB", "BUY", 62)]
        (point,) = replay.desk.store.ledger.equity(Halves.name)
        assert point.shares == 62
        assert point.close == 40
        assert book_problems(replay.desk.store) == ()


def test_the_equity_of_a_session_without_one_close_is_provisional_until_it_is_there(tmp_path: Path) -> None:
    with market(tmp_path, missing=SECOND) as replay:
        played(replay)
        played(replay)
        ledger = replay.desk.store.ledger
        first, second = ledger.equity(Halves.name)
        assert (first.final, second.final) == (True, False)
        assert second.equity_usd == first.equity_usd
        played(replay)
        assert [point.final for point in ledger.equity(Halves.name)] == [True, False, True]
        # The file is completed: the next settling values that session again.
        bars, _ = sample_market(FIRST, LAST)
        write_market(tmp_path / "bars", {"BBB": steady(bars, "BBB", 40.0)})
    with desks.replay_desk(settings(Halves()), tmp_path) as again:
        played(again)
        assert all(point.final for point in again.desk.store.ledger.equity(Halves.name))


def test_such_a_session_is_explained(tmp_path: Path) -> None:
    with market(tmp_path, missing=SECOND) as replay:
        for _ in range(2):
            played(replay)
        record = replay.desk.store.decisions.decision_of(SECOND, Halves.name)
        assert record is not None
        row = {
            name: getattr(record, name) for name in ("session", "strategy", "action", "reasons", "document", "frame")
        }
        told = explanation_of(row, Halves())
        assert told.inputs["BBB"]["last_close"] == 40.0
        assert "the bars of BBB cannot be decided on, so nothing is ordered in it" in explanation_text(told)


def test_such_sessions_replay_bit_for_bit(tmp_path: Path) -> None:
    with market(tmp_path, missing=SECOND) as replay:
        for _ in range(3):
            played(replay)
        desk = replay.desk
        records = desk.store.decisions.final_decisions()
        assert [record.session for record in records] == [FIRST, SECOND, THIRD]
        for record in records:
            again = replayed(record.frame, Halves(), desk.sleeves[0].rules)
            assert (
                differences(
                    {name: record.document.get(name) for name in DECIDED_FIELDS},
                    {name: again.get(name) for name in DECIDED_FIELDS},
                )
                == []
            )
        assert [sorted(record.frame.get("unfit", {})) for record in records] == [[], ["BBB"], []]
        assert book_problems(desk.store) == ()


def test_a_strategy_that_weighs_its_symbols_against_each_other_decides_nothing(tmp_path: Path) -> None:
    with market(tmp_path, missing=SECOND, strategy=SixtyForty()) as replay:
        played(replay)
        second = played(replay)
        assert (second["exit_code"], second["action"], second["orders"]) == (3, "none", [])


def test_nothing_is_decided_where_every_symbol_is_unfit(tmp_path: Path) -> None:
    bars, _ = sample_market(FIRST, LAST)
    both = {symbol: steady(bars, symbol, 50.0, SECOND) for symbol in ("AAA", "BBB")}
    write_market(tmp_path / "bars", {**both, "AAA": steady(bars, "AAA", 50.0)})
    with desks.replay_desk(settings(Halves()), tmp_path) as replay:
        played(replay)
    write_market(tmp_path / "bars", both)
    with desks.replay_desk(settings(Halves()), tmp_path) as replay:
        assert replay.upcoming() is not None
        (session,) = replay.desk.calendar.sessions(SECOND, SECOND).known
        found = play_session(replay.desk, session).document
        assert (found["exit_code"], found["action"]) == (3, "none")


@pytest.mark.parametrize(("missing", "sessions"), [(FIRST, 1), (SECOND, 2)])
def test_the_report_of_such_a_session_names_the_symbol(tmp_path: Path, missing: date, sessions: int) -> None:
    with market(tmp_path, missing=missing) as replay:
        for _ in range(sessions):
            played(replay)
        desk = replay.desk
        writer = writer_of(desk.settings, tmp_path, desk.store, desk.calendar, html=False)
        report = daily_report(writer, missing, desk.clock.now())
        assert re.search(r"^Degraded +BBB$", report.text, re.MULTILINE)
        assert ("the bars of BBB cannot be decided on" in " ".join(report.text.split())) is (missing == SECOND)


def test_a_run_says_how_many_orders_left_and_which_symbol_was_not_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STRATEGIES, Halves.name, Halves)
    (tmp_path / "config.toml").write_text(
        '[market]\nsource = "csv"\n[portfolio]\nstrategy = "halves"\n[risk]\nmax_daily_loss_usd = 1e6\n'
    )
    bars, _ = sample_market(FIRST, LAST)
    folder = tmp_path / "data" / "bars"
    write_market(folder, {"AAA": steady(bars, "AAA", 50.0), "BBB": steady(bars, "BBB", 40.0, FIRST)})
    first = call(tmp_path, "run", "--session", str(FIRST))
    assert (first.code, first.err) == (0, "1 order sent, BBB not decided\n")
    again = call_json(tmp_path, "run", "--session", str(FIRST)).document
    assert (again["rerun"], again["sent"], again["undecided"]) == (True, 1, ["BBB"])
    write_market(folder, {"BBB": steady(bars, "BBB", 40.0, THIRD)})
    second = call_json(tmp_path, "run").document
    assert (second["session"], second["sent"], second["undecided"]) == (str(SECOND), 1, [])
    third = call_json(tmp_path, "run")
    assert (third.code, third.document["sent"], third.document["undecided"]) == (3, 0, ["BBB"])
    assert third.err.startswith("mtum: 0 orders sent, BBB not decided; BBB is held and was not decided, nothing was")
    assert third.document["problems"][0]["text"].startswith("BBB is held")


def test_a_review_marks_the_open_trade_of_each_symbol_at_its_own_close(tmp_path: Path) -> None:
    bars, _ = sample_market(FIRST, LAST)
    risen = Bars.of("BBB", "csv", [*list_of(steady(bars, "BBB", 40.0))[:2], *list_of(steady(bars, "BBB", 42.0))[2:]])
    write_market(tmp_path / "bars", {"AAA": steady(bars, "AAA", 50.0), "BBB": risen})
    with desks.replay_desk(settings(Halves()), tmp_path) as replay:
        for _ in range(4):
            played(replay)
        desk = replay.desk
        writer = writer_of(desk.settings, tmp_path, desk.store, desk.calendar, html=False)
        report = write_review(writer, Kind.WEEK, THIRD, desk.clock.now())
    # 49 AAA at 50 cost 2.45 and stand where they were bought; 62 BBB at 40 cost 2.48 and are 2 USD higher each.
    opened = [(trade.symbol, trade.shares, trade.pnl_usd) for trade in report.review.open_trades]
    assert opened == [("AAA", 49, -2.45), ("BBB", 62, pytest.approx(62 * 2.0 - 2.48))]
    assert re.search(r"BBB: .*\+121\.52", report.text)


def list_of(bars: Bars) -> list[Bar]:
    return [bars.bar(place) for place in range(len(bars))]
