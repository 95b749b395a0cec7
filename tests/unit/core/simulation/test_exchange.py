"""Whole lives of orders at the simulated exchange, numbers by hand."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.account_book import CorporateAction
from mtum.core.simulation.admission import ExchangeRules, Refusal
from mtum.core.simulation.exchange import (
    Ended,
    Filled,
    advance,
    cancel,
    correct_execution,
    place,
)
from mtum.core.simulation.exchange_codec import to_bytes
from mtum.core.simulation.exchange_queries import completed_orders, executions_of, open_orders
from mtum.core.simulation.exchange_state import (
    ExchangeAccount,
    ExchangeOrder,
    ExchangeState,
    ExchangeStatus,
    ExchangeTicket,
    FillPlan,
    PlanEffect,
)
from support.exchange import (
    ACCOUNT,
    FREE,
    HOLD_LATE,
    MONDAY,
    TENTH_PERCENT,
    TUESDAY,
    WEDNESDAY,
    exchange,
    moment,
    ticket,
)
from support.values import replace


def account_of(state: ExchangeState) -> ExchangeAccount:
    found = state.account(ACCOUNT)
    assert found is not None
    return found


def taken(
    state: ExchangeState, order: ExchangeTicket, minutes: float = 20.0, rules: ExchangeRules = FREE
) -> ExchangeState:
    after, outcome = place(state, order, moment(minutes), rules)
    assert isinstance(outcome, ExchangeOrder)
    return after


def refused(state: ExchangeState, order: ExchangeTicket, minutes: float = 20.0, rules: ExchangeRules = FREE) -> Refusal:
    after, outcome = place(state, order, moment(minutes), rules)
    assert isinstance(outcome, Refusal)
    assert after.orders == state.orders
    return outcome


def test_a_market_on_close_order_fills_at_the_official_close_only() -> None:
    state = taken(exchange(), ticket(), rules=TENTH_PERCENT)
    state, before = advance(state, moment(0.01, price="101"), TENTH_PERCENT)
    assert before == ()
    state, events = advance(state, moment(0, price="102.50"), TENTH_PERCENT)
    (filled,) = events
    assert isinstance(filled, Filled)
    assert (filled.execution.shares, filled.execution.price) == (10, Decimal("102.50"))
    # 10 x 102.50 = 1025.00, 0.1 % = 1.025 -> 1.03; 5000 - 1025 - 1.03
    assert account_of(state).cash == Decimal("3973.97")
    assert account_of(state).position("AAA").shares == 10
    assert account_of(state).position("AAA").average_cost == Decimal("102.603")
    assert filled.order.status is ExchangeStatus.FILLED


def test_a_second_advance_fills_nothing_more() -> None:
    state, _ = advance(taken(exchange(), ticket()), moment(0), FREE)
    again, events = advance(state, moment(-15), FREE)
    assert (again, events) == (state, ())


def test_execution_ids_have_four_parts_and_are_unique() -> None:
    state = taken(taken(exchange(), ticket(shares=5)), ticket(shares=5, ref="r-2"))
    state, _ = advance(state, moment(0), FREE)
    ids = [e.exec_id for e in state.executions]
    assert [len(i.split(".")) for i in ids] == [4, 4]
    assert len(set(ids)) == 2


def test_a_market_order_fills_while_the_session_is_open() -> None:
    state = taken(exchange(), ticket(order_type=OrderType.MARKET), minutes=200)
    state, events = advance(state, moment(200, price="99"), FREE)
    assert isinstance(events[0], Filled)
    assert account_of(state).cash == Decimal("4010")


def test_a_market_order_before_the_opening_waits_for_it() -> None:
    state = taken(exchange(), ticket(order_type=OrderType.MARKET), minutes=500)
    state, events = advance(state, moment(391), FREE)
    assert events == ()
    _, events = advance(state, moment(390, price="98"), FREE)
    assert isinstance(events[0], Filled)
    assert events[0].execution.price == Decimal(98)


@pytest.mark.parametrize(
    ("side", "limit", "close", "fills"),
    [
        (Side.BUY, "100", "100", True),
        (Side.BUY, "100", "100.01", False),
        (Side.SELL, "100", "100", True),
        (Side.SELL, "100", "99.99", False),
    ],
)
def test_a_limit_on_close_order_fills_at_the_close_or_expires(side: Side, limit: str, close: str, fills: bool) -> None:
    state = taken(exchange(held="10"), ticket(side, order_type=OrderType.LIMIT_ON_CLOSE, limit=limit))
    state, (event,) = advance(state, moment(0, price=close), FREE)
    assert isinstance(event, Filled if fills else Ended)
    assert event.order.status is (ExchangeStatus.FILLED if fills else ExchangeStatus.EXPIRED)


def test_a_limit_order_fills_when_the_price_reaches_it() -> None:
    state = taken(exchange(), ticket(order_type=OrderType.LIMIT, limit="95"), minutes=100)
    state, events = advance(state, moment(90, price="95.01"), FREE)
    assert events == ()
    _, (event,) = advance(state, moment(80, price="94"), FREE)
    assert isinstance(event, Filled)
    assert event.execution.price == Decimal(94)


def test_an_on_close_order_is_late_from_ten_minutes_before_the_close() -> None:
    taken(exchange(), ticket(), minutes=10.01)
    assert refused(exchange(), ticket(), minutes=10).code == 201


def test_a_late_on_close_order_may_be_kept_for_the_next_session() -> None:
    state, outcome = place(exchange(), ticket(), moment(5), HOLD_LATE)
    assert isinstance(outcome, ExchangeOrder)
    assert outcome.session is None
    state, events = advance(state, moment(0), HOLD_LATE)
    assert events == ()
    state, (event,) = advance(state, moment(0, TUESDAY, "97"), HOLD_LATE)
    assert isinstance(event, Filled)
    assert event.execution.session == TUESDAY


def test_an_order_after_the_close_waits_for_the_next_session() -> None:
    state, outcome = place(exchange(), ticket(), moment(-30), FREE)
    assert isinstance(outcome, ExchangeOrder)
    assert outcome.session is None
    _, (event,) = advance(state, moment(0, TUESDAY), FREE)
    assert isinstance(event, Filled)


def test_a_cancel_is_final_before_the_cutoff_and_refused_after_it() -> None:
    state = taken(exchange(), ticket())
    perm_id = open_orders(state)[0].perm_id
    after, early = cancel(state, perm_id, moment(10.01), FREE)
    assert isinstance(early, ExchangeOrder)
    assert open_orders(after) == ()
    same, late = cancel(state, perm_id, moment(10), FREE)
    assert isinstance(late, Refusal)
    assert late.code == 10148
    assert open_orders(same) == open_orders(state)
    _, (event,) = advance(same, moment(0), FREE)
    assert isinstance(event, Filled)


def test_canceling_what_is_done_or_unknown_is_refused() -> None:
    state, _ = advance(taken(exchange(), ticket()), moment(0), FREE)
    _, done = cancel(state, state.orders[0].perm_id, moment(-1), FREE)
    _, unknown = cancel(state, 4, moment(-1), FREE)
    assert isinstance(done, Refusal)
    assert isinstance(unknown, Refusal)
    assert (done.code, unknown.code) == (10148, 10147)


@pytest.mark.parametrize("shares", [12, 0])
def test_a_plan_fills_part_and_the_rest_expires(shares: int) -> None:
    plan = FillPlan(PlanEffect.PARTIAL_FILL, ref="r-1", shares=shares)
    state = taken(replace(exchange(), plans=(plan,)), ticket(shares=19))
    state, events = advance(state, moment(0), FREE)
    assert [type(e) for e in events] == ([Filled, Ended] if shares else [Ended])
    (order,) = completed_orders(state, MONDAY)
    assert (order.filled, order.remaining, order.status) == (shares, 19 - shares, ExchangeStatus.EXPIRED)


def test_a_plan_for_another_order_changes_nothing() -> None:
    state = replace(exchange(), plans=(FillPlan(PlanEffect.PARTIAL_FILL, ref="other", shares=0),))
    _, (event,) = advance(taken(state, ticket()), moment(0), FREE)
    assert isinstance(event, Filled)


def test_a_plan_rejects_an_order_in_its_own_words() -> None:
    state = replace(exchange(), plans=(FillPlan(PlanEffect.REJECT, symbol="AAA", code=460, text="no permission"),))
    outcome = refused(state, ticket())
    assert (outcome.code, outcome.text) == (460, "no permission")


def test_a_plan_rejects_an_accepted_order_later() -> None:
    state = taken(replace(exchange(), plans=(FillPlan(PlanEffect.REJECT_LATER, minutes_before_close=12),)), ticket())
    state, before = advance(state, moment(12.01), FREE)
    assert before == ()
    state, (event,) = advance(state, moment(12), FREE)
    assert isinstance(event, Ended)
    assert event.order.status is ExchangeStatus.REJECTED
    assert advance(state, moment(0), FREE)[1] == ()


@pytest.mark.parametrize(
    ("sold", "waiting", "settled"),
    [
        (date(2025, 6, 2), (), date(2025, 6, 3)),  # T+1
        (date(2025, 10, 10), (date(2025, 10, 13),), date(2025, 10, 14)),  # Columbus Day: a session, nothing settles
        (date(2018, 6, 4), (date(2018, 6, 5),), date(2018, 6, 6)),  # T+2
        (MONDAY, (TUESDAY, WEDNESDAY), date(2015, 6, 4)),  # T+3
    ],
)
def test_proceeds_can_be_spent_from_their_settlement_day_on(sold: date, waiting: Sequence[date], settled: date) -> None:
    state, _ = place(exchange("0", held="10"), ticket(Side.SELL), moment(20, sold), FREE)
    state, _ = advance(state, moment(0, sold, price="100"), FREE)
    for day in waiting:
        state, _ = advance(state, moment(20, day), FREE)
        assert (account_of(state).cash, account_of(state).settled_cash) == (Decimal(1000), Decimal(0))
        assert isinstance(place(state, ticket(ref="r-2"), moment(19, day), FREE)[1], Refusal)
    state, _ = advance(state, moment(20, settled), FREE)
    assert account_of(state).settled_cash == 1000
    assert account_of(state).realized_pnl == 100


def test_proceeds_cannot_be_spent_in_their_own_session() -> None:
    state = taken(exchange("0", held="10"), ticket(Side.SELL))
    state, _ = advance(state, moment(0, price="100"), FREE)
    assert (account_of(state).cash, account_of(state).settled_cash) == (Decimal(1000), Decimal(0))
    assert refused(state, ticket(ref="r-2"), minutes=-1).code == 201


def test_a_cash_account_cannot_spend_what_working_orders_reserve() -> None:
    state = taken(exchange("1500"), ticket())
    assert refused(state, ticket(shares=6, ref="r-2")).code == 201
    taken(state, ticket(shares=5, ref="r-3"))


def test_the_auction_may_overrun_the_cash() -> None:
    state, _ = advance(taken(exchange("1000"), ticket()), moment(0, price="101"), FREE)
    assert account_of(state).cash == Decimal(-10)


def test_a_cash_account_cannot_sell_more_than_it_holds_less_open_sales() -> None:
    state = taken(exchange(held="10.75"), ticket(Side.SELL, 6))
    assert refused(state, ticket(Side.SELL, 5, ref="r-2")).code == 201
    taken(state, ticket(Side.SELL, 4, ref="r-3"))


def test_a_margin_account_may_go_short_and_back() -> None:
    state = taken(exchange(kind=AccountKind.MARGIN), ticket(Side.SELL))
    state, _ = advance(state, moment(0, price="100"), FREE)
    assert account_of(state).position("AAA").shares == -10
    state, _ = place(state, ticket(ref="r-2"), moment(20, TUESDAY), FREE)
    state, (event,) = advance(state, moment(0, TUESDAY, "90"), FREE)
    assert isinstance(event, Filled)
    assert event.execution.realized_pnl == 100
    assert account_of(state).positions == ()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (replace(ticket(), account="DUP9"), 435),
        (ticket(shares=0), 434),
        (replace(ticket(), tif="GTC"), 113),
        (ticket(order_type=OrderType.LIMIT), 110),
    ],
)
def test_malformed_orders_are_rejected_by_code(wrong: ExchangeTicket, code: int) -> None:
    assert refused(exchange(), wrong).code == code


def test_an_order_id_is_taken_once_per_client() -> None:
    first = replace(ticket(shares=1), client_id=7, order_id=3)
    state = taken(exchange(), first)
    assert refused(state, replace(first, order_id=2)).code == 103
    taken(state, replace(first, client_id=8))
    assert taken(state, replace(first, order_id=0)).orders[-1].ticket.order_id == 4


def test_the_number_of_a_working_order_changes_it_and_keeps_its_permanent_id() -> None:
    # 5,000 USD buy 50 shares at 100 in all, whichever of the two sizes counts.
    first = replace(ticket(shares=40), client_id=7, order_id=3)
    state = taken(exchange(), first)
    changed = taken(state, replace(first, shares=45))
    assert [(one.ticket.shares, one.perm_id) for one in changed.orders] == [(45, state.orders[0].perm_id)]
    assert refused(state, replace(first, shares=51)).code == 201
    assert refused(state, replace(first, side=Side.SELL)).code == 105
    assert refused(state, replace(first, symbol="BBB")).code == 105


def test_an_order_can_be_changed_neither_after_the_cut_off_nor_once_it_has_ended() -> None:
    first = replace(ticket(shares=1), client_id=7, order_id=3)
    state = taken(exchange(), first)
    assert refused(state, replace(first, shares=2), 9.0).code == 201
    after, _ = cancel(state, state.orders[0].perm_id, moment(20), FREE)
    assert refused(after, replace(first, shares=2)).code == 103


def test_a_dividend_is_paid_once_to_holders_of_the_day_before() -> None:
    state, _ = advance(taken(exchange("2000", held="10"), ticket()), moment(0), FREE)
    paid = moment(20, TUESDAY, actions=(CorporateAction("AAA", Decimal("0.33")),))
    state, _ = advance(state, paid, FREE)
    state, _ = advance(state, paid, FREE)
    assert account_of(state).cash == Decimal("1006.60")


def test_shares_bought_on_the_ex_date_get_no_dividend() -> None:
    ex_day = moment(20, actions=(CorporateAction("AAA", Decimal("0.33")),))
    state, _ = place(exchange(), ticket(), ex_day, FREE)
    state, _ = advance(state, replace(ex_day, now=ex_day.session.close), FREE)
    assert account_of(state).cash == Decimal(4000)


def test_a_split_rebases_shares_and_cost_and_leaves_dust() -> None:
    split = moment(20, actions=(CorporateAction("AAA", split=Decimal("1.5")),))
    state, _ = advance(exchange(held="11"), split, FREE)
    held = account_of(state).position("AAA")
    assert (held.shares, held.average_cost) == (Decimal("16.5"), Decimal(60))


def test_an_order_without_a_price_expires_when_the_next_session_opens() -> None:
    state = taken(exchange(), ticket())
    state, events = advance(state, moment(-30, price=None), FREE)
    assert events == ()
    _, (event,) = advance(state, moment(300, TUESDAY), FREE)
    assert event.order.status is ExchangeStatus.EXPIRED


def test_a_correction_replaces_the_price_and_moves_the_cash() -> None:
    state, _ = advance(taken(exchange(), ticket()), moment(0, price="100"), FREE)
    state = correct_execution(state, state.executions[0].exec_id, Decimal("100.50"))
    first, second = executions_of(state, MONDAY)
    assert first.stem == second.stem
    assert second.exec_id.endswith(".02")
    assert account_of(state).cash == Decimal(3995)
    assert state.orders[0].average_price == Decimal("100.5")


def test_lists_are_per_trade_date() -> None:
    state, _ = advance(taken(exchange(), ticket()), moment(0), FREE)
    state, _ = place(state, ticket(ref="r-2"), moment(20, TUESDAY), FREE)
    state, _ = advance(state, moment(0, TUESDAY), FREE)
    assert [o.ticket.ref for o in completed_orders(state, TUESDAY)] == ["r-2"]
    assert [e.ticket.ref for e in executions_of(state, MONDAY)] == ["r-1"]
    assert executions_of(state, WEDNESDAY) == ()


def test_a_state_is_written_as_it_is_and_not_as_an_equal_one_was_before() -> None:
    written = to_bytes(taken(exchange(), ticket(limit="5.0")))
    assert b'"limit":"5.0"' in written
    # Equal to the first to Python, but another text.
    assert b'"limit":"5.00"' in to_bytes(taken(exchange(), ticket(limit="5.00")))
