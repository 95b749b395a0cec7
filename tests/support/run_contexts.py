"""A context on memory, with a clock that is set by hand, for tests of the entry that runs what is due."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from mtum.app.desk import RunResult
from mtum.app.service.outbox import Outbox
from mtum.app.service.run_due import Job, RunContext
from mtum.app.service.schedule import timetable
from mtum.config import Schedule
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session, Sessions
from mtum.errors import NotifyError
from mtum.ports.messages import Message
from support.exchange_sessions import xnys
from support.memory_store import MemoryStore, as_store

JOBS = (
    "rehearse",
    "refresh_bars",
    "decide_and_order",
    "watch_orders",
    "confirm_fills",
    "daily_report",
    "backup",
    "review",
)


def new_york(text: str) -> datetime:
    """The instant of a New York wall-clock time."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


@dataclass
class Wall:
    """A clock that can be set, also backwards."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def wait_until(self, instant: datetime) -> None:
        self.at = max(self.at, instant)


@dataclass
class Box:
    """A channel that keeps what it takes and can be broken."""

    name: str = "mail"
    broken: str = ""
    taken: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        if self.broken:
            raise NotifyError(self.broken)
        self.taken.append(message)

    @property
    def subjects(self) -> list[str]:
        return [message.subject for message in self.taken]


@dataclass
class Watcher:
    """A dead-man service that keeps what it is told."""

    told: list[tuple[str, str, int | None]] = field(default_factory=list)

    def started(self, run: str) -> bool:
        self.told.append(("start", run, None))
        return True

    def ended(self, run: str, exit_code: int, text: str) -> bool:
        self.told.append(("end", run, exit_code))
        return True


class Calendar:
    """The real sessions of 2023 to 2027, less what is closed at short notice."""

    def __init__(self, closed: tuple[str, ...] = ()) -> None:
        self._all = xnys("2023-10-02", "2027-03-31", closed)

    def sessions(self, first: date, last: date) -> Sessions:
        return Sessions(self._all.between(first, last))


@dataclass
class Office:
    """A context and everything a test looks at afterwards."""

    wall: Wall
    store: MemoryStore = field(default_factory=MemoryStore)
    box: Box = field(default_factory=Box)
    watcher: Watcher = field(default_factory=Watcher)
    calendar: Calendar = field(default_factory=Calendar)
    starts: list[tuple[datetime, str, str, date]] = field(default_factory=list)
    answers: dict[str, Callable[[Session, str], RunResult]] = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)

    def context(self) -> RunContext:
        return RunContext(
            store=as_store(self.store),
            ledger=as_store(self.store).runs,
            clock=self.wall,
            calendar=self.calendar,
            slots=timetable(Schedule()),
            jobs=self._jobs(),
            outbox=Outbox(self.store.control, [self.box, *self.boxes], self.wall),
            dead_man=self.watcher,
        )

    def _jobs(self) -> Mapping[str, Job]:
        return {job: self._job(job) for job in JOBS}

    def _job(self, job: str) -> Job:
        def duty(session: Session, slot: str) -> RunResult:
            with self.store.lock():
                self.starts.append((self.wall.now(), job, slot, session.day))
                answer = self.answers.get(job)
                return answer(session, slot) if answer else RunResult()

        return duty

    @property
    def names(self) -> list[str]:
        return [f"{job}/{slot}".rstrip("/") for _, job, slot, _ in self.starts]


def office(at: str) -> Office:
    """An office whose clock shows that New York time."""
    return Office(Wall(new_york(at)))
