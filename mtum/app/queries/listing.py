"""The lists that the records hold: trades, orders, fills, decisions, bars, equity, cash, runs, notes, options."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from mtum.app.ledger.unsound_books import unsound_books
from mtum.ports.event_log import NoteRow
from mtum.ports.option_rows import OptionFillRow, OptionOrderRow, OptionTradeRow
from mtum.ports.reading import Reader
from mtum.ports.rows import BarRow, CashRow, DayRow, EquityRow, FillRow, OrderRow, RunRow, TradeRow, VirtualRow

KINDS: dict[str, type[Struct]] = {
    "trades": TradeRow,
    "orders": OrderRow,
    "fills": FillRow,
    "decisions": DayRow,
    "bars": BarRow,
    "equity": EquityRow,
    "movements": CashRow,
    "runs": RunRow,
    "notes": NoteRow,
    "option_orders": OptionOrderRow,
    "option_fills": OptionFillRow,
    "option_trades": OptionTradeRow,
}
"""Name of a list -> its kind of row."""
UNTOLD = ("trades", "fills", "equity", "option_fills", "option_trades")
"""Lists in which a commission that is not known leaves something open."""
_OF_FILLS = ("trades", "equity")
"""Lists worked out of fills: where fills were changed, they are shown and are not right."""


class Listed(Struct, frozen=True):
    """A list as the records have it.

    Parameters
    ----------
    untold : sequence of FillRow or OptionFillRow
        Fills without a commission, where that leaves something open.
    changed : str
        That fills have been changed, where the list is worked out of them.
    virtual : sequence of VirtualRow
        Beside equity, what watched sleeves were worth.
    document : mapping
        The list as commands and pages answer it.
    """

    rows: Sequence[Any]
    untold: Sequence[FillRow | OptionFillRow]
    changed: str
    virtual: Sequence[VirtualRow]
    document: dict[str, Any]


def listed(  # the options of a list
    reader: Reader | None, source: str, kind: str, since: date | None, limit: int | None, sleeve: str | None = None
) -> Listed:
    """Return a list, oldest first; without records it is empty.

    Parameters
    ----------
    reader : Reader or None
        The records of one database, for reading alone; None for none.
    source : str
        Of the bars.
    kind : str
        Name of the list.
    since : date or None
        Only sessions from that one on.
    limit : int or None
        Only so many of the newest.
    sleeve : str or None
        Only this one's rows.
    """
    wanted = {} if sleeve is None else {"strategy": sleeve}
    rows: Sequence[Any] = () if reader is None else reader.rows(KINDS[kind], since, limit, **wanted)
    virtual = reader.rows(VirtualRow, since, limit, **wanted) if reader and kind == "equity" else ()
    document = {kind: documents_of(kind, rows), "count": len(rows), "source": source}
    return Listed(
        rows=rows,
        untold=untold_fills(reader, kind) if reader and kind in UNTOLD else (),
        changed=unsound_books(reader) if reader and kind in _OF_FILLS else "",
        virtual=virtual,
        document=document | ({"virtual": virtual} if virtual else {}),
    )


def untold_fills(reader: Reader, of: str = "equity") -> Sequence[FillRow | OptionFillRow]:
    """Return the executions without a commission that leave something of a list open."""
    shares = () if of.startswith("option") else reader.rows(FillRow, commission_usd=None)
    options = () if of in ("trades", "fills") else reader.rows(OptionFillRow, fee_usd=None)
    return [*shares, *options]


def documents_of(kind: str, rows: Sequence[Any]) -> Sequence[Any]:
    """Return the rows as a document has them."""
    return [_day_document(row) for row in rows] if kind == "decisions" else rows


def _day_document(row: DayRow) -> dict[str, Any]:
    """Return a decision's row, what its symbol recorded, where it is one, beside what the row says itself."""
    recorded: Mapping[str, Any] = next(iter(row.indicators.values())) if len(row.indicators) == 1 else {}
    return {**recorded, **asdict(row)}


def with_option_orders(reader: Reader, rows: Sequence[DayRow]) -> list[DayRow]:
    """Return decisions with what they ordered in options as their action: open, roll or close.

    To the engine a roll, or a call that is sold, enters; a trader reads it as what it is.
    """
    done: dict[tuple[str, str], dict[str, None]] = {}
    for order in reader.rows(OptionOrderRow, date.fromisoformat(rows[0].session)) if rows else ():
        done.setdefault((order.session, order.strategy), {})[order.purpose] = None
    return [replace(row, action=", ".join(done.get((row.session, row.strategy), (row.action,)))) for row in rows]
