"""The line that says it all: at most 60 characters, the most important part first."""

from mtum.core.reporting import figures, words
from mtum.core.reporting.summary import State, Summary

LENGTH = 60


def subject(summary: Summary) -> str:
    """Return the subject of a daily report; the first word changes when a person is needed."""
    tag = "" if summary.mode == "live" else f" [{summary.mode.upper()}]"
    alarm = _alarm(summary)
    if alarm:
        return _fitted(alarm, tag)
    start = f"{summary.symbol} {figures.day(summary.session, year=False)}: {_deed(summary)}"
    day = summary.pnl.day_frac
    change = f" · day {figures.percent(day.amount, sign=True)}" if day.state is not State.UNKNOWN else " · day ?"
    return _fitted(f"{start}{change} · {_health(summary)}", tag)


def _alarm(summary: Summary) -> str:
    place = f"{summary.symbol} {figures.day(summary.session, year=False)}"
    codes = {problem.code for problem in summary.problems} | {summary.exit_code}
    if 6 in codes:
        return f"ACTION {place}: {_first(summary, 6)}"
    if summary.outcome != "finished":
        return f"ALERT {place}: {words.OUTCOMES.get(summary.outcome, summary.outcome)}: {_first(summary)}"
    if summary.action == "none":
        return f"ALERT {place}: NO DECISION: {_first(summary)}"
    if 5 in codes:
        return f"ALERT {place}: {_first(summary, 5)}"
    return ""


def _first(summary: Summary, code: int | None = None) -> str:
    wanted = [problem for problem in summary.problems if problem.code == code] if code else []
    listed = wanted or sorted(summary.problems, key=lambda problem: not problem.code)
    return listed[0].text if listed else "no decision was recorded"


def _deed(summary: Summary) -> str:
    if summary.orders:
        order = summary.orders[0]
        verb = {"BUY": "BOUGHT", "SELL": "SOLD"}[order.side] if order.filled_shares else order.side
        return f"{verb} {figures.shares(order.filled_shares or order.shares)}"
    return f"HOLD {figures.shares(summary.position.shares)}" if summary.position else "FLAT"


def _health(summary: Summary) -> str:
    if summary.problems:
        count = len(summary.problems)
        return f"{count} notice{'s' if count > 1 else ''}"
    return "not settled yet" if summary.equity.equity_usd.state is State.UNKNOWN else "all OK"


def _fitted(text: str, tag: str) -> str:
    room = LENGTH - len(tag)
    return (text if len(text) <= room else text[: room - 1].rstrip() + "…") + tag
