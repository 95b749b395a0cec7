"""`mtum status`: the state at a glance, without asking the broker."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from mtum.cli.context import call_of
from mtum.cli.output import Answer, Listing, Problem
from mtum.cli.stored import NOTHING_YET, stand_in, stored
from mtum.errors import worst

if TYPE_CHECKING:
    from mtum.core.market.sessions import Sessions


def status(context: typer.Context) -> Answer:
    """Mode, account, position, orders, halt, last run, next wake times."""
    from mtum.adapters.clock import SystemClock
    from mtum.adapters.store import reading
    from mtum.app.owner.paper_check_record import interrupted_check
    from mtum.app.records.status import status_document

    call = call_of(context)
    settings = call.settings()
    with stored(call, any_owner=True) as connection:
        found = None if connection is None else reading.status(connection)

    def calendar(first: date, last: date) -> "Sessions":
        from mtum.wiring import stored_calendar_of  # loads numpy, and pandas where no cached file has the days

        return stored_calendar_of(settings, call.data_folder()).sessions(first, last)

    document = status_document(settings, found, SystemClock().now(), calendar)
    document["paper_check"] = interrupted_check(call.data_folder())
    document |= {"settings_file": call.settings_file(), "database": call.database() if found else None}
    problems = [Problem(**problem) for problem in document["problems"]]
    shown = [] if found else [NOTHING_YET, ""]
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
    yield "position", _positions(document["positions"])
    for strategy, amount in document["cash_usd"].items():
        yield f"cash, {strategy}", f"{amount:,.2f} USD"
    for point in document["equity"]:
        yield f"equity, {point['strategy']}", f"{point['equity_usd']:,.2f} USD at the close of {point['session']}"
    yield "open orders", len(document["open_orders"]) or "none"
    if document["unsettled"]:
        yield "waiting to be settled", f"{', '.join(document['unsettled'])} (`mtum settle --session DATE`)"
    if document["paper_check"]:
        yield "paper-check", document["paper_check"]
    yield "halt", _halt(document["halts"])
    yield "last run", _last_run(document["last_run"])
    yield "next session", _next_session(document["next_session"])
    if document["undelivered"]:
        yield "messages waiting", document["undelivered"]
    yield "settings", str(document["settings_file"] or "defaults")
    yield "database", str(document["database"] or "none yet")


def _positions(rows: Sequence[Mapping[str, Any]]) -> str:
    held = [
        f"{'SHORT ' if row['shares'] < 0 else ''}{abs(row['shares'])} {row['symbol']} since {row['entry_session']} "
        f"at {row['entry_price']:,.2f} USD"
        for row in rows
    ]
    return "; ".join(held) or "flat"


def _halt(halts: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"{halt['restriction'].replace('_', '-')} by {halt['by']}: {halt['why']}" for halt in halts]
    return "; ".join(lines) or "none"


def _last_run(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return "none"
    ended = "not finished" if run["outcome"] is None else f"{run['outcome']}, exit code {run['exit_code']}"
    return f"{run['job']} of {run['session']}: {ended}"


def _next_session(session: Mapping[str, Any] | None) -> str:
    from mtum.app.service.schedule import NEW_YORK

    if session is None:
        return "the first of the replayed market; `mtum run` plays it"
    short = ", a half day" if session["half_day"] else ""
    closes = session["closes_at"]
    return f"{session['session']}, closes {closes.astimezone(NEW_YORK):%H:%M} New York ({closes:%H:%M} UTC){short}"


def _lists(document: Mapping[str, Any]) -> Iterator[str | Listing]:
    if document["open_orders"]:
        columns = ("session", "symbol", "side", "shares", "filled", "status", "ref")
        yield ""
        yield Listing(columns, [[row[name] for name in columns] for row in document["open_orders"]], "Open orders")
    if document["next_wakes"]:
        rows = [
            [wake["at_new_york"], f"{wake['at_utc']:%H:%M}", wake["job"], wake["slot"]]
            for wake in document["next_wakes"][:8]
        ]
        yield ""
        yield Listing(("New York", "UTC", "job", "slot"), rows, "Next wake times")
