"""`mtum sleeves`: what the account is made of."""

from math import prod
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
    from mtum.app.queries.performance import account_performance
    from mtum.app.queries.sleeves import sleeve_lines
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    settings = call.settings()
    real = [name for name, one in settings.configured().items() if one.state != "watch"]
    with opened_reader(settings, call.database()) as reader:
        account = account_performance(reader, real) if reader else []
        lines = sleeve_lines(settings, reader, account)
        empty = reader is None
    last = account[-1] if account else None
    earned = prod(1.0 + row.return_frac for row in account) - 1.0
    gained = sum(line.gained_usd or 0.0 for line in lines)
    document = {
        "sleeves": lines,
        "equity_usd": last.equity_usd if last else None,
        "benchmark_usd": last.benchmark_usd if last else None,
        "gained_usd": round(gained, 6) if last else None,
        "return_frac": round(earned, 8) if last else None,
        "drawdown_frac": last.drawdown_frac if last else None,
        "weights": round(sum(line.weight for line in lines if line.state != "watch"), 9),
    }
    moved = any(line.transferred_usd for line in lines)
    rows = [[*_row(line), *([f"{line.transferred_usd:+,.2f}"] if moved else [])] for line in lines]
    told = f"The account has {last.equity_usd:,.2f} USD: {gained:+,.2f} since it began ({earned:+.2%})." if last else ""
    watched = [
        f"{line.sleeve}, VIRTUAL {one.start} to {one.end} ({one.sessions} sessions): {one.return_frac:+.2%}, largest "
        f"fall {-one.max_drawdown_frac:.2%}."
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
