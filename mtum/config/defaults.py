"""What our strategies are where nobody sets anything: as a file, so that telling it does not load every one of them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from mtum.core.canonical import parsed, plain
from mtum.core.strategies import STRATEGIES

FILE = Path(__file__).with_name("defaults.json")


class Parameters(Struct, frozen=True):
    """The parameters of a strategy.

    Parameters
    ----------
    required : tuple of str
        Those that have no default.
    defaults : dict of str to any
        All of them in their order, with their defaults as plain JSON values; None for one that is required.
    """

    required: tuple[str, ...]
    defaults: dict[str, Any]

    def are(self, given: Mapping[str, Any]) -> bool:
        """Whether settings as they were given, in a file for instance, say nothing else than the defaults."""
        return all(_says(value, self.defaults.get(name)) for name, value in given.items())


@cache
def parameters() -> dict[str, Parameters]:
    """Return the parameters of each of our strategies, in the order of the registry."""
    return parsed(dict[str, Parameters], FILE.read_bytes(), FILE.name)


def with_defaults(named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the documents of strategies with those of ours that are not among them, in the order of the registry."""
    ours = {name: plain(one.defaults) for name, one in parameters().items() if not one.required}
    found = {name: named.get(name, ours.get(name)) for name in (*STRATEGIES, *named)}
    return {name: one for name, one in found.items() if one is not None}


def _says(given: object, default: object) -> bool:
    # As strict as what reads settings: true is no number, a fraction no whole number, and tables have an order.
    if default is None or given != default:
        return False
    return repr(float(given) if type(given) is int and isinstance(default, float) else given) == repr(default)
