"""`mtum halt`, `mtum resume` and `mtum capital`: what a person may change between runs."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import typer

from mtum.app.queries.plain import plain
from mtum.cli.arguments import SleeveName, Why, sleeve_of, usd_of, word_of
from mtum.cli.context import call_of
from mtum.cli.output import Answer


def halt(
    context: typer.Context,
    why: Why,
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="Stop entries only; exits go on.")] = False,
    sleeve: SleeveName = None,
) -> Answer:
    """Stop sending orders, exits included; with --reduce-only stop entries only."""
    from mtum.wiring.control import halted

    call = call_of(context)
    call.be_urgent()
    document = halted(call.settings(), call.data_folder(), why, sleeve, reduce_only=reduce_only)
    return Answer(
        document,
        ["halted: no entries are made" if reduce_only else "halted: nothing is sent, exits included"]
        + [f"in force: {line}" for line in _lines(plain(document["halts"]))],
        hints=["`mtum resume` lifts every halt; orders that the broker already has are not touched"],
    )


def resume(context: typer.Context, sleeve: SleeveName = None) -> Answer:
    """Lift every halt; with --sleeve those of one sleeve."""
    from mtum.wiring.control import resumed

    call = call_of(context)
    call.be_urgent()
    document = resumed(call.settings(), call.data_folder(), sleeve)
    lines = [f"lifted: {line}" for line in _lines(plain(document["were"]))]
    if document["peak_since"] is not None:
        lines.append(f"the drawdown limit counts anew from the close of {document['peak_since']}")
    if document["decided"] is not None:
        lines.append(
            f"{document['decided']} is decided already ({document['decided_as']}) and stays so; "
            "the next session decides without the halt"
        )
    return Answer(document, lines or ["no halt was in force"])


def capital(
    context: typer.Context,
    direction: Annotated[
        str,
        typer.Argument(
            metavar="add|withdraw",
            help="Into the strategy or out of it.",
            parser=partial(word_of, "capital", ("add", "withdraw")),
        ),
    ],
    usd: Annotated[Decimal, typer.Argument(help="Amount in USD.", metavar="USD", parser=usd_of)],
    why: Why,
    sleeve: SleeveName = None,
) -> Answer:
    """Record money added to or taken from the strategy; it is no profit and no loss."""
    from mtum.app.ledger.sleeve_records import unsettled_usd
    from mtum.app.owner.capital import CapitalChange, Purse, addressee, change_capital, in_fund
    from mtum.core.market.calendars import NEW_YORK
    from mtum.core.portfolio.fund import FUND
    from mtum.wiring.desks import transfer_of
    from mtum.wiring.resources import calendar_of, is_replay, market_now, opened_store, system_clock

    call = call_of(context)
    change = CapitalChange(direction == "add", usd, why)
    settings, folder = call.settings(), call.data_folder()
    with opened_store(settings, folder) as store, store.lock():
        today = market_now(settings, store).astimezone(NEW_YORK).date()
        pending = {
            one.name: unsettled_usd(store.orders.fills(one.name), today) if one.weight < 1 else Decimal(0)
            for one in settings.sleeves()
            if one.name != FUND and one.owns_money
        }
        name = addressee(store.ledger, pending, sleeve_of(settings, sleeve))
        purse = Purse(
            strategy=name,
            ledger=store.ledger,
            transfer=transfer_of(settings, folder),
            calendar=calendar_of(settings, folder),
            clock=system_clock(),
            today=None if is_replay(settings) else today,
            unsettled_usd=max(pending[name], in_fund(store.books, settings, name)),
        )
        document = change_capital(purse, change)
    return Answer(
        document,
        [
            f"{document['kind']} of {abs(document['amount_usd']):,.2f} USD for session {document['session']}",
            f"{document['strategy']} now has {document['cash_usd']:,.2f} USD in cash",
        ],
    )


def _lines(halts: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{found['restriction'].replace('_', '-')} by {found['by']}: {found['why']}"
        + (f" (sleeve {found['sleeve']})" if found["sleeve"] else "")
        for found in halts
    ]
