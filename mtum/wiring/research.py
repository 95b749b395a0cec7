"""What studies of history write and where they are played."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mtum.adapters.sweep_results import SweepResults
from mtum.app.research.run_backtest import Backtested
from mtum.app.research.sweep import Engine, PreparedSweep, ThreadEngine
from mtum.app.research.tear_sheet import write_tear_sheet


def tear_sheet_files(found: Backtested, document: Mapping[str, Any], folder: Path) -> Sequence[Path]:
    """Write a backtest's tear sheet with its charts; return the files.

    Raises
    ------
    UsageError
        If the folder cannot be written.
    """
    from mtum.adapters.rendering.backtest_charts import backtest_charts

    return write_tear_sheet(found, document, folder, backtest_charts)


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


def engine_named(name: str, workers: int) -> Engine:
    """Return what plays a sweep: `local` threads of this process, or a `ray` cluster.

    Raises
    ------
    UsageError
        If its library is not installed.
    """
    if name == "local":
        return ThreadEngine(workers)
    from mtum.adapters.ray_engine import ray_engine

    return ray_engine(workers)
