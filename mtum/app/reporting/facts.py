"""Everything the store knows about one session, read once and cut at that session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from mtum.app.owner.approve_settings import pinned_contracts
from mtum.config import REPLAYED_SOURCES, Settings, restored_strategy
from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.fills import Fill, folded, rebased
from mtum.core.portfolio.lots import Lot, Trade, holding_of, lots_of, trades_of
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.strategies.contract import Holding, Strategy
from mtum.core.strategies.history import FinalHistory
from mtum.ports.records import CashMovement, DecisionRecord, EquityPoint, Halt, IntentState, RunRecord, VolumeSnapshot
from mtum.ports.store import Store
from mtum.ports.time import Calendar

DECIDING_JOB = "decide_and_order"
REPORT_JOB = "daily_report"
LOOK_BACK = timedelta(days=9)
"""Five sessions back even over a long weekend: what is known late is known by then."""
LOOK_AHEAD = timedelta(days=10)
CHART_SESSIONS = 126
"""Half a year is drawn in a daily report."""


def report_key(account: str, session: date) -> str:
    """Return the key of a session's report among the messages; the outbox adds the channel."""
    return f"{REPORT_JOB}:{account}:{session}"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a report says about the installation."""

    settings: Settings
    account: str
    sleeve: str | None = None

    @property
    def chosen(self) -> Sleeve:
        """The sleeve that is reported on, the first of the account unless named."""
        sleeves = self.settings.sleeves()
        return next((one for one in sleeves if one.name == self.sleeve), sleeves[0])

    @property
    def strategy(self) -> str:
        """Name of the sleeve that is reported on."""
        return self.chosen.name

    @property
    def symbol(self) -> str:
        """The sleeve's first symbol."""
        return self.chosen.symbols[0]


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session as the store knows it now; nothing later than the session is in it."""

    day: date
    sessions: Sessions
    calendar: Calendar
    setup: Setup
    symbol: str
    runs: tuple[RunRecord, ...]
    earlier_runs: tuple[RunRecord, ...]
    decision: DecisionRecord | None
    previous: DecisionRecord | None
    states: tuple[IntentState, ...]
    fills: tuple[Fill, ...]
    movements: tuple[CashMovement, ...]
    points: tuple[EquityPoint, ...]
    bars: Bars
    final_until: date | None
    history: FinalHistory
    halts: tuple[Halt, ...]
    other_bars: Mapping[str, Bars] = field(default_factory=dict)
    revisions: int = 0
    projection: VolumeSnapshot | None = None
    last_projection: VolumeSnapshot | None = None
    approved: Mapping[str, Any] | None = None
    approved_code: Mapping[str, Any] | None = None
    contracts: Mapping[str, str] = field(default_factory=dict)
    backtest: Mapping[str, Any] | None = None
    others: Sequence[str] = ()

    @property
    def earlier_reports(self) -> tuple[tuple[date, Mapping[str, Any]], ...]:
        """Session and document of each earlier report, oldest first; one that was missed or failed is none."""
        return tuple(
            (run.session, run.document)
            for run in self.earlier_runs
            if run.job == REPORT_JOB and run.outcome == "finished" and run.document and run.session is not None
        )

    @property
    def strategy(self) -> Strategy:
        """The strategy with the parameters in force at the decision, else today's."""
        return self.history.strategy

    @property
    def universe(self) -> tuple[str, ...]:
        """Symbols of the session's decision, else those the strategy trades."""
        decided = tuple(self.decision.document.get("symbols", {})) if self.decision else ()
        return decided or self.strategy.universe()

    def conditions(self, symbol: str) -> list[Mapping[str, Any]]:
        """Conditions of a symbol as decided; empty without a decision."""
        found: list[Mapping[str, Any]] = (
            self.decision.document.get("symbols", {}).get(symbol, {}).get("conditions", []) if self.decision else []
        )
        return found

    def series(self, name: str) -> Mapping[date, float]:
        """Official closes of an extra series of the strategy; empty if it asks for none of that name."""
        return self.history.series.get(name, {})

    def holding(self, symbol: str) -> Holding:
        """What the strategy holds of a symbol after this session, with what it asked to remember."""
        decision = self.decision or self.previous  # a session without decision holds what the last one remembered
        before = decision.frame.get("book", {}).get("holdings", {}).get(symbol, {}) if decision else {}
        kept = before.get("remembered") if before.get("shares") else None
        remembered = kept or (decision.remembered.get(symbol, {}) if decision else {})
        return holding_of(symbol, self.fills, {lot.intent_id: remembered for lot in self.lots(symbol)}, None)

    @property
    def last_report(self) -> Mapping[str, Any] | None:
        """Document of the newest earlier report; None within the first days, or when none was written lately."""
        return self.earlier_reports[-1][1] if self.earlier_reports else None

    @property
    def session(self) -> Session | None:
        """The session with its instants; None when the calendar does not know it."""
        return self.sessions.get(self.day)

    @property
    def point(self) -> EquityPoint | None:
        """The equity point of this session."""
        return self.points[-1] if self.points and self.points[-1].session == self.day else None

    @property
    def run(self) -> RunRecord | None:
        """The run that decided, the newest if there were several."""
        return next((run for run in reversed(self.runs) if run.job == DECIDING_JOB), None)

    @property
    def verdict(self) -> Mapping[str, Any]:
        """Conditions and indicators of the symbol as decided; empty without a decision."""
        return self.decision.document.get("symbols", {}).get(self.symbol, {}) if self.decision else {}

    @property
    def seen(self) -> Mapping[str, Any]:
        """The provisional bar as the decision saw it; empty without one."""
        return self.decision.frame.get("provisional", {}).get(self.symbol, {}) if self.decision else {}

    @property
    def replayed(self) -> bool:
        """Whether the session is one of a replayed market, whose bars hold no price before the close."""
        stored = self.decision.settings if self.decision else self.setup.settings.document()
        return stored["mode"] == "practice" and stored["market"]["source"] in REPLAYED_SOURCES

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters of the strategy in force at the decision, else today's settings."""
        stored = self.decision.settings if self.decision else self.setup.settings.document()
        sleeve = stored.get("sleeve", {}).get(self.setup.strategy)
        found: Mapping[str, Any] = (
            sleeve["rules"] if sleeve else stored.get("strategy", {}).get(self.setup.strategy, {})
        )
        return found

    def lots(self, symbol: str | None = None) -> tuple[Lot, ...]:
        """Open lots after this session in one symbol, the strategy's first unless named."""
        return tuple(lot for lot in lots_of(self.fills) if lot.symbol == (symbol or self.symbol))

    def bars_of(self, symbol: str) -> Bars:
        """Bars of the strategy's first symbol or of another one that is held."""
        return self.bars if symbol == self.symbol else self.other_bars[symbol]

    def trades(self) -> tuple[Trade, ...]:
        """Round trips up to this session."""
        return trades_of(self.fills)


