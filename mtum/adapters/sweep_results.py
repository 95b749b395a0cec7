"""Rows of a sweep in a SQLite file of their own, and as CSV."""

import csv
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mtum.core.research.grid import RESULT_COLUMNS, empty_results
from mtum.core.simulation.kernel.grid import GridResults
from mtum.errors import StoreError

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS results (
  combination INTEGER PRIMARY KEY,
  settings TEXT NOT NULL,
  {" REAL NOT NULL, ".join(RESULT_COLUMNS)} REAL NOT NULL,
  block_sums TEXT NOT NULL,
  block_squares TEXT NOT NULL
) STRICT
"""


def _text(value: object) -> str:
    return json.dumps(value, allow_nan=False)


class SweepResults:
    """One sweep's rows (app.research.sweep.ResultStore); each chunk is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(_SCHEMA)

    @contextmanager
    def _told(self) -> Iterator[None]:
        # Whatever the disk or the file refuses is one line; what was kept before stays.
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"{self.path} cannot be used: {error}; make room and start the same command again, which goes on from "
                "what is kept, or move a damaged file away"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def done(self) -> set[int]:
        """Return the numbers of the combinations that are finished.

        Raises
        ------
        StoreError
            If the file cannot be read.
        """
        with self._told():
            return {row[0] for row in self._connection.execute("SELECT combination FROM results")}

    def add(self, numbers: Sequence[int], results: GridResults, changes: Sequence[Mapping[str, Any]]) -> None:
        """Keep the rows of some combinations, all or none.

        Parameters
        ----------
        numbers : sequence of int
            Numbers of the combinations.
        results : GridResults
            One row per combination: `numbers` (n, 9); `sums`, `squares` of returns per block (n, n_blocks).
        changes : sequence of mapping of str to any
            Settings of each combination, in the order of the rows.

        Raises
        ------
        StoreError
            If the file cannot be written.
        """
        marks = ", ".join("?" * (len(RESULT_COLUMNS) + 4))
        rows = [
            (number, _text(change), *row.tolist(), _text(sums.tolist()), _text(squares.tolist()))
            for number, change, row, sums, squares in zip(numbers, changes, *results, strict=True)
        ]
        with self._told(), self._connection:
            self._connection.executemany(f"INSERT OR REPLACE INTO results VALUES ({marks})", rows)

    def results(self, count: int) -> GridResults:
        """Return the rows of all combinations in their order.

        Raises
        ------
        StoreError
            If the file cannot be read.
        """
        found = empty_results(count)
        query = f"SELECT combination, block_sums, block_squares, {', '.join(RESULT_COLUMNS)} FROM results"
        with self._told():
            for number, sums, squares, *row in self._connection.execute(query):
                found.numbers[number] = row
                found.sums[number] = np.array(json.loads(sums))
                found.squares[number] = np.array(json.loads(squares))
        return found

    def write_csv(self, path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
        """Write a line per combination, its settings in columns of their own, then these figures: whole or not at all.

        Raises
        ------
        StoreError
            If that cannot be done.
        """
        query = "SELECT combination, settings FROM results ORDER BY combination"
        partial = path.with_suffix(".partial")
        with self._told():
            try:
                with partial.open("w", encoding="utf-8", newline="") as file:
                    writer = csv.writer(file)
                    rows = self._connection.execute(query)
                    for (number, settings), *figures in zip(rows, *columns.values(), strict=True):
                        change = json.loads(settings)
                        if file.tell() == 0:
                            writer.writerow(["combination", *change, *columns])
                        writer.writerow([number, *change.values(), *figures])
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
