"""`mtum doctor`: whether today's run could succeed, and what to do if not."""

from typing import TYPE_CHECKING

import typer

from mtum.cli.context import call_of
from mtum.cli.output import Answer, Listing
from mtum.errors import ExitCode

if TYPE_CHECKING:
    from mtum.app.service.rehearse import Rehearsal


def doctor(context: typer.Context) -> Answer:
    """Whether today's run could succeed, and what to do if not. Sends and changes nothing."""
    from mtum.wiring.rehearsals import rehearsed
    from mtum.wiring.resources import system_clock

    call = call_of(context)
    return rehearsal_answer(rehearsed(call.settings(), call.data_folder(), system_clock()))


def rehearsal_answer(found: "Rehearsal") -> Answer:
    """Return the answer of a rehearsal: one line per check with its remedy."""
    rows = [[check.name, check.state.value, check.found, check.remedy] for check in found.checks]
    go = found.exit_code == ExitCode.DONE
    day = found.session.day if found.session else "every session has been played"
    head = f"{day}: {'go' if go else 'NO GO'}"
    return Answer(found.document, [head, Listing(["check", "state", "found", "what to do"], rows)], found.exit_code)
