"""Positions, orders, executions and contracts in options over the recorded layouts, at every server version.

TEST_LIBRARY names the library; `test_ib_async_environment.py` runs this file with the other one.
"""

from datetime import date
from decimal import Decimal

import pytest

from mtum.adapters.brokers.ib.broker import IbBroker
from mtum.core.market.instruments import Right
from mtum.core.options.contracts import Delivery, OptionContract, Style
from mtum.core.options.ladder import NetPrice
from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.options.orders import WorkingOrder
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import SourceUnavailableError
from support.option_desk import BUY, SELL, attempt, contract, option_desk, put
from support.option_wire import Executed, OpenOrder, Option, Wire, combo
from support.values import replace

P740, P730 = put(700001, "740.0"), put(700002, "730.0")
C780, C790 = Option(700003, strike="780.0", right="C"), Option(700004, strike="790.0", right="C")
SPY = ["756733", "SPY", "STK", "", "0.0", "", "", "SMART", "USD", "SPY", "SPY"]
REF = "m260710-ABCDEFGHIJKL-1"
SPREAD = ((700001, 1, "SELL"), (700002, 1, "BUY"))
full = pytest.mark.full
VERSIONS = [pytest.param(157, marks=full), pytest.param(163, marks=full), 176, pytest.param(178, marks=full)]


def wire(**changed: object) -> Wire:
    return replace(Wire(options=[P740, P730, C780, C790]), **changed)


@pytest.mark.parametrize("version", VERSIONS)
def test_positions_orders_and_executions_come_back_as_what_was_sent(version: int) -> None:
    order = OpenOrder(41, combo(), REF, "-1.2", "BUY", 3, SPREAD, filled=1)
    ended = OpenOrder(40, P740.eleven, REF.replace("-1", "-2"), "1.15", "SELL", 2, word="Cancelled", perm=9002)
    whole = Executed("0001.aa.01.01", combo(), "-1.2", "BOT", ref=REF, number=41, perm=9001)
    legs = [
        Executed("0001.aa.02.01", P740.eleven, "1.75", "SLD", ref=REF, number=41, perm=9001, fee="0.71"),
        Executed("0001.aa.03.01", P730.eleven, "0.55", "BOT", ref=REF, number=41, perm=9001, fee="0.72"),
    ]
    known = wire(
        version=version,
        positions=[(SPY, "250"), (P740.eleven, "-2"), (C780.eleven, "1"), (P730.eleven, "0")],
        orders=[order, OpenOrder(0, SPY, "", "0.0", "SELL", 100, perm=77, client=0, kind="MKT")],
        done=[ended],
        executions=[whole, *legs],
    )
    with option_desk(known) as desk:
        lists = desk.broker.option_lists()
    sold, bought = contract(P740), contract(P730)
    assert lists.positions == {sold: -2, contract(C780): 1}
    assert lists.shares == {"SPY": 250}
    working = WorkingOrder(REF, "SPY", 2, (OptionLeg(sold, SELL), OptionLeg(bought, BUY)))
    assert lists.working == (replace(working, price=NetPrice(Decimal("-1.2"))), WorkingOrder("", "SPY", shares=-100))
    assert lists.completed == {REF.replace("-1", "-2"): OrderStatus.CANCELED}
    assert [(one.contract, one.quantity, one.price, one.fee_usd, one.combo) for one in lists.fills] == [
        (None, 1, Decimal("-1.2"), Decimal("0.70"), True),
        (sold, -1, Decimal("1.75"), Decimal("0.71"), False),
        (bought, 1, Decimal("0.55"), Decimal("0.72"), False),
    ]
    assert (lists.unknown, lists.unread) == ((), ())
    assert lists.account.cash_usd == Decimal(100_000)


def test_legs_that_do_not_come_to_the_price_of_their_combination_are_an_alarm() -> None:
    whole = Executed("0001.aa.01.01", combo(), "-1.2", "BOT", ref=REF, number=41, perm=9001)
    sold = Executed("0001.aa.02.01", P740.eleven, "1.75", "SLD", ref=REF, number=41, perm=9001)
    # 0.54 - 1.75 is -1.21: a cent for two legs is allowed; 0.53 is a cent more.
    for price, alarms in (("0.54", 0), ("0.53", 1)):
        bought = Executed("0001.aa.03.01", P730.eleven, price, "BOT", ref=REF, number=41, perm=9001)
        with option_desk(wire(executions=[whole, sold, bought])) as desk:
            assert len(desk.broker.option_lists().unread) == alarms


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"number": 0, "perm": 0}, "it names no order"),  # a book entry of the night
        ({"perm": 0}, "it names no order"),
        ({"number": 0}, "it names no order"),
        ({"client": 8}, "this program is client 7"),
        ({"number": 55}, "the order is 41"),
        ({"contract": C780.eleven}, "no leg of that order"),
        ({"side": "BOT"}, "no leg of that order"),
    ],
)
def test_an_execution_counts_only_with_our_reference_our_number_and_the_contract_of_the_order(
    changed: dict[str, object], why: str
) -> None:
    made = attempt((SELL, P740), price="-1.15")
    order = OpenOrder(41, P740.eleven, made.ref, "1.15")
    sound = Executed("0001.aa.01.01", P740.eleven, "1.15", "SLD", ref=made.ref, number=41, perm=9001)
    told = replace(sound, **changed)
    with option_desk(wire(orders=[order], executions=[told])) as desk:
        desk.broker.ordered = lambda _: made.intent
        lists = desk.broker.option_lists()
        assert lists.fills == ()
        (text,) = lists.unread
        assert why in text
        desk.wire.executions = [sound]
        assert [one.quantity for one in desk.broker.option_lists().fills] == [-1]


