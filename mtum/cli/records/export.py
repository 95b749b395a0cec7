"""`mtum export`: files for other programs."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from mtum.cli.context import Call, call_of
from mtum.cli.output import Answer
from mtum.cli.stored import stored
from mtum.errors import UsageError

app = typer.Typer(help="Write trades, signals, performance or tax lots to files.")

Year = Annotated[int | None, typer.Option("--year", metavar="Y", min=1970, max=2999, help="Only this calendar year.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write; - for stdout.")]


@app.command()
def trades(context: typer.Context, year: Year = None, out: Out = None) -> Answer:
    """Round trips as CSV; with --year those closed in it."""
    from mtum.adapters.store import reading
    from mtum.adapters.store.schema import columns_documentation
    from mtum.app.records.export import trades_csv

    call = call_of(context)
    with stored(call) as connection:
        rows = [] if connection is None else reading.trades(connection)
    columns = columns_documentation()["v_trades"]
    return written(call, *trades_csv(rows, columns, year), out or _default(call, "trades", year, "csv"))


@app.command()
def signals(context: typer.Context, year: Year = None, out: Out = None) -> Answer:
    """Every condition of every session as JSON lines."""
    from mtum.adapters.store import reading
    from mtum.app.records.export import signals_lines

    call = call_of(context)
    with stored(call) as connection:
        rows = [] if connection is None else reading.signals(connection)
    return written(call, *signals_lines(rows, year), out or _default(call, "signals", year, "jsonl"))


@app.command()
def performance(context: typer.Context, year: Year = None, out: Out = None) -> Answer:
    """Equity, return, drawdown and buy-and-hold by session as CSV."""
    from mtum.adapters.store import reading
    from mtum.adapters.store.schema import columns_documentation
    from mtum.app.records.export import performance_csv

    call = call_of(context)
    with stored(call) as connection:
        points = [] if connection is None else reading.equity(connection)
        cash = [] if connection is None else reading.cash_movements(connection)
    start = {row["strategy"]: row["amount_usd"] for row in cash if row["kind"] == "capital"}
    columns = columns_documentation()["equity"]
    text, count = performance_csv(points, columns, start, year)
    return written(call, text, count, out or _default(call, "performance", year, "csv"))


@app.command()
def tax(context: typer.Context, year: Year = None, out: Out = None) -> Answer:
    """Closed tax lots as CSV in the columns of Form 8949; with --year those sold in it."""
    from mtum import wiring
    from mtum.app.records.export_tax import tax_csv

    call = call_of(context)
    target = out or _default(call, "tax", year, "csv")
    if not call.database().exists():
        return written(call, *tax_csv((), (), year), target)
    with wiring.opened_store(call.settings(), call.data_folder()) as store:
        text, rows = tax_csv(store.orders.fills(), store.bars.splits(), year)
    return written(call, text, rows, target)


def written(call: Call, text: str, rows: int, out: Path) -> Answer:
    """Write an export, whole or not at all, and return the answer that names it.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    if str(out) == "-":
        if call.json:
            raise UsageError("--out - and --json both want stdout; leave one out")
        return Answer({"files": [], "rows": rows}, [text.removesuffix("\n")] if text else [])
    beside = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, out)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
    return Answer({"files": [out], "rows": rows}, [f"{rows} rows in {out.absolute()}"])


def _default(call: Call, kind: str, year: int | None, ending: str) -> Path:
    name = kind if year is None else f"{kind}-{year}"
    return call.data_folder() / "exports" / f"{name}.{ending}"
