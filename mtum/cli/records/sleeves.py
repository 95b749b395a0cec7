"""`mtum sleeves`: what the account is made of."""

from typing import TYPE_CHECKING

import typer

from mtum.cli.context import call_of
from mtum.cli.output import Answer, Listing
from mtum.cli.stored import NOTHING_YET, stand_in

if TYPE_CHECKING:
    from mtum.app.queries.sleeves import SleeveLine

_COLUMNS = [
    *("sleeve", "strategy", "weight", "state", "equity USD", "buy and hold USD", "earned USD"),
    *("return", "drawdown", "position", "last reason"),
]


def sleeves(context: typer.Context) -> Answer:
    """Each sleeve with its weight, state, equity, return, drawdown, position and last reason."""
    from mtum.app.queries.sleeves import sleeves_document
    from mtum.core.reporting.words import count
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    settings = call.settings()
    with opened_reader(settings, call.database()) as reader:
        document = sleeves_document(settings, reader)
        empty = reader is None
    lines: list[SleeveLine] = document["sleeves"]
    equity, gained, earned = (document[name] for name in ("equity_usd", "gained_usd", "return_frac"))
    moved = any(line.transferred_usd for line in lines)
    rows = [[*_row(line), *([f"{line.transferred_usd:+,.2f}"] if moved else [])] for line in lines]
    told = (
        "" if equity is None else f"The account has {equity:,.2f} USD: {gained:+,.2f} since it began ({earned:+.2%})."
    )
    watched = [
        f"{line.sleeve}, VIRTUAL {one.start} to {one.end} ({count(one.sessions, 'session')}): {one.return_frac:+.2%}, "
        f"largest fall {-one.max_drawdown_frac:.2%}."
        for line in lines
        for one in line.watched
    ]
    shown = Listing([*_COLUMNS, *(["from other sleeves USD"] if moved else [])], rows)
    return Answer(
        document, [*([NOTHING_YET, ""] if empty else []), shown, *([told] if told else []), *watched, *stand_in(call)]
    )


def _row(line: "SleeveLine") -> list[object]:
    from mtum.core.reporting.words import listed, reason

    held = "; ".join(f"{row.shares} {row.symbol}" for row in line.positions)
    return [
        line.sleeve,
        line.strategy,
        f"{line.weight:g}",
        "VIRTUAL" if line.state == "watch" else line.state.replace("_", "-"),
        None if line.equity_usd is None else f"{line.equity_usd:,.2f}",
        None if line.benchmark_usd is None else f"{line.benchmark_usd:,.2f}",
        None if line.gained_usd is None else f"{line.gained_usd:+,.2f}",
        None if line.return_frac is None else f"{line.return_frac:+.2%}",
        None if line.drawdown_frac is None else f"{line.drawdown_frac:.2%}",
        held or "flat",
        listed(tuple(reason(word) for word in line.reasons if word)) or None,
    ]
