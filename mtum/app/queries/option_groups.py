"""Open groups of options, and the chain that the last decision saw of an underlying."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from mtum.app.options.last_seen import Seen, open_groups, seen_of
from mtum.app.queries.plain import plain
from mtum.config import Settings
from mtum.core.canonical import list_in, table_in
from mtum.core.market.instruments import Right
from mtum.core.options.chain import ReadChain
from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.options.lots import Book
from mtum.core.reporting.option_groups import GroupLine
from mtum.errors import UsageError
from mtum.ports.reading import Reader
from mtum.ports.rows import DecisionRow


def option_groups(settings: Settings, reader: Reader | None) -> dict[str, Any]:
    """Return every open group as commands and pages answer it.

    Marks, deltas and rules are those of the session decided last; what has filled since is in the lots.

    Returns
    -------
    dict
        groups, sleeves with the session and the source of their chains, whether a model priced them, and totals.
    """
    names = [one.name for one in settings.sleeves() if one.strategy.OPTIONS]
    book, marked = reader.option_records if reader is not None and names else (Book(), {})
    marks = {contract: price for contract, (price, _) in marked.items()}
    groups: list[GroupLine] = []
    sleeves: list[dict[str, Any]] = []
    for name in names:
        last = None if reader is None else _seen(reader, name)
        seen = None if last is None else last[1]
        groups += open_groups(name, book, seen, marks)
        sleeves.append(
            {
                "sleeve": name,
                "session": None if seen is None else seen.day.isoformat(),
                "source": None if seen is None else seen.source,
                "model_priced": None if seen is None else seen.model_priced,
            }
        )
    gains = [one.pnl_usd for one in groups]
    return {
        "groups": [_document(one) for one in groups],
        "sleeves": sleeves,
        "model_priced": any(one["model_priced"] for one in sleeves),
        "collateral_usd": plain(sum((one.collateral_usd for one in groups), Decimal(0))),
        "max_loss_usd": plain(sum((one.max_loss_usd for one in groups), Decimal(0))),
        "pnl_usd": None if None in gains else plain(sum((one for one in gains if one is not None), Decimal(0))),
    }


def _seen(reader: Reader, name: str) -> tuple[DecisionRow, Seen] | None:
    row = reader.decision(None, name)
    found = None if row is None else seen_of(name, date.fromisoformat(row.session), row.frame, row.settings)
    return None if row is None or found is None else (row, found)


def _document(one: GroupLine) -> dict[str, Any]:
    found: dict[str, Any] = plain(one)
    return found


def option_chain(settings: Settings, reader: Reader | None, symbol: str) -> dict[str, Any]:
    """Return the chain of an underlying as the newest decision saw it, with our numbers and why others are out.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    reader : Reader or None
        The records of one database, for reading alone; None for none.
    symbol : str
        Ticker.

    Raises
    ------
    UsageError
        If no sleeve asked for it.
    """
    names = [one.name for one in settings.sleeves() if one.strategy.OPTIONS]
    every = [] if reader is None else [one for name in names if (one := _seen(reader, name)) is not None]
    seen = [one for one in every if symbol in one[1].chains]
    if not seen:
        known = sorted({name for _, one in every for name in one.chains})
        there = f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}" if known else "none was read yet"
        raise UsageError(f"{symbol}: no decision read a chain of it; {there}")
    row, newest = max(seen, key=lambda one: one[1].day)
    chain, removed = newest.chains[symbol], _removed(row, symbol)
    return {
        "symbol": symbol,
        "session": newest.day.isoformat(),
        "sleeve": row.strategy,
        "source": newest.source,
        "model_priced": newest.model_priced,
        "spot": chain.chain.spot,
        "refused": chain.refused,
        "forwards": {expiry.isoformat(): round(forward, 4) for expiry, forward in chain.forwards.items()},
        "contracts": [
            _contract(chain, one.contract, removed) | {"open_interest": one.open_interest}
            for one in sorted(chain.chain.rows, key=lambda of: _place(of.contract))
        ],
    }


def _place(one: OptionContract) -> tuple[date, str, Decimal, int]:
    return one.expiry, one.right.value, one.strike, one.con_id


def _contract(chain: ReadChain, one: OptionContract, removed: Mapping[int, str | None]) -> dict[str, Any]:
    quote = next(row.quote for row in chain.chain.rows if row.contract.con_id == one.con_id)
    reading = chain.readings.get(one.con_id)
    known = reading is not None and reading.delta is not None and reading.volatility is not None
    return {
        "contract": one.words,
        "right": "call" if one.right is Right.CALL else "put",
        "strike": float(one.strike),
        "con_id": one.con_id,
        "days": one.days_from(chain.chain.session),
        "bid": quote.bid,
        "ask": quote.ask,
        "mid": None if reading is None else round(reading.mid, 4),
        "volatility": round(reading.volatility, 4) if known and reading and reading.volatility is not None else None,
        "delta": round(reading.delta, 4) if known and reading and reading.delta is not None else None,
        "out": chain.without.get(one.con_id) or removed.get(one.con_id, ""),
    }


def _removed(row: DecisionRow, symbol: str) -> dict[int, str | None]:
    """Return by contract why the decision did not choose it; None for what it chose."""
    from mtum.core.reporting.explain_options import filter_text

    found: dict[int, str | None] = {}
    for verdict in map(table_in, list_in(table_in(row.document.get("options", {})).get("verdicts", []))):
        selection = table_in(verdict.get("selection", {}))
        if verdict["underlying"] != symbol or not selection:
            continue
        for _, number, _, name, value, threshold in map(list_in, list_in(selection["considered"])):
            at = int(str(number))
            out = None if name is None else filter_text({"name": name, "value": value, "threshold": threshold})
            # Chosen for one leg, it is not out because another could not use it.
            found[at] = None if at in found and found[at] is None else out
    return found
