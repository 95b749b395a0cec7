"""Every combination of limits and switches: what blocks an exit, and what blocks an entry."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import ClassVar

import pytest

from mtum.core.decide import decide
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import Action, Book, PortfolioRules
from mtum.core.portfolio.limits import LossRules, LossState, Restriction
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.strategies.contract import Abstain, Holding, Keep, Own, Strategy, SymbolVerdict, Target, Verdict
from mtum.core.view import MarketView
from support.markets import made_up_bars

SYMBOL = "AAA"
BARS = made_up_bars(80, seed=3)
VIEW = MarketView(BARS.last_day, {SYMBOL: BARS}, {}, {})
PRICE = float(BARS.close[-1])
LIMIT_USD = 500.0


@dataclass(frozen=True)
class Wanting(Strategy):
    """A strategy that wants what it is told."""

    wish: Verdict
    name: ClassVar[str] = "wanting"

    def universe(self) -> tuple[str, ...]:
        return (SYMBOL,)

    def series(self) -> tuple[str, ...]:
        return ()

    def history_sessions(self) -> int:
        return 60

    def problems(self) -> tuple[str, ...]:
        return ()

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        return (SymbolVerdict(SYMBOL, self.wish, ("wanted",), (), {}),)


@dataclass(frozen=True)
class Switches:
    """One combination of everything that could stand in the way."""

    restriction: Restriction
    last_loss: float
    loss_since: float
    paused: bool
    fallen: bool
    entry_bar: str
    exit_bar: str
    cash: str
    flatten: bool
    pending: bool


CASH = {"enough": (5000.0, 0.0), "unsettled": (0.0, 5000.0), "none": (0.0, 0.0)}
COMBINATIONS = [
    Switches(*values)
    for values in product(
        Restriction,
        (0.0, -LIMIT_USD),
        (0.0, -LIMIT_USD),
        (False, True),
        (False, True),
        ("", "unconfirmed", "mismatch", "unresolved"),
        ("", "unresolved", "unconfirmed"),
        CASH,
        (False, True),
        (False, True),
    )
]


def decided(wish: Verdict, held: int, switches: Switches) -> tuple[Action, tuple[str, ...]]:
    available, unsettled = CASH[switches.cash]
    equity = available + unsettled + held * PRICE
    book = Book(
        holdings={SYMBOL: Holding(SYMBOL, held, PRICE if held else None)},
        cash_usd=available + unsettled,
        available_usd=available,
        unsettled_usd=unsettled,
        exit_pending={SYMBOL: "vix_fear"} if switches.pending and held else {},
        losses=LossState(
            last_change_usd=switches.last_loss,
            change_since_usd=switches.loss_since,
            paused=switches.paused,
            peak_equity_usd=equity * 2 if switches.fallen else equity,
        ),
        restriction=switches.restriction,
        entries_barred={SYMBOL: switches.entry_bar} if switches.entry_bar else {},
        exits_barred={SYMBOL: switches.exit_bar} if switches.exit_bar else {},
    )
    rules = PortfolioRules(
        SizingRules(1.0, 5000.0, 0.005, PercentCosts(Decimal("0.001"))),
        LossRules(LIMIT_USD, flatten_on_daily_loss=switches.flatten, max_drawdown_frac=0.25),
    )
    decision = decide(VIEW, Wanting(wish), book, rules)
    if decision.orders:
        (order,) = decision.orders
        assert order.shares == held or order.side.value == "BUY"
    return decision.action, decision.reasons


def lost(switches: Switches) -> bool:
    return min(switches.last_loss, switches.loss_since) <= -LIMIT_USD


def test_an_exit_is_blocked_by_a_full_halt_and_by_what_bars_the_symbol_and_by_nothing_else() -> None:
    wrong = []
    for switches in COMBINATIONS:
        blocked = switches.restriction is Restriction.FULL or bool(switches.exit_bar)
        action, reasons = decided(Target(0.0), 20, switches)
        if (action is Action.EXIT) == blocked:
            wrong.append((switches, action, reasons))
    assert wrong == []


def test_an_entry_is_blocked_by_every_cause_that_names_it_and_by_nothing_else() -> None:
    wrong = []
    for switches in COMBINATIONS:
        blocked = (
            switches.restriction is not Restriction.NONE
            or lost(switches)
            or switches.paused
            or switches.fallen
            or bool(switches.entry_bar)
            or switches.cash != "enough"
        )
        action, reasons = decided(Target(1.0), 0, switches)
        if (action is Action.ENTER) == blocked:
            wrong.append((switches, action, reasons))
    assert wrong == []


@pytest.mark.parametrize("wish", [Keep(), Abstain()])
def test_shares_are_sold_against_the_strategys_wish_only_by_flatten_or_a_carried_exit(wish: Verdict) -> None:
    wrong = []
    for switches in COMBINATIONS:
        forced = switches.pending or (switches.flatten and lost(switches))
        blocked = switches.restriction is Restriction.FULL or bool(switches.exit_bar)
        action, reasons = decided(wish, 20, switches)
        if (action is Action.EXIT) != (forced and not blocked):
            wrong.append((switches, action, reasons))
    assert wrong == []


def test_a_flat_sleeve_never_sells_and_an_unwanted_one_never_buys() -> None:
    for switches in COMBINATIONS:
        assert decided(Target(0.0), 0, switches)[0] is Action.HOLD
        assert decided(Keep(), 0, switches)[0] is Action.HOLD


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"restriction": Restriction.REDUCE_ONLY}, "halted"),
        ({"fallen": True}, "halted"),
        ({"paused": True}, "daily_loss"),
        ({"last_loss": -LIMIT_USD}, "daily_loss"),
        ({"loss_since": -LIMIT_USD}, "daily_loss"),
        ({"entry_bar": "unconfirmed"}, "unconfirmed"),
        ({"cash": "unsettled"}, "cash_not_settled"),
        ({"cash": "none"}, "budget_below_one_share"),
    ],
)
def test_a_blocked_entry_names_its_cause(changes: dict[str, object], word: str) -> None:
    free: dict[str, object] = {
        "restriction": Restriction.NONE,
        "last_loss": 0.0,
        "loss_since": 0.0,
        "paused": False,
        "fallen": False,
        "entry_bar": "",
        "exit_bar": "",
        "cash": "enough",
        "flatten": False,
        "pending": False,
    }
    _, reasons = decided(Target(1.0), 0, Switches(**(free | changes)))  # type: ignore[arg-type]  # the names are the fields
    assert reasons == (word,)


def test_a_loss_one_cent_short_of_the_limit_blocks_nothing() -> None:
    just_short = Switches(Restriction.NONE, -LIMIT_USD + 0.01, 0.0, False, False, "", "", "enough", False, False)
    assert decided(Target(1.0), 0, just_short)[0] is Action.ENTER
