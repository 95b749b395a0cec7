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
    """done; also: held, not a session, a dry run

    What to do: nothing.
    """
    BUG = 1
    """an error in the program; one line tells where the details are

    What to do: read the file that the line names; a fault of a strategy of your own is told there by line.
    Nothing was sent twice: the next run asks the broker first.
    """
    USAGE = 2
    """wrong usage or settings, outside the window, or a database of another account, mode or newer program

    What to do: correct what the line names; `mtum config check` lists every wrong setting at once.
    """
    DATA = 3
    """data not fit to decide, or our own store cannot be used; nothing was sent

    What to do: `mtum doctor` says what is missing and what cures it; run again while the window is open.
    """
    BROKER = 4
    """broker unreachable or deadline missed; nothing was sent

    What to do: start the gateway or log in; run again while the window is open. After it, the next session
    decides anew.
    """
    ORDER = 5
    """an order was denied, rejected, or filled less than ordered

    What to do: read the reason with `mtum explain` or `mtum show orders`. Shares left of an exit are sold in
    the next session; an entry is given up.
    """
    PERSON = 6
    """unknown outcome, mismatch or failed verification: a person is needed

    What to do: `mtum reconcile` says what differs and names the ways out. Until then nothing is bought in that
    symbol; while an order's outcome is unknown, nothing is sold there either.
    """
    HALTED = 7
    """halted, not approved, or the approval lapsed

    What to do: `mtum status` tells why; `mtum resume` lifts a halt, `mtum approve` or `mtum config approve`
    gives the approval.
    """
    NOTIFY = 8
    """all done, but a notification could not be delivered

    What to do: `mtum notify test` tries every channel; what was not delivered stays in the outbox and is tried
    again.
    """
    LOCKED = 9
    """another run holds the lock

    What to do: wait for it; `mtum status` shows the run. A lock of a dead process frees itself.
    """


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
    """Base of all errors raised on purpose; carries the exit code it means.

    What to do: nothing raises it itself; see the errors below.
    """

    exit_code = ExitCode.BUG


class UsageError(MtumError):
    """The call cannot be carried out as asked.

    What to do: read the line: it says what was found, what is allowed, and often the command to type instead.
    """

    exit_code = ExitCode.USAGE


class ConfigError(MtumError):
    """One or more settings are wrong; every problem is listed.

    What to do: correct each line; a misspelt name comes with the likeliest right one.

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
    """Market data are not fit to decide; nothing is sent.

    What to do: `mtum doctor` names the symbol and what cures it; with another error of this family below, see
    there.
    """

    exit_code = ExitCode.DATA


class SourceUnavailableError(DataError):
    """The source did not answer usefully; the read may be tried again.

    What to do: run again while the window is open; `mtum doctor` tries every source by itself.
    """


class TooManyRequestsError(SourceUnavailableError):
    """Rate-limited by the source; no further requests for a while.

    What to do: wait; it asks less by itself. Ask the source for fewer symbols if it comes back.
    """


class BarsMissingError(DataError):
    """A session inside the needed window has no bar.

    What to do: `mtum bars sync` fetches what is missing; with files, add the row, then `mtum bars check`.
    """


class BarsStaleError(DataError):
    """The newest bar or quote is older than a decision may use.

    What to do: look at the gateway's market data (live, not delayed) or at the newest row of the file; run
    again.
    """


class BarsInvalidError(DataError):
    """A bar breaks a rule that every bar must pass.

    What to do: `mtum bars check` shows the bar; correct the file, or accept a true bar with `mtum bars
    release`.
    """


class BarsRestatedError(DataError):
    """The vendor changed accepted history beyond tolerance.

    What to do: `mtum bars revisions` shows what changed; if the stored bars are wrong, replace them with
    `mtum bars import`, otherwise put the file back as it was.
    """


class CalendarMismatchError(DataError):
    """The calendars at hand disagree about a session.

    What to do: name a closure or early close announced at short notice in `market.calendar_overrides`.
    """


class BrokerError(MtumError):
    """Something went wrong at the broker.

    What to do: `mtum doctor` asks the gateway the same questions, one at a time, and tells which one fails.
    """

    exit_code = ExitCode.BROKER


class BrokerUnavailableError(BrokerError):
    """No usable connection; nothing was sent.

    What to do: start the gateway, log in, compare `broker.host`, `broker.port` and `broker.client_id`; run
    again.
    """


class OrderUnconfirmedError(BrokerError):
    """An order was sent and its fate is unknown; it is never sent again.

    What to do: look at the broker's own screen, then `mtum reconcile`; never send the order by hand before
    that.
    """

    exit_code = ExitCode.PERSON


class BookMismatchError(BrokerError):
    """Our lots and the broker's position differ.

    What to do: `mtum reconcile` names the difference and the statement that settles it.
    """

    exit_code = ExitCode.PERSON


UnfitError = DataError | BookMismatchError
"""What one symbol cannot be decided on for, while the others go on."""


class DeadlineMissedError(MtumError):
    """The window closed before anything was sent.

    What to do: nothing today; the next session decides anew. `mtum status` shows which step was late.
    """

    exit_code = ExitCode.BROKER


class StrategyError(MtumError):
    """A strategy ended in an error, or answered what no verdict is: it abstains, and the others go on.

    What to do: the message names the line of the strategy; `mtum strategy check NAME` repeats it. Its sleeve
    keeps what it holds.
    """


class VerificationError(MtumError):
    """A stored record does not replay to what it says.

    What to do: `mtum verify --all` lists every session that differs; restore a backup if the records were
    damaged.
    """

    exit_code = ExitCode.PERSON


class DocumentError(VerificationError, ValueError):
    """A stored document is not what it should be.

    What to do: restore a backup with `mtum restore`; the message names the record.
    """


class StoreError(MtumError):
    """The program's own database cannot be used.

    What to do: make room on the disk or correct the rights of the data folder; a damaged file is replaced with
    `mtum restore`.
    """

    exit_code = ExitCode.DATA


class StoreMismatchError(StoreError):
    """The database belongs to another account or mode, or a newer program.

    What to do: use the data folder of this account and mode (`--data-dir`), or the newer program.
    """

    exit_code = ExitCode.USAGE


class RunLockedError(StoreError):
    """Another run holds the lock.

    What to do: wait for the other run; a lock of a dead process frees itself.
    """

    exit_code = ExitCode.LOCKED


class NotifyError(MtumError):
    """A message could not be delivered.

    What to do: `mtum notify test` tries every channel and says what its server answered.
    """

    exit_code = ExitCode.NOTIFY
