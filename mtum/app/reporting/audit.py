"""The checks of a quarter."""

from collections.abc import Mapping
from datetime import date, timedelta

from msgspec import Struct

from mtum.app.reporting.period import Kind, Period, bounds
from mtum.core.market.holiday_rules import expected_sessions
from mtum.core.portfolio.lots import lots_of
from mtum.core.reporting.parts.audit import ATTENTION, OK, UNKNOWN, AuditLine
from mtum.core.reporting.words import count
from mtum.errors import MtumError

BACKUP_DAYS = 7


SECRET_DAYS = 365


class Drill(Struct, frozen=True):
    """What restoring the newest copy of the database came to; `error` is None when it was sound."""

    copy: str
    error: str | None = None
    last_session: date | None = None
    decisions: int = 0
    fills: int = 0


def audit(
    period: Period,
    secret_days: Mapping[str, int | None],
    vulnerabilities: str | None,
    drill: Drill | None = None,
) -> tuple[AuditLine, ...]:
    """Return every check of the quarter.

    Parameters
    ----------
    period : Period
        What a review looks at; `facts` ends at the last session with a bar or run up to `end`.
    secret_days : mapping of setting to int or None
        Days since a secret was last changed; None where nobody can tell.
    vulnerabilities : str or None
        What an installed scanner said of the dependencies; None without one.
    drill : Drill or None
        The newest copy put back in a scratch folder; None where there is no copy.
    """
    return (
        _restore_drill(period, drill),
        _calendar(period),
        _books(period),
        *_limits(period),
        _vulnerabilities(vulnerabilities),
        *(_secret(name, days) for name, days in sorted(secret_days.items())),
    )


def _restore_drill(period: Period, drill: Drill | None) -> AuditLine:
    name = "restore drill"
    if drill is None:
        return AuditLine(name, ATTENTION, "there is no backup; run `mtum backup`")
    if drill.error is not None:
        return AuditLine(name, ATTENTION, f"{drill.copy} could not be restored: {drill.error}")
    held = f"{drill.copy} restored: {drill.decisions} decisions, {drill.fills} fills"
    if drill.last_session is None:
        return AuditLine(name, ATTENTION, f"{held}, no session")
    age = (period.end - drill.last_session).days
    fresh = age <= BACKUP_DAYS
    behind = f", {age} days before the end" if not fresh else ""
    return AuditLine(name, OK if fresh else ATTENTION, f"{held}, newest session {drill.last_session}{behind}")


def _calendar(period: Period) -> AuditLine:
    first, last = bounds(Kind.QUARTER, period.last + timedelta(days=1))
    try:
        known = period.writer.calendar.sessions(first, last)
    except MtumError as error:
        return AuditLine("calendar of the next quarter", UNKNOWN, str(error))
    days, early = expected_sessions(first, last)
    ours = {session.day for session in known}
    half = {session.day for session in known if session.half_day}
    apart = sorted((ours ^ set(days)) | (half ^ early))
    span = f"{first} to {last}, {count(len(ours), 'session')}, {count(len(half), 'half day')}"
    if apart:
        return AuditLine("calendar of the next quarter", ATTENTION, f"{span}: differs on {_days(apart)}")
    return AuditLine("calendar of the next quarter", OK, f"{span}, equal to the exchange's holiday rules")


def _days(days: list[date]) -> str:
    return ", ".join(day.isoformat() for day in days[:5]) + (" and more" if len(days) > 5 else "")


def _books(period: Period) -> AuditLine:
    held = sum(lot.shares for lot in lots_of(period.facts.fills))
    point = period.facts.points[-1] if period.facts.points else None
    if point is None:
        return AuditLine("lots and position", UNKNOWN, "no session has been settled")
    agree = held == point.shares
    text = f"{held} shares by fills, {point.shares} in the equity of {point.session}"
    return AuditLine("lots and position", OK if agree else ATTENTION, text)


def _limits(period: Period) -> tuple[AuditLine, ...]:
    lines: list[AuditLine] = []
    for own in period.own:
        inside = [record for day, record in own.decisions.items() if own.inside(day)]
        losses = sum(1 for record in inside if record.document.get("daily_loss_hit"))
        falls = sum(1 for record in inside if record.document.get("drawdown_hit"))
        name = own.facts.setup.strategy
        risk = own.facts.setup.settings.risk_of(name)
        limit = "none" if risk.max_drawdown_frac is None else f"{risk.max_drawdown_frac:.0%}"
        loss = _usd(risk.max_daily_loss_usd)
        if risk.max_daily_loss_frac is not None:
            loss = f"{risk.max_daily_loss_frac:.0%} of its equity" if loss == "none" else loss
        of = f", {name}" if period.parts else ""
        lines += [
            AuditLine(f"daily loss limit{of}", OK, f"{loss}, reached in {count(losses, 'session')}"),
            AuditLine(f"drawdown limit{of}", OK, f"{limit}, reached in {count(falls, 'session')}"),
            AuditLine(f"position limit{of}", OK, _usd(risk.max_position_usd)),
        ]
    halts = [halt for halt in period.writer.store.control.halts() if period.inside(halt.since.date())]
    in_force = any(halt.lifted_at is None for halt in halts)
    return (*lines, AuditLine("halts", ATTENTION if in_force else OK, f"{len(halts)}"))


def _usd(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:,.0f} USD"


def _vulnerabilities(found: str | None) -> AuditLine:
    name = "dependency vulnerabilities"
    if found is None:
        return AuditLine(name, UNKNOWN, "no scanner is installed (pip-audit)")
    return AuditLine(name, ATTENTION if found else OK, found or "none known")


def _secret(name: str, days: int | None) -> AuditLine:
    if days is None:
        return AuditLine(f"age of secret {name}", UNKNOWN, "given by the environment; its age cannot be seen")
    result = ATTENTION if days > SECRET_DAYS else OK
    return AuditLine(f"age of secret {name}", result, f"{days} days")
