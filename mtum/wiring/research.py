"""What studies of history write and where they are played."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mtum.adapters.sweep_results import SweepResults
from mtum.app.research.prepared_sweep import PreparedSweep
from mtum.app.research.run_backtest import Backtested
from mtum.app.research.sweep import Engine, ResultStore, RowsAtHand, ThreadEngine
from mtum.app.research.tear_sheet import sheet_files, sheet_of
from mtum.core.reporting.backtest.tear_sheet import tear_sheet
from mtum.core.reporting.layout import Page
from mtum.core.research.checks import Each, one_by_one
from mtum.core.research.variants import Asked
from mtum.errors import UsageError


def tear_sheet_files(found: Backtested, document: Mapping[str, Any], folder: Path) -> Sequence[Path]:
    """Write a backtest's tear sheet with its charts and the same figures as JSON and CSV; return the files.

    Parameters
    ----------
    found : Backtested
        A history, what was played on it and what that was worth.
    document : mapping of str to any
        The document, as plain JSON values.
    folder : Path
        Folder that the files go to.

    Raises
    ------
    UsageError
        If the folder cannot be written.
    """
    sheet = sheet_of(found, document)
    return page_files(tear_sheet(sheet), folder / "tear-sheet.html", beside=sheet_files(sheet), pictures=True)


def page_files(
    page: Page, target: Path, *, beside: Mapping[str, bytes] | None = None, pictures: bool = False
) -> list[Path]:
    """Write a page, beside it other files by name and, with `pictures`, its charts as PNG; return the files.

    Parameters
    ----------
    page : Page
        A whole report: subject, verdict, lines under it, and sections in reading order.
    target : Path
        Folder or file that the page goes to.
    beside : mapping of str to bytes or None
        Further files by name.
    pictures : bool
        Whether charts are written as PNG too.

    Raises
    ------
    UsageError
        If the folder cannot be written.
    """
    from mtum.adapters.rendering.html import HtmlRenderer, chart_files
    from mtum.adapters.rendering.report_folder import write_whole

    contents = {target.name: HtmlRenderer().page(page).encode(), **(beside or {})}
    if pictures:
        contents |= {f"{key}.png": image for key, image in chart_files(page).items()}
    try:
        return write_whole(target.parent.absolute(), contents)
    except OSError as error:
        raise UsageError(f"{target.parent} cannot be written: {error.strerror}") from error


@contextmanager
def sweep_results(prepared: PreparedSweep, folder: Path) -> Iterator[SweepResults]:
    """Open the file in the folder that keeps what of this sweep has been played.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    with closing(SweepResults(folder / f"sweep-{prepared.fingerprint()}.db")) as results:
        yield results


@contextmanager
def window_results(prepared: PreparedSweep, folder: Path) -> Iterator[ResultStore]:
    """Open what keeps a window of a walk forward: compiled ones are played again sooner than they are read.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    if prepared.is_compiled:
        yield RowsAtHand()
    else:
        with sweep_results(prepared, folder) as results:
            yield results


def replays_by(workers: int) -> Each[Asked]:
    """Return what plays the histories of a check: this process, or so many of its own beside each other."""
    if workers == 1:
        return one_by_one
    from mtum.adapters.worker_processes import WorkerEngine

    return WorkerEngine(workers).each


def engine_named(name: str, workers: int, prepared: PreparedSweep) -> Engine:
    """Return what plays a sweep: this machine, or a `ray` cluster.

    Compiled grids run in threads of this process, whatever else in processes of its own.

    Parameters
    ----------
    name : str
        Name of the engine.
    workers : int
        How many processes or threads.
    prepared : PreparedSweep
        A grid made ready: one combination per row, and the histories they share.

    Raises
    ------
    UsageError
        If its library is not installed.
    """
    if name == "ray":
        from mtum.adapters.ray_engine import ray_engine

        return ray_engine(workers)
    if workers == 1 or prepared.is_compiled:
        return ThreadEngine(workers)
    from mtum.adapters.worker_processes import WorkerEngine

    return WorkerEngine(workers)