def test_a_book_entry_without_a_reference_is_a_strangers_and_is_hung_on_no_order_of_ours() -> None:
    made = OpenOrder(41, P740.eleven, REF, "1.15", perm=0)
    entry = Executed("0001.aa.01.01", P740.eleven, "0", "BOT", "2")
    with option_desk(wire(orders=[made], executions=[entry])) as desk:
        lists = desk.broker.option_lists()
    (fill,) = lists.fills
    assert (fill.ref, fill.quantity, fill.price) == ("", 2, Decimal(0))


def test_of_a_corrected_execution_the_last_word_counts() -> None:
    told = [
        Executed(f"0001.aa.01.0{at}", P740.eleven, price, ref=REF, number=41, perm=9001)
        for at, price in ((1, "1.15"), (2, "1.25"))
    ]
    for order in (told, told[::-1]):
        with option_desk(wire(executions=order)) as desk:
            assert [one.price for one in desk.broker.option_lists().fills] == [Decimal("1.25")]


def test_a_combination_of_other_legs_and_another_kind_are_named_by_their_underlying() -> None:
    mixed = OpenOrder(5, combo(), "", "1.2", "BUY", 1, ((756733, 100, "BUY"), (700001, 1, "SELL")), client=0)
    warrant = ["55", "SPY", "WAR", "20270101", "700.0", "C", "1", "", "USD", "SPYW", "SPYW"]
    with option_desk(wire(orders=[mixed], positions=[(warrant, "3")])) as desk:
        lists = desk.broker.option_lists()
    assert (lists.positions, lists.working) == ({}, ())
    assert [text.split()[0] for text in lists.unknown] == ["SPY", "SPY"]


@pytest.mark.parametrize(
    ("strange", "why"),
    [
        (Option(700009, name="SPY1", local="SPY1  260821P00740000"), "class SPY1"),
        (Option(700009, name="2SPY", local="2SPY  260821P00740000"), "class 2SPY"),
        (Option(700009, multiplier="10"), "multiplier 10"),
        (Option(700009, local="SPY1  260821P00740000"), "named SPY1"),
    ],
)
def test_an_adjusted_or_made_to_order_contract_that_is_held_counts_and_is_named(strange: Option, why: str) -> None:
    with option_desk(wire(options=[strange], positions=[(strange.eleven, "-1")])) as desk:
        lists = desk.broker.option_lists()
    assert list(lists.positions.values()) == [-1]
    (text,) = lists.unknown
    assert why in text
    assert text.startswith("SPY")


def test_a_contract_that_the_broker_describes_no_more_is_that_of_our_books() -> None:
    spx = OptionContract(
        700010, "SPX", Right.PUT, Decimal(6000), date(2026, 7, 16), date(2026, 7, 17), "SPX",
        Style.EUROPEAN, Delivery.CASH_AM,
    )  # fmt: skip
    gone = Option(700010, "SPX", "20260716", "6000.0", "P", "SPX")
    known = wire(positions=[(gone.eleven, "-1"), (P740.eleven, "-1")], options=[])
    with option_desk(known) as desk:
        assert desk.broker.option_lists([spx]).positions == {spx: -1, contract(P740): -1}
        # Nobody can say on which morning it settles.
        unknown = desk.broker.option_lists()
    assert unknown.positions == {contract(P740): -1}
    assert unknown.unknown[0].startswith("SPX")


def test_a_morning_class_has_its_settlement_from_the_details() -> None:
    listed = Option(700010, "SPX", "20260716", "6000.0", "P", "SPX", settles="20260717")
    with option_desk(wire(options=[listed], positions=[(listed.eleven, "-1")])) as desk:
        (found,) = desk.broker.option_lists().positions
    assert (found.expiry, found.settles) == (date(2026, 7, 16), date(2026, 7, 17))
    assert (found.style, found.delivery) == (Style.EUROPEAN, Delivery.CASH_AM)


