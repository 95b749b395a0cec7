"""One line of a rehearsal."""

from dataclasses import dataclass
from enum import Enum

from mtum.errors import ExitCode


class State(Enum):
    """What a check came to; only `NO_GO` stops today's run."""

    OK = "ok"
    WARNING = "warning"
    NO_GO = "no-go"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, what was found, what to do, and the exit code the run would have."""

    name: str
    state: State
    found: str
    remedy: str = ""
    exit_code: ExitCode = ExitCode.DONE
