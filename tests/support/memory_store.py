"""Run ledger, control and lock in memory: for tests that play hundreds of sessions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast

from mtum.errors import RunLockedError
from mtum.ports.messages import Message
from mtum.ports.records import RunRecord
from mtum.ports.store import Store
from support.values import replace


@dataclass
class MemoryRuns:
    by_day: dict[date | None, dict[tuple[str, str], RunRecord]] = field(default_factory=dict)
    keys: list[tuple[date | None, str, str]] = field(default_factory=list)

    def start_run(self, job: str, slot: str, session: date | None, at: datetime) -> int:
        known = self.by_day.get(session, {}).get((job, slot))
        if known is not None and known.finished_at is None:
            return known.id
        if known is None:
            self.keys.append((session, job, slot))
        run_id = known.id if known else len(self.keys)
        self.by_day.setdefault(session, {})[job, slot] = RunRecord(run_id, job, slot, session, at)
        return run_id

    def record_step(self, run_id: int, name: str, at: datetime) -> None:
        pass

    def finish_run(
        self, run_id: int, at: datetime, outcome: str, exit_code: int, document: Mapping[str, Any] | None = None
    ) -> None:
        session, job, slot = self.keys[run_id - 1]
        known = self.by_day[session][job, slot]
        done = replace(known, finished_at=at, outcome=outcome, exit_code=exit_code, document=document)
        self.by_day[session][job, slot] = done

    def run_of(self, job: str, slot: str, session: date) -> RunRecord | None:
        return self.by_day.get(session, {}).get((job, slot))

    def runs_between(self, first: date, last: date) -> Sequence[RunRecord]:
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return [record for day in days for record in self.by_day.get(day, {}).values()]


@dataclass
class MemoryControl:
    facts: dict[str, str] = field(default_factory=dict)
    notes: dict[int, Message] = field(default_factory=dict)
    done: dict[int, datetime] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    def meta(self, key: str) -> str | None:
        return self.facts.get(key)

    def set_meta(self, key: str, value: str) -> None:
        self.facts[key] = value

    def queue_message(self, message: Message, at: datetime, run_id: int | None) -> bool:
        if any(known.key == message.key for known in self.notes.values()):
            return False
        self.notes[len(self.notes) + 1] = replace(message, at=at)
        return True

    def undelivered(self) -> Sequence[tuple[int, Message]]:
        return [(number, message) for number, message in self.notes.items() if number not in self.done]

    def delivered(self, note_id: int, at: datetime, error: str | None = None) -> None:
        if error is None:
            self.done[note_id] = at
        else:
            self.errors[note_id] = error

    def deliveries(self, prefix: str) -> Mapping[str, datetime | None]:
        return {
            message.key: self.done.get(number)
            for number, message in self.notes.items()
            if message.key.startswith(prefix)
        }


@dataclass
class MemoryStore:
    runs: MemoryRuns = field(default_factory=MemoryRuns)
    control: MemoryControl = field(default_factory=MemoryControl)
    held: bool = False

    @contextmanager
    def lock(self) -> Iterator[None]:
        if self.held:
            raise RunLockedError("another run holds the lock")
        self.held = True
        try:
            yield
        finally:
            self.held = False

    def close(self) -> None:
        pass


def as_store(store: MemoryStore) -> Store:
    """The store as the port: only runs, control and lock may be used."""
    return cast("Store", store)
