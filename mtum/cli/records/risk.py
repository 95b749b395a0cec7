"""`mtum risk`: what the account could lose."""

from typing import TYPE_CHECKING

import typer

from mtum.cli.context import call_of
from mtum.cli.output import Answer, Listing
from mtum.cli.stored import NOTHING_YET, stand_in

if TYPE_CHECKING:
    from mtum.app.queries.risk import AccountRisk, LimitUse
    from mtum.core.coordination.risk import Risk, Stress


def risk(context: typer.Context) -> Answer:
    """Limits with their use, value at risk, volatility, correlations, and past crashes on today's positions."""
    from mtum.app.queries.risk import account_risk, risk_document
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    settings = call.settings()
    with opened_reader(settings, call.database()) as reader:
        found = None if reader is None else account_risk(settings, reader)
    document = risk_document(found)
    return Answer(document, [NOTHING_YET] if found is None else [*_shown(found), *stand_in(call)])


def _shown(found: "AccountRisk") -> list[str | Listing]:
    lines: list[str | Listing] = [f"Account {found.equity_usd:,.2f} USD at the last closes."]
    if found.options_usd is not None:
        lines.append(
            f"Options are worth {found.options_usd:+,.2f} USD of it. Positions and measures below are of shares alone; "
            "`mtum options` shows what options may lose."
        )
    if found.unvalued:
        lines.append(f"No cached close: {', '.join(found.unvalued)}. Left out below.")
    lines += [
        "",
        Listing(["sleeve", "limit", "now", "limit at", "use"], [_limit(one) for one in found.limits]),
        "",
        Listing(["measure", "value"], _measures(found.risk)),
    ]
    if found.risk.correlations:
        rows = [[first, second, _ratio(value)] for (first, second), value in found.risk.correlations.items()]
        lines += ["", Listing(["symbol", "and", "correlation, 60 sessions"], rows)]
    stresses = [_stress(one) for one in found.stresses]
    return [*lines, "", Listing(["fall", "from", "to", "change", "worst", "without"], stresses)]


def _limit(one: "LimitUse") -> list[object]:
    def amount(value: float | None) -> str:
        if value is None:
            return "unknown"
        return f"{value:,.2f} USD" if one.limit.endswith("_usd") else f"{value:.2%}"

    use = "unknown" if one.use is None else f"{one.use:.0%}"
    return [one.sleeve or "account", one.limit, amount(one.value), amount(one.threshold), use]


def _measures(found: "Risk") -> list[list[object]]:
    largest = next(iter(found.weights.items()), None)
    return [
        ["volatility, a year (60 sessions)", _percent(found.volatility)],
        [f"value at risk, 1 day 95 %, historical ({found.sessions} sessions)", _percent(found.var_historical)],
        ["expected shortfall, historical", _percent(found.shortfall_historical)],
        ["value at risk, normal distribution", _percent(found.var_parametric)],
        ["expected shortfall, normal distribution", _percent(found.shortfall_parametric)],
        [f"beta to {found.beta_of or 'the market'}", _ratio(found.beta)],
        ["largest position", "none" if largest is None else f"{largest[0]} {largest[1]:.2%}"],
        ["concentration (1 = one position)", _ratio(found.concentration)],
    ]


def _stress(one: "Stress") -> list[object]:
    return [
        one.name,
        one.first,
        one.last,
        _percent(one.change_frac),
        _percent(one.worst_frac),
        ", ".join(one.unknown) or None,
    ]


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2%}"


def _ratio(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
