"""A universe of symbols over the wire: what does not come in time hurts only itself."""

from datetime import date
from pathlib import Path

from mtum.core.market.sessions import Session
from mtum.wiring.jobs import jobs_of
from support.many_bars import DAY, names
from support.many_symbols import Wide, wide_installation, wide_market

TABLE = wide_market(4)


def session() -> Session:
    return TABLE.sessions.between(DAY, DAY)[0]


def test_the_rest_decides_when_a_symbol_is_not_gathered(tmp_path: Path) -> None:
    with wide_installation(tmp_path, TABLE, sleeves=2) as ours:
        assert ours.run(DAY, minutes=25, dry_run=True).exit_code == 0
        # Its bars are in the cache; today's does not come.
        lost = {"symbol": "S001", "duration": "1 D"}
        ours.gateway.fault("reqHistoricalData", "reject", code=162, text="HMDS query failed", count=0, when=lost)
        result = ours.run(DAY)
        assert result.exit_code == 0, result.document["problems"]
        assert sorted(one["symbol"] for one in result.document["orders"]) == ["S000", "S000", "S002", "S002"]
        with ours.desk() as desk:
            decided = desk.store.decisions.decision_of(DAY, "s0")
        assert decided is not None
        assert decided.document["degraded"] == ["S001"]
        assert any(
            "S001 not decided: 1 day bars of S001: the broker answers 162" in note for note in decided.document["notes"]
        )


def test_a_contract_that_is_not_described_or_has_changed_hurts_only_itself(tmp_path: Path) -> None:
    with wide_installation(tmp_path, TABLE) as ours:
        ours.gateway.fault("reqContractDetails", "reject", code=321, text="busy", count=0, when={"symbol": "S000"})
        with ours.desk() as desk:
            desk.store.approvals.pin_contract("S001", "1@ARCA", desk.clock.now())
        result = ours.run(DAY)
        assert result.exit_code == 0, result.document["problems"]
        # The first two of what is left.
        assert [one["symbol"] for one in result.document["orders"]] == ["S002", "S003"]
        with ours.desk() as desk:
            decided = desk.store.decisions.decision_of(DAY, "s0")
        assert decided is not None
        assert decided.document["degraded"] == ["S000", "S001"]
        said = " ".join(decided.document["notes"])
        assert "S000 not decided: contract S000: the broker answers 321: busy" in said
        assert "until now it was 1@ARCA: a listing has changed" in said


def test_the_bars_of_the_others_are_refreshed_before_the_window(tmp_path: Path) -> None:
    with wide_installation(tmp_path, TABLE, minutes=30) as ours:
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


def test_the_closes_of_all_symbols_are_read_together_and_one_that_fails_alone(tmp_path: Path) -> None:
    with wide_installation(tmp_path, TABLE) as ours:
        assert ours.run(DAY).exit_code == 0
        ours.gateway.tell("behavior", no_data=["S003"], history_seconds=0.2)
        began = len(ours.gateway.journal)
        settled = ours.settle(DAY)
        (problem,) = settled.document["problems"]
        assert "official close not recorded yet: 1 day bars of S003" in problem["text"]
        with ours.desk() as desk:
            newest = {symbol: desk.store.bars.bars(symbol, "ib").last_day for symbol in names(4)}
        assert newest == {"S000": DAY, "S001": DAY, "S002": DAY, "S003": date(2017, 10, 3)}
        told = [one["name"] for one in ours.gateway.journal[began:] if one["kind"] in ("request", "answer")]
        first = told.index("reqHistoricalData")
        # Asked side by side: the next question does not wait for the answer to the first.
        assert told[first : first + 3] == ["reqHistoricalData"] * 3
