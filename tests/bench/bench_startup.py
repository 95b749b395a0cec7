"""What do `mtum --help` and `mtum status` cost beside an empty typer command that prints one rich table?

    uv run python tests/bench/bench_startup.py

Prints CPU seconds (user and system, median of several children) and their ratio; the budget is 1.5.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

BUDGET = 1.5
REPEATS = 9
EMPTY = """
import typer

app = typer.Typer()


@app.command()
def main() -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("column", "another")
    table.add_row("1", "2")
    Console().print(table)


app()
"""


def cpu_seconds(command: Sequence[str], folder: Path) -> float:
    """CPU time of one child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def interleaved(commands: dict[str, Sequence[str]], folder: Path) -> dict[str, float]:
    """Median CPU time of each command; taken in turns, so that a busy machine is equally unfair to all."""
    for command in commands.values():
        cpu_seconds(command, folder)  # bytecode and disk cache
    rounds = [{name: cpu_seconds(command, folder) for name, command in commands.items()} for _ in range(REPEATS)]
    return {name: statistics.median(took[name] for took in rounds) for name in commands}


def measure(database_folder: Path | None = None) -> dict[str, float]:
    """Median CPU seconds by command; `database_folder` is a data folder with records, empty by default."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "empty.py").write_text(EMPTY, encoding="utf-8")
        mtum = [sys.executable, "-m", "mtum", "--data-dir", str(database_folder or folder / "data")]
        commands: dict[str, Sequence[str]] = {
            "empty": [sys.executable, "empty.py"],
            "mtum --help": [*mtum, "--help"],
            "mtum status": [*mtum, "status"],
            "mtum status --json": [*mtum, "status", "--json"],
            "mtum show trades": [*mtum, "show", "trades"],
        }
        return interleaved(commands, folder)


def main() -> int:
    """Print the table; 1 if the help or the status is over the budget."""
    took = measure(Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else None)
    over = False
    for name, seconds in took.items():
        ratio = seconds / took["empty"]
        bounded = name in ("mtum --help", "mtum status")
        over = over or (bounded and ratio > BUDGET)
        print(f"{name:<20}{seconds:>8.3f} s{ratio:>7.2f} x" + (f"  (budget {BUDGET} x)" if bounded else ""))
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
