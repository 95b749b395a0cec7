"""What the account did with the wishes of its sleeves, in sentences."""

from collections.abc import Mapping, Sequence

from mtum.core.canonical import list_in, maybe_number, number_in, table_in, text_in
from mtum.core.coordination.coordinate import IDLE, LACKING, LIMITED, NOT_APPROVED, OTHER_SIDE, TOO_SMALL
from mtum.core.coordination.limits import CASH
from mtum.core.plans import transfers_in
from mtum.core.portfolio.fund import FUND
from mtum.core.reporting.words import listed

LIMITS = {
    "account_daily_loss_usd": "the account's loss of today, {value:,.2f} USD, is at its limit of {threshold:,.2f} USD",
    "account_drawdown_frac": "the account's drawdown is {value:.1%}, the limit is {threshold:.1%}",
    "max_symbol_frac": "{symbol} would have been {value:.1%} of the account, the limit is {threshold:.1%}",
    "max_gross_frac": "all shares would have been {value:.1%} of the account, the limit is {threshold:.1%}",
    "correlation_penalty": "its correlation with what the account holds is {value:.2f}, the penalty {threshold:.2f}",
    "target_volatility_frac": "the account's volatility would have been {value:.1%}, the limit is {threshold:.1%}",
    "max_var_frac": "the account's one-day value at risk would have been {value:.2%}, the limit is {threshold:.2%}",
    CASH: "all purchases cost {value:,.2f} USD, the account has {threshold:,.2f} USD that has settled",
}
"""What a limit measured, by the name of its setting."""
HELD_BACK = {
    LIMITED: "the limits of the account left nothing of it",
    TOO_SMALL: "what the limits of the account left is below its smallest trade",
    OTHER_SIDE: "another sleeve sells, and nothing may change sleeves in it today",
    NOT_APPROVED: "nobody approved it in time, and another sleeve's other side of it goes out",
    "halted": "trading is halted",
}
ALL_GRANTED = "Every sleeve got what it wanted; nothing changed sleeves."

UNMOVED = {
    "halted": "trading is halted",
    "mismatch": "our books and the broker's differ",
    "unresolved": "what became of an order is not known",
    "cash_unknown": "the broker does not say what cash there is",
    "not_approved": "the settings are not approved",
    "no_price": "a sleeve holds what has no price today, so that no share of the account is known",
}
"""Why nothing moved at the end of a period."""


type Ended = Mapping[str, object]
"""Of a cross `status` (planned, filled, lapsed) and `price_usd`: the official close, before it the decision's."""


def coordination_document(
    plan: Mapping[str, object] | None, ended: Mapping[tuple[str, str], Ended] | None = None
) -> dict[str, object]:
    """Return crosses, cuts, what was held back and what cash moved of a stored plan; nothing of each without one.

    Parameters
    ----------
    ended : mapping of (sleeve, symbol) to Ended
        What became of the crosses, where it is known.
    """
    told = ended or {}
    if plan is None:
        return {"crosses": [], "cuts": [], "held_back": [], "transfers": None, "fund": None}
    crossed = [row for row in map(table_in, list_in(plan["orders"])) if number_in(row["crossed"])]
    names = ("sleeve", "symbol", "side", "purpose", "shares", "crossed", "sent")
    return {
        "crosses": [
            {
                **{name: row[name] for name in names},
                **told.get((text_in(row["sleeve"]), text_in(row["symbol"])), {}),
            }
            for row in crossed
        ],
        "cuts": list(list_in(plan["cuts"])),
        "held_back": list(list_in(plan["held_back"])),
        "transfers": plan.get("transfers"),
        "fund": next((row for row in map(table_in, list_in(plan["orders"])) if row["sleeve"] == FUND), None),
    }


def coordination_lines(coordination: Mapping[str, object]) -> list[str]:
    """Return sentences of the cash that moved, the cuts, the purchases that were not made, and what was crossed."""
    moved = coordination.get("transfers")
    lines = transfer_lines(table_in(moved)) if moved else []
    lines += [_cut(table_in(cut)) for cut in list_in(coordination["cuts"])]
    for row in map(table_in, list_in(coordination["held_back"])):
        why = HELD_BACK.get(text_in(row["reason"]), text_in(row["reason"]).replace("_", " "))
        lines.append(f"{row['sleeve']} did not trade {row['symbol']}: {why}.")
    crosses = [table_in(row) for row in list_in(coordination["crosses"])]
    for symbol in dict.fromkeys(text_in(row["symbol"]) for row in crosses):
        lines.append(_cross(symbol, [row for row in crosses if row["symbol"] == symbol]))
    fund = table_in(coordination.get("fund") or {})
    if fund and IDLE in list_in(fund["reasons"]):
        lines.append(f"Idle cash buys {fund['shares']} {fund['symbol']}.")
    elif fund and LACKING in list_in(fund["reasons"]):
        text = f"{fund['shares']} {fund['symbol']} of the cash fund are sold, as purchases were cut for cash; they are"
        lines.append(f"{text} wanted again once that has settled.")
    return lines


