"""`mtum options`: open groups of options, and the chain that the last decision saw."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtum.cli.context import call_of
from mtum.cli.output import Answer, Listing
from mtum.cli.stored import NOTHING_YET, stand_in
from mtum.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

CHAIN = "chain"
MODEL = "MODEL-PRICED: a model made these prices, no market did."


def options(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="chain", help="A chain; without it, the open groups.")] = "",
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Underlying of the chain, for instance SPY.")] = "",
) -> Answer:
    """Open groups with legs, marks, collateral and next rule; or the chain of an underlying as last decided on."""
    from mtum.app.queries.option_groups import option_chain, option_groups
    from mtum.wiring.resources import opened_reader

    if (what != CHAIN and what) or (what == CHAIN and not symbol):
        raise UsageError("write `mtum options` for open groups, or `mtum options chain SYMBOL`, for instance SPY")
    call = call_of(context)
    settings = call.settings()
    with opened_reader(settings, call.database()) as reader:
        if what:
            document = option_chain(settings, reader, symbol.upper())
            return Answer(document, [*_chain(document), *stand_in(call)])
        document = option_groups(settings, reader)
        empty = reader is None
    if not document["sleeves"]:
        return Answer(document, ["no sleeve trades options"])
    return Answer(document, [NOTHING_YET] if empty else [*_groups(document), *stand_in(call)])


def _groups(document: "Mapping[str, Any]") -> "list[str | Listing]":
    groups = document["groups"]
    if not groups:
        return ["no group is open"]
    rows = [
        [
            one["sleeve"],
            one["group"],
            "; ".join(f"{leg['quantity']:+} {leg['contract']}" for leg in one["legs"]),
            one["days"],
            _number(one["delta_shares"], "+,.0f"),
            _number(one["worth_usd"], "+,.2f"),
            _earned(one),
            _number(one["collateral_usd"], ",.0f"),
            _number(one["max_loss_usd"], ",.0f"),
        ]
        for one in groups
    ]
    columns = ["sleeve", "group", "legs", "days", "delta, shares", "worth USD", "P&L USD", "cash pinned USD"]
    lines: list[str | Listing] = [MODEL] if document["model_priced"] else []
    lines += [Listing([*columns, "most loss USD"], rows), ""]
    lines += [f"{one['group']}: {one['next']['text'] if one['next'] else 'no rule is known'}." for one in groups]
    told = [one for one in document["sleeves"] if one["session"]]
    return [*lines, "", *(f"{one['sleeve']}: as decided on {one['session']}, {one['source']}." for one in told)]


def _chain(document: "Mapping[str, Any]") -> "list[str | Listing]":
    head = f"{document['symbol']} {document['spot']:,.2f} on {document['session']}, {document['source']}."
    rows = [
        [
            one["contract"],
            one["days"],
            _number(one["bid"], ",.2f"),
            _number(one["ask"], ",.2f"),
            _number(one["volatility"], ".1%"),
            _number(one["delta"], "+.3f"),
            one["open_interest"],
            "chosen" if one["out"] is None else one["out"],
        ]
        for one in document["contracts"]
    ]
    lines: list[str | Listing] = [head, *([MODEL] if document["model_priced"] else [])]
    lines += [f"Refused: {document['refused']}."] if document["refused"] else []
    return [*lines, Listing(["contract", "days", "bid", "ask", "volatility", "delta", "open", "why it is out"], rows)]


def _earned(one: "Mapping[str, Any]") -> str | None:
    waits = one["pnl_usd"] is None and one["worth_usd"] is not None
    return "fee not told yet" if waits else _number(one["pnl_usd"], "+,.2f")


def _number(value: float | None, form: str) -> str | None:
    return None if value is None else format(value, form)
