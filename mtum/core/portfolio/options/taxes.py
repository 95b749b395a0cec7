"""Options as a tax form has them: premiums of exercised ones in the shares, index options marked at the year's end.

What a call or a put brought or cost goes into the basis, or the proceeds, of the shares that changed hands by it
(26 USC 1234, Rev. Rul. 78-182); the option itself is in no row then. Every other option is a row of its own: one that
expired was sold, or bought back, for nothing. Options on indexes are contracts of section 1256: Form 6781 has them, 60
per cent of a gain or loss long-term and 40 short-term, and what is open at the end of a year counts as sold at its
mark. Whether an option replaces shares that were sold at a loss is not looked at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.options.contracts import CLASSES, OptionContract
from mtum.core.options.legs import ClosedLot, OptionLot
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.fills import DELIVERED as DELIVERED_SHARES
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.options.lots import Book, EventKind
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.tax import TaxLot

DELIVERED = frozenset({EventKind.ASSIGNED.value, EventKind.EXERCISED.value})
"""How options ended whose premium is part of the price of shares."""
_OPENED, _CLOSED = time(12, tzinfo=UTC), time(18, tzinfo=UTC)


class YearEnd(Struct, frozen=True):
    """What contracts were worth at the last session of a year, USD per share; those without a mark are left out."""

    day: date
    marks: Mapping[OptionContract, Decimal]


def with_premiums(fills: Iterable[Fill], ended: Iterable[ClosedLot]) -> list[Fill]:
    """Return executions of shares with what their options cost, or brought, as a part of their commission.

    Parameters
    ----------
    fills : iterable of Fill
        Of shares, those that options delivered among them.
    ended : iterable of ClosedLot
        Option contracts in the order in which they ended.
    """
    numbers: dict[str, int] = {}
    cost: dict[str, Decimal | None] = {}
    for one in ended:
        if one.kind in DELIVERED:
            numbers[one.by] = numbers.get(one.by, 0) + 1
            fees = one.both_fees_usd
            paid = None if fees is None else one.lot.paid_usd + fees
            cost[f"{DELIVERED_SHARES}{one.by}:{numbers[one.by]}"] = paid
    return [_with_cost(fill, cost[fill.stem]) if fill.stem in cost else fill for fill in fills]


def _with_cost(fill: Fill, usd: Decimal | None) -> Fill:
    # What depends on a fee that is not told is not known either, as with a share's commission.
    return replace(fill, commission_usd=None if usd is None else (fill.commission_usd or Decimal(0)) + usd)


def option_fills(book: Book) -> Iterator[Fill]:
    """Yield purchases and sales of options on shares and funds; those whose premium is in shares are left out."""
    ended = [one for one in book.closed if one.kind not in DELIVERED and not is_index(one.lot.contract)]
    opened = [*(one.lot for one in ended), *(lot for lot in book.lots if not is_index(lot.contract))]
    for number, lot in enumerate(opened):
        at = datetime.combine(lot.session, _OPENED)
        yield _fill(f"opened {number}", lot, lot.quantity, (lot.premium, lot.fees_usd), at)
    for number, one in enumerate(ended):
        at = datetime.combine(one.session, _CLOSED)
        fill = _fill(f"ended {number}", one.lot, -one.lot.quantity, (one.price, one.fee_usd), at)
        yield replace(fill, intent_id=one.by)


def _fill(name: str, lot: OptionLot, quantity: int, paid: tuple[Decimal, Decimal | None], at: datetime) -> Fill:
    price, fee = paid
    return Fill(
        exec_id=name,
        intent_id=lot.opened_by,
        account=lot.account,
        strategy=lot.strategy,
        symbol=lot.contract.local_symbol,
        side=Side.BUY if quantity > 0 else Side.SELL,
        session=at.date(),
        instant=at,
        shares=abs(quantity),
        price=price,
        commission_usd=fee,
        multiplier=lot.contract.multiplier,
    )


def is_index(contract: OptionContract) -> bool:
    """Return whether it is a contract of section 1256: an option on a broad index."""
    return contract.underlying in CLASSES


def index_lots(book: Book, years: Sequence[YearEnd]) -> list[TaxLot]:
    """Return a row for each year in which options on indexes were held, and ended or stood open at its end.

    Parameters
    ----------
    years : sequence of YearEnd
        The ends of past years, oldest first. Where a mark is missing the row is to be worked out by hand.
    """
    rows: list[TaxLot] = []
    still = [(lot, None) for lot in book.lots if is_index(lot.contract)]
    ended = [(one.lot, one) for one in book.closed if is_index(one.lot.contract)]
    for lot, end in (*ended, *still):
        rows += _index_rows(lot, end, years)
    return sorted(rows, key=lambda row: (row.sold, row.symbol))


def _index_rows(lot: OptionLot, end: ClosedLot | None, years: Sequence[YearEnd]) -> Iterator[TaxLot]:
    since, price, known = lot.session, lot.premium, True
    fees: Decimal | None = lot.fees_usd
    last = date.max if end is None else end.session
    for year in years:
        if lot.session <= year.day < last:
            mark, began = year.marks.get(lot.contract), (since, price, fees)
            marked = price if mark is None else mark
            yield _index_row(lot, began, (year.day, marked, Decimal(0)), known=known and mark is not None)
            since, price, fees, known = year.day, marked, Decimal(0), mark is not None
    if end is not None:
        yield _index_row(lot, (since, price, fees), (end.session, end.price, end.fee_usd), known=known)


def _index_row(
    lot: OptionLot,
    began: tuple[date, Decimal, Decimal | None],
    ended: tuple[date, Decimal, Decimal | None],
    *,
    known: bool,
) -> TaxLot:
    number, units = abs(lot.quantity), abs(lot.quantity) * lot.contract.multiplier
    bought, sold = (began, ended) if lot.quantity > 0 else (ended, began)
    return TaxLot(
        symbol=lot.contract.local_symbol,
        shares=number,
        acquired=began[0] if lot.quantity > 0 else ended[0],
        sold=ended[0],
        term_from=began[0],
        proceeds_usd=to_cent(sold[1] * units - (sold[2] or Decimal(0))),
        basis_usd=to_cent(bought[1] * units + (bought[2] or Decimal(0))),
        by_hand=not known,
        unknown=began[2] is None or ended[2] is None,
    )
