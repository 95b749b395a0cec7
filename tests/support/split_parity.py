"""A split and a dividend while a strategy holds: the daily job on prices as traded, a backtest on adjusted ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from mtum.adapters.clock import ReplayClock
from mtum.adapters.sources.replay import ReplayedSource
from mtum.app.desk import Desk
from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.load import load
from mtum.app.session.play_session import play_session
from mtum.config import Settings
from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS, Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.played import PlayedOrder
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.errors import ExitCode
from mtum.wiring import desks, resources
from mtum.wiring.provenance import provenance
from support.parity import in_memory
from support.practice import Steps
from support.strategy_parity import CALENDAR, Decided, apart, begun, decided, example_settings
from support.values import replace

RATIO, CAPITAL, PAID = 2.0, 20_000_000.0, 0.001
"""New shares per old one; so much money that whole shares round nothing away; dividend per close."""
AFTER, STARTS = 6, (1, 6, 22, 44, 0)
"""Sessions after the split, and how many before the first purchase the sleeve may have to begin."""


@dataclass(frozen=True)
class Case:
    """What is played: settings, adjusted bars, and the symbol that splits on the third session it is held."""

    settings: Settings
    market: SessionHistory
    symbol: str
    first: int
    split: int

    @property
    def day(self) -> date:
        """The session of the split."""
        return self.market.day(self.split)


def settings_with_much_money(name: str, halved: str = "") -> Settings:
    """The example with much money; what it holds at the start in old shares of one symbol."""
    settings = example_settings(name, portfolio__capital_usd=CAPITAL)
    return begun(settings, 2000, {halved: 1 / RATIO})


def case_of(name: str) -> Case:
    """Find the first purchase that a new sleeve makes, and the market around it."""
    settings = settings_with_much_money(name)
    asked = BacktestRequest(settings, settlement="calendar")
    strategy, terms = asked.active_strategy(), asked.terms()
    loaded = load(asked, strategy, resources.source_of(settings, Path()), CALENDAR)
    market, count = loaded.market, len(loaded.market.days)
    whole = play_sessions(market, strategy, terms, loaded.first, count)
    for bought in (one for one in whole.orders if one.side is Side.BUY):
        at = int(np.searchsorted(market.days, np.datetime64(bought.session)))
        for back in STARTS:
            first = at - back
            if first < loaded.first or at + 3 + AFTER >= count:
                continue
            found = play_sessions(market, strategy, terms, first, at + 3 + AFTER).orders
            if _held(found, bought.symbol, market.day(at), market.day(at + 3)):
                return Case(settings, market, bought.symbol, first, at + 3)
    raise AssertionError(f"{name} holds nothing for three sessions on its example")


def _held(orders: Sequence[PlayedOrder], symbol: str, bought: date, until: date) -> bool:
    own = [one for one in orders if one.symbol == symbol and one.session <= until]
    shares = sum(one.shares if one.side is Side.BUY else -one.shares for one in own)
    return shares > 0 and any(one.session == bought and one.side is Side.BUY for one in own)


def paying(case: Case) -> SessionHistory:
    """The adjusted market, in which the symbol also pays a dividend two sessions after the split."""
    bars = case.market.bars[case.symbol]
    row = case.market.row(case.symbol, case.split + 2)
    dividend = np.array(bars.dividend)
    dividend[row] = round(PAID * float(bars.close[row]), 4)
    columns = {name: getattr(bars, name) for name in COLUMNS} | {"dividend": dividend}
    changed = Bars.from_columns(case.symbol, bars.source, bars.days, columns)
    told = dict.fromkeys(case.market.bars, Dividends.KNOWN)
    return replace(case.market, bars={**case.market.bars, case.symbol: changed}, dividends=told)


def as_traded(bars: Bars, day: date | None) -> Bars:
    """The bars as they were printed: before the split's day in old shares; None for no split at all."""
    columns = {name: np.nan_to_num(getattr(bars, name), nan=1e6) for name in COLUMNS} | {"split": np.zeros(len(bars))}
    old = bars.days < np.datetime64(day or date.min)
    for name in (*PRICE_COLUMNS, "dividend"):
        columns[name][old] *= RATIO
    columns["volume"][old] /= RATIO
    columns["split"][bars.days == np.datetime64(day or date.min)] = RATIO
    return Bars.from_columns(bars.symbol, bars.source, bars.days, columns)


def by_the_daily_job_as_traded(case: Case, name: str) -> list[Decided]:
    """Play the sessions on a market that shows prices as they were traded, and re-bases the past on the split's day."""
    settings, adjusted = settings_with_much_money(name, case.symbol), paying(case)
    traded = {
        symbol: as_traded(bars, case.day if symbol == case.symbol else None) for symbol, bars in adjusted.bars.items()
    }
    source = ReplayedSource(
        name="sample",
        read=traded.__getitem__,
        read_closes=lambda series: adjusted.series.get(series, {}),
        covers=lambda _: Coverage(Dividends.KNOWN),
        exact=True,
        as_traded=True,
    )
    sessions = CALENDAR.sessions(case.market.day(case.first), case.market.day(case.split + AFTER - 1))
    clock, steps = ReplayClock(sessions.known[0].open), Steps()
    with in_memory() as folder, resources.opened_store(settings, folder) as store:
        desk = Desk(
            settings=settings,
            account=resources.account_of(settings),
            data_dir=folder,
            store=store,
            broker=desks.practice_broker(settings, folder, source, CALENDAR, clock, steps),
            source=source,
            calendar=CALENDAR,
            clock=clock,
            journal=steps,
            provenance=provenance(),
            replayed=True,
        )
        for session in sessions:
            result = play_session(desk, session)
            assert result.exit_code is ExitCode.DONE, result.document["problems"]
        assert [(one.session, float(one.ratio)) for one in store.bars.actions()] == [(case.day, RATIO)]
        return [dict(one.document) for one in store.decisions.final_decisions()]


def differences_over_a_split(name: str) -> tuple[list[str], list[Decided]]:
    """Where the two ways differ: before the split in what is decided, from its day on in every value too."""
    case = case_of(name)
    strategy = case.settings.active_strategy()
    terms = BacktestRequest(case.settings, settlement="calendar").terms()
    played = decided(paying(case), strategy, terms, case.first, case.split + AFTER)
    daily = by_the_daily_job_as_traded(case, name)
    assert [one["session"] for one in daily] == [one["session"] for one in played]
    lines = []
    for mine, other in zip(daily, played, strict=True):
        before = date.fromisoformat(mine["session"]) < case.day
        left, right = (_outcome(one) if before else {key: one.get(key) for key in other} for one in (mine, other))
        lines += [f"{mine['session']}{line}" for line in apart(left, right, tolerance=1e-3)]
    return lines, [one for one in daily if date.fromisoformat(one["session"]) >= case.day]


def _outcome(one: Decided) -> Mapping[str, Any]:
    symbols = {symbol: (said["verdict"], *said["reasons"]) for symbol, said in one["symbols"].items()}
    orders = [(order["symbol"], order["side"], order["purpose"]) for order in one["planned"]]
    return {"reasons": one["reasons"], "symbols": symbols, "orders": orders}
