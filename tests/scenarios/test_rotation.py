"""A strategy of 45 lines with a list of symbols, put into the registry: every command tells the truth about it."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.strategies import STRATEGIES
from support.commands import call, call_json
from support.practice import sample_market, write_market
from support.rotation import Rotation

PLAYED = 12
SETTINGS = """
[market]
source = "csv"
[portfolio]
strategy = "rotation"
[strategy.rotation]
symbols = ["AAA", "BBB"]
"""


def wave(bars: Bars, symbol: str, phase: float) -> Bars:
    """The same sessions, one price a day on a wave of 5 USD around 50."""
    prices = np.round(50.0 + 5.0 * np.sin(np.arange(len(bars)) / 4.0 + phase), 2)
    return Bars.from_columns(symbol, "csv", bars.days, {**dict.fromkeys(PRICE_COLUMNS, prices), "volume": bars.volume})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the strategy has decided some sessions, a switch from one symbol to the other among them."""
    place = tmp_path_factory.mktemp("rotation")
    bars, _ = sample_market(date(2017, 10, 2), date(2018, 1, 31))
    write_market(place / "data" / "bars", {"AAA": wave(bars, "AAA", 0.0), "BBB": wave(bars, "BBB", 2.0)})
    (place / "config.toml").write_text(SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Rotation.name, Rotation)
        for _ in range(PLAYED):
            called = call(place, "run", "--quiet")
            assert called.code == 0, called.err
        yield place


def test_a_list_of_symbols_is_shown_with_its_origin_and_has_a_schema(folder: Path) -> None:
    shown = call_json(folder, "config", "show").out
    assert '"strategy.rotation.symbols"' in shown
    schema = call_json(folder, "config", "schema").document
    described = schema["properties"]["strategy"]["properties"]["rotation"]["properties"]["symbols"]
    assert (described["type"], described["items"], described["default"]) == (
        "array",
        {"type": "string"},
        ["AAA", "BBB"],
    )


def test_stored_decisions_replay_and_a_list_is_no_drift(folder: Path) -> None:
    found = call_json(folder, "verify", "--all").document
    assert (found["verified"], found["failed"], found["drift"]) == (PLAYED, 0, [])


def test_every_condition_says_whose_it_is(folder: Path) -> None:
    told = call(folder, "explain").out
    for symbol in ("AAA", "BBB"):
        assert f"{symbol} entry: strongest of the list" in told
        assert f"{symbol} exit: weaker than the strongest" in told
    assert "none of its conditions follows one input of the symbol" in told
    ran = call(folder, "run").out
    assert ran.count("strongest |") == 2
    assert "symbol | condition" in ran


def test_the_daily_report_tells_of_each_symbol_what_could_decide_it(folder: Path) -> None:
    told = call(folder, "report").out
    # BBB is held since the switch: its exits could decide, and the entries of AAA.
    assert "Enter AAA when all hold" in told
    assert "Exit BBB when any holds" in told
    assert told.splitlines()[0].startswith("rotation ")
    assert "HOLD 1 BBB" in told.splitlines()[0]
    assert "simply holding AAA and BBB, an equal part each" in told
    assert "RSI" not in told
    document = call_json(folder, "report").document
    assert document["symbols"] == ["AAA", "BBB"]
    assert {(row["symbol"], row["name"]) for row in document["conditions"]} == {
        (symbol, name) for symbol in ("AAA", "BBB") for name in ("strongest", "weaker")
    }


def test_the_benchmark_holds_an_equal_part_of_everything_traded(folder: Path) -> None:
    # 2,500 USD each at the first close: 46 AAA at 54.21 and 52 BBB at 47.66 with 0.1 %, the rest stays cash.
    first = call_json(folder, "show", "equity", "--limit", "100").document["equity"][0]
    closes = {
        symbol: next(
            float(str(row["close"])) for row in rows(folder, "bars", symbol) if row["session"] == first["session"]
        )
        for symbol in ("AAA", "BBB")
    }
    expected = 5000.0
    for close in closes.values():
        count = int(2500.0 // (close * 1.001))
        expected -= round(count * close * 0.001, 2)
    assert first["benchmark_usd"] == pytest.approx(expected, abs=0.011)


def rows(folder: Path, kind: str, symbol: str) -> list[dict[str, object]]:
    found = call_json(folder, "show", kind, "--limit", "1000").document[kind]
    return [row for row in found if row["symbol"] == symbol]


def test_a_list_of_decisions_shows_what_each_symbol_was_judged_by(folder: Path) -> None:
    row = call_json(folder, "show", "decisions", "--limit", "1").document["decisions"][0]
    inputs = call_json(folder, "explain").document["inputs"]
    for symbol in ("AAA", "BBB"):
        told = row["indicators"][symbol]
        assert told == {name: inputs[symbol][name] for name in ("close", "average", "strength")}
    heading = call(folder, "show", "decisions").out.splitlines()[0]
    assert [word for word in re.split(r"[ |]{2,}", heading) if word] == [
        *("session", "action", "reasons", "price USD", "AAA average", "AAA strength", "BBB average", "BBB strength"),
        *("orders", "fills", "equity USD"),
    ]


@pytest.mark.parametrize("kind", ["week", "month", "quarter"])
def test_a_review_tells_of_each_symbol_and_of_no_condition_it_does_not_have(folder: Path, kind: str) -> None:
    told = call(folder, "review", kind).out
    for foreign in ("RSI", "VIX", "moving average", "profit target"):
        assert foreign not in told
    if kind == "week":
        assert "AAA: strongest of the list" in told
        assert "BBB: weaker than the strongest" in told
        assert "AAA: average" in told


def test_the_page_draws_a_chart_of_each_symbol(folder: Path) -> None:
    page = Path(str(call(folder, "report").out.rsplit("charts: ", 1)[1].split("\n")[0])).read_text()
    assert page.count("its mean of 5") == 2
