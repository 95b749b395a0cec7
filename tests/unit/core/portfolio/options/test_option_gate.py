"""The last gate for options: every clause refuses its own violation, and nothing else does."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from mtum.core.options.chain import Quote
from mtum.core.options.contracts import Listing, OptionContract
from mtum.core.options.ladder import Envelope
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.options.gate import CLAUSES, CLOSING, OPENING, first_refusal, level_for, refusal
from mtum.core.portfolio.options.gate_facts import Detail, ExDividend, Judged, WhatIf
from mtum.core.portfolio.options.orders import WorkingOrder
from support.option_orders import (
    BUY,
    NOW,
    SELL,
    SESSION,
    STRATEGY,
    call,
    judged,
    legs,
    lot,
    net,
    put,
    quoted,
    with_attempt,
    with_facts,
    with_intent,
    with_rules,
    working,
)
from support.values import replace

OPEN, CLOSE, ROLL = OptionPurpose.OPEN, OptionPurpose.CLOSE, OptionPurpose.ROLL
NEXT_WEEK = date(2026, 7, 17)
OLD_PUT = put(90, NEXT_WEEK)
PUT = judged(OPEN, ((SELL, put(95)),), "-1.15", "-1.15", "-1.05")
CALL = with_facts(judged(OPEN, ((SELL, call(105)),), "-0.95", "-0.95", "-0.90"), shares={"SPY": 100})
SPREAD = judged(OPEN, ((SELL, put(95)), (BUY, put(90))), "-0.70", "-0.70", "-0.60")
CONDOR = judged(OPEN, ((BUY, put(90)), (SELL, put(95)), (SELL, call(105)), (BUY, call(110))), "-1.20", "-1.20", "-1.00")
ROLLED = with_facts(
    judged(
        ROLL, ((BUY, put(90, NEXT_WEEK)), (SELL, put(95))), "-0.70", "-0.70", "-0.60", (lot(put(90, NEXT_WEEK), -1),)
    ),
    settled_cash_usd=Decimal(10_000),
)
CLOSED = judged(CLOSE, ((BUY, put(95)),), "1.15", "1.15", None, (lot(put(95), -1),))
COVERED = with_facts(
    judged(CLOSE, ((BUY, call(105)),), "0.95", "0.95", None, (lot(call(105), -1),)), shares={"SPY": 100}
)
UNTOLD = with_facts(CALL, ex_dividend=ExDividend(0, None, told=False))
"""Out of the money, and nobody tells the dividends."""
SOUND = (PUT, CALL, SPREAD, CONDOR, ROLLED, CLOSED, COVERED, UNTOLD)


@pytest.mark.parametrize("of", SOUND, ids=["put", "call", "spread", "condor", "roll", "close", "covered", "untold"])
def test_a_sound_order_may_leave(of: Judged) -> None:
    assert refusal(of.attempt, of.facts, of.rules) is None


def detail_of(of: Judged, **changed: object) -> Judged:
    """The first leg's contract as the broker describes it, with something changed."""
    leg = of.intent.legs[0].contract
    known = of.facts.details[leg.con_id]
    seen = replace(known.contract, **changed)
    return with_facts(of, details={**of.facts.details, leg.con_id: Detail(seen, known.listing)})


def listed_as(of: Judged, row: Listing) -> Judged:
    leg = of.intent.legs[0].contract
    return with_facts(of, details={**of.facts.details, leg.con_id: Detail(leg, row)})


def unresolved(of: Judged) -> Judged:
    return with_facts(of, working=(WorkingOrder("m260710-AAAAAAAAAAAA-1", "SPY", shares=10, unresolved=True),))


def quoting(of: Judged, quote: Quote) -> Judged:
    return with_facts(of, quotes={**of.facts.quotes, of.intent.legs[0].contract.con_id: quote})


def live(of: Judged) -> Judged:
    """An earlier attempt of the same intent still works, which was meant for another group."""
    order = WorkingOrder(f"{of.intent.id}-1", "SPY", 1, of.intent.legs, net("-1.20"), STRATEGY, "g2")
    return with_attempt(with_facts(of, working=(order,)), number=2)


