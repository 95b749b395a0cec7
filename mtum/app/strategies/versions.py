"""Which version of a person's own strategies is in force: the last one taken over, whatever a file holds now."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from mtum.config import Settings, own_strategies, renewed, use_strategies
from mtum.ports.control_store import ControlStore

TAKEN, REFUSED = "own_strategies_taken", "own_strategies_refused"
"""Facts of the database: file -> source in force, and file -> digest of the version that was not taken over."""


def files_now() -> dict[Path, bytes]:
    """Return the files of own strategies that this process has read, with what they were then."""
    return {one.file: one.source for one in own_strategies().values() if one.file is not None}


def taken(control: ControlStore) -> dict[Path, bytes]:
    """Return the version in force of each file."""
    return sources_in(control.meta(TAKEN))


def sources_in(fact: str | None) -> dict[Path, bytes]:
    """Return what the fact of the database says of the versions in force."""
    stored: Mapping[str, str] = json.loads(fact or "{}")
    return {Path(path): b64decode(source) for path, source in stored.items()}


def take(control: ControlStore, sources: Mapping[Path, bytes]) -> None:
    """Put versions in force."""
    kept = {**taken(control), **sources}
    texts = {str(path): b64encode(source).decode() for path, source in kept.items()}
    control.set_meta(TAKEN, json.dumps(texts, allow_nan=False))


def refused(control: ControlStore) -> dict[str, str]:
    """Return the digest of the version of each file that was looked at last and not taken over."""
    found: dict[str, str] = json.loads(control.meta(REFUSED) or "{}")
    return found


def refuse(control: ControlStore, path: Path, source: bytes | None) -> None:
    """Note that this version of a file is known and not wanted.

    Parameters
    ----------
    control : ControlStore
        Halts, snapshots, upcoming sessions and facts about the database.
    path : Path
        File of own strategies.
    source : bytes or None
        What the file holds; None where it is gone.
    """
    told = {**refused(control), str(path): digest_of(source)}
    control.set_meta(REFUSED, json.dumps(told, allow_nan=False))


def digest_of(source: bytes | None) -> str:
    """Return the short hash of a file; of one that cannot be read, a word for that."""
    return "unreadable" if source is None else sha256(source).hexdigest()[:16]


def in_force(control: ControlStore, settings: Settings, tell: Callable[[str], None] = lambda _: None) -> Settings:
    """Return the settings with the versions in force, which are this process's from now on.

    A file that was never taken over is in force as this process has read it.

    Parameters
    ----------
    control : ControlStore
        Halts, snapshots, upcoming sessions and facts about the database.
    settings : Settings
        Settings in force.
    tell : callable
        Told of each file whose newer version waits.

    Raises
    ------
    ConfigError
        If a version in force cannot be used any more.
    """
    now = files_now()
    if not now:
        return settings
    kept = taken(control)
    first = {path: source for path, source in now.items() if path not in kept}
    if first:
        take(control, first)
    wanted = {path: kept.get(path, source) for path, source in now.items()}
    if wanted == now:
        return settings
    for path in (path for path in now if wanted[path] != now[path]):
        tell(f"{path.name} has changed; what was taken over before decides until `mtum strategy reload` takes it over")
    use_strategies(tuple(now), wanted)
    return renewed(settings)
