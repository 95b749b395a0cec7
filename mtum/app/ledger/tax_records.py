"""What taxes are worked out of: executions of shares, with options where any were traded."""

from collections.abc import Sequence
from datetime import date

from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.tax import TaxLot
from mtum.ports.store import Store


def tax_records(store: Store, until: date = date.max) -> tuple[Sequence[Fill], Sequence[TaxLot]]:
    """Return the executions that a form is made of, up to a session, and the rows of options on indexes.

    Who never traded an option loads nothing of them.
    """
    fills = [fill for fill in store.orders.fills() if fill.session <= until]
    if not store.events.option_strategies():
        return fills, ()
    from mtum.app.ledger.option_taxes import taxed

    known = [of for _, of in store.options.marks(until).values() if of <= until]
    traded = [fill.session for fill in store.options.fills()]
    days = [*(fill.session for fill in fills), *traded, *known]
    return taxed(store.options, fills, min(until, max(days)))
