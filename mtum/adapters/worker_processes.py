"""Plays a sweep's parts in processes of this machine, each of which has the histories once."""

import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from threading import Thread

from mtum.config import own_strategies, use_strategies
from mtum.core.research.checks import Question, Replay
from mtum.core.research.grid import Part
from mtum.core.research.session_grid import AccountPart, play_each
from mtum.core.simulation.kernel.grid import GridResults
from mtum.core.simulation.played import Played
from mtum.core.simulation.session_views import SessionHistory
from mtum.errors import UsageError

ENDED = "a worker process ended before its part was played, as it does where memory runs out"


class WorkerEngine:
    """Plays each part as a task of its own, beside others: of a sweep (app.research.sweep.Engine), or of a check.

    The processes stay for the next parts on the same histories, and end with this one.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._markets: Sequence[SessionHistory] = ()

    def play(self, parts: Sequence[Part | AccountPart]) -> Iterator[tuple[int, GridResults]]:
        """Yield the parts as they are finished.

        Raises
        ------
        UsageError
            If a process ended before its part was played.
        """
        own = [part for part in parts if isinstance(part, AccountPart)]
        if not own:
            return
        places = self._ready_for(part.market for part in own)
        assert self._pool is not None  # it has just been made
        finished = False
        try:
            tasks = {
                self._pool.submit(_play, places[id(part.market)], packed(part)): position
                for position, part in enumerate(own)
            }
            for task in as_completed(tasks):
                yield tasks[task], task.result()
            finished = True
        except BrokenProcessPool as error:
            raise UsageError(f"{ENDED}; what is finished is kept: start again with fewer --workers") from error
        finally:
            if not finished:
                self._end()

    def each[S](self, question: Question[S], replays: Sequence[Replay[S]]) -> Iterator[Played]:
        """Play the parts of a history that a check asks for; yield them in their order (core.research.checks.Each).

        Raises
        ------
        UsageError
            If a process ended before its part was played.
        """
        (place,) = self._ready_for([question.market]).values()
        assert self._pool is not None  # it has just been made
        try:
            tasks = [self._pool.submit(_replay, place, pickle.dumps((question.play, replay))) for replay in replays]
            for task in tasks:
                yield task.result()
        except BrokenProcessPool as error:
            raise UsageError(f"{ENDED}: start again with fewer --workers") from error
        finally:
            self._end()

    def _ready_for(self, given: Iterable[SessionHistory]) -> Mapping[int, int]:
        # Where each history stands among those that the processes have.
        markets = list({id(market): market for market in given}.values())
        if self._pool is None or {*map(id, markets)} - {*map(id, self._markets)}:
            self._end()
            self._markets = markets
            # What is started anew has no threads of ours that hold a lock.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, context, _ready, (markets, own_sources()))
        return {id(market): place for place, market in enumerate(self._markets)}

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            self._pool = None


def own_sources() -> Mapping[Path, bytes]:
    """Return the files of a person's own strategies as this process has read them."""
    return {one.file: one.source for one in own_strategies().values() if one.file}


def packed(part: AccountPart) -> bytes:
    """Return a part without its market: what it holds of a person's own strategies is known by their files only."""
    return pickle.dumps((part.span, part.combinations, part.compiled))


def played_elsewhere(market: SessionHistory, sources: Mapping[Path, bytes], part: bytes) -> GridResults:
    """Play a part in a process that knows nothing yet of a person's own strategies.

    Parameters
    ----------
    market : SessionHistory
        Bars per symbol, and extra series by session.
    sources : mapping of Path to bytes
        What each file of own strategies holds.
    part : bytes
        The part, pickled.
    """
    use_strategies(list(sources), sources)
    return play_each(AccountPart(market, *pickle.loads(part)))  # what this program has packed


_here: tuple[Sequence[SessionHistory], Mapping[Path, bytes]] = ((), {})


def _ready(markets: Sequence[SessionHistory], sources: Mapping[Path, bytes]) -> None:
    global _here  # noqa: PLW0603 - what a worker process is given once, for all of its tasks
    # Ctrl-C reaches the whole group: who asked for the work ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _here = markets, sources
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    # A worker that waits for a task does not notice that nobody is left who could give it one.
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def _play(place: int, part: bytes) -> GridResults:
    markets, sources = _here
    return played_elsewhere(markets[place], sources, part)


def _replay(place: int, packed: bytes) -> Played:
    markets, sources = _here
    use_strategies(list(sources), sources)
    play, replay = pickle.loads(packed)  # what this program has packed
    return Question(markets[place], replay.span, replay.asked, 0, play).played(replay)
