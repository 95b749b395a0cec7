"""A database with a made-up trading history, written session by session as the daily job would."""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from mtum.adapters.rendering.report_folder import ReportFolder
from mtum.adapters.sources.embedded import sample_source
from mtum.adapters.store.opening import SqliteStore, open_store
from mtum.app.bars.accept_bars import learn_volumes
from mtum.app.ledger.sleeve_records import flows_since, read_sleeve
from mtum.app.reporting.daily_report import Report, daily_report
from mtum.app.reporting.facts import Setup
from mtum.app.reporting.report_writer import ReportWriter
from mtum.config import Settings, load
from mtum.core.decide import decide
from mtum.core.market.bars import Bars, ProvisionalBar, bars_of_closes
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.benchmark import buy_and_hold
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import Book, Decision, PortfolioRules
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import LossRules, Restriction
from mtum.core.portfolio.lots import holding_of
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, intent_id
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.record import decision_document, frame_of
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.view import MarketView
from mtum.ports.records import CashMovement, DecisionRecord, EquityPoint, Observed, VolumeSnapshot
from support.values import replace

NEW_YORK = ZoneInfo("America/New_York")
ACCOUNT = "PRACTICE"
SYMBOL = "MTUM"
HISTORY = 60
CALM = 14.0
RULES = PortfolioRules(SizingRules(1.0, 5000.0, 0.005, PercentCosts()), LossRules(500.0))


@dataclass(frozen=True, slots=True)
class BarDays:
    """A calendar whose sessions are given days; half days close three hours earlier."""

    days: tuple[date, ...]
    half_days: frozenset[date] = frozenset()

    def sessions(self, first: date, last: date) -> Sessions:
        """Return the sessions of the closed interval."""
        return Sessions(tuple(self.session(day) for day in self.days if first <= day <= last))

    def session(self, day: date) -> Session:
        """Return one session, 9:30 to 16:00 New York time."""
        close = time(13) if day in self.half_days else time(16)
        opened, closed = (datetime.combine(day, at, NEW_YORK).astimezone(UTC) for at in (time(9, 30), close))
        return Session(day, opened, closed)


@dataclass(frozen=True, slots=True)
class Day:
    """What is special about a session; the defaults are an ordinary one.

    `filled` is how many shares the auction filled (None = all); `settled` False leaves close,
    equity and commission unknown; `broken` is the problem that kept the session from deciding; `cash`
    are movements of the session: kind, USD, paid.
    """

    filled: int | None = None
    ended: OrderStatus | None = None
    text: str = ""
    settled: bool = True
    commission_known: bool = True
    restriction: Restriction = Restriction.NONE
    broken: tuple[int, str] | None = None
    vix: float | None = CALM
    price_seen: float = 1.0
    cash: tuple[tuple[str, str, bool], ...] = ()


