"""A strategy of 45 lines with a list of symbols, put into the registry: every command tells the truth about it."""

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
