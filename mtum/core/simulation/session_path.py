"""The general path: any strategy, session by session, through the same `decide` as the daily job."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import numpy as np

from mtum.core.decide import decide, with_change_since
from mtum.core.market.instruments import instrument, unit_usd
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.decision import Book, Decision, PlannedOrder, Standing
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.portfolio.lots import holding_of, trades_of
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Purpose, Side
from mtum.core.simulation.fill_costs import FillCosts
from mtum.core.simulation.history import settled_at
from mtum.core.simulation.played import FillModel, Played, PlayedOrder, PlayedTrade, PlayTerms
from mtum.core.simulation.session_views import SessionHistory, SessionViews, looked_at
from mtum.core.strategies.contract import Holding, Memory, Strategy
from mtum.core.strategies.several import without
from mtum.core.view import MarketView

BARS_ENDED = "bars_ended"
"""Reason word: the source has no bars of the symbol any more, and what was held of it is sold at its last close."""


@dataclass(slots=True)
class _Sleeve:
    # Everything that one played session leaves to the next.
    cash: Decimal
    costs: FillCosts
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
    gone: set[str] = field(default_factory=set)  # symbols whose bars have ended
    orders: list[PlayedOrder] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trades: list[PlayedTrade] = field(default_factory=list)
    equities: list[float] = field(default_factory=list)
    last_hit: int | None = None
    capped: int = 0
    restriction: Restriction = Restriction.NONE


def _unheard(_: Decision) -> None:
    pass


def play_sessions(
    history: SessionHistory,
    strategy: Strategy,
    terms: PlayTerms,
    first: int,
    stop: int,
    told: Callable[[Decision], None] = _unheard,
) -> Played:
    """Play the sessions at positions ``first <= t < stop`` one by one.

    A symbol whose bars end before the others' is sold at its last close in the session after it, and is off the
    strategy's list from then on; where the strategy cannot do without it, it stays there without bars.

    Parameters
    ----------
    first, stop : int
        Positions among the sessions of the history.
    told : callable
        Given each decision as it is made.

    Raises
    ------
    ValueError
        If a symbol held at the start has no close before the first session.
    """
    views, sleeve = SessionViews(history, strategy), _Sleeve(exact(terms.capital_usd), FillCosts(history, terms))
    capital = float(terms.capital_usd) + _begin_with(history, sleeve, terms.holdings, first)
    settled = settled_at(history.days, terms.settlement.value)
    held = np.zeros(stop - first)
    for t in range(first, stop):
        day = history.day(t)
        _pay_dividends(history, sleeve, t)
        for symbol in [one for one in looked_at(strategy) if one not in sleeve.gone and history.ended(one, t)]:
            rest = without(strategy, symbol)
            _end(history, sleeve, terms, (symbol, t, int(settled[t])), listed=rest is None)
            strategy, views = (strategy, views) if rest is None else (rest, SessionViews(history, rest))
        _fill_pending(history, sleeve, terms, t, int(settled[t]))
        _open_session(sleeve, t)
        decision = _decide(views.at(t), strategy, sleeve, terms, (t, capital))
        told(decision)
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
        days=history.days[first:stop],
        equity=np.array(sleeve.equities),
        held=held,
        trades=tuple(sorted(sleeve.trades, key=lambda trade: (trade.entry_session, trade.symbol))),
        capital_usd=capital,
        purchases_capped=sleeve.capped,
        orders=tuple(sleeve.orders),
        notes=(*sleeve.notes, *sleeve.costs.notes()),
        costs=sleeve.costs.taken(),
    )


def _begin_with(history: SessionHistory, sleeve: _Sleeve, holdings: Mapping[str, int], first: int) -> float:
    # What the shares are worth that are there at the start, in USD.
    worth = Decimal(0)
    for symbol, shares in holdings.items():
        close = history.close(symbol, first - 1) if first else None
        if close is None:
            raise ValueError(f"{symbol}: no close before {history.day(first)}, at which its shares could be there")
        bought = _fill(symbol, Side.BUY, history.day(first - 1), shares, exact(close), Decimal(0))
        sleeve.fills[symbol] = [bought]
        sleeve.holdings[symbol] = holding_of(symbol, [bought], {}, None)
        worth += bought.value_usd
    return float(worth)


def _end(
    history: SessionHistory, sleeve: _Sleeve, terms: PlayTerms, when: tuple[str, int, int], *, listed: bool
) -> None:
    # The bars of a symbol have ended: what is held is sold at its last close, at no other price.
    symbol, t, settles = when
    sleeve.gone.add(symbol)
    sleeve.pending = [waiting for waiting in sleeve.pending if waiting[0].symbol != symbol]
    shares = sleeve.holdings.get(symbol, Holding(symbol)).shares
    last = history.bars[symbol].last_day
    if shares:
        order = PlannedOrder(symbol, Side.SELL, Purpose.EXIT, shares, (BARS_ENDED,))
        price = exact(float(history.bars[symbol].close[-1]))
        _fill_order(history, sleeve, (order, {}, history.day(t)), (t, price, settles), slips=False)
    sold = f"its {shares:,} shares were sold at that close on {history.day(t)}" if shares else "no share was held"
    rest = "the strategy cannot do without it and abstains there" if listed else "it was off the list from then on"
    sleeve.notes.append(f"{symbol}: its bars end on {last}; {sold}, and {rest}")


def _decide(
    view: MarketView, strategy: Strategy, sleeve: _Sleeve, terms: PlayTerms, when: tuple[int, float]
) -> Decision:
    t, capital = when
    last_equity = sleeve.equities[-1] if sleeve.equities else capital
    book = with_change_since(_book(sleeve, terms, t, capital), view.prices, last_equity)
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


def _book(sleeve: _Sleeve, terms: PlayTerms, t: int, capital: float) -> Book:
    equities = [capital, *sleeve.equities[-2:]][-2:]
    waiting = sum((amount for at, amount in sleeve.unsettled if at > t), Decimal(0))
    losses = LossState(
        last_change_usd=round(equities[-1] - equities[0], 6),
        paused=sleeve.last_hit is not None and t - sleeve.last_hit <= terms.loss_pause_sessions,
        peak_equity_usd=max(capital, *sleeve.equities, 0.0),
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
        row = history.bar_row(symbol, t) if holding.shares else None
        per_share = 0.0 if row is None else float(history.bars[symbol].dividend[row])
        if per_share:
            paid = to_cent(holding.shares * exact(per_share))
            sleeve.cash += paid
            sleeve.dividends[symbol] = sleeve.dividends.get(symbol, Decimal(0)) + paid


def _fill_pending(history: SessionHistory, sleeve: _Sleeve, terms: PlayTerms, t: int, settles: int) -> None:
    for waiting in sleeve.pending:
        order, _, _ = waiting
        bars, row = history.bars[order.symbol], history.bar_row(order.symbol, t)
        if row is None:
            continue  # nothing trades in a session without a bar: the order has lapsed
        base = exact((bars.close if terms.fill is FillModel.SAME_CLOSE else bars.open)[row])
        _fill_order(history, sleeve, waiting, (t, base, settles))
    sleeve.pending = []


def _fill_order(
    history: SessionHistory,
    sleeve: _Sleeve,
    waiting: tuple[PlannedOrder, Mapping[str, float], date],
    at: tuple[int, Decimal, int],
    *,
    slips: bool = True,
) -> None:
    (order, remember, decided), (t, base, settles) = waiting, at
    day = sleeve.last_fill = history.day(t)
    priced = sleeve.costs.fill((order.symbol, order.side, order.shares), base, t, slips=slips)
    price, fee = priced.price, priced.commission_usd
    fills = sleeve.fills.setdefault(order.symbol, [])
    fills.append(_fill(order.symbol, order.side, day, order.shares, price, fee))
    sleeve.orders.append(
        PlayedOrder(day, order.symbol, order.side, order.shares, round(float(price), 6), order.reasons)
    )
    sleeve.cash += fills[-1].cash_usd - fee
    held = sleeve.holdings.get(order.symbol, Holding(order.symbol))
    if order.side is Side.BUY:
        since = held if held.shares else Holding(order.symbol, entry_session=decided, remembered=remember)
        now = holding_of(order.symbol, fills, {}, held.sessions_since_exit)
        now = replace(now, entry_session=since.entry_session, remembered=since.remembered)
    else:
        sleeve.unsettled.append((settles, fills[-1].cash_usd - fee))
        sleeve.sold_at[order.symbol] = t
        now = replace(held, shares=held.shares - order.shares, sessions_since_exit=0)
        if not now.shares:
            sleeve.trades.append(_trade(history, sleeve.fills.pop(order.symbol), sleeve, order.reasons))
    sleeve.holdings[order.symbol] = now


def _fill(symbol: str, side: Side, day: date, shares: int, price: Decimal, fee: Decimal) -> Fill:
    intent, at = f"{day}:{side}", datetime.combine(day, time(), UTC)
    return Fill(intent, intent, "", "", symbol, side, day, at, shares, price, fee, instrument(symbol).multiplier)


def _trade(history: SessionHistory, fills: Sequence[Fill], sleeve: _Sleeve, reasons: tuple[str, ...]) -> PlayedTrade:
    (trade,) = trades_of(fills)
    dividends = sleeve.dividends.pop(trade.symbol, Decimal(0))
    assert trade.pnl_usd is not None  # it is closed
    assert trade.commission_usd is not None  # every fee is known
    pnl = trade.pnl_usd + dividends
    entered = sum(fill.value_usd for fill in fills if fill.side is Side.BUY)
    ends = np.array([fills[0].session, fills[-1].session], dtype="datetime64[D]")
    first, last = np.searchsorted(history.days, ends)
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
        shares = sum(fill.signed_shares for fill in fills)
        sold = _fill(symbol, Side.SELL, history.day(last), shares, _close(history, symbol, last), Decimal(0))
        sleeve.trades.append(_trade(history, [*fills, sold], sleeve, ()))


def _equity(history: SessionHistory, sleeve: _Sleeve, t: int) -> float:
    held = [(symbol, holding.shares) for symbol, holding in sleeve.holdings.items() if holding.shares]
    return float(sleeve.cash + sum(shares * unit_usd(symbol, _close(history, symbol, t)) for symbol, shares in held))


def _close(history: SessionHistory, symbol: str, t: int) -> Decimal:
    close = history.close(symbol, t)
    assert close is not None  # it has been bought
    return exact(close)
