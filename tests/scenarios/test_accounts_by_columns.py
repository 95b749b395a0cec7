"""An account whose strategies are asked by columns does to the cent what it does where each is asked by the session."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf

import numpy as np
import pytest

from mtum.core.canonical import field_types
from mtum.core.coordination.account import AccountRules
from mtum.core.coordination.transfers import TransferRules
from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.portfolio.costs import IbTieredCosts
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.simulation.account_ledger import AccountLedger
from mtum.core.simulation.column_sleeve import ColumnSleeve
from mtum.core.simulation.played import FillModel, PlayedAccount, PlayTerms, Settlement
from mtum.core.simulation.session_path import play_account, play_account_by_columns, play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.play import walked
from mtum.core.simulation.walker.result import played_of
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.trend_following import TrendFollowing
from support.values import replace
from support.walked import NAMES, first_of, made_up, strategies, terms_of
from support.walked import apart as walker_apart

CALM = TransferRules("month", 0.02)
TERMS: Mapping[str, PlayTerms] = {
    "cash that moves": terms_of(account=AccountRules(transfers=CALM)),
    "limits of the account": terms_of(
        account=AccountRules(max_symbol_frac=0.25, max_gross_frac=0.7, correlation_penalty=0.5, transfers=CALM)
    ),
    "volatility": terms_of(
        account=AccountRules(target_volatility_frac=0.15, transfers=TransferRules("month", 0.05, "inverse_volatility"))
    ),
    "losses": terms_of(
        losses=LossRules(None, False, 0.06, 0.015), account=AccountRules(daily_loss_usd=900.0, drawdown_frac=0.1)
    ),
    "a daily loss that sells": terms_of(losses=LossRules(500.0, True), loss_pause_sessions=3),
    "a thin auction": terms_of(auction_volume_frac=2e-4, slippage_bps=4.0, settlement=Settlement.CALENDAR),
    "impact, next open": terms_of(
        SizingRules(1.0, inf, 0.002, IbTieredCosts()), impact_coefficient=0.6, fill=FillModel.NEXT_OPEN
    ),
    "a largest position, shares at the start": terms_of(
        SizingRules(0.8, 9_000.0, 0.003, IbTieredCosts()), holdings={"S0": 90, "S4": 80}, capital_usd=60_000.0
    ),
}


def accounts(count: int = 3) -> Iterator[dict[str, Strategy]]:
    """Each strategy once, among others that trade the same symbols."""
    every = [*strategies(months=2).items()]
    step = len(every) // count
    for first in range(step):
        yield dict(every[first::step])


def played(
    chosen: Mapping[str, Strategy], terms: PlayTerms, *, ragged: bool, sessions: int = 90
) -> tuple[PlayedAccount, PlayedAccount]:
    """By the session, and by columns."""
    longest = max(one.history_sessions() for one in chosen.values()) + sessions
    parts = [made_up(one, longest, ragged=ragged) for one in chosen.values()]
    history = SessionHistory({name: bars for one in parts for name, bars in one.bars.items()}, {}, parts[0].calendar)
    first = max(first_of(history, one, terms) for one in chosen.values())
    weight, states = 1 / len(chosen), (SleeveState.ON, SleeveState.ON, SleeveState.WATCH)
    sleeves = [
        Sleeve(name, one, weight, state, 20_000.0, "", terms.rules, terms.loss_pause_sessions)
        for (name, one), state in zip(chosen.items(), [*states, *[SleeveState.ON] * len(chosen)], strict=False)
    ]
    span = first, len(history.days)
    ledger = AccountLedger.of(history, sleeves, terms, *span)
    assert all(ColumnSleeve.of(own, terms, *span) for own in ledger.ledgers), "a strategy is not asked by columns"
    return play_account(history, sleeves, terms, *span), play_account_by_columns(history, sleeves, terms, span)


def apart(one: object, other: object, where: str = "") -> Iterator[str]:
    """Say where two results differ in any bit."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        yield from [] if np.array_equal(one, other, equal_nan=True) else [where]
    elif type(one) is type(other) and (named := field_types(type(one))) is not None:
        for name in named:
            yield from apart(getattr(one, name), getattr(other, name), f"{where}.{name}")
    elif isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        for name in one:
            yield from apart(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str):
        yield from [] if len(one) == len(other) else [f"{where}: {len(one)}, {len(other)}"]
        for at, (mine, its) in enumerate(zip(one, other, strict=False)):
            yield from apart(mine, its, f"{where}[{at}]")
    elif one != other:
        yield f"{where}: {one}, {other}"


