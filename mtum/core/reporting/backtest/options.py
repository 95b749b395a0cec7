"""What a backtest shows of options: the band, what writes by rule, every order, and what ended without one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtum.core.options.model.levels import ILLUSTRATION
from mtum.core.reporting import words
from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Section, Sentence, Table, table_of

type Rows = Sequence[Mapping[str, Any]]
MOST_ROWS = 200
"""Orders, groups and ends that a page lists; the JSON has them all."""
MOST_REASONS = 3
"""Reasons that are told where nothing was opened at all."""
ENOUGH = "--set portfolio.capital_usd=100000 has enough money for one"


def is_illustration(found: Mapping[str, Any]) -> bool:
    """Return whether a result's prices are an illustration: none of its figures stand in a table of results."""
    return bool(found.get("options")) and found["options"]["label"] == ILLUSTRATION


def option_sections(found: Mapping[str, Any]) -> Iterator[Section]:
    """Return the sections of a result with options.

    Parameters
    ----------
    found : mapping
        The result as `mtum backtest --json` gives it.
    """
    options = found["options"]
    label = options["label"]
    if not is_illustration(found):
        told = Sentence("A volatility point less and more on the model's level: what is not known of these prices.")
        yield Section("band", f"Band, {label}", (_band(options["band"]), told))
    if options["writing"]:
        said = [Sentence(f"{name}: {one['told']}.") for name, one in options["writing"].items()]
        yield Section("writing", f"Against option-writing indexes, {label}", (_writing(found), *said))
    for name, one in options["sleeves"].items():
        yield from _sleeve(name, one, label)


def _sleeve(name: str, one: Mapping[str, Any], label: str) -> Iterator[Section]:
    costs = Sentence(f"Fees {number(one['fees_usd'])} USD; slippage from the middle {number(one['spread_usd'])} USD.")
    back = [f"{words.reason(reason)}: {count}" for reason, count in one["held_back"].items()]
    more = [Sentence(f"Not carried out: {', '.join(back)}.")] if back else []
    more += [
        Sentence(f"{words.count(count, 'session')} without a chain: {why}.") for why, count in one["unquoted"].items()
    ]
    if not one["groups"] and one["not_opened"]:
        most = [f"{words.reason(why)} ({count} times)" for why, count in [*one["not_opened"].items()][:MOST_REASONS]]
        more.append(Sentence(f"Nothing was opened: {'; '.join(most)}. One contract is on 100 shares: {ENOUGH}."))
    yield Section(f"options-{name}", f"Options of {name}, {label}", (_groups(one["groups"]), costs, *more))
    if one["orders"]:
        yield Section(f"option-orders-{name}", f"Orders in options of {name}, {label}", (_orders(one["orders"]),))
    if one["events"]:
        yield Section(f"option-ends-{name}", f"What ended without an order, {name}", (_events(one["events"]),))


def _percent(frac: float | None) -> str:
    return number(None if frac is None else 100 * frac)


def _band(rows: Rows) -> Table:
    columns = ("volatility points", "final equity, USD", "return a year, %", "max drawdown, %", "orders", "filled")
    told = [
        (
            f"{row['points']:+g}",
            number(row["final_equity_usd"]),
            _percent(row["cagr_frac"]),
            _percent(row["max_drawdown_frac"]),
            str(row["orders"]),
            str(row["filled"]),
        )
        for row in rows
    ]
    return table_of(columns, told, left=())


def _writing(found: Mapping[str, Any]) -> Table:
    held = found["benchmark"]
    mine = {**found["metrics"], "final_equity_usd": found["final_equity_usd"]}
    rows = [("rules", mine), *found["options"]["writing"].items(), ("buy and hold", held)]
    columns = ("", "final equity, USD", "return a year, %", "volatility a year, %", "max drawdown, %")
    told = [
        (
            name,
            number(one["final_equity_usd"]),
            _percent(one["cagr_frac"]),
            _percent(one["volatility_frac"]),
            _percent(one["max_drawdown_frac"]),
        )
        for name, one in rows
    ]
    return table_of(columns, told)


def _groups(groups: Rows) -> Table:
    columns = ("group", "opened", "ended", "P&L of what ended, USD", "how")
    rows = [
        (
            one["group"],
            str(one["opened"]),
            str(one["ended"] or "open"),
            number(one["pnl_usd"]),
            ", ".join(kind.replace("_", " ") for kind in one["ends"]),
        )
        for one in groups[-MOST_ROWS:]
    ]
    return table_of(columns, rows, left=(0, 1, 2, 4))


def _orders(orders: Rows) -> Table:
    columns = ("session", "purpose", "contracts", "units", "net, USD a share", "fees, USD", "why")
    rows = [
        (
            str(one["session"]),
            one["purpose"],
            "; ".join(one["legs"]),
            str(one["quantity"]),
            f"{one['net']:.2f}" if one["net"] is not None else "not filled",
            number(one["fees_usd"]),
            one["why_not"] or words.reason(one["reasons"][0]),
        )
        for one in orders[-MOST_ROWS:]
    ]
    return table_of(columns, rows, left=(0, 1, 2, 6))


def _events(events: Rows) -> Table:
    columns = ("session", "what", "contract", "number", "shares", "cash, USD", "why")
    rows = [
        (
            str(one["session"]),
            one["kind"].replace("_", " "),
            one["contract"],
            str(one["quantity"]),
            str(one["shares"]),
            number(one["cash_usd"]),
            one["told"],
        )
        for one in events[-MOST_ROWS:]
    ]
    return table_of(columns, rows, left=(0, 1, 2, 6))
