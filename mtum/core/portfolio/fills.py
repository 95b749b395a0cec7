"""Fills: single executions as the broker reports them, corrections folded."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from mtum.core.portfolio.orders import Side


@dataclass(frozen=True, slots=True)
class Fill:
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


@dataclass(frozen=True, slots=True)
class Split:
    """New shares per old share, effective at the open of a session.

    `in_lieu_usd` is the cash paid for a fraction of a share that the split left; None while nobody
    has told it, or where none was left.
    """

    symbol: str
    session: date
    ratio: Decimal
    in_lieu_usd: Decimal | None = None


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


def rebased(fills: Iterable[Fill], splits: Sequence[Split]) -> tuple[Fill, ...]:
    """Return the fills in today's shares: those before a split re-based by its ratio.

    A fraction that a split leaves of a position is paid in cash: it is in no fill any more, the others
    keep what they cost. Round trips that had ended before, and would come to a fraction, stay as traded.
    """
    found = tuple(fills)
    for split in sorted(splits, key=lambda one: one.session):
        found = _after(found, split)
    return found


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
    for trip in trips.values():
        before = 0
        for one in trip:
            held = before + fills[one].signed_shares
            left = abs(int(held * split.ratio) - int(before * split.ratio))
            found[one] = replace(fills[one], shares=left, price=fills[one].price / split.ratio) if left else None
            before = held
    return tuple(fill for fill in found if fill is not None)


def split_ratio(symbol: str, since: date, splits: Sequence[Split]) -> Decimal:
    """Return today's shares per share held at the end of session `since`."""
    ratio = Decimal(1)
    for split in splits:
        if split.symbol == symbol and split.session > since:
            ratio *= split.ratio
    return ratio
