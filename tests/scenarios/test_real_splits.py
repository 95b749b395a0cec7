"""Two real splits while the shares are held: IWM 2:1 and EFA 3:1, both effective on 2005-06-09.

The vendor shows old shares until the morning of the split and new ones after it, as Yahoo does. Beside it
the same days with a vendor that showed new shares all along: the signals, the position afterwards, its entry
price and ATR have to be the same. MTUM_REAL_BARS names the folder of bars.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtum import config
from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.clock import ReplayClock
from mtum.app.desk import Desk
from mtum.app.ledger.sleeve_records import read_sleeve
from mtum.app.session.play_session import play_session
from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.merging import NewSplit, before_split
from mtum.core.market.sessions import Session
from mtum.core.market.volume import UsualShare
from mtum.core.portfolio.lots import Lot
from mtum.ports.market_data import Quote, SeriesValue
from mtum.wiring import desks, resources
from mtum.wiring.provenance import provenance
from support.commands import call_json
from support.markets import real_bars
from support.practice import Steps, settings_of
from support.values import replace

CALENDAR = ExchangeCalendar()
SPLIT_DAY = date(2005, 6, 9)
PRICES = ("close", "ma", "atr")
VOLUMES = ("volume", "volume_average")


@dataclass(frozen=True)
class Held:
    """A real split inside a holding.

    `rules` make EFA be held on the day: by the defaults it was sold the day before. `budget_usd` buys a
    number of new shares that the ratio divides, so that both vendors' players own the same.
    """

    symbol: str
    ratio: int
    entry: date
    exit: date
    exit_reason: str
    budget_usd: float
    rules: Mapping[str, float]

    def settings(self) -> config.Settings:
        rules = {f"strategy__mtum_confluence__{name}": value for name, value in self.rules.items()}
        return settings_of(
            strategy__mtum_confluence__symbol=self.symbol,
            portfolio__capital_usd=12_000.0,
            portfolio__max_position_frac=1.0,
            risk__max_position_usd=self.budget_usd,
            **rules,
        )


CASES = [
    Held("IWM", 2, date(2005, 5, 18), date(2005, 7, 5), "atr_target", 9_660.0, {}),
    Held("EFA", 3, date(2005, 6, 7), date(2005, 6, 27), "close_below_ma", 9_380.0, {"ma_sessions": 25}),
]


@cache
def vix_closes() -> Mapping[date, float]:
    path = Path(os.environ["MTUM_REAL_BARS"]) / "VIX.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {date.fromisoformat(row["date"]): float(row["close"]) for row in csv.DictReader(file)}


@dataclass
class RebasingVendor:
    """Real bars in old shares before the morning of the split and in new ones from then on."""

    clock: ReplayClock
    bars: Bars
    split: NewSplit | None
    name: str = "yahoo"

    def shown(self) -> Bars:
        if self.split is None:
            return self.bars
        if self.clock.now().date() < self.split.session:
            return before_split(self.bars, self.split)
        listed = np.where(self.bars.days == np.datetime64(self.split.session), self.split.ratio, 0.0)
        columns = {name: getattr(self.bars, name) for name in ("open", "high", "low", "close", "volume", "dividend")}
        return Bars.from_columns(self.bars.symbol, self.name, self.bars.days, {**columns, "split": listed})

    def history(self, symbol: str, first: date, last: date) -> Bars:
        return self.shown().since(first).until(last)

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        bar = self.shown().find(session.day)
        assert bar is not None
        return Quote(
            symbol, self.name, session.day, bar.open, bar.high, bar.low, bar.close, bar.volume, min(at, session.close),
            midpoint=bar.close, dividend=bar.dividend, split=bar.split,
        )  # fmt: skip

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        return SeriesValue(name, self.name, vix_closes()[session.day], min(at, session.close))

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        return {day: points for day, points in vix_closes().items() if first <= day <= last}

    def coverage(self, symbol: str) -> Coverage:
        return Coverage(Dividends.KNOWN)

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        return UsualShare(1.0)


@contextmanager
def desk_of(folder: Path, held: Held, split: NewSplit | None) -> Iterator[Desk]:
    bars = real_bars(held.symbol)
    nothing = np.zeros(len(bars))
    nothing.flags.writeable = False
    settings = held.settings()
    clock, steps = ReplayClock(CALENDAR.sessions(held.entry, held.entry).known[0].open), Steps()
    source = RebasingVendor(clock, replace(bars, source="yahoo", split=nothing), split)
    folder.mkdir(parents=True)
    with resources.opened_store(settings, folder) as store:
        yield Desk(
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


def played(desk: Desk, held: Held) -> list[tuple[dict[str, Any], tuple[Lot, ...], dict[str, float]]]:
    """Each session's document, with the lots and what is remembered of the entry after it."""
    found = []
    for session in CALENDAR.sessions(held.entry, held.exit):
        document = dict(play_session(desk, session).document)
        sleeve = read_sleeve(desk.store, desk.sleeves[0].name)
        remembered = next(iter(sleeve.remembered.values()), {})
        found.append((document, sleeve.lots, dict(remembered)))
    return found


