"""From verdicts on several symbols to orders: filter, standing purchases, memory, fitness, each number by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import ClassVar

import pytest

from mtum.core.decide import FAILED, abstained, decide, own_state
from mtum.core.market.bars import Bar, Bars
from mtum.core.market.coverage import Dividends
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import Action, Book, Decision, PortfolioRules, Standing
from mtum.core.portfolio.limits import LossRules, LossState, Restriction
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.strategies.contract import (
    Abstain,
    Holding,
    Keep,
    Own,
    Price,
    Remembered,
    Shares,
    SymbolVerdict,
    Target,
    Verdict,
)
from mtum.core.strategies.several import TradeFilter
from mtum.core.view import MarketView
from support.markets import weekdays
from support.values import replace

CALENDAR = tuple(weekdays(20, date(2024, 3, 4)))
MON, TUE = CALENDAR[5], CALENDAR[6]
RULES = PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts(Decimal(0))), LossRules(1e6))


@dataclass(frozen=True, slots=True)
class Says(TradeFilter):
    """Says what it is told to, in the order in which it is told."""

    name: ClassVar[str] = "says"
    CALENDAR: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True

    wishes: Mapping[str, Verdict]
    memory: Mapping[str, Remembered | None] = field(default_factory=dict)

    def universe(self) -> tuple[str, ...]:
        return tuple(sorted(self.wishes))

    def history_sessions(self) -> int:
        return 1

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        return tuple(
            SymbolVerdict(symbol, wish, ("word",), (), {}, memory=self.memory)
            for symbol, wish in self.wishes.items()
            if symbol in view.bars
        )


@dataclass(frozen=True, slots=True)
class EachSays(Says):
    """The same, each symbol for itself."""

    EACH_BY_ITSELF: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Once(Says):
    """The same without standing purchases."""

    STANDING_PURCHASES: ClassVar[bool] = False


def seen(day: date = MON, unfit: Mapping[str, float | None] | None = None, **closes: float) -> MarketView:
    bars = {one: Bars.of(one, "test", [Bar(day, close, close, close, close, 1000)]) for one, close in closes.items()}
    return MarketView(day, bars, {}, {}, unfit=unfit or {}, calendar=CALENDAR)


def book(cash: float = 0.0, /, standing: tuple[Standing, ...] = (), **held: int) -> Book:
    holdings = {symbol: Holding(symbol, shares, 50.0, MON) for symbol, shares in held.items()}
    return Book(holdings, cash, cash, standing=standing)


def orders(decision: Decision) -> list[tuple[str, str, int]]:
    return [(one.symbol, one.side.value, one.shares) for one in decision.orders]


def test_targets_that_are_above_one_together_are_scaled_down_together() -> None:
    decision = decide(seen(A=10.0, B=10.0), Says({"A": Target(1.0), "B": Target(0.6)}), book(1600.0), RULES)
    # 1 / 1.6 and 0.6 / 1.6 of 1,600
    assert orders(decision) == [("A", "BUY", 100), ("B", "BUY", 60)]
    assert [one.verdict for one in decision.verdicts] == [Target(1.0), Target(0.6)], "what it said stays on record"


@pytest.mark.parametrize(
    ("count", "found"),
    [(25, [("A", "BUY", 15)]), (4, [("A", "SELL", 6)]), (0, [("A", "SELL", 10)]), (10, []), (99, [("A", "BUY", 20)])],
)
def test_a_number_of_shares_is_what_it_ends_with(count: int, found: list[tuple[str, str, int]]) -> None:
    # Equity 100 x 10 + 2,000 = 3,000; no more than 30 shares are its own money.
    assert orders(decide(seen(A=100.0), Says({"A": Shares(count)}), book(2000.0, A=10), RULES)) == found


@pytest.mark.parametrize(
    ("price", "wish", "held", "found"),
    [
        (49.0, Shares(12), 10, []),  # 98 USD are below 100
        (50.0, Shares(12), 10, [("A", "BUY", 2)]),
        (49.0, Shares(8), 10, []),
        (50.0, Shares(8), 10, [("A", "SELL", 2)]),
        (49.0, Shares(2), 0, [("A", "BUY", 2)]),  # an entry
        (49.0, Shares(0), 2, [("A", "SELL", 2)]),  # a full exit
    ],
)
def test_a_change_below_the_filter_is_not_made_entries_and_full_exits_are(
    price: float, wish: Verdict, held: int, found: list[tuple[str, str, int]]
) -> None:
    decision = decide(seen(A=price), Says({"A": wish}), book(5000.0, A=held), RULES)
    assert orders(decision) == found
    assert decision.reasons == (("word",) if found else ("below_trade_filter",))


def test_the_filter_is_the_larger_of_usd_and_the_part_of_the_equity() -> None:
    # 0.0025 x 80,000 = 200: 3 shares of 60 are too few, 4 are not.
    for count, found in ((3, []), (4, [("A", "BUY", 4)])):
        decision = decide(seen(A=60.0), Says({"A": Shares(100 + count)}), book(74_000.0, A=100), RULES)
        assert orders(decision) == found


def test_an_entry_that_cash_cuts_below_the_filter_is_not_made() -> None:
    wishes = Says({"A": Target(0.98), "B": Target(0.02)})
    # Equity 6,000; 5,880 buy 58 A at 100; of the 98 that are left B could have 1 of the 2 it wants.
    whole = decide(seen(A=100.0, B=60.0), wishes, book(6000.0), RULES)
    assert orders(whole) == [("A", "BUY", 58), ("B", "BUY", 2)]
    short = replace(book(6000.0), available_usd=5898.0)
    assert orders(decide(seen(A=100.0, B=60.0), wishes, short, RULES)) == [("A", "BUY", 58)]


def test_an_entry_that_a_limit_cuts_below_the_filter_is_not_made() -> None:
    limited = replace(RULES, sizing=replace(RULES.sizing, max_position_usd=90.0))
    decision = decide(seen(A=30.0), Says({"A": Target(0.5)}), book(1000.0), limited)
    assert (orders(decision), decision.reasons) == ([], ("below_trade_filter",))


def test_cash_goes_to_purchases_in_the_order_of_the_verdicts() -> None:
    wishes: dict[str, Verdict] = {"B": Target(0.5), "A": Target(0.5)}
    short = replace(book(2000.0), available_usd=1200.0)
    assert orders(decide(seen(A=100.0, B=100.0), Says(wishes), short, RULES)) == [("B", "BUY", 10), ("A", "BUY", 2)]


def test_a_purchase_without_cash_stands_until_it_is_made_or_five_sessions_have_passed() -> None:
    wishes = Says({"A": Target(0.5), "B": Target(0.5)})
    first = decide(seen(A=100.0, B=100.0), wishes, replace(book(2000.0), available_usd=1200.0), RULES)
    assert first.standing == (Standing("A", 10, MON, "word"), Standing("B", 10, MON, "word"))
    keep = Says({"A": Keep(), "B": Keep()})
    for passed in range(1, 7):
        day = CALENDAR[5 + passed]
        held = book(800.0, first.standing, A=10, B=2)
        again = decide(seen(day, A=100.0, B=100.0), keep, held, RULES)
        if passed <= 5:
            assert orders(again) == [("B", "BUY", 8)]
            assert again.orders[0].reasons == ("purchase_carried", "word")
            assert again.standing == (Standing("B", 10, MON, "word"),)
        else:
            assert (orders(again), again.standing) == ([], ())


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        (Keep(), [("A", "BUY", 10)]),
        (Abstain(), [("A", "BUY", 10)]),
        (Target(0.0), []),
        (Shares(3), [("A", "BUY", 3)]),
    ],
)
def test_a_standing_purchase_ends_with_another_word_of_the_strategy(
    verdict: Verdict, found: list[tuple[str, str, int]]
) -> None:
    standing = (Standing("A", 10, MON, "word"),)
    decision = decide(seen(TUE, A=100.0), Says({"A": verdict}), book(5000.0, standing), RULES)
    assert orders(decision) == found
    stands = () if not found else standing if found[0][2] == 10 else (Standing("A", 3, TUE, "word"),)
    assert decision.standing == stands


def test_a_halted_purchase_stands_and_a_person_who_sells_ends_it() -> None:
    halted = replace(book(5000.0), restriction=Restriction.REDUCE_ONLY)
    first = decide(seen(A=100.0), Says({"A": Target(0.1)}), halted, RULES)
    assert (orders(first), first.standing) == ([], (Standing("A", 5, MON, "word"),))
    keep = Says({"A": Keep()})
    assert orders(decide(seen(TUE, A=100.0), keep, book(5000.0, first.standing), RULES)) == [("A", "BUY", 5)]
    flattened = replace(book(5000.0, first.standing), forced_exits={"A": "flatten"})
    assert decide(seen(TUE, A=100.0), keep, flattened, RULES).orders == ()


def test_a_symbol_that_is_unfit_for_a_session_keeps_its_standing_purchase() -> None:
    standing = (Standing("A", 5, MON, "word"),)
    decision = decide(seen(TUE, {"A": 99.0}), EachSays({"A": Keep()}), book(5000.0, standing), RULES)
    assert (decision.orders, decision.standing) == ((), standing)
    assert decide(seen(TUE, {"A": 99.0}), EachSays({"A": Keep()}), book(5000.0), RULES).standing == ()


def test_purchases_of_other_strategies_do_not_stand() -> None:
    short = replace(book(2000.0), available_usd=0.0)
    assert decide(seen(A=100.0), Once({"A": Target(1.0)}), short, RULES).standing == ()
    standing = (Standing("A", 5, MON, "word"),)
    assert decide(seen(TUE, A=100.0), Once({"A": Keep()}), book(900.0, standing), RULES).orders == ()


def test_one_unfit_symbol_makes_a_strategy_that_weighs_them_against_each_other_abstain() -> None:
    view = seen(unfit={"B": 40.0}, A=100.0)
    decision = decide(view, Says({"A": Target(0.5), "B": Target(0.5)}, {"x": 1.0}), book(5000.0), RULES)
    assert [(one.symbol, one.verdict, one.reasons) for one in decision.verdicts] == [
        ("A", Abstain(), ("others_unfit",)),
        ("B", Abstain(), ("unfit",)),
    ]
    assert (decision.orders, decision.memory) == ((), {}), "it was not asked"
    each = decide(view, EachSays({"A": Target(0.5), "B": Target(0.5)}), book(5000.0), RULES)
    assert orders(each) == [("A", "BUY", 25)]


def test_a_carried_exit_of_a_fit_symbol_goes_on_while_the_strategy_abstains() -> None:
    held = replace(book(0.0, A=7), exit_pending={"A": "word"})
    decision = decide(seen(unfit={"B": 40.0}, A=100.0), Says({"A": Keep(), "B": Keep()}), held, RULES)
    assert orders(decision) == [("A", "SELL", 7)]


@dataclass(frozen=True, slots=True)
class NeedsTotalReturns(EachSays):
    """The same, over total returns."""

    TOTAL_RETURNS: ClassVar[bool] = True


def test_a_symbol_whose_dividends_are_unknown_is_unfit_only_where_total_returns_are_needed() -> None:
    view = replace(seen(A=100.0, B=100.0), dividends={"A": Dividends.UNKNOWN, "B": Dividends.NONE})
    wishes: dict[str, Verdict] = {"A": Target(0.5), "B": Target(0.5)}
    assert orders(decide(view, EachSays(wishes), book(1000.0), RULES)) == [("A", "BUY", 5), ("B", "BUY", 5)]
    decision = decide(view, NeedsTotalReturns(wishes), book(1000.0, A=5), RULES)
    # The held five are still worth their close: equity 1,500.
    assert (orders(decision), decision.equity_usd) == ([("B", "BUY", 7)], 1500.0)
    assert decision.verdicts[-1].reasons == ("unfit",)


def test_memory_changes_by_what_is_said_and_none_forgets() -> None:
    before = replace(book(100.0), memory={"month": "2024-02", "stop:A": Price("A", 9.0), "kept": 1.0})
    said = {"month": "2024-03", "stop:A": None, "new": "text", "never": None}
    decision = decide(seen(A=10.0), Says({"A": Keep()}, said), before, RULES)
    assert decision.memory == {"month": "2024-03", "kept": 1.0, "new": "text"}


@dataclass(frozen=True, slots=True)
class Tells(Says):
    """Says in its indicators what it knows of itself."""

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        held = own.of("A")
        known = {"cash": own.cash_usd, "equity": own.equity_usd, "shares": float(held.shares)}
        day = own.last_fill.isoformat() if own.last_fill else ""
        return (SymbolVerdict("A", Keep(), (day,), (), known | {"purchases": float(held.purchases)}),)


def test_a_strategy_knows_its_own_sleeve() -> None:
    holdings = {"A": Holding("A", 5, 90.0, MON, added=2, added_price=95.0)}
    own = Book(holdings, 300.0, 200.0, receivable_usd=7.0, losses=LossState(), last_fill=MON)
    (verdict,) = decide(seen(A=100.0), Tells({"A": Keep()}), own, RULES).verdicts
    assert verdict.indicators == {"cash": 300.0, "equity": 807.0, "shares": 5.0, "purchases": 3.0}
    assert verdict.reasons == ("2024-03-11",)


def test_a_verdict_on_a_symbol_that_is_not_traded_is_a_bug_named() -> None:
    @dataclass(frozen=True, slots=True)
    class Other(Says):
        def universe(self) -> tuple[str, ...]:
            return ("A", "B")

    with pytest.raises(ValueError, match=r"none for \['C'\]"):
        decide(seen(A=1.0, B=1.0, C=1.0), Other({"A": Keep(), "B": Keep(), "C": Keep()}), book(), RULES)


def test_three_thirds_of_the_equity_are_not_scaled_and_buy_one_share_each() -> None:
    third: dict[str, Verdict] = {symbol: Target(1 / 3) for symbol in "ABC"}
    decision = decide(seen(A=100.0, B=100.0, C=100.0), EachSays(third), book(300.0), RULES)
    assert orders(decision) == [("A", "BUY", 1), ("B", "BUY", 1), ("C", "BUY", 1)]


def test_what_is_no_target_stays_as_it_is_where_targets_are_scaled() -> None:
    wishes: dict[str, Verdict] = {"A": Target(1.0), "B": Target(1.0), "C": Keep(), "D": Shares(2)}
    decision = decide(seen(A=10.0, B=10.0, C=10.0, D=50.0), EachSays(wishes), book(1000.0, C=4, D=6), RULES)
    # Equity 1,340: half of it is 67 shares, for which the cash is there once; what is sold is cash later.
    assert orders(decision) == [("D", "SELL", 4), ("A", "BUY", 67), ("B", "BUY", 33)]


def test_a_scaled_target_has_nine_digits() -> None:
    wishes: dict[str, Verdict] = {"A": Target(1.0), "B": Target(1.0), "C": Target(1.0)}
    decision = decide(seen(A=1.0, B=1e9, C=1e9), EachSays(wishes), book(3e10), RULES)
    assert orders(decision)[0] == ("A", "BUY", 9_999_999_990)


def test_an_entry_cut_to_exactly_the_filter_is_made_and_one_that_was_small_from_the_start_too() -> None:
    limited = replace(RULES, sizing=replace(RULES.sizing, max_position_frac=0.1))
    cut = decide(seen(A=50.0), Says({"A": Target(1.0)}), book(1000.0), limited)
    assert orders(cut) == [("A", "BUY", 2)], "a tenth of 1,000 is 100, the filter"
    below = decide(seen(A=30.0), Says({"A": Target(1.0)}), book(900.0), limited)
    assert (orders(below), below.reasons) == ([], ("below_trade_filter",)), "90 of the 900 it wanted"
    small = decide(seen(A=30.0), Says({"A": Target(0.07)}), book(1000.0), RULES)
    assert orders(small) == [("A", "BUY", 2)], "all that it wanted"


def test_a_purchase_below_the_filter_does_not_end_the_others() -> None:
    wishes: dict[str, Verdict] = {"A": Shares(11), "B": Shares(5)}
    small = decide(seen(A=90.0, B=50.0), EachSays(wishes), book(2000.0, A=10), RULES)
    assert orders(small) == [("B", "BUY", 5)]
    limited = replace(RULES, sizing=replace(RULES.sizing, max_position_usd=90.0))
    # 3 of 33 shares at 30 are 90 USD, below the filter; 4 B at 20 are all that it wants.
    entries: dict[str, Verdict] = {"A": Target(0.5), "B": Shares(4)}
    cut = decide(seen(A=30.0, B=20.0), EachSays(entries), book(2000.0), limited)
    assert orders(cut) == [("B", "BUY", 4)]


def test_a_wish_for_nothing_leaves_nothing_standing() -> None:
    nothing = decide(seen(A=100.0), Says({"A": Target(0.0001)}), book(1000.0), RULES)
    assert (orders(nothing), nothing.standing, nothing.reasons) == ([], (), ("budget_below_one_share",))


def test_more_shares_than_the_equity_buys_are_not_what_stands() -> None:
    poor = replace(book(2000.0), available_usd=0.0)
    decision = decide(seen(A=100.0), Says({"A": Shares(99)}), poor, RULES)
    assert decision.standing == (Standing("A", 20, MON, "word"),)


def test_a_purchase_stands_with_the_first_of_its_reasons() -> None:
    @dataclass(frozen=True, slots=True)
    class Explains(Says):
        def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
            return tuple(replace(one, reasons=("first", "second")) for one in Says.verdicts(self, view, own))

    poor = replace(book(2000.0), available_usd=0.0)
    assert decide(seen(A=100.0), Explains({"A": Target(1.0)}), poor, RULES).standing == (
        Standing("A", 20, MON, "first"),
    )


def test_with_a_cash_fund_the_purchases_of_every_strategy_stand() -> None:
    """However old: of a strategy whose purchases do not stand by themselves, the book has only what may be made."""
    day = CALENDAR[12]
    funded = replace(book(900.0, (Standing("A", 5, MON, "word"),)), in_fund=True)
    decision = decide(seen(day, A=100.0), Once({"A": Keep()}), funded, RULES)
    assert (orders(decision), decision.standing) == ([("A", "BUY", 5)], (Standing("A", 5, MON, "word"),))
    poor = replace(book(2000.0), available_usd=0.0, in_fund=True)
    assert decide(seen(A=100.0), Once({"A": Target(1.0)}), poor, RULES).standing == (Standing("A", 20, MON, "word"),)
    old = replace(funded, in_fund=True)
    assert decide(seen(day, A=100.0), Says({"A": Keep()}), old, RULES).orders == (), "seven sessions are too old"


@pytest.mark.parametrize("ending", ["forced_exits", "exit_pending", "stopped"])
def test_what_was_sold_for_another_reason_is_not_bought_back_by_a_standing_purchase(ending: str) -> None:
    own = book(5000.0, (Standing("A", 5, MON, "word"),))
    ended = {
        "forced_exits": replace(own, forced_exits={"A": "flatten"}),
        "exit_pending": replace(own, exit_pending={"A": "word"}),
        "stopped": replace(own, stopped={"A": "stop_loss"}),
    }
    decision = decide(seen(TUE, A=100.0), Says({"A": Abstain()}), ended[ending], RULES)
    assert (decision.orders, decision.standing) == ((), ())


def test_a_strategy_that_needs_total_returns_does_not_see_a_symbol_without_them() -> None:
    seen_by: list[tuple[str, ...]] = []

    @dataclass(frozen=True, slots=True)
    class Looks(NeedsTotalReturns):
        def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
            seen_by.append(tuple(view.bars))
            return NeedsTotalReturns.verdicts(self, view, own)

    days = [Bar(CALENDAR[4], 1.0, 1.0, 1.0, 1.0, 10), Bar(MON, 100.0, 100.0, 100.0, 100.0, 10)]
    bars = {symbol: Bars.of(symbol, "test", days) for symbol in "AB"}
    view = MarketView(MON, bars, {}, {}, unfit={}, calendar=CALENDAR, dividends={"A": Dividends.UNKNOWN})
    decision = decide(view, Looks({"A": Keep(), "B": Keep()}), book(0.0, A=5), RULES)
    assert (seen_by, decision.equity_usd) == ([("B",)], 500.0), "worth its last close, not its first"


def test_two_verdicts_on_one_symbol_are_a_bug_named() -> None:
    @dataclass(frozen=True, slots=True)
    class Twice(Says):
        def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
            return Says.verdicts(self, view, own) * 2

    with pytest.raises(ValueError, match="at most one verdict"):
        decide(seen(A=1.0), Twice({"A": Keep()}), book(), RULES)


def test_only_a_strategy_that_asks_for_the_calendar_knows_its_last_fill() -> None:
    @dataclass(frozen=True, slots=True)
    class Timeless(Tells):
        CALENDAR: ClassVar[bool] = False

    own = replace(book(300.0, A=5), last_fill=MON, memory={"month": "2024-02"})
    assert own_state(seen(A=100.0), Timeless({"A": Keep()}), own) == Own(
        own.holdings, 300.0, 800.0, None, {"month": "2024-02"}
    )


def test_a_strategy_that_could_not_be_asked_orders_nothing_and_forgets_nothing() -> None:
    standing = (Standing("B", 3, MON, "word"),)
    own = replace(book(300.0, standing, A=5), memory={"month": "2024-02"}, stopped={"B": "stop_loss"})
    assert abstained(seen(TUE, A=100.0, B=10.0), Says({"A": Keep(), "B": Keep()}), own, FAILED) == Decision(
        session=TUE,
        strategy="says",
        action=Action.NONE,
        reasons=("strategy_failed",),
        verdicts=tuple(SymbolVerdict(symbol, Abstain(), ("strategy_failed",), (), {}) for symbol in "AB"),
        orders=(),
        equity_usd=800.0,
        memory={"month": "2024-02"},
        standing=standing,
        stopped={"B": "stop_loss"},
    )


@dataclass(frozen=True, slots=True)
class Monthly(Says):
    """The same, its sales stand too."""

    STANDING_SALES: ClassVar[bool] = True


@pytest.mark.parametrize(("wish", "left"), [(Target(0.0), 0), (Target(0.5), 5)])
@pytest.mark.parametrize("bar", ["halted", "unresolved"])
def test_a_sale_that_was_barred_is_wanted_again_until_it_is_made(wish: Verdict, left: int, bar: str) -> None:
    def barred(one: Book) -> Book:
        return replace(one, restriction=Restriction.FULL) if bar == "halted" else replace(one, exits_barred={"A": bar})

    # Ten shares at 100 and no cash: half of it is five shares.
    first = decide(seen(MON, A=100.0), Monthly({"A": wish}), barred(book(0.0, A=10)), RULES)
    stands = (Standing("A", left, MON, "word", sells=True),)
    assert (first.orders, first.reasons, first.standing) == ((), (bar,), stands)
    keep = Monthly({"A": Keep()})
    again = decide(seen(TUE, A=100.0), keep, barred(book(0.0, first.standing, A=10)), RULES)
    assert (again.orders, again.standing) == ((), stands)
    made = decide(seen(TUE, A=100.0), keep, book(0.0, again.standing, A=10), RULES)
    assert orders(made) == [("A", "SELL", 10 - left)]
    assert made.orders[0].reasons == ("sale_carried", "word")
    done = decide(seen(TUE, A=100.0), keep, book(0.0, made.standing, A=left), RULES)
    assert (done.orders, done.standing) == ((), ())


def test_a_barred_sale_ends_with_another_word_and_stands_for_no_other_strategy() -> None:
    stands = (Standing("A", 0, MON, "word", sells=True),)
    wanted = decide(seen(TUE, A=100.0), Monthly({"A": Target(1.0)}), book(0.0, stands, A=10), RULES)
    assert (wanted.orders, wanted.standing) == ((), ())
    halted = replace(book(0.0, A=10), restriction=Restriction.FULL)
    assert decide(seen(MON, A=100.0), Says({"A": Target(0.0)}), halted, RULES).standing == ()
    assert orders(decide(seen(TUE, A=100.0), Says({"A": Keep()}), book(0.0, stands, A=10), RULES)) == []
    lost = replace(halted, losses=LossState(change_since_usd=-1e9))
    flat = replace(RULES, losses=LossRules(1e6, flatten_on_daily_loss=True))
    # What a limit wanted to sell is no word of the strategy.
    assert decide(seen(MON, A=100.0), Monthly({"A": Keep()}), lost, flat).standing == ()


@dataclass(frozen=True, slots=True)
class Keeps(Says):
    """The same, and keeps a price with the entry."""

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        said = Says.verdicts(self, view, own)
        return tuple(replace(one, remember={"atr": 2.5}) if one.enters else one for one in said)


def test_a_purchase_made_later_keeps_what_its_entry_was_to_keep() -> None:
    first = decide(seen(MON, A=100.0), Keeps({"A": Target(1.0)}), book(1000.0), RULES)
    assert first.standing == (Standing("A", 10, MON, "word", {"atr": 2.5}),)
    unsettled = replace(book(1000.0), available_usd=0.0)
    waits = decide(seen(MON, A=100.0), Keeps({"A": Target(1.0)}), unsettled, RULES)
    later = decide(seen(TUE, A=100.0), Keeps({"A": Keep()}), book(1000.0, waits.standing), RULES)
    assert orders(later) == [("A", "BUY", 10)]
    assert [one.remember for one in later.verdicts] == [{"atr": 2.5}]


def test_the_largest_position_is_a_cap_and_no_factor() -> None:
    half = replace(RULES, sizing=replace(RULES.sizing, max_position_frac=0.5))
    assert orders(decide(seen(MON, A=100.0), Says({"A": Target(0.4)}), book(10_000.0), half)) == [("A", "BUY", 40)]
    assert orders(decide(seen(MON, A=100.0), Says({"A": Target(0.8)}), book(10_000.0), half)) == [("A", "BUY", 50)]
