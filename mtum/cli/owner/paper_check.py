"""`mtum paper-check`: the check-list for a paper account."""

import json

import typer
from msgspec import structs

from mtum.cli.arguments import AsOf
from mtum.cli.context import call_of
from mtum.cli.frame import INTERRUPTED
from mtum.cli.output import Answer, AnswerProblem, Listing
from mtum.errors import ExitCode, UsageError


def paper_check(context: typer.Context, as_of: AsOf = None) -> Answer:
    """Try on a paper account what only a real gateway can show; buys one share and watches it past the close."""
    from mtum.app.owner.paper_check import WINDOW_MINUTES
    from mtum.app.owner.paper_check_record import interrupted_check
    from mtum.app.session.run_today import todays_session
    from mtum.wiring import desks
    from mtum.wiring.rehearsals import checked_on_paper

    call = call_of(context)
    settings, folder = call.settings(), call.data_folder()
    schedule = structs.replace(settings.schedule, window_opens_minutes=WINDOW_MINUTES)
    if settings.mode != "paper":
        raise UsageError(f'paper-check runs in mode "paper", not "{settings.mode}": it buys a share')
    with desks.live_desk(structs.replace(settings, schedule=schedule), folder, as_of) as desk:
        session = todays_session(desk)
        if session is None:
            raise UsageError(f"the exchange is shut on {desk.clock.now():%Y-%m-%d}")
        day = session.day
        try:
            document = checked_on_paper(desk, session, call.tell)
        except KeyboardInterrupt:
            left = interrupted_check(folder, day) or "not begun; nothing was sent"
            text = f"interrupted: paper-check {left}"
            return Answer({}, exit_code=INTERRUPTED, problems=[AnswerProblem(INTERRUPTED, text)])
    rows = [["pass" if one["passed"] else "FAIL", one["name"], one["found"]] for one in document["steps"]]
    shown: list[str | Listing] = [Listing(["", "step", "found"], rows)]
    shown += [f"code {line}" for line in document["codes"]]
    hints = [f"record: {document['record']}"]
    told = json.loads(json.dumps(document, default=str, allow_nan=False))
    return Answer(told, shown, ExitCode(document["exit_code"]), hints=hints)
