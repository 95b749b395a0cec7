"""Closed tax lots: first in first out, holding period, and the 30-day rule for wash sales.

Columns follow Form 8949. A record to start from; not tax advice. A loss on closing a short position
is not looked at for wash sales.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.fills import Fill, Split, folded
from mtum.core.portfolio.orders import Side

ZERO = Decimal(0)
WASH_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TaxLot:
    """Shares or contracts of one purchase sold in one sale; `symbol` is their instrument's id, amounts in USD cents.

    The purchase that closes a short position is both: it acquires the shares and delivers them.

    Parameters
    ----------
    acquired, term_from : date
        Purchase, and where the holding period begins (the day after): earlier when the shares
        replaced others that were sold at a loss.
    proceeds_usd : Decimal
        Sale less its commission.
    basis_usd : Decimal
        Purchase with its commission, and losses deferred into it.
    adjustment_usd : Decimal
        Loss disallowed by the wash-sale rule, 0 without one.
    """

    symbol: str
    shares: int | Decimal
    acquired: date
    sold: date
    term_from: date
    proceeds_usd: Decimal
    basis_usd: Decimal
    adjustment_usd: Decimal = ZERO

    @property
    def code(self) -> str:
        """The form's code: W for a wash sale."""
        return "W" if self.adjustment_usd else ""

    @property
    def gain_usd(self) -> Decimal:
        """Gain or loss after the adjustment."""
        return self.proceeds_usd - self.basis_usd + self.adjustment_usd

    @property
    def long_term(self) -> bool:
        """Whether the shares were held for more than a year.

        The year counts from the day after the purchase. Bought on the last day of a month, shares
        are held for a year when twelve whole months have passed.

        References
        ----------
        Rev. Rul. 66-7, 1966-1 C.B. 188.
        """
        first = self.term_from + timedelta(days=1)
        leap_day = (first.month, first.day) == (2, 29)
        return self.sold >= (date(first.year + 1, 3, 1) if leap_day else first.replace(year=first.year + 1))


@dataclass(frozen=True, slots=True)
class OpenLot:
    """Shares not sold yet; `deferred_usd` of the basis are losses disallowed earlier.

    A short position has negative shares, and what its sale brought as negative basis. `purchase`
    is the order that bought the shares: a loss on some of them is not deferred into the others.
    """

    purchase: str
    symbol: str
    shares: int | Decimal
    acquired: date
    term_from: date
    basis_usd: Decimal
    deferred_usd: Decimal = ZERO
    replacement: bool = False


@dataclass(frozen=True, slots=True)
class TaxRecord:
    """Every closed lot in the order of the sales, and what is still held."""

    closed: tuple[TaxLot, ...]
    held: tuple[OpenLot, ...]


@dataclass(frozen=True, slots=True)
class _Deal:
    # All executions of an order in one session: one purchase or one sale.
    order: str
    symbol: str
    side: Side
    session: date
    shares: int | Decimal
    total_usd: Decimal


@dataclass(slots=True)
class _Claim:
    # A loss that looks for other shares than those bought with the ones sold.
    row: int
    purchase: str
    shares: int | Decimal
    loss_usd: Decimal
    until: date
    held_for: timedelta


@dataclass(slots=True)
class _Book:
    # The only mutable thing here; it never leaves this module.
    held: list[OpenLot]
    closed: list[TaxLot]
    claims: list[_Claim]


def tax_record(fills: Iterable[Fill], splits: Sequence[Split] = ()) -> TaxRecord:
    """Return closed and open tax lots of all strategies together, as the law looks at them.

    The executions of an order are one purchase or one sale, also where they fall on several days:
    a sale is looked at for replaced shares once its last execution is known. Shares are those of the
    day: a split changes what is held. Of a fraction that a split leaves, paid in cash, the cash is the
    proceeds; while it is not told, the fraction is in no row. Shares that changed sleeves stayed with
    their owner, which is no disposal.

    References
    ----------
    26 CFR 1.1091-1 (which shares replace which); Rev. Rul. 56-602 (a sale of a part of one purchase
    is no wash sale for the sake of the rest).
    """
    books: dict[str, _Book] = {}
    deals = _deals(folded(fill for fill in fills if not fill.crossed))
    coming = sorted(splits, key=lambda one: one.session)
    ends = {(deal.side, deal.order, deal.symbol): deal for deal in deals}
    sold: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for deal in deals:
        while coming and coming[0].session <= deal.session:
            _split(books, coming.pop(0))
        book = books.setdefault(deal.symbol, _Book([], [], []))
        if deal.side is Side.BUY:
            _buy(book, deal)
            continue
        sold[deal.order, deal.symbol] += _sell(book, deal)
        if ends[Side.SELL, deal.order, deal.symbol] is deal:
            for row, purchase in sold[deal.order, deal.symbol]:
                _wash(book, row, purchase)
    for split in coming:
        _split(books, split)
    closed = sorted((row for book in books.values() for row in book.closed), key=lambda row: (row.sold, row.symbol))
    return TaxRecord(tuple(closed), tuple(lot for book in books.values() for lot in book.held))


def _split(books: dict[str, _Book], split: Split) -> None:
    book = books.get(split.symbol)
    if book is None:
        return
    book.held = [replace(lot, shares=_whole(lot.shares * split.ratio)) for lot in book.held]
    for claim in book.claims:
        claim.shares = _whole(claim.shares * split.ratio)
    total = sum((lot.shares for lot in book.held), ZERO)
    fraction = total - int(total)
    if not fraction or total < 0:
        return
    paid = _Deal(f"split {split.session}", split.symbol, Side.SELL, split.session, fraction, split.in_lieu_usd or ZERO)
    rows = _sell(book, paid)
    if split.in_lieu_usd is None:
        del book.closed[rows[0][0] :]
        return
    for row, purchase in rows:
        _wash(book, row, purchase)