def grouped(of: Judged) -> Judged:
    """Another order of the same group works."""
    order = WorkingOrder("m260710-AAAAAAAAAAAA-1", "SPY", 1, legs((BUY, put(80))), net("0.10"), STRATEGY, "g1")
    return with_facts(of, working=(order,))


LONG_CALL = judged(OPEN, ((BUY, call(105)),), "0.95", "0.95", "1.00")
XSP_PUT = judged(OPEN, ((SELL, put(95, underlying="XSP")),), "-1.15", "-1.15", "-1.05")
LATER = date(2026, 9, 18)
OUTLIVED = judged(OPEN, ((SELL, put(95, LATER)), (BUY, put(90))), "-0.70", "-0.70", "-0.60")
IN_THE_MONEY = with_facts(
    judged(OPEN, ((SELL, call(99)),), "-0.95", "-0.95", "-0.90"),
    shares={"SPY": 100},
    ex_dividend=ExDividend(2, Decimal("0.01")),
)
WING_FIRST = with_facts(
    judged(CLOSE, ((SELL, call(110)),), "-0.45", "-0.45", None, (lot(call(105), -1), lot(call(110), 1))),
    shares={"SPY": 0},
)
PUT_WING_FIRST = judged(CLOSE, ((SELL, put(90)),), "-0.45", "-0.45", None, (lot(put(95), -1), lot(put(90), 1)))
NARROWER_WING_FIRST = judged(
    CLOSE, ((SELL, put(90)),), "-0.45", "-0.45", None, (lot(put(95), -1), lot(put(90), 1), lot(put(80), 1))
)
OLD = Quote(1.10, 1.20, NOW - timedelta(minutes=5, seconds=1))

