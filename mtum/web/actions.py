"""What a person may do from a page: the use cases that the commands call, told to the log with who asked from where."""

import logging
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from mtum.errors import UsageError
from mtum.web import documents
from mtum.web.records import Records
from mtum.wiring import control

if TYPE_CHECKING:
    from mtum.ports.records import Way

log = logging.getLogger(__name__)

LEADS_TO = {"backtest": "/research", "backtest/stop": "/research"}
"""Action -> page that shows what came of it, where that is not the first one."""
LONGEST_WORDS = 300
type Form = Mapping[str, str]


def halt(records: Records, form: Form) -> dict[str, Any]:
    """Stop sending orders: `why`, `reduce_only` (yes), `sleeve`; one tap and a confirmation (`confirmed` is yes)."""
    if form.get("confirmed") != "yes":
        raise UsageError("tick the box to confirm the halt")
    why, sleeve = _words(form, "why", "a person halted it from the dashboard"), form.get("sleeve") or None
    return control.halted(records.settings, records.folder, why, sleeve, reduce_only=form.get("reduce_only") == "yes")


def resume(records: Records, form: Form) -> dict[str, Any]:
    """Lift every halt, or those of `sleeve`; `typed` confirms it."""
    _confirmed(records, form, "resume")
    return control.resumed(records.settings, records.folder, form.get("sleeve") or None)


def approve(records: Records, form: Form) -> dict[str, Any]:
    """Approve the orders of `session`, `way` (enter or exit), also by `sleeve` and `symbol`; `typed` confirms it."""
    _confirmed(records, form, "approve")
    given = form.get("way")
    if given not in ("enter", "exit"):
        raise UsageError("say which orders are approved: enter or exit")
    way: Way = "enter" if given == "enter" else "exit"
    day = _day(form)
    if day is None:
        raise UsageError("name the session as YYYY-MM-DD")
    symbol = form.get("symbol", "").strip().upper() or None
    document, _ = control.approved(records.settings, records.folder, day, way, form.get("sleeve") or None, symbol)
    return document


def send_report(records: Records, form: Form) -> dict[str, Any]:
    """Send the report of `session`, the newest one where none is named; one that was sent is not sent twice."""
    from mtum.app.reporting.daily_report import last_session, report_message, written_report
    from mtum.wiring.messages import post_and_flush
    from mtum.wiring.reports import writer_of
    from mtum.wiring.resources import calendar_of, market_now, opened_store

    settings, folder = records.settings, records.folder
    with opened_store(settings, folder) as store:
        writer = writer_of(settings, folder, store, calendar_of(settings, folder), html=True)
        day = _day(form) or last_session(writer)
        if day is None:
            raise UsageError("there is no session yet to report on")
        message = report_message(writer, written_report(writer, day, market_now(settings, store, day)))
    flushed = post_and_flush(settings, folder, message)
    return {"session": day.isoformat(), "failed": [name for name, _ in flushed.failed]}


def note(records: Records, form: Form) -> dict[str, Any]:
    """Write `words` down, of `session` and `symbol` where they are named."""
    words = _words(form, "words", "")
    if not words:
        raise UsageError("the note is empty; write a few words")
    symbol = form.get("symbol", "").strip().upper()[:15] or None
    return control.noted(records.settings, records.folder, words, _day(form), symbol)


def backtest(records: Records, form: Form) -> dict[str, Any]:
    """Start a backtest in a process of its own: `play`, `symbol`, `start`, `end` and the other fields of the page."""
    records.backtests.start(form)
    return documents.backtest(records)


def stop_backtest(records: Records, form: Form) -> dict[str, Any]:
    """Stop the backtest at work; what it has found until then is not kept."""
    if records.backtests.stop() is None:
        raise UsageError("no backtest is running")
    return documents.backtest(records)


ACTIONS: dict[str, Callable[[Records, Form], dict[str, Any]]] = {
    "halt": halt,
    "resume": resume,
    "approve": approve,
    "report/send": send_report,
    "note": note,
    "backtest": backtest,
    "backtest/stop": stop_backtest,
}
"""Address below /api/v1 -> what it does."""


def act(name: str, records: Records, form: Form, asked_from: str, *, signed_in: bool) -> dict[str, Any]:
    """Carry out an action and tell the log of it, whatever comes of it.

    Parameters
    ----------
    name : str
        Name of the action.
    records : Records
        The records of one data folder, for reading alone; safe for several threads.
    form : Form
        Fields of the form.
    asked_from : str
        Address of the browser.
    signed_in : bool
        Whether the password was given.
    """
    who = {"action": name, "asked_from": asked_from, "signed_in": signed_in}
    words = {
        key: given[:LONGEST_WORDS]
        for key, given in form.items()
        if key in ("why", "sleeve", "session", "symbol", "play")
    }
    try:
        found = ACTIONS[name](records, form)
    except Exception as error:
        log.warning("action_refused", extra={**who, **words, "error": str(error)})
        raise
    log.warning("action", extra={**who, **words})
    return found


def word_typed(records: Records, name: str) -> str:
    """Return what has to be typed to confirm an action: in live the account's code."""
    settings = records.settings
    return settings.broker.account if settings.mode == "live" else name


def _day(form: Form) -> date | None:
    try:
        return date.fromisoformat(form["session"]) if form.get("session") else None
    except ValueError:
        raise UsageError("name the session as YYYY-MM-DD") from None


def _confirmed(records: Records, form: Form, name: str) -> None:
    wanted = word_typed(records, name)
    if form.get("typed", "").strip() != wanted:
        what = "the code of the account" if records.settings.mode == "live" else f'"{wanted}"'
        raise UsageError(f"type {what} to confirm")


def _words(form: Form, name: str, otherwise: str) -> str:
    words = " ".join(form.get(name, "").split())[:LONGEST_WORDS]
    return words or otherwise
