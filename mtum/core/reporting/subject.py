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
    day = figures.day(summary.session, year=False)
    serious = [problem for problem in summary.problems if problem.code]
    if summary.exit_code == 6 or any(problem.code == 6 for problem in serious):
        return f"ACTION {summary.symbol} {day}: {_first(summary)}"
    if summary.outcome in ("missed", "failed", "") or summary.action == "none":
        word = words.OUTCOMES.get(summary.outcome, summary.outcome) if summary.outcome != "finished" else "NO DECISION"
        return f"ALERT {summary.symbol} {day}: {word}: {_first(summary)}"
    if summary.exit_code == 5:
        return f"ALERT {summary.symbol} {day}: {_first(summary)}"
    return ""


def _first(summary: Summary) -> str:
    serious = [problem for problem in summary.problems if problem.code] or list(summary.problems)
    return serious[0].text if serious else "no decision was recorded"


def _deed(summary: Summary) -> str:
    if summary.orders:
        order = summary.orders[0]
        shares = order.filled_shares or order.shares
        verb = {"BUY": "BOUGHT", "SELL": "SOLD"}[order.side] if order.filled_shares else order.side
        return f"{verb} {figures.shares(shares)}"
    return f"HOLD {figures.shares(summary.position.shares)}" if summary.position else "FLAT"


def _health(summary: Summary) -> str:
    if summary.problems:
        count = len(summary.problems)
        return f"{count} notice{'s' if count > 1 else ''}"
    return "all OK"


def _fitted(text: str, tag: str) -> str:
    room = LENGTH - len(tag)
    return (text if len(text) <= room else text[: room - 1].rstrip() + "…") + tag
