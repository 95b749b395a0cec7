"""The file of defaults stands for our strategies, so that no command has to load those that it does not run."""

import subprocess
import sys

import pytest

from mtum import config
from mtum.config.defaults import FILE
from mtum.core.canonical import plain
from mtum.core.strategies import OURS, STRATEGIES
from support.values import replace
from tools import strategy_defaults


def test_the_file_holds_what_the_strategies_declare() -> None:
    assert FILE.read_text() == strategy_defaults.text(), "run python tests/tools/strategy_defaults.py"


@pytest.mark.parametrize("name", OURS)
def test_a_strategy_is_told_alike_whether_its_section_is_there_or_not(name: str) -> None:
    left_out = config.load(None, {})
    given = config.load(None, {}, {f"strategy.{name}": {}})
    assert left_out.document() == given.document()
    assert left_out.general(name) == given.general(name)
    made = left_out.general(name)
    assert plain(made) == left_out.document()["strategy"].get(name)
    # What nobody set is not looked at when settings are read.
    assert made is None or (*made.problems(), *made.contradictions()) == ()


def test_documents_share_nothing_that_could_be_changed() -> None:
    first = config.load(None, {}).document()
    before = first["strategy"]["tsmom"]["symbols"][0]
    first["strategy"]["tsmom"]["symbols"][0] = "XXX"
    assert config.load(None, {}).document()["strategy"]["tsmom"]["symbols"][0] == before


def test_a_strategy_that_is_set_stands_in_its_place_among_the_others() -> None:
    document = config.load(None, {}, {"strategy.tsmom.lookback_months": 6}).document()["strategy"]
    assert document["tsmom"]["lookback_months"] == 6
    assert [*document] == [name for name in STRATEGIES if name in document]


def test_settings_with_another_strategy_of_the_daily_job_have_its_defaults() -> None:
    settings = config.load(None, {})
    other = replace(settings, portfolio=replace(settings.portfolio, strategy="dual_momentum"))
    assert other.active_strategy().name == "dual_momentum"
    with pytest.raises(KeyError):
        other.active_strategy("ensemble")


def test_reading_settings_loads_the_strategy_that_runs_and_no_other() -> None:
    code = (
        "import sys; from mtum import config; from mtum.core.strategies import OURS; "
        "settings = config.load(None, {}, {'portfolio.strategy': 'tsmom', 'strategy.tsmom.lookback_months': 6}); "
        "settings.document(); settings.sleeves(); "
        "print(*(one for one in OURS if f'mtum.core.strategies.{one}' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tsmom"]
