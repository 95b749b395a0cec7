"""A period of a review: its bounds, its sessions and everything the store knows of them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import Enum
from functools import partial

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.app.reporting.facts import DECIDING_JOB, SessionFacts, session_facts
from mtum.app.reporting.report_writer import ReportWriter
from mtum.core.market.sessions import Session
from mtum.core.strategies.description import Role
from mtum.ports.records import DecisionRecord, EquityPoint, RunRecord

START = date(1990, 1, 1)


class Kind(Enum):
    """Kinds of review."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    RUN = "run"


def bounds(kind: Kind, end: date) -> tuple[date, date]:
    """Return the first and the last calendar day of the period that holds a date.

    Examples
    --------
    >>> bounds(Kind.QUARTER, date(2018, 11, 7))
    (datetime.date(2018, 10, 1), datetime.date(2018, 12, 31))
    """
    if kind is Kind.RUN:
        return START, end
    if kind is Kind.WEEK:
        monday = end - timedelta(days=end.weekday())
        return monday, monday + timedelta(days=6)
    months = 1 if kind is Kind.MONTH else 3
    first_month = end.month - (end.month - 1) % months
    following = end.year * 12 + first_month - 1 + months
    return date(end.year, first_month, 1), date(following // 12, following % 12 + 1, 1) - timedelta(days=1)


class Period(Struct, frozen=True, eq=False):
    """What a review looks at; `facts` ends at the last session with a bar or run up to `end`.

    That of an account has one of each sleeve in `parts`, and of each session the decision of one of them.
    """

    kind: Kind
    first: date
    last: date
    end: date
    writer: ReportWriter
    facts: SessionFacts
    sessions: tuple[Session, ...]
    decisions: Mapping[date, DecisionRecord]
    runs: tuple[RunRecord, ...]
    parts: tuple["Period", ...] = ()

    @property
    def complete(self) -> bool:
        """Whether no session of the period is still to come."""
        return not self.writer.calendar.sessions(self.end + timedelta(days=1), self.last)

    @property
    def begun(self) -> date:
        """First session ever recorded."""
        days = [*self.decisions, *(point.session for point in self.facts.points)]
        return min(days, default=self.end)

    @property
    def own(self) -> tuple["Period", ...]:
        """What decides for itself: the sleeves of an account, or the sleeve."""
        return self.parts or (self,)

    def inside(self, day: date) -> bool:
        """Whether a date lies in the period."""
        return self.first <= day <= self.end

    def points(self) -> Mapping[date, EquityPoint]:
        """Equity points by session, all of them."""
        return {point.session: point for point in self.facts.points}

    def index(self, day: date, symbol: str | None = None) -> int | None:
        """Position of a session in a symbol's bars (the first one's unless named), or None."""
        bars = self.facts.bars_of(symbol or self.facts.symbol)
        at = int(np.searchsorted(bars.days, np.datetime64(day, "D")))
        return at if at < len(bars) and bars.day(at) == day else None

    def deciding_run(self, day: date) -> RunRecord | None:
        """The run that decided a session, or tried to."""
        return next((run for run in reversed(self.runs) if run.session == day and run.job == DECIDING_JOB), None)

    def final(self, day: date, symbol: str, role: Role) -> Mapping[str, bool]:
        """Conditions of a role on final bars, those of a position left out; empty where they are not known.

        Parameters
        ----------
        day : date
            The session's date.
        symbol : str
            Ticker.
        role : Role
            What a condition is asked for: all entry conditions must hold to enter, any exit condition is enough to
            exit.
        """
        names = {spec.name for spec in self.facts.strategy.CONDITIONS if spec.role is role}
        known = self.facts.history.conditions(day, symbol)
        return {name: held for name, held in known.items() if name in names}

    def conditions(self, day: date, symbol: str) -> Sequence[Mapping[str, object]]:
        """Conditions of a session as they were decided; empty without a decision."""
        record = self.decisions.get(day)
        if record is None:
            return ()
        found: Sequence[Mapping[str, object]] = record.document["symbols"].get(symbol, {}).get("conditions", ())
        return found


def period(writer: ReportWriter, kind: Kind, end: date) -> Period:
    """Read everything a review of the period that holds `end` needs, nothing later than `end`.

    Parameters
    ----------
    writer : ReportWriter
        What a report needs: facts, calendar, the folder it goes to, and (for HTML) a renderer.
    kind : Kind
        Kinds of review.
    end : date
        A day of the period.
    """
    facts = session_facts(writer.store, writer.calendar, writer.setup, end, whole=True)
    made = partial(
        _period, writer, kind, end, [one for one in writer.store.decisions.final_decisions() if one.session <= end]
    )
    return replace(made(facts), parts=tuple(map(made, facts.parts)))


def _period(
    writer: ReportWriter, kind: Kind, end: date, records: Sequence[DecisionRecord], facts: SessionFacts
) -> Period:
    first, last = bounds(kind, end)
    names = {one.setup.strategy for one in facts.own}
    decisions = {record.session: record for record in records if record.strategy in names}
    begun = min([*decisions, *(point.session for point in facts.points)], default=end)
    return Period(
        kind=kind,
        first=begun if kind is Kind.RUN else first,
        last=last,
        end=end,
        writer=writer,
        facts=facts,
        sessions=writer.calendar.sessions(max(first, begun), end).known,
        decisions=decisions,
        runs=tuple(writer.store.runs.runs_between(first, end)),
    )
