"""Closed tax lots: first in first out, holding period, and the 30-day rule for wash sales.

Columns follow Form 8949. A record to start from; not tax advice. A loss on closing a short position
is not looked at for wash sales.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.fills import Action, ChangeKind, Fill, Split, SymbolChange, fifo, folded, in_order
from mtum.core.portfolio.orders import Side

ZERO = Decimal(0)
WASH_WINDOW = timedelta(days=30)


class TaxLot(Struct, frozen=True):
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
    by_hand : bool
        True where the basis depends on what a merger paid in shares and in cash together.
    unknown : bool
        True where an amount waits for a commission that is not told yet.
    """

    symbol: str
    shares: int | Decimal
    acquired: date
    sold: date
    term_from: date
    proceeds_usd: Decimal
    basis_usd: Decimal
    adjustment_usd: Decimal = ZERO
    by_hand: bool = False
    unknown: bool = False

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


class OpenLot(Struct, frozen=True):
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
    by_hand: bool = False


class TaxRecord(Struct, frozen=True):
    """Every closed lot in the order of the sales, and what is still held."""

    closed: tuple[TaxLot, ...]
    held: tuple[OpenLot, ...]


class _Deal(Struct, frozen=True):
    # All executions of an order in one session: one purchase or one sale.
    order: str
    symbol: str
    side: Side
    session: date
    shares: int | Decimal
    total_usd: Decimal


class _Claim(Struct):
    # A loss that looks for other shares than those bought with the ones sold.
    closed: list[TaxLot]  # a renamed symbol's losses look on under the new name
    row: int
    purchase: str
    shares: int | Decimal
    loss_usd: Decimal
    until: date
    held_for: timedelta


class _Book(Struct):
    # The only mutable thing here; it never leaves this module.
    held: list[OpenLot]
    closed: list[TaxLot]
    claims: list[_Claim]


def tax_record(fills: Iterable[Fill], actions: Sequence[Action] = ()) -> TaxRecord:
    """Return closed and open tax lots of all strategies together, as the law looks at them.

    The executions of an order are one purchase or one sale, also where they fall on several days:
    a sale is looked at for replaced shares once its last execution is known. Shares are those of the
    day: a split changes what is held. Of a fraction that a split leaves, paid in cash, the cash is the
    proceeds; while it is not told, the fraction is in no row. Shares that changed sleeves stayed with
    their owner, which is no disposal.

    A new name is no disposal either, nor is a merger for shares, whose basis and holding period carry over, nor
    a spin-off, whose child has its part of the basis and the holding period of the parent. A merger for cash is
    a sale on its day. One for shares and cash leaves a row with the cash, and its basis, like that of the shares
    received, is to be worked out by hand: how much of the gain is taxed depends on what the shares were worth.

    References
    ----------
    26 CFR 1.1091-1 (which shares replace which); Rev. Rul. 56-602 (a sale of a part of one purchase
    is no wash sale for the sake of the rest); 26 USC 354 to 358 and 1223 (mergers, spin-offs and the holding
    period of what they bring).
    """
    books: dict[str, _Book] = {}
    deals = _deals(folded(fill for fill in fills if not fill.crossed))
    coming = in_order(actions)
    ends = {(deal.side, deal.order, deal.symbol): deal for deal in deals}
    sold: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for deal in deals:
        while coming and coming[0].session <= deal.session:
            _act(books, coming.pop(0))
        book = books.setdefault(deal.symbol, _Book([], [], []))
        if deal.side is Side.BUY:
            _buy(book, deal)
            continue
        sold[deal.order, deal.symbol] += _sell(book, deal)
        if ends[Side.SELL, deal.order, deal.symbol] is deal:
            for row, purchase in sold[deal.order, deal.symbol]:
                _wash(book, row, purchase)
    for action in coming:
        _act(books, action)
    closed = sorted((row for book in books.values() for row in book.closed), key=lambda row: (row.sold, row.symbol))
    return TaxRecord(tuple(closed), tuple(lot for book in books.values() for lot in book.held))


def _act(books: dict[str, _Book], action: Action) -> None:
    if action.symbol not in books:
        return
    if isinstance(action, Split):
        _split(books[action.symbol], action)
    else:
        _change(books, action)


