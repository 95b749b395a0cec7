"""A desk at the small exchange for options, on the session's own clock; started again after every kill."""

import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

from mtum import config
from mtum.adapters.clock import ReplayClock
from mtum.app.desk import Desk, Problem, Provenance
from mtum.app.options.manage_options import manage_options
from mtum.core.market.bars import Bars
from mtum.core.portfolio.options.orders import OptionIntent
from support.bars import weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar
from support.option_orders import DAY, SESSION
from support.small_option_exchange import Exchange, ExchangeBroker, Killed
from support.store import ACCOUNT, opened

CALENDAR = WeekdayCalendar(weekday_sessions(date(2026, 1, 5), 150))


def settings_of(name: str, risk: dict[str, Any]) -> config.Settings:
    """Settings under which one strategy has all the money."""
    return config.load(None, {}, {"portfolio.strategy": name, **{f"risk.{key}": value for key, value in risk.items()}})


@dataclass
class Day:
    """One folder with our database and the exchange's file."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "exchange.state"

    @property
    def exchange(self) -> Exchange:
        found: Exchange = pickle.loads(self.file.read_bytes())
        return found

    def keep(self, exchange: Exchange) -> None:
        self.file.write_bytes(pickle.dumps(exchange))

    def plan(self, *intents: OptionIntent) -> None:
        with closing(opened(self.folder)) as store:
            store.options.commit_intents(intents, SESSION.before_close(18))

    @contextmanager
    def desk(
        self,
        at: datetime | None = None,
        journal: Killed | None = None,
        shelf: dict[str, Bars] | None = None,
        strategy: str = "mtum_confluence",
        **risk: Any,
    ) -> Iterator[Desk]:
        steps = journal or Killed()
        clock = ReplayClock(at or self.exchange.now)
        broker = ExchangeBroker(self.file, clock.now, steps.reached)
        with closing(opened(self.folder)) as store:
            yield Desk(
                settings=settings_of(strategy, risk),
                account=ACCOUNT,
                data_dir=self.folder,
                store=store,
                broker=cast(Any, broker),
                source=ShelfSource(shelf or {}),
                calendar=CALENDAR,
                clock=clock,
                journal=steps,
                provenance=Provenance("1", "x", {}),
            )

    def manage(self, at: datetime | None = None, journal: Killed | None = None, **risk: Any) -> Sequence[Problem]:
        with self.desk(at, journal, **risk) as desk:
            return manage_options(desk, SESSION)

    def killed(self, step: int) -> bool:
        """Manage in a process of its own that is killed at a step; whether it came that far."""
        child = os.fork()
        if child == 0:
            try:
                self.manage(journal=Killed(step))
            except BaseException:  # noqa: BLE001 - told by the exit code
                os._exit(3)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the run broke"
        return os.WIFSIGNALED(status)

    def steps(self) -> list[str]:
        """The steps of an undisturbed run."""
        journal = Killed()
        self.manage(journal=journal)
        return journal.seen

    def states(self) -> Sequence[Any]:
        with closing(opened(self.folder)) as store:
            return store.options.states(DAY)

    def held(self) -> dict[Any, int]:
        with closing(opened(self.folder)) as store:
            return dict(store.options.book().contracts())
