"""The last gate for options over the recorded layouts: judged by what the broker says at the moment of sending."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import pytest

from mtum.adapters.brokers.option_gate import GatedOptionBroker
from mtum.core.market.sessions import Session, Sessions
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.gate import GateRules
from mtum.core.portfolio.options.gate_facts import ExDividend, OwnRecords
from mtum.core.portfolio.options.orders import Attempt, WorkingOrder
from mtum.core.portfolio.orders import OrderType, Ticket
from mtum.ports.broker import Denied, NotSent, Rejected
from mtum.ports.options import OptionBroker, OptionLists, OptionOutcome, Working
from mtum.wiring.option_desks import ex_dividend
from support.option_desk import BUY, DAY, SELL, attempt, contract, option_desk, put
from support.option_orders import RULES, SESSION, lot
from support.option_wire import ACCOUNT, Executed, OpenOrder, Option, Ticks, Wire, combo
from support.values import replace

P740, P730 = put(700001, "740.0"), put(700002, "730.0")
C780, C790 = Option(700003, strike="780.0", right="C"), Option(700004, strike="790.0", right="C")
OURS = OwnRecords(
    replace(RULES, account=ACCOUNT, strategy_loss_usd=Decimal(90_000), account_loss_usd=Decimal(90_000), min_days=7)
)
MTUM = ["265598", "SPY", "STK", "", "0.0", "", "", "SMART", "USD", "SPY", "SPY"]


class OneSession:
    """A calendar that knows the day of the tests."""

    exchange = "XNYS"

    def sessions(self, first: date, last: date) -> Sessions:
        """The one session, where it lies between them."""
        return Sessions(tuple(one for one in (SESSION,) if first <= one.day <= last))


class TwoSessions(OneSession):
    """A calendar that knows the Monday after it as well."""

    def sessions(self, first: date, last: date) -> Sessions:
        """Those of the two that lie between the days."""
        later = (SESSION.open + timedelta(days=3), SESSION.close + timedelta(days=3))
        both = (SESSION, Session(date(2026, 7, 13), *later))
        return Sessions(tuple(one for one in both if first <= one.day <= last))


@contextmanager
def gated(wire: Wire, ours: OwnRecords = OURS) -> Iterator[GatedOptionBroker]:
    rules = GateRules(ACCOUNT, {}, {}, 17.0, 15.0)
    with option_desk(wire) as desk:
        broker = GatedOptionBroker(desk.broker, rules, OneSession())
        broker.contracts = lambda: [one.contract for one in ours.lots]
        broker.records = lambda _, __: ours
        yield broker


def wire(**changed: object) -> Wire:
    ticks = {
        700001: Ticks("1.10", "1.20"),
        700002: Ticks("0.40", "0.50"),
        700003: Ticks("0.90", "1.00"),
        700004: Ticks("0.40", "0.50"),
    }
    return replace(Wire(options=[P740, P730, C780, C790], ticks=ticks), **changed)


SOLD_PUT = attempt((SELL, P740), price="-1.15")
SOLD_SPREAD = attempt((SELL, P740), (BUY, P730), price="-0.70")
SOLD_CALL = attempt((SELL, C780), price="-0.95")


def outcome_of(one: Attempt, wire: Wire, ours: OwnRecords = OURS) -> OptionOutcome:
    with gated(wire, ours) as broker:
        return broker.place(one)


def test_the_gate_is_a_broker_for_options_too() -> None:
    with gated(wire()) as broker:
        assert isinstance(broker, OptionBroker)


@pytest.mark.parametrize("one", [SOLD_PUT, SOLD_SPREAD], ids=["put", "spread"])
def test_an_order_leaves_after_lists_contracts_and_quotes_were_asked_for_it(one: Attempt) -> None:
    asked = wire()
    assert isinstance(outcome_of(one, asked), Working)
    numbers = [fields[0] for fields in asked.asked]
    placed = numbers.index("3", numbers.index("3") + 1)  # the first is the what-if
    for what in ("61", "6", "16", "99", "7", "9", "1"):
        assert what in numbers[:placed], what
    # The broker's clock is the last thing that is read before a byte leaves.
    assert numbers[placed - 1] == "49"
    assert numbers.count("3") == 2
    assert asked.open_lines == set()


def changed_wire(**changed: object) -> Callable[[], Wire]:
    return lambda: wire(**changed)


def quoted_wire(number: int, ticks: Ticks) -> Callable[[], Wire]:
    return lambda: wire(ticks=wire().ticks | {number: ticks})


def described_wire(**changed: object) -> Callable[[], Wire]:
    return lambda: wire(options=[replace(P740, **changed), P730, C780, C790])


STRANGER_BUYS = OpenOrder(5, P740.eleven, "", "1.00", "BUY", client=0)
STRANGER_COMBO = OpenOrder(5, combo(), "", "-1.0", "BUY", 1, ((700001, 1, "BUY"), (700002, 1, "SELL")), client=0)
SAME_INTENT = OpenOrder(5, P740.eleven, f"{SOLD_PUT.intent.id}-9", "1.30", "SELL")
WARRANT = ["55", "SPY", "WAR", "20270101", "700.0", "C", "1", "", "USD", "SPYW", "SPYW"]


@pytest.mark.parametrize(
    ("clause", "make", "one"),
    [
        ("quotes", quoted_wire(700001, Ticks("-1", "1.20")), SOLD_PUT),
        ("quotes", quoted_wire(700001, Ticks("0", "1.20")), SOLD_PUT),
        ("quotes", quoted_wire(700001, Ticks(kind=3)), SOLD_PUT),
        ("quotes", quoted_wire(700001, Ticks(kind=2)), SOLD_PUT),
        ("market", quoted_wire(700001, Ticks("1.40", "1.50")), SOLD_PUT),
        ("contract", described_wire(strike="739.0"), SOLD_PUT),
        ("contract", described_wire(expiry="20260822"), SOLD_PUT),
        ("contract", described_wire(multiplier="10"), SOLD_PUT),
        ("contract", described_wire(number=799999), SOLD_PUT),
        ("contract", described_wire(name="SPY1"), SOLD_PUT),
        ("listing", described_wire(local="2SPY  260821P00740000"), SOLD_PUT),
        ("collision", changed_wire(orders=[STRANGER_BUYS]), SOLD_PUT),
        ("collision", changed_wire(orders=[STRANGER_COMBO]), SOLD_PUT),
        ("attempt", changed_wire(orders=[SAME_INTENT]), SOLD_PUT),
        ("uncovered_calls", wire, SOLD_CALL),
        ("cash", changed_wire(cash="70000.00"), SOLD_PUT),
        ("spot", changed_wire(spot="700.0"), SOLD_PUT),
        ("halt", changed_wire(positions=[(WARRANT, "3")]), SOLD_PUT),
        ("tick", wire, attempt((SELL, P740), price="-1.155")),
        ("account", wire, replace(SOLD_PUT, intent=replace(SOLD_PUT.intent, account="DU2"))),
    ],
)
def test_what_the_broker_says_at_the_moment_of_sending_keeps_an_order_here(
    clause: str, make: Callable[[], Wire], one: Attempt
) -> None:
    asked = make()
    outcome = outcome_of(one, asked)
    assert isinstance(outcome, Denied), outcome
    assert outcome.code == clause, outcome.text
    assert asked.of(3) == []


def test_a_contradicting_execution_of_ours_halts_what_opens() -> None:
    strange = Executed("0001.01.01.01", P740.eleven, "0", ref=SOLD_PUT.ref)
    outcome = outcome_of(SOLD_PUT, wire(executions=[strange]))
    assert isinstance(outcome, Denied)
    assert (outcome.code, "names no order" in outcome.text) == ("halt", True)


def test_a_halt_keeps_openings_here_and_lets_closings_leave() -> None:
    halted = replace(OURS, halt="halted (reduce_only)", lots=(lot(contract(P740), -1, account=ACCOUNT, group="g1"),))
    held = wire(positions=[(P740.eleven, "-1")])
    opened = outcome_of(attempt((SELL, P730), price="-0.45"), held, halted)
    assert isinstance(opened, Denied)
    assert opened.code == "halt"
    closing = attempt((BUY, P740), price="1.15", purpose=OptionPurpose.CLOSE)
    assert isinstance(outcome_of(closing, wire(positions=[(P740.eleven, "-1")]), halted), Working)


def test_the_trial_order_of_the_broker_is_a_second_opinion() -> None:
    def on_order(one: Wire, fields: list[str]) -> list[list[str]]:
        order = one.read(fields)
        told = {"whatIf": "1", "initMarginAfter": "250000.0", "initMarginChange": "74000.0"}
        return [order.fields(one.version, **told)]

    outcome = outcome_of(SOLD_PUT, wire(on_order=on_order))
    assert isinstance(outcome, Denied)
    assert outcome.code == "what_if"


def test_a_change_is_judged_beside_everything_but_its_own_order() -> None:
    with gated(wire()) as broker:
        assert isinstance(broker.place(SOLD_PUT), Working)
        better = attempt((SELL, P740), price="-1.10", in_place=True)
        assert isinstance(broker.change(better), Working)
        past = attempt((SELL, P740), price="-0.90", in_place=True)
        outcome = broker.change(past)
        assert isinstance(outcome, Denied)
        assert outcome.code == "market"


def test_nothing_leaves_when_the_gate_cannot_ask() -> None:
    asked = wire(plain_ticks=None)
    with gated(asked) as broker:
        asked.version = 0
        asked.positions = [(["x"] * 3, "1")]  # what no library can read: the list never ends
        assert isinstance(broker.place(SOLD_PUT), NotSent)
    assert asked.of(3) == []


def test_an_order_for_another_day_has_no_window() -> None:
    other = replace(SOLD_PUT, intent=replace(SOLD_PUT.intent, session=date(2026, 7, 13)))
    outcome = outcome_of(other, wire())
    assert isinstance(outcome, Denied)
    assert outcome.code == "session"
    assert date(2026, 7, 10) == DAY


@pytest.mark.parametrize(
    ("text", "sessions"),
    [
        ("6.9,7.1,20260713,1.75", 1),  # Friday is the session, Monday the ex-date
        ("6.9,7.1,20260710,1.75", 0),
        ("6.9,7.1,20260918,1.75", None),  # months away
        ("6.9,7.1,20260618,1.75", None),  # over
        ("0,0,,", None),
    ],
)
def test_the_next_dividend_is_the_brokers_word_in_sessions(text: str, sessions: int | None) -> None:
    with option_desk(wire(dividends=text)) as desk:
        found = ex_dividend(desk.broker, TwoSessions(), "SPY", DAY)
        assert found == (None if sessions is None else ExDividend(sessions, Decimal("1.75")))
        asked = len(desk.wire.of(1))
        ex_dividend(desk.broker, TwoSessions(), "SPY", DAY)
        assert len(desk.wire.of(1)) == asked == 1


@pytest.mark.parametrize("text", [None, "0,0,soon,much"])
def test_a_broker_that_tells_no_dividend_has_not_told_that_there_is_none(text: str | None) -> None:
    with option_desk(wire(dividends=text)) as desk:
        # In June any session may be the ex-date; in July nothing is near.
        assert ex_dividend(desk.broker, TwoSessions(), "SPY", date(2026, 6, 10)) == ExDividend(0, None, told=False)
        assert ex_dividend(desk.broker, TwoSessions(), "SPY", DAY) is None


@pytest.mark.parametrize(
    ("text", "halts"),
    [
        ("Order rejected - reason:Riskless combination orders are not allowed.", True),
        ("words that nobody has read before", True),
        ("Cannot have open orders on both sides of the same US Option contract.", False),
        ("YOUR EQUITY WITH LOAN VALUE MUST EXCEED THE INITIAL MARGIN", False),
    ],
)
def test_a_refusal_that_a_person_has_to_look_at_halts_what_opens(text: str, *, halts: bool) -> None:
    def on_order(one: Wire, fields: list[str]) -> list[list[str]]:
        return one.taken(fields) if one.is_trial(fields) else [one.error(fields[1], 201, text)]

    told: list[str] = []
    with gated(wire(on_order=on_order)) as broker:
        broker.halt = lambda sleeve, why, at: told.append(f"{sleeve} {why}")
        assert isinstance(broker.place(SOLD_SPREAD), Rejected)
    assert len(told) == halts
    assert all(one.startswith("wheel") and text in one for one in told)


def test_without_our_own_records_nothing_leaves() -> None:
    rules = GateRules(ACCOUNT, {}, {}, 17.0, 15.0)
    with option_desk(wire()) as desk:
        assert isinstance(GatedOptionBroker(desk.broker, rules, OneSession()).place(SOLD_PUT), NotSent)


def test_an_order_in_doubt_that_no_list_shows_counts_until_one_does() -> None:
    def records(_: Attempt, lists: OptionLists) -> OwnRecords:
        assert lists.account.code == ACCOUNT
        doubt = WorkingOrder("m260710-QQQQQQQQQQQQ-1", "SPY", 1, SOLD_SPREAD.intent.legs, SOLD_SPREAD.price)
        return replace(OURS, unresolved=(replace(doubt, unresolved=True),))

    with gated(wire()) as broker:
        broker.records = records
        outcome = broker.place(SOLD_PUT)
    assert isinstance(outcome, Denied)
    assert outcome.code == "unresolved"


def test_a_combination_of_ours_holds_back_no_share_order_beyond_what_it_pins() -> None:
    """A stranger's combination is a riddle that stops purchases; of ours the cash that it may call for is kept."""
    ref = SOLD_SPREAD.ref
    working = OpenOrder(5, combo(), ref, "-0.70", "BUY", 1, ((700001, 1, "SELL"), (700002, 1, "BUY")))
    rules = GateRules(ACCOUNT, {"SPY": ""}, {"rsi": Decimal("inf")}, 17.0, 15.0)
    buy = Ticket(ACCOUNT, "SPY", BUY, OrderType.MARKET_ON_CLOSE, 132, "m260710-AAAAAAAAAAAA-1", strategy="rsi")
    # A share at 750 and 100,000 of cash, of which the order may call for 1,000: 132 shares are paid for.
    with option_desk(wire(orders=[working])) as desk:
        broker = GatedOptionBroker(desk.broker, rules, OneSession())
        denied = broker.clear(buy)
        assert denied == Denied("instruments", "the account has SPY BAG (order), which may change the shares of SPY")
        broker.explained = lambda lists: replace(
            lists, others=tuple(replace(one, pins=(Decimal(1000), 0)) for one in lists.others if one.ref == ref)
        )
        denied = broker.clear(replace(buy, shares=133))
        fewer = broker.clear(buy)
    assert denied == Denied("cash", "buy for 99750.00 USD beside working purchases for 1000.00, cash 100000.00")
    assert fewer is None
