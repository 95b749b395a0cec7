"""Sections of the daily report about the sleeves of an account: a line of each, and what came of their wishes."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mtum.core.portfolio.fund import FUND
from mtum.core.reporting import figures, words
from mtum.core.reporting.coordination import coordination_lines
from mtum.core.reporting.daily.account import positions
from mtum.core.reporting.layout import Block, Cell, Facts, Section, Sentence, Table, Tone, signed
from mtum.core.reporting.stated import UNKNOWN, State, Stated, final, stated
from mtum.core.reporting.summary import OrderLine, Summary

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
    exposure = _exposure(equity.market_usd, fund, equity.equity_usd)
    facts = Facts(
        (
            ("Sent to the broker", Cell(words.listed(tuple(map(ordered, summary.orders))) or "nothing"), ""),
            *((("Not decided", Cell(words.listed(summary.undecided), Tone.BAD), ""),) if summary.undecided else ()),
            ("Equity", Cell(figures.money(equity.equity_usd)), "USD"),
            ("Result of the day", signed(figures.money(summary.pnl.day_usd, sign=True)), "USD"),
            ("Buy and hold", Cell(figures.money(summary.benchmark.equity_usd)), "USD"),
            ("Cash", Cell(figures.money(equity.cash_usd)), "USD"),
            *((("Cash fund", Cell(figures.money(fund)), "USD"),) if FUND in summary.sleeves else ()),
            ("Exposure", Cell(figures.fraction(exposure, sign=False)), ""),
            ("Below the peak", Cell(figures.fraction(equity.drawdown_frac)), ""),
        )
    )
    rows = [_line(name, one) for name, one in summary.sleeves.items() if not one.virtual]
    total = (Cell("Account"), *_money(summary), Cell(""))
    table = Table(_HEAD, (*rows, total), _LEFT)
    watched = [_line(name, one) for name, one in summary.sleeves.items() if one.virtual]
    note = f"{VIRTUAL}: watched on real data with virtual money, in no figure of the account."
    apart: tuple[Block, ...] = (Sentence(note), Table(_HEAD, tuple(watched), _LEFT)) if watched else ()
    return Section("sleeves", "Account and sleeves", (facts, *((table,) if rows else ()), *apart))


_HEAD = ("Sleeve", "equity, USD", "day, USD", "did and holds")
_LEFT = frozenset({0, 3})


def sleeve_section(name: str, state: str, blocks: tuple[Block, ...], parts: Iterable[Section]) -> Section:
    """Return a sleeve's own report as one section; parts without blocks are left out.

    Parameters
    ----------
    state : str
        Of the sleeve, as in the settings; what is watched is marked.
    """
    told = "" if state in ("on", "watch") else f", {state.replace('_', ' ')}"
    title = f"{VIRTUAL}: {name}" if state == "watch" else f"{name}{told}"
    own = tuple(replace(part, key=f"{name}-{part.key}") for part in parts if part.blocks)
    return Section(f"sleeve-{name}", title, blocks, own)


def _line(name: str, sleeve: Summary) -> tuple[Cell, ...]:
    state = "" if sleeve.state in ("on", "watch") else f" ({sleeve.state.replace('_', ' ')})"
    held = positions(sleeve)
    shares = tuple(f"{figures.position(line.shares)} {line.symbol}" for line in held[:LISTED])
    holds = ", ".join(shares) if len(held) <= LISTED else f"{len(held)} symbols"
    return (
        Cell(f"{VIRTUAL} {name}" if sleeve.virtual else f"{name}{state}"),
        *_money(sleeve),
        Cell(f"{did(sleeve)}; holds {holds or 'nothing'}"),
    )


def _money(summary: Summary) -> tuple[Cell, Cell]:
    return Cell(figures.money(summary.equity.equity_usd)), signed(figures.money(summary.pnl.day_usd, sign=True))


def did(sleeve: Summary) -> str:
    """Return what a sleeve did and why, in a few words."""
    deeds = tuple(map(ordered, (*sleeve.orders, *sleeve.internal_orders)))
    deed = words.listed(deeds[:LISTED]) if len(deeds) <= LISTED else f"{len(deeds)} orders"
    if sleeve.action == "none":
        deed = "no decision"
    reasons = [words.reason(word, sleeve.settles_by) for word in sleeve.reasons if word != "hold"]
    return ": ".join(part for part in (deed or "kept", words.listed(tuple(reasons[:2]))) if part)


def ordered(order: OrderLine) -> str:
    """Return an order, or what stands for one, in a few words: what was filled, else what became of it."""
    name, done = ("buy", "bought") if order.side == "BUY" else ("sell", "sold")
    inside = " inside the account" if order.type == "cross" else ""
    if order.filled_shares == order.shares:
        return f"{done} {figures.shares(order.shares)} {order.symbol}{inside}"
    if order.filled_shares:
        return f"{done} {figures.shares(order.filled_shares)} of {figures.shares(order.shares)} {order.symbol}{inside}"
    fate = order.status.lower().replace("_", " ")
    return f"{name} order for {figures.shares(order.shares)} {order.symbol}{inside} ({fate})"


def coordination(summary: Summary) -> Section:
    """Return what was cut, held back, crossed and moved between sleeves, and which purchases stand."""
    if not summary.coordination:
        return Section("coordination", "Between the sleeves")
    lines = (*coordination_lines(summary.coordination), *_standing(summary))
    nothing = ("Every sleeve got what it wanted; nothing changed sleeves.",) if summary.action != "none" else ()
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


def _exposure(market: Stated, fund: Stated, equity: Stated) -> Stated:
    if market.amount is None or fund.amount is None or not equity.amount:
        return UNKNOWN
    is_final = State.PROVISIONAL not in (market.state, fund.state, equity.state)
    return stated((market.amount - fund.amount) / equity.amount, is_final=is_final)
