"""A strategy says everything about itself: nothing outside its own file names its conditions or parameters."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from functools import cache

import pytest

from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.ensemble import Ensemble
from mtum.core.strategies.several import TradeFilter
from support.registry import example_of
from support.source_tree import Module, modules

COMPILED = ("mtum/core/simulation/", "mtum/core/research/grid.py")
"""The compiled backtest of one strategy, which knows its rules by heart."""
OF_OPTIONS = ("mtum/core/options/", *(f"mtum/core/strategies/{one}_rules.py" for one in ("option", "wheel", "spread")))
"""Rules that the strategies of options are made of, and what these share."""
WORDS_OF_OPTIONS = "mtum/core/strategies/option_words.py"
"""Their conditions in words."""
OF_THE_ACCOUNT = {"cash_symbol"}
"""Parameters with the name and the meaning of a setting of the account."""
REGISTRY = re.compile(r"spec\.indicator == \"\w+\"")
"""Where an indicator is looked for by its name in the registry, not by what a strategy calls it."""


@cache
def common() -> frozenset[str]:
    """Names that several strategies use, and so mean the same everywhere."""
    used = Counter(
        name for strategy in STRATEGIES for name in {*conditions_and_parameters(strategy), *indicators(strategy)}
    )
    return frozenset(name for name, times in used.items() if times > 1) | {one.name for one in fields(TradeFilter)}


def conditions_and_parameters(strategy: str) -> set[str]:
    cls = STRATEGIES[strategy]
    parameters = {field.name for field in fields(cls)}  # type: ignore[arg-type]  # the registry holds dataclasses
    return {spec.name for spec in cls.CONDITIONS} | parameters


def indicators(strategy: str) -> set[str]:
    # Those of an ensemble are its members'.
    return {spec.name for spec in example_of(strategy).indicators()} if strategy != Ensemble.name else set()


def telling(names: Iterable[str]) -> set[str]:
    """Names that belong to one strategy: no plain words, none that others use too."""
    return {name for name in names if "_" in name} - common() - OF_THE_ACCOUNT


@cache
def words(module: Module) -> frozenset[str]:
    """Every word of a file; the places apart that look for an indicator by its name in the registry."""
    return frozenset(re.findall(r"\w+", REGISTRY.sub("", "\n".join(module.lines))))


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_only_a_strategys_own_file_names_what_is_its_own(strategy: str) -> None:
    beside = (*OF_OPTIONS, WORDS_OF_OPTIONS) if STRATEGIES[strategy].OPTIONS else COMPILED
    own = (f"mtum/core/strategies/{strategy}.py", *beside)
    names = telling({*conditions_and_parameters(strategy), *indicators(strategy)})
    found = {
        (module.path, name)
        for module in modules("mtum", "jobs")
        if not module.path.startswith((*own, "mtum/core/indicators/"))
        for name in names & words(module)
    }
    assert found == set()
