"""A column form that cannot be played is one clear error, and what is no strategy's own form is not used."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.market.coverage import Dividends
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.play import walked
from mtum.core.simulation.walker.result import played_of
from mtum.core.simulation.walker.terms import why_not
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.columns import Allocation, Ranking
from mtum.core.strategies.contract import Own, SymbolVerdict
from mtum.core.strategies.ensemble import Ensemble, Member
from mtum.core.strategies.momentum_rotation import MomentumRotation
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import StrategyError
from support.daily_ranking import DailyRanking
from support.values import replace
from support.walked import apart, by_the_walker, differences, made_up, strategies, terms_of

if TYPE_CHECKING:
    from mtum.core.strategies.columns import MarketColumns
    from mtum.core.view import MarketView

HISTORY = made_up(BuyAndHold(symbols=("S0", "S1")), 30)
FORM = Allocation(np.zeros(30, dtype=np.int64), np.full((1, 2), 0.5), np.zeros((3, 1, 2), dtype=np.int64), (("flat",),))
RANKING = Ranking(
    FORM.row, np.array([[1.0, 2.0]]), np.empty((0, 0)), np.ones(1, dtype=bool), 1, 1, (("in",), ("stays",), ("out",))
)


def flat_bars(symbol: str) -> Bars:
    """30 sessions at 100 USD."""
    same = np.full(30, 100.0)
    columns = {name: same * (name not in ("dividend", "split")) for name in COLUMNS}
    return Bars.from_columns(symbol, "made-up", HISTORY.bars["S0"].days, columns)


@dataclass(frozen=True, slots=True)
class Told(BuyAndHold):
    """Answers what it is given."""

    name: ClassVar[str] = "told"
    given: Any = None

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """The same."""
        return BuyAndHold.verdicts(self, view, own)

    def column_form(self, market: "MarketColumns") -> Allocation:
        """What it was given, or its error."""
        if isinstance(self.given, Exception):
            raise self.given
        found: Allocation = self.given
        return found


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (KeyError("S2"), "told: column_form ends in KeyError: 'S2'"),
        (replace(FORM, row=FORM.row[1:]), "told: column_form answers row of shape (29,); (30,) is needed"),
        (replace(FORM, weights=np.full((1, 3), 0.1)), "answers weights of shape (1, 3); (1, 2) is needed"),
        (replace(FORM, words=FORM.words + 1), "answers words from 1 to 1; 0 to 0 is possible"),
        (replace(FORM, row=FORM.row + 1), "answers row from 1 to 1; -2 to 0 is possible"),
        (replace(RANKING, row=RANKING.row - 3), "answers row from -3 to -3; -2 to 0 is possible"),
        (replace(FORM, weights=FORM.weights * 3), "answers a weight below 0 or above 1"),
    ],
)
def test_a_form_that_cannot_be_played_is_one_clear_error(given: Any, told: str) -> None:
    with pytest.raises(StrategyError) as raised:
        walked(HISTORY, Told(symbols=("S0", "S1"), given=given), terms_of(), (0, 30))
    assert told in str(raised.value)


def test_a_form_of_100_000_usd_buys_half_of_each() -> None:
    found = walked(HISTORY, Told(symbols=("S0", "S1"), given=FORM), terms_of(), (0, 30))
    assert found is not None
    first = [float(HISTORY.bars[symbol].close[0]) for symbol in ("S0", "S1")]
    # 0.1 % of costs and 0.2 % of buffer beside the price.
    assert found.orders[:2, 2].tolist() == [int(50_000 / (price * 1.003)) for price in first]


def test_what_the_first_purchases_cost_is_a_loss_of_the_first_session() -> None:
    # 0.1 % of what 100,000 USD buy is more than 80 USD and less than 0.11 %; prices do not move.
    bars = {symbol: flat_bars(symbol) for symbol in ("S0", "S1")}
    history, strategy = SessionHistory(bars, {}, HISTORY.calendar), BuyAndHold(symbols=("S0", "S1"))
    for losses in (LossRules(80.0, True), LossRules(None, True, None, 0.0009)):
        assert list(differences(history, strategy, terms_of(losses=losses))) == []
    found = by_the_walker(history, strategy, terms_of(losses=LossRules(80.0, True)))
    assert found is not None
    assert [(order.session, order.symbol, order.side.value) for order in found.orders[2:4]] == [
        (HISTORY.day(1), "S0", "SELL"),
        (HISTORY.day(1), "S1", "SELL"),
    ]


def test_the_fall_that_halts_is_counted_from_the_capital() -> None:
    # Three purchases of 30,000 USD cost 90 of 100,000: nothing is bought from the second session on.
    strategy = strategies()["a ranking of one's own"]
    history, terms = made_up(strategy, 60), terms_of(losses=LossRules(None, False, 0.0008))
    assert list(differences(history, strategy, terms)) == []
    found = by_the_walker(history, strategy, terms)
    assert found is not None
    bought = [order.session for order in found.orders if order.side is Side.BUY]
    assert bought == [found.orders[0].session] * 3


def test_a_form_of_other_verdicts_is_not_used() -> None:
    class Never(BuyAndHold):
        __slots__ = ()

        def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
            return ()

    assert why_not(HISTORY, Never(symbols=("S0", "S1")), terms_of()) == "verdicts of a kind of its own"
    assert why_not(HISTORY, BuyAndHold(symbols=("S0", "S1")), terms_of()) is None
    assert why_not(HISTORY, BuyAndHold(symbols=("S0",)), terms_of(impact_coefficient=1.0)) is not None


@pytest.mark.parametrize(("bars", "shares"), [(70, 652), (80, 0)])
def test_what_has_ended_is_sold_at_its_last_close_and_off_the_list(bars: int, shares: int) -> None:
    strategy, terms = DailyRanking(symbols=("S0", "S1", "S2"), top=1, part=0.5), terms_of(slippage_bps=10.0)
    whole = made_up(strategy, 90)
    history = replace(whole, bars={**whole.bars, "S1": whole.bars["S1"][:bars]})
    assert list(differences(history, strategy, terms)) == []
    found = by_the_walker(history, strategy, terms)
    assert found is not None
    sold = [one for one in found.orders if one.reasons == ("bars_ended",)]
    assert [(one.session, one.shares, one.price) for one in sold] == (
        [(history.day(bars), shares, float(whole.bars["S1"].close[bars - 1]))] if shares else []
    )
    said = f"its {shares} shares were sold at that close on {history.day(bars)}" if shares else "no share was held"
    last = history.day(bars - 1)
    assert found.notes == (f"S1: its bars end on {last}; {said}, and it was off the list from then on",)
    assert found.orders[-1].session > history.day(bars), "the others are played on"


def test_a_symbol_that_had_ended_before_the_first_session_is_off_the_list_at_once() -> None:
    strategy = BuyAndHold(symbols=("S0", "S1", "S2"))
    whole = made_up(strategy, 60)
    history = replace(whole, bars={**whole.bars, "S1": whole.bars["S1"][:30]})
    terms = terms_of(holdings={"S1": 50})
    found, other = walked(history, strategy, terms, (40, 60)), play_sessions(history, strategy, terms, 40, 60)
    assert found is not None
    assert list(apart(played_of(history, terms, found), other)) == []
    assert [(one.session, one.symbol, one.side) for one in other.orders] == [
        (history.day(40), "S1", Side.SELL),
        (history.day(40), "S0", Side.BUY),
        (history.day(40), "S2", Side.BUY),
    ]


def test_a_ranking_with_one_decision_in_all_is_weighed_by_its_parts() -> None:
    strategy = strategies(months=2)["momentum_rotation by volatility"]
    history = made_up(strategy, strategy.history_sessions() + 18)
    assert list(differences(history, strategy, terms_of())) == []
    found = by_the_walker(history, strategy, terms_of())
    assert found is not None
    assert len({order.session for order in found.orders}) == 1
    assert len({round(order.shares * order.price, -3) for order in found.orders}) == 3, "three weights"


def test_what_is_there_at_the_start_without_its_dividends_is_played_by_the_session() -> None:
    """Such a symbol is worth its newest close at a decision; what has too few bars is worth the one before."""
    strategy = strategies(months=2)["momentum_rotation"]
    whole = made_up(strategy, strategy.history_sessions() + 140, ragged=True)
    history, span = replace(whole, dividends={"S0": Dividends.UNKNOWN}), (75, len(whole.days))
    assert walked(history, strategy, terms_of(), span) is not None
    assert walked(history, strategy, terms_of(holdings={"S0": 700}), span) is None
    assert walked(whole, strategy, terms_of(holdings={"S0": 700}), span) is not None


@dataclass(frozen=True, slots=True)
class ByTheList(DailyRanking):
    """Looks back further, or says otherwise, the more symbols there are."""

    name: ClassVar[str] = "by_the_list"
    says: bool = True

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """The same."""
        return DailyRanking.verdicts(self, view, own)

    def history_sessions(self) -> int:
        """One more for each symbol."""
        return self.sessions + 1 + (0 if self.says else len(self.symbols))

    def column_form(self, market: "MarketColumns") -> Allocation:
        """With a reason more for each symbol."""
        form = DailyRanking.column_form(self, market)
        return replace(form, reasons=(*form.reasons, *((one,) for one in self.symbols if self.says)))


@pytest.mark.parametrize("says", [True, False])
def test_a_form_that_is_another_one_on_a_shorter_list_is_played_by_the_session(says: bool) -> None:
    strategy = ByTheList(symbols=("S0", "S1", "S2"), top=1, part=0.5, says=says)
    whole = made_up(strategy, 90)
    assert by_the_walker(whole, strategy, terms_of()) is not None
    history = replace(whole, bars={**whole.bars, "S1": whole.bars["S1"][:80]})
    assert walked(history, strategy, terms_of(), (30, 80)) is not None, "nothing has ended yet"
    assert by_the_walker(history, strategy, terms_of()) is None


def test_parts_that_rounding_makes_a_little_more_than_all_are_played() -> None:
    """Cash of others: 0.333334 + 0.333334 + 0.333333."""
    form = replace(FORM, weights=np.array([[1.000001, 0.0]]))
    assert walked(HISTORY, Told(symbols=("S0", "S1"), given=form), terms_of(), (0, 30)) is not None


def test_votes_are_played_by_the_session_where_a_member_has_no_form() -> None:
    told, untold = BuyAndHold(symbols=("S0", "S1")), MtumConfluence(symbol="S0")
    history = made_up(told, untold.history_sessions() + 40)
    for members, plays in (((told,), True), ((told, untold), False)):
        strategy = Ensemble(members=tuple(Member(one.name, 1.0, one) for one in members))
        assert (by_the_walker(history, strategy, terms_of()) is not None) == plays


def test_a_member_has_no_opinion_while_a_decision_that_is_due_cannot_be_made() -> None:
    # At month ends at which two of three symbols lack bars the ranking waits, and does not vote for what it held.
    hold = BuyAndHold(symbols=("S0", "S1", "S2"))
    ranking = MomentumRotation(
        symbols=("S0", "S1", "S2"), top=2, exit_rank=2, trend_symbol="S0", lookback_months=1, trend_sessions=20
    )
    strategy = Ensemble(members=(Member("momentum_rotation", 1.0, ranking), Member("buy_and_hold", 1.0, hold)))
    history = made_up(strategy, 260)
    kept = np.arange(260) // 10 % 9 != 8
    bars = {"S0": history.bars["S0"]}
    for name in ("S1", "S2"):
        one = history.bars[name]
        bars[name] = Bars.from_columns(
            name, "made-up", one.days[kept], {column: getattr(one, column)[kept] for column in COLUMNS}
        )
    assert list(differences(SessionHistory(bars, {}, history.calendar), strategy, terms_of())) == []


def test_shares_at_the_start_count_from_the_close_before_it() -> None:
    strategy, terms = BuyAndHold(symbols=("S0", "S1")), terms_of(capital_usd=0.0, holdings={"S1": 7})
    assert walked(HISTORY, strategy, terms, (0, 30)) is None, "they have no price before the first session"
    assert list(differences(HISTORY, strategy, terms)) == []
    found = by_the_walker(HISTORY, strategy, terms)
    assert found is not None
    close = HISTORY.bars["S1"].close
    assert found.capital_usd == 7 * close[0]
    (held,) = found.trades
    assert (held.entry_session, held.entry_price, held.shares) == (HISTORY.day(0), close[0], 7)
