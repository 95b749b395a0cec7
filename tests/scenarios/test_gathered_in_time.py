"""A universe of symbols over the wire: what does not come in time hurts only itself."""

from pathlib import Path
from typing import Any

from mtum.core.market.sessions import Session
from mtum.wiring.jobs import jobs_of
from support.many_bars import DAY, names
from support.many_symbols import Wide, wide_installation, wide_market

TABLE = wide_market(4)
IMPATIENT: dict[str, Any] = {"broker__request_seconds": 0.7}


def session() -> Session:
    return TABLE.sessions.between(DAY, DAY)[0]


def test_the_rest_decides_when_a_symbol_does_not_answer(tmp_path: Path) -> None:
    with wide_installation(tmp_path, TABLE, sleeves=2, **IMPATIENT) as ours:
        assert ours.run(DAY, minutes=25, dry_run=True).exit_code == 0
        # Its bars are in the cache; today's does not come.
        ours.gateway.fault("reqHistoricalData", "swallow", count=0, when={"symbol": "S001", "duration": "1 D"})
        result = ours.run(DAY)
        assert result.exit_code == 0
        assert sorted(one["symbol"] for one in result.document["orders"]) == ["S000", "S000", "S002", "S002"]
        with ours.desk() as desk:
            decided = desk.store.decisions.find(DAY, "s0")
        assert decided is not None
        assert decided.document["degraded"] == ["S001"]
        assert any("S001 not decided: 1 day bars of S001" in note for note in decided.document["notes"])


def test_the_bars_of_the_others_are_refreshed_before_the_window(tmp_path: Path) -> None:
    with wide_installation(tmp_path, TABLE, minutes=30, **IMPATIENT) as ours:
        ours.gateway.tell("behavior", no_data=["S001"])
        with ours.desk() as desk:
            clock = desk.clock
        done = jobs_of(ours.settings, ours.folder, clock)["refresh_bars"](session(), "")
        assert done.exit_code == 3
        (problem,) = done.document["problems"]
        assert "No market data permissions" in problem["text"]
        with ours.desk() as desk:
            found = {symbol: len(desk.store.bars.bars(symbol, "ib")) for symbol in names(4)}
        assert found["S001"] == 0
        assert all(found[symbol] >= Wide().history for symbol in ("S000", "S002", "S003"))
