"""`mtum sweep` and `mtum walkforward`: many settings over one history."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtum.cli.arguments import OutFolder, SleeveName, word_option
from mtum.cli.context import CommandCall, call_of
from mtum.cli.history.backtest import (
    End,
    Fill,
    Holdings,
    PortfolioFile,
    Set,
    Settled,
    SkipUnfit,
    Slippage,
    Source,
    Start,
    StrategyName,
    Symbol,
    changed_settings,
    holdings_given,
    market_of,
)
from mtum.cli.history.backtest_text import kept_as
from mtum.cli.history.keeping import keep
from mtum.cli.output import Answer, Listing
from mtum.core.reporting.backtest.settings import named, ratio_words, setting_words
from mtum.core.reporting.words import count
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.app.research.prepared_sweep import PreparedSweep
    from mtum.config import Settings
    from mtum.core.market.bars import Column, Days
    from mtum.core.simulation.kernel.grid import GridResults

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
    strategy: StrategyName = None,
    sleeve: SleeveName = None,
    portfolio: PortfolioFile = None,
    symbol: Symbol = None,
    source: Source = None,
    start: Start = None,
    end: End = None,
    fill: Fill = "same_close",
    settlement: Settled = "none",
    slippage_bps: Slippage = 0.0,
    changes: Set = None,
    holding: Holdings = None,
    skip_unfit: SkipUnfit = False,
    out: OutFolder = None,
) -> Answer:
    """A backtest for every point of a grid of settings."""
    from mtum.app.research.sweep import about, judged, map_document, terms_document
    from mtum.app.research.sweep import sweep as play
    from mtum.wiring.research import engine_named, sweep_results

    call = call_of(context)
    given: dict[str, Any] = {"strategy": strategy, "symbol": symbol, "start": start, "end": end}
    given |= {"fill": fill, "settlement": settlement, "slippage_bps": slippage_bps}
    given |= {"holdings": holdings_given(holding or []), "skip_unfit": skip_unfit}
    prepared = _prepared(call, grid, source, changes or [], given, (sleeve, portfolio))
    chosen = engine_named(engine, workers, prepared)
    folder = (out or call.data_folder() / "sweeps" / f"{grid.stem}-{prepared.fingerprint()}").absolute()
    with sweep_results(prepared, folder) as store:
        with _progress(call, len(prepared.combinations)) as progress:
            results = play(prepared, store, chosen, progress)
        answer = {**about(prepared), "terms": terms_document(prepared), **judged(prepared, results)}
        answer["files"] = _written(prepared, store, results, answer, folder)
    kept = {**answer, "map": map_document(prepared, results)}
    _keep(call, "sweep", prepared, kept)
    answer["id"] = kept["id"]
    return Answer(answer, list(_sweep_shown(answer)))


def walkforward(
    context: typer.Context,
    grid: GridFile,
    *,
    fit_sessions: FitSessions = 756,
    try_sessions: TrySessions = 126,
    windows: Windows = "rolling",
    workers: Workers = 1,
    engine: EngineName = "local",
    strategy: StrategyName = None,
    sleeve: SleeveName = None,
    portfolio: PortfolioFile = None,
    symbol: Symbol = None,
    source: Source = None,
    start: Start = None,
    end: End = None,
    fill: Fill = "same_close",
    settlement: Settled = "none",
    slippage_bps: Slippage = 0.0,
    changes: Set = None,
    holding: Holdings = None,
    skip_unfit: SkipUnfit = False,
    out: OutFolder = None,
) -> Answer:
    """Choose settings on the past, judge them on what follows."""
    from mtum.app.research.sweep import sweep as play
    from mtum.app.research.walk_forward import document, folds_of, walk_forward
    from mtum.core.research.walk_forward import WindowKind
    from mtum.wiring.research import engine_named, window_results

    call = call_of(context)
    given: dict[str, Any] = {"strategy": strategy, "symbol": symbol, "start": start, "end": end}
    given |= {"fill": fill, "settlement": settlement, "slippage_bps": slippage_bps}
    given |= {"holdings": holdings_given(holding or []), "skip_unfit": skip_unfit}
    prepared = _prepared(call, grid, source, changes or [], given, (sleeve, portfolio))
    cuts = folds_of(prepared, fit_sessions, try_sessions, WindowKind(windows))
    chosen = engine_named(engine, workers, prepared)
    folder = (out or call.data_folder() / "sweeps" / f"{grid.stem}-{prepared.fingerprint()}").absolute()
    # One window more is fitted on than there are folds: the whole span, with hindsight.
    with _progress(call, (len(cuts) + 1) * len(prepared.combinations)) as progress:
        finished = 0

        def fitted(window: "PreparedSweep") -> "GridResults":
            nonlocal finished
            before, total = finished, (len(cuts) + 1) * len(prepared.combinations)
            with window_results(window, folder) as store:
                found = play(window, store, chosen, lambda done, of: progress(before + done, total))
            finished += len(prepared.combinations)
            return found

        walked = walk_forward(prepared, cuts, fitted)
    answer = document(walked)
    if out is not None:
        from mtum.core.reporting.backtest.walk_forward import walk_forward_page
        from mtum.wiring.research import page_files

        answer["files"] = page_files(walk_forward_page(answer), out / "walkforward.html")
    _keep(call, "walkforward", prepared, answer, (walked.days, walked.equity))
    return Answer(answer, list(_walked_shown(answer)))


def _prepared(
    call: CommandCall,
    grid: Path,
    source: str | None,
    changes: Sequence[str],
    given: Mapping[str, Any],
    account: tuple[str | None, Path | None],
) -> "PreparedSweep":
    from mtum.app.research.backtest_request import BacktestRequest, of_sleeve
    from mtum.app.research.grid_file import read_grid
    from mtum.app.research.prepare_sweep import prepare
    from mtum.app.research.run_backtest import tell_compiling
    from mtum.core.simulation.kernel.grid import play_grid
    from mtum.core.simulation.walker.loop import walk
    from mtum.wiring.provenance import code_hash

    sleeve, portfolio = account
    if sleeve is not None and given["strategy"] is not None:
        raise UsageError("--sleeve plays a sleeve of the settings as it is; leave out --strategy")
    if portfolio is not None and given["strategy"] is not None:
        raise UsageError("--portfolio plays an account; leave out --strategy")
    read = read_grid(grid)

    def settings(more: Mapping[str, Any]) -> "Settings":
        found = changed_settings(call, source, changes, more, portfolio)
        return found if sleeve is None else of_sleeve(found, sleeve)

    asked = BacktestRequest(settings=settings(read.base), sleeve=sleeve, **given)
    found = prepare(read, asked, settings, *market_of(call, asked.settings), code_hash())
    if found.is_compiled or found.is_walked:
        tell_compiling(call.tell, play_grid if found.is_compiled else walk)
    return found


def _keep(
    call: CommandCall,
    kind: str,
    prepared: "PreparedSweep",
    answer: dict[str, Any],
    curve: "tuple[Days, Column] | None" = None,
) -> None:
    grid: dict[str, Any] = {"base": dict(prepared.grid.base)}
    for name, value in prepared.grid.distinct():
        grid.setdefault(name, []).append(value)
    settings = (prepared.asked.settings, {**prepared.asked.settings_document(), "grid": grid})
    keep(call, kind, answer, settings, bars=[ground.market for ground in prepared.grounds], curve=curve)


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
        f"{count(answer['combinations'], 'combination')} on {answer['symbol']}, {answer['start']} to {answer['end']}, "
        f"{count(answer['sessions'], 'session')}"
    )
    names = list(answer["top"][0]["settings"]) if answer["top"] else []
    columns = (*map(named, names), "Sharpe", "return a year, %", "max drawdown, %", "trades")
    rows = [
        [
            *map(setting_words, row["settings"].values()),
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
    if answer["neighbors"]:
        from mtum.core.reporting.backtest.heat_map import neighbors_words

        yield neighbors_words(answer)
    yield from answer["cautions"]
    for file in answer["files"]:
        yield f"written: {file}"
    if answer["id"]:
        yield kept_as(answer)


def _walked_shown(answer: Mapping[str, Any]) -> Iterator[str | Listing]:
    from mtum.core.reporting.backtest.checks import luck_table
    from mtum.core.reporting.backtest.walk_forward import walked_table

    yield (
        f"{count(answer['combinations'], 'combination')} on {answer['symbol']}, tried on "
        f"{count(answer['sessions'], 'session')} that were not looked at, {answer['start']} to {answer['end']}"
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
    for one in (walked_table(answer), luck_table(answer)):
        yield Listing(one.head, [[cell.text for cell in row] for row in one.rows])
    yield from answer["cautions"]
    for file in answer.get("files", ()):
        yield f"written: {file}"
    if answer["id"]:
        yield kept_as(answer)


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{named(name)} {setting_words(value)}" for name, value in settings.items())
