"""What do one `mtum run` and the whole `mtum demo` cost beside importing pandas and pandas_ta for one mean?

    uv run python tests/bench/bench_daily_job.py [--quick]

Prints CPU seconds (user and system, median of several children taken in turns) and their ratio to the
probe; every compiled cache is warm on both sides. Then the first `mtum run` of a cold machine: no
bytecode and nothing compiled, in seconds of the clock on the wall. `--quick` measures one demo only.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter

PROBE = "import pandas, pandas_ta; pandas_ta.sma(pandas.Series([1.0]*60), 50, talib=False)"
RUN_BUDGET, DEMO_BUDGET = 2.0, 15.0
RUNS, DEMOS = 9, 3
SESSIONS = 250


def cpu_seconds(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> float:
    """CPU time of one child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=900,
        env={**os.environ, **(environment or {})},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def paired(probe: Callable[[], float], other: Callable[[], float], pairs: int) -> tuple[float, float, float]:
    """Medians of both, and of the ratios within each pair: what slows one half slows the other too."""
    taken = [(probe(), other()) for _ in range(pairs)]
    return (
        statistics.median(first for first, _ in taken),
        statistics.median(second for _, second in taken),
        statistics.median(second / first for first, second in taken),
    )


def mtum(*words: str) -> list[str]:
    """One command line of the program."""
    return [sys.executable, "-m", "mtum", *words]


def measure_run(folder: Path, runs: int = RUNS) -> tuple[float, float, float]:
    """Play one session after the other, each in a process of its own."""
    command, probe = mtum("run", "--json", "--data-dir", str(folder / "played")), [sys.executable, "-c", PROBE]
    for warm in (probe, command):
        cpu_seconds(warm, folder)
    return paired(lambda: cpu_seconds(probe, folder), lambda: cpu_seconds(command, folder), runs)


def measure_demo(folder: Path, demos: int = DEMOS) -> tuple[float, float, float]:
    """Play the demo of the README, each time into a fresh folder."""
    numbers = iter(range(demos))
    probe = [sys.executable, "-c", PROBE]

    def demo() -> float:
        out = str(folder / f"demo-{next(numbers)}")
        return cpu_seconds(mtum("demo", "--sessions", str(SESSIONS), "--json", "--out", out), folder)

    return paired(lambda: cpu_seconds(probe, folder), demo, demos)


def first_run_seconds(folder: Path) -> float:
    """Wall-clock seconds of the very first run: bytecode and numba's machine code are made on the way."""
    cold = {name: str(folder / name) for name in ("NUMBA_CACHE_DIR", "PYTHONPYCACHEPREFIX")}
    for path in cold.values():
        Path(path).mkdir()
    began = perf_counter()
    cpu_seconds(mtum("run", "--json", "--data-dir", str(folder / "cold")), folder, cold)
    return perf_counter() - began


def main() -> int:
    """Print the table; 1 if a budget is exceeded."""
    quick = "--quick" in sys.argv[1:]
    over = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, budget, (probe, took, ratio) in (
            ("mtum run", RUN_BUDGET, measure_run(folder)),
            (f"mtum demo --sessions {SESSIONS}", DEMO_BUDGET, measure_demo(folder, 1 if quick else DEMOS)),
        ):
            print(f"{title:<26}{took:>8.2f} s{ratio:>7.2f} x of {probe:.2f} s  (budget {budget:g} x)")
            over = over or ratio > budget
        print(f"{'first run, nothing cached':<26}{first_run_seconds(folder):>8.1f} s on the wall")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
