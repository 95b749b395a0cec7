"""What each sleeve is compared with, and the account with the sum of them."""

from datetime import date
from pathlib import Path

import pytest

from mtum.app.queries.performance import performance
from mtum.app.queries.sleeves import sleeves_document
from mtum.wiring.resources import opened_reader
from scenarios.test_coordination import DAYS, account, first_days, row, sleeve
from support.three_sleeves import played, write_three

LATER = date(2017, 9, 7)


def closes(folder: Path, symbol: str) -> dict[str, float]:
    lines = (folder / "bars" / f"{symbol}.csv").read_text().splitlines()
    place = lines[0].split(",").index("close")
    return {line.split(",")[0]: float(line.split(",")[place]) for line in lines[1:]}


def bought(usd: float, price: float, now: float) -> float:
    """What is left of an amount of money that bought whole shares at a commission of 0.1 %."""
    shares = int(usd // (price * 1.001))
    return usd - shares * price - round(shares * price * 0.001, 2) + shares * now


def test_each_is_held_against_its_own_and_the_account_against_the_sum(tmp_path: Path) -> None:
    own = sleeve("core", 0.5, row(DAYS[0], "AAA", 0.5))
    other = sleeve("timing", 0.3, row(DAYS[0], "AAA", 1.0)).replace("weight = 0.3", 'weight = 0.3\nbenchmark = "MTUM"')
    with account(tmp_path, own, other) as replay:
        documents = first_days(replay)
        settings = replay.desk.settings
        start, last = [closes(tmp_path, name) for name in ("AAA", "BBB")], documents[-1]["session"]
        first = str(replay.desk.store.ledger.equity("core")[0].session)
        halves = sum(bought(7500.0, one[first], one[last]) for one in start)
        mtum = closes(tmp_path, "MTUM")
        held = bought(9000.0, mtum[first], mtum[last])
        with opened_reader(settings, tmp_path / "mtum.db") as reader:
            assert reader is not None
            lines = {one.sleeve: one for one in sleeves_document(settings, reader)["sleeves"]}
            assert lines["core"].benchmark_usd == pytest.approx(halves, abs=0.02)
            assert lines["timing"].benchmark_usd == pytest.approx(held, abs=0.02)
            assert performance(reader, "timing")[-1].benchmark_usd == lines["timing"].benchmark_usd
        assert documents[-1]["benchmark_usd"] == pytest.approx(halves + held, abs=0.04)


def test_all_are_bought_at_the_first_session_at_which_each_has_a_close(tmp_path: Path) -> None:
    write_three(tmp_path)
    file = tmp_path / "bars" / "BBB.csv"
    head, *lines = file.read_text().splitlines()
    file.write_text("\n".join([head, *(line for line in lines if line >= str(LATER))]) + "\n")
    with account(tmp_path, sleeve("core", 1.0, row(DAYS[0], "AAA", 0.5))) as replay:
        documents = played(replay, 8)
        by_day = {one["session"]: one["benchmark_usd"] for one in documents}
    assert {usd for day, usd in by_day.items() if day < str(LATER)} == {30000.0}
    (last, found), whole = list(by_day.items())[-1], 0.0
    for name in ("AAA", "BBB"):
        one = closes(tmp_path, name)
        whole += bought(15000.0, one[str(LATER)], one[last])
    assert found == pytest.approx(whole, abs=0.02)
