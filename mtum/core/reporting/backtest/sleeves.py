"""Sections about the sleeves of an account that was played: what each earned, by year, and how they go together."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mtum.core.market.bars import Column, Days
from mtum.core.market.instruments import unit_usd
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.backtest.holdings import MOST_ROWS
from mtum.core.reporting.backtest.result import percent_number, sleeves_table
from mtum.core.reporting.charts import HUES, Chart, Line, Panel, span, told_apart
from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Cell, Section, Sentence, Table, Tone, table_of
from mtum.core.reporting.parts.coordination import ALL_GRANTED, HELD_BACK
from mtum.core.reporting.words import count
from mtum.core.research.attribution import PairRow, SleeveRow, in_cents
from mtum.core.research.sheet import SheetFigures
from mtum.core.simulation.played import PlayedAccount, PlayedOrder


def sleeve_sections(figures: SheetFigures, account: PlayedAccount, document: Mapping[str, Any]) -> Iterator[Section]:
    """Return the sections of an account; none of a strategy that was played alone.

    Parameters
    ----------
    figures : SheetFigures
        Figures of a played history and of buying and holding beside it; columns have shape (n_sessions,).
    account : PlayedAccount
        Several sleeves played as one account; what they earn adds up to what the account does, to the cent.
    document : mapping
        The result as `mtum backtest --json` gives it.
    """
    if not figures.sleeves:
        return
    days = account.total.days.astype("datetime64[D]")
    yield Section(
        "sleeves",
        "What each sleeve brought",
        (sleeves_table(document["sleeves"]), _risks(figures.sleeves, document["sleeves"])),
    )
    yield Section("sleeve-years", "Earned by each sleeve and year, USD", (_by_year(figures.earned, days),))
    if figures.pairs:
        yield Section("sleeve-symbols", "What each sleeve made of its symbols", tuple(_by_symbol(figures.pairs)))
    note = "Of the returns of a session, money that moved between sleeves taken out."
    blocks = (_matrix(figures.correlations), Sentence(note, Tone.QUIET))
    yield Section("correlations", "How the sleeves go together: correlation", blocks)
    yield Section("between", "Between the sleeves", tuple(_between(account)) or (Sentence(ALL_GRANTED),))


def _risks(sleeves: tuple[SleeveRow, ...], told: Mapping[str, Any]) -> Table:
    head = ("sleeve", "return, %", "holding, %", "volatility a year, %", "Sharpe", "max drawdown, %")
    rows = []
    for row in sleeves:
        held = (told[row.name].get("benchmark") or {}).get("total_return_frac")
        fractions = (row.return_frac, held, row.volatility_frac)
        rows.append(
            (
                *(row.name, *map(percent_number, fractions), number(row.sharpe), percent_number(row.max_drawdown_frac)),
                *(percent_number(row.mean_weight_frac), number(row.turnover_per_year)),
                *(number(told[row.name]["costs"]["total_usd"]), number(row.dividends_usd)),
            )
        )
    more = ("mean share of the account, %", "turnover of the account a year", "costs, USD", "dividends, USD")
    return table_of((*head, *more), rows)


def _by_symbol(pairs: tuple[PairRow, ...]) -> Iterator[Table | Sentence]:
    head = ("sleeve", "symbol", "P&L, USD", "of the account's capital, %", "dividends in it, USD")
    shown = pairs if len(pairs) <= MOST_ROWS else sorted(pairs, key=lambda row: -abs(row.pnl_usd))[:MOST_ROWS]
    rows = [
        (
            *(row.sleeve, row.symbol, number(row.pnl_usd), percent_number(row.contribution_frac)),
            *(number(row.dividends_usd), number(row.costs_usd), f"{row.trades:,}", f"{row.wins:,}"),
        )
        for row in shown
    ]
    yield table_of((*head, "commissions in it, USD", "trades", "wins"), rows, left=(0, 1), sortable=True)
    if len(pairs) > len(shown):
        yield Sentence(f"Those that earned or lost most; sleeve-symbols.csv has all {len(pairs):,}.")


def _by_year(earned: Mapping[str, Column], days: Days) -> Table:
    years = days.astype("datetime64[Y]")
    ends = np.append(np.flatnonzero(years[1:] != years[:-1]), len(days) - 1)
    gained = {name: np.diff(line[ends], prepend=0.0) for name, line in earned.items()}
    rows = []
    for at, year in enumerate(years[ends].astype(str).tolist()):
        own = in_cents([float(line[at]) for line in gained.values()])
        rows.append((year, *map(number, own), number(sum(own))))
    return table_of(("", *gained, "account"), rows)


def _matrix(found: Mapping[str, Mapping[str, float | None]]) -> Table:
    rows: list[tuple[Cell | str, ...]] = [
        (name, *(Cell(number(one), shade=0.0 if one is None or name == other else one) for other, one in row.items()))
        for name, row in found.items()
    ]
    return table_of(("", *found), rows)


def _between(account: PlayedAccount) -> Iterator[Table | Sentence]:
    crossed: dict[str, list[PlayedOrder]] = {}
    for order in account.total.orders:
        if order.crossed and order.side is Side.BUY:
            crossed.setdefault(order.symbol, []).append(order)
    rows = [
        (
            *(symbol, f"{len({order.session for order in own}):,}", f"{sum(order.crossed for order in own):,}"),
            number(sum(order.crossed * unit_usd(symbol, order.price) for order in own)),
        )
        for symbol, own in crossed.items()
    ]
    if rows:
        yield table_of(("changed sleeves without a commission", "sessions", "shares", "USD"), rows)
    cuts: dict[str, list[int]] = {}
    for _, cut in account.cuts:
        cuts.setdefault(cut.limit, []).append(cut.before - cut.after)
    limits = [(limit, f"{len(lost):,}", f"{sum(lost):,}") for limit, lost in cuts.items()]
    if limits:
        yield table_of(("purchases cut by", "times", "shares not bought"), limits)
    reasons = Counter(why for _, _, _, why in account.held_back)
    kept = [(HELD_BACK.get(why, why.replace("_", " ")), f"{times:,}") for why, times in reasons.most_common()]
    if kept:
        yield table_of(("not ordered, as", "times"), kept)
    moved = [sum(max(one.usd, 0.0) for one in ends) for _, ends in account.transfers]
    if any(moved):
        at = f"{count(sum(map(bool, moved)), 'period end')} of {len(moved):,}"
        lacking = sum(any(one.lacking_usd >= 0.01 for one in ends) for _, ends in account.transfers)
        short = f" At {lacking:,} a sleeve had to keep what was due, as it was no settled cash." if lacking else ""
        yield Sentence(f"{number(sum(moved))} USD went from one sleeve to another at {at}.{short}")


def sleeves_chart(days: Days, account: PlayedAccount, figures: SheetFigures) -> Chart | None:
    """Return what each sleeve has earned, and its part of the account; None for one sleeve alone.

    Parameters
    ----------
    days : ndarray of datetime64[D]
        Sessions, oldest first, shape (n_sessions,).
    account : PlayedAccount
        Several sleeves played as one account; what they earn adds up to what the account does, to the cent.
    figures : SheetFigures
        Figures of a played history and of buying and holding beside it; columns have shape (n_sessions,).
    """
    if not figures.sleeves:
        return None
    owners = {name: one for name, one in account.sleeves.items() if one.played.capital_usd > 0}
    parts = tuple(
        Line(name, 100 * one.played.equity / account.total.equity, HUES[at % len(HUES)], "stack")
        for at, (name, one) in enumerate(owners.items())
    )
    panels = (
        Panel("Earned by each sleeve, USD", told_apart(figures.earned.items()), height=2.0),
        Panel("Share of the account, %", parts, from_zero=True, height=1.5),
    )
    earned = ", ".join(f"{name} {number(float(line[-1]), sign=True)}" for name, line in figures.earned.items())
    return Chart("sleeves-earned", days, panels, f"Earned, {span(days)}: {earned} USD.", section="sleeves")
