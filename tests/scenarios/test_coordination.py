"""Sleeves that want opposite things, and limits that cut them, through the whole daily job."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum import config
from mtum.app.approvals.approve_orders import noticed
from mtum.app.ledger.book_problems import book_problems
from mtum.app.owner.flatten import flatten_now
from mtum.app.queries.risk import account_risk
from mtum.app.records.verify import verify
from mtum.app.reporting.daily_report import preview_report
from mtum.app.reporting.period import Kind
from mtum.app.reporting.review import write_review
from mtum.app.session.decide_and_order import decide_and_order
from mtum.app.session.likely_order import likely_order
from mtum.app.session.play_session import Replay, play_session
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import OrderStatus
from mtum.core.reporting.parts.coordination import coordination_document, coordination_lines
from mtum.core.simulation.exchange_state import FillPlan, PlanEffect
from mtum.core.strategies import STRATEGIES
from mtum.ports.records import Way
from mtum.ports.time import Journal
from mtum.wiring import desks
from mtum.wiring.reports import writer_of
from mtum.wiring.resources import opened_reader
from support.practice import exchange_in, instruct
from support.scripted import Scripted
from support.three_sleeves import played, write_three
from support.values import replace

DAYS = (date(2017, 9, 5), date(2017, 9, 6), date(2017, 9, 7))


def row(day: date, symbol: str, weight: float) -> str:
    return f'{{day = "{day}", symbol = "{symbol}", weight = {weight}}}'


def sleeve(name: str, weight: float, *rows: str) -> str:
    script = ", ".join(rows)
    return (
        f'[sleeve.{name}]\nstrategy = "scripted"\nweight = {weight}\n'
        f'[sleeve.{name}.rules]\nsymbols = ["AAA", "BBB"]\nscript = [{script}]\n'
    )


@contextmanager
def account(folder: Path, *sleeves: str, extra: str = "", journal: Journal | None = None) -> Iterator[Replay]:
    if not (folder / "bars").exists():
        write_three(folder)
    head = f'[market]\nsource = "csv"\n[portfolio]\ncapital_usd = 30000\n{extra}\n'
    (folder / "config.toml").write_text(head + "".join(sleeves))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Scripted.name, Scripted)
        settings = config.load(folder / "config.toml", {}, {})
        with desks.replay_desk(settings, folder, journal) as replay:
            yield replay


CROSSING = (
    sleeve("core", 0.6, row(DAYS[0], "AAA", 1.0), row(DAYS[1], "AAA", 0.0)),
    sleeve("timing", 0.3, row(DAYS[1], "AAA", 1.0)),
)


def shares(replay: Replay, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for lot in replay.desk.store.ledger.lots(name):
        found[lot.symbol] = found.get(lot.symbol, 0) + lot.shares
    return found


def sleeves_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"sleeve": name, **one} for name, one in document["sleeves"].items()]


def first_days(replay: Replay) -> list[dict[str, Any]]:
    documents = played(replay, 1)
    while documents[-1]["session"] < str(DAYS[-1]):
        documents += played(replay, 1)
    return [one for one in documents if one["session"] in {str(day) for day in DAYS}]


def test_a_sale_of_one_sleeve_fills_the_purchase_of_another_and_only_the_rest_goes_out(tmp_path: Path) -> None:
    with account(tmp_path, *CROSSING) as replay:
        documents = first_days(replay)
        store = replay.desk.store
        (sold,) = [one for one in documents[1]["orders"] if one["side"] == "SELL"]
        crosses = store.crosses.crosses_of(DAYS[1])
        inside = {(one.strategy, one.side.value): one.shares for one in crosses}
        bought = inside["timing", "BUY"]
        held = documents[0]["orders"][0]["shares"]

        assert [one["exit_code"] for one in documents] == [0, 0, 0]
        assert inside == {("core", "SELL"): bought, ("timing", "BUY"): bought}
        assert sold["shares"] == held - bought > 0
        assert {one.status for one in crosses} == {OrderStatus.FILLED}
        assert shares(replay, "core") == {}
        assert shares(replay, "timing") == {"AAA": bought}


def test_both_sides_of_a_cross_get_the_official_close_and_pay_nothing_for_it(tmp_path: Path) -> None:
    with account(tmp_path, *CROSSING) as replay:
        first_days(replay)
        fills = [fill for fill in replay.desk.store.orders.fills() if fill.crossed]
        close = replay.desk.store.bars.bars("AAA", "csv", DAYS[1]).find(DAYS[1])
        assert close is not None

        assert {(fill.price, fill.commission_usd) for fill in fills} == {(Decimal(str(close.close)), Decimal(0))}
        assert sum(fill.signed_shares for fill in fills) == 0


def test_after_a_cross_records_account_and_exchange_agree(tmp_path: Path) -> None:
    with account(tmp_path, *CROSSING) as replay:
        first_days(replay)
        desk = replay.desk
        found = verify(desk.store, desk.settings, desk.provenance)

        assert (found.document["failed"], found.exit_code) == (0, 0)
        assert not book_problems(desk.store)
        (broker,) = exchange_in(tmp_path).accounts
        assert {one.symbol: int(one.shares) for one in broker.positions} == shares(replay, "timing")
        cash = sum(one.amount_usd for name in ("core", "timing") for one in desk.store.ledger.movements(name))
        assert float(broker.cash) == pytest.approx(float(cash) + 3000, abs=1e-6)  # a tenth belongs to no sleeve


def decided_on(replay: Replay, day: date) -> Session:
    """Play the sessions before a day, and decide that day's."""
    while (session := replay.upcoming()) and session.day < day:
        play_session(replay.desk, session)
    assert session is not None
    decide_and_order(replay.desk, session)
    return session