VIOLATIONS: dict[str, list[Judged]] = {
    "account": [with_facts(PUT, account="DU7654321"), with_intent(PUT, account="DU7654321")],
    "mode": [with_rules(PUT, paper=False)],
    "session": [with_intent(PUT, session=date(2026, 7, 9))],
    "window": [
        with_rules(PUT, window_opens_minutes=14),
        with_intent(PUT, deadline=NOW),
        with_rules(PUT, last_send_minutes=15),
    ],
    "full_halt": [with_facts(CLOSED, full_halt="halted by a person"), with_facts(PUT, full_halt="halted by a person")],
    "halt": [with_facts(PUT, halt="reduce only after a loss of 3 %")],
    "unresolved": [unresolved(PUT), unresolved(CLOSED)],
    "quantity": [with_intent(PUT, quantity=0), with_intent(PUT, quantity=-1), with_rules(PUT, max_quantity=0)],
    "legs": [with_intent(PUT, underlying="QQQ")],
    "contract": [
        with_facts(PUT, details={}),
        detail_of(PUT, multiplier=10),
        detail_of(PUT, strike=Decimal(96)),
        detail_of(CLOSED, trading_class="SPY1"),
    ],
    "listing": [
        listed_as(PUT, Listing("SPY", "SMART", "2SPY", "100")),
        listed_as(PUT, Listing("SPY", "SMART", "SPY", "10")),
    ],
    "days": [
        with_rules(PUT, min_days=42),
        judged(OPEN, ((SELL, put(95, NEXT_WEEK)),), "-1.15", "-1.15", "-1.05"),
        with_rules(judged(OPEN, ((SELL, put(95, SESSION.day)),), "-1.15", "-1.15", "-1.05"), min_days=-1),
    ],
    "uncovered_calls": [
        with_facts(CALL, shares={"SPY": 99}),
        with_facts(CALL, working=(WorkingOrder("", "SPY", shares=-1),)),
        with_facts(CALL, working=(working((SELL, call(106))),)),
        with_facts(CALL, positions={call(106): -1}),
    ],
    "index_puts": [XSP_PUT],
    "unpriced": [with_facts(PUT, working=(working((BUY, put(80)), price=None),))],
    "cash": [
        with_facts(PUT, settled_cash_usd=Decimal("9500.69")),
        with_facts(PUT, share_orders_usd=Decimal(20_500)),
        with_facts(PUT, positions={put(80): -3}),
        with_facts(PUT, working=(working((SELL, put(80)), quantity=3),)),
        with_facts(LONG_CALL, settled_cash_usd=Decimal("95.69")),
    ],
    "defined_risk": [with_facts(OUTLIVED, settled_cash_usd=Decimal(30_000))],
    "spot": [with_facts(PUT, spot=Decimal("97.99")), with_facts(PUT, spot=Decimal(102))],
    "loss": [with_intent(PUT, most_loss_usd=Decimal("9384.99"))],
    "strategy_loss": [
        with_rules(PUT, strategy_loss_usd=Decimal("9384.99")),
        with_rules(
            with_facts(PUT, lots=(lot(put(80), -1, group="g2"),), positions={put(80): -1}),
            strategy_loss_usd=Decimal(17_284),  # 9,385 and 7,900
        ),
    ],
    "account_loss": [
        with_rules(
            with_facts(PUT, working=(working((SELL, put(80))),)),
            account_loss_usd=Decimal(17_284),
        )
    ],
    "collision": [
        with_facts(PUT, working=(working((BUY, put(95)), price="1"),)),
        with_facts(CLOSED, working=(working((SELL, put(95)), (BUY, put(90))),)),
    ],
    "offset": [
        with_facts(PUT, lots=(lot(put(95), 1, strategy="vix_hedge"),), positions={put(95): 1}),
        with_facts(PUT, lots=(lot(put(95), 1, group="g2"),), positions={put(95): 1}),
        with_facts(PUT, positions={put(95): 1}),
    ],
    "envelope": [
        with_intent(PUT, envelope=Envelope(net("-1.15"), net("-1.16"))),
        with_intent(PUT, envelope=Envelope(net("-1.15"), None)),
    ],
    "credit": [
        with_facts(
            with_attempt(with_intent(SPREAD, envelope=Envelope(net("-0.01"), net("0.05"))), price=net("0.00")),
            quotes=quoted(put(95)) | {put(90).con_id: Quote(1.10, 1.20, NOW)},
        )
    ],
    "tick": [with_facts(PUT, tick=Decimal("0.10")), with_attempt(PUT, price=net("-1.155"))],
    "quotes": [
        with_facts(PUT, quotes={}),
        quoting(PUT, Quote(None, 1.20, NOW)),
        quoting(PUT, OLD),
        quoting(PUT, replace(OLD, at=None)),
        quoting(CLOSED, Quote(1.10, None, NOW)),
    ],
    "market": [with_attempt(PUT, price=net("-1.22")), with_attempt(CLOSED, price=net("1.32"))],
    "ex_date": [
        IN_THE_MONEY,
        with_facts(CALL, ex_dividend=ExDividend(0, Decimal("1.01"))),
        with_facts(CALL, ex_dividend=ExDividend(1, None)),
        with_facts(IN_THE_MONEY, ex_dividend=ExDividend(0, None, told=False)),
    ],
    "level": [with_rules(PUT, level=2), with_rules(CALL, level=0)],
    "what_if": [
        with_facts(PUT, what_if=WhatIf(None)),
        with_facts(PUT, what_if=WhatIf(Decimal(100_001))),
    ],
    "attempt": [live(PUT)],
    "group": [grouped(PUT), grouped(CLOSED)],
    "changes": [with_attempt(with_facts(PUT, changes=3), number=4)],
    "orders": [with_facts(PUT, orders=4)],
    "own": [
        with_facts(CLOSED, positions={}),
        with_intent(CLOSED, quantity=2),
        with_facts(CLOSED, working=(working((BUY, put(95)), price="1"),)),
        judged(ROLL, ((SELL, put(95)),), "-1.15", "-1.15", "-1.05"),
    ],
    "more_pinned": [WING_FIRST, with_facts(WING_FIRST, shares={"SPY": 100}), PUT_WING_FIRST, NARROWER_WING_FIRST],
}
CASES = [(name, of) for name, found in VIOLATIONS.items() for of in found]


@pytest.mark.parametrize(("name", "of"), CASES, ids=[f"{at}-{name}" for at, (name, _) in enumerate(CASES)])
def test_each_clause_alone_refuses_its_violation(name: str, of: Judged) -> None:
    """Without the clause the order would leave: so none may be taken away, and none stands for another."""
    clauses = CLAUSES[of.intent.purpose]
    found = first_refusal(of, clauses)
    assert found is not None
    assert (found.check, bool(found.text)) == (name, True)
    assert first_refusal(of, {one: clause for one, clause in clauses.items() if one != name}) is None


