"""Every error the program raises on purpose, and the exit code each one means.

MtumError
├── UsageError                 wrong arguments, or outside the window
├── ConfigError                lists every wrong setting at once
├── DataError                  not fit to decide: nothing is sent
│   ├── SourceUnavailableError the vendor did not answer (reads may be retried)
│   │   └── TooManyRequestsError it asks us to wait: what is left is not asked
│   └── BarsMissingError · BarsStaleError · BarsInvalidError · BarsRestatedError
├── CalendarMismatchError      calendars disagree about a session
├── BrokerError
│   ├── BrokerUnavailableError nothing was sent (reads may be retried)
│   ├── OrderUnconfirmedError  sent, no answer: reconcile, never resend
│   └── BookMismatchError      our position and the broker's differ
├── DeadlineMissedError        the window closed before anything was sent
├── StrategyError              a strategy ended in an error, or answered what no verdict is
├── VerificationError          a stored decision does not replay
│   └── DocumentError          a stored document is not what it should be
├── StoreError                 unreadable, full or read-only
│   ├── StoreMismatchError     another account's, another mode's or a newer database
│   └── RunLockedError         another run holds the lock
└── NotifyError                a message could not be delivered; never fails a run
"""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    """done; also: held, not a session, a dry run"""
    BUG = 1
    """an error in the program; one line tells where the details are"""
    USAGE = 2
    """wrong usage or settings, outside the window, or a database of another account, mode or newer program"""
    DATA = 3
    """data not fit to decide, or our own store cannot be used; nothing was sent"""
    BROKER = 4
    """broker unreachable or deadline missed; nothing was sent"""
    ORDER = 5
    """an order was denied, rejected, or filled less than ordered"""
    PERSON = 6
    """unknown outcome, mismatch or failed verification: a person is needed"""
    HALTED = 7
    """halted, not approved, or the approval lapsed"""
    NOTIFY = 8
    """all done, but a notification could not be delivered"""
    LOCKED = 9
    """another run holds the lock"""


EXIT_PRECEDENCE = (
    ExitCode.BUG,
    ExitCode.USAGE,
    ExitCode.PERSON,
    ExitCode.ORDER,
    ExitCode.HALTED,
    ExitCode.BROKER,
    ExitCode.DATA,
    ExitCode.LOCKED,
    ExitCode.NOTIFY,
)
"""When several codes apply to one run, the first of these wins."""


def worst(codes: Iterable[int]) -> ExitCode:
    """Return the exit code that wins when several apply; DONE for none."""
    found = set(codes)
    return next((code for code in EXIT_PRECEDENCE if code in found), ExitCode.DONE)


class MtumError(Exception):
    """Base of all errors raised on purpose; carries the exit code it means."""

    exit_code = ExitCode.BUG


class UsageError(MtumError):
    """The call cannot be carried out as asked."""

    exit_code = ExitCode.USAGE


class ConfigError(MtumError):
    """One or more settings are wrong; every problem is listed.

    Parameters
    ----------
    problems : sequence of str
        One line per wrong setting: its dotted name, what was found, what to do.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class DataError(MtumError):
    """Market data are not fit to decide; nothing is sent."""

    exit_code = ExitCode.DATA


class SourceUnavailableError(DataError):
    """The source did not answer usefully; the read may be tried again."""


class TooManyRequestsError(SourceUnavailableError):
    """The source turns us away for asking too often; nothing more is asked for a while."""


class BarsMissingError(DataError):
    """A session inside the needed window has no bar."""


class BarsStaleError(DataError):
    """The newest bar or quote is older than a decision may use."""


class BarsInvalidError(DataError):
    """A bar breaks a rule that every bar must pass."""


class BarsRestatedError(DataError):
    """The vendor changed accepted history beyond tolerance."""


class CalendarMismatchError(DataError):
    """The calendars at hand disagree about a session."""


class BrokerError(MtumError):
    """Something went wrong at the broker."""

    exit_code = ExitCode.BROKER


class BrokerUnavailableError(BrokerError):
    """No usable connection; nothing was sent."""


class OrderUnconfirmedError(BrokerError):
    """An order was sent and its fate is unknown; it is never sent again."""

    exit_code = ExitCode.PERSON


class BookMismatchError(BrokerError):
    """Our lots and the broker's position differ."""

    exit_code = ExitCode.PERSON


UnfitError = DataError | BookMismatchError
"""What one symbol cannot be decided on for, while the others go on."""


class DeadlineMissedError(MtumError):
    """The window closed before anything was sent."""

    exit_code = ExitCode.BROKER


class StrategyError(MtumError):
    """A strategy ended in an error, or answered what no verdict is: it abstains, and the others go on."""


class VerificationError(MtumError):
    """A stored record does not replay to what it says."""

    exit_code = ExitCode.PERSON


class DocumentError(VerificationError, ValueError):
    """A stored document is not what it should be."""


class StoreError(MtumError):
    """The program's own database cannot be used."""

    exit_code = ExitCode.DATA


class StoreMismatchError(StoreError):
    """The database belongs to another account or mode, or a newer program."""

    exit_code = ExitCode.USAGE


class RunLockedError(StoreError):
    """Another run holds the lock."""

    exit_code = ExitCode.LOCKED


class NotifyError(MtumError):
    """A message could not be delivered."""

    exit_code = ExitCode.NOTIFY
