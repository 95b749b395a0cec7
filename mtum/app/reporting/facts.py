"""Everything the store knows about one session, read once and cut at that session."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mtum.app.approvals.approve_settings import pinned_contracts
from mtum.app.ledger.virtual import virtual_points, virtual_records
from mtum.app.reporting.option_sums import OptionSums, option_sums
from mtum.app.session.run_document import acted_together
from mtum.config import REPLAYED_SOURCES, Settings, restored_strategy
from mtum.core.market.bars import Bar, Bars
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.fills import Fill, folded, rebased
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.lots import Lot, Trade, holding_of, lots_of, trades_of
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Holding, Strategy
from mtum.core.strategies.history import FinalHistory
from mtum.ports.bar_store import BarStore
from mtum.ports.records import CashMovement, DecisionRecord, EquityPoint, Halt, IntentState, RunRecord, VolumeSnapshot
from mtum.ports.run_store import DecisionStore
from mtum.ports.store import Store
from mtum.ports.time import Calendar

DECIDING_JOB = "decide_and_order"
REPORT_JOB = "daily_report"
LOOK_BACK = timedelta(days=9)
"""Five sessions back even over a long weekend: what is known late is known by then."""
LOOK_AHEAD = timedelta(days=10)
TRANSFER = "transfer"
"""Kind of a cash movement between sleeves."""
ZERO = Decimal(0)
CHART_SESSIONS = 126
"""Half a year is drawn in a daily report."""


def report_key(account: str, day: date) -> str:
    """Return the key of a session's report among the messages; the outbox adds the channel."""
    return f"{REPORT_JOB}:{account}:{day}"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a report says about the installation."""

    settings: Settings
    account: str
    sleeve: str | None = None
    rehearsal: bool = False
    """Whether a practice gateway plays stored bars as the market."""
    sleeves: tuple[Sleeve, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sleeves", self.settings.sleeves())

    @property
    def chosen(self) -> Sleeve:
        """The sleeve that is reported on, the first of the account unless named."""
        return next((one for one in self.sleeves if one.name == self.sleeve), self.sleeves[0])

    @property
    def strategy(self) -> str:
        """Name of the sleeve that is reported on; of the account the names of all its sleeves."""
        return ", ".join(one.name for one in ([self.chosen] if self.sleeve else self.sleeves))

    @property
    def symbol(self) -> str:
        """The sleeve's first symbol."""
        return self.chosen.symbols[0]


