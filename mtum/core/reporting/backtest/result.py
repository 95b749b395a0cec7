"""The tables of a backtest, as its tear sheet and the command line show them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtum.core.portfolio.fund import FUND
from mtum.core.reporting import words
from mtum.core.reporting.backtest.checks import checks_sections
from mtum.core.reporting.backtest.costs import costs_section
from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Section, Sentence, Table, table_of
from mtum.core.reporting.parts.result import IDLE_CASH
from mtum.core.research.attribution import in_cents

IN_FUND = "Idle cash was kept in the cash fund and earned what that did; what is too little for it earned 0."
MOST_NAMED = 8
"""Symbols that are listed in a line."""


def result_sections(found: Mapping[str, Any]) -> Iterator[Section]:
    """Return the result against buy and hold, why positions were left, and what near-close draws and checks found.

    Parameters
    ----------
    found : mapping
        The result as `mtum backtest --json` gives it.
    """
    idle = IN_FUND if FUND in found.get("sleeves", ()) else IDLE_CASH
    if found.get("options"):
        from mtum.core.reporting.backtest.options import is_illustration, option_sections  # shares do without

        if is_illustration(found):
            why = "An illustration is no result: its figures stand in no table beside others."
            yield Section("result", "Illustration", (Sentence(why), Sentence(idle)))
        else:
            title = f"Result, {found['options']['label']}"
            yield Section("result", title, (_compared(found), Sentence(idle), _trades(found["metrics"])))
        yield from option_sections(found)
    else:
        yield Section("result", "Result", (_compared(found), Sentence(idle), _trades(found["metrics"])))
    if found["orders"]:
        yield costs_section(found)
    if len(found.get("sleeves", ())) > 1:
        yield Section(
            "sleeves", "What each sleeve brought", (sleeves_table(found["sleeves"]), _met(found["coordination"]))
        )
    if found.get("watched"):
        yield Section("watched", "On virtual money, no part of the account", (_watched(found["watched"]),))
    if len(found["symbols"]) > 1 and found["trades"]:
        yield Section("symbols", "Which symbols made it", (_by_symbol(found["trades"]),))
    if found["metrics"]["exit_reasons"]:
        yield Section("reasons", "Why positions were exited", (_reasons(found["metrics"]["exit_reasons"]),))
    if "near_close" in found:
        draws = Sentence(f"Final equity in USD over {found['near_close'][0]['draws']} draws each.")
        yield Section("near-close", "Decided 20 minutes before the close", (_near_close(found["near_close"]), draws))
    if "checks" in found:
        yield from checks_sections(found)


def _compared(found: Mapping[str, Any]) -> Table:
    mine, held = found["metrics"], found["benchmark"]
    rows = [("final equity, USD", number(found["final_equity_usd"]), number(held["final_equity_usd"]))]
    held = {"exposure_frac": 1.0, **held}
    rows += [
        (label, percent_number(mine[name]), percent_number(held[name]))
        for label, name in (
            ("return a year, %", "cagr_frac"),
            ("invested, % of sessions", "exposure_frac"),
            ("volatility a year, %", "volatility_frac"),
            ("max drawdown, %", "max_drawdown_frac"),
            ("VaR 95 % of a session, %", "var_95_frac"),
            ("CVaR 95 % of a session, %", "cvar_95_frac"),
        )
    ]
    rows += [(name.capitalize(), number(mine[name]), number(held[name])) for name in ("sharpe", "sortino", "calmar")]
    return table_of(("", "rules", "buy and hold"), rows)


def _trades(mine: Mapping[str, Any]) -> Table:
    won = percent_number(mine["win_rate_frac"])
    if mine["closed_trades"]:
        won += f" ({percent_number(mine['win_rate_low'])} to {percent_number(mine['win_rate_high'])})"
    costs = f"{number(mine['costs_usd'])} ({percent_number(mine['cost_drag_frac_per_year'])})"
    rows = [
        ("made (closed)", f"{mine['trades']:,} ({mine['closed_trades']:,})"),
        ("won, % (95 % interval)", won),
        ("profit factor", number(mine["profit_factor"])),
        ("average, USD", number(mine["average_trade_usd"])),
        ("average length, sessions", number(mine["average_sessions_held"])),
        ("turnover a year", number(mine["turnover_per_year"])),
        ("commissions, USD (% of equity a year)", costs),
    ]
    return table_of(("trades", ""), rows)


def sleeves_table(sleeves: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return what each sleeve of a result earned, in cents that add up to what the account did."""
    profits = in_cents([one["profit_usd"] for one in sleeves.values()])
    rows = [
        (
            *(name, one["strategy"], number(one["capital_usd"]), number(one["flows_usd"]), number(profit)),
            *(number(one["final_equity_usd"]), percent_number(one["contribution_frac"]), f"{one['trades']:,}"),
        )
        for (name, one), profit in zip(sleeves.items(), profits, strict=True)
    ]
    capital, flows, end = (
        sum(one[name] for one in sleeves.values()) for name in ("capital_usd", "flows_usd", "final_equity_usd")
    )
    part, trades = sum(profits) / capital, sum(one["trades"] for one in sleeves.values())
    whole = (number(capital), number(flows), number(sum(profits)), number(end), percent_number(part), f"{trades:,}")
    columns = ("sleeve", "strategy", "at the start, USD", "from others, USD", "P&L, USD", "at the end, USD")
    return table_of((*columns, "of the capital, %", "trades"), [*rows, ("account", "", *whole)], left=(0, 1))