def test_who_flattens_a_sleeve_takes_back_its_purchase_and_leaves_the_others_alone(tmp_path: Path) -> None:
    both = (sleeve(name, 0.5, row(DAYS[0], "AAA", 1.0)) for name in ("core", "timing"))
    with account(tmp_path, *both) as replay:
        session = decided_on(replay, DAYS[0])
        flat = flatten_now(replay.desk, "AAA", "not this one", "core")
        assert (flat.exit_code, flat.document["problems"]) == (0, [])
        assert [one["status"] for one in flat.document["orders"]] == ["CANCELED", "ACCEPTED"]
        play_session(replay.desk, session)
        assert [shares(replay, name) != {} for name in ("core", "timing")] == [False, True]


def test_what_changes_sleeves_at_the_close_is_not_sold_a_second_time_by_hand(tmp_path: Path) -> None:
    sleeves = (
        sleeve("core", 0.3, row(DAYS[0], "AAA", 1.0), row(DAYS[1], "AAA", 0.0)),
        sleeve("timing", 0.6, row(DAYS[1], "AAA", 1.0)),
    )
    with account(tmp_path, *sleeves) as replay:
        session = decided_on(replay, DAYS[1])
        (inside,) = {one.shares for one in replay.desk.store.crosses.crosses_of(DAYS[1])}
        assert shares(replay, "core") == {"AAA": inside}
        flat = flatten_now(replay.desk, "AAA", "enough", "core")
        assert [(one["side"], one["status"]) for one in flat.document["orders"]] == [("BUY", "ACCEPTED")]
        assert flat.exit_code == 0
        play_session(replay.desk, session)
        assert shares(replay, "core") == {}
        assert not book_problems(replay.desk.store)


def test_a_changed_plan_is_noticed(tmp_path: Path) -> None:
    with account(tmp_path, *CROSSING) as replay:
        first_days(replay)
        desk = replay.desk
        plan = desk.store.plans.plan_of(DAYS[1])
        assert plan is not None
        assert [one["crossed"] for one in plan.document["orders"]] == [plan.document["orders"][1]["crossed"]] * 2
        database = desk.store.database  # type: ignore[attr-defined] # the store of SQLite has it
        with database.write() as connection:
            connection.execute("UPDATE plans SET document = replace(document, '\"crossed\":', '\"crossed\":1')")

        assert verify(desk.store, desk.settings, desk.provenance).exit_code == 6