class SessionFacts(Struct, frozen=True):
    """One session as the store knows it now, of a sleeve or of the account; nothing later than the session is in it.

    An account is read as a sleeve is: with the fills, movements and equity of all its sleeves, which stand in
    `parts`, and a strategy that only holds. An account of one sleeve is that sleeve and has no parts.
    """

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
    other_bars: Mapping[str, Bars] = msgspec.field(default_factory=dict)
    revisions: int = 0
    projection: VolumeSnapshot | None = None
    last_projection: VolumeSnapshot | None = None
    approved: Mapping[str, Any] | None = None
    approved_code: Mapping[str, Any] | None = None
    contracts: Mapping[str, str] = msgspec.field(default_factory=dict)
    backtest: Mapping[str, Any] | None = None
    others: Sequence[str] = ()
    parts: tuple["SessionFacts", ...] = ()
    options: OptionSums | None = None
    """Of a sleeve that trades options, and of an account with one."""

    @property
    def owns_money(self) -> bool:
        """Whether cash and shares are real; those of a watched sleeve are not."""
        return bool(self.parts) or self.setup.chosen.owns_money

    @property
    def is_fund(self) -> bool:
        """Whether it is the cash fund, which has no money of its own: what it earns is no fraction of anything."""
        return self.setup.sleeve == FUND

    @property
    def own(self) -> tuple["SessionFacts", ...]:
        """What decides for itself: the sleeves of an account, or the sleeve."""
        return self.parts or (self,)

    @property
    def earlier_reports(self) -> tuple[tuple[date, Mapping[str, Any]], ...]:
        """Session and document of each earlier report, oldest first; one that was missed or failed is none."""
        name = self.setup.sleeve
        return tuple(
            (run.session, stored)
            for run in self.earlier_runs
            if run.job == REPORT_JOB and run.outcome == "finished" and run.document and run.session is not None
            if (stored := run.document if name is None else _of_sleeve(run.document, name)) is not None
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
        return holding_of(symbol, self.fills, {(lot.intent_id, symbol): remembered for lot in self.lots(symbol)}, None)

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
        practice = stored["mode"] == "practice" and stored["market"]["source"] in REPLAYED_SOURCES
        return practice or self.setup.rehearsal

    def lots(self, symbol: str | None = None) -> tuple[Lot, ...]:
        """Open lots after this session in one symbol, the strategy's first unless named."""
        return tuple(lot for lot in lots_of(self.fills) if lot.symbol == (symbol or self.symbol))

    def bars_of(self, symbol: str) -> Bars:
        """Bars of the strategy's first symbol or of another one that is held."""
        return self.bars if symbol == self.symbol else self.other_bars[symbol]

    def bar(self, symbol: str, day: date) -> Bar | None:
        """Bar of a session, None where the symbol or its bar is not known."""
        return self.bars_of(symbol).find(day) if symbol in (self.symbol, *self.other_bars) else None

    def trades(self) -> tuple[Trade, ...]:
        """Round trips up to this session."""
        return trades_of(self.fills)


def _of_sleeve(document: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    # A sleeve's report stands in that of the account, or is all of it.
    found: Mapping[str, Any] | None = document.get("sleeves", {}).get(name)
    return document if found is None and document["strategy"] == name else found


def session_facts(store: Store, calendar: Calendar, setup: Setup, day: date, *, whole: bool = False) -> SessionFacts:
    """Read everything a report of that session needs; with `whole` every bar there is, else half a year.

    Parameters
    ----------
    store : Store
        The program's records.
    calendar : Calendar
        The exchange's trading sessions.
    setup : Setup
        What a report says about the installation.
    day : date
        The session's date.
    whole : bool
        Whether all the history before it is read.
    """
    sleeves = setup.sleeves
    if setup.sleeve or [one.owns_money for one in sleeves] == [True]:
        return _sleeve_facts(store, calendar, setup, day, whole=whole)
    named = (dataclasses.replace(setup, sleeve=one.name) for one in sleeves)
    parts = tuple(_sleeve_facts(store, calendar, one, day, whole=whole) for one in named)
    return _together(setup, parts)


def _together(setup: Setup, parts: tuple[SessionFacts, ...]) -> SessionFacts:
    """Return the account of these sleeves; those that are only watched are in none of its figures."""
    owning = [one for one in parts if one.owns_money]
    decisions = [one.decision for one in owning if one.decision is not None]
    first = next((one for one in owning if one.decision is not None), parts[0])
    bars = {symbol: one.bars_of(symbol) for one in parts for symbol in (one.symbol, *one.other_bars)}
    symbols = tuple(dict.fromkeys(symbol for one in owning or parts for symbol in one.universe))
    decision = None
    if decisions:
        _, action, reasons = acted_together(decisions)
        waits = [until for one in decisions if (until := one.frame["book"].get("settles_by"))]
        frame = {"book": {"settles_by": max(waits) if waits else None}}
        notes = dict.fromkeys(note for one in decisions for note in one.document.get("notes", ()))
        document = {"symbols": {}, "notes": list(notes)}
        decision = replace(
            decisions[0], strategy=setup.strategy, action=action, reasons=reasons, document=document, frame=frame
        )
    return replace(
        first,
        setup=setup,
        symbol=symbols[0],
        decision=decision,
        states=tuple(state for one in owning for state in one.states),
        fills=tuple(fill for one in owning for fill in one.fills),
        # What one sleeve gives another moves nothing in the account.
        movements=tuple(move for one in owning for move in one.movements if move.kind != TRANSFER),
        points=_points([one.points for one in owning]),
        bars=bars[symbols[0]],
        history=FinalHistory(BuyAndHold(symbols=symbols), bars, {}),
        halts=tuple(dict.fromkeys(halt for one in parts for halt in one.halts)),
        other_bars={symbol: found for symbol, found in bars.items() if symbol != symbols[0]},
        parts=parts,
        options=OptionSums.together([one.options for one in owning if one.options is not None]),
    )


def _points(sleeves: Sequence[Sequence[EquityPoint]]) -> tuple[EquityPoint, ...]:
    """Return the sums of the sleeves' points; a sleeve without one counts with its last one, provisionally."""
    days = sorted({point.session for points in sleeves for point in points})
    by_day = [{point.session: point for point in points} for points in sleeves]
    last: list[EquityPoint | None] = [None] * len(sleeves)
    found = []
    for day in days:
        last = [points.get(day, before) for points, before in zip(by_day, last, strict=True)]
        known = [point for point in last if point is not None]
        held = [point.benchmark_usd for point in known if point.benchmark_usd is not None]
        found.append(
            EquityPoint(
                session=day,
                strategy="",
                cash_usd=sum((point.cash_usd for point in known), ZERO),
                receivable_usd=sum((point.receivable_usd for point in known), ZERO),
                market_usd=sum((point.market_usd for point in known), ZERO),
                equity_usd=sum((point.equity_usd for point in known), ZERO),
                flows_usd=sum((point.flows_usd for point in known if point.session == day), ZERO),
                benchmark_usd=sum(held, ZERO) if len(held) == len(known) else None,
                close=None,
                shares=sum(point.shares for point in known),
                final=all(point.final and point.session == day for point in known),
            )
        )
    return tuple(found)


def _sleeve_facts(store: Store, calendar: Calendar, setup: Setup, day: date, *, whole: bool) -> SessionFacts:
    sleeve, name = setup.chosen, setup.chosen.name
    sessions = calendar.sessions(day - LOOK_BACK, day + LOOK_AHEAD)
    before = sessions.before(day)
    decision = store.decisions.decision_of(day, name)
    symbol = _symbol(decision, setup)
    source = setup.settings.market.source
    runs = store.runs.runs_between(day - LOOK_BACK, day)
    since = None if whole else day - _span(setup)
    actions = [one for one in store.bars.actions() if one.session <= day]
    if sleeve.owns_money:
        # What a split left of a position of several sleeves is known from all their fills.
        traded = store.orders.fills() if actions else store.orders.fills(name)
        todays = rebased(folded(fill for fill in traded if fill.session <= day), actions)
        fills = tuple(fill for fill in todays if fill.strategy == name)
        movements = tuple(move for move in store.ledger.movements(name) if move.session <= day)
        points = tuple(point for point in store.ledger.equity(name) if point.session <= day)
    else:
        virtual = virtual_records(store, source, setup.account, sleeve, day + timedelta(days=1))
        fills, movements, points = virtual.fills, tuple(virtual.movements), virtual_points(sleeve, virtual)
    if points:
        capital = sum((move.amount_usd for move in movements if move.kind == "capital"), ZERO)
        points = (replace(points[0], flows_usd=points[0].flows_usd + capital), *points[1:])
    projections = {one.session: one for one in store.volumes.snapshots(symbol, source, before.day if before else day)}
    previous = _previous(store.decisions, name, sessions, day)
    strategy = _strategy(decision or previous, setup)
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
        previous=previous,
        states=tuple(state for state in store.orders.states(day) if state.intent.strategy == name),
        fills=fills,
        movements=movements,
        points=points,
        bars=bars,
        final_until=store.bars.last_final(symbol, source),
        history=FinalHistory(strategy, {symbol: bars, **read, **others}, series, tuple(one.day for one in known)),
        halts=tuple(halt for halt in store.control.halts(in_force=True) if halt.sleeve in (None, name)),
        other_bars=others,
        projection=projections.get(day),
        last_projection=projections.get(before.day) if before else None,
        revisions=_revised(store.bars, symbol, before.day if before else day, day),
        approved=store.approvals.approved_document("settings"),
        approved_code=store.approvals.approved_document("code"),
        contracts=pinned_contracts(store.approvals, setup.settings),
        backtest=store.approvals.approved_document("backtest"),
        others=store.ledger.others(day),
        options=option_sums(store, source, decision or previous, (name, day)) if sleeve.owns_money else None,
    )


def _previous(decisions: DecisionStore, strategy: str, sessions: Sessions, day: date) -> DecisionRecord | None:
    # The last session that decided: one that failed in between has nothing to compare with.
    earlier = (session.day for session in reversed(sessions.known) if session.day < day)
    return next((found for one in earlier if (found := decisions.decision_of(one, strategy)) is not None), None)


def _revised(bars: BarStore, symbol: str, after: date, until: date) -> int:
    # Values the source changed after the session before, up to this one.
    changed = bars.revisions(symbol)
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
