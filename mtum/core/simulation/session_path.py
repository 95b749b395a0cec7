"""The general path: any strategy, session by session, through the same `decide` as the daily job."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import numpy as np

from mtum.core.decide import decide, with_change_since
from mtum.core.indicators import column_of
from mtum.core.market.bars import Bars, Column
from mtum.core.market.coverage import Dividends
from mtum.core.market.instruments import instrument, unit_usd
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.decision import Book, Decision, PlannedOrder, Standing
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.portfolio.lots import holding_of, trades_of
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.history import settled_at
from mtum.core.simulation.played import BPS, FillModel, Played, PlayedTrade, PlayTerms
from mtum.core.strategies.contract import Holding, Memory, Strategy
from mtum.core.view import Asked, MarketView, calendar_around, values_before


@dataclass(slots=True)
class _Sleeve:
    # Everything that one played session leaves to the next.
    cash: Decimal
    holdings: dict[str, Holding] = field(default_factory=dict)
    fills: dict[str, list[Fill]] = field(default_factory=dict)  # of the round trips that are open
    dividends: dict[str, Decimal] = field(default_factory=dict)
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
            sleeve.dividends[symbol] = sleeve.dividends.get(symbol, Decimal(0)) + paid


def _fill_pending(history: SessionHistory, sleeve: _Sleeve, terms: PlayTerms, t: int, settles: int) -> None:
    for order, remember, decided in sleeve.pending:
        bars, buys = history.bars[order.symbol], order.side is Side.BUY
        sleeve.last_fill = bars.day(t)
        base = exact((bars.close if terms.fill is FillModel.SAME_CLOSE else bars.open)[t])
        slip = exact(terms.slippage_bps * BPS)
        price = base * (1 + slip if buys else 1 - slip)
        fee = terms.rules.sizing.costs.commission(order.shares, unit_usd(order.symbol, price))
        fills = sleeve.fills.setdefault(order.symbol, [])
        fills.append(_fill(order.symbol, order.side, bars.day(t), order.shares, price, fee))
        sleeve.cash += fills[-1].cash_usd - fee
        held = sleeve.holdings.get(order.symbol, Holding(order.symbol))
        if buys:
            since = held if held.shares else Holding(order.symbol, entry_session=decided, remembered=remember)
            now = holding_of(order.symbol, fills, {}, held.sessions_since_exit)
            now = replace(now, entry_session=since.entry_session, remembered=since.remembered)
        else:
            sleeve.unsettled.append((settles, fills[-1].cash_usd - fee))
            sleeve.sold_at[order.symbol] = t
            now = replace(held, shares=held.shares - order.shares, sessions_since_exit=0)
            if not now.shares:
                sleeve.trades.append(_trade(bars, sleeve.fills.pop(order.symbol), sleeve, order.reasons))
        sleeve.holdings[order.symbol] = now
    sleeve.pending = []


def _fill(symbol: str, side: Side, day: date, shares: int, price: Decimal, fee: Decimal) -> Fill:
    intent, at = f"{day}:{side}", datetime.combine(day, time(), UTC)
    return Fill(intent, intent, "", "", symbol, side, day, at, shares, price, fee, instrument(symbol).multiplier)


def _trade(bars: Bars, fills: Sequence[Fill], sleeve: _Sleeve, reasons: tuple[str, ...]) -> PlayedTrade:
    (trade,) = trades_of(fills)
    dividends = sleeve.dividends.pop(trade.symbol, Decimal(0))
    assert trade.pnl_usd is not None  # it is closed
    assert trade.commission_usd is not None  # every fee is known
    pnl = trade.pnl_usd + dividends
    entered = sum(fill.value_usd for fill in fills if fill.side is Side.BUY)
    ends = np.array([fills[0].session, fills[-1].session], dtype="datetime64[D]")
    first, last = np.searchsorted(bars.days, ends)
    return PlayedTrade(
        symbol=trade.symbol,
        entry_session=trade.entry_session,
        entry_price=round(float(trade.entry_price), 6),
        exit_session=trade.exit_session if reasons else None,
        exit_price=round(float(trade.exit_price), 6) if reasons and trade.exit_price is not None else None,
        shares=trade.shares,
        pnl_usd=round(float(pnl), 6),
        return_frac=round(float(pnl / entered), 10),
        costs_usd=round(float(trade.commission_usd), 2),
        dividends_usd=round(float(dividends), 2),
        sessions_held=int(last - first),
        reasons=reasons,
    )


def _value_open(history: SessionHistory, sleeve: _Sleeve, last: int) -> None:
    for symbol, fills in sleeve.fills.items():
        bars, shares = history.bars[symbol], sum(fill.signed_shares for fill in fills)
        sold = _fill(symbol, Side.SELL, bars.day(last), shares, exact(bars.close[last]), Decimal(0))
        sleeve.trades.append(_trade(bars, [*fills, sold], sleeve, ()))


def _equity(history: SessionHistory, sleeve: _Sleeve, t: int) -> float:
    units = {symbol: unit_usd(symbol, exact(history.bars[symbol].close[t])) for symbol in sleeve.holdings}
    return float(sleeve.cash + sum(holding.shares * units[symbol] for symbol, holding in sleeve.holdings.items()))
