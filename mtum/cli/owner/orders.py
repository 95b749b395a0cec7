"""`mtum cancel` and `mtum reconcile`: what a person does about orders and positions at the broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtum.cli.arguments import day_option, number_option, usd_option
from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer, Listing
from mtum.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mtum.app.desk import Desk

ACCEPT_HELP = (
    "external SYMBOL N, position SYMBOL N, filled REF PRICE [FEE], commission EXECUTION USD, not-sent ID, foreign REF, "
    "corporate-action SYMBOL RATIO, contract SYMBOL CONTRACT, renamed OLD NEW --from DATE, merged OLD --cash USD "
    "[--into NEW --ratio R], spun-off PARENT CHILD --ratio R --basis-frac F, undone SYMBOL; of options: assigned, "
    "exercised or expired CONTRACT N, settled or traded CONTRACT N PRICE."
)


def cancel(
    context: typer.Context,
    order: Annotated[str | None, typer.Argument(metavar="ID", help="One order; without it every working one.")] = None,
) -> Answer:
    """Cancel working orders, until ten minutes before the close; none is sent again this session."""
    from mtum.app.owner.cancel import cancel as cancel_orders
    from mtum.app.owner.paper_check_record import interrupted_check
    from mtum.app.session.run_today import todays_session
    from mtum.wiring import desks, resources

    call = call_of(context)
    call.be_urgent()
    if resources.is_replay(call.settings()):
        raise UsageError("on a replayed market no order rests between two commands")
    with desks.live_desk(call.settings(), call.data_folder(), None, locked=False) as desk:
        session = todays_session(desk)
        if session is None:
            raise UsageError(f"the exchange is shut on {desk.clock.now():%Y-%m-%d}")
        document = cancel_orders(desk, session, order)
    lines = [f"canceled: {ref}" for ref in document["canceled"]] or ["nothing was canceled"]
    check = interrupted_check(call.data_folder(), session.day)
    lines += [f"paper-check {check}"] if check else []
    return Answer(document, lines, ExitCode(document["exit_code"]))


def reconcile(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORD]...", help="What follows --accept KIND.")] = None,
    accept: Annotated[str | None, typer.Option("--accept", metavar="KIND", help=ACCEPT_HELP)] = None,
    *,
    strategy: Annotated[str | None, typer.Option("--strategy", metavar="NAME", help="Whose position it is.")] = None,
    entry_session: Annotated[date | None, day_option("--entry-session", "When it began.")] = None,
    entry_price: Annotated[Decimal | None, usd_option("--entry-price", "Its price per share.")] = None,
    cash_in_lieu: Annotated[
        Decimal | None, usd_option("--cash-in-lieu", "Paid for the fraction of a share that was left.")
    ] = None,
    first_session: Annotated[
        date | None, day_option("--from", "First session of a new name, merger or spin-off; day of an assignment.")
    ] = None,
    cash: Annotated[Decimal | None, number_option("--cash", "What a merger paid per share.")] = None,
    into: Annotated[str | None, typer.Option("--into", metavar="SYMBOL", help="What a merger paid with.")] = None,
    ratio: Annotated[Decimal | None, number_option("--ratio", "Shares received per share.")] = None,
    basis_frac: Annotated[
        Decimal | None, number_option("--basis-frac", "Part of the cost that goes to the child of a spin-off.")
    ] = None,
) -> Answer:
    """Record what the broker's lists explain, and compare the rest with our records; or accept a statement."""
    from mtum.app.owner.accept import accept as accept_statement
    from mtum.app.owner.reconcile import reconcile as compared
    from mtum.app.owner.statement import Statement

    call = call_of(context)
    if accept is None and words:
        raise UsageError("words without --accept; write `mtum reconcile --accept KIND ...`")
    said: Statement | None = None
    if accept is not None:
        told = (strategy, entry_session, entry_price, cash_in_lieu, first_session, cash, into, ratio, basis_frac)
        said = Statement(accept, tuple(words or ()), *told)
    with _desk(call) as desk:
        document = accept_statement(desk, said) if said else compared(desk)
    return _answer(document)


@contextmanager
def _desk(call: CommandCall) -> "Iterator[Desk]":
    from mtum.wiring import desks, resources

    settings = call.settings()
    if not resources.is_replay(settings):
        with desks.live_desk(settings, call.data_folder(), None) as desk:
            yield desk
        return
    with desks.replay_desk(settings, call.data_folder()) as replay:
        last = replay.desk.store.runs.latest_run("decide_and_order")
        if last is not None and last.session is not None:
            replay.desk.clock.wait_until(replay.session(last.session).close + timedelta(hours=2, minutes=5))
        yield replay.desk


def _answer(document: dict[str, Any]) -> Answer:
    lines: list[str | Listing] = [f"accepted: {document['accepted']}"] if "accepted" in document else []
    if not document["differences"]:
        lines.append("our records and the broker's agree")
    if document["others"]:
        lines.append(f"also in the account, neither traded nor valued here: {', '.join(document['others'])}")
    for one in document["differences"]:
        lines.append(f"{one['kind']}: {one['text']}")
        lines += [f"    {way}" for way in one["ways"]]
    return Answer(document, lines, ExitCode(document["exit_code"]))
