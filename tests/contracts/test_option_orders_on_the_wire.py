"""Option orders over the recorded layouts: what leaves, what comes back, and what is believed of it.

TEST_LIBRARY names the library; `test_ib_async_environment.py` runs this file with the other one.
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mtum.core.portfolio.options.gate_facts import WhatIf
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.ports.broker import Denied, NoAnswer, NotSent, Rejected
from mtum.ports.options import OptionBroker, Working
from support.option_desk import BUY, SELL, OptionDesk, attempt, contract, option_desk, put
from support.option_wire import NOW, Executed, OpenOrder, Option, Wire, combo
from support.values import replace

P740, P730 = put(700001, "740.0"), put(700002, "730.0")
C780, C790 = Option(700003, strike="780.0", right="C"), Option(700004, strike="790.0", right="C")
ALL = [P740, P730, C780, C790]
full = pytest.mark.full
VERSIONS = [pytest.param(157, marks=full), pytest.param(163, marks=full), 176, pytest.param(178, marks=full)]
CONDOR = ((SELL, P740), (BUY, P730), (SELL, C780), (BUY, C790))
STRANGER = "m260710-ZZZZZZZZZZZZ-1"


def wire(**changed: object) -> Wire:
    return replace(Wire(options=list(ALL)), **changed)


def sent(desk: OptionDesk) -> list[str]:
    (fields,) = desk.wire.of(3)
    return fields


def test_the_broker_is_one_for_options_by_its_port() -> None:
    with option_desk(wire()) as desk:
        assert isinstance(desk.broker, OptionBroker)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_put_is_sold_at_a_positive_price_with_every_fact_of_its_contract(version: int) -> None:
    with option_desk(wire(version=version)) as desk:
        made = attempt((SELL, P740), price="-1.15", quantity=2)
        outcome = desk.broker.place(made)
        fields = sent(desk)
        number = int(fields[1])
        assert outcome == Working(made.ref, str(9000 + number), 0, 7, number)
        assert fields[2:14] == ["700001", "SPY", "OPT", "20260821", "740.0", "P", "100", "SMART", "", "USD", "", "SPY"]
        assert fields[16:20] + fields[21:22] == ["SELL", "2", "LMT", "1.15", "DAY"]
        assert fields[26] == made.ref
        (listed,) = desk.broker.option_lists().working
        assert (listed.ref, listed.legs, listed.quantity) == (made.ref, made.intent.legs, 2)
        assert listed.price == Decimal("-1.15")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("parts", "price", "asked"),
    [
        (((SELL, P740), (BUY, P730)), "-1.20", "-1.2"),  # what brings 1.20
        (((BUY, P740), (SELL, P730)), "1.25", "1.25"),  # what costs 1.25
        (((SELL, P740), (BUY, P730)), "0.65", "0.65"),  # a roll that costs
        (CONDOR, "-2.05", "-2.05"),
        (((BUY, P740), (SELL, P730), (BUY, C780), (SELL, C790)), "1.00", "1.0"),  # the condor bought back
    ],
)
def test_a_combination_is_bought_at_the_signed_net_and_each_leg_has_its_side(
    version: int, parts: tuple[tuple[Side, Option], ...], price: str, asked: str
) -> None:
    with option_desk(wire(version=version)) as desk:
        made = attempt(*parts, price=price, quantity=3)
        assert isinstance(desk.broker.place(made), Working)
        fields = sent(desk)
        assert fields[2:14] == ["0", "SPY", "BAG", "", "0.0", "", "", "SMART", "", "USD", "", ""]
        assert fields[16:20] == ["BUY", "3", "LMT", asked]
        legs = fields[36 : 36 + 8 * len(parts)]
        assert fields[35] == str(len(parts))
        assert [tuple(legs[at : at + 4]) for at in range(0, len(legs), 8)] == [
            (str(one.number), "1", side.value, "SMART") for side, one in parts
        ]
        # No price for a leg, no routing of it: one net for the whole.
        assert fields[36 + 8 * len(parts) : 38 + 8 * len(parts)] == ["0", "0"]
        (listed,) = desk.broker.option_lists().working
        assert (listed.legs, listed.price, listed.quantity) == (made.intent.legs, Decimal(price), 3)


@pytest.mark.parametrize("price", ["0", "0.50"])
def test_a_sale_that_would_cost_has_no_form_and_does_not_leave(price: str) -> None:
    with option_desk(wire()) as desk:
        outcome = desk.broker.place(attempt((SELL, P740), price=price))
        assert isinstance(outcome, Denied)
        assert desk.wire.of(3) == []


def test_nothing_leaves_after_the_last_moment() -> None:
    with option_desk(wire()) as desk:
        outcome = desk.broker.place(attempt((SELL, P740), price="-1.15"), datetime(2026, 7, 10, 19, 40, tzinfo=UTC))
        assert isinstance(outcome, Denied)
        assert outcome.code == "window"
        assert desk.wire.of(3) == []


@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (201, "Order rejected - reason:Riskless combination orders are not allowed.", "tell a person"),
        (201, "Cannot have open orders on both sides of the same US Option contract. You are", "closings go first"),
        (201, "YOUR EQUITY WITH LOAN VALUE [1 USD] MUST EXCEED THE INITIAL MARGIN [2 USD]", "margin"),
        (201, "you do not have trading permissions for this options strategy", "may not trade this structure"),
        (201, "something that nobody has read before", "not known"),
        (110, "The price does not conform to the minimum price variation for this contract.", "new quote"),
        (10043, "Missing or invalid NonGuaranteed value.", ""),
        (478, "Parameters in request conflicts with contract parameters", ""),
    ],
)
def test_a_refused_order_is_dead_when_no_list_shows_it_and_its_text_is_explained(
    code: int, text: str, told: str
) -> None:
    with option_desk(wire(on_order=lambda one, fields: [one.error(fields[1], code, text)])) as desk:
        outcome = desk.broker.place(attempt((SELL, P740), price="-1.15"))
        assert isinstance(outcome, Rejected)
        assert (outcome.code, outcome.final) == (code, True)
        assert told in outcome.text


def test_silence_proves_nothing_and_nothing_is_sent_again() -> None:
    with option_desk(wire(on_order=lambda one, fields: [])) as desk:
        outcome = desk.broker.place(attempt(*CONDOR, price="-2.00"))
        assert isinstance(outcome, NoAnswer)
        assert (outcome.client_id, outcome.order_id) == (7, int(sent(desk)[1]))


def test_a_read_only_connection_sends_nothing() -> None:
    with option_desk(wire(), read_only=True) as desk:
        assert isinstance(desk.broker.place(attempt((SELL, P740), price="-1.15")), NotSent)


def test_the_price_of_a_single_leg_is_changed_under_its_number_and_nothing_else_of_it() -> None:
    with option_desk(wire()) as desk:
        first = attempt((SELL, P740), price="-1.15", quantity=3)
        desk.broker.place(first)
        outcome = desk.broker.change(attempt((SELL, P740), price="-1.10", quantity=1, in_place=True))
        assert isinstance(outcome, Working)
        old, new = desk.wire.of(3)
        assert [(at, a, b) for at, (a, b) in enumerate(zip(old, new, strict=True)) if a != b] == [(19, "1.15", "1.1")]
        (listed,) = desk.broker.option_lists().working
        assert (listed.price, listed.quantity) == (Decimal("-1.10"), 3)


@pytest.mark.parametrize(
    "code",
    [105, 110, 202, 10148, *(pytest.param(one, marks=full) for one in (104, 161, 201, 321, 329, 387, 391, 399))]
    + [pytest.param(one, marks=full) for one in (2109, 10147, 10318, 99999)],
)
def test_after_an_error_on_a_change_only_fresh_lists_are_believed(code: int) -> None:
    """The libraries call the order Cancelled, Submitted or ValidationError; it works on at its old price."""

    def on_order(one: Wire, fields: list[str]) -> list[list[str]]:
        known = [order for order in one.orders if order.number == int(fields[1])]
        return [one.error(fields[1], code, "whatever it says")] if known else one.taken(fields)

    with option_desk(wire(on_order=on_order)) as desk:
        first = attempt((SELL, P740), price="-1.15")
        desk.broker.place(first)
        outcome = desk.broker.change(attempt((SELL, P740), price="-1.10", in_place=True))
        assert isinstance(outcome, Rejected | NoAnswer)
        assert not getattr(outcome, "final", False)
        (listed,) = desk.broker.option_lists().working
        assert (listed.ref, listed.price) == (first.ref, Decimal("-1.15"))


def test_a_change_of_an_order_that_has_filled_meanwhile_is_not_sent() -> None:
    with option_desk(wire()) as desk:
        desk.broker.place(attempt((SELL, P740), price="-1.15"))
        desk.wire.orders.clear()
        assert isinstance(desk.broker.change(attempt((SELL, P740), price="-1.10", in_place=True)), NotSent)
        assert len(desk.wire.of(3)) == 1


def test_the_price_of_a_combination_is_never_changed_in_place() -> None:
    with option_desk(wire()) as desk:
        desk.broker.place(attempt(*CONDOR, price="-2.00"))
        outcome = desk.broker.change(attempt(*CONDOR, price="-1.90", in_place=True))
        assert isinstance(outcome, Denied)
        assert len(desk.wire.of(3)) == 1


def test_a_cancel_is_proven_by_fresh_lists() -> None:
    with option_desk(wire()) as desk:
        made = attempt(*CONDOR, price="-2.00")
        desk.broker.place(made)
        assert desk.broker.cancel_option(made.ref)
        lists = desk.broker.option_lists()
        assert (lists.working, lists.completed) == ((), {made.ref: OrderStatus.CANCELED})


@pytest.mark.parametrize("code", [161, 10147, 10148])
def test_a_cancel_that_is_answered_by_an_error_is_none(code: int) -> None:
    with option_desk(wire(on_cancel=lambda one, number: [one.error(str(number), code, "no")])) as desk:
        made = attempt(*CONDOR, price="-2.00")
        desk.broker.place(made)
        assert not desk.broker.cancel_option(made.ref)
        assert [order.ref for order in desk.broker.option_lists().working] == [made.ref]


def test_an_order_that_is_in_no_list_is_not_proven_gone() -> None:
    with option_desk(wire()) as desk:
        made = attempt((SELL, P740), price="-1.15")
        desk.broker.place(made)
        desk.wire.orders.clear()
        assert not desk.broker.cancel_option(made.ref)


def test_a_cancel_after_a_part_has_filled_is_proven_and_the_fill_is_listed() -> None:
    with option_desk(wire()) as desk:
        made = attempt((SELL, P740), price="-1.15", quantity=3)
        outcome = desk.broker.place(made)
        assert isinstance(outcome, Working)
        desk.wire.orders[0].filled = 1
        perm = int(outcome.broker_id)
        desk.wire.executions.append(
            Executed("0001.01.01.01", P740.eleven, "1.15", ref=made.ref, number=outcome.order_id or 0, perm=perm)
        )
        assert desk.broker.cancel_option(made.ref)
        (fill,) = desk.broker.option_lists().fills
        assert (fill.ref, fill.contract, fill.quantity, fill.price) == (made.ref, contract(P740), -1, Decimal("1.15"))
        assert fill.fee_usd == Decimal("0.70")


def test_an_order_of_another_client_is_not_canceled() -> None:
    listed = OpenOrder(5, P740.eleven, STRANGER, "1.15", client=9)
    with option_desk(wire(orders=[listed])) as desk:
        assert not desk.broker.cancel_option(STRANGER)
        assert desk.wire.of(4) == []


def trial(after: str, change: str) -> object:
    def on_order(one: Wire, fields: list[str]) -> list[list[str]]:
        order = one.read(fields)
        return [order.fields(one.version, whatIf="1", initMarginAfter=after, initMarginChange=change)]

    return on_order


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("after", "change", "found"),
    [
        ("12000.5", "1000.0", WhatIf(Decimal("12000.5"), one_side=True)),  # one wing of 1,000 USD
        ("12000.5", "2000.0", WhatIf(Decimal("12000.5"), one_side=False)),  # both
        ("1.7976931348623157E308", "2000.0", None),
        ("", "1000.0", None),
    ],
)
def test_a_what_if_tells_the_margin_and_an_unset_number_is_no_answer(
    version: int, after: str, change: str, found: WhatIf | None
) -> None:
    with option_desk(wire(version=version, on_order=trial(after, change))) as desk:
        assert desk.broker.option_what_if(attempt(*CONDOR, price="-2.00")) == found
        assert desk.broker.option_lists().working == ()


def test_a_refused_what_if_is_no_margin_of_zero() -> None:
    def on_order(one: Wire, fields: list[str]) -> list[list[str]]:
        return [one.error(fields[1], 201, "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED.")]

    with option_desk(wire(on_order=on_order)) as desk:
        assert desk.broker.option_what_if(attempt((SELL, P740), price="-1.15")) is None


def test_an_order_held_for_another_session_is_canceled_at_once() -> None:
    def on_order(one: Wire, fields: list[str]) -> list[list[str]]:
        held = "Warning: your order will not be placed at the exchange until 2026-07-13 09:30:00 US/Eastern"
        return [*one.taken(fields), one.error(fields[1], 399, held)]

    with option_desk(wire(on_order=on_order)) as desk:
        outcome = desk.broker.place(attempt((SELL, P740), price="-1.15"), NOW.replace(minute=50))
        assert isinstance(outcome, Rejected)
        assert outcome.code == 399
        assert len(desk.wire.of(4)) == 1


def test_a_combination_that_is_listed_as_sold_has_every_leg_turned_around() -> None:
    listed = OpenOrder(5, combo(), "", "1.2", "SELL", 2, ((700001, 1, "BUY"), (700002, 1, "SELL")), client=0)
    with option_desk(wire(orders=[listed])) as desk:
        (found,) = desk.broker.option_lists().working
        assert found.changes == {contract(P740): -2, contract(P730): 2}
        assert found.price == Decimal("-1.2")
