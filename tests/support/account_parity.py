"""An account of sleeves over the same sessions: by the daily job, and by the session path."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from mtum import config
from mtum.app.research.backtest_request import BacktestRequest, of_sleeve
from mtum.app.research.load_account import load_account
from mtum.app.research.run_backtest import run_backtest
from mtum.app.session.play_session import play_session
from mtum.config import Settings
from mtum.core.canonical import canonical, plain
from mtum.core.portfolio.decision import Decision
from mtum.core.record import decision_document
from mtum.core.simulation.played import PlayedAccount
from mtum.core.simulation.session_path import play_account, play_sessions
from mtum.core.simulation.walker import play as walker
from mtum.core.strategies.columns import ToldInColumns
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import ExitCode
from mtum.wiring import desks, resources
from support import walked
from support.parity import in_memory
from support.practice import settings_of
from support.strategy_parity import CALENDAR, apart

type Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AccountDays:
    """What an account did: decisions and plans by session, and what each sleeve was worth at each close, USD."""

    decisions: Mapping[date, Mapping[str, Row]]
    orders: Mapping[date, Sequence[Row]]
    cuts: Mapping[date, Sequence[Row]]
    held_back: Mapping[date, Sequence[Row]]
    transfers: Mapping[date, Sequence[Row]]
    equity: Mapping[date, Mapping[str, float]]


def packaged(**changes: Any) -> Settings:
    """The packaged portfolio where every session has its whole volume before the close."""
    given = {"market.sample_share": "exact", "portfolio.auction_volume_frac": "none"}
    given |= {name.replace("__", "."): value for name, value in changes.items()}
    with as_file(files("mtum.adapters.sources") / "sample" / "portfolio.toml") as path:
        return config.load(path, {}, given)


def portfolio(sleeves: Mapping[str, Mapping[str, Any]], **changes: Any) -> Settings:
    """An account of these sleeves on an embedded market."""
    own = {f"sleeve__{name}__{key}": value for name, sleeve in sleeves.items() for key, value in sleeve.items()}
    given: dict[str, Any] = {"market__sample_share": "exact", "portfolio__capital_usd": 100_000.0}
    return settings_of(**{**given, **own, **changes})


def by_the_daily_job(settings: Settings, sessions: int, before_end: int) -> AccountDays:
    """Play a fresh installation over so many sessions, from one so many before the market's end."""
    decisions: dict[date, dict[str, Row]] = {}
    with in_memory() as folder, desks.replay_desk(settings, folder, calendar=CALENDAR) as replay:
        store, names = replay.desk.store, [one.name for one in replay.desk.sleeves]
        for session in replay.market[len(replay.market) - before_end :][:sessions]:
            result = play_session(replay.desk, session)
            # A sleeve that may only reduce says so of every purchase that it holds back.
            # Bonds without a price and a thin auction end a session with codes of their own.
            usual = (ExitCode.DONE, ExitCode.HALTED, ExitCode.DATA, ExitCode.ORDER)
            assert result.exit_code in usual, result.document["problems"]
            # Years of decisions with all their bars are more than fits into memory.
            found = [store.decisions.decision_of(session.day, name, bars=False) for name in names]
            decisions[session.day] = {one.strategy: dict(one.document) for one in found if one is not None}
        plans = {day: store.plans.plan_of(day) for day in decisions}
        told = {day: plan.document for day, plan in plans.items() if plan is not None}
        points = [point for name in names for point in store.ledger.equity(name)]
        equity: dict[date, dict[str, float]] = {}
        for point in points:
            equity.setdefault(point.session, {})[point.strategy] = float(point.equity_usd)
    return AccountDays(
        decisions=decisions,
        orders={day: _orders(plan["orders"]) for day, plan in told.items()},
        cuts={day: plan["cuts"] for day, plan in told.items() if plan["cuts"]},
        held_back={day: plan["held_back"] for day, plan in told.items() if plan["held_back"]},
        transfers={day: plan["transfers"]["sleeves"] for day, plan in told.items() if "transfers" in plan},
        equity=equity,
    )


def _orders(rows: Sequence[Row]) -> list[Row]:
    names = ("sleeve", "symbol", "side", "shares", "crossed", "reasons")
    return sorted(({name: row[name] for name in names} for row in rows), key=lambda row: (row["sleeve"], row["symbol"]))


