"""`mtum backup` and `mtum restore`: verified copies of the database."""

from pathlib import Path
from typing import Annotated

import typer

from mtum.cli.context import DATABASE_NAME, call_of
from mtum.cli.output import Answer
from mtum.config.named_files import why_unreadable
from mtum.errors import UsageError


def backup(context: typer.Context) -> Answer:
    """Write a verified copy of the database into the data folder's backups."""
    from mtum.wiring.backups import made_copy
    from mtum.wiring.resources import system_clock

    call = call_of(context)
    if not call.database().exists():
        raise UsageError(f"{call.database()} does not exist; there is nothing to copy yet")
    made = made_copy(call.settings(), call.data_folder(), system_clock())
    document = {"path": made.path, "kept": made.kept, "removed": list(made.removed)}
    return Answer(document, [f"{made.path} (verified; copies kept: {made.kept})"])


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `mtum backup` made.")],
    check: Annotated[bool, typer.Option("--check", help="Only say whether the copy is sound.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also a copy of another mode or account.")] = False,
) -> Answer:
    """Check a copy and put it in the database's place; the present database is kept beside it."""
    from mtum.wiring.backups import restored
    from mtum.wiring.resources import system_clock

    call = call_of(context)
    wrong = why_unreadable(file)
    if wrong:
        raise UsageError(f"{file} {wrong}; `ls {call.data_folder() / 'backups'}` shows what there is")
    found = restored(call.settings(), call.data_folder(), file, system_clock().now(), check_only=check, force=force)
    facts = found.facts
    document = {
        "file": file,
        "restored": not check,
        "mode": facts.mode,
        "account": facts.account,
        "last_session": facts.last_session,
        "decisions": facts.decisions,
        "fills": facts.fills,
    }
    what = "is sound" if check else f"is now {call.data_folder() / DATABASE_NAME}"
    decisions = f"decisions: {facts.decisions}, to {facts.last_session}" if facts.decisions else "no decisions yet"
    line = f"{file} {what}: {facts.mode}, account {facts.account}, {decisions}"
    if found.stranger:
        line += f" (not this installation's: the settings say mode {call.settings().mode})"
    hints = [] if check else ["next: `mtum doctor` compares it with the broker before anything is sent"]
    return Answer(document, [line], hints=hints)
