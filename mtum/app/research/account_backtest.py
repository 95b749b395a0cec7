"""All sleeves over one history, as one account: played, measured, and what each of them made of it."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace

from mtum.app.research.backtest_request import BacktestRequest, DecisionModel
from mtum.app.research.run_backtest import (
    PLAYING,
    READING,
    Backtested,
    Tell,
    benchmark_document,
    costs_document,
    document,
    metrics_document,
    run_backtest,
)
from mtum.app.research.steps import count_sessions, tell_step
from mtum.core.canonical import plain
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.returns import Curve, growth
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.research.benchmark import BuyAndHoldCurves, buy_and_hold_weighted, together
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import Played, PlayedAccount, PlayedOrder, PlayedSleeve
from mtum.core.simulation.session_views import SessionHistory
from mtum.errors import UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

if TYPE_CHECKING:
    from mtum.app.research.option_backtest import ChainsAt


def backtested(
    asked: BacktestRequest, source: BarSource, calendar: Calendar, tell: Tell, chains: "ChainsAt | None" = None
) -> Backtested:
    """Load, play and measure the whole account, or one strategy where that is asked.

    Parameters
    ----------
    asked : BacktestRequest
        One question to history.
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    calendar : Calendar
        The exchange's trading sessions.
    tell : Tell
        Called with progress messages for the person who waits.
    chains : callable or None
        Where options are quoted; None for the model over the same source.

    Raises
    ------
    UsageError, DataError
        If the question cannot be answered from these bars.
    """
    if not asked.whole_account:
        return run_backtest(asked, source, calendar, tell, chains)
    if asked.decision is DecisionModel.NEAR_CLOSE:
        raise UsageError("--decision near_close plays mtum_confluence alone: add --strategy mtum_confluence")
    from mtum.app.research.load_account import load_account  # all that one strategy does not need
    from mtum.core.simulation.session_path import play_account_by_columns

    began = perf_counter()
    tell_step(READING)
    loaded = load_account(asked, asked.sleeves(), asked.terms().account, source, calendar)
    span = Span(loaded.first, len(loaded.market.days))
    tell_step(PLAYING, 0, span.stop - span.first)
    prepared = perf_counter()
    options = None
    if any(one.decides and one.strategy.OPTIONS for one in loaded.sleeves):
        from mtum.app.research.option_backtest import OptionMarket, play_options  # what shares do without

        at = OptionMarket(source, calendar, chains)
        options = play_options(asked, loaded.sleeves, loaded.market, span, at)
        account = options.account
    else:
        heard = count_sessions(PLAYING, span.stop - span.first)
        account = play_account_by_columns(loaded.market, loaded.sleeves, asked.terms(), span, heard)
    seconds = {"load": prepared - began, "indicators": 0.0, "simulate": perf_counter() - prepared}
    return Backtested(
        asked=asked,
        strategy=next(one.strategy for one in loaded.sleeves if one.decides),
        market=loaded.market,
        notes=loaded.notes,
        history=None,
        span=span,
        played=account.total,
        held=together([*_held(asked, loaded.sleeves, loaded.market, account).values()]),
        seconds=seconds,
        left_out=loaded.left_out,
        sleeves=loaded.sleeves,
        account=account,
        options=options,
    )


def result_document(found: Backtested) -> dict[str, Any]:
    """Return the result as the contract of `mtum backtest --json` has it, with its sleeves and how they met."""
    whole = document(found)
    if found.account is None:
        name = found.asked.sleeve or found.strategy.name
        alone = PlayedSleeve(name, found.strategy.name, found.played, np.zeros(len(found.played.days)))
        nothing = PlayedAccount(found.played, {}, {}, {})
        own = {"strategy": alone.strategy, "symbols": [*found.symbols], **_summary(alone, nothing)}
        figures = {name: whole[name] for name in ("costs", "metrics", "benchmark")}
        return {**whole, "sleeves": {name: {**own, **figures}}, "coordination": coordination_document(nothing)}
    account = found.account
    held = _held(found.asked, found.sleeves, found.market, account)
    kinds, terms = {one.name: one for one in found.sleeves}, found.asked.terms()
    return {
        **whole,
        "sleeves": {
            name: {**_sleeve(one, kinds[name], held.get(name), account), "costs": costs_document(one.played, terms)}
            for name, one in account.sleeves.items()
        },
        "watched": {
            name: {**_sleeve(one, kinds[name], None, account), "costs": costs_document(one.played, terms)}
            for name, one in account.watched.items()
        },
        "coordination": coordination_document(account),
    }


def coordination_document(account: PlayedAccount) -> dict[str, Any]:
    """Return how the sleeves met: crosses, what limits cut, what was not made, and what cash moved."""
    names = ("session", "sleeve", "symbol", "reason")
    return {
        "crosses": [*_crosses(account)],
        "cuts": [{"session": day, **plain(cut)} for day, cut in account.cuts],  # type: ignore[dict-item]  # plain values are a dict
        "held_back": [dict(zip(names, one, strict=True)) for one in account.held_back],
        "transfers": [
            {"session": day, "sleeve": one.sleeve, "usd": round(one.usd, 2), "lacking_usd": round(one.lacking_usd, 2)}
            for day, moved in account.transfers
            for one in moved
            if one.usd or one.lacking_usd
        ],
    }


def weights_document(account: PlayedAccount) -> list[dict[str, Any]]:
    """Return by session what part of the equity each symbol was at the close; the rest is cash."""
    equity, days = account.total.equity, account.total.days.astype(object).tolist()
    found: list[dict[str, Any]] = []
    for at, day in enumerate(days):
        worth = {
            name: float(shares[at] * account.prices[name][at]) for name, shares in account.shares.items() if shares[at]
        }
        weights = {name: round(usd / float(equity[at]), 6) for name, usd in worth.items()}
        cash = round(1.0 - sum(worth.values()) / float(equity[at]), 6)
        found.append({"session": day, "weights": weights, "cash": cash})
    return found


def _held(
    asked: BacktestRequest, sleeves: Iterable[Sleeve], market: SessionHistory, account: PlayedAccount
) -> dict[str, BuyAndHoldCurves]:
    # Each sleeve's own benchmark; money that nothing is decided on stays cash.
    costs, found = asked.terms().rules.sizing.costs, {}
    first = int(np.searchsorted(market.days, account.total.days[0]))
    span = Span(first, first + len(account.total.days))
    for one in sleeves:
        if one.name in account.sleeves and one.name != FUND:
            weights = one.compared_with if one.decides and one.state is not SleeveState.CLOSE else {}
            known = {symbol: weight for symbol, weight in weights.items() if symbol in market.bars}
            capital = account.sleeves[one.name].played.capital_usd
            found[one.name] = buy_and_hold_weighted(market, span, known, capital, costs)
    return found


def _sleeve(one: PlayedSleeve, sleeve: Sleeve, held: BuyAndHoldCurves | None, account: PlayedAccount) -> dict[str, Any]:
    """Return what one sleeve made."""
    measured = _without_flows(one)
    return {
        "strategy": one.strategy,
        "state": sleeve.state.value,
        "weight": sleeve.weight,
        "symbols": [*sleeve.symbols],
        **_summary(one, account),
        "metrics": None if measured is None else metrics_document(measured),
        "benchmark": benchmark_document(held, one.played.capital_usd) if held is not None and held.shares else None,
    }


def _summary(one: PlayedSleeve, account: PlayedAccount) -> dict[str, Any]:
    # Money that came from other sleeves or went to them is neither gain nor loss.
    played, flows = one.played, float(one.flows.sum())
    profit = played.final_equity_usd - played.capital_usd - flows
    return {
        "capital_usd": round(played.capital_usd, 2),
        "flows_usd": round(flows, 2),
        "final_equity_usd": round(played.final_equity_usd, 6),
        "profit_usd": round(profit, 6),
        "contribution_frac": round(profit / account.total.capital_usd, 6) if account.total.capital_usd else None,
        "orders": len(played.orders),
        "trades": len(played.trades),
    }


def _without_flows(one: PlayedSleeve) -> Played | None:
    # Its curve as if no money had moved; None for a sleeve that never had any.
    played = one.played
    if not played.capital_usd:
        return None
    flows = np.array(one.flows)
    flows[0] += played.capital_usd
    grown = growth(Curve(tuple(played.days.astype(object).tolist()), played.equity, flows))
    return replace(played, equity=played.capital_usd * grown) if np.any(one.flows) else played


def _crosses(account: PlayedAccount) -> Iterator[dict[str, Any]]:
    # One row for each symbol of a session: who gave and who took how many shares.
    crossed = sorted((one for one in account.total.orders if one.crossed), key=_place)
    for (day, symbol), group in groupby(crossed, key=_place):
        both = [*group]
        sides = {
            name: {one.sleeve: one.crossed for one in both if one.side is side}
            for name, side in (("sellers", Side.SELL), ("buyers", Side.BUY))
        }
        yield {"session": day, "symbol": symbol, "shares": sum(sides["buyers"].values()), **sides}


def _place(order: PlayedOrder) -> tuple[object, str]:
    return order.session, order.symbol