def test_every_clause_has_a_violation() -> None:
    assert set(VIOLATIONS) == {*OPENING, *CLOSING}
    assert {name for name in CLOSING if name not in OPENING} == {"own", "more_pinned"}
    assert set(CLAUSES[ROLL]) == {*OPENING, "own"}


@pytest.mark.parametrize(
    "of",
    [
        with_facts(CLOSED, halt="reduce only after a loss of 3 %"),
        with_rules(CLOSED, max_quantity=0, strategy_loss_usd=Decimal(0), account_loss_usd=Decimal(0), level=0),
        with_facts(CLOSED, settled_cash_usd=Decimal(0), orders=99, changes=99, spot=Decimal(80)),
        with_rules(CLOSED, min_days=100),
        with_attempt(CLOSED, price=net("1.31")),  # a spread of 0.10 and a tick beyond the far side of 1.20
        with_facts(with_attempt(CLOSED, price=net("0.05")), quotes={put(95).con_id: Quote(None, 0.05, NOW)}),
        with_facts(COVERED, shares={"SPY": 0}),
        with_facts(
            CLOSED,
            lots=(*CLOSED.facts.lots, lot(put(95), -1, strategy="iron_condor")),
            positions={put(95): -2},
            working=(working((BUY, put(95)), price="1.15"),),
        ),
    ],
    ids=["halt", "caps", "cash", "days", "band", "no bid", "uncovered already", "others hold it too"],
)
def test_what_keeps_an_opening_back_does_not_keep_a_closing_back(of: Judged) -> None:
    assert refusal(of.attempt, of.facts, of.rules) is None


@pytest.mark.parametrize(
    "of",
    [
        with_facts(CALL, shares={}, positions={call(110): 1}),
        with_facts(CALL, shares={}, positions={call(100, LATER): 1}),
        with_facts(CALL, working=(working((BUY, call(106)), price="1"),)),
        with_facts(CALL, working=(working((SELL, call(106)), (BUY, call(111))),)),
        with_facts(CALL, shares={"SPY": 200}, working=(WorkingOrder("", "SPY", shares=-100),)),
    ],
    ids=["higher long", "later long", "a purchase works", "a spread works", "shares beyond a sale"],
)
def test_a_call_is_covered_by_a_long_that_lives_as_long_or_by_shares_that_stay(of: Judged) -> None:
    assert refusal(of.attempt, of.facts, of.rules) is None


@pytest.mark.parametrize(
    "of",
    [
        with_facts(CALL, shares={}, positions={call(110, NEXT_WEEK): 1}),
        with_facts(CALL, shares={}, positions={replace(call(110), trading_class="SPYX", con_id=7): 1}),
        with_facts(CALL, shares={}, positions={put(110): 1}),
        with_facts(CALL, shares={}, positions={call(110): 1}, working=(working((SELL, call(110))),)),
        with_facts(CALL, shares={}, working=(working((BUY, call(110)), price="1"),)),
        with_facts(CALL, shares={"SPY": -100}, positions={}),
        with_facts(CALL, working=tuple(working((SELL, call(200 + at)), (BUY, call(300))) for at in range(9))),
    ],
    ids=["dies before", "class", "a put", "on sale", "only being bought", "short shares", "too many to look at"],
)
def test_nothing_else_covers_a_call(of: Judged) -> None:
    found = refusal(of.attempt, of.facts, of.rules)
    assert found is not None
    assert found.check == "uncovered_calls"


def test_the_price_of_a_single_leg_is_changed_in_place_within_the_count() -> None:
    order = WorkingOrder(f"{PUT.intent.id}-1", "SPY", 1, PUT.intent.legs, net("-1.15"), STRATEGY, PUT.intent.group)
    of = with_attempt(with_facts(PUT, working=(order,), orders=4, changes=2), in_place=True, price=net("-1.12"))
    assert refusal(of.attempt, of.facts, of.rules) is None
    last = with_facts(of, changes=3)
    found = refusal(last.attempt, last.facts, last.rules)
    assert found is not None
    assert (found.check, found.text) == ("changes", "3 changes of its price this session, 3 are allowed")


