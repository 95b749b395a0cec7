"""A practice installation in a folder: settings, desk, exchange file and the sessions of the sample."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from mtum import config
from mtum.adapters.brokers.simulated import practice_account
from mtum.adapters.sources.embedded import sample_source
from mtum.app.desk import RunResult
from mtum.app.session.play_session import Replay, play_session
from mtum.core.market.bars import Bars
from mtum.core.simulation.exchange_codec import from_bytes, to_bytes
from mtum.core.simulation.exchange_state import ExchangeState, FillPlan
from mtum.ports.time import Journal
from mtum.wiring import desks, resources
from support.values import replace

ENTRY_DAY = date(2018, 1, 3)
"""First session a new player plays; the rules enter on it."""
EXIT_DAY = date(2018, 1, 12)
"""The session on which that position is sold."""


def settings_of(**changes: Any) -> config.Settings:
    """Default settings with single changes, dots in names written as two underscores."""
    return config.load(None, {}, {name.replace("__", "."): value for name, value in changes.items()})


@contextmanager
def desk_in(folder: Path, journal: Journal | None = None, **changes: Any) -> Iterator[Replay]:
    """The desk of a practice installation."""
    with desks.replay_desk(settings_of(**changes), folder, journal) as replay:
        yield replay


def play_next(folder: Path, journal: Journal | None = None, **changes: Any) -> RunResult:
    """Play the next session, as `mtum run` does."""
    with desk_in(folder, journal, **changes) as replay:
        session = replay.upcoming()
        assert session is not None
        return play_session(replay.desk, session)


def play_until(folder: Path, day: date, **changes: Any) -> RunResult:
    """Play every session up to and including that day."""
    with desk_in(folder, **changes) as replay:
        while (session := replay.upcoming()) is not None and session.day <= day:
            result = play_session(replay.desk, session)
        return result


def exchange_in(folder: Path) -> ExchangeState:
    """What the exchange's own file says."""
    stored = folder / resources.EXCHANGE_NAME
    if stored.exists():
        return from_bytes(stored.read_bytes())
    return ExchangeState(accounts=(practice_account(resources.PRACTICE_ACCOUNT, "cash", Decimal(5000)),))


def write_market(folder: Path, symbols: Mapping[str, Bars], vix: Mapping[date, float] | None = None) -> None:
    """Write a folder of SYMBOL.csv files, and VIX.csv where its closes are given."""
    folder.mkdir(parents=True, exist_ok=True)
    for symbol, bars in symbols.items():
        rows = [bars.bar(index) for index in range(len(bars))]
        lines = [f"{b.day},{b.open!r},{b.high!r},{b.low!r},{b.close!r},{b.volume!r},{b.dividend!r}" for b in rows]
        (folder / f"{symbol}.csv").write_text("\n".join(["date,open,high,low,close,volume,dividend", *lines]) + "\n")
    if vix is not None:
        text = "\n".join(["date,close", *(f"{day},{points!r}" for day, points in sorted(vix.items()))]) + "\n"
        (folder / "VIX.csv").write_text(text)


def sample_market(first: date, last: date) -> tuple[Bars, dict[date, float]]:
    """The embedded market's bars as MTUM, and the VIX, of that span."""
    source = sample_source()
    return source.history("MTUM", first, last), dict(source.series_history("VIX", first, last))


def instruct(folder: Path, *plans: FillPlan) -> None:
    """Make the exchange misbehave as the plans say."""
    state = exchange_in(folder)
    for plan in plans:
        state = replace(state, plans=(*state.plans, plan))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / resources.EXCHANGE_NAME).write_bytes(to_bytes(state))


class Steps:
    """A journal that only remembers the steps it was told of."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def begin(self, run_id: int) -> None:
        """Nothing to do."""

    def reached(self, step: str) -> None:
        """Remember the step."""
        self.seen.append(step)


class KillAt:
    """A journal that kills its own process for good when the n-th step is reached."""

    def __init__(self, number: int) -> None:
        self._left = number

    def begin(self, run_id: int) -> None:
        """Nothing to do."""

    def reached(self, step: str) -> None:
        """Count down, then die as a power cut would have it."""
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def in_child(work: Callable[[], int]) -> int:
    """Carry out work in a forked child; return its exit code, or minus the signal that ended it.

    The parent has imported everything, so a child costs a fork and not an import.
    """
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
