"""Symbols that begin late, end early or lack a session; shares that are there at the start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pytest

from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import Decision, PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.played import FillModel, PlayedOrder, PlayTerms, Settlement
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory, first_session
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Abstain, Target
from mtum.core.strategies.ensemble import Member
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.core.strategies.several import without
from support.markets import weekdays
from support.sixty_forty import SixtyForty

DAYS = weekdays(12)
RULES = PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts(Decimal("0.001"))), LossRules(None))
TERMS = PlayTerms(1000.0, RULES)


@dataclass(frozen=True)
class Weighted(BuyAndHold):
    """Symbols by weight, and in the rules of a member."""

    weights: Mapping[str, float] = field(default_factory=dict)
    members: tuple[Member, ...] = ()

    def universe(self) -> tuple[str, ...]:
        """The weights."""
        return tuple(self.weights)


def bars(symbol: str, closes: dict[int, float], dividends: dict[int, float] | None = None) -> Bars:
    """One bar per position in `DAYS`, whose prices are all its close."""
    paid = [(dividends or {}).get(at, 0.0) for at in closes]
    columns = {
        **{name: [*closes.values()] for name in PRICE_COLUMNS},
        "volume": [1000.0] * len(closes),
        "dividend": paid,
    }
    return Bars.from_columns(symbol, "scripted", [DAYS[at] for at in closes], columns)


def steady(symbol: str, first: int, stop: int, price: float) -> Bars:
    return bars(symbol, dict.fromkeys(range(first, stop), price))


def test_a_symbol_that_begins_later_is_bought_in_its_first_session() -> None:
    """500 USD each: 500 / (50 x 1.001) = 9 shares, 500 / (20 x 1.001) = 24 shares."""
    history = SessionHistory({"OLD": steady("OLD", 0, 8, 50.0), "NEW": steady("NEW", 3, 8, 20.0)}, {})
    strategy = BuyAndHold(symbols=("OLD", "NEW"))
    assert first_session(history, strategy) == 3
    assert first_session(history, strategy, start=1) == 1, "each is judged by itself"
    told: list[Decision] = []
    played = play_sessions(history, strategy, TERMS, 1, 8, told.append)
    assert [(one.session, one.symbol, one.shares) for one in played.orders] == [
        (DAYS[1], "OLD", 9),
        (DAYS[3], "NEW", 24),
    ]
    first = {one.symbol: one for one in told[0].verdicts}
    assert (first["NEW"].verdict, first["NEW"].reasons) == (Abstain(), ("unfit",))
    assert [one.session for one in told] == DAYS[1:8]


def test_a_strategy_that_weighs_its_symbols_waits_for_all_of_them() -> None:
    history = SessionHistory({"SPY": steady("SPY", 0, 12, 50.0), "IEF": steady("IEF", 4, 12, 20.0)}, {}, tuple(DAYS))
    strategy = PairReversal(pair_sessions=3)
    assert first_session(history, strategy) == first_session(history, strategy, start=5) == 7
    told: list[Decision] = []
    play_sessions(history, strategy, TERMS, 6, 8, told.append)
    assert [[one.reasons for one in decision.verdicts] for decision in told] == [
        [("others_unfit",), ("unfit",)],
        [("hold",), ("hold",)],
    ]


def test_there_may_be_no_session_with_all_symbols() -> None:
    history = SessionHistory({"OLD": steady("OLD", 0, 4, 50.0), "NEW": steady("NEW", 4, 8, 20.0)}, {})
    assert first_session(history, BuyAndHold(symbols=("OLD", "NEW"))) is None


def test_what_has_no_bars_any_more_is_sold_at_its_last_close_in_the_session_after() -> None:
    """Cash: 1000 - 9 x 50 - 0.45 - 24 x 20 - 0.48 = 69.07; sold: 9 x 60 - 0.54."""
    gone = bars("GONE", {0: 50.0, 1: 55.0, 2: 60.0})
    history = SessionHistory({"GONE": gone, "STAYS": steady("STAYS", 0, 6, 20.0)}, {})
    terms = PlayTerms(1000.0, RULES, slippage_bps=0.0, settlement=Settlement.NONE)
    played = play_sessions(history, BuyAndHold(symbols=("GONE", "STAYS")), terms, 0, 6)
    assert [(one.session, one.symbol, one.side, one.shares, one.price, one.reasons) for one in played.orders] == [
        (DAYS[0], "GONE", Side.BUY, 9, 50.0, ("flat",)),
        (DAYS[0], "STAYS", Side.BUY, 24, 20.0, ("flat",)),
        (DAYS[3], "GONE", Side.SELL, 9, 60.0, ("bars_ended",)),
    ]
    assert played.equity.tolist() == pytest.approx([999.07, 1044.07, 1089.07, 1088.53, 1088.53, 1088.53])
    assert [(one.symbol, one.exit_session, one.exit_price, one.reason) for one in played.trades] == [
        ("GONE", DAYS[3], 60.0, "bars_ended"),
        ("STAYS", None, None, None),
    ]
    assert played.notes == (
        f"GONE: its bars end on {DAYS[2]}; its 9 shares were sold at that close on {DAYS[3]}, "
        "and it was off the list from then on",
    )


def test_the_list_is_shorter_once_a_symbol_has_ended() -> None:
    """A late symbol gets a third while three are listed, half once one of them has ended."""
    three = {"GONE": steady("GONE", 0, 3, 50.0), "STAYS": steady("STAYS", 0, 8, 20.0), "LATE": steady("LATE", 5, 8, 9)}
    told: list[Decision] = []
    strategy = BuyAndHold(symbols=(*three,))
    played = play_sessions(SessionHistory(three, {}), strategy, TERMS, 0, 8, told.append)
    late = next(one for decision in told for one in decision.verdicts if isinstance(one.verdict, Target)
                and one.symbol == "LATE")  # fmt: skip
    assert late.verdict == Target(0.5)
    assert [one.symbol for one in told[-1].verdicts] == ["STAYS", "LATE"]
    assert len(played.notes) == 1


def test_a_purchase_that_waits_for_the_open_of_a_symbol_that_has_ended_lapses() -> None:
    history = SessionHistory({"GONE": steady("GONE", 0, 3, 50.0), "STAYS": steady("STAYS", 0, 6, 20.0)}, {})
    terms = PlayTerms(1000.0, RULES, fill=FillModel.NEXT_OPEN)
    played = play_sessions(history, BuyAndHold(symbols=("GONE", "STAYS")), terms, 2, 6)
    assert [(one.session, one.symbol) for one in played.orders] == [(DAYS[3], "STAYS")]
    assert "no share was held" in played.notes[0]


def test_a_symbol_that_a_strategy_cannot_do_without_stays_without_bars() -> None:
    history = SessionHistory({"SPY": steady("SPY", 0, 9, 50.0), "IEF": steady("IEF", 0, 6, 20.0)}, {}, tuple(DAYS))
    strategy = PairReversal(pair_sessions=3)
    assert without(strategy, "IEF") is None, "a pair is two"
    told: list[Decision] = []
    played = play_sessions(history, strategy, TERMS, 4, 9, told.append)
    assert told[-1].verdicts[0].reasons == ("others_unfit",)
    assert played.notes[0].endswith("and the strategy cannot do without it and abstains there")


def test_a_symbol_that_lacks_a_session_is_unfit_until_the_gap_is_behind_its_history() -> None:
    lacking = bars("IEF", {at: 20.0 for at in range(12) if at != 5})
    history = SessionHistory({"SPY": steady("SPY", 0, 12, 50.0), "IEF": lacking}, {}, tuple(DAYS))
    assert history.fit("IEF", 4).tolist() == [False] * 3 + [True] * 2 + [False] * 4 + [True] * 3
    told: list[Decision] = []
    play_sessions(history, PairReversal(pair_sessions=3), TERMS, 4, 10, told.append)
    assert ["unfit" in one.verdicts[1].reasons for one in told] == [False, True, True, True, True, False]


def test_what_is_held_without_a_bar_is_worth_its_last_close() -> None:
    lacking = bars("AAA", {0: 50.0, 1: 60.0, 3: 70.0})
    history = SessionHistory({"AAA": lacking, "BBB": steady("BBB", 0, 4, 20.0)}, {})
    played = play_sessions(history, BuyAndHold(symbols=("AAA", "BBB")), TERMS, 0, 4)
    assert played.equity.tolist() == pytest.approx([999.07, 1089.07, 1089.07, 1179.07])


def test_shares_that_are_there_at_the_start_were_bought_at_the_close_before() -> None:
    """10 shares at 50 and 1000 USD; 0.30 USD each is paid on the first session."""
    market = bars("AAA", {0: 48.0, 1: 50.0, 2: 52.0, 3: 53.0}, dividends={2: 0.3})
    terms = PlayTerms(1000.0, RULES, holdings={"AAA": 10})
    played = play_sessions(SessionHistory({"AAA": market}, {}), BuyAndHold(symbols=("AAA",)), terms, 2, 4)
    assert played.capital_usd == 1500.0
    assert played.equity.tolist() == pytest.approx([1523.0, 1533.0])
    assert played.orders == ()
    (trade,) = played.trades
    assert (trade.entry_session, trade.entry_price, trade.shares, trade.costs_usd) == (DAYS[1], 50.0, 10, 0.0)


def test_shares_at_the_start_need_a_close_before_it() -> None:
    history = SessionHistory({"AAA": steady("AAA", 0, 4, 50.0)}, {})
    terms = PlayTerms(1000.0, RULES, holdings={"AAA": 10})
    with pytest.raises(ValueError, match=rf"AAA: no close before {DAYS[0]}"):
        play_sessions(history, BuyAndHold("AAA"), terms, 0, 4)


def test_a_symbol_is_taken_off_lists_and_weights_alike() -> None:
    both = Weighted(
        weights={"AAA": 0.5, "BBB": 0.5}, members=(Member("buy_and_hold", 1.0, BuyAndHold(symbols=("AAA", "BBB"))),)
    )
    one = Weighted(weights={"BBB": 0.5}, members=(Member("buy_and_hold", 1.0, BuyAndHold(symbols=("BBB",))),))
    assert without(both, "AAA") == one
    assert without(SixtyForty(), "AAA") is None, "a name of its own is no list"
    assert without(BuyAndHold(symbols=("AAA", "BBB")), "AAA") == BuyAndHold(symbols=("BBB",))
    assert without(BuyAndHold(symbols=("AAA",)), "AAA") is None, "nothing would be left, or another symbol"
    assert without(BuyAndHold("AAA"), "AAA") is None


def test_an_order_tells_session_and_price_of_its_fill() -> None:
    market = bars("AAA", {0: 50.0, 1: 51.0})
    terms = PlayTerms(1000.0, RULES, fill=FillModel.NEXT_OPEN, slippage_bps=10.0)
    played = play_sessions(SessionHistory({"AAA": market}, {}), BuyAndHold("AAA"), terms, 0, 2)
    assert played.orders == (PlayedOrder(date(2010, 1, 5), "AAA", Side.BUY, 19, 51.051, ("flat",)),)