def test_a_refusal_names_the_numbers() -> None:
    of = with_facts(PUT, positions={put(80): -3})
    found = refusal(of.attempt, of.facts, of.rules)
    assert found is not None
    assert found.text == (
        "9500.70 USD are needed, 6000.00 are free: settled 30000.00, pinned by options 24000.00, by share orders 0.00"
    )


UNPRICED = working((BUY, put(80)), price=None)


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (
            with_facts(PUT, working=(replace(UNPRICED, ref="m260710-AAAAAAAAAAAA-1"),)),
            "what m260710-AAAAAAAAAAAA-1 may",
        ),
        (with_facts(PUT, working=(UNPRICED,)), "what a stranger's order may"),
        # Bid 0.90, ask 1.00 for what is worth nothing inside.
        (
            with_facts(CALL, ex_dividend=ExDividend(1, Decimal("1.01"))),
            "ex-date in 1 sessions, dividend 1.01, time value",
        ),
        (with_facts(CALL, ex_dividend=ExDividend(1, None)), "ex-date in 1 sessions, dividend unknown, time value"),
        (
            with_facts(IN_THE_MONEY, ex_dividend=ExDividend(0, None, told=False)),
            "nobody tells its dividends, an ex-date is possible in 0 sessions, dividend unknown, time value",
        ),
    ],
    ids=["order", "stranger", "dividend", "unknown", "untold"],
)
def test_a_refusal_names_what_is_known_and_what_is_not(of: Judged, text: str) -> None:
    found = refusal(of.attempt, of.facts, of.rules)
    assert found is not None
    assert text in found.text


@pytest.mark.parametrize(
    "of",
    [
        with_attempt(PUT, price=net("-1.21")),
        with_facts(LONG_CALL, ex_dividend=ExDividend(0, Decimal(5))),
        with_facts(PUT, ex_dividend=ExDividend(0, Decimal(5))),
        with_facts(CALL, ex_dividend=ExDividend(0, Decimal("1.00"))),
        with_facts(PUT, changes=3),
        with_facts(PUT, what_if=WhatIf(Decimal(100_000))),
    ],
    ids=["one tick above the ask", "long call", "put", "worth its dividend", "first offer", "all the margin"],
)
def test_what_stands_just_within_a_clause_may_leave(of: Judged) -> None:
    assert refusal(of.attempt, of.facts, of.rules) is None


@pytest.mark.parametrize(("of", "level"), [(CALL, 1), (LONG_CALL, 2), (PUT, 3), (SPREAD, 3), (CONDOR, 3)])
def test_levels_are_those_of_the_broker(of: Judged, level: int) -> None:
    assert level_for(of.after, of.attempt.price) == level
    assert level_for({put(95): 1, put(90): -1}, Decimal("0.70")) == 2


@pytest.mark.parametrize(
    "of",
    [
        with_intent(PUT, legs=()),
        with_intent(PUT, legs=tuple(replace(leg, ratio=2) for leg in PUT.intent.legs)),
        with_intent(PUT, legs=tuple(replace(leg, ratio=0) for leg in PUT.intent.legs)),
        with_intent(SPREAD, legs=(*SPREAD.intent.legs, *legs((BUY, put(95))))),
        with_intent(CONDOR, legs=(*CONDOR.intent.legs, *legs((BUY, call(120))))),
    ],
    ids=["none", "lowest terms", "no ratio", "twice", "five"],
)
def test_legs_that_make_no_order_are_refused_by_name(of: Judged) -> None:
    found = refusal(of.attempt, of.facts, of.rules)
    assert found is not None
    assert found.check in ("legs", "quantity")


@pytest.mark.parametrize(
    ("contracts", "price", "level"),
    [
        ({call(105): -1, call(110): 1}, "-0.40", 3),
        ({call(105): 1, call(110): -1}, "0.40", 2),
        ({call(105): 1, call(110): -1}, "0", 3),
        ({call(105): -1}, "0.10", 1),
        ({call(105): -1, put(95): -1}, "-2.00", 3),
    ],
    ids=["credit of calls", "debit of calls", "no debit", "covered call", "strangle"],
)
def test_a_debit_spread_needs_less_than_a_credit_spread(
    contracts: dict[OptionContract, int], price: str, level: int
) -> None:
    assert level_for(contracts, Decimal(price)) == level
