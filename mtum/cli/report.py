"""`mtum report` and `mtum review`: the account of a session or of a period."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from mtum.cli.arguments import Session as SessionOption
from mtum.cli.arguments import SleeveName, day_option, sleeve_of, word_of
from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer, AnswerProblem
from mtum.cli.stored import NOTHING_YET
from mtum.errors import ExitCode, UsageError, worst

if TYPE_CHECKING:
    from mtum.app.reporting.daily_report import Report
    from mtum.app.reporting.period import Kind
    from mtum.app.reporting.report_writer import ReportWriter
    from mtum.app.reporting.review import ReviewReport
    from mtum.ports.messages import Message

APPROVED_SINCE = "A backtest has been approved since this report was written; the next report compares with it."
_PERIODS = ("week", "month", "quarter")
Send = Annotated[bool, typer.Option("--send", help="Also send it by the configured channels.")]


def report(
    context: typer.Context, session: SessionOption = None, send: Send = False, sleeve: SleeveName = None
) -> Answer:
    """The report of a session; the last one with a run unless named. With --sleeve as it stands for one sleeve."""
    from mtum.app.reporting.daily_report import (
        last_session,
        preview_report,
        report_message,
        stored_report,
        written_report,
    )
    from mtum.wiring.resources import market_now

    call = call_of(context)
    if not call.database().exists():
        return Answer({}, [NOTHING_YET])
    # A report that is stored needs no folder that can be written.
    with _press(call, reading=True) as writer:
        day = session or last_session(writer)
        if day is None:
            return Answer({}, [NOTHING_YET])
        if sleeve is not None:
            setup = dataclasses.replace(writer.setup, sleeve=sleeve_of(call.settings(), sleeve))
            return _answer(preview_report(replace(writer, setup=setup), day))
        stored = stored_report(writer.store.runs, day) is not None
    with _press(call, reading=stored and not send) as writer:
        found = written_report(writer, day, market_now(call.settings(), writer.store, day))
        message = report_message(writer, found) if send else None
        approved = writer.store.approvals.approved_document("backtest")
        approved_since = found.summary.backtest is None and approved is not None
    problems = [AnswerProblem(line.code, line.text) for line in found.broken]
    shown = _answer(found)
    if approved_since:
        shown = replace(shown, shown=[*shown.shown, "", APPROVED_SINCE])
    answer = replace(shown, exit_code=ExitCode.BUG if problems else ExitCode.DONE, problems=problems)
    return _sent(call, answer, message) if message else answer


@contextmanager
def _press(call: CommandCall, *, reading: bool = False) -> "Iterator[ReportWriter]":
    from mtum.wiring import resources
    from mtum.wiring.reports import writer_of

    settings, folder = call.settings(), call.data_folder()
    with resources.opened_store(settings, folder, reading=reading) as store:
        yield writer_of(settings, folder, store, resources.calendar_of(settings, folder), html=True)


def _answer(found: "Report | ReviewReport") -> Answer:
    shown = [found.text.rstrip("\n")]
    if found.html is not None:
        shown += ["", f"As a page with charts: {found.html}"]
    return Answer(found.document, shown)


def _sent(call: CommandCall, answer: Answer, message: "Message") -> Answer:
    # A stored message is not sent twice: the outbox knows its key.
    from mtum.wiring.messages import post_and_flush

    flushed = post_and_flush(call.settings(), call.data_folder(), message)
    undelivered = [AnswerProblem(ExitCode.NOTIFY, f"{name}: {error}") for name, error in flushed.failed]
    codes = (ExitCode(answer.exit_code), ExitCode.NOTIFY if undelivered else ExitCode.DONE)
    return replace(answer, exit_code=worst(codes), problems=[*answer.problems, *undelivered])


def review(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="week|month|quarter", help="How long it looks back.", parser=partial(word_of, "review", _PERIODS)
        ),
    ],
    end: Annotated[date | None, day_option("--end", "A day of the period.")] = None,
    send: Send = False,
) -> Answer:
    """The review of a week, a month or a quarter; the last recorded one unless named."""
    from mtum.app.reporting.daily_report import last_session
    from mtum.app.reporting.period import Kind
    from mtum.app.reporting.review import review_message, write_review
    from mtum.wiring.reports import outside_of
    from mtum.wiring.resources import market_now

    call = call_of(context)
    chosen = Kind(kind)
    if not call.database().exists():
        return Answer({}, [NOTHING_YET])
    with _press(call) as writer:
        last = last_session(writer)
        if last is None:
            return Answer({}, [NOTHING_YET])
        day = last_of_period(writer, chosen, end or last)
        outside = outside_of(chosen, call.data_folder(), call.environment)
        with writer.store.lock():
            found = write_review(writer, chosen, day, market_now(call.settings(), writer.store, day), outside)
        message = review_message(writer, found) if send else None
    answer = _answer(found)
    return _sent(call, answer, message) if message else answer


def last_of_period(writer: "ReportWriter", kind: "Kind", day: date) -> date:
    """Return the last session with a run of the period that holds a day.

    Parameters
    ----------
    writer : ReportWriter
        What a report needs: facts, calendar, the folder it goes to, and (for HTML) a renderer.
    kind : Kind
        Kinds of review.
    day : date
        The session's date.

    Raises
    ------
    UsageError
        If nothing was recorded in that period.
    """
    from mtum.app.reporting.period import bounds

    first, last = bounds(kind, day)
    sessions = [run.session for run in writer.store.runs.runs_between(first, last) if run.session is not None]
    if not sessions:
        raise UsageError(f"nothing was recorded from {first} to {last}; `mtum show runs` lists what was")
    return max(sessions)
