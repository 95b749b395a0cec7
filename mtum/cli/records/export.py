"""`mtum export`: files for other programs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from mtum.cli.arguments import OutFile, SleeveName, sleeve_of
from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer, AnswerProblem
from mtum.cli.stored import untold_commissions
from mtum.errors import BookMismatchError, ExitCode, UsageError

if TYPE_CHECKING:
    from mtum.ports.option_rows import OptionFillRow
    from mtum.ports.reading import Reader
    from mtum.ports.rows import FillRow

app = typer.Typer(help="Write trades, signals, performance or tax lots to files.")

Year = Annotated[int | None, typer.Option("--year", metavar="Y", min=1970, max=2999, help="Only this calendar year.")]


@app.command()
def trades(context: typer.Context, year: Year = None, out: OutFile = None, sleeve: SleeveName = None) -> Answer:
    """Round trips as CSV; with --year those closed in it."""
    from mtum.app.records.export import csv_text, in_year
    from mtum.ports.rows import FillRow, TradeRow

    call = call_of(context)
    with _sound(call) as reader:
        rows = in_year(reader.rows(TradeRow, None, None, **_only(call, sleeve)) if reader else (), "exit_session", year)
        untold = reader.rows(FillRow, commission_usd=None) if reader else ()
    answer = written(call, csv_text(TradeRow, rows), len(rows), out or _default(call, "trades", year, "csv"))
    return _with_untold(answer, untold, "their trades have no commission, P&L and return")


@app.command()
def signals(context: typer.Context, year: Year = None, out: OutFile = None, sleeve: SleeveName = None) -> Answer:
    """Every condition of every session as JSON lines."""
    from mtum.app.records.export import in_year, signals_text
    from mtum.ports.rows import SignalRow
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    with opened_reader(call.settings(), call.database()) as reader:
        rows = in_year(reader.rows(SignalRow, None, None, **_only(call, sleeve)) if reader else (), "session", year)
    return written(call, signals_text(rows), len(rows), out or _default(call, "signals", year, "jsonl"))


@app.command()
def performance(context: typer.Context, year: Year = None, out: OutFile = None, sleeve: SleeveName = None) -> Answer:
    """Equity, return, drawdown and buy-and-hold by session as CSV."""
    from mtum.app.queries.listing import untold_fills
    from mtum.app.queries.performance import PerformanceRow
    from mtum.app.queries.performance import performance as performance_of
    from mtum.app.records.export import csv_text, in_year

    call = call_of(context)
    with _sound(call) as reader:
        rows = in_year(performance_of(reader, sleeve_of(call.settings(), sleeve)) if reader else (), "session", year)
        untold = untold_fills(reader) if reader else ()
    text, target = csv_text(PerformanceRow, rows), out or _default(call, "performance", year, "csv")
    return _with_untold(written(call, text, len(rows), target), untold, "equity and returns are still without it")


@app.command()
def tax(context: typer.Context, year: Year = None, out: OutFile = None) -> Answer:
    """Closed tax lots as CSV in the columns of Form 8949; with --year those sold in it."""
    from mtum.app.ledger.tax_records import tax_records
    from mtum.app.queries.listing import untold_fills
    from mtum.app.records.export_tax import tax_csv
    from mtum.wiring.resources import opened_store

    call = call_of(context)
    target = out or _default(call, "tax", year, "csv")
    with _sound(call) as reader:
        if reader is None:
            return written(call, *tax_csv((), (), year), target)
        untold = untold_fills(reader)
    with opened_store(call.settings(), call.data_folder(), reading=True) as store:
        fills, index_options = tax_records(store)
        text, rows = tax_csv(fills, store.bars.actions(), year, index_options)
    # A purchase in January can still defer a loss of December.
    untold = [one for one in untold if year is None or one.session < f"{year + 1}-02-01"]
    answer = _with_untold(written(call, text, rows, target), untold, "amounts that depend on it are empty")
    problems = [AnswerProblem(ExitCode.DATA, line) for line in answer.hints]
    return replace(answer, exit_code=ExitCode.DATA, problems=problems) if untold else answer


@app.command(name="options")
def option_trades(context: typer.Context, year: Year = None, out: OutFile = None, sleeve: SleeveName = None) -> Answer:
    """Option contracts that ended as CSV; with --year those that did in it."""
    from mtum.app.queries.listing import untold_fills
    from mtum.app.records.export import csv_text, in_year
    from mtum.ports.option_rows import OptionTradeRow

    call = call_of(context)
    with _sound(call) as reader:
        rows = reader.rows(OptionTradeRow, None, None, **_only(call, sleeve)) if reader else ()
        rows = in_year(rows, "ended", year)
        untold = untold_fills(reader, "option_trades") if reader else ()
    text, target = csv_text(OptionTradeRow, rows), out or _default(call, "options", year, "csv")
    return _with_untold(written(call, text, len(rows), target), untold, "their contracts have no fees and no P&L")


@contextmanager
def _sound(call: CommandCall) -> "Iterator[Reader | None]":
    """Open the records for figures that come of fills; none are right where fills have been changed."""
    from mtum.app.ledger.unsound_books import unsound_books
    from mtum.wiring.resources import opened_reader

    with opened_reader(call.settings(), call.database()) as reader:
        if reader is not None and (changed := unsound_books(reader)):
            raise BookMismatchError(f"{changed}; nothing was written")
        yield reader


def _only(call: CommandCall, sleeve: str | None) -> dict[str, str | None]:
    return {} if sleeve is None else {"strategy": sleeve_of(call.settings(), sleeve)}


def _with_untold(answer: Answer, untold: "Sequence[FillRow | OptionFillRow]", left: str) -> Answer:
    if not untold:
        return answer
    document = {**answer.document, "without_commission": [one.exec_id for one in untold]}
    return replace(answer, document=document, hints=untold_commissions(untold, left))


def written(call: CommandCall, text: str, rows: int, out: Path) -> Answer:
    """Write an export, whole or not at all, and return the answer that names it.

    Parameters
    ----------
    call : CommandCall
        The options given so far and what was read because of them; one object per process.
    text : str
        What the file holds.
    rows : int
        How many rows it has.
    out : Path
        File to write.

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
    from mtum.core.reporting.words import count

    return Answer({"files": [out], "rows": rows}, [f"{count(rows, 'row')} in {out.absolute()}"])


def _default(call: CommandCall, kind: str, year: int | None, ending: str) -> Path:
    name = kind if year is None else f"{kind}-{year}"
    return call.data_folder() / "exports" / f"{name}.{ending}"
