"""Implied volatility that the source itself tells: ranked before an index, kept with the decision, and never missed."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.dividends import ToldApart
from mtum.app.bars.own_volatility import own_volatilities
from mtum.app.bars.refresh_bars import refresh_bars, refresh_series
from mtum.app.desk import Desk
from mtum.app.session.gather import gather
from mtum.core import record
from mtum.core.canonical import canonical
from mtum.core.market.bars import Bars
from mtum.core.portfolio.decision import Book
from mtum.core.reporting.explain import explanation_of, explanation_text
from mtum.core.simulation.session_views import SessionHistory, SessionViews
from mtum.core.strategies.iron_condor import IronCondor
from mtum.core.strategies.option_rules import iv_rank_of
from mtum.core.view import MarketView
from mtum.errors import SourceUnavailableError
from mtum.ports.market_data import Quote, SeriesValue, TellsVolatility
from support.desks import ShelfSource, market_desk
from support.exchange_sessions import xnys
from support.values import replace

CALENDAR = ExchangeCalendar()
SESSIONS = xnys("2022-01-03", "2024-05-15")
SESSION = SESSIONS.known[-1]
AT = SESSION.before_close(20)
DAYS = [one.day for one in SESSIONS]
CLOSES = [400.0 + 0.1 * (at % 2) for at in range(len(DAYS) - 1)]
SPY = Bars.from_columns(
    "SPY",
    "yahoo",
    DAYS[:-1],
    {name: CLOSES for name in ("open", "high", "low", "close")} | {"volume": [1000.0] * len(CLOSES)},  # noqa: C420 - equal columns, named
)
# The index falls to its lowest of the year, the fund's own options are dearer than ever.
INDEX = {day: 40.0 - 0.05 * at for at, day in enumerate(DAYS)}
OWN = {day: 10.0 + 0.05 * at for at, day in enumerate(DAYS)}


@dataclass
class Shelf(ShelfSource):
    """A source with the VIX, and no volatility of its own."""

    def series(self, name: str, session: object, at: object) -> SeriesValue | None:
        return SeriesValue("VIX", "yahoo", INDEX[SESSION.day], AT)


@dataclass
class Telling(Shelf):
    """A source that tells implied volatilities too."""

    told: Mapping[date, float] = field(default_factory=dict)
    broken: bool = False

    def volatility(self, symbol: str, first: date, last: date) -> Mapping[date, float]:
        self.asked.append((f"{symbol} IV", first, last))
        if self.broken:
            raise SourceUnavailableError("no permission")
        return {day: points for day, points in self.told.items() if first <= day <= last}


def desk_on(folder: Path, source: ShelfSource) -> AbstractContextManager[Desk]:
    source.shelf["SPY"] = SPY
    source.closes = {day: points for day, points in INDEX.items() if day < SESSION.day}
    source.quotes["SPY"] = Quote("SPY", "yahoo", SESSION.day, 400.0, 400.2, 399.9, 400.1, 900.0, AT)
    return market_desk(folder, source, AT, calendar=CALENDAR, portfolio__strategy="iron_condor")


def seen(folder: Path, source: ShelfSource) -> tuple[MarketView, str]:
    """What the sleeve looks at, and the text of the frame that is kept."""
    with desk_on(folder, source) as desk:
        refresh_bars(desk, "SPY", SESSION, SESSIONS)
        refresh_series(desk, "VIX", SESSION, SESSIONS)
        view = gather(desk, SESSION, SESSIONS, AT).of(desk.sleeves[0]).view
        return view, canonical(record.frame_of(view, Book({}, 0.0, 0.0), desk.sleeves[0].strategy))


def test_the_sources_own_volatility_is_ranked_before_the_index_and_named_first(tmp_path: Path) -> None:
    source = Telling({}, told=OWN)
    view, text = seen(tmp_path, source)
    assert list(view.series) == ["SPY IV", "VIX"]
    assert iv_rank_of(view, "SPY") == 1.0
    assert [one for one in source.asked if one[0] == "SPY IV"] == [("SPY IV", date(2023, 4, 18), SESSION.day)]
    frame = json.loads(text)
    assert [len(values) for values in frame["series_history"].values()] == [251, 251]
    again = record.view_of(frame)
    assert (again.series, again.series_history) == (view.series, view.series_history)
    assert iv_rank_of(again, "SPY") == 1.0


@pytest.mark.parametrize(("told", "name"), [(OWN, "SPY IV"), ({}, "VIX")], ids=["own", "index"])
def test_an_explanation_names_the_series_that_was_ranked(tmp_path: Path, told: Mapping[date, float], name: str) -> None:
    row = {"name": "iv_rank", "value": 1.0, "threshold": 0.3, "margin": 0.7, "passed": True}
    verdict = {"underlying": "SPY", "group": "", "proposes": None, "reasons": ["adx"], "conditions": [row]}
    held = {**verdict, "group": "SPY-1", "conditions": [{**row, "name": "take"}]}
    decided = {"verdicts": [verdict, held], "planned": [], "held_back": [], "alarms": [], "source": "ib"}
    stored = {
        "document": {"symbols": {}, "options": {**decided, "model_priced": False}},
        "frame": json.loads(seen(tmp_path, Telling({}, told=told))[1]),
        "session": SESSION.day.isoformat(),
        "strategy": "iron_condor",
        "action": "hold",
        "reasons": (),
    }
    found = explanation_of(stored, None)
    assert [one.get("iv_series") for one in found.options["verdicts"]] == [name, None]  # type: ignore[attr-defined]  # a table of JSON
    assert f"    IV rank: of {name}" in explanation_text(found)


@pytest.mark.parametrize(
    "source",
    [
        Telling({}, broken=True),
        Telling({}, told={day: points for day, points in OWN.items() if day < SESSION.day}),
        Telling({}, told=dict(list(OWN.items())[-251:])),
        ToldApart(Shelf({}), teller=None),  # type: ignore[arg-type]  # nobody is asked for dividends here
    ],
    ids=["refused", "not today's", "too short", "another tells the dividends"],
)
def test_what_is_not_told_whole_leaves_the_decision_as_it_was(tmp_path: Path, source: ShelfSource) -> None:
    plain, text = seen(tmp_path / "plain", Shelf({}))
    assert iv_rank_of(plain, "SPY") == 0.0
    if isinstance(source, ToldApart):
        assert isinstance(source, TellsVolatility)
        assert source.volatility("SPY", DAYS[0], DAYS[-1]) == {}
        return
    assert seen(tmp_path / "own", source)[1] == text


def test_one_that_another_tells_the_dividends_of_still_tells_its_volatility() -> None:
    told = ToldApart(Telling({}, told=OWN), teller=None)  # type: ignore[arg-type]  # as above
    assert told.volatility("SPY", SESSION.day, SESSION.day) == {SESSION.day: OWN[SESSION.day]}


def test_recorded_chains_tell_it_where_the_source_does_not(tmp_path: Path) -> None:
    with desk_on(tmp_path, Shelf({})) as desk:
        found = own_volatilities(replace(desk, chains=cast(Any, Telling({}, told=OWN))), SESSION)
        assert list(found) == ["SPY IV"]
        assert found["SPY IV"][SESSION.day] == OWN[SESSION.day]
        assert own_volatilities(desk, SESSION) == {}


def test_a_played_history_ranks_it_once_it_is_whole() -> None:
    history = SessionHistory({"SPY": SPY}, {"SPY IV": {day: OWN[day] for day in DAYS[300:]}, "VIX": INDEX})
    views = SessionViews(history, IronCondor())
    # 252 values are there on the last session of the bars, 251 on the one before.
    late = DAYS.index(DAYS[300]) + 251
    first, last = views.at(late - 1), views.at(late)
    assert (list(first.series), iv_rank_of(first, "SPY")) == (["VIX"], 0.0)
    assert list(first.series_history) == ["VIX"]
    assert (list(last.series), iv_rank_of(last, "SPY")) == (["SPY IV", "VIX"], 1.0)
    assert [len(values) for values in last.series_history.values()] == [251, 251]
