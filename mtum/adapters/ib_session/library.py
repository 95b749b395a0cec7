"""The client library named in the settings, and the few of its classes that are used."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mtum.errors import ConfigError

KNOWN = ("ib_insync", "ib_async")


@dataclass(frozen=True, slots=True)
class Library:
    """The wire client of one library and the values it takes; library objects have no types of ours."""

    name: str
    version: str
    client: Callable[[Any], Any]
    contract: Callable[..., Any]
    order: Callable[..., Any]
    execution_filter: Callable[..., Any]


def client_library(name: str) -> Library:
    """Import the configured library.

    Raises
    ------
    ConfigError
        If it is not installed, or the other one is installed beside it.
    """
    found = {one: _version(one) for one in KNOWN}
    other = next(one for one in KNOWN if one != name)
    if found[name] is None:
        raise ConfigError(
            [f'broker.library: "{name}" is not installed in this environment; install it, or name another']
        )
    if found[other] is not None:
        raise ConfigError([f"broker.library: {name} and {other} overwrite each other's eventkit; install {name} alone"])
    loop = with_loop()
    try:
        module = import_module(name)
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    # Every message goes to our own journal; the library's log would only repeat it as noise.
    logging.getLogger(name).setLevel(logging.CRITICAL)
    return Library(name, str(found[name]), module.Client, module.Contract, module.Order, module.ExecutionFilter)


def with_loop() -> asyncio.AbstractEventLoop:
    """Return a fresh event loop that is also the current one: both libraries ask for it, also on import."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
