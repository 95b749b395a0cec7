"""One sleeve played session by session in plain Python, filled at the close it decides on.

Nothing of the product is used here, so that its sizing, filter and standing purchases are held against these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from math import floor
from typing import Any, Protocol

from support.values import replace

COST, BUFFER = 0.001, 0.005
"""Commission and part kept back, as fractions of a trade."""
STANDS = 5
"""Sessions that a purchase stands which was wanted and not made."""


@dataclass(frozen=True)
class Bar:
    """One session of one symbol; the dividend in USD per share."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    dividend: float


@dataclass
class Market:
    """Bars of every symbol on the same sessions; the calendar begins before them and goes beyond."""

    bars: dict[str, list[Bar]]
    calendar: list[date]


@dataclass
class Seen:
    """What a strategy knows of its own shares in a symbol; shares bought and USD spent on them since flat."""

    shares: int = 0
    entry_session: date | None = None
    entry_price: float | None = None
    last_price: float | None = None
    purchases: int = 0
    bought: int = 0
    spent: float = 0.0
    remembered: dict[str, float] = field(default_factory=dict)


@dataclass
class State:
    """What a strategy knows of its sleeve."""

    cash: float
    equity: float
    held: dict[str, Seen]
    last_fill: date | None
    memory: dict[str, Any]

    def of(self, symbol: str) -> Seen:
        """Its shares in a symbol, flat if it has none."""
        return self.held.get(symbol, Seen())


@dataclass
class Wish:
    """A verdict: kind is "target" (part of the equity), "shares", "keep" or "abstain"; several reasons stand as a+b."""

    symbol: str
    kind: str
    amount: float = 0.0
    reason: str = ""
    remember: dict[str, float] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """One order, filled at that session's close."""

    session: date
    symbol: str
    side: str
    shares: int
    reasons: tuple[str, ...]


