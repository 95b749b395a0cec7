"""A split while shares are held: the same signals, the same money, twice the shares; provenance holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.clock import ReplayClock
from mtum.adapters.sources.embedded import sample_source
from mtum.app.desk import Desk
from mtum.app.records.verify import verify
from mtum.app.session.play_session import play_session
from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.merging import NewSplit, before_split
from mtum.core.market.sessions import Session
from mtum.core.market.volume import UsualShare
from mtum.errors import ExitCode
from mtum.ports.market_data import Quote, SeriesValue
from mtum.wiring import desks, resources
from mtum.wiring.provenance import provenance
from support.practice import settings_of
from support.values import replace

CALENDAR = ExchangeCalendar()
FIRST, SPLIT_DAY, LAST = date(2018, 1, 3), date(2018, 1, 9), date(2018, 1, 12)
"""The rules enter on 3 January and sell on 12 January: the split falls between."""


@dataclass
class SplittingVendor:
    """Shows the embedded market as a vendor that re-bases its history on the day of a 2:1 split.

    The prices of the sample are those after the split; before its day everything is in old shares.
    """

    clock: ReplayClock
    split: NewSplit | None
    told_to_exchange: bool = True
    name: str = "yahoo"

    def __post_init__(self) -> None:
        self._market = sample_source(exact=True)

    def history(self, symbol: str, first: date, last: date) -> Bars:
        bars = self._market.history(symbol, date(2017, 6, 1), date(2018, 12, 31))
        bars = replace(bars, source=self.name)
        if self.split is None:
            return bars.since(first).until(last)
        if self.clock.now().date() < self.split.session:
            return before_split(bars, self.split).since(first).until(last)
        split = np.where(bars.days == np.datetime64(self.split.session), self.split.ratio, 0.0)
        split.flags.writeable = False
        return replace(bars, split=split).since(first).until(last)

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        seen = replace(self._market.quote(symbol, session, at), source=self.name)
        if self.split is None or session.day > self.split.session:
            return seen
        if session.day == self.split.session:
            # The simulated exchange asks with the close what takes effect in a session.
            told = self.told_to_exchange or at != session.close
            return replace(seen, split=self.split.ratio if told else 0.0)
        old = {name: getattr(seen, name) * self.split.ratio for name in ("open", "high", "low", "close", "midpoint")}
        return replace(seen, volume=seen.volume / self.split.ratio, **old)

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        return self._market.series(name, session, at)

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        return self._market.series_history(name, first, last)

    def coverage(self, symbol: str) -> Coverage:
        return Coverage(Dividends.KNOWN)

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        return UsualShare(1.0)


class Steps:
    def begin(self, run_id: int) -> None:
        """Nobody is told."""

    def reached(self, step: str) -> None:
        """Nobody is told."""


@contextmanager
def desk_of(folder: Path, split: NewSplit | None) -> Iterator[Desk]:
    settings = settings_of(portfolio__max_position_frac=0.9, risk__max_position_usd=20_000.0)
    clock = ReplayClock(CALENDAR.sessions(FIRST, FIRST).known[0].open)
    source, steps = SplittingVendor(clock, split), Steps()
    folder.mkdir()
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


def played(desk: Desk) -> list[dict[str, Any]]:
    return [dict(play_session(desk, session).document) for session in CALENDAR.sessions(FIRST, LAST)]


def test_a_split_while_holding_changes_shares_and_prices_and_nothing_else(tmp_path: Path) -> None:
    with desk_of(tmp_path / "plain", None) as desk:
        plain = played(desk)
    with desk_of(tmp_path / "split", NewSplit(SPLIT_DAY, 2.0)) as desk:
        split = played(desk)
        lots = desk.store.orders.fills()
        result = verify(desk.store, desk.settings, desk.provenance)
        assert (result.exit_code, result.document.get("problems", [])) == (ExitCode.DONE, [])
        assert [(one.session, one.ratio) for one in desk.store.bars.actions()] == [(SPLIT_DAY, Decimal(2))]
        assert desk.store.bars.revisions("MTUM") == ()
    assert [one["action"] for one in plain] == ["enter", "hold", "hold", "hold", "hold", "hold", "hold", "exit"]
    assert [(one["action"], one["reasons"], one["exit_code"]) for one in split] == [
        (one["action"], one["reasons"], one["exit_code"]) for one in plain
    ]
    bought, sold = lots
    assert sold.shares == 2 * bought.shares
    for ours, theirs in zip(split[5:], plain[5:], strict=True):
        for name in ("close", "ma", "rsi", "atr", "volume", "volume_average", "vix"):
            assert ours["indicators"][name] == pytest.approx(theirs["indicators"][name], rel=1e-6), name


def test_a_split_only_the_vendor_tells_orders_nothing_and_asks_for_a_person(tmp_path: Path) -> None:
    with desk_of(tmp_path / "split", NewSplit(SPLIT_DAY, 2.0)) as desk:
        sessions = CALENDAR.sessions(FIRST, SPLIT_DAY).known
        for session in sessions[:-1]:
            play_session(desk, session)
        assert isinstance(desk.source, SplittingVendor)
        desk.source.told_to_exchange = False
        document = play_session(desk, sessions[-1]).document
        assert document["exit_code"] == ExitCode.PERSON
        assert document["orders"] == []
        assert any("tells a split 2" in problem["text"] for problem in document["problems"])
