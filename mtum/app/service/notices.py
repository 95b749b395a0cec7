"""What the owner is told between reports: act now, order sent, missed."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from mtum.app.service.schedule import Wake
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session
from mtum.core.portfolio.gate import LAST_CANCEL_MINUTES
from mtum.errors import ExitCode
from mtum.ports.messages import Message, Urgency

URGENT_JOBS = ("rehearse", "option_events", "decide_and_order", "manage_options", "watch_orders", "confirm_fills")
"""Jobs whose failure needs a person soon; the others can wait for the morning."""
_LISTED = 40
DECIDING = "decide_and_order"
_COSTLY = {DECIDING: "decisions", "confirm_fills": "settlements"}
"""Jobs whose absence may cost money, the worst first, and what several of them are called."""

NEXT_STEP: Mapping[int, str] = {
    ExitCode.BUG: "The traceback is in the log; nothing else was changed.",
    ExitCode.USAGE: "`mtum config check` and `mtum doctor` say what to change.",
    ExitCode.DATA: "Nothing was sent. `mtum doctor` says what the data lack.",
    ExitCode.BROKER: "Nothing was sent. Look at the gateway; `mtum run` works until the last send time.",
    ExitCode.ORDER: "`mtum show orders` has the broker's words. A position that should be closed may still be open.",
    ExitCode.PERSON: "Compare with the broker's own screen, then `mtum reconcile`. Nothing is sent again by itself.",
    ExitCode.HALTED: "`mtum status` names the halt; `mtum resume` or `mtum approve` lets orders through.",
    ExitCode.LOCKED: "Another run was at work.",
}


def outcome_notices(wake: Wake, session: Session, document: Mapping[str, Any], exit_code: int) -> tuple[Message, ...]:
    """Return what a job's outcome gives the owner to know at once; nothing when all is well.

    Parameters
    ----------
    wake : Wake
        One occurrence of a slot: begins at `at` and not later than `deadline` (UTC).
    session : Session
        The session, with its open and close.
    document : mapping of str to any
        What the job answered.
    exit_code : int
        Exit code that the run ended with.
    """
    orders = [order_sent(session, order, document) for order in document.get("orders", ()) if _sent(wake, order)]
    if exit_code in (ExitCode.DONE, ExitCode.NOTIFY):
        return tuple(orders)
    texts = [str(problem.get("text", problem)) for problem in document.get("problems", ())]
    return (*orders, _alarm(wake, session.day, exit_code, texts))


def order_sent(session: Session, order: Mapping[str, Any], document: Mapping[str, Any]) -> Message:
    """Return the notice of an accepted order: what, why, until when it can be canceled and how.

    In a replayed market the order has been filled by now, in a session that is not today's.

    Parameters
    ----------
    session : Session
        The session, with its open and close.
    order : mapping of str to any
        The order, as the session's document has it.
    document : mapping of str to any
        What the job answered.
    """
    what = f"{order['side']} {order['shares']} {order['symbol']}"
    seen = (document.get("indicators") or {}).get("close")
    last = f"{session.before_close(LAST_CANCEL_MINUTES).astimezone(NEW_YORK):%H:%M} New York"
    filled = order["status"] == "FILLED"
    state = "was filled" if filled else "was accepted by the broker"
    lines = [
        f"{what} {order['type']} {state} ({order['ref']}).",
        f"Reason: {', '.join(document.get('reasons', ())) or 'not recorded'}.",
        f"Price seen at the decision: {seen:.2f} USD." if isinstance(seen, int | float) else "",
        "" if filled else f"It can be canceled until {last}: mtum cancel {order['id']}",
    ]
    text = "\n".join(line for line in lines if line)
    return Message(f"order_sent:{order['ref']}", Urgency.ORDER_SENT, f"ORDER: {what} for {session.day}", text)


def missed_notice(missed: Sequence[tuple[Wake, str]]) -> Message:
    """Return one message about everything that was missed at a time, with its causes."""
    missed = sorted(missed, key=lambda one: _rank(one[0]))
    first = missed[0][0]
    urgent = first.job in _COSTLY
    sessions = sorted({wake.session for wake, _ in missed})
    span = f"{sessions[0]}" if len(sessions) == 1 else f"{sessions[0]} to {sessions[-1]}"
    grouped: dict[tuple[date, str], list[str]] = {}
    for wake, cause in missed:
        grouped.setdefault((wake.session, cause), []).append(_name(wake))
    lines = [f"{session}: {', '.join(names)}: {cause}" for (session, cause), names in grouped.items()]
    if len(lines) > _LISTED:
        lines[_LISTED:] = [f"and {len(lines) - _LISTED} more; `mtum show runs` has them all"]
    alike = sum(1 for wake, _ in missed if wake.job == first.job)
    if first.job == DECIDING and alike > 1:
        lines.insert(0, f"{alike} sessions passed without a decision.")
    lines.append("Nothing of it was done late. Open positions are as they were.")
    return Message(
        key=f"missed:{first.session}:{first.job}:{first.slot}",
        urgency=Urgency.ACT_NOW if urgent else Urgency.REPORT,
        subject=f"ALERT: missed {_counted(first, alike)}{' and more' if len(missed) > alike else ''}, {span}",
        text="\n".join(lines),
    )


def bug_notice(wake: Wake, text: str) -> Message:
    """Return the notice of an error nobody expected."""
    return _alarm(wake, wake.session, ExitCode.BUG, [text])


def store_notice(text: str, at: datetime) -> Message:
    """Return the notice that the database cannot be used: nothing is sent, nothing can be recorded."""
    lines = [
        text,
        "No order is sent while this lasts; a working order at the broker is not touched.",
        "Free space or repair the folder, then `mtum doctor`; `mtum restore FILE` puts a backup in place.",
    ]
    return Message(
        f"store:{at:%Y-%m-%dT%H}", Urgency.ACT_NOW, "ACTION: the database cannot be used", "\n".join(lines), at=at
    )


def _alarm(wake: Wake, day: date, exit_code: int, texts: Sequence[str]) -> Message:
    urgency = Urgency.ACT_NOW if wake.job in URGENT_JOBS else Urgency.REPORT
    subject = f"ACTION: {_name(wake)} of {day}: {_word(exit_code)}"
    text = "\n".join([*texts, NEXT_STEP.get(exit_code, ""), f"(exit code {int(exit_code)})"])
    return Message(f"outcome:{wake.job}:{wake.slot}:{wake.session}:{int(exit_code)}", urgency, subject, text)


def _word(exit_code: int) -> str:
    words = {
        ExitCode.BUG: "an error in the program",
        ExitCode.USAGE: "settings",
        ExitCode.DATA: "data not fit to decide",
        ExitCode.BROKER: "broker unreachable or too late",
        ExitCode.ORDER: "an order was refused or fell short",
        ExitCode.PERSON: "a person is needed",
        ExitCode.HALTED: "halted or not approved",
        ExitCode.LOCKED: "another run holds the lock",
    }
    return words.get(ExitCode(exit_code), f"exit {int(exit_code)}")


def _sent(wake: Wake, order: Mapping[str, Any]) -> bool:
    return wake.job == DECIDING and order.get("status") in ("ACCEPTED", "PARTIALLY_FILLED", "FILLED")


def _rank(wake: Wake) -> tuple[int, date]:
    # What may have cost money comes first; an equal rank keeps the order of time.
    return [*_COSTLY, wake.job].index(wake.job), wake.session


def _counted(wake: Wake, alike: int) -> str:
    return f"{alike} {_COSTLY[wake.job]}" if alike > 1 and wake.job in _COSTLY else _name(wake)


def _name(wake: Wake) -> str:
    return f"{wake.job} ({wake.slot})" if wake.slot else wake.job
