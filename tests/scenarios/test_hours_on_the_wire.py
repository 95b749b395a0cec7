"""Bars within the session from the practice gateway to the decision and its replay."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from mtum.app.records.verify import verify
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies import STRATEGIES
from support.many_bars import DAY, names
from support.many_symbols import Wide, wide_installation, wide_market

TABLE = wide_market(3)


@dataclass(frozen=True, slots=True)
class Hours(Wide):
    """The same with bars of an hour and of five minutes."""

    name: ClassVar[str] = "hours"

    @property
    def intraday_bars(self) -> Mapping[Timeframe, int]:
        """Some of both."""
        return {Timeframe.FIVE_MINUTES: 100, Timeframe.HOUR: 30}


def test_the_brokers_bars_are_part_of_the_decision_of_each_sleeve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STRATEGIES, Hours.name, Hours)
    with wide_installation(tmp_path, TABLE, sleeves=2, strategy=Hours) as ours:
        result = ours.run(DAY)
        assert (result.exit_code, len(result.document["orders"])) == (0, 4)
        with ours.desk() as desk:
            for sleeve in ("s0", "s1"):
                decided = desk.store.decisions.decision_of(DAY, sleeve)
                assert decided is not None
                assert not [note for note in decided.document["notes"] if "not seen" in note]
                frames = decided.frame["intraday"]
                assert {name: [*table] for name, table in frames.items()} == {"5m": [*names(3)], "1h": [*names(3)]}
                for name, count, newest in (("5m", 100, f"{DAY}T19:35/5"), ("1h", 30, f"{DAY}T18:30/60")):
                    for bars in frames[name].values():
                        assert (len(bars["days"]), bars["days"][-1], bars["source"]) == (count, newest, f"ib {name}")
            # Of the hours that the broker begins with the clock's nothing is asked: halves make up ours.
            lengths = desk.store.intraday.database.rows("SELECT DISTINCT minutes FROM intraday_bars ORDER BY 1")  # type: ignore[attr-defined]
            assert [row[0] for row in lengths] == [5, 30]
            found = verify(desk.store, desk.settings, desk.provenance)
            assert found.exit_code == 0, found.document
