"""From verdicts to orders: sizing, limits, halts and carried exits, each number by hand."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

import pytest

from mtum.core.decide import decide, equity_at, with_change_since
from mtum.core.market.bars import Bar, Bars
from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from mtum.core.portfolio.decision import Action, Book, Decision, PortfolioRules
from mtum.core.portfolio.limits import LossRules, LossState, Restriction
from mtum.core.portfolio.orders import Purpose, Side
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.strategies.answers import UNFIT
from mtum.core.strategies.contract import Holding, Keep, Own, Strategy, SymbolVerdict, Target, Verdict
from mtum.core.view import MarketView
from support.sixty_forty import SixtyForty
from support.values import replace

TODAY = date(2020, 1, 3)
SIZING = SizingRules(1.0, 1e12, 0.0, PercentCosts(Decimal("0.001")))
RULES = PortfolioRules(SIZING, LossRules(500.0))


@dataclass(frozen=True, slots=True)
class Says(Strategy):
    """A strategy that says what the test wants."""

    name: ClassVar[str] = "says"
    verdict: Verdict

    def universe(self) -> tuple[str, ...]:
        return ("X",)

    def series(self) -> tuple[str, ...]:
        return ()

    def history_sessions(self) -> int:
        return 1

    def problems(self) -> tuple[str, ...]:
        return ()

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        return (SymbolVerdict("X", self.verdict, ("word",), (), {}),)


ENTER, EXIT, KEEP = Says(Target(1.0)), Says(Target(0.0)), Says(Keep())


def view(**closes: float) -> MarketView:
    bars = {
        symbol: Bars.of(symbol, "test", [Bar(TODAY, close, close, close, close, 1000)])
        for symbol, close in closes.items()
    }
    return MarketView(TODAY, bars, {}, {})


def flat(cash: float = 5000.0, **changes: object) -> Book:
    return replace(Book({}, cash, cash), **changes)


def long(shares: int = 18, cash: float = 100.0, **changes: object) -> Book:
    return flat(cash, holdings={"X": Holding("X", shares, 200.0, date(2019, 12, 2))}, **changes)


def decided(strategy: Says, book: Book, close: float = 250.0, rules: PortfolioRules = RULES) -> Decision:
    return decide(view(X=close), strategy, book, rules)


def test_an_entry_buys_the_whole_shares_that_price_and_cost_allow() -> None:
    (order,) = decided(ENTER, flat()).orders  # 5000 / (250 x 1.001) = 19.98
    assert (order.side, order.purpose, order.shares) == (Side.BUY, Purpose.ENTER, 19)


@pytest.mark.parametrize(
    ("sizing", "shares"),
    [
        (replace(SIZING, cash_buffer_frac=0.06), 18),  # 5000 / (250 x 1.061) = 18.85
        (replace(SIZING, max_position_frac=0.5), 9),  # 2500 / 250.25 = 9.99
        (replace(SIZING, max_position_usd=1001.0), 4),  # 1001 / 250.25 = 4.0 exactly
        (replace(SIZING, max_position_usd=1000.99), 3),
        (replace(SIZING, costs=IbFixedCosts()), 19),  # 1 USD minimum of 5000: 5000 / 250.05 = 19.996
    ],
)
def test_each_bound_on_a_purchase_is_kept(sizing: SizingRules, shares: int) -> None:
    assert decided(ENTER, flat(), rules=replace(RULES, sizing=sizing)).orders[0].shares == shares


def test_only_available_cash_is_spent() -> None:
    decision = decided(ENTER, flat(5000.0, available_usd=1100.0))
    assert decision.orders[0].shares == 4  # 1100 / 250.25 = 4.39


def test_a_budget_below_one_share_is_a_hold_that_says_so() -> None:
    decision = decided(ENTER, flat(250.0))
    assert (decision.action, decision.reasons, decision.orders) == (Action.HOLD, ("budget_below_one_share",), ())


@pytest.mark.parametrize(
    ("unsettled", "largest", "reason"),
    [
        (5000.0, 1e12, "cash_not_settled"),
        (250.25, 250.25, "cash_not_settled"),  # one share, to the cent
        (250.24, 1e12, "budget_below_one_share"),
        (5000.0, 250.24, "budget_below_one_share"),  # whatever settles, no share fits into the position limit
    ],
)
def test_cash_that_settles_later_is_named_as_the_cause_where_it_is(
    unsettled: float, largest: float, reason: str
) -> None:
    rules = replace(RULES, sizing=replace(SIZING, max_position_usd=largest))
    decision = decided(ENTER, flat(5000.0, available_usd=0.0, unsettled_usd=unsettled), rules=rules)
    assert (decision.action, decision.reasons) == (Action.HOLD, (reason,))


def test_an_exit_sells_every_share() -> None:
    decision = decided(EXIT, long())
    assert decision.action is Action.EXIT
    assert [(order.side, order.purpose, order.shares) for order in decision.orders] == [(Side.SELL, Purpose.EXIT, 18)]


def test_keep_leaves_the_shares_alone_and_target_one_does_not_top_up_without_cash() -> None:
    assert decided(KEEP, long()).orders == ()
    assert decided(ENTER, long(cash=0.0)).orders == ()


@pytest.mark.parametrize(
    ("strategy", "book"),
    [
        (ENTER, long()),  # 4,600 / 250.25 = 18.4, and 18 are held
        (EXIT, flat()),
        (KEEP, flat(forced_exits={"X": "flatten"})),
        (KEEP, flat(exit_pending={"X": "vix_fear"})),
    ],
)
def test_where_nothing_is_to_be_done_the_strategys_own_word_is_the_reason(strategy: Says, book: Book) -> None:
    decision = decided(strategy, book)
    assert (decision.action, decision.reasons, decision.orders) == (Action.HOLD, ("word",), ())


def test_an_increase_buys_what_is_missing() -> None:
    # At most 3,753.75 USD: 15 shares at 250.25, ten of which are held.
    rules = replace(RULES, sizing=replace(SIZING, max_position_usd=3753.75))
    (order,) = decided(ENTER, long(10, cash=5000.0), rules=rules).orders
    assert (order.purpose, order.shares) == (Purpose.INCREASE, 5)


def test_a_carried_exit_sells_whatever_the_strategy_says() -> None:
    decision = decided(KEEP, long(7, exit_pending={"X": "vix_fear"}))
    assert (decision.action, decision.reasons, decision.orders[0].shares) == (
        Action.EXIT,
        ("exit_carried", "vix_fear"),
        7,
    )


def test_a_requested_sale_names_its_reason_and_sells_every_share() -> None:
    decision = decided(KEEP, long(forced_exits={"X": "flatten"}))
    assert (decision.reasons, decision.orders[0].purpose, decision.orders[0].shares) == (("flatten",), Purpose.EXIT, 18)


@pytest.mark.parametrize("restriction", [Restriction.REDUCE_ONLY, Restriction.FULL])
def test_a_halt_stops_entries(restriction: Restriction) -> None:
    decision = decided(ENTER, flat(restriction=restriction))
    assert (decision.action, decision.reasons) == (Action.HOLD, ("halted",))


def test_only_a_full_halt_stops_an_exit() -> None:
    assert decided(EXIT, long(restriction=Restriction.REDUCE_ONLY)).action is Action.EXIT
    stopped = decided(EXIT, long(restriction=Restriction.FULL))
    assert (stopped.action, stopped.reasons) == (Action.HOLD, ("halted",))


@pytest.mark.parametrize(
    ("last", "since", "stopped"),
    [(-500.0, 0.0, True), (0.0, -500.0, True), (-499.99, -499.99, False), (900.0, -500.0, True)],
)
def test_a_daily_loss_at_or_beyond_the_limit_stops_entries(last: float, since: float, stopped: bool) -> None:
    decision = decided(ENTER, flat(losses=LossState(last, since)))
    assert decision.daily_loss_hit is stopped
    assert (decision.action, decision.reasons[0]) == (
        (Action.HOLD, "daily_loss") if stopped else (Action.ENTER, "word")
    )


def test_a_pause_after_a_loss_stops_entries_and_no_exit() -> None:
    paused = LossState(paused=True)
    assert decided(ENTER, flat(losses=paused)).reasons == ("daily_loss",)
    assert decided(EXIT, long(losses=paused)).action is Action.EXIT


def test_a_loss_sells_the_position_only_where_that_is_asked_for() -> None:
    lost = long(losses=LossState(change_since_usd=-600.0))
    assert decided(KEEP, lost).orders == ()
    flattening = replace(RULES, losses=LossRules(500.0, flatten_on_daily_loss=True))
    sold = decided(KEEP, lost, rules=flattening)
    assert (sold.action, sold.reasons) == (Action.EXIT, ("daily_loss",))
    assert decided(ENTER, lost, rules=flattening).reasons == ("daily_loss",)
    assert decided(EXIT, lost, rules=flattening).reasons == ("word",)
    assert decided(KEEP, flat(losses=lost.losses), rules=flattening).reasons == ("word",)


def test_a_fall_from_the_peak_by_the_limit_stops_entries() -> None:
    rules = replace(RULES, losses=LossRules(500.0, max_drawdown_frac=0.2))
    at_limit = decided(ENTER, flat(4000.0, losses=LossState(peak_equity_usd=5000.0)), rules=rules)
    assert (at_limit.drawdown_hit, at_limit.reasons) == (True, ("halted",))
    above = decided(ENTER, flat(4000.01, losses=LossState(peak_equity_usd=5000.0)), rules=rules)
    assert (above.drawdown_hit, above.action) == (False, Action.ENTER)


def test_the_change_since_the_last_close_counts_shares_cash_and_receivables() -> None:
    book = long(10, cash=100.0, receivable_usd=5.0)
    assert equity_at(book, {"X": 250.0}) == 2605.0
    assert with_change_since(book, {"X": 250.0}, 2700.0).losses.change_since_usd == -95.0
    assert with_change_since(book, {"X": 250.0}, None) == book
    # 10 x 250 + 100.1234564 + 5 - 2,700, to a millionth.
    assert with_change_since(replace(book, cash_usd=100.1234564), {"X": 250.0}, 2700.0).losses.change_since_usd == (
        -94.876544
    )
    # What is not held needs no price.
    assert equity_at(replace(book, holdings={**book.holdings, "Y": Holding("Y")}), {"X": 250.0}) == 2605.0


def test_shares_that_cannot_be_sold_today_are_no_loss() -> None:
    book = long(4, cash=100.0, unsellable_shares={"X": 6})
    assert equity_at(book, {"X": 250.0}) == 2600.0
    assert with_change_since(book, {"X": 250.0}, 2600.0).losses.change_since_usd == 0.0
    assert decided(EXIT, book).orders[0].shares == 4


def test_a_frame_shorter_than_the_strategy_asks_for_is_refused() -> None:
    class Long(Says):
        def history_sessions(self) -> int:
            return 2

    with pytest.raises(ValueError, match="1 bars, 2 needed"):
        decide(view(X=1.0), Long(Keep()), flat(), RULES)


def test_bars_of_two_sources_are_refused() -> None:
    mixed = {
        "AAA": Bars.of("AAA", "ib", [Bar(TODAY, 1, 1, 1, 1, 1)]),
        "BBB": Bars.of("BBB", "yahoo", [Bar(TODAY, 1, 1, 1, 1, 1)]),
    }
    with pytest.raises(ValueError, match="one source"):
        MarketView(TODAY, mixed, {}, {})


def test_two_symbols_are_bought_within_the_cash_there_is() -> None:
    decision = decide(view(AAA=100.0, BBB=50.0), SixtyForty(), flat(1000.0), RULES)
    # 600 / 100.1 = 5.99 and 400 / 50.05 = 7.99
    assert [(order.symbol, order.shares) for order in decision.orders] == [("AAA", 5), ("BBB", 7)]
    assert sum({"AAA": 100.1, "BBB": 50.05}[order.symbol] * order.shares for order in decision.orders) <= 1000.0


def test_a_rebalancing_sells_first_and_never_spends_money_it_has_not() -> None:
    held = {"AAA": Holding("AAA", 9, 80.0), "BBB": Holding("BBB", 2, 50.0)}
    book = Book(held, 60.0, 60.0)  # 9 x 100 + 2 x 50 + 60 = 1060
    decision = decide(view(AAA=100.0, BBB=50.0), SixtyForty(), book, RULES)
    # AAA wants 636 / 100.1 = 6; BBB wants 424 / 50.05 = 8 but 60 USD buy one
    assert [(order.symbol, order.side, order.purpose, order.shares) for order in decision.orders] == [
        ("AAA", Side.SELL, Purpose.REDUCE, 3),
        ("BBB", Side.BUY, Purpose.INCREASE, 1),
    ]
    assert decision.action is Action.EXIT


@dataclass(frozen=True, slots=True)
class SaysOfTwo(Says):
    """A strategy that wants the weight of X and another one of Y."""

    second: float = 0.0
    words: tuple[str, str] = ("word", "word")

    def universe(self) -> tuple[str, ...]:
        return ("X", "Y")

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        both = zip(("X", "Y"), (self.verdict, Target(self.second)), self.words, strict=True)
        return tuple(SymbolVerdict(symbol, verdict, (word,), (), {}) for symbol, verdict, word in both)


def decided_of_two(strategy: SaysOfTwo, book: Book, rules: PortfolioRules = RULES) -> Decision:
    return decide(view(X=250.0, Y=100.0), strategy, book, rules)


def traded(decision: Decision) -> list[tuple[Purpose, str, int]]:
    return [(order.purpose, order.symbol, order.shares) for order in decision.orders]


@pytest.mark.parametrize(
    ("words", "told"),
    [(("hold", "word"), ("word",)), (("hold", "hold"), ("hold",)), (("word", "other"), ("word", "other"))],
)
def test_holding_is_a_reason_only_where_no_strategy_has_a_better_one(words: tuple[str, str], told: object) -> None:
    assert decided_of_two(SaysOfTwo(Keep(), 0.0, words), flat()).reasons == told


@pytest.mark.parametrize(
    ("first", "book"),
    [
        (Keep(), flat()),
        (Target(0.0), flat()),
        (Target(0.01), flat()),  # 50 USD buy no share at 250.25
        (Target(0.8), flat(entries_barred={"X": "unresolved"})),
    ],
)
def test_a_first_symbol_that_is_not_bought_leaves_the_cash_to_the_second(first: Verdict, book: Book) -> None:
    # 1,000 / 100.10 = 9.99
    assert traded(decided_of_two(SaysOfTwo(first, 0.2), book)) == [(Purpose.ENTER, "Y", 9)]


def test_a_first_symbol_that_is_kept_or_barred_stops_no_sale_of_the_second() -> None:
    held = {"X": Holding("X", 4, 200.0), "Y": Holding("Y", 7, 90.0)}
    assert traded(decided_of_two(SaysOfTwo(Keep(), 0.0), flat(holdings=held))) == [(Purpose.EXIT, "Y", 7)]
    barred = decided_of_two(SaysOfTwo(Target(0.0), 0.0), flat(holdings=held, exits_barred={"X": "unresolved"}))
    assert traded(barred) == [(Purpose.EXIT, "Y", 7)]


def test_a_sale_that_is_barred_says_why_and_nothing_else() -> None:
    rules = replace(RULES, sizing=replace(SIZING, max_position_frac=0.5))
    book = long(18, cash=500.0, exits_barred={"X": "unresolved"})
    for strategy in (EXIT, ENTER):
        decision = decided(strategy, book, rules=rules)
        assert (decision.action, decision.reasons, decision.orders) == (Action.HOLD, ("unresolved",), ())


def test_a_symbol_of_which_the_strategy_says_nothing_is_left_alone() -> None:
    class Silent(SaysOfTwo):
        def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
            return SaysOfTwo.verdicts(self, view, own)[:1]

    held = {"Y": Holding("Y", 7, 90.0)}
    assert traded(decided_of_two(Silent(Target(0.2), 0.0), flat(holdings=held))) == [(Purpose.ENTER, "X", 4)]


def test_exits_come_before_reductions_and_entries_before_increases() -> None:
    held = {"X": Holding("X", 10, 200.0), "Y": Holding("Y", 7, 90.0)}
    # 2,500 + 700 + 800 = 4,000; a quarter of it may stay in X: 4 of 10.
    reduced = decided_of_two(SaysOfTwo(Target(0.25), 0.0), flat(800.0, holdings=held))
    assert traded(reduced) == [(Purpose.EXIT, "Y", 7), (Purpose.REDUCE, "X", 6)]
    # 250 + 3,750 = 4,000; half of it buys 7 X in all (2,000 / 250.25 = 7.99), a quarter 9 Y (1,000 / 100.10 = 9.99).
    raised = decided_of_two(SaysOfTwo(Target(0.5), 0.25), flat(3750.0, holdings={"X": Holding("X", 1, 200.0)}))
    assert traded(raised) == [(Purpose.ENTER, "Y", 9), (Purpose.INCREASE, "X", 6)]


def bought(first: float, second: float, sizing: SizingRules, available: float) -> dict[str, int]:
    strategy, rules = SaysOfTwo(Target(first), second), replace(RULES, sizing=sizing)
    decision = decide(view(X=250.0, Y=100.0), strategy, flat(available_usd=available), rules)
    return {order.symbol: order.shares for order in decision.orders}


def test_a_second_purchase_has_what_the_first_has_left() -> None:
    # 11 X at 250.25 with cost take 2,752.75; 1,247.25 of the 4,000 buy 12 of the 19 wanted Y at 100.10.
    assert bought(0.6, 0.4, SIZING, 4000.0) == {"X": 11, "Y": 12}


def test_the_first_purchase_keeps_its_buffer_from_the_second() -> None:
    # 9 X with a tenth kept back take 9 x 250 x 1.101 = 2,477.25; 2,022.75 / 110.10 = 18.4. Without the buffer 20.
    assert bought(0.5, 0.5, replace(SIZING, cash_buffer_frac=0.1), 4500.0) == {"X": 9, "Y": 18}


def test_the_first_purchase_takes_the_brokers_least_commission_from_the_cash() -> None:
    rules = replace(RULES, sizing=replace(SIZING, costs=IbFixedCosts()))
    decision = decide(view(X=250.0, Y=101.5), SaysOfTwo(Target(0.5), 0.5), flat(available_usd=4500.0), rules)
    # 9 X and 1 USD take 2,251; of 2,249 22 Y and 1 USD take 2,234. A commission of 1 % would leave 21.
    assert [order.shares for order in decision.orders] == [9, 22]


def test_a_position_beyond_its_part_of_the_sleeve_is_reduced_to_it() -> None:
    rules = replace(RULES, sizing=replace(SIZING, max_position_frac=0.5))
    # 18 x 250 + 500 = 5,000, half of it 2,500: ten shares may be kept.
    (order,) = decided(ENTER, long(18, cash=500.0), rules=rules).orders
    assert (order.side, order.purpose, order.shares) == (Side.SELL, Purpose.REDUCE, 8)


def test_a_purchase_has_what_a_buy_back_has_left() -> None:
    book = flat(2000.0, unsellable_shares={"X": -4}, buy_backs={"X": 4})
    decision = decide(view(X=250.0, Y=100.0), SaysOfTwo(Keep(), 1.0), book, RULES)
    # 4 X take 1,001; 999 of the 2,000 buy 9 Y at 100.10, and the sleeve of 1,000 would have liked 9 too: 9.98.
    assert [(one.purpose, one.symbol, one.shares) for one in decision.orders] == [
        (Purpose.COVER, "X", 4),
        (Purpose.ENTER, "Y", 9),
    ]
    tight = replace(book, cash_usd=5000.0, available_usd=1500.0)
    # Of 1,500 available 499 are left: 4 of the 39 wanted.
    assert [one.shares for one in decide(view(X=250.0, Y=100.0), SaysOfTwo(Keep(), 1.0), tight, RULES).orders] == [4, 4]


def short(shares: int, cash: float, **changes: object) -> Book:
    return flat(cash, unsellable_shares={"X": -shares}, buy_backs={"X": shares}, **changes)


@pytest.mark.parametrize("restriction", [Restriction.NONE, Restriction.REDUCE_ONLY])
def test_what_is_short_is_bought_back_as_an_exit(restriction: Restriction) -> None:
    decision = decided(KEEP, short(4, 1500.0, restriction=restriction))
    assert (decision.action, decision.reasons) == (Action.EXIT, ("flatten",))
    assert [(one.side, one.purpose, one.shares) for one in decision.orders] == [(Side.BUY, Purpose.COVER, 4)]
    assert decision.equity_usd == 500.0  # 1,500 less 4 x 250


@pytest.mark.parametrize(
    ("book", "reason"),
    [
        (short(4, 1000.99), "buy_back_exceeds_cash"),  # 4 x 250.25 = 1,001
        (short(4, 1500.0, restriction=Restriction.FULL), "halted"),
        (short(4, 1500.0, exits_barred={"X": "unresolved"}), "unresolved"),
    ],
)
def test_a_buy_back_is_stopped_by_cash_a_full_halt_and_doubt(book: Book, reason: str) -> None:
    decision = decided(KEEP, book)
    assert (decision.orders, decision.reasons) == ((), (reason,))


def test_buy_backs_share_the_cash_there_is_and_one_that_does_not_fit_stops_no_other() -> None:
    short_of_both = flat(1400.0, unsellable_shares={"X": -4, "Y": -5}, buy_backs={"X": 4, "Y": 5})
    # 4 X take 1,001 of 1,400; 5 Y at 100.10 would take 500.50 of the 399 left.
    assert traded(decided_of_two(SaysOfTwo(Keep(), 0.0), short_of_both)) == [(Purpose.COVER, "X", 4)]
    dear_first = replace(short_of_both, cash_usd=1000.99, available_usd=1000.99)
    assert traded(decided_of_two(SaysOfTwo(Keep(), 0.0), dear_first)) == [(Purpose.COVER, "Y", 5)]


@pytest.mark.parametrize(
    "wish", [{"exit_pending": {"X": "vix_fear"}}, {"forced_exits": {"X": "flatten"}}, {"buy_backs": {"X": 4}}, {}]
)
@pytest.mark.parametrize("order", [("X", "Y"), ("Y", "X")])
def test_nothing_is_ordered_in_a_symbol_that_is_unfit_whatever_is_wanted_of_it(
    wish: dict[str, object], order: tuple[str, str]
) -> None:
    class Listing(SaysOfTwo):
        EACH_BY_ITSELF: ClassVar[bool] = True

        def universe(self) -> tuple[str, ...]:
            return order

    half_seen = replace(view(Y=100.0), unfit={"X": 250.0})
    book = flat(2000.0, holdings={"X": Holding("X", 4, 200.0)}, **wish)
    decision = decide(half_seen, Listing(Target(0.0), 0.25), book, RULES)
    # 4 x 250 + 2,000 = 3,000; a quarter of it buys 7 Y: 750 / 100.10 = 7.49.
    assert (decision.equity_usd, traded(decision)) == (3000.0, [(Purpose.ENTER, "Y", 7)])
    assert [(one.symbol, one.reasons) for one in decision.verdicts if one.symbol == "X"] == [("X", (UNFIT,))]
    assert tuple(one.symbol for one in decision.verdicts) == ("Y", "X")


def test_a_buy_back_in_an_unfit_symbol_waits_and_stops_no_other() -> None:
    half_seen = replace(view(Y=100.0), unfit={"X": 250.0})
    book = flat(2000.0, unsellable_shares={"X": -4, "Y": -5}, buy_backs={"X": 4, "Y": 5})
    decision = decide(half_seen, SaysOfTwo(Keep(), 0.0), book, RULES)
    assert traded(decision) == [(Purpose.COVER, "Y", 5)]
    alone = decide(half_seen, SaysOfTwo(Keep(), 0.0, ("x", "y")), replace(book, buy_backs={"X": 4}), RULES)
    assert (alone.orders, alone.reasons) == ((), (UNFIT,))


def test_a_buy_back_may_take_the_last_cent() -> None:
    free = replace(RULES, sizing=replace(SIZING, costs=PercentCosts(Decimal(0))))
    assert traded(decided(KEEP, short(4, 1000.0), rules=free)) == [(Purpose.COVER, "X", 4)]


def test_a_buy_back_may_use_cash_that_settles_later() -> None:
    assert len(decided(KEEP, short(4, 1500.0, available_usd=0.0, unsettled_usd=1500.0)).orders) == 1
