"""The general path: any strategy, session by session, through the same `decide` as the daily job."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import numpy as np

from mtum.core.decide import decide, with_change_since
from mtum.core.indicators import column_of
from mtum.core.market.bars import Bars, Column
from mtum.core.market.coverage import Dividends
from mtum.core.market.instruments import instrument, unit_usd
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.decision import Book, Decision, PlannedOrder, Standing
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.history import settled_at
from mtum.core.simulation.played import BPS, FillModel, Played, PlayedTrade, PlayTerms
from mtum.core.strategies.contract import Holding, Memory, Strategy
from mtum.core.view import Asked, MarketView, calendar_around, values_before


@dataclass(slots=True)
class _Round:
    # One round trip in the making.
    bought_at: int
    shares: int = 0
    cost: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    dividends: Decimal = Decimal(0)
    taken: Decimal = Decimal(0)
    sold_shares: int = 0


@dataclass(slots=True)
class _Sleeve:
    # Everything that one played session leaves to the next.
    cash: Decimal
    holdings: dict[str, Holding] = field(default_factory=dict)
    rounds: dict[str, _Round] = field(default_factory=dict)
    sold_at: dict[str, int] = field(default_factory=dict)
    unsettled: deque[tuple[int, Decimal]] = field(default_factory=deque)
    pending: list[tuple[PlannedOrder, Mapping[str, float], date]] = field(default_factory=list)
    memory: Memory = field(default_factory=dict)
    standing: tuple[Standing, ...] = ()
    stopped: Mapping[str, str] = field(default_factory=dict)
    last_fill: date | None = None
    columns: dict[tuple[str, Asked], Column] = field(default_factory=dict)
    trades: list[PlayedTrade] = field(default_factory=list)
    equities: list[float] = field(default_factory=list)
    last_hit: int | None = None
    capped: int = 0
    restriction: Restriction = Restriction.NONE


@dataclass(frozen=True, slots=True)
class SessionHistory:
    """Bars per symbol on one common run of sessions, and extra series by session.

    `series` maps a name such as "VIX" to values by date; a missing date is a missing value. `calendar` is
    every session of the exchange from before the bars to after them, for strategies that ask for it.
    """

    bars: Mapping[str, Bars]
    series: Mapping[str, Mapping[date, float]]
    calendar: tuple[date, ...] = ()
    dividends: Mapping[str, Dividends] = field(default_factory=dict)


def play_sessions(history: SessionHistory, strategy: Strategy, terms: PlayTerms, first: int, stop: int) -> Played:
    """Play the sessions at positions ``first <= t < stop`` one by one.

    Raises
    ------
    ValueError
        If the symbols do not share their sessions, or the history is too short.
    """
    days = next(iter(history.bars.values())).days
    if any(not np.array_equal(bars.days, days) for bars in history.bars.values()):
        raise ValueError("all symbols of a history must have the same sessions")
    sleeve = _Sleeve(cash=exact(terms.capital_usd))
    # An indicator over days is worked out once; what else a strategy asks for, from its window.
    daily = [one for one in strategy.indicators() if one.by_day]
    sleeve.columns = {
        (symbol, one): column_of(bars, one.indicator, dict(one.parameters))
        for symbol, bars in history.bars.items()
        for one in daily
    }
    settled = settled_at(days, terms.settlement.value)
    held = np.zeros(stop - first)
    for t in range(first, stop):
        day: date = days[t].astype(object)
        _pay_dividends(history, sleeve, t)
        _fill_pending(history, sleeve, terms, t, int(settled[t]))
        _open_session(sleeve, t)
        decision = _decide(history, strategy, sleeve, terms, t)
        sleeve.memory, sleeve.standing, sleeve.stopped = decision.memory, decision.standing, decision.stopped
        remembered = {verdict.symbol: verdict.remember for verdict in decision.verdicts}
        sleeve.pending = [(order, remembered[order.symbol], day) for order in decision.orders]
        if terms.fill is FillModel.SAME_CLOSE:
            _fill_pending(history, sleeve, terms, t, int(settled[t]))
        sleeve.equities.append(_equity(history, sleeve, t))
        held[t - first] = float(any(holding.shares for holding in sleeve.holdings.values()))
    _value_open(history, sleeve, stop - 1)
    return Played(
        symbol="+".join(history.bars),
        days=days[first:stop],
        equity=np.array(sleeve.equities),
        held=held,
        trades=tuple(sorted(sleeve.trades, key=lambda trade: (trade.entry_session, trade.symbol))),
        capital_usd=float(terms.capital_usd),
        purchases_capped=sleeve.capped,
    )


def _decide(history: SessionHistory, strategy: Strategy, sleeve: _Sleeve, terms: PlayTerms, t: int) -> Decision:
    day = next(iter(history.bars.values())).day(t)
    needed = strategy.history_sessions()
    view = MarketView(
        session=day,
        bars={symbol: bars.until(day).tail(needed) for symbol, bars in history.bars.items()},
        series={name: history.series.get(name, {}).get(day) for name in strategy.series()},
        provisional={},
        columns={key: column[max(0, t + 1 - needed) : t + 1] for key, column in sleeve.columns.items()},
        calendar=calendar_around(history.calendar, day, needed) if strategy.CALENDAR else (),
        dividends=history.dividends,
        series_history={
            name: values_before(history.series.get(name, {}), day, strategy.SERIES_SESSIONS - 1)
            for name in strategy.series()
            if strategy.SERIES_SESSIONS > 1
        },
    )
    last_equity = sleeve.equities[-1] if sleeve.equities else float(terms.capital_usd)
    book = with_change_since(_book(sleeve, terms, t), view.prices, last_equity)
    decision = decide(view, strategy, book, terms.rules)
    if any(order.side is Side.BUY for order in decision.orders):
        free = replace(terms.rules, sizing=replace(terms.rules.sizing, max_position_usd=float("inf")))
        wanted = {order.symbol: order.shares for order in decide(view, strategy, book, free).orders}
        sleeve.capped += sum(order.shares < wanted.get(order.symbol, 0) for order in decision.orders)
    if decision.daily_loss_hit:
        sleeve.last_hit = t
    # A halt lasts until a person resumes; nobody does in a backtest.
    if decision.drawdown_hit or (decision.daily_loss_hit and terms.rules.losses.flatten_on_daily_loss):
        sleeve.restriction = Restriction.REDUCE_ONLY
    return decision


def _book(sleeve: _Sleeve, terms: PlayTerms, t: int) -> Book:
    equities = [float(terms.capital_usd), *sleeve.equities[-2:]][-2:]
    waiting = sum((amount for at, amount in sleeve.unsettled if at > t), Decimal(0))
    losses = LossState(
        last_change_usd=round(equities[-1] - equities[0], 6),
        paused=sleeve.last_hit is not None and t - sleeve.last_hit <= terms.loss_pause_sessions,
        peak_equity_usd=max(float(terms.capital_usd), *sleeve.equities, 0.0),
    )
    return Book(
        holdings=sleeve.holdings,
        cash_usd=float(sleeve.cash),
        available_usd=float(sleeve.cash - waiting),
        unsettled_usd=float(waiting),
        losses=losses,
        restriction=sleeve.restriction,
        last_fill=sleeve.last_fill,
        memory=sleeve.memory,
        standing=sleeve.standing,
        stopped=sleeve.stopped,
    )


def _open_session(sleeve: _Sleeve, t: int) -> None:
    for symbol, at in sleeve.sold_at.items():
        holding = sleeve.holdings.get(symbol, Holding(symbol))
        sleeve.holdings[symbol] = replace(holding, sessions_since_exit=t - at)


def _pay_dividends(history: SessionHistory, sleeve: _Sleeve, t: int) -> None:
    for symbol, holding in sleeve.holdings.items():
        per_share = history.bars[symbol].dividend[t]
        if holding.shares and per_share:
            paid = to_cent(holding.shares * exact(per_share))
            sleeve.cash += paid
            sleeve.rounds[symbol].dividends += paid


def _fill_pending(history: SessionHistory, sleeve: _Sleeve, terms: PlayTerms, t: int, settles: int) -> None:
    for order, remember, decided in sleeve.pending:
        bars = history.bars[order.symbol]
        sleeve.last_fill = bars.day(t)
        base = exact((bars.close if terms.fill is FillModel.SAME_CLOSE else bars.open)[t])
        slip = exact(terms.slippage_bps * BPS)
        if order.side is Side.BUY:
            _bought(sleeve, order, base * (1 + slip), terms, t, Holding(order.symbol, 0, None, decided, remember))
        else:
            proceeds = _sold(history, sleeve, order, base * (1 - slip), terms, t)
            sleeve.unsettled.append((settles, proceeds))
    sleeve.pending = []


def _bought(sleeve: _Sleeve, order: PlannedOrder, price: Decimal, terms: PlayTerms, t: int, fresh: Holding) -> None:
    unit = unit_usd(order.symbol, price)
    fee = terms.rules.sizing.costs.commission(order.shares, unit)
    sleeve.cash -= order.shares * unit + fee
    trade = sleeve.rounds.setdefault(order.symbol, _Round(bought_at=t))
    trade.shares += order.shares
    trade.cost += order.shares * unit
    trade.fees += fee
    held = sleeve.holdings.get(order.symbol, fresh)
    average = float(trade.cost / (trade.shares + trade.sold_shares) / instrument(order.symbol).multiplier)
    if held.shares:
        grown = replace(held, added=held.added + 1, added_price=float(price))
    else:
        grown = replace(fresh, sessions_since_exit=held.sessions_since_exit)
    sleeve.holdings[order.symbol] = replace(grown, shares=held.shares + order.shares, entry_price=average)


def _sold(
    history: SessionHistory, sleeve: _Sleeve, order: PlannedOrder, price: Decimal, terms: PlayTerms, t: int
) -> Decimal:
    unit = unit_usd(order.symbol, price)
    fee = terms.rules.sizing.costs.commission(order.shares, unit)
    proceeds = order.shares * unit - fee
    sleeve.cash += proceeds
    trade = sleeve.rounds[order.symbol]
    trade.shares -= order.shares
    trade.sold_shares += order.shares
    trade.taken += order.shares * unit
    trade.fees += fee
    sleeve.sold_at[order.symbol] = t
    sleeve.holdings[order.symbol] = replace(sleeve.holdings[order.symbol], shares=trade.shares, sessions_since_exit=0)
    if not trade.shares:
        sleeve.trades.append(_trade(history, order.symbol, sleeve.rounds.pop(order.symbol), t, order.reasons))
    return proceeds


def _trade(history: SessionHistory, symbol: str, done: _Round, t: int, reasons: tuple[str, ...]) -> PlayedTrade:
    bars = history.bars[symbol]
    shares = done.shares + done.sold_shares
    units = shares * instrument(symbol).multiplier
    pnl = done.taken + done.dividends - done.fees - done.cost
    return PlayedTrade(
        symbol=symbol,
        entry_session=bars.day(done.bought_at),
        entry_price=round(float(done.cost / units), 6),
        exit_session=bars.day(t) if reasons else None,
        exit_price=round(float(done.taken / units), 6) if reasons else None,
        shares=shares,
        pnl_usd=round(float(pnl), 6),
        return_frac=round(float(pnl / done.cost), 10),
        costs_usd=round(float(done.fees), 2),
        dividends_usd=round(float(done.dividends), 2),
        sessions_held=t - done.bought_at,
        reasons=reasons,
    )


def _value_open(history: SessionHistory, sleeve: _Sleeve, last: int) -> None:
    for symbol, open_ in sleeve.rounds.items():
        close = exact(history.bars[symbol].close[last])
        valued = replace(open_, taken=open_.taken + open_.shares * unit_usd(symbol, close))
        sleeve.trades.append(_trade(history, symbol, valued, last, ()))


def _equity(history: SessionHistory, sleeve: _Sleeve, t: int) -> float:
    units = {symbol: unit_usd(symbol, exact(history.bars[symbol].close[t])) for symbol in sleeve.holdings}
    return float(sleeve.cash + sum(holding.shares * units[symbol] for symbol, holding in sleeve.holdings.items()))
