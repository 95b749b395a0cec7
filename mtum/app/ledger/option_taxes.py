"""Options in the records that taxes are worked out of."""

from collections.abc import Sequence
from datetime import date

from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.options.taxes import YearEnd, index_lots, is_index, option_fills, with_premiums
from mtum.core.portfolio.tax import TaxLot
from mtum.ports.option_store import OptionStore

LAST_DAYS = 24
"""Day of December from which a mark is that of the year's end."""


def taxed(options: OptionStore, fills: Sequence[Fill], until: date) -> tuple[list[Fill], list[TaxLot]]:
    """Return the executions that a form is made of, premiums in the shares, and the rows of options on indexes.

    Parameters
    ----------
    options : OptionStore
        Orders in options and their books.
    fills : sequence of Fill
        Of shares.
    until : date
        What happened later is left out; years that ended by then are marked.
    """
    book = options.book(day=until)
    held = [lot for lot in (*book.lots, *(one.lot for one in book.closed)) if is_index(lot.contract)]
    first = min((lot.session.year for lot in held), default=until.year)
    ends = [date(year, 12, 31) for year in range(first, until.year + 1) if date(year, 12, 31) <= until]
    years = []
    for day in ends:
        marks = options.marks(day)
        late = {one: price for one, (price, of) in marks.items() if of >= day.replace(day=LAST_DAYS)}
        years.append(YearEnd(day, late))
    return [*with_premiums(fills, book.closed), *option_fills(book)], index_lots(book, years)
