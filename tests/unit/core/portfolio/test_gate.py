"""The last gate: each check alone stops an order that every other check lets through."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mtum.core.market.sessions import Session
from mtum.core.portfolio.gate import GateFacts, GateRules, last_instant, refusal
from mtum.core.portfolio.orders import OrderType, Side, Ticket
from support.values import replace

CLOSE = datetime(2018, 12, 3, 21, tzinfo=UTC)
SESSION = Session(date(2018, 12, 3), CLOSE - timedelta(hours=6, minutes=30), CLOSE)
RULES = GateRules(
    "DU1",
    {"MTUM": "4711"},
    {"core": Decimal(5000), "timing": Decimal(9000)},
    window_opens_minutes=22,
    last_send_minutes=15,
)
FACTS = GateFacts(
    now=SESSION.before_close(17),
    session=SESSION,
    account="DU1",
    contract="4711",
    position=Decimal(10),
    open_sells=0,
    cash_usd=Decimal(2000),
    price=Decimal(100),
)
BUY = Ticket("DU1", "MTUM", Side.BUY, OrderType.MARKET_ON_CLOSE, 20, "m181203-AAAAAAAAAAAA-1", strategy="core")
SELL = replace(BUY, side=Side.SELL, shares=10)


def judged(ticket: Ticket, facts: dict[str, Any], rules: dict[str, Any]) -> str | None:
    stopped = refusal(ticket, replace(FACTS, **facts), replace(RULES, **rules))
    return stopped.check if stopped else None


@pytest.mark.parametrize("ticket", [BUY, SELL])
def test_an_order_that_passes_every_check_at_its_edge_may_leave(ticket: Ticket) -> None:
    assert judged(ticket, {}, {}) is None


# One fact at a time is wrong; the named check must be the one that sees it.
@pytest.mark.parametrize(
    ("check", "ticket", "facts", "rules"),
    [
        ("account", replace(BUY, account="DU2"), {}, {}),
        ("account", BUY, {"account": "DU2"}, {}),
        ("account", BUY, {}, {"account": "DU2"}),
        ("universe", replace(BUY, symbol="GME"), {}, {}),
        ("contract", BUY, {"contract": "4712"}, {}),
        ("contract", SELL, {"contract": ""}, {}),
        ("quantity", replace(BUY, shares=0), {}, {}),
        ("quantity", replace(SELL, shares=-1), {}, {}),
        ("sell", replace(SELL, shares=11), {}, {}),
        ("sell", SELL, {"position": Decimal("9.99")}, {}),
        ("sell", SELL, {"open_sells": 1}, {}),
        ("notional", BUY, {}, {"max_position_usd": {"core": Decimal("1999.99"), "timing": Decimal(9000)}}),
        ("notional", BUY, {"own_shares": Decimal(31)}, {}),  # 31 and 20 at 100 are 5,100
        ("notional", replace(BUY, strategy="gone"), {}, {}),
        ("cash", BUY, {"cash_usd": Decimal("1999.99")}, {}),
        ("sell", SELL, {"pledged": 1}, {}),
        ("short", replace(BUY, shares=11), {"position": Decimal(-10)}, {}),
        ("short", replace(BUY, shares=10), {"position": Decimal(-10), "open_buys": 1}, {}),
        ("short", replace(BUY, shares=1), {"position": Decimal("-0.5")}, {}),
        ("instruments", BUY, {"unknown": "MTUM CFD"}, {}),
        ("purchases", BUY, {"unpriced": "BUY 3 XYZ"}, {}),
        ("cash", BUY, {"open_buys_usd": Decimal("0.01")}, {}),
        ("cash", replace(BUY, shares=10), {"position": Decimal(-10), "cash_usd": Decimal("999.99")}, {}),
        ("intent", BUY, {"of_intent": 1}, {}),
        ("intent", SELL, {"of_intent": 2}, {}),
        ("side", BUY, {"other_side": 1}, {}),
        ("side", SELL, {"other_side": 30}, {}),
        ("window", BUY, {"now": SESSION.before_close(22) - timedelta(seconds=1)}, {}),
        ("window", SELL, {"now": SESSION.before_close(15) - timedelta(seconds=4)}, {}),
        ("window", BUY, {"now": SESSION.before_close(17) - timedelta(days=1)}, {}),
    ],
)
def test_each_check_alone_refuses(check: str, ticket: Ticket, facts: dict[str, Any], rules: dict[str, Any]) -> None:
    assert judged(ticket, facts, rules) == check


@pytest.mark.parametrize("minutes", [22.0, 15.0 + 5 / 60])
def test_the_edges_of_the_window_are_inside_it_and_the_later_one_is_five_seconds_early(minutes: float) -> None:
    assert judged(BUY, {"now": SESSION.before_close(minutes)}, {}) is None


def test_what_is_short_is_bought_back_to_the_last_share_whatever_the_largest_purchase() -> None:
    cover = replace(BUY, shares=10)
    facts: dict[str, Any] = {"position": Decimal(-12), "open_buys": 2, "unknown": "MTUM CFD"}
    assert judged(cover, {**facts, "cash_usd": Decimal(1000)}, {"max_position_usd": {}}) is None


def test_two_purchases_do_not_spend_the_same_cash() -> None:
    """The first rests until the auction, and its cash is still on display."""
    assert judged(replace(BUY, shares=1), {"open_buys_usd": Decimal(1900)}, {}) is None
    assert judged(replace(BUY, shares=1), {"open_buys_usd": Decimal("1900.01")}, {}) == "cash"


def test_a_sale_needs_no_cash_and_is_not_bounded_by_the_largest_purchase() -> None:
    facts: dict[str, Any] = {"cash_usd": Decimal(-5), "unknown": "MTUM CFD", "unpriced": "BUY 3 XYZ"}
    assert judged(SELL, {**facts, "own_shares": Decimal(99)}, {"max_position_usd": {}}) is None


def test_what_a_sleeve_has_already_counts_in_its_own_limit_and_in_no_others() -> None:
    """20 at 100 beside 30 are the 5,000 of core, and 9,000 take 70 of timing's beside them."""
    assert judged(BUY, {"own_shares": Decimal(30)}, {}) is None
    assert judged(replace(BUY, strategy="timing"), {"own_shares": Decimal(70)}, {}) is None
    assert judged(replace(BUY, strategy="timing"), {"own_shares": Decimal(71)}, {}) == "notional"
    assert judged(BUY, {"own_shares": Decimal(-30)}, {"max_position_usd": {"core": Decimal("1999.99")}}) == "notional"
    stopped = refusal(BUY, replace(FACTS, own_shares=Decimal(31)), RULES)
    assert stopped is not None
    assert stopped.text == "buy for 2000.00 USD, with what core has 5100.00, its limit 5000.00"