@dataclass
class History:
    """A store and the market it is played on; `play` adds one session."""

    store: SqliteStore
    folder: Path
    bars: Bars
    vix: Mapping[date, float]
    settings: Settings = field(default_factory=lambda: load(None, {}))
    half_days: frozenset[date] = frozenset()
    vix_shown: bool = False

    def __post_init__(self) -> None:
        weakref.finalize(self, self.store.close)

    @property
    def calendar(self) -> BarDays:
        """The sessions of the market and a week beyond."""
        days = tuple(self.bars.days.tolist())
        beyond = [days[-1] + timedelta(days=step) for step in range(1, 8)]
        return BarDays((*days, *(day for day in beyond if day.weekday() < 5)), self.half_days)

    @property
    def setup(self) -> Setup:
        """What the reports say about the installation."""
        return Setup(self.settings, ACCOUNT)

    def writer(self, renderer: Any = None) -> ReportWriter:
        """Return what writes reports of this history."""
        return ReportWriter(self.store, self.calendar, self.setup, ReportFolder(self.folder / "reports"), renderer)

    def report(self, day: date, renderer: Any = None) -> Report:
        """Write the report of a session 45 minutes after its close."""
        at = self.calendar.session(day).close + timedelta(minutes=45)
        return daily_report(self.writer(renderer), day, at)

    def play(self, index: int, special: Day = Day()) -> date:
        """Decide, order, fill and settle the session at that position of the bars."""
        day = self.bars.day(index)
        session = self.calendar.session(day)
        run = self.store.runs.start_run("decide_and_order", "", day, session.before_close(22))
        if special.broken is not None:
            code, text = special.broken
            document = {"action": "none", "reasons": [], "problems": [{"code": code, "text": text}]}
            self.store.runs.finish_run(run, session.before_close(17), "failed", code, document)
            self._accept(index)
            self._settle(index, special)
            return day
        self._capital(day)
        decision = self._decide(index, special)
        self.store.runs.record_step(run, "decided", session.before_close(19))
        for intent in self._intents(decision, day, special):
            self._trade(intent, session, special)
        self.store.runs.record_step(run, "sent", session.before_close(18.5))
        problems = (
            [{"code": 7, "text": "an order was held back because trading is halted: test"}]
            if "halted" in decision.reasons
            else []
        )
        degraded = ["vix"] if special.vix is None and not self.vix_shown else []
        code = max((int(str(problem["code"])) for problem in problems), default=0)
        document = {"action": decision.action.value, "problems": problems, "degraded": degraded}
        self.store.runs.finish_run(run, session.before_close(18), "finished", code, document)
        moves = [
            CashMovement(
                f"{kind}:{day}", "mtum_confluence", day, kind, Decimal(usd), f"{kind} of the test", SYMBOL, paid
            )
            for kind, usd, paid in special.cash
        ]
        self.store.ledger.move_cash(moves)
        self._accept(index, final=special.settled)
        if special.settled:
            self._settle(index, special)
            after = session.close + timedelta(minutes=30)
            settling = self.store.runs.start_run("confirm_fills", "", day, after)
            self.store.runs.finish_run(settling, after, "finished", 0, {"problems": []})
        return day

    def settle_late(self, index: int) -> None:
        """Make known what a session played with `settled=False` left open: fills, close, books."""
        day = self.bars.day(index)
        for state in self.store.orders.states(day):
            fill = self._fill(state.intent, self.calendar.session(day), state.intent.shares, Day())
            self.store.orders.add_fills([fill])
            filled = Observed(filled=fill.shares)
            self.store.orders.move_order(state.intent.id, OrderStatus.FILLED, fill.instant, filled)
        self._accept(index)
        self._settle(index, Day())

    def _capital(self, day: date) -> None:
        if not self.store.ledger.movements("mtum_confluence"):
            start = CashMovement("capital:mtum_confluence", "mtum_confluence", day, "capital", Decimal(5000))
            self.store.ledger.move_cash([start])

    def _seen(self, index: int, special: Day) -> Bars:
        tail = self.bars.tail(len(self.bars) - max(0, index - HISTORY + 1)) if index >= HISTORY else self.bars
        day = self.bars.day(index)
        bar = self.bars.bar(index)
        close = round(bar.close * special.price_seen, 2)
        seen = replace(bar, close=close, high=max(bar.high, close), low=min(bar.low, close))
        return tail.until(day).tail(HISTORY).until(self.bars.day(index - 1)).extended(seen)

    def _decide(self, index: int, special: Day) -> Decision:
        day = self.bars.day(index)
        bars = self._seen(index, special)
        bar = bars.bar(-1)
        session = self.calendar.session(day)
        vix = self.vix.get(day) if self.vix_shown else special.vix
        provisional = ProvisionalBar(bar, round(bar.volume * 0.87), 0.87, session.before_close(20), bar.close)
        view = MarketView(day, {SYMBOL: bars}, {"VIX": vix}, {SYMBOL: provisional})
        book = self._book(day, special)
        strategy = MtumConfluence()
        decision = decide(view, strategy, book, RULES)
        record = DecisionRecord(
            account=ACCOUNT,
            session=day,
            strategy="mtum_confluence",
            decided_at=session.before_close(19),
            action=decision.action.value,
            reasons=decision.reasons,
            document={**decision_document(decision), "degraded": []},
            frame=frame_of(view, book, strategy),
            settings=self.settings.document(),
            settings_hash="0123456789abcdef",
            code_version="0.1.0",
            code_hash="c0de",
            libraries={"numpy": "2.2.6"},
            remembered={verdict.symbol: verdict.remember for verdict in decision.verdicts if verdict.remember},
        )
        self.store.decisions.commit_decisions([record], self._intents(decision, day, special))
        self.store.volumes.write(
            VolumeSnapshot(
                SYMBOL,
                "sample",
                day,
                20.0,
                provisional.volume_so_far,
                0.87,
                bar.volume,
                projected_low=round(bar.volume * 0.93),
                projected_high=round(bar.volume * 1.08),
                learned_sessions=20,
            )
        )
        return decision

    def _book(self, day: date, special: Day) -> Book:
        sleeve = read_sleeve(self.store, MtumConfluence().name, day)
        states = [state for state in self.store.orders.states() if state.intent.purpose.value == "exit"]
        short = bool(states) and states[-1].filled < states[-1].intent.shares and bool(sleeve.lots)
        words = states[-1].intent.reasons if states else ()
        return Book(
            holdings={SYMBOL: holding_of(SYMBOL, sleeve.fills, sleeve.remembered, None)},
            cash_usd=float(sleeve.cash_usd),
            available_usd=max(0.0, float(sleeve.cash_usd)),
            exit_pending={SYMBOL: next(word for word in words if word != "exit_carried")} if short else {},
            restriction=special.restriction,
        )

    def _intents(self, decision: Decision, day: date, special: Day) -> tuple[OrderIntent, ...]:
        close = round(float(self.bars.bar(self._index(day)).close) * special.price_seen, 2)
        return tuple(
            OrderIntent(
                id=intent_id(ACCOUNT, day, "mtum_confluence", order.symbol, order.purpose),
                account=ACCOUNT,
                session=day,
                strategy="mtum_confluence",
                symbol=order.symbol,
                purpose=order.purpose,
                side=order.side,
                order_type=OrderType.MARKET_ON_CLOSE,
                shares=order.shares,
                reference_price=exact(close),
                reasons=order.reasons,
            )
            for order in decision.orders
        )

    def _index(self, day: date) -> int:
        return int(np.searchsorted(self.bars.days, np.datetime64(day, "D")))

    def _trade(self, intent: OrderIntent, session: Session, special: Day) -> None:
        orders, at = self.store.orders, session.before_close(18)
        orders.claim_order(intent.id, at)
        ended = special.ended
        if ended in (OrderStatus.REJECTED, OrderStatus.UNKNOWN):
            orders.move_order(intent.id, ended, at, Observed(text=special.text))
            return
        orders.move_order(intent.id, OrderStatus.ACCEPTED, at, Observed(broker_id="900"))
        if not special.settled:
            return
        filled = intent.shares if special.filled is None else special.filled
        if filled:
            orders.add_fills([self._fill(intent, session, filled, special)])
        status = ended or (OrderStatus.FILLED if filled == intent.shares else OrderStatus.EXPIRED)
        orders.move_order(intent.id, status, session.close, Observed(filled=filled, text=special.text))

    def _fill(self, intent: OrderIntent, session: Session, shares: int, special: Day) -> Fill:
        price = exact(round(float(self.bars.bar(self._index(session.day)).close), 2))
        commission = PercentCosts().commission(shares, price) if special.commission_known else None
        return Fill(
            exec_id=f"{intent.id}.01",
            intent_id=intent.id,
            account=ACCOUNT,
            strategy=intent.strategy,
            symbol=intent.symbol,
            side=intent.side,
            session=session.day,
            instant=session.close,
            shares=shares,
            price=price,
            commission_usd=commission,
        )

    def _accept(self, index: int, *, final: bool = True) -> None:
        # The cache keeps everything up to the session; an unsettled one is not in it yet.
        known = self.bars.until(self.bars.day(index if final else index - 1))
        self.store.bars.accept(known, self.calendar.session(known.last_day).close + timedelta(hours=3), known.last_day)
        learn_volumes(self.store, self.store.volumes.waiting("sample", [SYMBOL]), {})
        vix = {day: self.vix.get(day, CALM) if self.vix_shown else CALM for day in known.days.tolist()}
        closed = self.calendar.session(known.last_day).close
        self.store.bars.accept(bars_of_closes("VIX", "sample", vix), closed, known.last_day)

    def _settle(self, index: int, special: Day) -> None:
        day = self.bars.day(index)
        sleeve = read_sleeve(self.store, MtumConfluence().name, day)
        if not sleeve.movements:
            return
        close = exact(float(self.bars.bar(index).close))
        shares = sum(lot.shares for lot in sleeve.lots)
        self.store.ledger.write_lots("mtum_confluence", sleeve.lots, sleeve.remembered)
        market = close * shares
        first = self.store.ledger.movements("mtum_confluence")[0]
        paid_in = {move.session: float(move.amount_usd) for move in sleeve.movements if move.kind == "deposit"}
        held = buy_and_hold(self.bars.until(day), first.session, 5000.0, PercentCosts(), paid_in)
        assert held is not None
        point = EquityPoint(
            session=day,
            strategy="mtum_confluence",
            cash_usd=sleeve.cash_usd,
            receivable_usd=sleeve.receivable_usd,
            market_usd=market,
            equity_usd=sleeve.cash_usd + sleeve.receivable_usd + market,
            flows_usd=flows_since(sleeve.movements, sleeve.points[-1].session),
            benchmark_usd=exact(round(float(held.value_usd[-1]), 6)),
            close=close,
            shares=shares,
            final=True,
        )
        self.store.ledger.write_equity(point)


def sample_history(folder: Path) -> History:
    """Return an empty database beside the embedded market and its own VIX."""
    source = sample_source()
    bars = source.history(SYMBOL, date(2014, 1, 1), date(2018, 12, 31))
    vix = source.series_history("VIX", date(2014, 1, 1), date(2018, 12, 31))
    return History(open_store(folder / "mtum.db", "practice", ACCOUNT), folder, bars, vix, vix_shown=True)
