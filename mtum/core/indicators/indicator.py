"""What the registry knows of an indicator: its lines, its parameters, how much history it takes, how it reads."""

import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column

type Lines = Mapping[str, "Column"]
"""Columns by the name of the line, each of shape (n_sessions,)."""


class Group(StrEnum):
    """What an indicator looks at."""

    TREND = "trend"
    MOMENTUM = "momentum"
    VOLATILITY = "volatility"
    VOLUME = "volume"
    LEVELS = "levels"


class Indicator(Struct, frozen=True):
    """One indicator of the registry.

    Parameters
    ----------
    title : str
        As a person calls it.
    compute : callable
        Bars and its own parameters in, `Lines` out; the first line is the one meant where none is named.
        Every value is rounded to 1e-6 and NaN during the warm-up.
    warm_up : callable
        Its parameters in; how many bars have no value in the line that takes longest.
    vote : callable
        Close in USD and the newest value of each line in; -1 (falling), 0 or 1 (rising) out, by the rule in its
        docstring. A value that is undefined (NaN) votes 0.
    reads : tuple of str
        What a vote of -1, 0 and 1 says in a line for a person.
    history : callable or None
        Its parameters in; bars after which a value no longer depends on where they begin. None: once it is warm.
    unit : str
        "USD", "%", "shares" or nothing.
    """

    title: str
    group: Group
    compute: Callable[..., Lines]
    warm_up: Callable[..., int]
    vote: Callable[[float, Mapping[str, float]], int]
    reads: tuple[str, str, str]
    history: Callable[..., int] | None = None
    unit: str = ""

    @property
    def defaults(self) -> Mapping[str, object]:
        """Its parameters by name, with what stands for those not given."""
        return _defaults_of(self.compute)

    def history_bars(self, **parameters: object) -> int:
        """Return the bars it takes until the newest value does not depend on where they begin."""
        asked = {**self.defaults, **parameters}
        return self.warm_up(**asked) + 1 if self.history is None else self.history(**asked)


@cache
def _defaults_of(compute: Callable[..., Lines]) -> Mapping[str, object]:
    return MappingProxyType(
        {name: one.default for name, one in list(inspect.signature(compute).parameters.items())[1:]}
    )


def no_vote(_price: float, _now: Mapping[str, float]) -> int:
    """Vote 0: it says how much, not which way."""
    return 0


NO_READING = ("", "tells no direction", "")


def above_average(price: float, now: Mapping[str, float]) -> int:
    """Vote 1 for a close above the average, -1 for one below."""
    (mean,) = now.values()
    return (price > mean) - (price < mean)


def average(
    title: str,
    figure: "Callable[[Column, int], Column]",
    warm_up: Callable[..., int],
    history: Callable[..., int] | None = None,
) -> Indicator:
    """Return a moving average of one column as an indicator.

    Parameters
    ----------
    title : str
        Title.
    figure : callable
        Values and the length of the window in, its mean out; its name is that of the line.
    warm_up : callable
        Values at the beginning that are undefined, by its parameters.
    history : callable or None
        Bars that it needs, by its parameters; None where that is its warm-up.
    """

    def lines(bars: "Bars", of: str = "close", sessions: int = 20) -> Lines:
        return {figure.__name__: figure(getattr(bars, of), sessions)}

    words = ("close below its average", "close at its average", "close above its average")
    return Indicator(title, Group.TREND, lines, warm_up, above_average, words, history, "USD")
