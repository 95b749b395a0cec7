"""`mtum sleeves`: what the account is made of."""

from typing import TYPE_CHECKING

import typer

from mtum.cli.context import call_of
from mtum.cli.output import Answer, Listing
from mtum.cli.stored import NOTHING_YET, stand_in

if TYPE_CHECKING:
    from mtum.app.queries.sleeves import SleeveLine

_COLUMNS = [
    *("sleeve", "strategy", "weight", "state", "equity USD", "buy and hold USD"),
    *("return", "drawdown", "position", "last reason"),
]


def sleeves(context: typer.Context) -> Answer:
    """Each sleeve with its weight, state, equity, return, drawdown, position and last reason."""
    from mtum.app.queries.sleeves import sleeve_lines
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    settings = call.settings()
    with opened_reader(settings, call.database()) as reader:
        lines = sleeve_lines(settings, reader)
        empty = reader is None
    equity = [line.equity_usd for line in lines if line.equity_usd is not None and line.state != "watch"]
    held = [line.benchmark_usd for line in lines if line.benchmark_usd is not None and line.state != "watch"]
    document = {
        "sleeves": lines,
        "equity_usd": round(sum(equity), 6) if equity else None,
        "benchmark_usd": round(sum(held), 6) if held and len(held) == len(equity) else None,
        "weights": round(sum(line.weight for line in lines if line.state != "watch"), 9),
    }
    moved = any(line.transferred_usd for line in lines)
    rows = [[*_row(line), *([f"{line.transferred_usd:+,.2f}"] if moved else [])] for line in lines]
    shown = Listing([*_COLUMNS, *(["from other sleeves USD"] if moved else [])], rows)
    return Answer(document, [*([NOTHING_YET, ""] if empty else []), shown, *stand_in(call)])


def _row(line: "SleeveLine") -> list[object]:
    held = "; ".join(f"{row.shares} {row.symbol}" for row in line.positions)
    return [
        line.sleeve,
        line.strategy,
        f"{line.weight:g}",
        "VIRTUAL" if line.state == "watch" else line.state.replace("_", "-"),
        None if line.equity_usd is None else f"{line.equity_usd:,.2f}",
        None if line.benchmark_usd is None else f"{line.benchmark_usd:,.2f}",
        None if line.return_frac is None else f"{line.return_frac:+.2%}",
        None if line.drawdown_frac is None else f"{line.drawdown_frac:.2%}",
        held or "flat",
        ", ".join(line.reasons) or None,
    ]