class Rules(Protocol):
    """What a module of this folder has."""

    CARRIES: bool

    def wishes(self, market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
        """The verdicts of the session at position t."""
        ...


def least_trade_usd(rules: object, params: Mapping[str, Any], equity: float) -> float:
    """Smallest change worth an order, entries and full exits apart; a module may have its own."""
    own = getattr(rules, "least_usd", None)
    if own is not None:
        return float(own(params, equity))
    return max(float(params["min_trade_usd"]), float(params["min_trade_frac"]) * equity)


@dataclass
class Account:
    """The sleeve while it is played."""

    cash: Decimal
    held: dict[str, Seen] = field(default_factory=dict)
    last_fill: date | None = None
    memory: dict[str, Any] = field(default_factory=dict)
    standing: dict[str, tuple[int, int, str]] = field(default_factory=dict)  # symbol: shares to hold, since, reason
    orders: list[Order] = field(default_factory=list)


def play(
    market: Market,
    rules: Rules,
    params: Mapping[str, Any],
    first: int,
    capital: float,
    holdings: Mapping[str, int] | None = None,
) -> list[Order]:
    """Play from position `first` to the end; shares held at the start were bought at the close before it."""
    account, count = Account(Decimal(str(capital))), len(next(iter(market.bars.values())))
    for symbol, shares in (holdings or {}).items():
        before = market.bars[symbol][first - 1]
        account.held[symbol] = Seen(shares, before.day, before.close, before.close, 1, shares, shares * before.close)
    for t in range(first, count):
        # Worth its money from the ex-date on; the broker pays it later, so that it is spent in a later session.
        due = Decimal(0)
        for symbol, seen in account.held.items():
            paid = Decimal(str(market.bars[symbol][t].dividend)) * seen.shares
            due += paid.quantize(Decimal("0.01"), ROUND_HALF_UP)
        _session(market, rules, params, account, (t, due))
        account.cash += due
    return account.orders


def _session(
    market: Market, rules: Rules, params: Mapping[str, Any], account: Account, now: tuple[int, Decimal]
) -> None:
    t, due = now
    price = {symbol: bars[t].close for symbol, bars in market.bars.items()}
    equity = float(account.cash + due) + sum(seen.shares * price[symbol] for symbol, seen in account.held.items())
    state = State(float(account.cash), equity, dict(account.held), account.last_fill, dict(account.memory))
    found = rules.wishes(market, t, state, params)
    for wish in found:
        account.memory.update(wish.memory)
    account.memory = {name: value for name, value in account.memory.items() if value is not None}
    wishes = _carried(account, _scaled(found), t) if rules.CARRIES else _scaled(found)
    least = least_trade_usd(rules, params, equity)
    wanted = {wish.symbol: _wanted(wish, state.of(wish.symbol).shares, equity, price[wish.symbol]) for wish in wishes}
    orders: list[tuple[Wish, int]] = []
    for wish in wishes:
        held, goal = state.of(wish.symbol).shares, wanted[wish.symbol]
        if goal is not None and goal < held and (goal == 0 or (held - goal) * price[wish.symbol] >= least):
            orders.append((wish, goal - held))
    cash, missing = float(account.cash), {}
    for wish in wishes:
        held, goal, each = state.of(wish.symbol).shares, wanted[wish.symbol], price[wish.symbol]
        if goal is None or goal <= held or (held and (goal - held) * each < least):
            continue
        missing[wish.symbol] = goal
        shares = min(goal - held, floor(max(0.0, cash) / (each * (1.0 + COST + BUFFER))))
        if shares < 1 or (shares * each < least and shares < goal - held):
            continue
        cash -= shares * each * (1.0 + COST + BUFFER)
        orders.append((wish, shares))
    if rules.CARRIES:
        # What stands goes on standing from its own session; what is wanted anew stands from now.
        stands = {wish.symbol: account.standing[wish.symbol] for wish in wishes if wish.reason.startswith("purchase_")}
        new = {wish.symbol: (missing[wish.symbol], t, wish.reason) for wish in wishes if wish.symbol in missing}
        account.standing = {**new, **stands}
    # Exits, reductions, entries, increases; as wanted among each.
    for wish, change in sorted(orders, key=lambda one: _work(state.of(one[0].symbol).shares, one[1])):
        _fill(account, wish, change, market.bars[wish.symbol][t])


def _work(held: int, change: int) -> int:
    if change < 0:
        return int(held + change > 0)
    return 2 + int(held > 0)


def _scaled(wishes: Sequence[Wish]) -> list[Wish]:
    total = sum(wish.amount for wish in wishes if wish.kind == "target")
    if total <= 1 + 1e-9:
        return list(wishes)
    return [
        Wish(one.symbol, one.kind, round(one.amount / total, 9), one.reason, one.remember)
        if one.kind == "target"
        else one
        for one in wishes
    ]


def _carried(account: Account, wishes: Sequence[Wish], t: int) -> list[Wish]:
    found = []
    for wish in wishes:
        shares, since, reason = account.standing.get(wish.symbol, (0, 0, ""))
        if wish.kind not in ("keep", "abstain") or account.held.get(wish.symbol, Seen()).shares >= shares:
            found.append(wish)
        elif t - since <= STANDS:
            found.append(Wish(wish.symbol, "shares", shares, f"purchase_carried+{reason.split('+')[0]}"))
        else:
            found.append(wish)
    return found


def _wanted(wish: Wish, held: int, equity: float, price: float) -> int | None:
    if wish.kind == "target" and wish.amount > 0:
        bought = floor(wish.amount * equity / (price * (1.0 + COST + BUFFER)))
        return max(bought, min(held, floor(wish.amount * equity / price)))
    if wish.kind == "shares" and wish.amount > held:
        return max(held, min(int(wish.amount), floor(equity / (price * (1.0 + COST + BUFFER)))))
    return int(wish.amount) if wish.kind in ("target", "shares") else None


def _fill(account: Account, wish: Wish, change: int, bar: Bar) -> None:
    before, value = account.held.get(wish.symbol, Seen()), abs(change) * Decimal(str(bar.close))
    fee = (value * Decimal(str(COST))).quantize(Decimal("0.01"), ROUND_HALF_UP)
    account.cash += -value - fee if change > 0 else value - fee
    account.last_fill = bar.day
    shares = before.shares + change
    if change > 0:
        bought, spent = before.bought + change, before.spent + change * bar.close
        since, remembered = (before.entry_session, before.remembered) if before.shares else (bar.day, wish.remember)
        now = Seen(shares, since, spent / bought, bar.close, before.purchases + 1, bought, spent, dict(remembered))
    else:
        now = replace(before, shares=shares) if shares else Seen()
    account.held[wish.symbol] = now
    side = "BUY" if change > 0 else "SELL"
    account.orders.append(Order(bar.day, wish.symbol, side, abs(change), tuple(wish.reason.split("+"))))
