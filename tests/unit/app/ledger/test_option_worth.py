"""What options are worth in a sleeve's equity: their marks, the close on their last day, and what stands in."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from mtum.app.desk import Desk
from mtum.app.ledger.book_problems import book_problems
from mtum.app.ledger.equity import booked, restate_equity
from mtum.app.ledger.option_worth import marks_of, options_at
from mtum.app.reporting.costs import costs
from mtum.app.reporting.facts import Setup, session_facts
from mtum.app.reporting.money import curves, equity_line, realized_usd
from mtum.app.reporting.period import Kind, period
from mtum.app.reporting.report_writer import ReportWriter
from mtum.core.options.chain import Quote
from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.options.lots import EventKind, LedgerEvent
from mtum.core.portfolio.options.orders import OptionIntent
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.layout import Facts
from mtum.core.reporting.parts import account
from mtum.core.reporting.parts import costs as costs_part
from mtum.core.reporting.parts.account import EquityLine
from mtum.core.reporting.parts.result import BenchmarkLine, Pnl
from mtum.core.reporting.stated import State
from mtum.ports.broker import Broker
from mtum.ports.records import CashMovement, EquityPoint
from mtum.ports.reports import ReportFiles
from support.bars import bars_of
from support.desks import ShelfSource, market_desk
from support.option_orders import DAY, GROUP, put
from support.option_store import leg_fill, planned
from support.values import replace

FRIDAY, MONDAY = DAY, DAY + timedelta(days=3)
AT = datetime(2026, 7, 10, 20, 30, tzinfo=UTC)
P95 = put(95, FRIDAY)
"""Sold on its last day."""
LATER = put(95)
D = Decimal
NAME = "buy_and_hold"
"""Any sleeve can hold options, whatever its strategy says now."""


class Told:
    """A broker that pays dividends itself."""

    proves_absence = False


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with market_desk(
        tmp_path, ShelfSource({}), AT, portfolio__strategy="buy_and_hold", strategy__buy_and_hold__symbol="SPY"
    ) as made:
        bars = bars_of([94.0, 96.0], symbol="SPY", first=FRIDAY)
        made.store.bars.accept(bars, AT, MONDAY)
        made.store.ledger.move_cash([CashMovement(f"capital:{NAME}", NAME, FRIDAY, "capital", D(20_000))])
        yield replace(made, broker=cast("Broker", Told()))


def sold(desk: Desk, contract: OptionContract = LATER, fee: str | None = "0.70") -> None:
    one = sold_put(desk, contract)
    desk.store.options.commit_intents([one], AT)
    desk.store.options.record_fills([leg_fill(one, "e.01", contract, -1, "1.20", fee)])


def sold_put(desk: Desk, contract: OptionContract = LATER) -> OptionIntent:
    return planned((Side.SELL, contract), account=desk.account, strategy=NAME)


def point(desk: Desk, day: date) -> EquityPoint:
    return next(one for one in desk.store.ledger.equity(NAME) if one.session == day)


def test_an_equity_point_counts_options_at_the_mark_of_its_session(desk: Desk) -> None:
    sold(desk)
    desk.store.options.record_marks(FRIDAY, {LATER: D("1.50")}, "quotes", AT)
    restate_equity(desk, FRIDAY)
    found = point(desk, FRIDAY)
    # 20,000 and 119.30 received; 150 to buy it back.
    assert (found.cash_usd, found.market_usd, found.equity_usd) == (D("20119.30"), D("-150"), D("19969.30"))
    assert found.final
    restate_equity(desk, MONDAY)
    stale = point(desk, MONDAY)
    assert (stale.market_usd, stale.final) == (D("-150"), False)
    assert book_problems(desk.store) == ()


def test_without_a_mark_the_premium_counts_in_its_own_session_and_stands_in_later(desk: Desk) -> None:
    sold(desk)
    restate_equity(desk, FRIDAY)
    restate_equity(desk, MONDAY)
    assert [(point(desk, day).market_usd, point(desk, day).final) for day in (FRIDAY, MONDAY)] == [
        (D("-120"), True),
        (D("-120"), False),
    ]


def test_on_its_last_day_a_contract_is_worth_what_the_close_makes_it_and_then_its_shares(desk: Desk) -> None:
    sold(desk, P95)
    restate_equity(desk, FRIDAY)
    # 95 less 94, times 100.
    assert (point(desk, FRIDAY).market_usd, point(desk, FRIDAY).final) == (D("-100"), True)
    event = LedgerEvent(EventKind.ASSIGNED, desk.account, P95, -1, D(95), FRIDAY, -1)
    with booked(desk, FRIDAY):
        desk.store.options.record_events([event], AT)
    after = point(desk, FRIDAY)
    assert (after.cash_usd, after.market_usd, after.shares) == (D("10619.30"), D("9400"), 100)
    assert after.equity_usd == D("20019.30")
    restate_equity(desk, MONDAY)
    assert point(desk, MONDAY).equity_usd == D("20219.30")
    assert [(lot.shares, lot.entry_price) for lot in desk.store.ledger.lots(NAME)] == [(100, D(95))]
    assert book_problems(desk.store) == ()
    assert options_at(desk.store, "yahoo", NAME, MONDAY) == (D(0), True)
    assert desk.store.options.book(NAME).delivered[0].group == GROUP


def test_an_equity_point_that_leaves_options_out_is_told(desk: Desk) -> None:
    sold(desk, P95)
    restate_equity(desk, FRIDAY)
    found = point(desk, FRIDAY)
    desk.store.ledger.write_equity(replace(found, market_usd=D(0), equity_usd=found.cash_usd))
    assert [line for line in book_problems(desk.store) if "market value" in line] != []


def test_a_quote_marks_by_its_middle_and_by_half_the_ask_where_nobody_bids() -> None:
    one, two, three = put(90), put(91), put(92)
    quotes = {one.con_id: Quote(1.1, 1.3), two.con_id: Quote(None, 0.05), three.con_id: Quote(1.0, None)}
    assert marks_of([one, two, three, put(93)], quotes) == {one: D("1.2"), two: D("0.025")}


def test_a_report_counts_options_that_ended_as_realized_and_a_delivery_as_no_cost(desk: Desk) -> None:
    sold(desk, P95)
    one = planned((Side.BUY, put(90)), account=desk.account, strategy=NAME, group="g2")
    desk.store.options.commit_intents([one], AT)
    desk.store.options.record_fills([leg_fill(one, "f.01", put(90), 1, "0.40")])
    with booked(desk, FRIDAY):
        event = LedgerEvent(EventKind.ASSIGNED, desk.account, P95, -1, D(95), FRIDAY, -1)
        desk.store.options.record_events([event], AT)
    facts = session_facts(desk.store, desk.calendar, Setup(desk.settings, desk.account), FRIDAY)
    # The premium of 120 less 0.70; what is open has cost another fee of 0.70 and has earned nothing yet.
    assert realized_usd(facts) == (119.3, 1.4)
    assert [fill.delivered for fill in facts.fills] == [True]


def test_a_report_tells_options_apart_from_shares_and_what_they_cost(desk: Desk) -> None:
    sold(desk)
    restate_equity(desk, FRIDAY)
    setup = Setup(desk.settings, desk.account)
    facts = session_facts(desk.store, desk.calendar, setup, FRIDAY)
    told = equity_line(facts, curves(facts)[0])
    assert told.options_usd is not None
    assert (told.market_usd.amount, told.options_usd.amount, told.option_fees_usd) == (0.0, -120.0, 0.7)
    (section,) = account.section(told, Pnl(), BenchmarkLine(), ()).blocks
    assert isinstance(section, Facts)
    rows = {name: cell for name, cell, _ in section.rows}
    assert (rows["Shares at market"].text, rows["Options at market"].text) == ("0.00", "-120.00")
    assert "Options at market, model-priced" in str(
        account.section(replace(told, model_priced=True), Pnl(), BenchmarkLine(), ())
    )
    assert "Options at market" not in str(account.section(EquityLine(), Pnl(), BenchmarkLine(), ()))
    writer = ReportWriter(desk.store, desk.calendar, setup, cast("ReportFiles", None))
    found = costs(period(writer, Kind.MONTH, FRIDAY))
    assert (found.fills, found.paid_usd, found.option_fills, found.option_fees_usd) == (0, 0.0, 1, 0.7)
    (listed,) = costs_part.section(found).blocks
    assert isinstance(listed, Facts)
    assert [cell.text for name, cell, _ in listed.rows if name == "Commissions paid for options"] == ["0.70"]
    assert [one.text for one in costs_part.findings(found)] == ["Options cost 0.70 USD of commissions beside them."]


def test_a_report_waits_for_a_fee_that_is_not_told_instead_of_counting_none(desk: Desk) -> None:
    sold(desk, fee=None)
    restate_equity(desk, FRIDAY)
    setup = Setup(desk.settings, desk.account)
    facts = session_facts(desk.store, desk.calendar, setup, FRIDAY)
    assert realized_usd(facts) == (None, None)
    told = equity_line(facts, curves(facts)[0])
    assert (told.equity_usd.state, told.option_fees_usd) == (State.PROVISIONAL, None)
    assert "not known yet" in str(account.section(told, Pnl(), BenchmarkLine(), ()))
    writer = ReportWriter(desk.store, desk.calendar, setup, cast("ReportFiles", None))
    found = costs(period(writer, Kind.MONTH, FRIDAY))
    assert (found.unknown, found.option_fees_usd) == (1, 0.0)
    desk.store.options.record_fills([leg_fill(sold_put(desk), "e.01", LATER, -1, "1.20", "0.70")])
    assert realized_usd(session_facts(desk.store, desk.calendar, setup, FRIDAY)) == (0.0, 0.7)
