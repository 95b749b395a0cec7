"""What the account did with the wishes of its sleeves, in sentences."""

from collections.abc import Mapping, Sequence

from mtum.core.coordination.coordinate import LIMITED, OTHER_SIDE, TOO_SMALL
from mtum.core.coordination.limits import CASH
from mtum.core.values import list_in, maybe_number, number_in, table_in, text_in

LIMITS = {
    "account_daily_loss_usd": "the account's loss of today, {value:,.2f} USD, is at its limit of {threshold:,.2f} USD",
    "account_drawdown_frac": "the account has fallen {value:.1%} from its peak, the limit is {threshold:.1%}",
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
    "halted": "trading is halted",
}


def coordination_document(plan: Mapping[str, object] | None) -> dict[str, object]:
    """Return crosses, cuts and what was held back of a stored plan; nothing of each without one."""
    if plan is None:
        return {"crosses": [], "cuts": [], "held_back": []}
    crossed = [row for row in map(table_in, list_in(plan["orders"])) if number_in(row["crossed"])]
    names = ("sleeve", "symbol", "side", "purpose", "shares", "crossed", "sent")
    return {
        "crosses": [{name: row[name] for name in names} for row in crossed],
        "cuts": list(list_in(plan["cuts"])),
        "held_back": list(list_in(plan["held_back"])),
    }


def coordination_lines(coordination: Mapping[str, object]) -> list[str]:
    """Return one sentence for each cut, each purchase that was not made, and each symbol that was crossed."""
    lines = [_cut(table_in(cut)) for cut in list_in(coordination["cuts"])]
    for row in map(table_in, list_in(coordination["held_back"])):
        why = HELD_BACK.get(text_in(row["reason"]), text_in(row["reason"]).replace("_", " "))
        lines.append(f"{row['sleeve']} did not trade {row['symbol']}: {why}.")
    crosses = [table_in(row) for row in list_in(coordination["crosses"])]
    for symbol in dict.fromkeys(text_in(row["symbol"]) for row in crosses):
        lines.append(_cross(symbol, [row for row in crosses if row["symbol"] == symbol]))
    return lines


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
        return " and ".join(f"{row['sleeve']} {row['crossed']}" for row in rows if row["side"] == which)

    total = sum(int(number_in(row["crossed"])) for row in rows if row["side"] == "BUY")
    rest = [f"{row['sent']} of {row['sleeve']}" for row in rows if number_in(row["sent"])]
    to_broker = f"To the broker go {' and '.join(rest)}." if rest else "Nothing of it goes to the broker."
    return (
        f"{total} {symbol} change sleeves at the official close, without commission: {side('SELL')} sold, "
        f"{side('BUY')} bought. {to_broker}"
    )
