"""What the contract gives every strategy: equal by its parameters, usable as a key, shown as the call that makes it."""

from dataclasses import dataclass, fields, replace
from typing import ClassVar

import pytest

from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Strategy
from support.registry import example_of


class _Renamed(BuyAndHold):
    name: ClassVar[str] = "renamed"


@dataclass(frozen=True, slots=True)
class _Own(BuyAndHold):
    name: ClassVar[str] = "own"


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_equals_one_with_the_same_parameters(name: str) -> None:
    one, other = example_of(name), example_of(name)
    assert one is not other
    assert one == other


def test_equal_strategies_are_one_key() -> None:
    one, other = BuyAndHold(symbol="SPY"), BuyAndHold(symbol="SPY")
    assert {one: 1}[other] == 1
    assert hash(one) == hash(("SPY", ()))


def test_another_parameter_makes_another_strategy() -> None:
    one = BuyAndHold(symbol="SPY")
    assert one != replace(one, symbol="QQQ")
    assert hash(one) != hash(replace(one, symbol="QQQ"))


def test_strategies_of_two_classes_are_not_equal_whatever_their_parameters() -> None:
    assert BuyAndHold(symbol="SPY") != _Renamed(symbol="SPY")
    assert BuyAndHold(symbol="SPY") != "SPY"


def test_a_strategy_is_shown_as_the_call_that_makes_it() -> None:
    assert repr(BuyAndHold(symbol="SPY")) == "BuyAndHold(symbol='SPY', symbols=())"


def test_a_persons_own_dataclass_has_what_it_writes_for_itself() -> None:
    assert _Own.__eq__ is not Strategy.__eq__
    assert _Own("SPY") == _Own("SPY") != _Own()
    assert hash(_Own("SPY")) == hash(BuyAndHold("SPY"))
    assert _Own("SPY") != BuyAndHold("SPY")
    assert repr(_Own("SPY")) == "_Own(symbol='SPY', symbols=())"


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_packaged_strategy_is_written_what_the_contract_has(name: str) -> None:
    """Each of these takes every start of the program a third of a millisecond for each strategy."""
    cls = STRATEGIES[name]
    assert [one for one in ("__eq__", "__hash__", "__repr__") if getattr(cls, one) is not getattr(Strategy, one)] == []
    assert fields(cls)  # type: ignore[arg-type]  # the registry holds dataclasses
