"""Sleeves of one account that trade with each other, are given money and are worth what the account is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import ClassVar

import numpy as np
import pytest

from mtum.core.coordination.account import AccountRules, Returns
from mtum.core.coordination.transfers import TransferRules
from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.lots import holding_of
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.simulation.played import PlayedAccount, PlayTerms
from mtum.core.simulation.return_columns import ReturnColumns
from mtum.core.simulation.session_path import play_account
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.sleeve_ledger import Purchases
from mtum.core.strategies.band_rebalance import BandRebalance
from mtum.core.strategies.contract import Holding, Keep, Own, Shares, Strategy, SymbolVerdict
from mtum.core.strategies.volatility_target import VolatilityTarget
from mtum.core.view import MarketView
from support.markets import made_up_bars, weekdays
from support.values import replace

DAYS = weekdays(40)
RULES = PortfolioRules(SizingRules(1.0, float("inf"), 0.0, PercentCosts(Decimal("0.001"))), LossRules(None))
TERMS = PlayTerms(4000.0, RULES)


@dataclass(frozen=True, slots=True)
class Scripted(Strategy):
    """Hold so many shares from a session on."""

    name: ClassVar[str] = "scripted"

    wants: Mapping[date, int] = field(default_factory=dict)
    seen: list[Holding] = field(default_factory=list)

    def universe(self) -> tuple[str, ...]:
        return ("AAA",)

    def history_sessions(self) -> int:
        return 1

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        self.seen.append(own.of("AAA"))
        count = self.wants.get(view.session)
        return (SymbolVerdict("AAA", Keep() if count is None else Shares(count), ("scripted",), (), {}),)


def sleeve(name: str, wants: Mapping[int, int], weight: float = 0.5, state: SleeveState = SleeveState.ON) -> Sleeve:
    return Sleeve(name, Scripted({DAYS[at]: count for at, count in wants.items()}), weight, state, 500.0, "", RULES)


def history(closes: list[float], dividends: dict[int, float] | None = None) -> SessionHistory:
    paid = [(dividends or {}).get(at, 0.0) for at in range(len(closes))]
    columns = {**dict.fromkeys(PRICE_COLUMNS, closes), "volume": [1e4] * len(closes), "dividend": paid}
    after = DAYS[len(closes) - 1] + timedelta(days=1)
    bars = Bars.from_columns("AAA", "scripted", DAYS[: len(closes)], columns)
    return SessionHistory({"AAA": bars}, {}, (*DAYS[: len(closes)], after))


def test_what_one_sleeve_sells_the_other_buys_without_a_cost() -> None:
    """Ten shares of one against four of two at 100: four cross, six are sold for 600 less 0.60."""
    account = play_account(history([100.0] * 3), [sleeve("one", {0: 10, 1: 0}), sleeve("two", {1: 4})], TERMS, 0, 3)
    second = [(one.sleeve, one.side.value, one.shares, one.crossed) for one in account.total.orders[1:]]
    assert second == [("one", "SELL", 10, 4), ("two", "BUY", 4, 4)]
    assert account.sleeves["one"].played.equity.tolist() == pytest.approx([1999.0, 1998.4, 1998.4])
    assert account.sleeves["two"].played.equity.tolist() == [2000.0, 2000.0, 2000.0]
    assert account.total.costs["commission"] == pytest.approx(1.6)
    assert account.shares["AAA"].tolist() == [10, 4, 4]


def test_a_strategy_knows_of_what_it_has_sold_only_how_long_ago_that_was() -> None:
    one = sleeve("one", {0: 10, 1: 4, 2: 0})
    play_account(history([100.0] * 5), [one], TERMS, 0, 5)
    assert isinstance(one.strategy, Scripted)
    half = Holding("AAA", 4, 100.0, DAYS[0], sessions_since_exit=1)
    assert one.strategy.seen[2:] == [half, Holding("AAA", sessions_since_exit=1), Holding("AAA", sessions_since_exit=2)]


def test_a_dividend_is_worth_something_at_once_and_spent_from_the_next_session_on() -> None:
    """19 shares at 100 leave 98.10 of 2,000; 19 x 5 make two more only the day after the ex-date."""
    wants = {0: 19, 1: 25, 2: 25}
    account = play_account(history([100.0] * 3, {1: 5.0}), [sleeve("one", wants, 0.5)], TERMS, 0, 3)
    assert [(one.session, one.shares) for one in account.total.orders] == [(DAYS[0], 19), (DAYS[2], 1)]
    assert account.total.equity[1] == pytest.approx(1998.1 + 95)


def test_a_sleeve_on_virtual_money_is_no_part_of_the_account() -> None:
    watched = sleeve("two", {0: 4}, state=SleeveState.WATCH)
    account = play_account(history([100.0, 110.0]), [sleeve("one", {0: 10}), watched], TERMS, 0, 2)
    assert [*account.sleeves] == ["one"]
    assert account.total.equity[-1] == pytest.approx(2000 - 1.0 + 100)
    assert account.watched["two"].played.equity[-1] == pytest.approx(500 - 0.4 + 40)
    assert {one.sleeve for one in account.total.orders} == {"one"}


def test_a_sleeve_that_only_reduces_buys_nothing_and_one_that_is_off_decides_nothing() -> None:
    sleeves = [
        sleeve("one", {0: 10}, 0.5, SleeveState.REDUCE_ONLY),
        replace(sleeve("two", {}, 0.25, SleeveState.OFF), strategy=VolatilityTarget(symbol="NO BARS")),
        sleeve("three", {0: 10}, 0.25, SleeveState.CLOSE),
    ]
    told: list[str] = []
    account = play_account(history([100.0, 110.0]), sleeves, TERMS, 0, 2, lambda one: told.append(one.strategy))
    assert account.total.orders == ()
    assert told == ["one", "three"] * 2
    assert account.total.capital_usd == 3000, "one that is closed begins with nothing"


def test_at_the_end_of_a_month_money_goes_from_above_to_below_and_is_no_profit() -> None:
    """One gains 19 x 50 by the last session of January; both are to have half of 4,948.10.

    3,050 of it lies in one: 2,948.10 less 2,474.05 is more than its 98.10 of cash, so all of that goes.
    """
    closes = [100.0] * 10 + [150.0] * 20
    terms = replace(TERMS, account=AccountRules(transfers=TransferRules("month", 0.1)))
    account = play_account(history(closes), [sleeve("one", {0: 19}), sleeve("two", {})], terms, 0, 30)
    last = DAYS.index(max(day for day in DAYS[:30] if day.month == 1))
    ((day, moved),) = account.transfers
    assert day == DAYS[last]
    assert [one.usd for one in moved] == [-98.1, 98.1]
    assert np.flatnonzero(account.sleeves["two"].flows).tolist() == [last]
    profits = {
        name: one.played.final_equity_usd - one.played.capital_usd - float(one.flows.sum())
        for name, one in account.sleeves.items()
    }
    assert profits == {"one": pytest.approx(948.1), "two": pytest.approx(0.0)}
    assert account.total.final_equity_usd == pytest.approx(4948.1)


def meeting(seed: int) -> PlayedAccount:
    """Three sleeves that trade the same two symbols, with money that moves every month."""
    bars = {symbol: made_up_bars(400, seed + at, symbol) for at, symbol in enumerate(("AAA", "BBB"))}
    days = [day.astype(object) for day in bars["AAA"].days]
    strategies = {
        "calm": VolatilityTarget(symbol="AAA", step=0.02),
        "wild": VolatilityTarget(symbol="AAA", target_vol=0.3, step=0.02),
        "band": BandRebalance(weights={"AAA": 0.4, "BBB": 0.5}),
    }
    sleeves = [Sleeve(name, strategy, 0.33, SleeveState.ON, 0.0, "", RULES) for name, strategy in strategies.items()]
    rules = AccountRules(transfers=TransferRules("month", 0.0, "inverse_volatility"), max_symbol_frac=0.6)
    terms = PlayTerms(99_999.99, RULES, slippage_bps=3.0, account=rules)
    market = SessionHistory(bars, {}, (*days, days[-1] + timedelta(days=40)))
    return play_account(market, sleeves, terms, 40, 400)


@pytest.mark.parametrize("seed", [5, 7])
def test_what_the_sleeves_earn_is_what_the_account_earns_to_the_cent(seed: int) -> None:
    account = meeting(seed)
    assert any(one.crossed for one in account.total.orders)
    assert account.cuts
    assert account.transfers
    earned = [
        np.diff(one.played.equity, prepend=one.played.capital_usd) - one.flows for one in account.sleeves.values()
    ]
    whole = np.diff(account.total.equity, prepend=account.total.capital_usd)
    np.testing.assert_allclose(np.sum(earned, axis=0), whole, atol=1e-6)
    assert np.abs(np.sum([one.flows for one in account.sleeves.values()], axis=0)).max() < 1e-9
    crossed = {"BUY": 0, "SELL": 0}
    for order in account.total.orders:
        crossed[order.side.value] += order.crossed
    assert crossed["BUY"] == crossed["SELL"]
    held = {symbol: float(shares[-1]) for symbol, shares in account.shares.items()}
    ordered = dict.fromkeys(held, 0)
    for order in account.total.orders:
        ordered[order.symbol] += order.shares if order.side.value == "BUY" else -order.shares
    assert held == ordered


def test_returns_worked_out_once_are_those_of_the_bars_up_to_each_session() -> None:
    """Dividends move every earlier total-return close, and no return."""
    whole = made_up_bars(60, 3, "AAA")
    paid = np.zeros(60)
    paid[[20, 40]] = 1.5
    bars = {"AAA": replace(whole, dividend=paid), "BBB": made_up_bars(60, 4, "BBB")[15:]}
    market = SessionHistory(bars, {})
    columns = ReturnColumns.of(market, ("AAA", "BBB"))
    for t in (1, 16, 30, 59):
        known = {symbol: own[: market.row(symbol, t) + 1] for symbol, own in bars.items()}
        expected = Returns.of({symbol: own for symbol, own in known.items() if len(own)}, 500)
        for symbol, column in expected.columns.items():
            np.testing.assert_allclose(columns.until(t).table[:, columns.columns[symbol]], expected.table[:, column])


@pytest.mark.parametrize("seed", range(5))
def test_purchases_counted_one_by_one_are_what_all_fills_say(seed: int) -> None:
    draw, purchases, fills = np.random.default_rng(seed), Purchases(), list[Fill]()
    for at in range(12):
        price = Decimal(str(round(float(draw.uniform(5, 500)), 6)))
        side = Side.SELL if fills and draw.random() < 0.3 else Side.BUY
        held = sum(fill.signed_shares for fill in fills)
        shares = int(draw.integers(1, max(2, held))) if side is Side.SELL else int(draw.integers(1, 900))
        if side is Side.SELL and shares >= held:
            continue
        instant = datetime.combine(DAYS[at // 2], time(), UTC)
        fills.append(Fill(f"{at}", f"{at}", "", "", "AAA", side, DAYS[at // 2], instant, shares, price))
        if side is Side.BUY:
            purchases.add(fills[-1])
        told = holding_of("AAA", fills, {}, None)
        assert (purchases.average, purchases.count - 1) == (told.entry_price, told.added)
        assert told.added_price in (None, purchases.newest_average)
