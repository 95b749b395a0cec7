"""Fills: single executions as the broker reports them, corrections folded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.portfolio.orders import Side

if TYPE_CHECKING:
    from fractions import Fraction

DELIVERED = "option:"
"""What the id of an execution begins with that is a delivery of shares by an option."""


class Fill(Struct, frozen=True):
    """One execution of an order of a strategy.

    Parameters
    ----------
    exec_id : str
        The broker's id; a correction repeats all dotted parts but the last, which rises.
    intent_id : str
        Intent the order belongs to.
    symbol : str
        Id of the instrument, the ticker for shares.
    shares : int
        Whole shares or contracts, above zero.
    price : Decimal
        USD per share, of an option per share of its underlying.
    multiplier : int
        Shares per contract, 1 for shares.
    commission_usd : Decimal or None
        Commission and fees in USD; None while the broker has not told.
    """

    exec_id: str
    intent_id: str
    account: str
    strategy: str
    symbol: str
    side: Side
    session: date
    instant: datetime
    shares: int
    price: Decimal
    commission_usd: Decimal | None = None
    multiplier: int = 1

    @property
    def stem(self) -> str:
        """The id without its last part: equal for a fill and its corrections."""
        return stem_of(self.exec_id)

    @property
    def crossed(self) -> bool:
        """Whether the shares changed sleeves inside the account, which is no trade for broker or tax."""
        return self.exec_id.startswith("cross:")

    @property
    def delivered(self) -> bool:
        """Whether the shares changed hands by an option at its strike: no order, and no price of a market."""
        return self.exec_id.startswith(DELIVERED)

    @property
    def signed_shares(self) -> int:
        """Shares, negative for a sale."""
        return self.shares if self.side is Side.BUY else -self.shares

    @property
    def value_usd(self) -> Decimal:
        """What was paid or received for it in USD, commission apart."""
        return self.shares * self.price * self.multiplier

    @property
    def cash_usd(self) -> Decimal:
        """Change of cash by the trade itself, commission apart."""
        return -self.value_usd if self.side is Side.BUY else self.value_usd


class Split(Struct, frozen=True):
    """New shares per old share, effective at the open of a session.

    `in_lieu_usd` is the cash paid for a fraction of a share that the split left; None while nobody
    has told it, or where none was left.
    """

    symbol: str
    session: date
    ratio: Decimal
    in_lieu_usd: Decimal | None = None


class ChangeKind(StrEnum):
    """What became of a symbol: another name, a merger, or a child beside it."""

    RENAMED = "renamed"
    MERGED = "merged"
    SPUN_OFF = "spun-off"


class SymbolChange(Struct, frozen=True):
    """What became of the shares of a symbol on the morning of a session, as a person stated it.

    Parameters
    ----------
    into : str
        Symbol of the shares received: the new name, the buyer, the child; empty where only cash was paid.
    ratio : Decimal
        Shares of `into` per share.
    cash_usd : Decimal
        Paid per share, USD.
    basis_frac : Decimal
        Part of the cost that goes to the child of a spin-off.
    given : mapping of sleeve to int
        Whole shares of `into` that each sleeve received.
    in_lieu_usd : Decimal or None
        Paid for the fraction of a share that was left; None while nobody has told it, or where none was left.
    """

    kind: ChangeKind
    symbol: str
    session: date
    into: str = ""
    ratio: Decimal = Decimal(1)
    cash_usd: Decimal = Decimal(0)
    basis_frac: Decimal = Decimal(0)
    given: Mapping[str, int] = field(default_factory=dict)
    in_lieu_usd: Decimal | None = None

    @property
    def ends_symbol(self) -> bool:
        """Whether nothing is called by the symbol any more."""
        return self.kind is not ChangeKind.SPUN_OFF


type Action = Split | SymbolChange
"""What lots follow without a trade."""


class Carried(NamedTuple):
    """What a share became since a session: its symbol, how many there are, what a price per share is divided by."""

    symbol: str
    shares: Decimal
    divisor: Decimal


def stem_of(exec_id: str) -> str:
    """Return an execution id without its last part, which rises with each correction.

    Examples
    --------
    >>> stem_of("0000e1a7.01.02"), stem_of("7")
    ('0000e1a7.01', '7')
    """
    return exec_id.rpartition(".")[0] or exec_id


def folded(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    """Return the last correction of each fill, in time order; duplicates vanish."""
    newest: dict[str, Fill] = {}
    for fill in fills:
        known = newest.get(fill.stem)
        if known is None or _revision(fill) > _revision(known):
            newest[fill.stem] = fill
    return tuple(sorted(newest.values(), key=lambda fill: (fill.session, fill.instant, fill.exec_id)))


def _revision(fill: Fill) -> tuple[int, str, bool]:
    last = fill.exec_id.rpartition(".")[2]
    return (int(last) if last.isdigit() else 0, last, fill.commission_usd is not None)


def fifo[N: (int, int | Decimal)](held: Iterable[N], leaving: N) -> list[N]:
    """Return how much of each holding goes, the oldest first, until so much has left: first in, first out.

    Examples
    --------
    >>> fifo([10, 5, 20], 12)
    [10, 2]
    """
    found: list[N] = []
    for one in held:
        if not leaving:
            break
        found.append(min(one, leaving))
        leaving -= found[-1]
    return found


def rebased(fills: Iterable[Fill], actions: Sequence[Action]) -> tuple[Fill, ...]:
    """Return the fills in today's shares and symbols: those before an action as it left them.

    A fraction that a split leaves of the account's position is paid in cash: it is in no fill any more, the others
    keep what they cost. Whole shares that fractions of several strategies make together go to the largest of them,
    ties in the order of their names: all strategies' fills are needed. Round trips that had ended before, and would
    come to a fraction, stay as traded.
    Shares that came from another symbol stand behind all that was held when they came, and keep the session
    they were bought in.
    """
    found = tuple(fills)
    for action in in_order(actions):
        found = _after(found, action) if isinstance(action, Split) else _changed(found, action)
    return found


def in_order(actions: Iterable[Action]) -> list[Action]:
    """Return actions as they took effect; a split of the day is told under the symbol that the day before knew."""
    return sorted(actions, key=lambda one: (one.session, isinstance(one, SymbolChange)))


def _after(fills: Sequence[Fill], split: Split) -> tuple[Fill, ...]:
    found: list[Fill | None] = list(fills)
    trips: dict[str, list[int]] = defaultdict(list)
    for at, fill in enumerate(fills):
        if fill.symbol != split.symbol or fill.session >= split.session:
            continue
        trip = trips[fill.strategy]
        trip.append(at)
        if sum(fills[one].signed_shares for one in trip) == 0:
            ended = {one: fills[one].shares * split.ratio for one in trip}
            if all(shares == int(shares) for shares in ended.values()):
                for one, shares in ended.items():
                    found[one] = replace(fills[one], shares=int(shares), price=fills[one].price / split.ratio)
            trip.clear()
    rounded = _rounded_up({name: sum(fills[one].signed_shares for one in trip) for name, trip in trips.items()}, split)
    for strategy, trip in trips.items():
        before, more = 0, rounded.get(strategy, Decimal(0))
        for one in trip:
            held = before + fills[one].signed_shares
            left = abs(int(held * split.ratio + more) - int(before * split.ratio + more))
            found[one] = replace(fills[one], shares=left, price=fills[one].price / split.ratio) if left else None
            before = held
    return tuple(fill for fill in found if fill is not None)


def _rounded_up(held: Mapping[str, int], split: Split) -> dict[str, Decimal]:
    """Return what makes the fraction of each strategy whole that has a share of what the fractions come to."""
    if min(held.values(), default=0) < 0:
        return {}
    fractions = {strategy: shares * split.ratio % 1 for strategy, shares in held.items()}
    largest = sorted(fractions, key=lambda strategy: (-fractions[strategy], strategy))
    return {strategy: 1 - fractions[strategy] for strategy in largest[: int(sum(fractions.values()))]}


def _changed(fills: Sequence[Fill], change: SymbolChange) -> tuple[Fill, ...]:
    earlier = [fill for fill in fills if fill.session < change.session]
    later = [fill for fill in fills if fill.session >= change.session]
    if change.kind is ChangeKind.RENAMED:
        kept = [fill for fill in earlier if fill.symbol != change.symbol]
        moved = [replace(fill, symbol=change.into) for fill in earlier if fill.symbol == change.symbol]
        return (*kept, *moved, *later)
    trips: dict[str, list[Fill]] = defaultdict(list)
    for fill in earlier:
        if fill.symbol == change.symbol:
            trips[fill.strategy].append(fill)
            if not sum(one.signed_shares for one in trips[fill.strategy]):
                trips[fill.strategy].clear()
    for strategy, trip in trips.items():
        if trip and not change.into:
            earlier.append(_paid_out(trip, change))
        elif trip:
            earlier = [fill for fill in earlier if fill not in trip]
            earlier += _parted(trip, change, change.given.get(strategy, 0))
    return (*earlier, *later)


class _Opened(Struct):
    # What is left of an intent's shares, at their average price.
    first: Fill
    shares: int
    left: int
    price: Decimal
    fee_usd: Decimal | None

    def fill(self, shares: int, part: "int | Fraction" = 1) -> Fill:
        """Return so many of the shares as an execution of their own, at a part of the price."""
        fee = None if self.fee_usd is None else self.fee_usd * shares / self.shares
        price = self.price * part.numerator / part.denominator
        return replace(self.first, shares=shares, price=price, commission_usd=fee)


def _opened(trip: Sequence[Fill]) -> list[_Opened]:
    found: dict[str, _Opened] = {}
    for fill in trip:
        if fill.side is not trip[0].side:
            for lot, taken in zip(
                found.values(), fifo([one.left for one in found.values()], fill.shares), strict=False
            ):
                lot.left -= taken
            continue
        fee = fill.commission_usd
        lot = found.setdefault(fill.intent_id, _Opened(fill, 0, 0, fill.price, Decimal(0)))
        worth = lot.price * lot.shares + fill.price * fill.shares
        lot.shares, lot.left = lot.shares + fill.shares, lot.left + fill.shares
        lot.price = worth / lot.shares
        lot.fee_usd = None if fee is None or lot.fee_usd is None else lot.fee_usd + fee
    return list(found.values())


def _parted(trip: Sequence[Fill], change: SymbolChange, given: int) -> list[Fill]:
    """Return what was sold before, as a round trip of its own, and what the rest became: its cost goes with it."""
    from fractions import Fraction  # only spin-offs and mergers need it, which are rare

    lots = _opened(trip)
    closing = [fill for fill in trip if fill.side is not trip[0].side]
    sold = [lot.fill(lot.shares - lot.left) for lot in lots if lot.shares > lot.left]
    left = [lot for lot in lots if lot.left]
    parts = Fraction(change.basis_frac) if change.kind is ChangeKind.SPUN_OFF else Fraction(1)
    kept = [lot.fill(lot.left, 1 - parts) for lot in left] if parts < 1 else []
    held, before, cost = sum(lot.left for lot in left), 0, Decimal(0)
    received = []
    for lot in left:
        shares = (before + lot.left) * given // held - before * given // held
        before, cost = before + lot.left, cost + lot.price * lot.left
        if shares:
            whole = lot.fill(lot.left)
            received.append(
                replace(
                    whole,
                    exec_id=f"{change.kind}:{change.into}:{change.session}:{lot.first.intent_id}.01",
                    symbol=change.into,
                    shares=shares,
                    price=cost * parts.numerator / parts.denominator / shares,
                    commission_usd=Decimal(0) if kept else whole.commission_usd,
                )
            )
            cost = Decimal(0)
    return [*sold, *closing, *kept, *received]


def _paid_out(trip: Sequence[Fill], change: SymbolChange) -> Fill:
    held = sum(fill.signed_shares for fill in trip)
    return replace(
        trip[0],
        exec_id=f"merged:{change.symbol}:{change.session}:{trip[0].strategy}.01",
        intent_id=f"merged:{change.symbol}:{change.session}",
        side=Side.SELL if held > 0 else Side.BUY,
        session=change.session,
        instant=datetime.combine(change.session, time(), UTC),
        shares=abs(held),
        price=change.cash_usd,
        commission_usd=Decimal(0),
    )


def carried(symbol: str, since: date, actions: Sequence[Action]) -> Carried:
    """Return what a share held at the end of session `since` is today.

    Parameters
    ----------
    symbol : str
        Ticker.
    since : date
        Session at whose end the share was held.
    actions : sequence of Action
        Splits and changes of symbols, oldest first.
    """
    shares = divisor = Decimal(1)
    for action in in_order(actions):
        if action.symbol != symbol or action.session <= since:
            continue
        if isinstance(action, Split):
            shares, divisor = shares * action.ratio, divisor * action.ratio
        elif action.kind is ChangeKind.SPUN_OFF:
            divisor /= 1 - action.basis_frac
        elif action.into:
            symbol, shares, divisor = action.into, shares * action.ratio, divisor * action.ratio
    return Carried(symbol, shares, divisor)


def later_symbols(fill: Fill, actions: Sequence[Action]) -> set[str]:
    """Return under what symbols the shares of a purchase may be sold: its own, a new name, a child's."""
    found = {fill.symbol}
    for action in in_order(actions):
        if isinstance(action, SymbolChange) and action.symbol in found and action.session > fill.session:
            found |= {action.into} - {""}
    return found


def earlier_names(symbol: str, actions: Sequence[Action]) -> list[str]:
    """Return under what other symbols shares were bought that are called so today."""
    ended = [one for one in actions if isinstance(one, SymbolChange) and one.ends_symbol]
    return [one.symbol for one in ended if carried(one.symbol, one.session - timedelta(1), actions).symbol == symbol]


def ended_symbols(actions: Sequence[Action]) -> dict[str, SymbolChange]:
    """Return the symbols that nothing is called by any more, with what became of each."""
    found: dict[str, SymbolChange] = {}
    for action in in_order(actions):
        if isinstance(action, SymbolChange):
            found.pop(action.into, None)  # the name has been given anew
            found |= {action.symbol: action} if action.ends_symbol else {}
    return found
