"""Which code decides. Studies of history ask too, whose process is short: nothing here loads a desk."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
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
    core = Path(mtum.__file__).parent / "core"
    found = sha256()
    for path in sorted(core.rglob("*.py")):
        found.update(path.relative_to(core).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]
