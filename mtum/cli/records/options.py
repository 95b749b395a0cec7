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
EXPIRIES, STRIKES = 3, 8
"""Of how many expiries, and how many strikes of each right around the price, a chain shows contracts."""
SHARES = "as shares"
COVERED = "as shares: a call on shares you hold loses nothing by itself; what the shares can lose counts with them."
MODEL = "MODEL-PRICED: a model made these prices, no market did."


def options(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="chain", help="A chain; without it, the open groups.")] = "",
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Underlying of the chain, for instance SPY.")] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Every contract of the chain; else those near the price.")
    ] = False,
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
            return Answer(document, [*_chain(document, every=every), *stand_in(call)])
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
            SHARES if one["pledged_shares"] and not one["max_loss_usd"] else _number(one["max_loss_usd"], ",.0f"),
        ]
        for one in groups
    ]
    columns = ["sleeve", "group", "legs", "days", "delta, shares", "worth USD", "P&L USD", "cash pinned USD"]
    lines: list[str | Listing] = [MODEL] if document["model_priced"] else []
    lines += [Listing([*columns, "most loss USD"], rows), ""]
    lines += [f"{one['group']}: {one['next']['text'] if one['next'] else 'no rule is known'}." for one in groups]
    if any(one["pledged_shares"] for one in groups):
        lines += ["", COVERED]
    told = [one for one in document["sleeves"] if one["session"]]
    return [*lines, "", *(f"{one['sleeve']}: as decided on {one['session']}, {one['source']}." for one in told)]


def _near(document: "Mapping[str, Any]") -> "list[Mapping[str, Any]]":
    """Return what was chosen, and of the nearest expiries, chosen ones first, the strikes around the price."""
    contracts, spot = document["contracts"], document["spot"]
    days = [one["days"] for one in sorted(contracts, key=lambda one: (one["out"] is not None, one["days"]))]
    nearest = list(dict.fromkeys(days))[:EXPIRIES]
    strikes = {
        (day, right): sorted(
            {one["strike"] for one in contracts if (one["days"], one["right"]) == (day, right)},
            key=lambda strike: abs(strike - spot),
        )[:STRIKES]
        for day in nearest
        for right in ("call", "put")
    }
    return [
        one for one in contracts if one["out"] is None or one["strike"] in strikes.get((one["days"], one["right"]), ())
    ]


def _chain(document: "Mapping[str, Any]", *, every: bool) -> "list[str | Listing]":
    head = f"{document['symbol']} {document['spot']:,.2f} on {document['session']}, {document['source']}."
    shown = document["contracts"] if every else _near(document)
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
        for one in shown
    ]
    lines: list[str | Listing] = [head, *([MODEL] if document["model_priced"] else [])]
    lines += [f"Refused: {document['refused']}."] if document["refused"] else []
    listing = Listing(["contract", "days", "bid", "ask", "volatility", "delta", "open", "why it is out"], rows)
    left = len(document["contracts"]) - len(shown)
    more = [f"{left} contracts further away are not shown; --all lists them."] if left else []
    return [*lines, listing, *more]


def _earned(one: "Mapping[str, Any]") -> str | None:
    waits = one["pnl_usd"] is None and one["worth_usd"] is not None
    return "fee not told yet" if waits else _number(one["pnl_usd"], "+,.2f")


def _number(value: float | None, form: str) -> str | None:
    return None if value is None else format(value, form)