def _whole(shares: int | Decimal) -> int | Decimal:
    return int(shares) if shares == int(shares) else shares


def _deals(fills: Iterable[Fill]) -> list[_Deal]:
    # An order of several legs is one deal in each of its instruments.
    together: dict[tuple[str, str, Side, date], list[Fill]] = defaultdict(list)
    for fill in fills:
        together[fill.intent_id, fill.symbol, fill.side, fill.session].append(fill)
    # A purchase stands where it began and a sale where it ended: no sale comes before what it sells.
    placed = sorted(together.values(), key=lambda one: (one[0] if one[0].side is Side.BUY else one[-1]).instant)
    return [_deal(one) for one in placed]


def _deal(fills: Sequence[Fill]) -> _Deal:
    first = fills[0]
    gross = sum((fill.value_usd for fill in fills), ZERO)
    commission = sum((fill.commission_usd or ZERO for fill in fills), ZERO)
    total = to_cent(gross + commission if first.side is Side.BUY else gross - commission)
    shares = sum(fill.shares for fill in fills)
    return _Deal(first.intent_id, first.symbol, first.side, first.session, shares, total)


def _buy(book: _Book, deal: _Deal) -> None:
    rest = OpenLot(deal.order, deal.symbol, deal.shares, deal.session, deal.session, deal.total_usd)
    while rest.shares and book.held and book.held[0].shares < 0:
        rest = _covered(book, rest)
    book.claims = [claim for claim in book.claims if claim.shares and claim.until >= deal.session]
    for claim in book.claims:
        if not rest.shares:
            break
        if claim.purchase != deal.order:
            taken, rest = _divided(rest, min(claim.shares, rest.shares))
            book.held.append(_with_loss(book, taken, claim))
    if rest.shares:
        book.held.append(rest)


def _covered(book: _Book, bought: OpenLot) -> OpenLot:
    """Close the oldest short position with the shares bought, and return what is left of them."""
    shares = min(bought.shares, -book.held[0].shares)
    short, uncovered = _divided(book.held[0], -shares)
    book.held[:1] = [uncovered] if uncovered.shares else []
    taken, rest = _divided(bought, shares)
    day = bought.acquired
    book.closed.append(TaxLot(bought.symbol, shares, day, day, day, -short.basis_usd, taken.basis_usd))
    return rest


def _divided(lot: OpenLot, shares: int | Decimal) -> tuple[OpenLot, OpenLot]:
    """Return the first `shares` of a lot and the rest; cents are shared out without loss."""
    basis, deferred = (_share(amount, shares, lot.shares) for amount in (lot.basis_usd, lot.deferred_usd))
    first = replace(lot, shares=_whole(shares), basis_usd=basis, deferred_usd=deferred)
    rest = replace(
        lot,
        shares=_whole(lot.shares - shares),
        basis_usd=lot.basis_usd - basis,
        deferred_usd=lot.deferred_usd - deferred,
    )
    return first, rest


def _share(amount: Decimal, part: int | Decimal, whole: int | Decimal) -> Decimal:
    return amount if part == whole else to_cent(amount * part / whole)


def _sell(book: _Book, deal: _Deal) -> list[tuple[int, str]]:
    """Take the oldest shares, go short in what is not held; return the rows made and whose shares they were."""
    left, proceeds = deal.shares, deal.total_usd
    rows: list[tuple[int, str]] = []
    while left and book.held and book.held[0].shares > 0:
        taken, rest = _divided(book.held[0], min(left, book.held[0].shares))
        book.held[:1] = [rest] if rest.shares else []
        received = _share(proceeds, taken.shares, left)
        proceeds -= received
        left -= taken.shares
        rows.append((len(book.closed), taken.purchase))
        book.closed.append(
            TaxLot(deal.symbol, taken.shares, taken.acquired, deal.session, taken.term_from, received, taken.basis_usd)
        )
    if left:
        book.held.append(OpenLot(deal.order, deal.symbol, -left, deal.session, deal.session, -proceeds))
    return rows


def _wash(book: _Book, row: int, purchase: str) -> None:
    """Defer a loss into other shares bought within 30 days before the sale; let the rest look ahead."""
    lot = book.closed[row]
    loss = lot.basis_usd - lot.proceeds_usd
    if loss <= 0:
        return
    claim = _Claim(row, purchase, lot.shares, loss, lot.sold + WASH_WINDOW, lot.sold - lot.term_from)
    kept: list[OpenLot] = []
    for held in book.held:
        near = lot.sold - WASH_WINDOW <= held.acquired <= claim.until
        free = held.shares > 0 and held.purchase != purchase and not held.replacement
        if not (near and free and claim.shares):
            kept.append(held)
            continue
        taken, rest = _divided(held, min(claim.shares, held.shares))
        kept.append(_with_loss(book, taken, claim))
        if rest.shares:
            kept.append(rest)
    book.held = kept
    if claim.shares:
        book.claims.append(claim)


def _with_loss(book: _Book, taken: OpenLot, claim: _Claim) -> OpenLot:
    loss = _share(claim.loss_usd, taken.shares, claim.shares)
    claim.loss_usd -= loss
    claim.shares -= taken.shares
    row = book.closed[claim.row]
    book.closed[claim.row] = replace(row, adjustment_usd=row.adjustment_usd + loss)
    return replace(
        taken,
        basis_usd=taken.basis_usd + loss,
        deferred_usd=taken.deferred_usd + loss,
        term_from=taken.acquired - claim.held_for,
        replacement=True,
    )