def session_facts(store: Store, calendar: Calendar, setup: Setup, day: date, *, whole: bool = False) -> SessionFacts:
    """Read everything a report of that session needs; with `whole` every bar there is, else half a year."""
    sessions = calendar.sessions(day - LOOK_BACK, day + LOOK_AHEAD)
    before = sessions.before(day)
    decision = store.decisions.find(day, setup.strategy)
    symbol = _symbol(decision, setup)
    source = setup.settings.market.source
    runs = store.runs.between(day - LOOK_BACK, day)
    since = None if whole else day - _span(setup)
    splits = [split for split in store.bars.splits() if split.session <= day]
    fills = rebased(folded(fill for fill in store.orders.fills(setup.strategy) if fill.session <= day), splits)
    projections = {one.session: one for one in store.control.snapshots(symbol, source, before.day if before else day)}
    strategy = _strategy(decision or _previous(store, setup.strategy, sessions, day), setup)
    named = sorted({lot.symbol for lot in lots_of(fills)} | set(strategy.universe()) - {symbol})
    bars = store.bars.bars(symbol, source, since).until(day)
    others = {other: store.bars.bars(other, source, since).until(day) for other in named if other != symbol}
    read = {other: store.bars.bars(other, source, since).until(day) for other in strategy.reads()}
    series = {name: store.bars.series(name, source, since) for name in strategy.series()}
    known = calendar.sessions(bars.day(0) - LOOK_BACK, day + LOOK_AHEAD) if strategy.CALENDAR and len(bars) else ()
    return SessionFacts(
        day=day,
        sessions=sessions,
        calendar=calendar,
        setup=setup,
        symbol=symbol,
        runs=tuple(run for run in runs if run.session == day),
        earlier_runs=tuple(run for run in runs if run.session != day),
        decision=decision,
        previous=_previous(store, setup.strategy, sessions, day),
        states=tuple(state for state in store.orders.states(day) if state.intent.strategy == setup.strategy),
        fills=fills,
        movements=tuple(move for move in store.ledger.movements(setup.strategy) if move.session <= day),
        points=tuple(point for point in store.ledger.equity(setup.strategy) if point.session <= day),
        bars=bars,
        final_until=store.bars.last_final(symbol, source),
        history=FinalHistory(strategy, {symbol: bars, **read, **others}, series, tuple(one.day for one in known)),
        halts=tuple(store.control.halts(in_force=True)),
        other_bars=others,
        projection=projections.get(day),
        last_projection=projections.get(before.day) if before else None,
        revisions=_revised(store, symbol, before.day if before else day, day),
        approved=store.approvals.approved_document("settings"),
        approved_code=store.approvals.approved_document("code"),
        contracts=pinned_contracts(store.approvals, setup.settings),
        backtest=store.approvals.approved_document("backtest"),
        others=store.ledger.others(day),
    )


def _previous(store: Store, strategy: str, sessions: Sessions, day: date) -> DecisionRecord | None:
    # The last session that decided: one that failed in between has nothing to compare with.
    earlier = (session.day for session in reversed(sessions.known) if session.day < day)
    return next((found for one in earlier if (found := store.decisions.find(one, strategy)) is not None), None)


def _revised(store: Store, symbol: str, after: date, until: date) -> int:
    # Values the source changed after the session before, up to this one.
    changed = store.bars.revisions(symbol)
    return sum(1 for revision in changed if after < revision.replaced_at.date() <= until)


def _span(setup: Setup) -> timedelta:
    # Warm-up and chart together, in calendar days.
    sessions = CHART_SESSIONS + setup.chosen.strategy.history_sessions()
    return timedelta(days=round(sessions * 1.5) + 15)


def _strategy(decision: DecisionRecord | None, setup: Setup) -> Strategy:
    stored = restored_strategy(decision.strategy, decision.settings) if decision else None
    return stored or setup.chosen.strategy


def _symbol(decision: DecisionRecord | None, setup: Setup) -> str:
    symbols = list(decision.document.get("symbols", {})) if decision else []
    return symbols[0] if symbols else setup.symbol
