"""How far a period stayed from its deadlines, and how many sessions reached each step."""

from datetime import date, datetime
from statistics import median

from mtum.app.reporting.facts import report_key
from mtum.app.reporting.period import Period
from mtum.core.reporting.parts.stability import Stability
from mtum.core.reporting.parts.timings import Slack


def slacks(period: Period) -> tuple[Slack, ...]:
    """Return how far decisions and sends stayed from their deadlines."""
    schedule = period.writer.setup.settings.schedule
    steps = (
        ("decided", "decided", schedule.decision_deadline_minutes),
        ("sent", "sent", schedule.last_send_minutes),
    )
    found = [_slack(period, step, name, deadline) for step, name, deadline in steps]
    return tuple(slack for slack in found if slack is not None)


def _slack(period: Period, step: str, name: str, deadline: float) -> Slack | None:
    left: dict[date, float] = {}
    for session in period.sessions:
        run = period.deciding_run(session.day)
        at: datetime | None = run.steps.get(step) if run else None
        if at is not None:
            left[session.day] = (session.close - at).total_seconds() / 60.0 - deadline
    if not left:
        return None
    least = min(left, key=lambda day: left[day])
    return Slack(name, len(left), round(left[least], 3), least, round(median(left.values()), 3))


def stability(period: Period) -> tuple[Stability, ...]:
    """Return how many of the period's sessions reached each step of the trading day."""
    expected = len(period.sessions)
    days = [session.day for session in period.sessions]
    every = (state for day in days for state in period.writer.store.orders.states(day))
    states = [state for state in every if not state.intent.purpose.internal]
    reports = {run.session for run in period.runs if run.job == "daily_report" and run.outcome == "finished"}
    settled = {run.session for run in period.runs if run.job == "confirm_fills" and run.outcome == "finished"}
    points = period.points()
    return (
        Stability("started", expected, sum(1 for day in days if period.deciding_run(day) is not None)),
        Stability("decided", expected, sum(1 for day in days if day in period.decisions)),
        Stability("ordered", len(states), sum(1 for state in states if state.submitted_at is not None)),
        Stability("acknowledged", len(states), sum(1 for state in states if state.broker_id is not None)),
        Stability("settled", expected, sum(1 for day in days if day in points or day in settled)),
        Stability("reported", expected, sum(1 for day in days if day in reports)),
        _mailed(period),
    )


def _mailed(period: Period) -> Stability:
    # By message and channel: without a channel nothing is noted, and nothing is expected.
    setup, messages = period.writer.setup, period.writer.store.messages
    found = [
        delivered
        for session in period.sessions
        for delivered in messages.deliveries(report_key(setup.account, session.day)).values()
    ]
    return Stability("mailed", len(found), sum(1 for delivered in found if delivered is not None))
