"""Settings from a TOML file, the environment and single changes; every mistake is named at once."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from mtum.config.contradictions import contradictions, strategy_contradictions
from mtum.config.named_files import why_unreadable
from mtum.config.names import (
    ENVIRONMENT_PREFIX,
    KNOWN_ENVIRONMENT,
    SECRETS,
    TABLES,
    nearest,
    setting_names,
    unknown_setting,
    variable_of,
)
from mtum.config.sections import DECIDING, SECTIONS, Settings, web_address
from mtum.config.system_keyring import kept_secret
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Strategy
from mtum.errors import ConfigError


def load(
    path: Path | None,
    environment: Mapping[str, str],
    changes: Mapping[str, Any] | None = None,
    *,
    coherent: bool = True,
) -> Settings:
    """Read settings from a TOML file, the environment and single changes, in rising precedence.

    Parameters
    ----------
    path : Path or None
        File to read; None means defaults.
    environment : mapping
        Usually ``os.environ``; names beginning ``MTUM_`` are looked at.
    changes : mapping of dotted name to value
        Single overrides, as given by ``--set``.
    coherent : bool
        Refuse parameters of a strategy that contradict one another; a study that varies one at a
        time crosses such points.

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
    if settings is not None and coherent:
        problems += strategy_contradictions(settings)
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
    # Where mail went, or which host was meant, decides nothing: a value this program no longer takes is left out.
    deciding = {name: document[name] for name in ("mode", *DECIDING) if name in document}
    settings = _validate(document, problems) or _validate(deciding, problems)
    if settings is None or len(settings.strategy) < len(STRATEGIES):
        raise ConfigError(problems)
    return settings


def parameters_schema(name: str) -> Mapping[str, Any]:
    """Return the JSON Schema of each parameter of a strategy, by the parameter's name."""
    found = _strategy_adapter(name).json_schema()
    definitions = found.get("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolved(definitions[part["$ref"].rpartition("/")[2]])
        return {key: resolved(one) for key, one in part.items() if key not in ("title", "default", "description")}

    return {key: resolved(part) for key, part in found.get("properties", {}).items()}


def restored_strategy(name: str, document: Mapping[str, Any]) -> Strategy | None:
    """Return a strategy with the parameters of an earlier run; None if this program no longer knows it.

    Parameters
    ----------
    document : mapping
        Settings as that run stored them; parameters that are not known any more are left out.
    """
    if name not in STRATEGIES:
        return None
    stored = document.get("strategy", {}).get(name, {})
    known = {field.name for field in fields(STRATEGIES[name])}  # type: ignore[arg-type]  # dataclasses by rule
    try:
        return _strategy_adapter(name).validate_python({key: stored[key] for key in stored if key in known})
    except ValidationError:
        return None


def find(given: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Return the settings file to read: the given one, ``MTUM_CONFIG``, ``./config.toml``, or None.

    Raises
    ------
    ConfigError
        If a file was named or stands there, and cannot be read.
    """
    named = given or (Path(environment["MTUM_CONFIG"]) if environment.get("MTUM_CONFIG") else None)
    if named is not None:
        wrong = why_unreadable(named)
        if wrong:
            raise ConfigError([f"settings file {named} {wrong}; create it with `mtum init` or leave out --config"])
        return named
    default = Path("config.toml")
    if not os.path.lexists(default):
        return None
    wrong = why_unreadable(default)
    if wrong:
        raise ConfigError([f"{default.absolute()} {wrong}; remove it, or name another with --config"])
    return default


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


def secret_problems(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the secrets in force, one line each; what they say is never shown.

    Raises
    ------
    ConfigError
        If the file of one cannot be read.
    """
    found, kept = [], {name: secret(name, environment) or "" for name in SECRETS}
    try:
        web_address(kept["notify.ping_url"])
    except ValueError as error:
        found.append(f"notify.ping_url ({variable_of('notify.ping_url')}): {error}")
    parts = kept["notify.urls"].split()
    if any(not re.match(r"[A-Za-z0-9+]+://.", part) for part in parts):
        found.append(f"notify.urls ({variable_of('notify.urls')}): an address such as ntfy://topic is needed for each")
    if settings.mail.user and not kept["mail.password"]:
        variable = variable_of("mail.password")
        found.append(f"mail.user: set, and its password is missing; put it into the environment as {variable}")
    return found


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
        told = _explained(error, "")
        problems += [*told, *_also_wrong(mode, known_keys, strategies, error)]
        return None
    problems += contradictions(settings)
    return settings


def _also_wrong(
    mode: Mapping[str, Any],
    sections: Mapping[str, Mapping[str, Any]],
    strategies: Mapping[str, Strategy],
    error: ValidationError,
) -> list[str]:
    # Every mistake at once: what contradicts itself among the settings that are possible by themselves.
    wrong = {".".join(str(part) for part in detail["loc"][:2]) for detail in error.errors(include_url=False)}
    kept = {
        section: {key: value for key, value in values.items() if f"{section}.{key}" not in wrong}
        for section, values in sections.items()
    }
    try:
        rest = Settings.model_validate(
            {**({} if "mode" in wrong else mode), **kept, "strategy": strategies},
        )
    except ValidationError:
        return []
    found = [*contradictions(rest), *strategy_contradictions(rest)]
    return [line for line in found if not any(name in line for name in wrong)]


def _explained(error: ValidationError, prefix: str) -> list[str]:
    # A setting that may be of several kinds is told once, with what each kind asks for.
    asked: dict[tuple[str, str], list[str]] = {}
    for detail in error.errors(include_url=False):
        place = prefix + ".".join(str(part) for part in detail["loc"] if part not in ("bool", "literal['all']"))
        wish = detail["msg"].removeprefix("Value error, ").lower().replace("tuple", "list")
        asked.setdefault((place, repr(detail["input"])), []).append(wish)
    return [f"{place}: {' or '.join(wishes)}, found {found}" for (place, found), wishes in asked.items()]


def current_environment() -> Mapping[str, str]:
    """Return the process environment; the only place that reads it."""
    return os.environ