@pytest.mark.parametrize("terms", TERMS)
def test_every_strategy_does_the_same_in_an_account(terms: str) -> None:
    at = [*TERMS].index(terms)
    groups = [*accounts()]
    for chosen in (groups[at % len(groups)], groups[(at + 5) % len(groups)]):
        one, other = played(chosen, TERMS[terms], ragged=True)
        assert list(apart(one, other)) == []
        assert one.total.orders, "no orders prove nothing"


@pytest.mark.full
@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("ragged", [False, True])
def test_it_does_so_over_a_year_and_more(terms: str, ragged: bool) -> None:
    for chosen in (*accounts(), *accounts(6)):
        one, other = played(chosen, TERMS[terms], ragged=ragged, sessions=320)
        assert list(apart(one, other)) == []


def test_what_columns_cannot_tell_is_asked_by_the_session() -> None:
    chosen = strategies(months=2)["donchian_breakout"]
    history, terms = made_up(chosen, chosen.history_sessions() + 60), terms_of()
    sleeve = Sleeve("one", chosen, 1.0, SleeveState.ON, 0.0, "", terms.rules)
    stops = replace(terms.rules, stops=replace(terms.rules.stops, stop_loss_frac=0.03))
    cut = replace(history, bars={**history.bars, "S1": history.bars["S1"][:-20]})
    span = chosen.history_sessions(), len(history.days)
    for market, one in (
        (history, replace(sleeve, rules=stops)),
        (history, replace(sleeve, state=SleeveState.CLOSE)),
        (cut, sleeve),
    ):
        (own,) = AccountLedger.of(market, [one], terms, *span).ledgers
        assert ColumnSleeve.of(own, terms, *span) is None
        two = play_account(market, [one], terms, *span), play_account_by_columns(market, [one], terms, span)
        assert list(apart(*two)) == []


def test_a_stop_trails_what_was_there_at_the_start_from_its_close_of_the_session_before() -> None:
    """The last session of the warm-up decides nothing, and its closes are known all the same."""
    chosen = strategies(months=2)["trend_following"]
    assert isinstance(chosen, TrendFollowing)
    near = replace(chosen, chandelier_atr=0.5)
    first = near.history_sessions() - 1
    whole, terms = made_up(near, first + 20), terms_of(holdings=dict.fromkeys(near.symbols, 200))
    # Each symbol fell in the session before the first: from the close before that one the stop would be nearer.
    fell = {name: _with_close(bars, first - 2, 2.0) for name, bars in whole.bars.items()}
    history, sleeve = replace(whole, bars=fell), Sleeve("one", near, 1.0, SleeveState.ON, 0.0, "", terms.rules)
    span = first, first + 20
    assert first == first_of(history, near, terms)
    one = play_account(history, [sleeve], terms, *span)
    assert list(apart(one, play_account_by_columns(history, [sleeve], terms, span))) == []


def _with_close(bars: Bars, at: int, above: float) -> Bars:
    close = bars.close.copy()
    close[at] += above
    high = np.maximum(bars.high, close)
    columns = {name: getattr(bars, name) for name in COLUMNS} | {"close": close, "high": high}
    return Bars.from_columns(bars.symbol, bars.source, bars.days, columns)


def test_what_a_loss_sells_at_a_month_end_that_cannot_be_decided_goes_by_rank() -> None:
    """The trend symbol has no bar in that session: all abstain, the best first."""
    chosen = strategies(months=2)["momentum_rotation"]
    whole = made_up(chosen, chosen.history_sessions() + 50)
    days, trend = whole.days, whole.bars[NAMES[8]]
    at = next(t for t in range(70, len(days)) if days[t].astype("M8[M]") != days[t + 1].astype("M8[M]"))
    columns = {name: np.delete(getattr(trend, name), at) for name in COLUMNS}
    gap = Bars.from_columns(trend.symbol, trend.source, np.delete(trend.days, at), columns)
    history = replace(whole, bars={**whole.bars, trend.symbol: gap})
    fallen = [name for name in NAMES[:8] if whole.bars[name].close[at] < whole.bars[name].close[at - 1]]
    terms = terms_of(losses=LossRules(1.0, True), holdings=dict.fromkeys(fallen, 100))
    sleeve, span = Sleeve("one", chosen, 1.0, SleeveState.ON, 0.0, "", terms.rules), (at, len(days))
    one = play_account(history, [sleeve], terms, *span)
    assert list(apart(one, play_account_by_columns(history, [sleeve], terms, span))) == []
    sold = [order.symbol for order in one.total.orders if order.session == history.day(at)]
    assert sorted(sold) == fallen
    assert sold != fallen, "the order of the list"
    found = walked(history, chosen, terms, span)
    assert found is not None
    walk = played_of(history, terms, found)
    assert list(walker_apart(walk, play_sessions(history, chosen, terms, *span))) == []
    assert [order.symbol for order in walk.orders if order.session == history.day(at)] == sold
