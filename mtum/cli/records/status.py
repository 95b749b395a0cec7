"""`mtum status`: the state at a glance, without asking the broker."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from mtum.cli.context import call_of
from mtum.cli.output import Answer, AnswerProblem, Listing
from mtum.cli.stored import NOTHING_YET, stand_in
from mtum.core.market.calendars import NEW_YORK
from mtum.errors import ExitCode, worst

if TYPE_CHECKING:
    from mtum.core.market.sessions import Sessions
    from mtum.ports.rows import HaltRow, PositionRow, RunRow


def status(context: typer.Context) -> Answer:
    """Mode, account, position, orders, halt, last run, next wake times."""
    from mtum.app.owner.paper_check_record import interrupted_check
    from mtum.app.queries.status import status_document, status_of
    from mtum.ports.reading import DatabaseState
    from mtum.wiring.resources import opened_reader, system_clock

    call = call_of(context)
    call.be_urgent()
    settings = call.settings()
    with opened_reader(settings, call.database(), any_owner=True) as reader:
        state = DatabaseState() if reader is None else reader.state()

    def calendar(first: date, last: date) -> "Sessions":
        from mtum.wiring.resources import calendar_of  # loads pandas where no kept file has the days

        return calendar_of(settings, call.data_folder()).sessions(first, last)

    found = status_of(settings, state, system_clock().now(), calendar)
    problems = [AnswerProblem(ExitCode.USAGE, text) for text in found.problems]
    document = {
        **status_document(settings, state, found),
        "paper_check": interrupted_check(call.data_folder()),
        "settings_file": call.settings_file(),
        "database": call.database() if reader else None,
    }
    shown = [] if reader else [NOTHING_YET, ""]
    return Answer(
        document,
        [*shown, Listing(["state", ""], list(_state(document))), *_lists(document), *stand_in(call)],
        exit_code=worst(problem.code for problem in problems),
        problems=problems,
    )


def _state(document: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    yield "mode", f"{document['mode'].upper() if document['mode'] == 'live' else document['mode']}"
    yield "account", document["account"] or "not known yet"
    yield "strategy", document["strategy"]
    yield "market", document["source"] + (" (replayed; time is the market's own)" if document["replayed"] else "")
    yield "position", _positions(document["positions"], named=len(document["cash_usd"]) > 1)
    if document["others"]:
        yield "also in the account", f"{', '.join(document['others'])} (neither traded nor valued here)"
    for strategy, amount in document["cash_usd"].items():
        yield f"cash, {strategy}", f"{amount:,.2f} USD"
    if document["cash_settles_by"]:
        yield "cash settles", f"by {document['cash_settles_by']}: the last decision could not spend it"
    for point in document["equity"]:
        yield f"equity, {point.strategy}", f"{point.equity_usd:,.2f} USD at the close of {point.session}"
    yield "open orders", str(len(document["open_orders"]) or "none")
    if document["unsettled"]:
        yield "waiting to be settled", f"{', '.join(document['unsettled'])} (`mtum settle --session DATE`)"
    if document["paper_check"]:
        yield "paper-check", document["paper_check"]
    yield "halt", _halt(document["halts"])
    yield "last run", _last_run(document["last_run"])
    for text in document["needs"]:
        yield "needs you", text
    yield "next session", _next_session(document["next_session"])
    if document["undelivered"]:
        yield "messages waiting", document["undelivered"]
    yield "settings", str(document["settings_file"] or "defaults")
    yield "database", str(document["database"] or "none yet")


def _positions(rows: "Sequence[PositionRow]", *, named: bool) -> str:
    held = [
        f"{row.strategy + ': ' if named else ''}{'SHORT ' if row.shares < 0 else ''}{abs(row.shares)} {row.symbol} "
        f"since {row.entry_session} at {row.entry_price:,.2f} USD"
        for row in rows
    ]
    return "; ".join(held) or "flat"


def _halt(halts: "Sequence[HaltRow]") -> str:
    lines = [f"{halt.restriction.replace('_', '-')} by {halt.by}: {halt.why}" for halt in halts]
    return "; ".join(lines) or "none"


def _last_run(run: "RunRow | None") -> str:
    if run is None:
        return "none"
    ended = "not finished" if run.outcome is None else f"{run.outcome}, exit code {run.exit_code}"
    return f"{run.job} of {run.session}: {ended}"


def _next_session(session: Mapping[str, Any] | None) -> str:
    if session is None:
        return "the first of the replayed market; `mtum run` plays it"
    short = ", a half day" if session["half_day"] else ""
    closes = session["closes_at"]
    return f"{session['session']}, closes {closes.astimezone(NEW_YORK):%H:%M} New York ({closes:%H:%M} UTC){short}"


def _lists(document: Mapping[str, Any]) -> Iterator[str | Listing]:
    if document["open_orders"]:
        columns = ("session", "symbol", "side", "shares", "filled", "status", "ref")
        yield ""
        yield Listing(
            columns, [[getattr(row, name) for name in columns] for row in document["open_orders"]], "Open orders"
        )
    if document["next_wakes"]:
        rows = [
            [wake["at_new_york"], f"{wake['at_utc']:%H:%M}", wake["job"], wake["slot"]]
            for wake in document["next_wakes"][:8]
        ]
        yield ""
        yield Listing(("New York", "UTC", "job", "slot"), rows, "Next wake times")
