"""A strategy says everything about itself: nothing outside its own file names its conditions or parameters."""

import re
from dataclasses import fields

import pytest

from mtum.core.strategies import STRATEGIES
from support.source_tree import modules

COMPILED = ("mtum/core/simulation/", "mtum/core/research/grid.py")
"""The compiled backtest of one strategy, which knows its rules by heart."""
SHARED = {"symbol", "symbols", "name"}
"""Words that mean the same everywhere."""
REGISTRY = re.compile(r"spec\.indicator == \"\w+\"")
"""Where an indicator is looked for by its name in the registry, not by what a strategy calls it."""
STORED = {("mtum/app/reporting/money.py", "atr")}
"""A field of stored reports that is filled from what a position remembers."""


def names_of(strategy: str) -> set[str]:
    cls = STRATEGIES[strategy]
    parameters = {field.name for field in fields(cls)}  # type: ignore[arg-type]  # the registry holds dataclasses
    return ({spec.name for spec in cls.CONDITIONS} | parameters) - SHARED


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_only_a_strategys_own_file_names_its_conditions_and_parameters(strategy: str) -> None:
    own = f"mtum/core/strategies/{strategy}.py"
    found = {
        (module.path, name)
        for module in modules("mtum", "jobs")
        if module.path != own and not module.path.startswith(COMPILED)
        for name in names_of(strategy)
        if name in "\n".join(module.lines)
    }
    assert found == set()


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_only_a_strategys_own_file_names_its_indicators(strategy: str) -> None:
    own = (f"mtum/core/strategies/{strategy}.py", "mtum/core/indicators/")
    names = {spec.name for spec in STRATEGIES[strategy]().indicators()}
    found = {
        (module.path, name)
        for module in modules("mtum", "jobs")
        if not module.path.startswith((*own, *COMPILED))
        for name in names
        if re.search(rf"\b{name}\b", REGISTRY.sub("", "\n".join(module.lines)))
    }
    assert found - STORED == set()
