"""Closed tax lots: first in first out, holding period, and the 30-day rule for wash sales.

Columns follow Form 8949. A record to start from; not tax advice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.fills import Fill, Split, folded, rebased
from mtum.core.portfolio.orders import Side

ZERO = Decimal(0)
WASH_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TaxLot:
    """Shares of one purchase sold in one sale; amounts in USD, whole cents.

    Parameters
    ----------
    acquired, term_from : date
        Purchase, and where the holding period begins: earlier when the shares replaced others
        that were sold at a loss.
    proceeds_usd : Decimal
        Sale less its commission.
    basis_usd : Decimal
        Purchase with its commission, and losses deferred into it.
    adjustment_usd : Decimal
        Loss disallowed by the wash-sale rule, 0 without one.
    """

    symbol: str
    shares: int
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
        """Whether the shares were held for more than a year."""
        return self.sold > _a_year_after(self.term_from)


@dataclass(frozen=True, slots=True)
class OpenLot:
    """Shares not sold yet; `deferred_usd` of the basis are losses disallowed earlier."""

    symbol: str
    shares: int
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


@dataclass(slots=True)
class _Claim:
    # A loss that looks for shares bought within the window after its sale.
    row: int
    shares: int
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

    Raises
    ------
    ValueError
        If more was sold than bought, or a split leaves a fraction of a share.
    """
    books: dict[str, _Book] = {}
    for fill in rebased(folded(fills), splits):
        book = books.setdefault(fill.symbol, _Book([], [], []))
        if fill.side is Side.BUY:
            _buy(book, fill)
        else:
            _sell(book, fill)
    closed = sorted((row for book in books.values() for row in book.closed), key=lambda row: (row.sold, row.symbol))
    return TaxRecord(tuple(closed), tuple(lot for book in books.values() for lot in book.held))


def _total(fill: Fill) -> Decimal:
    commission = fill.commission_usd or ZERO
    gross = fill.shares * fill.price
    return to_cent(gross + commission if fill.side is Side.BUY else gross - commission)


def _buy(book: _Book, fill: Fill) -> None:
    rest = OpenLot(fill.symbol, fill.shares, fill.session, fill.session, _total(fill))
    book.claims = [claim for claim in book.claims if claim.shares and claim.until >= fill.session]
    for claim in book.claims:
        if not rest.shares:
            break
        taken, rest = _divided(rest, min(claim.shares, rest.shares))
        book.held.append(_with_loss(book, taken, claim))
    if rest.shares:
        book.held.append(rest)


def _divided(lot: OpenLot, shares: int) -> tuple[OpenLot, OpenLot]:
    """Return the first `shares` of a lot and the rest; cents are shared out without loss."""
    basis, deferred = (_share(amount, shares, lot.shares) for amount in (lot.basis_usd, lot.deferred_usd))
    first = replace(lot, shares=shares, basis_usd=basis, deferred_usd=deferred)
    rest = replace(
        lot, shares=lot.shares - shares, basis_usd=lot.basis_usd - basis, deferred_usd=lot.deferred_usd - deferred
    )
    return first, rest


def _share(amount: Decimal, part: int, whole: int) -> Decimal:
    return amount if part == whole else to_cent(amount * part / whole)


def _sell(book: _Book, fill: Fill) -> None:
    left, proceeds = fill.shares, _total(fill)
    rows: list[int] = []
    while left:
        if not book.held:
            raise ValueError(f"{fill.symbol}: fill {fill.exec_id} sells {left} shares more than were bought")
        taken, rest = _divided(book.held[0], min(left, book.held[0].shares))
        book.held[:1] = [rest] if rest.shares else []
        received = _share(proceeds, taken.shares, left)
        proceeds -= received
        left -= taken.shares
        row = TaxLot(
            fill.symbol, taken.shares, taken.acquired, fill.session, taken.term_from, received, taken.basis_usd
        )
        rows.append(len(book.closed))
        book.closed.append(row)
    for number in rows:
        _wash(book, number)


def _wash(book: _Book, row: int) -> None:
    """Defer a loss into shares bought within 30 days before the sale; let the rest look ahead."""
    lot = book.closed[row]
    loss = lot.basis_usd - lot.proceeds_usd
    if loss <= 0:
        return
    claim = _Claim(row, lot.shares, loss, lot.sold + WASH_WINDOW, lot.sold - lot.term_from)
    kept: list[OpenLot] = []
    for held in book.held:
        near = lot.sold - WASH_WINDOW <= held.acquired and not held.replacement
        if not near or not claim.shares:
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


def _a_year_after(day: date) -> date:
    # Held from the day after the purchase; the same date of the next year is the last short-term day.
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 2, 28)