@pytest.mark.parametrize("held", CASES, ids=["IWM", "EFA"])
def test_a_real_split_while_holding_changes_no_signal_and_no_money(tmp_path: Path, held: Held) -> None:
    with desk_of(tmp_path / "plain" / "data", held, None) as desk:
        plain = played(desk, held)
    with desk_of(tmp_path / "split" / "data", held, NewSplit(SPLIT_DAY, float(held.ratio))) as desk:
        split = played(desk, held)
        assert [(one.session, one.ratio) for one in desk.store.bars.actions()] == [(SPLIT_DAY, Decimal(held.ratio))]
        assert desk.store.bars.revisions() == ()
        assert desk.store.quarantine.kept_out() == ()
    actions = [(document["session"], document["action"]) for document, _, _ in plain]
    assert actions[0] == (held.entry.isoformat(), "enter")
    assert actions[-1] == (held.exit.isoformat(), "exit")
    assert {action for _, action in actions[1:-1]} == {"hold"}
    assert plain[-1][0]["reasons"][0] == held.exit_reason
    for (ours, lots, entry), (theirs, their_lots, their_entry) in zip(split, plain, strict=True):
        ratio = 1 if ours["session"] >= SPLIT_DAY.isoformat() else held.ratio
        for name in ("session", "action", "reasons", "exit_code", "degraded", "problems"):
            assert ours[name] == theirs[name], name
        passed = [(one["name"], one["passed"]) for one in ours["conditions"]]
        assert passed == [(one["name"], one["passed"]) for one in theirs["conditions"]]
        for name in (*PRICES, *VOLUMES, "rsi", "vix"):
            scale = ratio if name in PRICES else 1 / ratio if name in VOLUMES else 1
            assert ours["indicators"][name] == pytest.approx(theirs["indicators"][name] * scale, rel=1e-6), name
        assert [lot.shares * ratio for lot in lots] == [lot.shares for lot in their_lots]
        assert [float(lot.entry_price) for lot in lots] == pytest.approx(
            [float(lot.entry_price) * ratio for lot in their_lots]
        )
        assert entry == pytest.approx({name: number * ratio for name, number in their_entry.items()}, rel=1e-6)


@pytest.mark.parametrize("held", CASES, ids=["IWM", "EFA"])
def test_a_history_with_a_real_split_verifies_through_the_command(tmp_path: Path, held: Held) -> None:
    with desk_of(tmp_path / "data", held, NewSplit(SPLIT_DAY, float(held.ratio))) as desk:
        played(desk, held)
    verified = call_json(tmp_path, "verify", "--all")
    assert (verified.code, verified.document.get("problems", [])) == (0, [])
    assert len(verified.document["sessions"]) == len(CALENDAR.sessions(held.entry, held.exit))
    checked = call_json(tmp_path, "bars", "check")
    assert [one["problems"] for one in checked.document["checked"]] == [[], []]
