"""Plays a sweep's chunks on a Ray cluster; the library is installed beside this program by whoever wants it."""

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from msgspec import Struct

from mtum.adapters.worker_processes import own_sources, packed, played_elsewhere
from mtum.core.research.grid import Combination, Part, play_combinations
from mtum.core.research.session_grid import AccountPart
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.grid import GridResults
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.session_views import SessionHistory
from mtum.errors import UsageError


class RayEngine(Struct, frozen=True):
    """Sends each history to the cluster once and every part as a task (app.research.sweep.Engine)."""

    ray: Any

    def play(self, parts: Sequence[Part | AccountPart]) -> Iterator[tuple[int, GridResults]]:
        """Yield the parts in their order."""
        histories = {id(one): one for one in map(_history, parts)}
        shared = {key: self.ray.put(history) for key, history in histories.items()}
        compiled, alone, sources = self.ray.remote(_play), self.ray.remote(played_elsewhere), own_sources()
        waiting = [
            compiled.remote(shared[id(part.history)], part.span, part.combinations)
            if isinstance(part, Part)
            else alone.remote(shared[id(part.market)], sources, packed(part))
            for part in parts
        ]
        for position, task in enumerate(waiting):
            yield position, self.ray.get(task)


def _history(part: Part | AccountPart) -> History | SessionHistory:
    return part.history if isinstance(part, Part) else part.market


def _play(ready: History, span: Span, combinations: Sequence[Combination]) -> GridResults:
    # What comes out of shared memory is read-only; the compiled loops take arrays that may be written.
    return play_combinations(ready.copied(), combinations, span)


def ray_engine(workers: int) -> RayEngine:
    """Join the cluster that ``RAY_ADDRESS`` names, or start a local one of so many workers.

    Raises
    ------
    UsageError
        If the library is not installed.
    """
    # It tells its vendor of every use otherwise.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
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
