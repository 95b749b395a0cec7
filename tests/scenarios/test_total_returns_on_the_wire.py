"""A strategy on total returns with the broker's bars: with dividends told, untold today, and told later."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtum.app.desk import Desk
from mtum.app.records.verify import verify
from mtum.app.service.rehearse import Surroundings, rehearse
from mtum.app.service.rehearse_market import CheckState
from mtum.core.market.coverage import Dividends
from mtum.wiring.resources import source_of
from support.many_bars import DAY, DIVIDEND, EX_DATES, many, names
from support.many_symbols import Total, wide_installation, wide_market

TABLE = wide_market(3)
GOOD = Surroundings(free_bytes=lambda: 10**10, damage=lambda: (), unreachable=lambda: ())


def cached_dividends(desk: Desk, symbol: str) -> dict[Any, float]:
    bars = desk.store.bars.bars(symbol, "ib")
    return {bars.day(int(at)): float(bars.dividend[at]) for at in np.flatnonzero(bars.dividend)}


def test_one_symbol_is_left_out_whose_dividend_of_today_is_not_told(tmp_path: Path) -> None:
    with wide_installation(tmp_path, TABLE, sleeves=2, strategy=Total) as ours:
        ours.gateway.tell("behavior", no_dividends=["S001"])
        with ours.desk() as desk:
            checks = {check.name: check for check in rehearse(desk, TABLE.sessions.between(DAY, DAY)[0], GOOD).checks}
        assert [name for name in checks if name.startswith("dividends")] == ["dividends S001"]
        assert checks["dividends S001"].state is CheckState.WARNING
        assert checks["dividends S001"].found == "ib does not tell what goes ex today, and s0, s1 needs total returns"
        result = ours.run(DAY)
        assert result.exit_code == 0
        assert sorted(one["symbol"] for one in result.document["orders"]) == ["S000", "S000", "S002", "S002"]
        with ours.desk() as desk:
            decided = desk.store.decisions.decision_of(DAY, "s0")
            assert decided is not None
            assert "S001: ib does not tell what goes ex today, and s0 needs total returns" in " ".join(
                decided.document["notes"]
            )
            found = cached_dividends(desk, "S000")
            assert [day for day in found if day in EX_DATES] == list(EX_DATES)
            assert all(abs(usd - DIVIDEND) < 0.003 for usd in found.values())
            assert verify(desk.store, desk.settings, desk.provenance).exit_code == 0


@pytest.mark.full
def test_nothing_is_decided_and_the_doctor_says_no_where_no_dividend_is_told(tmp_path: Path) -> None:
    with wide_installation(tmp_path, TABLE, strategy=Total) as ours:
        ours.gateway.tell("behavior", no_dividends=[*names(3)])
        with ours.desk() as desk:
            found = rehearse(desk, TABLE.sessions.between(DAY, DAY)[0], GOOD)
        untold = [check for check in found.checks if check.name.startswith("dividends")]
        assert ([check.state for check in untold], found.exit_code) == ([CheckState.NO_GO] * 3, 3)
        assert 'market.dividend_source = "yahoo" or "file"' in untold[0].remedy
        assert ours.run(DAY).exit_code == 3


def test_bars_cached_without_dividends_are_read_again_and_what_was_decided_on_them_stays(tmp_path: Path) -> None:
    file = tmp_path / "dividends.csv"
    with wide_installation(tmp_path, TABLE, strategy=Total, market__dividend_source="file") as ours:
        file.write_text("symbol,ex_date,usd\n" + "".join(f"{symbol},2015-01-05,0\n" for symbol in names(3)))
        assert (ours.run(DAY).exit_code, ours.settle(DAY).exit_code) == (0, 0)
        with ours.desk() as desk:
            assert cached_dividends(desk, "S000") == {}
        file.write_text(file.read_text() + f"S000,{EX_DATES[0]},0.34\n")
        assert ours.run(date(2017, 10, 5), dry_run=True).exit_code == 0
        with ours.desk() as desk:
            assert cached_dividends(desk, "S000") == {EX_DATES[0]: 0.34}
            assert source_of(ours.settings, tmp_path).coverage("S000").dividends is Dividends.KNOWN
            found = verify(desk.store, desk.settings, desk.provenance)
            assert found.exit_code == 0, found.document


def test_a_dividend_announced_before_is_booked_to_the_cent_though_its_session_was_missed(tmp_path: Path) -> None:
    next_day = date(2017, 10, 5)
    table = many(names(2), TABLE.sessions, {next_day: 0.3418})
    with wide_installation(tmp_path, table, strategy=Total) as ours:
        assert (ours.run(DAY).exit_code, ours.settle(DAY).exit_code, ours.settle(next_day).exit_code) == (0, 0, 0)
        with ours.desk() as desk:
            booked = [one for one in desk.store.ledger.movements("s0") if one.kind == "dividend"]
            held = {one.symbol: one.shares for one in desk.store.ledger.lots("s0")}
            desk.broker.connect()
            assert desk.store.books.cash("s0") == desk.broker.lists().account.cash_usd
        exact = {symbol: (shares * Decimal("0.3418")).quantize(Decimal("0.01")) for symbol, shares in held.items()}
        assert {one.symbol: one.amount_usd for one in booked} == exact
        assert set(exact) == {"S000", "S001"}
