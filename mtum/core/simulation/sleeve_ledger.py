"""The books of one sleeve while history is played: cash, shares, round trips, equity."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mtum.core.decide import EXIT_CARRIED
from mtum.core.market.instruments import instrument, unit_usd
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.decision import Decision, PlannedOrder, Standing
from mtum.core.portfolio.equity_points import Closes
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.lots import holding_of, trades_of
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Purpose, Side
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.simulation.ended import BARS_ENDED, ended_note
from mtum.core.simulation.fill_costs import FillCosts
from mtum.core.simulation.played import FillModel, Played, PlayedOrder, PlayedSleeve, PlayedTrade, PlayTerms
from mtum.core.simulation.session_views import SessionHistory, SessionViews, looked_at
from mtum.core.strategies.contract import Holding, Memory, Strategy
from mtum.core.strategies.several import without

ZERO = Decimal(0)


class Waiting(Struct, frozen=True):
    """An order between its decision and its fill.

    Parameters
    ----------
    remember : mapping of str to float
        What the strategy keeps with an entry.
    crossed : int
        Shares of it that change hands inside the account.
    lapsed : int
        Shares of it that the closing auction does not fill.
    """

    order: PlannedOrder
    remember: Mapping[str, float]
    decided: date
    crossed: int = 0
    lapsed: int = 0

    @property
    def shares(self) -> int:
        """Shares that are traded."""
        return self.order.shares - self.lapsed


class Purchases(Struct):
    """What was bought of a symbol since it was flat: what `holding_of` makes of the fills, at the same cost each time.

    Parameters
    ----------
    count : int
        Sessions with a purchase; `newest` is the last of them.
    """

    units: int = 0
    paid: Decimal = ZERO
    count: int = 0
    newest: date = date.min
    newest_units: int = 0
    newest_paid: Decimal = ZERO

    def add(self, fill: Fill) -> None:
        """Count a purchase; several in one session are one."""
        if fill.session != self.newest:
            self.newest, self.newest_units, self.newest_paid, self.count = fill.session, 0, ZERO, self.count + 1
        paid = fill.price * fill.shares
        self.units, self.paid = self.units + fill.shares, self.paid + paid
        self.newest_units, self.newest_paid = self.newest_units + fill.shares, self.newest_paid + paid

    @property
    def average(self) -> float:
        """Average price of all of them, USD."""
        return float(self.paid / self.units)

    @property
    def newest_average(self) -> float:
        """Average price of the newest, USD."""
        return float(self.newest_paid / self.newest_units)


@dataclass(slots=True)
class SleeveLedger:
    """Everything that one played session of a sleeve leaves to the next.

    Parameters
    ----------
    settled : ndarray, shape (n_sessions,)
        Position of the session from which on the proceeds of a sale can be spent.
    strategy : Strategy
        As it is now: symbols whose bars have ended are off its list.
    due : Decimal
        Dividends that go ex in this session: part of the equity, and cash from the close on.
    moved : Decimal
        What came from other sleeves in this session.
    options_usd, reserved_usd, waiting_usd : Decimal
        What its options are worth, the cash that they and today's orders pin, and what of the cash fund they wait for.
    """

    sleeve: Sleeve
    history: SessionHistory
    terms: PlayTerms
    settled: NDArray[np.int64]
    costs: FillCosts
    cash: Decimal
    strategy: Strategy = field(init=False)
    views: SessionViews | None = None
    capital_usd: float = 0.0
    holdings: dict[str, Holding] = field(default_factory=dict)
    fills: dict[str, list[Fill]] = field(default_factory=dict)  # of the round trips that are open
    bought: dict[str, "Purchases"] = field(default_factory=dict)  # of the same
    dividends: dict[str, Decimal] = field(default_factory=dict)  # of the same
    sold_at: dict[str, int] = field(default_factory=dict)
    unsettled: deque[tuple[int, Decimal]] = field(default_factory=deque)
    waiting: list[Waiting] = field(default_factory=list)
    memory: Memory = field(default_factory=dict)
    standing: tuple[Standing, ...] = ()
    stopped: Mapping[str, str] = field(default_factory=dict)
    exit_pending: dict[str, str] = field(default_factory=dict)  # reason of an exit that left shares behind
    last_fill: date | None = None
    ends: tuple[str, ...] = ()  # symbols whose bars end before the others', until they have
    due: Decimal = ZERO
    moved: Decimal = ZERO
    options_usd: Decimal = ZERO
    reserved_usd: Decimal = ZERO
    waiting_usd: Decimal = ZERO
    opened: date | None = None  # session of the last opening in options
    closes: Closes = field(default_factory=Closes)
    last_hit: int | None = None
    restriction: Restriction = Restriction.NONE
    capped: int = 0
    orders: list[PlayedOrder] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trades: list[PlayedTrade] = field(default_factory=list)
    equities: list[Decimal] = field(default_factory=list)
    flows: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.strategy = self.sleeve.strategy
        if self.sleeve.decides:
            self.views = SessionViews(self.history, self.strategy)
            last = len(self.history.days) - 1
            self.ends = tuple(one for one in looked_at(self.strategy) if self.history.ended(one, last))

    @property
    def name(self) -> str:
        """Name of the sleeve."""
        return self.sleeve.name

    def begin(self, holdings: Mapping[str, int], first: int) -> None:
        """Take over shares that are there at the start.

        Raises
        ------
        ValueError
            If one of them has no close before the first session.
        """
        worth = ZERO
        for symbol, shares in holdings.items():
            close = self.history.close(symbol, first - 1) if first else None
            if close is None:
                day = self.history.day(first)
                raise ValueError(f"{symbol}: no close before {day}, at which its shares could be there")
            bought = _fill(symbol, Side.BUY, self.history.day(first - 1), shares, exact(close), ZERO)
            self.fills[symbol] = [bought]
            self.bought[symbol] = Purchases()
            self.bought[symbol].add(bought)
            self.holdings[symbol] = holding_of(symbol, [bought], {}, None)
            worth += bought.value_usd
        self.capital_usd = float(self.cash) + float(worth)
        if self.sleeve.owns_money and self.capital_usd:  # the first session's return counts from it
            self.closes.add(self.capital_usd)

    def open_session(self, t: int) -> None:
        """Begin a session: dividends of shares held before it, symbols whose bars have ended, orders at the open."""
        self.due, self.moved = ZERO, ZERO
        for symbol, holding in self.holdings.items():
            row = self.history.bar_row(symbol, t) if holding.shares else None
            per_share = 0.0 if row is None else float(self.history.bars[symbol].dividend[row])
            if per_share:
                paid = to_cent(holding.shares * exact(per_share))
                self.due += paid
                self.dividends[symbol] = self.dividends.get(symbol, ZERO) + paid
        for symbol in [one for one in self.ends if self.history.ended(one, t)]:
            self._end(symbol, t)
        self.fill_waiting(t)
        while self.unsettled and self.unsettled[0][0] <= t:
            self.unsettled.popleft()

    def pending(self) -> Decimal:
        """Return the proceeds of sales that have not settled, USD."""
        return sum((usd for _, usd in self.unsettled), ZERO)

    def remember(self, decision: Decision, standing: tuple[Standing, ...]) -> None:
        """Keep what a decision leaves to the next one."""
        self.memory, self.standing, self.stopped = decision.memory, standing, decision.stopped

    def worth(self, t: int) -> Decimal:
        """Return cash, dividends of the session, options and shares at its closes, USD."""
        found = self.cash + self.due
        if self.options_usd:
            found += self.options_usd
        for symbol, holding in self.holdings.items():
            if holding.shares:
                found += holding.shares * unit_usd(symbol, self._close(symbol, t))
        return found

    def pay_due(self) -> None:
        """Put the dividends of the session into the cash."""
        self.cash += self.due
        self.due = ZERO

    def close_session(self, t: int) -> None:
        """Value the sleeve at the closes of a session."""
        equity, flow = self.worth(t), float(self.moved)
        self.equities.append(equity)
        self.flows.append(flow)
        self.held.append(any(holding.shares for holding in self.holdings.values()) or bool(self.options_usd))
        if self.sleeve.owns_money or self.orders:  # virtual money is measured from its first order on
            self.closes.add(float(equity), flow)

    def fill_waiting(self, t: int) -> None:
        """Fill the orders that wait; where a symbol has no bar nothing trades, and they lapse."""
        for one in self.waiting:
            bars, row = self.history.bars[one.order.symbol], self.history.bar_row(one.order.symbol, t)
            if row is not None:
                same_close = self.terms.fill is FillModel.SAME_CLOSE
                self._trade(one, t, exact((bars.close if same_close else bars.open)[row]))
        self.waiting = []

    def played(self, first: int, stop: int) -> PlayedSleeve:
        """Return what was played; open positions are valued at the last close."""
        for symbol, fills in self.fills.items():
            shares, last = sum(fill.signed_shares for fill in fills), self.history.day(stop - 1)
            sold = _fill(symbol, Side.SELL, last, shares, self._close(symbol, stop - 1), ZERO)
            self.trades.append(_round_trip(self, [*fills, sold], ()))
        played = Played(
            symbol="+".join(self.sleeve.symbols),
            days=self.history.days[first:stop],
            equity=np.array(self.equities, dtype=np.float64),
            held=np.array(self.held, dtype=np.float64),
            trades=tuple(sorted(self.trades, key=lambda trade: (trade.entry_session, trade.symbol))),
            capital_usd=self.capital_usd,
            purchases_capped=self.capped,
            orders=tuple(self.orders),
            notes=tuple(self.notes),
            costs=self.costs.taken(self.name),
        )
        return PlayedSleeve(self.name, self.sleeve.strategy.name, played, np.array(self.flows, dtype=np.float64))

    def _end(self, symbol: str, t: int) -> None:
        # The bars of a symbol have ended: what is held is sold at its last close, at no other price.
        self.ends = tuple(one for one in self.ends if one != symbol)
        self.waiting = [one for one in self.waiting if one.order.symbol != symbol]
        shares, bars = self.holdings.get(symbol, Holding(symbol)).shares, self.history.bars[symbol]
        if shares:
            order = PlannedOrder(symbol, Side.SELL, Purpose.EXIT, shares, (BARS_ENDED,))
            self._trade(Waiting(order, {}, self.history.day(t)), t, exact(float(bars.close[-1])), slips=False)
        rest = without(self.strategy, symbol)
        if rest is not None:
            self.strategy = rest
            self.views = SessionViews(self.history, rest)
        self.notes.append(ended_note(bars, self.history.day(t), shares, off_list=rest is not None))

    def _trade(self, one: Waiting, t: int, base: Decimal, *, slips: bool = True) -> None:
        """Book an order: what crossed at the price of the session, free of costs, the rest at its own."""
        order, day = one.order, self.history.day(t)
        sent, symbol, side = one.shares - one.crossed, order.symbol, order.side
        if one.lapsed and order.purpose is Purpose.EXIT:
            self.exit_pending[symbol] = order.reasons[1 if order.reasons[0] == EXIT_CARRIED else 0]
        if not one.shares:
            return
        self.last_fill = day
        inside, fee = Decimal(str(round(float(base), 6))), ZERO
        made = [_fill(symbol, side, day, one.crossed, inside, ZERO)] if one.crossed else []
        if sent:
            priced = self.costs.fill((symbol, side, sent), base, t, self.name, slips=slips)
            fee = priced.commission_usd
            made.append(_fill(symbol, side, day, sent, priced.price, fee))
        self.fills.setdefault(symbol, []).extend(made)
        paid = sum((fill.price * fill.shares for fill in made), ZERO) / one.shares
        told = round(float(paid), 6), order.reasons, self.name, one.crossed
        self.orders.append(PlayedOrder(day, symbol, side, one.shares, *told))
        self.cash += sum((fill.cash_usd for fill in made), ZERO) - fee
        self._hold(one, t, made, made[-1].cash_usd - fee if sent else ZERO)

    def _hold(self, one: Waiting, t: int, made: Sequence[Fill], proceeds: Decimal) -> None:
        order, symbol = one.order, one.order.symbol
        held = self.holdings.get(symbol, Holding(symbol))
        if order.side is Side.BUY:
            since = held if held.shares else Holding(symbol, entry_session=one.decided, remembered=one.remember)
            if not held.shares:
                self.bought[symbol] = Purchases()
            bought = self.bought.setdefault(symbol, Purchases())
            for fill in made:
                bought.add(fill)
            now = replace(
                since,
                shares=held.shares + one.shares,
                entry_price=bought.average,
                sessions_since_exit=held.sessions_since_exit,
                added=bought.count - 1,
                added_price=bought.newest_average if bought.count > 1 else None,
            )
        else:
            if proceeds:
                self.unsettled.append((int(self.settled[t]), proceeds))
            self.sold_at[symbol] = t
            left = held.shares - one.shares
            now = replace(held, shares=left, sessions_since_exit=0) if left else _flat(symbol, 0)
            if not left:
                self.exit_pending.pop(symbol, None)
                self.trades.append(_round_trip(self, self.fills.pop(symbol), order.reasons))
        self.holdings[symbol] = now

    def deliver(self, symbol: str, shares: int, price: Decimal, t: int, reason: str) -> None:
        """Book shares that an option brought or took (below 0) at its strike; the cash is in the option books.

        Parameters
        ----------
        symbol : str
            Ticker of the underlying.
        shares : int
            Shares brought, below 0 for those taken.
        price : Decimal
            Price, USD per share.
        t : int
            Position of the session.
        reason : str
            Why, as a reason word.
        """
        day, side = self.history.day(t), Side.BUY if shares > 0 else Side.SELL
        purpose = Purpose.INCREASE if side is Side.BUY else Purpose.REDUCE
        order = PlannedOrder(symbol, side, purpose, abs(shares), (reason,))
        made = [_fill(symbol, side, day, abs(shares), price, ZERO)]
        self.fills.setdefault(symbol, []).extend(made)
        told = round(float(price), 6), order.reasons, self.name
        self.orders.append(PlayedOrder(day, symbol, side, order.shares, *told))
        self._hold(Waiting(order, {}, day), t, made, ZERO)

    def _close(self, symbol: str, t: int) -> Decimal:
        close = self.history.close(symbol, t)
        assert close is not None  # it has been bought
        return exact(close)


def count_since_exits(own: SleeveLedger, t: int) -> None:
    """Let every holding know how many sessions ago of its shares were sold, before a strategy is asked."""
    for symbol, at in own.sold_at.items():
        held, ago = own.holdings[symbol], t - at
        own.holdings[symbol] = replace(held, sessions_since_exit=ago) if held.shares else _flat(symbol, ago)


def _round_trip(own: SleeveLedger, fills: Sequence[Fill], reasons: tuple[str, ...]) -> PlayedTrade:
    (trade,) = trades_of(fills)
    dividends = own.dividends.pop(trade.symbol, ZERO)
    assert trade.pnl_usd is not None  # it is closed
    assert trade.commission_usd is not None  # every fee is known
    pnl = trade.pnl_usd + dividends
    entered = sum(fill.value_usd for fill in fills if fill.side is Side.BUY)
    ends = np.array([fills[0].session, fills[-1].session], dtype="datetime64[D]")
    first, last = np.searchsorted(own.history.days, ends)
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
        sleeve=own.name,
    )


def _fill(symbol: str, side: Side, day: date, shares: int, price: Decimal, fee: Decimal) -> Fill:
    # What crossed and what was sent of an order are one purchase.
    intent, at = f"{day}:{side}", datetime.combine(day, time(), UTC)
    return Fill(intent, intent, "", "", symbol, side, day, at, shares, price, fee, instrument(symbol).multiplier)


def _flat(symbol: str, sessions_since_exit: int) -> Holding:
    # What was held is forgotten with the last share of it, as `holding_of` forgets it.
    return Holding(symbol, sessions_since_exit=sessions_since_exit)