@pytest.mark.parametrize(("limit", "symbol"), [("max_symbol_frac", "AAA"), ("max_gross_frac", "BBB")])
def test_what_a_sleeve_holds_that_is_off_counts_in_the_limits_of_the_account(
    tmp_path: Path, limit: str, symbol: str
) -> None:
    """Whether another sleeve looks at the symbol today or nobody does."""
    own = sleeve("core", 0.5, row(DAYS[1], symbol, 1.0)).replace('"AAA", "BBB"', f'"{symbol}"')
    other = sleeve("timing", 0.5, row(DAYS[0], "AAA", 1.0)).replace('"AAA", "BBB"', '"AAA"')
    with account(tmp_path, own, other) as replay:
        while (session := replay.upcoming()) and session.day < DAYS[1]:
            play_session(replay.desk, session)
    silent = other.replace("weight = 0.5", 'weight = 0.5\nstate = "off"')
    with account(tmp_path, own, silent, extra=f"[risk]\n{limit} = 0.6") as replay:
        (document,) = played(replay, 1)
        desk = replay.desk
        plan = desk.store.plans.plan_of(DAYS[1])
        assert plan is not None
        held, price, equity = shares(replay, "timing")["AAA"], plan.frame["prices"], plan.frame["equity_usd"]
        worth = held * price["AAA"]
        assert document["problems"] == []  # nor is what it holds an unexplained change of the account's worth
        (order,) = document["orders"]
        (cut,) = document["coordination"]["cuts"]
        # Half of the account is in AAA by the sleeve that is off: a tenth is left.
        assert order["shares"] == int((0.6 * equity - worth) / price[symbol]) < cut["before"]
        assert cut["limit"] == limit
        assert cut["value"] == pytest.approx((worth + cut["before"] * price[symbol]) / equity, abs=1e-6)
        found = verify(desk.store, desk.settings, desk.provenance)
        assert (found.document["failed"], found.exit_code) == (0, 0)


def test_a_limit_of_the_account_cuts_the_purchases_of_all_sleeves_alike(tmp_path: Path) -> None:
    both = (
        sleeve("core", 0.5, row(DAYS[0], "AAA", 1.0)),
        sleeve("timing", 0.5, row(DAYS[0], "AAA", 1.0)),
    )
    with account(tmp_path, *both, extra="[risk]\nmax_symbol_frac = 0.4") as replay:
        document = first_days(replay)[0]
        plan = replay.desk.store.plans.plan_of(DAYS[0])
        assert plan is not None
        cuts = plan.document["cuts"]

        assert {(one["limit"], one["threshold"]) for one in cuts} == {("max_symbol_frac", 0.4)}
        assert [one["shares"] for one in document["orders"]] == [one["after"] for one in cuts]
        price = document["symbols"]["AAA"]["indicators"].get("close") or plan.frame["prices"]["AAA"]
        assert 0.4 * 30000 - 2 * price < sum(one["after"] for one in cuts) * price <= 0.4 * 30000
        assert verify(replay.desk.store, replay.desk.settings, replay.desk.provenance).exit_code == 0


@pytest.mark.parametrize(
    ("ways", "crossed", "traded", "code"),
    [
        (("enter", "exit"), True, [("core", "SELL", "FILLED")], 0),
        (("exit",), False, [("core", "SELL", "FILLED")], 7),
        (("enter",), False, [("timing", "BUY", "FILLED")], 7),
        ((), False, [("core", "SELL", "LAPSED")], 7),
    ],
)
def test_shares_change_sleeves_where_a_person_approved_both_sides_that_were_noticed(
    tmp_path: Path, ways: tuple[Way, ...], crossed: bool, traded: list[tuple[str, str, str]], code: int
) -> None:
    with account(tmp_path, *CROSSING, extra='[risk]\nrequire_confirmation = "all"') as replay:
        desk, approve = replay.desk, replay.desk.store.approvals.approve
        approve(DAYS[0], "enter", desk.clock.now())
        while (session := replay.upcoming()) and session.day < DAYS[1]:
            play_session(desk, session)
        assert session is not None
        desk.clock.wait_until(session.before_close(30))
        notice = likely_order(desk, session)
        assert notice is not None
        bought = noticed(desk.store.control, DAYS[1])[1]["shares"]  # type: ignore[index] # there is a notice
        assert f"BUY {bought} AAA for timing, {bought} of it with another sleeve." in notice.text
        assert f"mtum approve --session {DAYS[1]} --exit --sleeve core --symbol AAA" in notice.text
        assert "only if both sides are approved by 15:40 New York" in notice.text
        for way in ways:
            approve(DAYS[1], way, desk.clock.now())
        document = play_session(desk, session).document

        assert bool(desk.store.crosses.crosses_of(DAYS[1])) is crossed
        rows = [(one["sleeve"], order) for one in sleeves_of(document) for order in one["orders"]]
        assert [(name, order["side"], order["status"]) for name, order in rows] == traded
        assert document["exit_code"] == code
        assert verify(desk.store, desk.settings, desk.provenance).exit_code == 0


