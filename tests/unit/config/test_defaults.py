"""The file of defaults stands for our strategies, so that no command has to load those that it does not run."""

import subprocess
import sys

import pytest

from mtum import config
from mtum.config.defaults import FILE
from mtum.core.canonical import plain
from mtum.core.strategies import OURS, STRATEGIES
from mtum.errors import ConfigError
from support.values import replace
from tools import strategy_defaults


def printed(code: str) -> str:
    """What a process of its own prints, in which no strategy is loaded yet."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


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
    first["strategy"]["tsmom"]["symbols"][0] = "AAA"
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
    assert printed(code) == "tsmom"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("strategy.wheel.write_threshold", -0.0),
        ("strategy.mtum_confluence.ma_sessions", 50),
        ("strategy.mtum_confluence.vix_entry_below", 25),
        ("strategy.multi_asset_allocation.weights", {"VNQ": 0.2, "DBC": 0.2, "IEF": 0.2, "EFA": 0.2, "SPY": 0.2}),
    ],
)
def test_what_is_said_stands_as_it_was_said(name: str, said: object) -> None:
    _, strategy, key = name.split(".")
    document = config.load(None, {}, {name: said}).document()["strategy"][strategy]
    assert str(document[key]) in (str(said), str(float(said)) if isinstance(said, int) else "")


@pytest.mark.parametrize("said", [True, 50.5, "many", [50], 10**400])
def test_what_is_no_such_value_is_refused_whatever_the_default(said: object) -> None:
    with pytest.raises(ConfigError, match=r"strategy\.mtum_confluence\.ma_sessions"):
        config.load(None, {}, {"strategy.mtum_confluence.ma_sessions": said})


def test_our_classes_and_their_modules_can_be_taken_from_the_registry() -> None:
    code = "import mtum.core.strategies as s; print(s.Tsmom is s.tsmom.Tsmom is s.STRATEGIES['tsmom'])"
    assert printed(code) == "True"
    assert printed("import mtum.core.strategies as s; print(hasattr(s, 'Nothing'))") == "False"


def test_words_that_an_own_strategy_gives_to_a_condition_of_ours_change_nothing() -> None:
    code = """
from msgspec.structs import replace
from mtum.core.reporting import words
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.tsmom import Tsmom
spec = Tsmom.CONDITIONS[0]
STRATEGIES["twin"] = type("Twin", (Tsmom,), {"CONDITIONS": (replace(spec, words="said otherwise"),)})
print(words.condition(spec.name).words == spec.words)
"""
    assert printed(code) == "True"


def test_a_number_too_large_for_any_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match=r"strategy\.mtum_confluence\.vix_entry_below"):
        config.load(None, {}, {"strategy.mtum_confluence.vix_entry_below": 10**400})