def test_a_purchase_needs_no_position() -> None:
    assert judged(BUY, {"position": Decimal(0), "open_sells": 9}, {}) is None


def test_without_a_pinned_contract_any_is_taken() -> None:
    assert judged(BUY, {"contract": "4712"}, {"contracts": {"MTUM": ""}}) is None


def test_a_refusal_says_the_facts_in_words() -> None:
    stopped = refusal(replace(SELL, shares=11), FACTS, RULES)
    assert stopped is not None
    assert stopped.text == "sell 11, free to sell 10 (0 on sale, 0 pledged to calls)"
    late = refusal(SELL, replace(FACTS, now=SESSION.before_close(15)), RULES)
    assert late is not None
    assert late.text == "broker's clock 20:45:00 UTC, window 20:38:00 to 20:44:55"


@pytest.mark.parametrize(
    ("kind", "last", "minutes"),
    [
        (OrderType.MARKET_ON_CLOSE, 15, 15),
        (OrderType.LIMIT, 15, 15),
        (OrderType.MARKET, 15, 3),  # it waits for no auction
        (OrderType.MARKET, 2, 2),
    ],
)
def test_a_market_order_may_leave_until_shortly_before_the_close(kind: OrderType, last: float, minutes: float) -> None:
    assert last_instant(SESSION, kind, last) == SESSION.before_close(minutes) - timedelta(seconds=5)
