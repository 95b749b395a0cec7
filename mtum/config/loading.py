"""Settings from a TOML file, the environment and single changes; every mistake is named at once."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from mtum.config.names import (
    ENVIRONMENT_PREFIX,
    KNOWN_ENVIRONMENT,
    TABLES,
    nearest,
    setting_names,
    unknown_setting,
    variable_of,
)
from mtum.config.sections import SECTIONS, Schedule, Settings
from mtum.config.system_keyring import kept_secret
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Strategy
from mtum.errors import ConfigError


def load(path: Path | None, environment: Mapping[str, str], changes: Mapping[str, Any] | None = None) -> Settings:
    """Read settings from a TOML file, the environment and single changes, in rising precedence.

    Parameters
    ----------
    path : Path or None
        File to read; None means defaults.
    environment : mapping
        Usually ``os.environ``; names beginning ``MTUM_`` are looked at.
    changes : mapping of dotted name to value
        Single overrides, as given by ``--set``.

    Raises
    ------
    ConfigError
        Listing every unknown name (with the nearest right one) and every wrong value.
    """
    tree = read_toml(path) if path is not None else {}
    problems: list[str] = []
    for name, given in [*_from_environment(environment, problems), *(changes or {}).items()]:
        _put(tree, name, given, problems)
    problems += [*_unknown(tree), *_switches(tree)]
    settings = _validate(tree, problems)
    if settings is None or problems:
        raise ConfigError(sorted(set(problems)))
    return settings


def restored(document: Mapping[str, Any]) -> Settings:
    """Return settings from the document of an earlier run; what this program no longer knows is left out.

    Raises
    ------
    ConfigError
        If a value is not possible.
    """
    problems: list[str] = []
    settings = _validate(document, problems)
    if settings is None or len(settings.strategy) < len(STRATEGIES):
        raise ConfigError(problems)
    return settings


def find(given: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Return the settings file to read: the given one, ``MTUM_CONFIG``, ``./config.toml``, or None.

    Raises
    ------
    ConfigError
        If a file was named and does not exist.
    """
    named = given or (Path(environment["MTUM_CONFIG"]) if environment.get("MTUM_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(
                [f"settings file {named} does not exist; create it with `mtum init` or leave out --config"]
            )
        return named
    default = Path("config.toml")
    return default if default.is_file() else None


def secret(name: str, environment: Mapping[str, str]) -> str | None:
    """Return a secret from the environment, its ``_FILE`` form or the system keyring, or None; never stored or shown.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    variable = variable_of(name)
    if environment.get(variable):
        return environment[variable]
    file = environment.get(variable + "_FILE")
    try:
        return Path(file).read_text(encoding="utf-8-sig").strip() if file else kept_secret(name)
    except OSError as error:
        raise ConfigError([f"environment {variable}_FILE: {file} cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"environment {variable}_FILE: {file} is not UTF-8 text"]) from error


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds; a byte order mark, as some editors write it, is no part of that.

    Raises
    ------
    ConfigError
        Naming the file and what is wrong with it.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not valid TOML: {error}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not a text file (byte {error.start} is not UTF-8)"]) from error
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error


def _from_environment(environment: Mapping[str, str], problems: list[str]) -> Iterator[tuple[str, Any]]:
    known = {variable_of(name): name for name in setting_names()}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in KNOWN_ENVIRONMENT:
            continue
        if variable in known:
            name = known[variable]
            yield name, text if _kind(name) is str else _plain(text)
        else:
            problems.append(f"environment {variable}: unknown setting{nearest(variable, [*known, *KNOWN_ENVIRONMENT])}")


def _kind(name: str) -> Any:
    """Type of a plain setting as its section declares it; None for the strategies' parameters."""
    section, _, field = name.partition(".")
    return SECTIONS[section].model_fields[field].annotation if section in SECTIONS else None


def _switches(tree: Mapping[str, Any]) -> list[str]:
    """Name the settings that were given true or false and take a number or a text."""
    known = [name for name in setting_names() if name != "mode"]
    return [
        f"{name}: input should be a number or a text, found {str(given).lower()}"
        for name, given in _values(tree)
        if isinstance(given, bool) and name in known and _kind(name) is not bool and bool not in get_args(_kind(name))
    ]


def _plain(text: str) -> Any:
    # Text from outside becomes the TOML value it spells; anything else stays text.
    try:
        return tomllib.loads(f"given = {text}")["given"]
    except tomllib.TOMLDecodeError:
        return text


def plain_value(text: str) -> Any:
    """Return the TOML value a text spells (number, true, list), or the text itself."""
    return _plain(text)


def _put(tree: dict[str, Any], name: str, given: Any, problems: list[str]) -> None:
    *path, last = name.split(".")
    node: Any = tree
    for part in path:
        node = node.setdefault(part, {}) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node[last] = given
    else:
        problems.append(f"{name}: its section is not a table; write [{'.'.join(path)}] above it")


def _unknown(tree: Mapping[str, Any]) -> list[str]:
    names = setting_names()
    # A section without anything in it is harmless.
    return [
        unknown_setting(name)
        for name, given in _values(tree)
        if name not in names and not (name in TABLES and given == {})
    ]


def _values(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        # A table where a setting belongs is left to validation.
        if isinstance(value, Mapping) and value:
            yield from _values(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@cache
def _strategy_adapter(name: str) -> TypeAdapter[Strategy]:
    return TypeAdapter(STRATEGIES[name])


def _validate(tree: Mapping[str, Any], problems: list[str]) -> Settings | None:
    strategies: dict[str, Strategy] = {}
    given = tree.get("strategy", {})
    for name, cls in STRATEGIES.items():
        section = given.get(name, {}) if isinstance(given, Mapping) else {}
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]  # the registry holds dataclasses
        values = {key: value for key, value in section.items() if key in known} if isinstance(section, Mapping) else {}
        try:
            strategies[name] = _strategy_adapter(name).validate_python(values)
        except ValidationError as error:
            problems += _explained(error, f"strategy.{name}.")
            continue
        problems += [f"strategy.{name}.{problem}" for problem in strategies[name].problems()]
    known_keys = {
        section: {key: value for key, value in values.items() if key in SECTIONS[section].model_fields}
        for section, values in tree.items()
        if section in SECTIONS and isinstance(values, Mapping)
    }
    mode = {"mode": tree["mode"]} if "mode" in tree else {}
    try:
        settings = Settings.model_validate({**mode, **known_keys, "strategy": strategies})
    except ValidationError as error:
        problems += _explained(error, "")
        return None
    problems += _contradictions(settings)
    return settings


def _explained(error: ValidationError, prefix: str) -> list[str]:
    # A setting that may be of several kinds is told once, with what each kind asks for.
    asked: dict[tuple[str, str], list[str]] = {}
    for detail in error.errors(include_url=False):
        place = prefix + ".".join(str(part) for part in detail["loc"] if part not in ("bool", "literal['all']"))
        asked.setdefault((place, repr(detail["input"])), []).append(detail["msg"].lower().replace("tuple", "list"))
    return [f"{place}: {' or '.join(wishes)}, found {found}" for (place, found), wishes in asked.items()]


_STEPS = (
    "window_opens_minutes",
    "snapshot_minutes",
    "data_deadline_minutes",
    "decision_deadline_minutes",
    "last_send_minutes",
)
"""Steps of the trading day in their order; each is as many minutes before the close as the next, or more."""


def _out_of_order(schedule: Schedule) -> list[str]:
    minutes = {name: getattr(schedule, name) for name in _STEPS}
    return [
        f"schedule.{earlier}: {minutes[earlier]:g} minutes before the close is later than {later} ({minutes[later]:g})"
        for earlier, later in pairwise(_STEPS)
        if minutes[earlier] < minutes[later]
    ]


def _contradictions(settings: Settings) -> list[str]:
    found = _out_of_order(settings.schedule)
    if settings.portfolio.strategy not in STRATEGIES:
        hint = nearest(settings.portfolio.strategy, STRATEGIES)
        found.append(f"portfolio.strategy: no strategy {settings.portfolio.strategy!r}{hint}")
    if settings.schedule.last_send_minutes < 10 and not settings.schedule.allow_late_send:
        found.append(
            "schedule.last_send_minutes: below 10 an order can no longer be canceled; "
            "set schedule.allow_late_send = true to accept that"
        )
    if settings.mode != "practice" and settings.market.source in ("sample", "csv"):
        found.append(
            f'market.source: "{settings.market.source}" replays history; mode "{settings.mode}" needs "ib" or "yahoo"'
        )
    if settings.mode == "live" and settings.market.source != "ib":
        found.append('market.source: mode "live" needs "ib"')
    if settings.mode != "practice" and not settings.broker.account:
        found.append(f'broker.account: required in mode "{settings.mode}"')
    if settings.mode == "live" and settings.broker.live_account != settings.broker.account:
        found.append('broker.live_account: must repeat broker.account in mode "live"')
    return found


def current_environment() -> Mapping[str, str]:
    """Return the process environment; the only place that reads it."""
    return os.environ
