"""Which code decides. Studies of history ask too, whose process is short: nothing here loads a desk."""

import os
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

import mtum
from mtum.adapters.calendar import version_of
from mtum.config import own_strategies

if TYPE_CHECKING:
    from mtum.app.desk import Provenance

LIBRARIES = ("exchange-calendars", "numba", "numpy", "pandas", "pandas-ta")
"""Libraries whose version can change a decision."""


def provenance() -> "Provenance":
    """Return which code decides: its version, a hash of the core's source and of a person's own, library versions."""
    from mtum.app.desk import Provenance

    return Provenance(mtum.__version__, code_hash(), _libraries())


def code_hash() -> str:
    """Return a hash of the source of the core and of a person's own strategies."""
    own = "".join(f"{one.name} {one.digest}\n" for one in sorted(own_strategies().values(), key=lambda one: one.name))
    return sha256(f"{_core_hash()}\n{own}".encode()).hexdigest()[:16] if own else _core_hash()


@cache
def _libraries() -> Mapping[str, str]:
    return {name: version_of(name) or "not installed" for name in LIBRARIES}


@cache
def _core_hash() -> str:
    core = os.path.join(os.path.dirname(mtum.__file__), "core")
    # Names of files as text: as objects, some hundred of them take longer than reading what they hold.
    paths = (os.path.join(folder, name) for folder, _, names in os.walk(core) for name in names)
    found = sha256()
    for parts in sorted(path.removeprefix(core + os.sep).split(os.sep) for path in paths if path.endswith(".py")):
        with open(os.path.join(core, *parts), "rb", buffering=0) as file:
            found.update("/".join(parts).encode() + b"\0" + file.read() + b"\0")
    return found.hexdigest()[:16]
