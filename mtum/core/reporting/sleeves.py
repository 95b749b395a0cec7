"""Sections of the daily report about the sleeves of an account: a line of each, and what came of their wishes."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from mtum.core.portfolio.fund import FUND
from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Block, Cell, Section, Sentence, Tone, facts_of, signed, table_of
from mtum.core.reporting.parts.coordination import ALL_GRANTED, coordination_lines
from mtum.core.reporting.parts.orders import ordered
from mtum.core.reporting.stated import final
from mtum.core.reporting.summary import Summary

VIRTUAL = "VIRTUAL"
"""How everything is marked that no real money is in."""
LISTED = 3
"""Symbols that a line names; more are counted."""


def overview(summary: Summary) -> Section:
    """Return the account at a glance and a line of each sleeve that owns money, with their sum."""
    if not summary.sleeves:
        return Section("sleeves", "Account and sleeves")
    equity = summary.equity
    # What the fund holds counts as cash.
    fund = summary.sleeves[FUND].equity.market_usd if FUND in summary.sleeves else final(0.0)
    facts = facts_of(
        (
            ("Sent to the broker", words.listed(tuple(map(ordered, summary.orders))) or "nothing", ""),
            ("Not decided", Cell(words.listed(summary.undecided), Tone.BAD), "") if summary.undecided else None,
            ("Equity", figures.money(equity.equity_usd), "USD"),
            ("Result of the day", signed(figures.money(summary.pnl.day_usd, sign=True)), "USD"),
            ("Buy and hold", figures.money(summary.benchmark.equity_usd), "USD"),
            ("Cash", figures.money(equity.cash_usd), "USD"),
            ("Cash fund", figures.money(fund), "USD") if FUND in summary.sleeves else None,
            ("Exposure", figures.fraction(summary.exposure, sign=False), ""),
            ("Current drawdown", figures.fraction(equity.drawdown_frac), ""),
        )
    )
    head = ("Sleeve", "equity, USD", "day, USD", "did and holds")
    rows = [_line(name, one) for name, one in summary.sleeves.items() if not one.virtual]
    blocks: list[Block] = [facts]
    if rows:
        blocks.append(table_of(head, (*rows, ("Account", *_money(summary), "")), (0, 3)))
    watched = [_line(name, one) for name, one in summary.sleeves.items() if one.virtual]
    if watched:
        note = f"{VIRTUAL}: watched on real data with virtual money, in no figure of the account."
        blocks += [Sentence(note), table_of(head, watched, (0, 3))]
    return Section("sleeves", "Account and sleeves", tuple(blocks))


def sleeve_section(name: str, state: str, blocks: tuple[Block, ...], parts: Iterable[Section]) -> Section:
    """Return a sleeve's own report as one section; parts without blocks are left out.

    Parameters
    ----------
    name : str
        Name of the sleeve.
    state : str
        Of the sleeve, as in the settings; what is watched is marked.
    blocks : tuple of Block
        What stands at the top of the sleeve's part.
    parts : iterable of Section
        Sections of its report.
    """
    told = "" if state in ("on", "watch") else f", {state.replace('_', ' ')}"
    title = f"{VIRTUAL}: {name}" if state == "watch" else f"{name}{told}"
    own = tuple(replace(part, key=f"{name}-{part.key}") for part in parts if part.blocks)
    return Section(f"sleeve-{name}", title, blocks, own)


def _line(name: str, sleeve: Summary) -> tuple[Cell | str, ...]:
    state = "" if sleeve.state in ("on", "watch") else f" ({sleeve.state.replace('_', ' ')})"
    shares = tuple(f"{figures.position(line.shares)} {line.symbol}" for line in sleeve.held[:LISTED])
    holds = ", ".join(shares) if len(sleeve.held) <= LISTED else f"{len(sleeve.held)} symbols"
    whose = f"{VIRTUAL} {name}" if sleeve.virtual else f"{name}{state}"
    return (whose, *_money(sleeve), f"{did(sleeve)}; holds {holds or 'nothing'}")


def _money(summary: Summary) -> tuple[str, Cell]:
    return figures.money(summary.equity.equity_usd), signed(figures.money(summary.pnl.day_usd, sign=True))


def did(sleeve: Summary) -> str:
    """Return what a sleeve did and why, in a few words."""
    deeds = tuple(map(ordered, (*sleeve.orders, *sleeve.internal_orders)))
    deed = words.listed(deeds[:LISTED]) if len(deeds) <= LISTED else f"{len(deeds)} orders"
    if sleeve.action == "none":
        deed = "no decision"
    return ": ".join(part for part in (deed or "kept", words.listed(sleeve.why[:2])) if part)


def coordination(summary: Summary) -> Section:
    """Return what was cut, held back, crossed and moved between sleeves, and which purchases stand."""
    if not summary.coordination:
        return Section("coordination", "Between the sleeves")
    lines = (*coordination_lines(summary.coordination), *_standing(summary))
    nothing = (ALL_GRANTED,) if summary.action != "none" else ()
    told = lines or nothing
    return Section("coordination", "Between the sleeves", tuple(Sentence(line) for line in told))


def _standing(summary: Summary) -> Iterator[str]:
    for name, sleeve in summary.sleeves.items():
        for line in sleeve.standing:
            yield (
                f"{name} still wants {figures.shares(line.shares)} {line.symbol} in all, as decided on "
                f"{figures.day(line.since)}; it buys what is missing as far as cash allows."
            )


def account_verdict(summary: Summary) -> str:
    """Return what the account did in one sentence."""
    deeds = [ordered(order) for order in summary.orders]
    told = [words.listed(tuple(deeds))] if 0 < len(deeds) <= LISTED else [f"{len(deeds)} orders sent"] if deeds else []
    crossed: dict[str, int] = {}
    for sleeve in summary.sleeves.values():
        for order in sleeve.internal_orders:
            if order.type == "cross" and order.side == "BUY":
                crossed[order.symbol] = crossed.get(order.symbol, 0) + order.shares
    told += [f"{figures.shares(shares)} {symbol} between sleeves" for symbol, shares in crossed.items()]
    told += [f"{words.listed(summary.undecided)} not decided"] if summary.undecided else []
    if told:
        text = "; ".join(told)
        return f"{text[:1].upper()}{text[1:]}."
    if summary.action == "none":
        return f"No decision was made for {figures.day(summary.session)}."
    return "Every sleeve keeps what it holds."
