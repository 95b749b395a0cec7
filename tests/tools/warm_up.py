"""Compile once, and store where every worker finds it, what each worker of the suite would compile for itself.

Started in the background by the suite; it may as well be killed or fail: then the workers compile.
"""

import contextlib
import io
import tempfile
from pathlib import Path

from mtum.cli.app import run
from mtum.core.compiled import is_compiled
from mtum.core.simulation.kernel.grid import play_grid
from mtum.core.simulation.kernel.near_close import play_seen

GRID = "[grid]\nstrategy.mtum_confluence.ma_sessions = [40, 50]\n"
COMMANDS = (
    ("sweep", "grid.toml"),
    ("walkforward", "grid.toml", "--fit-sessions", "200", "--try-sessions", "100"),
    ("backtest", "--out", "page"),
    ("backtest", "--decision", "near_close"),
)


def main() -> None:
    if is_compiled(play_grid, play_seen):
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        Path("grid.toml").write_text(GRID, encoding="utf-8")
        for words in COMMANDS:
            run(words)


if __name__ == "__main__":
    main()
