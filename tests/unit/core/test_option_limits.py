"""What options count with in the limits of the account, and what those leave of an opening, worked out by hand."""

from decimal import Decimal

import pytest

from mtum.core.coordination.account import AccountRules, SymbolGroup
from mtum.core.decide_options import OptionDecision, decide_options
from mtum.core.option_limits import ExposureLimits, exposures
from mtum.core.options.legs import OptionLot, OptionPurpose
from mtum.core.portfolio.options.orders import at_work
from support.option_orders import BUY, SELL, call, lot, put
from support.values import replace
from unit.core.test_decide_options import (
    CASH,
    OPENS,
    ROWS,
    SHORT_PUT,
    SOUND,
    VIEW,
    Scripted,
    chain_of,
    decided,
    verdict,
)

RULES = AccountRules(max_symbol_frac=0.5, max_gross_frac=0.8, groups=(SymbolGroup("index", ("SPY", "QQQ"), 0.6),))
SHARES = {"SPY": Decimal(20_000), "QQQ": Decimal(30_000), "GLD": Decimal(10_000)}
LIMITS = ExposureLimits.of(RULES, Decimal(100_000), SHARES)


@pytest.mark.parametrize(
    ("lots", "counted"),
    [
        ((lot(put(95), -2),), 19_000),
        ((lot(call(105), -1),), 0),
        # Bought at 1.00 a share and worth 1.50 by now; without a mark it counts with what it cost.
        ((lot(put(95), 2),), 300),
        ((lot(put(90), 2),), 200),
    ],
    ids=["short put", "covered call", "long", "long without a mark"],
)
def test_what_a_group_counts_with(lots: tuple[OptionLot, ...], counted: int) -> None:
    assert exposures(lots, (), {put(95).con_id: Decimal("1.5")}) == ({"SPY": counted} if counted else {})


def test_a_spread_counts_with_the_most_that_it_may_lose() -> None:
    # Sold at 1.20 and bought at 0.40: 5.00 less 0.80 a share may be lost.
    spread = (
        replace(lot(put(95), -1), premium=Decimal("1.20"), fees_usd=Decimal(0)),
        replace(lot(put(90), 1), premium=Decimal("0.40"), fees_usd=Decimal(0)),
    )
    assert exposures(spread, (), {}) == {"SPY": Decimal(420)}


def test_an_order_counts_with_what_it_adds() -> None:
    opening = at_work(decided(OPENS).intents)
    assert exposures((), opening, {}) == {"SPY": Decimal(9_500)}


@pytest.mark.parametrize(
    ("underlying", "exposed", "name", "left"),
    [
        ("SPY", {}, "group.index", 10_000),
        ("SPY", {"SPY": Decimal(25_000)}, "group.index", -15_000),
        ("GLD", {}, "max_gross_frac", 20_000),
        ("IWM", {"SPY": Decimal(5_000)}, "max_gross_frac", 15_000),
    ],
)
def test_the_tightest_limit_says_what_is_left(
    underlying: str, exposed: dict[str, Decimal], name: str, left: int
) -> None:
    assert LIMITS.room(underlying, exposed) == (name, Decimal(left))
    alone = replace(LIMITS, groups={}, max_gross_frac=1.0, shares_usd={"SPY": Decimal(20_000)})
    assert alone.room("SPY", {"SPY": Decimal(5_000)}) == ("max_symbol_frac", Decimal(25_000))


def wanted(quantity: int, room_usd: int) -> OptionDecision:
    """So many puts at 95 under a limit that leaves so many USD."""
    limits = ExposureLimits(Decimal(100_000), {"SPY": Decimal(50_000 - room_usd)}, max_symbol_frac=0.5)
    rich = replace(CASH, free_cash=Decimal(100_000), equity=Decimal(100_000))
    gate = replace(SOUND.gate, strategy_loss_usd=Decimal(100_000), account_loss_usd=Decimal(100_000))
    most = Decimal(9_500 * quantity)
    opens = verdict(OptionPurpose.OPEN, (SELL, put(95)), quantity=quantity, most_loss_usd=most)
    rules = replace(SOUND, gate=gate, limits=limits)
    return decide_options(VIEW, Scripted((opens,)), rich, {"SPY": chain_of(*ROWS)}, rules)


def test_a_limit_of_the_account_leaves_as_many_as_fit_or_none() -> None:
    assert [one.quantity for one in wanted(3, 28_500).intents] == [3]
    part = wanted(3, 28_499)
    (intent,) = part.intents
    assert (intent.quantity, intent.most_loss_usd) == (2, Decimal(19_000))
    text = "3 would count 28500.00 USD, max_symbol_frac leaves 28499.00: 2 are ordered"
    assert [(one.reason, one.text) for one in part.notes] == [("account_limit", text)]
    none = wanted(1, 9_499)
    assert (none.intents, [one.reason for one in none.notes]) == ((), ["account_limit"])


def test_what_closes_is_never_limited() -> None:
    limits = ExposureLimits(Decimal(100_000), {"SPY": Decimal(100_000)}, max_symbol_frac=0.5)
    own = replace(CASH, groups=(SHORT_PUT,))
    closes = verdict(OptionPurpose.CLOSE, (BUY, put(90)), start="0.45")
    assert [one.purpose for one in decided(closes, own=own, limits=limits).intents] == [OptionPurpose.CLOSE]
