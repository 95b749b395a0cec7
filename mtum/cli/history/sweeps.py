"""`mtum sweep` and `mtum walkforward`: many settings over one history."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtum.cli.arguments import OutFolder, word_option
from mtum.cli.context import CommandCall, call_of
from mtum.cli.history.backtest import (
    End,
    Fill,
    Set,
    Settled,
    Slippage,
    Source,
    Start,
    Symbol,
    changed_settings,
    market_of,
)
from mtum.cli.output import Answer, Listing
from mtum.core.reporting.backtest.settings import named, ratio_words

if TYPE_CHECKING:
    from mtum.app.research.sweep import PreparedSweep
    from mtum.config import Settings

GridFile = Annotated[Path, typer.Argument(metavar="GRID.toml", help="Settings to try.")]
Workers = Annotated[int, typer.Option("--workers", metavar="N", min=1, max=256, help="Played beside each other.")]
EngineName = Annotated[str, word_option("--engine", "local", "ray", metavar="NAME")]
FitSessions = Annotated[int, typer.Option("--fit-sessions", metavar="N", min=20, help="Sessions chosen on.")]
TrySessions = Annotated[int, typer.Option("--try-sessions", metavar="N", min=1, help="Sessions they are tried on.")]
Windows = Annotated[str, word_option("--windows", "rolling", "expanding", metavar="KIND")]


def sweep(
    context: typer.Context,
    grid: GridFile,
    *,
    workers: Workers = 1,
    engine: EngineName = "local",
    symbol: Symbol = None,
    source: Source = None,
    start: Start = None,
    end: End = None,
    fill: Fill = "same_close",
    settlement: Settled = "none",
    slippage_bps: Slippage = 0.0,
    changes: Set = None,
    out: OutFolder = None,
) -> Answer:
    """A backtest for every point of a grid of settings."""
    from mtum.app.research.sweep import judged, terms_document
    from mtum.app.research.sweep import sweep as play
    from mtum.wiring.research import engine_named, sweep_results

    call = call_of(context)
    given: dict[str, Any] = {"symbol": symbol, "start": start, "end": end}
    given |= {"fill": fill, "settlement": settlement, "slippage_bps": slippage_bps}
    chosen = engine_named(engine, workers)
    prepared = _prepared(call, grid, source, changes or [], given)
    folder = (out or call.data_folder() / "sweeps" / f"{grid.stem}-{prepared.fingerprint()}").absolute()
    with sweep_results(prepared, folder) as store:
        with _progress(call, len(prepared.combinations)) as progress:
            results = play(prepared, store, chosen, progress)
        answer = {
            "symbol": ", ".join(prepared.symbols),
            "start": prepared.days[0].astype(object),
            "end": prepared.days[-1].astype(object),
            "sessions": len(prepared.days),
            "terms": terms_document(prepared),
            "combinations": len(prepared.combinations),
            **judged(prepared, results),
        }
        answer["files"] = _written(prepared, store, results, answer, folder)
    return Answer(answer, list(_sweep_shown(answer)))


def walkforward(
    context: typer.Context,
    grid: GridFile,
    *,
    fit_sessions: FitSessions = 756,
    try_sessions: TrySessions = 126,
    windows: Windows = "rolling",
    symbol: Symbol = None,
    source: Source = None,
    start: Start = None,
    end: End = None,
    fill: Fill = "same_close",
    settlement: Settled = "none",
    slippage_bps: Slippage = 0.0,
    changes: Set = None,
    out: OutFolder = None,
) -> Answer:
    """Choose settings on the past, judge them on what follows."""
    from mtum.app.research.walk_forward import document, walk_forward
    from mtum.core.research.walk_forward import WindowKind

    call = call_of(context)
    given: dict[str, Any] = {"symbol": symbol, "start": start, "end": end}
    given |= {"fill": fill, "settlement": settlement, "slippage_bps": slippage_bps}
    prepared = _prepared(call, grid, source, changes or [], given)
    answer = document(walk_forward(prepared, fit_sessions, try_sessions, WindowKind(windows)))
    answer = {"symbol": ", ".join(prepared.symbols), "combinations": len(prepared.combinations), **answer}
    if out is not None:
        from mtum.core.reporting.backtest.walk_forward import walk_forward_page
        from mtum.wiring.research import page_files

        answer["files"] = page_files(walk_forward_page(answer), out / "walkforward.html")
    return Answer(answer, list(_walked_shown(answer)))


def _prepared(
    call: CommandCall, grid: Path, source: str | None, changes: Sequence[str], given: Mapping[str, Any]
) -> "PreparedSweep":
    from mtum.app.research.backtest_request import BacktestRequest
    from mtum.app.research.grid_file import read_grid
    from mtum.app.research.prepare_sweep import prepare
    from mtum.app.research.run_backtest import tell_compiling
    from mtum.core.simulation.kernel.grid import play_grid

    read = read_grid(grid)
    tell_compiling(call.tell, play_grid)

    def settings(more: Mapping[str, Any]) -> "Settings":
        return changed_settings(call, source, changes, more)

    asked = BacktestRequest(settings=settings(read.base), **given)
    return prepare(read, asked, settings, *market_of(call, asked.settings))


@contextmanager
def _progress(call: CommandCall, total: int) -> Iterator[Callable[[int, int], None]]:
    import sys

    if call.quiet or call.json or not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("combinations", total=total)
        yield lambda done, of: bar.update(task, completed=done)


def _written(prepared: "PreparedSweep", store: Any, results: Any, found: Mapping[str, Any], folder: Path) -> list[Path]:
    from mtum.app.research.sweep import table
    from mtum.core.reporting.backtest.heat_map import heat_map_page
    from mtum.wiring.research import page_files

    rows, columns = folder / "sweep.csv", table(prepared, results)
    store.write_csv(rows, columns)
    page = heat_map_page(prepared.changes, columns["sharpe"], found)
    return [store.path, rows, *page_files(page, folder / "sweep.html")]


def _sweep_shown(answer: Mapping[str, Any]) -> Iterator[str | Listing]:
    yield (
        f"{answer['combinations']} combinations on {answer['symbol']}, {answer['start']} to {answer['end']}, "
        f"{answer['sessions']} sessions"
    )
    names = list(answer["top"][0]["settings"]) if answer["top"] else []
    columns = (*map(named, names), "Sharpe", "return a year, %", "max drawdown, %", "trades")
    rows = [
        [
            *row["settings"].values(),
            *(ratio_words(row["sharpe"]), f"{100 * row['cagr_frac']:.2f}", f"{100 * row['max_drawdown_frac']:.2f}"),
            row["trades"],
        ]
        for row in answer["top"]
    ]
    yield Listing(columns, rows, "Best by Sharpe ratio")
    for held in answer["benchmarks"]:
        yield (
            f"buying and holding {held['symbol']} over the same sessions: Sharpe {ratio_words(held['sharpe'])}, "
            f"return a year {100 * held['cagr_frac']:.2f} %, max drawdown {100 * held['max_drawdown_frac']:.2f} %"
        )
    likely = answer["deflated_sharpe_probability"]
    if likely is not None:
        tries = f"luck among {answer['combinations']} tries"
        yield f"probability that the best is better than {tries}: {100 * likely:.1f} %"
    if answer["overfitting_probability"] is not None:
        overfitted = 100 * answer["overfitting_probability"]
        yield f"probability that the best in one half of history is below the median in the other: {overfitted:.1f} %"
    yield from answer["cautions"]
    for file in answer["files"]:
        yield f"written: {file}"


def _walked_shown(answer: Mapping[str, Any]) -> Iterator[str | Listing]:
    from mtum.core.reporting.backtest.walk_forward import walked_table

    yield (
        f"{answer['combinations']} combinations on {answer['symbol']}, tried on {answer['sessions']} sessions "
        f"that were not looked at, {answer['start']} to {answer['end']}"
    )
    columns = ("tried from", "to", "chosen", "Sharpe when fitted", "return when tried, %", "trades")
    rows = [
        [
            *(fold["tried_from"], fold["tried_to"], _words(fold["settings"])),
            *(ratio_words(fold["fitted_sharpe"]), f"{100 * fold['tried_return_frac']:.2f}", fold["trades"]),
        ]
        for fold in answer["folds"]
    ]
    yield Listing(columns, rows)
    compared = walked_table(answer)
    yield Listing(compared.head, [[cell.text for cell in row] for row in compared.rows])
    yield from answer["cautions"]
    for file in answer.get("files", ()):
        yield f"written: {file}"


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{named(name)} {value}" for name, value in settings.items())