def test_details_come_by_number_and_one_that_is_unknown_is_left_out() -> None:
    with option_desk(wire()) as desk:
        found = desk.broker.details([contract(P740), replace(contract(P740), con_id=123)])
        assert set(found) == {700001}
        assert found[700001].contract == contract(P740)
        assert found[700001].listing.refused is None
        # The number and the exchange alone: stored facts of another day would contradict it (478).
        assert [fields[3:12] for fields in desk.wire.of(9)][-1] == [
            "700001", "", "", "", "0.0", "", "", "SMART", "",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "price", "step"),
    [
        ("32,109", "2.99", "0.01"),
        ("32,109", "-3.00", "0.05"),
        ("109,32", "1.00", "0.02"),
        ("", "2.99", "0.05"),  # not told: what every rule allows
        ("77,32", "3.00", "0.10"),
    ],
)
def test_a_step_is_that_of_the_rule_at_smarts_place(rules: str, price: str, step: str) -> None:
    known = wire(options=[replace(P740, rules=rules)])
    known.rules[109] = ["0.0", "0.02"]
    with option_desk(known, request_seconds=0.3) as desk:
        assert desk.broker.tick([OptionLeg(contract(P740), SELL)], Decimal(price)) == Decimal(step)


def test_details_of_a_combination_are_never_asked() -> None:
    spx = replace(contract(P740), underlying="SPX", trading_class="SPXW")
    with option_desk(wire()) as desk:
        legs = [OptionLeg(contract(P740), SELL), OptionLeg(contract(P730), BUY)]
        assert desk.broker.tick(legs, Decimal("-1.15")) == Decimal("0.01")
        assert desk.broker.tick([OptionLeg(spx, SELL), legs[1]], Decimal("-1.15")) == Decimal("0.05")
        assert desk.wire.of(9) == []


def test_an_account_in_shares_alone_asks_what_it_asked_and_sees_options_as_others() -> None:
    order = OpenOrder(41, combo(), "", "-1.2", "BUY", 3, SPREAD, client=0)
    known = wire(positions=[(SPY, "250"), (C780.eleven, "-2")], orders=[order])
    with option_desk(known) as desk:
        shares = IbBroker(desk.chains._contracts._contracts, 0.5)
        known.asked.clear()
        lists = shares.lists()
        assert [fields[0] for fields in known.asked] == ["49", "61", "6", "6", "16", "99", "7", "7"]
    assert dict(lists.positions) == {"SPY": Decimal(250)}
    short, working = lists.others
    assert (short.pledged, short.known) == (200, True)
    assert (working.known, working.working, working.symbol) == (False, True, "SPY")


def test_our_options_are_no_riddle_to_the_lists_of_shares() -> None:
    order = OpenOrder(41, P740.eleven, REF, "1.15")
    fill = Executed("0001.aa.01.01", P740.eleven, "1.15", ref=REF, number=41, perm=9001)
    with option_desk(wire(orders=[order], executions=[fill], done=[replace(order, number=42, perm=9)])) as desk:
        lists = desk.broker.lists()
    assert (lists.orders, lists.fills, lists.unread) == ((), (), ())
    assert [one.symbol for one in lists.others] == ["SPY"]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [["AMEX", "756733", "SPY", "100", "1", "20260821", "1", "740.0"]],
        [["SMART", "999", "SPY", "100", "1", "20260821", "1", "740.0"]],
        [["SMART", "756733", "2SPY", "100", "1", "20260821", "1", "740.0"]],
        [["SMART", "756733", "SPY1", "100", "1", "20260821", "1", "740.0"]],
        [["SMART", "756733", "SPY", "10", "1", "20260821", "1", "740.0"]],
        [
            ["SMART", "756733", "SPY", "100", "1", "20260821", "1", "740.0"],
            ["SMART", "756733", "SPY", "100", "1", "20260918", "1", "740.0"],
        ],
        [["SMART", "756733", "SPY", "100", "1", "20260821", "1", "740.0"]] * 2,
    ],
)
def test_without_exactly_one_row_of_the_class_nothing_is_believed(rows: list[list[str]]) -> None:
    with option_desk(wire(classes=rows)) as desk, pytest.raises(SourceUnavailableError, match=r"^SPY: "):
        desk.chains._contracts.classes("SPY")


def test_the_class_is_found_among_the_rows_of_all_exchanges() -> None:
    row = ["756733", "SPY", "100", "2", "20260821", "20260918", "2", "740.0", "745.0"]
    strange = ["SMART", "756733", "2SPY", "100", "1", "20260821", "1", "740.0"]
    rows = [["AMEX", *row], strange, ["SMART", *row], ["CBOE", *row]]
    with option_desk(wire(classes=rows)) as desk:
        assert desk.chains._contracts.classes("SPY") == {"SPY": (date(2026, 8, 21), date(2026, 9, 18))}
        assert desk.wire.of(78)[0][2:] == ["SPY", "", "STK", "756733"]