def _watched(sleeves: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        (f"{name}, VIRTUAL", one["strategy"], *(number(one[usd]) for usd in ("capital_usd", "final_equity_usd")))
        for name, one in sleeves.items()
    ]
    return table_of(("sleeve", "strategy", "at the start, USD", "at the end, USD"), rows, left=(0, 1))


def _met(met: Mapping[str, Any]) -> Sentence:
    shares = sum(one["shares"] for one in met["crosses"])
    cut, lost = words.count(len(met["cuts"]), "purchase"), words.count(len(met["held_back"]), "order")
    return Sentence(
        f"{shares:,} shares changed sleeves; limits of the account cut {cut}, and {lost} could not be made."
    )


def _by_symbol(trades: Sequence[Mapping[str, Any]]) -> Table:
    by_symbol: dict[str, list[Mapping[str, Any]]] = {}
    for trade in trades:
        by_symbol.setdefault(trade["symbol"], []).append(trade)
    rows = []
    for symbol, own in by_symbol.items():
        won = sum(trade["pnl_usd"] > 0 for trade in own)
        totals = [sum(trade[name] for trade in own) for name in ("pnl_usd", "dividends_usd", "costs_usd")]
        rows.append((totals[0], (symbol, f"{len(own):,}", f"{won:,}", *map(number, totals))))
    best_first = [row for _, row in sorted(rows, key=lambda one: -one[0])]
    columns = ("symbol", "trades", "wins", "P&L, USD", "dividends in it, USD", "commissions in it, USD")
    return table_of(columns, best_first, sortable=True)


def _reasons(reasons: Sequence[Mapping[str, Any]]) -> Table:
    rows: list[tuple[str, ...]] = [
        (
            *(words.reason(row["reason"]), f"{row['trades']:,}", f"{row['wins']:,}", number(row["pnl_usd"])),
            *(percent_number(row["mean_return_frac"]), number(row["mean_sessions_held"])),
        )
        for row in reasons
    ]
    return table_of(("reason", "trades", "wins", "P&L, USD", "mean return, %", "mean sessions"), rows)


def _near_close(spreads: Sequence[Mapping[str, Any]]) -> Table:
    columns = ("price and VIX tied by", "5 %", "50 %", "95 %", "entries in another session, %", "sessions elsewhere, %")
    ends = ("final_equity_low", "final_equity_middle", "final_equity_high")
    rows = [
        (
            *(number(row["correlation"]), *(number(row[end]) for end in ends)),
            *(percent_number(row["moved_entries_frac"]), percent_number(row["elsewhere_frac"])),
        )
        for row in spreads
    ]
    return table_of(columns, rows, left=())


def percent_number(frac: float | None) -> str:
    """Return a fraction in per cent, without the sign that its heading has."""
    return number(None if frac is None else 100 * frac)


def traded(symbols: Sequence[str]) -> str:
    """Return the symbols of a strategy in words; only how many where they are more than a line takes."""
    return ", ".join(symbols) if len(symbols) <= MOST_NAMED else f"{len(symbols)} symbols"
