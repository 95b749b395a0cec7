"""No check of the last gate can be taken away unnoticed: each is removed from its source, and a case fails."""

import ast
import inspect
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mtum.core.market.instruments import InstrumentId
from mtum.core.market.sessions import Session
from mtum.core.portfolio import gate
from mtum.core.portfolio.gate import GateFacts, GateRefusal, GateRules, refusal
from mtum.core.portfolio.orders import Leg, OrderType, Side, Ticket
from support.values import replace

DAY = date(2026, 1, 30)
SESSION = Session(DAY, datetime(2026, 1, 30, 14, 30, tzinfo=UTC), datetime(2026, 1, 30, 21, tzinfo=UTC))
RULES = GateRules(
    "DU1", {"MTUM": "7@BATS"}, {"core": Decimal(5000)}, window_opens_minutes=22, last_send_minutes=15, paper=True
)
LIVE = replace(RULES, paper=False)
# 16 shares at 250.00 are 4,000 of 5,000 USD; 20 minutes before the close.
FACTS = GateFacts(
    now=datetime(2026, 1, 30, 20, 40, tzinfo=UTC),
    session=SESSION,
    account="DU1",
    contract="7@BATS",
    position=Decimal(16),
    open_sells=0,
    cash_usd=Decimal(4500),
    price=Decimal(250),
)
BUY = Ticket("DU1", "MTUM", Side.BUY, OrderType.MARKET_ON_CLOSE, 16, "m260130-AAAAAAAAAAAA-1", strategy="core")
SELL = replace(BUY, side=Side.SELL)
PUT = InstrumentId("MTUM  260220P00240000")

type Case = tuple[Ticket, GateFacts] | tuple[Ticket, GateFacts, GateRules]
# One order per check that breaks this check and no other.
BROKEN: dict[str, list[Case]] = {
    "account": [
        (replace(BUY, account="DU2"), FACTS),
        (BUY, replace(FACTS, account="DU2")),
    ],
    "mode": [(BUY, FACTS, LIVE)],
    "universe": [(replace(BUY, symbol="SPY"), replace(FACTS, contract=""))],
    "contract": [(BUY, replace(FACTS, contract="8@BATS")), (BUY, replace(FACTS, contract="7@ARCA"))],
    "quantity": [(replace(BUY, shares=0), FACTS), (replace(SELL, shares=-1), FACTS)],
    "sell": [
        (replace(SELL, shares=17), FACTS),
        (SELL, replace(FACTS, open_sells=1)),
        (SELL, replace(FACTS, position=Decimal("15.9"))),
        (SELL, replace(FACTS, pledged=1)),
    ],
    "short": [
        (BUY, replace(FACTS, position=Decimal("-15.9"))),
        (BUY, replace(FACTS, position=Decimal(-16), open_buys=1)),
    ],
    "instruments": [(BUY, replace(FACTS, unknown="MTUM CFD"))],
    "purchases": [(BUY, replace(FACTS, unpriced="BUY 1 MTUM BAG"))],
    "notional": [
        (replace(BUY, shares=21), replace(FACTS, cash_usd=Decimal(9000))),
        (BUY, replace(FACTS, own_shares=Decimal(5))),
        (replace(BUY, strategy="gone"), FACTS),
    ],
    "instrument": [
        (replace(BUY, combination=(Leg(PUT, Side.SELL), Leg(PUT, Side.BUY))), FACTS),
        (replace(BUY, symbol=PUT), FACTS, replace(RULES, contracts={PUT: ""})),
    ],
    "cash": [
        (BUY, replace(FACTS, cash_usd=Decimal("3999.99"))),
        (BUY, replace(FACTS, open_buys_usd=Decimal("500.01"))),
    ],
    "intent": [(BUY, replace(FACTS, of_intent=1)), (SELL, replace(FACTS, of_intent=1))],
    "side": [(BUY, replace(FACTS, other_side=1)), (SELL, replace(FACTS, other_side=1))],
    "window": [
        (BUY, replace(FACTS, now=datetime(2026, 1, 30, 20, 37, 59, tzinfo=UTC))),
        (BUY, replace(FACTS, now=datetime(2026, 1, 30, 20, 44, 56, tzinfo=UTC))),
    ],
}
type Gate = Callable[[Ticket, GateFacts, GateRules], GateRefusal | None]
PAIRS = [(name, case) for name, cases in BROKEN.items() for case in cases]


@pytest.mark.parametrize("ticket", [BUY, SELL])
def test_a_sound_order_leaves(ticket: Ticket) -> None:
    assert refusal(ticket, FACTS, RULES) is None


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_each_check_stops_its_own_kind_of_order(name: str, case: Case) -> None:
    stopped = judged(refusal, case)
    assert stopped is not None
    assert stopped.check == name


@pytest.mark.parametrize(
    ("ticket", "facts"),
    [
        (replace(BUY, shares=20), replace(FACTS, cash_usd=Decimal(5000))),
        (SELL, replace(FACTS, cash_usd=Decimal(-10))),
        (BUY, replace(FACTS, own_shares=Decimal(4))),
        (BUY, replace(FACTS, now=datetime(2026, 1, 30, 20, 38, tzinfo=UTC))),
        (BUY, replace(FACTS, now=datetime(2026, 1, 30, 20, 44, 55, tzinfo=UTC))),
    ],
)
def test_the_limits_themselves_are_allowed(ticket: Ticket, facts: GateFacts) -> None:
    assert refusal(ticket, facts, RULES) is None


def judged(gate_in_force: Gate, case: Case) -> GateRefusal | None:
    ticket, facts, rules = (*case, RULES)[:3]
    return gate_in_force(ticket, facts, rules)


def without(check: str) -> Gate:
    """The gate built from its own source with one check taken away."""
    tree = ast.parse(inspect.getsource(gate))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "checks":
            assert isinstance(node.value, ast.Tuple)
            kept = [item for item in node.value.elts if ast.unparse(item).startswith(f"('{check}'") is False]
            assert len(kept) == len(node.value.elts) - 1
            node.value.elts = kept
    rebuilt: dict[str, object] = {"__name__": gate.__name__}
    exec(compile(ast.fix_missing_locations(tree), "gate", "exec"), rebuilt)
    found = rebuilt["refusal"]
    assert callable(found)
    return found


def names_in_the_source() -> set[str]:
    tree = ast.parse(inspect.getsource(gate))
    (checks,) = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "checks"
    ]
    assert isinstance(checks, ast.Tuple)
    return {ast.literal_eval(item.elts[0]) for item in checks.elts if isinstance(item, ast.Tuple)}


def test_every_check_of_the_source_has_a_case() -> None:
    assert names_in_the_source() == set(BROKEN)


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_without_the_check_the_order_would_leave(name: str, case: Case) -> None:
    """Mutation: each case above fails on a gate from which its check was removed."""
    stopped = judged(without(name), case)
    assert stopped is None or stopped.check != name
    if name != "universe":  # an unknown symbol has no pinned contract either way
        assert stopped is None
