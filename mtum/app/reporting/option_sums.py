"""What the options of a sleeve came to up to a session: for its report, beside what its shares did."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from mtum.ports.records import DecisionRecord
from mtum.ports.store import Store

ZERO = Decimal(0)


class OptionSums(Struct, frozen=True):
    """What options came to up to a session, USD.

    Parameters
    ----------
    ended_usd, fees_usd : Decimal or None
        Profit of those that ended, after all fees, and commissions and fees of all of them so far; None while the
        broker has not told one of these.
    worth_usd : Decimal
        What those that are open are worth, negative for what it would cost to close them.
    model_priced : bool
        Whether a model made their prices.
    """

    ended_usd: Decimal | None = ZERO
    fees_usd: Decimal | None = ZERO
    worth_usd: Decimal = ZERO
    model_priced: bool = False

    @staticmethod
    def together(sums: Sequence["OptionSums"]) -> "OptionSums | None":
        """Return those of several sleeves as one; None without any."""
        if not sums:
            return None
        return OptionSums(
            _sum(one.ended_usd for one in sums),
            _sum(one.fees_usd for one in sums),
            sum((one.worth_usd for one in sums), ZERO),
            any(one.model_priced for one in sums),
        )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    # Of what is not told there is no sum.
    found = [*amounts]
    return None if None in found else sum((one for one in found if one is not None), ZERO)


def option_sums(store: Store, source: str, decision: DecisionRecord | None, of: tuple[str, date]) -> OptionSums | None:
    """Return what a sleeve's options came to; None for one that never traded any.

    Parameters
    ----------
    store : Store
        The program's records.
    source : str
        Name of the source whose closes are meant.
    decision : DecisionRecord or None
        The last one, which tells who made the prices.
    of : tuple of (str, date)
        The sleeve and the session.
    """
    name, day = of
    if name not in store.events.option_strategies():
        return None
    from mtum.app.ledger.option_worth import options_at  # an account without options loads none of it

    book = store.options.book(name, day)
    told = decision.document.get("options", {}) if decision else {}
    return OptionSums(
        ended_usd=_sum(one.pnl_usd for one in book.closed),
        fees_usd=_sum([*(one.both_fees_usd for one in book.closed), *(lot.fees_usd for lot in book.lots)]),
        worth_usd=options_at(store, source, name, day)[0],
        model_priced=bool(told.get("model_priced")),
    )
