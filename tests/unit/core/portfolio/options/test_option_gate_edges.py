"""The edges of the last gate for options: what stands exactly at one may leave, and each refusal says what it saw."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from mtum.core.options.chain import Quote
from mtum.core.options.ladder import Envelope
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.options.gate import CLAUSES, level_for, refusal
from mtum.core.portfolio.options.gate_facts import ExDividend, Judged
from mtum.core.portfolio.options.orders import WorkingOrder
from support.option_orders import (
    BUY,
    GROUP,
    NOW,
    SELL,
    STRATEGY,
    call,
    judged,
    lot,
    net,
    put,
    with_attempt,
    with_facts,
    with_intent,
    with_rules,
    working,
)

OPEN, CLOSE, ROLL = OptionPurpose.OPEN, OptionPurpose.CLOSE, OptionPurpose.ROLL
REF = "m260710-AAAAAAAAAAAA-1"
TOMORROW, NEXT_WEEK = date(2026, 7, 11), date(2026, 7, 17)
PUT = judged(OPEN, ((SELL, put(95)),), "-1.15", "-1.15", "-1.05")
"""Pins 9,500 USD and 0.70 of fees, and may lose 9,385."""
LONG_PUT = judged(OPEN, ((BUY, put(95)),), "1.15", "1.15", "1.20")
CALL = with_facts(judged(OPEN, ((SELL, call(105)),), "-0.95", "-0.95", "-0.90"), shares={"SPY": 100})
IN_THE_MONEY = with_facts(judged(OPEN, ((SELL, call(99)),), "-0.95", "-0.95", "-0.90"), shares={"SPY": 100})
"""A dollar inside, and quoted at 0.90 to 1.00."""
INDEX_CALL = with_facts(
    judged(OPEN, ((SELL, call(105, underlying="XSP")),), "-0.95", "-0.95", "-0.90"),
    positions={call(110, underlying="XSP"): 1},
)
"""Covered by what no lot of its own group explains."""
OLD_PUT = lot(put(90, NEXT_WEEK), -1)
ROLLED = with_facts(
    judged(ROLL, ((SELL, put(95)), (BUY, put(90, NEXT_WEEK))), "-0.70", "-0.70", "-0.60", (OLD_PUT,)),
    settled_cash_usd=Decimal(10_000),
)
"""The leg that opens stands first."""
LONG_ROLLED = judged(
    ROLL, ((SELL, put(90, NEXT_WEEK)), (BUY, put(95))), "0.70", "0.70", "0.80", (lot(put(90, NEXT_WEEK), 1),)
)
EVEN = with_facts(
    judged(ROLL, ((BUY, put(95, NEXT_WEEK)), (SELL, put(95))), "0", "0", "0.10", (lot(put(95, NEXT_WEEK), -1),)),
    settled_cash_usd=Decimal("9501.40"),
)
"""A roll at no price: beside the 9,500 USD that its group pins it needs its fees, 1.40, and nothing."""
CLOSED = judged(CLOSE, ((BUY, put(95)),), "1.15", "1.15", None, (lot(put(95), -1),))
LONG_CLOSED = judged(CLOSE, ((SELL, put(95)),), "-1.15", "-1.15", None, (lot(put(95), 1),))


def quoting(of: Judged, quote: Quote) -> Judged:
    return with_facts(of, quotes={**of.facts.quotes, of.intent.legs[0].contract.con_id: quote})


def said(of: Judged, clause: str) -> str:
    """What one clause alone says of an order, whatever another would refuse."""
    return CLAUSES[of.intent.purpose][clause](of)


AT_AN_EDGE = {
    "at the first moment of the window": with_rules(PUT, window_opens_minutes=15),
    "at its last moment": with_intent(PUT, deadline=NOW + timedelta(seconds=5)),
    "quoted five minutes ago": quoting(PUT, Quote(1.10, 1.20, NOW - timedelta(minutes=5))),
    "at its worst price": with_intent(PUT, envelope=Envelope(net("-1.15"), net("-1.15"))),
    "a day left, none asked for": with_rules(
        judged(OPEN, ((SELL, put(95, TOMORROW)),), "-1.15", "-1.15", "-1.05"), min_days=0
    ),
    "a long about to expire is rolled": LONG_ROLLED,
    "the opening leg of a roll first": ROLLED,
    "the last dollar": with_facts(PUT, settled_cash_usd=Decimal("9500.70")),
    "a roll for nothing": EVEN,
    "fees out of the credit": with_facts(CALL, settled_cash_usd=Decimal(0)),
    "all that the decision allowed to lose": with_intent(PUT, most_loss_usd=Decimal(9_385)),
    "all that the strategy may lose": with_rules(PUT, strategy_loss_usd=Decimal(9_385)),
    "what another strategy may lose": with_rules(
        with_facts(PUT, lots=(lot(put(80), -1, group="g2", strategy="iron_condor"),), positions={put(80): -1}),
        strategy_loss_usd=Decimal(9_385),
    ),
    "all that the account may lose": with_rules(PUT, account_loss_usd=Decimal(9_385)),
    "just less than the move allowed": with_facts(PUT, spot=Decimal("101.99")),
    "another group on the same side": with_facts(PUT, lots=(lot(put(95), -1, group="g2"),), positions={put(95): -1}),
    "shares of its own group at work": with_facts(
        PUT, working=(WorkingOrder(REF, "SPY", strategy=STRATEGY, group=GROUP, shares=10),)
    ),
    "another contract at work beside a closing": with_facts(LONG_CLOSED, working=(working((SELL, put(80))),)),
    "an ex-date in three sessions": with_facts(IN_THE_MONEY, ex_dividend=ExDividend(3, Decimal(5))),
    "an index pays nothing early": with_facts(INDEX_CALL, ex_dividend=ExDividend(0, Decimal(5))),
    "a call on an index": INDEX_CALL,
}


@pytest.mark.parametrize("of", AT_AN_EDGE.values(), ids=AT_AN_EDGE)
def test_what_stands_exactly_at_an_edge_may_leave(of: Judged) -> None:
    assert refusal(of.attempt, of.facts, of.rules) is None


PAST_AN_EDGE = {
    "part of a contract": (with_intent(PUT, quantity=Decimal("1.5")), "quantity"),
    "a cent short of its fees": (with_facts(EVEN, settled_cash_usd=Decimal("9501.39")), "cash"),
    "a quote from the future": (quoting(PUT, Quote(1.10, 1.20, NOW + timedelta(seconds=1))), "quotes"),
    # From 0 to 0.05: a spread and a tick beyond is 0.11.
    "too dear without a bid": (quoting(with_attempt(CLOSED, price=net("0.12")), Quote(None, 0.05, NOW)), "market"),
    "bought against another group": (with_facts(LONG_PUT, positions={put(95): -1}), "offset"),
    "sold without a position": (with_facts(LONG_CLOSED, positions={}), "own"),
    "a second offer past the last change": (with_attempt(with_facts(PUT, changes=3), number=2), "changes"),
    # A long call covers no put, though with one the group is a spread.
    "a put on an index beside a long call": (
        judged(
            OPEN,
            ((SELL, put(95, underlying="XSP")), (BUY, call(110, underlying="XSP"))),
            "-0.70",
            "-0.70",
            "-0.60",
        ),
        "defined_risk",
    ),
}


@pytest.mark.parametrize(("of", "clause"), PAST_AN_EDGE.values(), ids=PAST_AN_EDGE)
def test_what_stands_just_past_an_edge_is_refused(of: Judged, clause: str) -> None:
    found = refusal(of.attempt, of.facts, of.rules)
    assert found is not None
    assert found.check == clause


HELD_CALL = with_facts(
    PUT, lots=(lot(call(105), -1),), positions={call(105): -1}, ex_dividend=ExDividend(1, Decimal("0.01"))
)
"""A put for a group that has sold a call, whose quote the order does not need."""
SAYS = {
    "a reference": (
        with_facts(PUT, working=(WorkingOrder(REF, "SPY", shares=10, unresolved=True),)),
        "unresolved",
        f"nobody knows what became of {REF} in SPY",
    ),
    "a stranger": (
        with_facts(PUT, working=(WorkingOrder("", "SPY", shares=10, unresolved=True),)),
        "unresolved",
        "nobody knows what became of a stranger's order in SPY",
    ),
    "no shares at all": (
        with_facts(CALL, shares={}),
        "uncovered_calls",
        "1 short calls on SPY uncovered, 0 shares held",
    ),
    "the wing first": (
        judged(CLOSE, ((SELL, call(110)),), "-0.45", "-0.45", None, (lot(call(105), -1), lot(call(110), 1))),
        "more_pinned",
        "1 short calls on SPY uncovered after it, 0 before",
    ),
    "time value": (
        with_facts(IN_THE_MONEY, ex_dividend=ExDividend(2, Decimal("0.01"))),
        "ex_date",
        "SPY 2026-08-21 99 call: ex-date in 2 sessions, dividend 0.01, time value 0.0",
    ),
    "no quote": (
        HELD_CALL,
        "ex_date",
        "SPY 2026-08-21 105 call: ex-date in 1 sessions, dividend 0.01, time value 0",
    ),
    "no ask": (
        with_facts(HELD_CALL, quotes={**HELD_CALL.facts.quotes, call(105).con_id: Quote(0.90, None, NOW)}),
        "ex_date",
        "SPY 2026-08-21 105 call: ex-date in 1 sessions, dividend 0.01, time value 0",
    ),
    "another group's": (
        with_facts(CLOSED, lots=(lot(put(95), -1, group="g2"),)),
        "own",
        "SPY 2026-08-21 95 put: closes 1, the group has 0",
    ),
    "more than the group has": (
        with_facts(
            with_intent(CLOSED, quantity=2),
            lots=(lot(put(95), -1), lot(put(95), -1, group="g2")),
            positions={put(95): -2},
        ),
        "own",
        "SPY 2026-08-21 95 put: closes 2, the group has -1",
    ),
    "the wrong side": (
        with_facts(CLOSED, lots=(lot(put(95), 1),), positions={put(95): 1}),
        "own",
        "SPY 2026-08-21 95 put: closes 1, the group has 1",
    ),
    "another order closes it": (
        with_facts(CLOSED, working=(working((BUY, put(95)), price="1"),)),
        "own",
        "SPY 2026-08-21 95 put: closes 1 beside 1 in working orders, the broker lists -1",
    ),
    "a roll that only opens": (
        judged(ROLL, ((SELL, put(95)),), "-1.15", "-1.15", "-1.05"),
        "own",
        f"a roll that closes nothing of {GROUP}",
    ),
    "nothing of bought options": (
        judged(OPEN, ((BUY, put(95, underlying="XSP")),), "1.15", "1.15", "1.20"),
        "index_puts",
        "",
    ),
}


@pytest.mark.parametrize(("of", "clause", "words"), SAYS.values(), ids=SAYS)
def test_a_clause_says_what_it_saw(of: Judged, clause: str, words: str) -> None:
    assert said(of, clause) == words


def test_an_option_that_costs_nothing_is_bought_all_the_same() -> None:
    assert level_for({call(110): 1}, Decimal(0)) == 2
