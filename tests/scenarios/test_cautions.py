"""What a strategy has to say of itself stands in its demo, its reports and its backtests."""

import json
from html import unescape
from pathlib import Path

import pytest

from mtum.core.strategies import STRATEGIES
from support.commands import call_json

(SURVIVORS,) = STRATEGIES["momentum_rotation"].CAUTIONS


def test_a_list_of_stocks_is_told_to_be_one_of_survivors_in_demo_and_reports(tmp_path: Path) -> None:
    played = call_json(tmp_path, "demo", "--strategy", "momentum_rotation", "--sessions", "1")
    assert played.document["notes"][-1] == SURVIVORS
    folder = Path(played.document["database"]).parent
    (daily,) = folder.glob("reports/2*.json")
    assert SURVIVORS in json.loads(daily.read_text())["data_quality"]["notes"]
    assert SURVIVORS in unescape(Path(played.document["report"]).read_text())


@pytest.mark.full
def test_a_backtest_says_so_too(tmp_path: Path) -> None:
    where = ("--set", 'market.source="sample"', "--set", 'market.sample="stocks"')
    settings = [
        f"strategy.momentum_rotation.{key}={json.dumps(value)}"
        for key, value in STRATEGIES["momentum_rotation"].EXAMPLE.settings.items()
    ]
    given = [word for one in settings for word in ("--set", one)]
    found = call_json(tmp_path, "backtest", "--strategy", "momentum_rotation", *where, *given)
    assert SURVIVORS in found.document["metrics"]["cautions"]
