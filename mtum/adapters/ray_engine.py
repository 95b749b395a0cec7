"""Plays a sweep's chunks on a Ray cluster; the library is installed beside this program by whoever wants it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from mtum.core.research.grid import Combination, play_combinations
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.grid import GridResults
from mtum.core.simulation.kernel.play import Span
from mtum.errors import UsageError


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Sends the history to the cluster once and every chunk as a task (app.research.sweep.Engine)."""

    ray: Any

    def play(
        self, ready: History, chunks: Sequence[Sequence[Combination]], span: Span
    ) -> Iterator[tuple[int, GridResults]]:
        """Yield the chunks in their order."""
        shared = self.ray.put(ready)
        remote = self.ray.remote(_play)
        waiting = [remote.remote(shared, chunk, span) for chunk in chunks]
        for position, task in enumerate(waiting):
            yield position, self.ray.get(task)


def _play(ready: History, chunk: Sequence[Combination], span: Span) -> GridResults:
    # What comes out of shared memory is read-only; the compiled loops take arrays that may be written.
    return play_combinations(ready.copied(), chunk, span)


def ray_engine(workers: int) -> RayEngine:
    """Join the cluster that ``RAY_ADDRESS`` names, or start a local one of so many workers.

    Raises
    ------
    UsageError
        If the library is not installed.
    """
    try:
        ray = import_module("ray")
    except ImportError as error:
        raise UsageError(
            "--engine ray needs the group cluster: `uv sync --group cluster`, or `uv pip install ray`"
        ) from error
    if not ray.is_initialized() and os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False)
    elif not ray.is_initialized():
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    return RayEngine(ray)
