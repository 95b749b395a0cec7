"""The line that says it all: at most 60 characters, the most important part first."""

from mtum.core.reporting import figures, words
from mtum.core.reporting.parts.orders import OrderLine
from mtum.core.reporting.stated import State
from mtum.core.reporting.summary import Summary

LENGTH = 60
_ENDED_BADLY = {"REJECTED": "ACTION: order rejected", "DENIED": "ACTION: order denied"}
_FAILED = {
    3: "data not fit",
    4: "no broker in time",
    7: "halted or not approved",
    9: "another run was busy",
}
_NOT_RUN = {"missed": "missed session", "": "the daily job did not run"}


def subject(summary: Summary) -> str:
    """Return the subject of a daily report; the first word is ACTION or ALERT when a person should look."""
    return _fitted(_alarm(summary) or _usual(summary), f" [{summary.mode.upper()}]")


def _usual(summary: Summary) -> list[str]:
    day = summary.pnl.day_frac
    change = "?" if day.amount is None else figures.percent(day.amount)
    return [f"{_place(summary)}: {_deed(summary)}", f"day {change}", _health(summary)]


def _place(summary: Summary) -> str:
    return f"{summary.traded} {figures.day(summary.session, year=False)}"


def _alarm(summary: Summary) -> list[str]:
    # An unclear outcome is told in the problem's own words, as far as they fit.
    codes = {problem.code for problem in summary.problems} | {summary.exit_code}
    if 6 in codes:
        return [f"ACTION: {_place(summary)}: {_text(summary, 6)}"]
    headline = _headline(summary, codes)
    if headline is None:
        return []
    return [headline, _place(summary), *(() if summary.orders else ("nothing sent",))]


def _headline(summary: Summary, codes: set[int]) -> str | None:
    statuses = {order.status: order for order in summary.orders}
    if summary.outcome in _NOT_RUN:
        return f"ALERT: {_NOT_RUN[summary.outcome]}"
    for status, said in _ENDED_BADLY.items():
        if status in statuses:
            return f"{said}, {_named(statuses[status])}"
    if summary.outcome != "finished":
        return f"ALERT: {_FAILED.get(summary.exit_code, 'the run failed')}"
    if summary.action == "none":
        return "ALERT: no decision"
    if 5 in codes:
        return _short_of(summary)
    if 7 in codes:
        return "ALERT: halted, order held back" if "halted" in summary.reasons else "ALERT: order not approved"
    return None


def _text(summary: Summary, code: int) -> str:
    return next((problem.text for problem in summary.problems if problem.code == code), "a person is needed")


def _short_of(summary: Summary) -> str:
    for order in summary.orders:
        if order.filled_shares < order.shares:
            done = {"BUY": "bought", "SELL": "sold"}[order.side]
            return f"ALERT: {done} {figures.shares(order.filled_shares)} of {figures.shares(order.shares)}"
    return "ALERT: order refused or short"


def _named(order: OrderLine) -> str:
    return f"{order.side} {figures.shares(order.shares)}"


def _deed(summary: Summary) -> str:
    several = len(summary.symbols) > 1
    if summary.orders:
        done = [_named_deed(order, several=several) for order in summary.orders]
        return ", ".join(done) if len(done) < 3 else f"{len(done)} ORDERS"
    held = summary.held
    contracts = sum(max(group.contracts, 1) for group in summary.options.groups) if summary.options else 0
    if contracts and len(held) < 2:
        options = words.count(contracts, "option")
        return f"{figures.position(held[0].shares)} and {options}" if held else options
    if not held:
        return "FLAT"
    if len(held) > 1:
        return f"HOLD {len(held)} symbols"
    shares = figures.position(held[0].shares) + (f" {held[0].symbol}" if several else "")
    return shares if held[0].shares < 0 else f"HOLD {shares}"


def _named_deed(order: OrderLine, *, several: bool) -> str:
    verb = {"BUY": "BOUGHT", "SELL": "SOLD"}[order.side] if order.filled_shares else order.side
    return f"{verb} {figures.shares(order.filled_shares or order.shares)}" + (f" {order.symbol}" if several else "")


def _health(summary: Summary) -> str:
    if summary.problems:
        return words.count(len(summary.problems), "notice")
    return "not settled yet" if summary.equity.equity_usd.state is State.UNKNOWN else "all OK"


def _fitted(parts: list[str], tag: str) -> str:
    # The last parts go first; a single part that is still too long is cut.
    room = LENGTH - len(tag)
    while len(parts) > 1 and len(" · ".join(parts)) > room:
        parts = parts[:-1]
    text = " · ".join(parts)
    return (text if len(text) <= room else text[: room - 1].rstrip() + "…") + tag
