"""The decisions of a strategy on its example: by the daily job, and by the session path over the same sessions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from mtum.adapters.calendar import ExchangeCalendar
from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.load import load
from mtum.app.session.play_session import play_session
from mtum.config import Settings
from mtum.core.canonical import canonical
from mtum.core.portfolio.decision import Decision
from mtum.core.record import decision_document
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory, looked_at
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Own, Shares, Strategy, SymbolVerdict
from mtum.errors import ExitCode
from mtum.wiring import desks, resources
from support.parity import in_memory
from support.practice import settings_of

if TYPE_CHECKING:
    from mtum.core.view import MarketView

type Decided = Mapping[str, Any]
"""A decision as the record keeps it."""
TOLERANCE = 2e-6
"""By which two values of an indicator may differ: each is rounded to half of that."""
BEFORE = 5
"""Sessions before the first end of a month."""
CALENDAR = ExchangeCalendar()
MODELS: Mapping[str, Mapping[str, Any]] = {
    "percent": {},
    "broker's tiered schedule": {"portfolio__cost_model": "ib_tiered", "portfolio__cash_buffer_frac": 0.0},
    "no costs, nine tenths": {"portfolio__cost_frac": 0.0, "portfolio__max_position_frac": 0.9},
}


def example_settings(name: str, **changes: Any) -> Settings:
    """The strategy's example as the daily job's settings, without limits in USD."""
    example = STRATEGIES[name].EXAMPLE
    own = {f"strategy__{name}__{key}": value for key, value in example.settings.items()}
    given: dict[str, Any] = {
        "market__sample": example.market,
        "market__sample_share": "exact",
        "portfolio__strategy": name,
        "portfolio__capital_usd": example.capital_usd + _worth(example.market, example.holdings),
        "risk__max_position_usd": "none",
        "risk__max_daily_loss_usd": "none",
    }
    return begun(settings_of(**{**given, **own, **changes}))


def _worth(market: str, holdings: Mapping[str, int]) -> float:
    # Enough to buy what the example holds at its start.
    source = settings_of(market__sample=market)
    bars = resources.source_of(source, Path())
    highest = (
        shares * float(bars.history(symbol, date.min, date.max).close.max()) for symbol, shares in holdings.items()
    )
    return sum(highest)


def begun(settings: Settings, times: int = 1, parts: Mapping[str, float] | None = None) -> Settings:
    """The same settings with a strategy that buys in its first session what its example holds at the start.

    `times` as much, and of single symbols a part of that.
    """
    strategy = settings.active_strategy()
    held = STRATEGIES[strategy.name].EXAMPLE.holdings
    if not held:
        return settings
    kind = STRATEGIES[strategy.name]
    counts = {symbol: int(shares * times * (parts or {}).get(symbol, 1.0)) for symbol, shares in held.items()}

    class Begun(kind):  # type: ignore[misc,valid-type]
        __slots__ = ()

        def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
            if "begun" in own.memory:
                return tuple(kind.verdicts(self, view, own))
            return tuple(
                SymbolVerdict(symbol, Shares(count), ("begun",), (), {}, memory={"begun": 1})
                for symbol, count in counts.items()
            )

    made = Begun(**{one.name: getattr(strategy, one.name) for one in fields(strategy)})  # type: ignore[arg-type]
    return structs.replace(settings, strategy={**settings.strategy, strategy.name: made})


def by_the_daily_job(settings: Settings, sessions: int) -> list[Decided]:
    """Play a fresh installation over so many sessions, from a few before an end of a month.

    It is the first one after the last split, where so many sessions are left then: a backtest has all prices in the
    shares of its last session, the daily job in those of its own.
    """
    with in_memory() as folder, desks.replay_desk(settings, folder, calendar=CALENDAR) as replay:
        days = [session.day for session in replay.market]
        ends = [at for at in range(BEFORE, len(days)) if days[at].month != days[at - 1].month]
        split = _last_split(settings, days[-1])
        first = next((at for at in ends if days[at - BEFORE] >= split and at + sessions < len(days)), ends[0]) - BEFORE
        for session in replay.market[first : first + sessions]:
            result = play_session(replay.desk, session)
            assert result.exit_code is ExitCode.DONE, result.document["problems"]
        return [dict(one.document) for one in replay.desk.store.decisions.final_decisions()]


def _last_split(settings: Settings, last: date) -> date:
    source, found = resources.source_of(settings, Path()), date.min
    for symbol in looked_at(settings.active_strategy()):
        bars = source.history(symbol, date.min, last)
        splits = bars.days[(bars.split > 0) & (bars.split != 1)]
        found = max([found, *splits.astype(object).tolist()])
    return found


def by_the_session_path(settings: Settings, days: Sequence[date]) -> list[Decided]:
    """Play the same sessions; proceeds settle as the practice account's do."""
    asked = BacktestRequest(settings, start=days[0], end=days[-1], settlement="calendar")
    strategy = asked.active_strategy()
    loaded = load(asked, strategy, resources.source_of(settings, Path()), CALENDAR)
    return decided(loaded.market, strategy, asked.terms(), loaded.first, len(loaded.market.days))


def decided(market: SessionHistory, strategy: Strategy, terms: PlayTerms, first: int, stop: int) -> list[Decided]:
    """What the session path decides over these sessions."""
    told: list[Decision] = []
    play_sessions(market, strategy, terms, first, stop, told.append)
    return [json.loads(canonical(decision_document(one))) for one in told]


def apart(one: object, other: object, place: str = "", tolerance: float = TOLERANCE) -> list[str]:
    """Where two decisions differ, one line each."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        keys = {**one, **other}
        found = [apart(one.get(key), other.get(key), f"{place}.{key}", tolerance) for key in keys]
        return [line for lines in found for line in lines]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        each = enumerate(zip(one, other, strict=True))
        found = [apart(left, right, f"{place}[{at}]", tolerance) for at, (left, right) in each]
        return [line for lines in found for line in lines]
    if isinstance(one, float | int) and isinstance(other, float | int) and not isinstance(one, bool):
        return (
            [] if abs(one - other) <= tolerance * max(1.0, abs(one)) else [f"{place}: {one} by the daily job, {other}"]
        )
    return [] if one == other else [f"{place}: {one} by the daily job, {other} by the session path"]


def differences(settings: Settings, sessions: int) -> tuple[list[str], list[Decided]]:
    """Where the two ways differ, and the decisions of the daily job."""
    daily = by_the_daily_job(settings, sessions)
    played = by_the_session_path(settings, [date.fromisoformat(one["session"]) for one in daily])
    assert [one["session"] for one in daily] == [one["session"] for one in played]
    lines = [
        f"{mine['session']}{line}"
        for mine, other in zip(daily, played, strict=True)
        for line in apart(
            {key: mine.get(key) for key in {*other, "memory", "standing", "stopped"} if key in mine}, other
        )
    ]
    return lines, daily
