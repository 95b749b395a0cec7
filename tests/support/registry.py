"""Strategies of the registry as their examples have them."""

from mtum.config.names import required_of
from mtum.config.validation import strategy_from
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Strategy

OF_SHARES = tuple(name for name, one in STRATEGIES.items() if not one.OPTIONS)
"""Strategies that trade shares: bars alone play them."""


def example_of(name: str) -> Strategy:
    """The strategy with the settings of its example."""
    return strategy_from(name, STRATEGIES[name].EXAMPLE.settings)


def default_of(name: str) -> Strategy:
    """The strategy with its defaults; what it needs and has no default for is as in its example.

    Where the two do not go together, such as ten places and five symbols, it is that of the example.
    """
    settings = STRATEGIES[name].EXAMPLE.settings
    made = strategy_from(name, {key: settings[key] for key in required_of(name)})
    return example_of(name) if made.problems() else made