def _change(books: dict[str, _Book], change: SymbolChange) -> None:
    before, kind = books[change.symbol], change.kind
    if kind is ChangeKind.MERGED and change.cash_usd:
        held = list(before.held)
        shares = sum((lot.shares for lot in held), ZERO)
        if shares > 0:
            usd = to_cent(shares * change.cash_usd)
            paid = _Deal(f"merged {change.session}", change.symbol, Side.SELL, change.session, _whole(shares), usd)
            rows = _sell(before, paid)
            if change.into:
                before.held = held
                for row, _ in rows:
                    before.closed[row] = replace(before.closed[row], basis_usd=ZERO, by_hand=True)
    if not change.into:
        return
    part = change.basis_frac if kind is ChangeKind.SPUN_OFF else Decimal(1)
    children: list[OpenLot] = []
    kept: list[OpenLot] = []
    for lot in before.held:
        basis, deferred = to_cent(lot.basis_usd * part), to_cent(lot.deferred_usd * part)
        doubtful = lot.by_hand or bool(change.cash_usd)
        child = replace(lot, symbol=change.into, basis_usd=basis, deferred_usd=deferred, by_hand=doubtful)
        children.append(child)
        kept.append(replace(lot, basis_usd=lot.basis_usd - basis, deferred_usd=lot.deferred_usd - deferred))
    moved = _Book(children, [], before.claims if kind is ChangeKind.RENAMED else [])
    _split(moved, Split(change.into, change.session, change.ratio, change.in_lieu_usd))
    after = books.setdefault(change.into, _Book([], [], []))
    after.closed += moved.closed  # a fraction, paid in cash
    after.held = sorted([*after.held, *moved.held], key=lambda lot: lot.acquired)
    before.held = kept if kind is ChangeKind.SPUN_OFF else []
    after.claims = [*after.claims, *moved.claims]
    before.claims = [] if kind is ChangeKind.RENAMED else before.claims


def _split(book: _Book, split: Split) -> None:
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
            book.held.append(_with_loss(taken, claim))
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
    for part in fifo([lot.shares for lot in book.held if lot.shares > 0], left):
        taken, rest = _divided(book.held[0], part)
        book.held[:1] = [rest] if rest.shares else []
        received = _share(proceeds, taken.shares, left)
        proceeds -= received
        left -= taken.shares
        rows.append((len(book.closed), taken.purchase))
        dates = (taken.acquired, deal.session, taken.term_from)
        lot = TaxLot(deal.symbol, taken.shares, *dates, received, taken.basis_usd, by_hand=taken.by_hand)
        book.closed.append(lot)
    if left:
        book.held.append(OpenLot(deal.order, deal.symbol, -left, deal.session, deal.session, -proceeds))
    return rows


def _wash(book: _Book, row: int, purchase: str) -> None:
    """Defer a loss into other shares bought within 30 days before the sale; let the rest look ahead."""
    lot = book.closed[row]
    loss = lot.basis_usd - lot.proceeds_usd
    if loss <= 0 or lot.by_hand:
        return
    claim = _Claim(book.closed, row, purchase, lot.shares, loss, lot.sold + WASH_WINDOW, lot.sold - lot.term_from)
    kept: list[OpenLot] = []
    for held in book.held:
        near = lot.sold - WASH_WINDOW <= held.acquired <= claim.until
        free = held.shares > 0 and held.purchase != purchase and not held.replacement
        if not (near and free and claim.shares):
            kept.append(held)
            continue
        taken, rest = _divided(held, min(claim.shares, held.shares))
        kept.append(_with_loss(taken, claim))
        if rest.shares:
            kept.append(rest)
    book.held = kept
    if claim.shares:
        book.claims.append(claim)


def _with_loss(taken: OpenLot, claim: _Claim) -> OpenLot:
    loss = _share(claim.loss_usd, taken.shares, claim.shares)
    claim.loss_usd -= loss
    claim.shares -= taken.shares
    row = claim.closed[claim.row]
    claim.closed[claim.row] = replace(row, adjustment_usd=row.adjustment_usd + loss)
    return replace(
        taken,
        basis_usd=taken.basis_usd + loss,
        deferred_usd=taken.deferred_usd + loss,
        term_from=taken.acquired - claim.held_for,
        replacement=True,
    )