def transfer_lines(moved: Mapping[str, object]) -> list[str]:
    """Return a sentence for each sleeve that gave or received cash, or could not give what is above its share."""
    barred = text_in(moved["barred"])
    if barred:
        why = UNMOVED.get(barred, barred.replace("_", " "))
        return [f"The period ends and no cash moved between the sleeves: {why}."]
    found, rows = [], transfers_in(moved)
    whole = sum(row.weight for row in rows)
    for row in rows:
        stands = f"it had {row.equity_usd:,.2f} USD, {{}} its share of {row.target_usd:,.2f} ({row.weight / whole:.1%})"
        if row.usd > 0:
            found.append(f"{row.sleeve} receives {row.usd:,.2f} USD: {stands.format('below')}.")
        elif row.usd < 0 or row.lacking_usd >= 0.01:
            given = f"gives {-row.usd:,.2f} USD" if row.usd else "gives nothing"
            kept = f" {row.lacking_usd:,.2f} of that is no settled cash; nothing is sold for it."
            found.append(f"{row.sleeve} {given}: {stands.format('above')}.{kept if row.lacking_usd >= 0.01 else ''}")
    if found and moved["weighting"] != "fixed":
        found.append(f"The weights of the settings are changed by {text_in(moved['weighting']).replace('_', ' ')}.")
    return found


def came_of(plan: Mapping[str, object] | None, sleeve: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Return how many shares of a sleeve's orders change sleeves and go to the broker, by symbol and side."""
    rows = [table_in(row) for row in list_in(plan["orders"])] if plan else []
    held = [table_in(row) for row in list_in(plan["held_back"])] if plan else []
    return {(text_in(row["symbol"]), "BUY"): (0, 0) for row in held if row["sleeve"] == sleeve} | {
        (text_in(row["symbol"]), text_in(row["side"])): (int(number_in(row["crossed"])), int(number_in(row["sent"])))
        for row in rows
        if row["sleeve"] == sleeve
    }


def _cut(cut: Mapping[str, object]) -> str:
    limit, value = text_in(cut["limit"]), maybe_number(cut["value"])
    symbol, before, after = cut["symbol"], int(number_in(cut["before"])), int(number_in(cut["after"]))
    if value is None:
        why = "there is not enough history to know its risk"
    elif limit.startswith("group."):
        name = limit.removeprefix("group.")
        why = f"the group {name} would have been {value:.1%} of the account, the limit is {cut['threshold']:.1%}"
    else:
        why = LIMITS[limit].format(symbol=symbol, value=value, threshold=maybe_number(cut["threshold"]))
    return f"{cut['sleeve']} buys {after} {symbol} instead of {before} ({limit}): {why}."


def _cross(symbol: str, rows: Sequence[Mapping[str, object]]) -> str:
    def side(which: str) -> str:
        return listed(tuple(f"{row['sleeve']} {row['crossed']}" for row in rows if row["side"] == which))

    total = sum(int(number_in(row["crossed"])) for row in rows if row["side"] == "BUY")
    status, price = rows[0].get("status"), maybe_number(rows[0].get("price_usd"))
    if status == "lapsed":
        return f"{total} {symbol} were to change sleeves, but the session had no official close: nothing changed hands."
    change, at = ("changed", f" of {price:,.2f} USD") if status == "filled" else ("change", "")
    late = f" Provisional until the close is known; the decision saw {price:,.2f} USD." if status == "planned" else ""
    rest = listed(tuple(f"{row['sent']} of {row['sleeve']}" for row in rows if number_in(row["sent"])))
    to_broker = f"To the broker go {rest}." if rest else "Nothing of it goes to the broker."
    return (
        f"{total} {symbol} {change} sleeves at the official close{at}, without commission: {side('SELL')} sold, "
        f"{side('BUY')} bought.{late} {to_broker}"
    )