def by_the_session_path(settings: Settings, days: Sequence[date]) -> AccountDays:
    """Play the same sessions; proceeds settle as the practice account's do."""
    played, told = played_account(settings, days[0], days[-1])
    decisions: dict[date, dict[str, Row]] = {}
    for one in told:
        document = json.loads(canonical(decision_document(one)))
        decisions.setdefault(one.session, {})[one.strategy] = document
    orders: dict[date, list[Row]] = {day: [] for day in decisions}
    for order in played.total.orders:
        orders[order.session].append(plain(order))  # type: ignore[arg-type]  # plain values of a dataclass are a dict
    cuts: dict[date, list[Row]] = {}
    for day, cut in played.cuts:
        cuts.setdefault(day, []).append(plain(cut))  # type: ignore[arg-type]  # likewise
    held_back: dict[date, list[Row]] = {}
    for day, sleeve, symbol, reason in played.held_back:
        held_back.setdefault(day, []).append({"sleeve": sleeve, "symbol": symbol, "reason": reason})
    sessions = played.total.days.astype(object).tolist()
    return AccountDays(
        decisions=decisions,
        orders={day: _orders(rows) for day, rows in orders.items()},
        cuts=cuts,
        held_back=held_back,
        transfers={day: plain(moved) for day, moved in played.transfers},  # type: ignore[misc]  # likewise
        equity={
            day: {name: float(one.played.equity[at]) for name, one in played.sleeves.items()}
            for at, day in enumerate(sessions)
        },
    )


def played_account(settings: Settings, start: date, end: date) -> tuple[PlayedAccount, list[Decision]]:
    """The account over these sessions, and every decision in it."""
    asked = BacktestRequest(settings, start=start, end=end, settlement="calendar")
    loaded = load_account(
        asked, asked.sleeves(), asked.terms().account, resources.source_of(settings, Path()), CALENDAR
    )
    told: list[Decision] = []
    last = len(loaded.market.days)
    return play_account(loaded.market, loaded.sleeves, asked.terms(), loaded.first, last, told.append), told


def differences(settings: Settings, sessions: int, before_end: int) -> tuple[list[str], AccountDays]:
    """Where the two ways differ, and what the daily job did."""
    daily = by_the_daily_job(settings, sessions, before_end)
    days = sorted(daily.decisions)
    played = by_the_session_path(settings, days)
    lines: list[str] = []
    for day in days:
        mine, other = daily.decisions[day], played.decisions.get(day, {})
        if mine.keys() != other.keys():
            lines.append(f"{day}: {[*mine]} decided by the daily job, {[*other]} by the session path")
        for name in mine.keys() & other.keys():
            own = {key: mine[name].get(key) for key in other[name]}
            lines += [f"{day} {name}{line}" for line in apart(own, other[name])]
        # An auction that is thin fills less than was planned: that shows in what is worth and decided later.
        thin = settings.portfolio.auction_volume_frac is not None
        for part in ("cuts", "held_back", "transfers") if thin else ("orders", "cuts", "held_back", "transfers"):
            one, two = getattr(daily, part).get(day, []), getattr(played, part).get(day, [])
            lines += [f"{day} {part}{line}" for line in apart(list(one), list(two))]
        for name, usd in daily.equity.get(day, {}).items():
            told = played.equity[day].get(name)
            if told is None or abs(usd - told) > 0.001:
                lines.append(f"{day} {name}: worth {usd} by the daily job, {told} by the session path")
    return lines, daily


def fast_differences(settings: Settings, start: date, end: date) -> Iterator[str]:
    """Where a sleeve alone is played otherwise by its fast path than by the session path; nothing where it has none."""
    for name in settings.sleeve:
        asked = BacktestRequest(of_sleeve(settings, name), start=start, end=end, settlement="calendar", sleeve=name)
        found = run_backtest(asked, resources.source_of(settings, Path()), CALENDAR, lambda _: None)
        terms, told = asked.terms(), isinstance(found.strategy, ToldInColumns)
        if not told and not isinstance(found.strategy, MtumConfluence):
            continue
        if told and walker.walked(found.market, found.strategy, terms, found.span) is None:
            yield f"{name}: the walker does not play it"
        by_session = play_sessions(found.market, found.strategy, terms, *found.span)
        yield from (f"{name}: {line}" for line in walked.apart(found.played, by_session))