def test_a_person_reads_what_was_cut_and_what_changed_sleeves(tmp_path: Path) -> None:
    with account(tmp_path, *CROSSING, extra="[risk]\nmax_symbol_frac = 0.2") as replay:
        first_days(replay)
        plans = [replay.desk.store.plans.plan_of(day) for day in DAYS[:2]]
        first, second = (coordination_lines(coordination_document(plan.document)) for plan in plans if plan)

    assert first[0].startswith("core buys ")
    assert first[0].endswith("(max_symbol_frac): AAA would have been 66.2% of the account, the limit is 20.0%.")
    assert "AAA change sleeves at the official close, without commission: core " in second[-1]


def test_a_purchase_that_fell_short_is_missed_by_the_sleeve_that_wanted_it_alone(tmp_path: Path) -> None:
    write_three(tmp_path)
    instruct(tmp_path, FillPlan(PlanEffect.PARTIAL_FILL, symbol="AAA", session=DAYS[0], shares=10))
    both = (sleeve("core", 0.5, row(DAYS[0], "AAA", 0.5)), sleeve("timing", 0.5, row(DAYS[1], "BBB", 0.5)))
    with account(tmp_path, *both) as replay:
        documents = first_days(replay)
        desk = replay.desk
        writer = writer_of(desk.settings, tmp_path, desk.store, desk.calendar, html=False)
        review = write_review(writer, Kind.WEEK, DAYS[-1], desk.clock.now()).review
        owing = replace(desk.store.ledger.equity("timing")[-1], cash_usd=Decimal(-5))
        desk.store.ledger.write_equity(owing)
        told = [line.text for line in preview_report(writer, DAYS[-1]).summary.problems]
    wanted = documents[0]["orders"][0]["shares"]

    assert {name: [(one.symbol, one.shares) for one in part.missed] for name, part in review.sleeves.items()} == {
        "core": [("AAA", wanted - 10)],
        "timing": [],
    }
    assert "cash of timing is -5.00 USD; the next entry waits until it is not negative" in told


def test_the_risk_of_the_account_is_that_of_all_sleeves_together(tmp_path: Path) -> None:
    both = (sleeve("core", 0.5, row(DAYS[0], "AAA", 0.5)), sleeve("timing", 0.5, row(DAYS[0], "BBB", 0.5)))
    limits = "[risk]\nmax_symbol_frac = 0.5\n[group.all]\nsymbols = ['AAA', 'BBB']\nmax_frac = 0.8"
    with account(tmp_path, *both, extra=limits) as replay:
        first_days(replay)
        settings = replay.desk.settings
    with opened_reader(settings, tmp_path / "mtum.db") as reader:
        assert reader is not None
        found = account_risk(settings, reader)
    uses = {(one.sleeve, one.limit): one for one in found.limits}
    weights = dict(found.risk.weights)

    assert set(weights) == {"AAA", "BBB"}
    assert uses["", "group.all"].value == pytest.approx(sum(weights.values()), abs=1e-6)
    assert uses["", "max_symbol_frac"].value == max(weights.values())
    assert uses["", "max_symbol_frac"].use == pytest.approx(max(weights.values()) / 0.5, abs=1e-6)
    assert uses["core", "max_daily_loss_frac"].threshold == 0.1
    assert ("core", "max_position_usd") not in uses
    assert found.risk.concentration == pytest.approx(0.5, abs=0.01)
    assert {one.change_frac for one in found.stresses} == {None}  # the market of the test begins in 2017


def test_what_a_sleeve_holds_that_is_off_is_read_before_the_decision_as_all_else(tmp_path: Path) -> None:
    """A split of a session that nobody settled is known then, and its lots follow it in time."""
    own = sleeve("core", 0.5).replace('"AAA", "BBB"', '"BBB"')
    other = sleeve("timing", 0.5, row(DAYS[0], "AAA", 1.0)).replace('"AAA", "BBB"', '"AAA"')
    with account(tmp_path, own, other) as replay:
        while (session := replay.upcoming()) and session.day < DAYS[2]:
            play_session(replay.desk, session)
        database = replay.desk.store.database  # type: ignore[attr-defined] # the store of SQLite has it
        with database.write() as connection:
            connection.execute("DELETE FROM bars WHERE symbol = 'AAA' AND session >= ?", (str(DAYS[1]),))
    with account(tmp_path, own, other.replace("weight = 0.5", 'weight = 0.5\nstate = "off"')) as replay:
        session = replay.upcoming()
        assert session is not None
        assert decide_and_order(replay.desk, session).exit_code == 0
        assert replay.desk.store.bars.last_final("AAA", "csv") == DAYS[1]
