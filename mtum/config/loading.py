"""Settings from a TOML file, the environment and single changes; every mistake is named at once."""

import logging
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from threading import Thread
from typing import Any

from mtum.config.addresses import web_address
from mtum.config.contradictions import strategy_contradictions
from mtum.config.kinds import kinds_in, parts_of
from mtum.config.named_files import why_unreadable
from mtum.config.names import (
    ENVIRONMENT_PREFIX,
    KNOWN_ENVIRONMENT,
    SECRETS,
    is_table,
    nearest,
    parameters_of,
    setting_names,
    tables_in,
    under_own_names,
    unknown_setting,
    variable_of,
)
from mtum.config.plugins import listed_files, use_strategies
from mtum.config.sections import DECIDING, MANY, SECTIONS, WHERE_GIVEN, Settings, SleeveRisk, SleeveSettings
from mtum.config.upkeep import SettingsSection
from mtum.config.validation import strategy_of, validate
from mtum.core.canonical import plain
from mtum.core.strategies import ALIASES, STRATEGIES
from mtum.core.strategies.contract import Strategy
from mtum.errors import ConfigError


def load(
    path: Path | None,
    environment: Mapping[str, str],
    changes: Mapping[str, Any] | None = None,
    *,
    coherent: bool = True,
    sources: Mapping[Path, bytes] | None = None,
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
    sources : mapping of Path to bytes
        What to take for a file of own strategies in place of what it holds.

    Raises
    ------
    ConfigError
        Listing every unknown name (with the nearest right one) and every wrong value.
    """
    tree = read_toml(path) if path is not None else {}
    problems = [*_named_twice(tree)]
    tree = under_own_names(tree)
    use_strategies(listed_files(_own_files(tree, environment, changes or {}), path), sources)
    for name, given in [*_from_environment(environment, tree, problems), *(changes or {}).items()]:
        _put(tree, name, given, problems)
        tree = under_own_names(tree)  # each time, so that the last one given wins
    names = frozenset(setting_names(tree))
    problems += [*_unknown(tree, names), *_switches(tree, names)]
    settings = validate(tree, problems)
    if settings is not None and coherent:
        problems += strategy_contradictions(settings)
    if settings is None or problems:
        raise ConfigError(sorted(set(problems)))
    return settings


def _named_twice(tree: Mapping[str, Any]) -> Iterator[str]:
    given = {name for name, _ in tables_in(tree, "strategy")}
    for alias, own in ALIASES.items():
        if {alias, own} <= given:
            yield f"strategy.{alias}: is another name of {own}, which has a section too; write one of them"


def _own_files(tree: Mapping[str, Any], environment: Mapping[str, str], changes: Mapping[str, Any]) -> object:
    # They are asked for before anything else: what they hold has settings of its own.
    variable, section = variable_of("plugins.strategies"), tree.get("plugins")
    given = section.get("strategies") if isinstance(section, Mapping) else None
    given = _plain(environment[variable]) if variable in environment else given
    return changes.get("plugins.strategies", given)


def renewed(settings: Settings) -> Settings:
    """Return the same settings with the strategies that the registry holds now.

    A parameter that has its default has the default of the strategy as it is now.

    Raises
    ------
    ConfigError
        If a parameter is not possible for them.
    """
    problems: list[str] = []
    document, general = settings.document(), settings.strategy
    document["strategy"] = {name: _set_apart(one) for name, one in general.items() if one is not None}
    for name, sleeve in settings.sleeve.items():
        document["sleeve"][name]["rules"] = _set_apart(sleeve.rules, document["strategy"].get(sleeve.strategy, {}))
    found = validate(document, problems)
    if found is None or problems:
        raise ConfigError(problems)
    return found


def _set_apart(strategy: Any, general: Collection[str] = ()) -> dict[str, Any]:
    """Return the parameters that are not as the strategy's own file has them, or are not in the general section."""
    kept = {one.name: plain(getattr(strategy, one.name)) for one in fields(strategy)}
    defaults = {one.name: plain(one.default) for one in fields(strategy) if one.default is not MISSING}
    return {name: value for name, value in kept.items() if name in general or defaults.get(name, MISSING) != value}


def restored(document: Mapping[str, Any]) -> Settings:
    """Return settings from the document of an earlier run; what this program no longer knows is left out.

    Raises
    ------
    ConfigError
        If a value is not possible.
    """
    problems: list[str] = []
    # Where mail went, or which host was meant, decides nothing: a value this program no longer takes is left out.
    deciding = {name: document[name] for name in ("mode", *DECIDING, *WHERE_GIVEN) if name in document}
    settings = validate(document, problems) or validate(deciding, problems)
    stored = STRATEGIES.keys() & document.get("strategy", {}).keys()
    if settings is None or any(settings.general(name) is None for name in stored):
        raise ConfigError(problems)
    return settings


def restored_strategy(name: str, document: Mapping[str, Any]) -> Strategy | None:
    """Return a sleeve's strategy with the parameters of an earlier run; None if this program no longer knows it.

    Parameters
    ----------
    name : str
        Of the sleeve; without sleeves that of the strategy.
    document : mapping
        Settings as that run stored them; parameters that are not known any more are left out.
    """
    sleeve = document.get("sleeve", {}).get(name)
    name, stored = (
        (sleeve["strategy"], sleeve["rules"]) if sleeve else (name, document.get("strategy", {}).get(name, {}))
    )
    if name not in STRATEGIES:
        return None
    return strategy_of(name, stored, "", {}, [])


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


def _from_environment(
    environment: Mapping[str, str], tree: Mapping[str, Any], problems: list[str]
) -> Iterator[tuple[str, Any]]:
    given = {one for one in environment if one.startswith(ENVIRONMENT_PREFIX)} - KNOWN_ENVIRONMENT
    if not given:
        return
    known = {variable_of(name): name for name in setting_names(tree)}
    for alias, own in ALIASES.items():
        known |= {variable_of(f"strategy.{alias}.{one}"): f"strategy.{own}.{one}" for one in parameters_of(own)}
    for variable in sorted(given):
        text = environment[variable]
        if variable in known:
            name = known[variable]
            yield name, text if _kinds(name) == (str,) else _plain(text)
        else:
            problems.append(f"environment {variable}: unknown setting{nearest(variable, [*known, *KNOWN_ENVIRONMENT])}")


def _kinds(name: str) -> tuple[Any, ...]:
    """Types that a plain setting may be of, as its section declares it; none for the strategies' parameters."""
    section, _, field = name.partition(".")
    model: type[SettingsSection] | None = SECTIONS.get(section)
    if section == "sleeve":
        _, field = field.split(".", 1)
        model, field = (SleeveRisk, field[5:]) if field.startswith("risk.") else (SleeveSettings, field)
    part = parts_of(model).get(field) if model else None
    return kinds_in(part.kind) if part else ()


def _switches(tree: Mapping[str, Any], names: Collection[str]) -> list[str]:
    """Name the settings that were given true or false and take a number or a text."""
    return [
        f"{name}: input should be a number or a text, found {str(given).lower()}"
        for name, given in _values(tree, names)
        if isinstance(given, bool) and name != "mode" and name in names and not _is_switch(name, tree)
    ]


def _is_switch(name: str, tree: Mapping[str, Any]) -> bool:
    *owner, parameter = name.split(".")
    in_sleeve = owner[0] == "sleeve" and owner[-1] == "rules"
    if owner[0] == "strategy" or in_sleeve:
        strategy = str(tree["sleeve"][owner[1]].get("strategy")) if in_sleeve else owner[-1]
        declared = fields(STRATEGIES[strategy]) if strategy in STRATEGIES else ()  # type: ignore[arg-type]  # dataclasses
        return any(one.type is bool for one in declared if one.name == parameter)
    return bool in _kinds(name)


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


def _unknown(tree: Mapping[str, Any], names: Collection[str]) -> list[str]:
    # A section without anything in it is harmless.
    return [
        unknown_setting(name, tree)
        for name, given in _values(tree, names)
        if name not in names and not (given == {} and (is_table(name) or name.partition(".")[0] in MANY))
    ]


def _values(tree: Mapping[str, Any], names: Collection[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        # A table where a setting belongs is left to validation.
        if isinstance(value, Mapping) and value and f"{prefix}{key}" not in names:
            yield from _values(value, names, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def current_environment() -> Mapping[str, str]:
    """Return the process environment; the only place that reads it."""
    return os.environ


log = logging.getLogger(__name__)

SERVICE = "mtum"
"""Service name of every entry; the user name is the setting: ``keyring set mtum mail.password``."""
WAIT_SECONDS = 5.0
"""A locked keyring may ask a person who is not there."""


def kept_secret(name: str, wait_seconds: float = WAIT_SECONDS) -> str | None:
    """Return the secret kept under a setting's name; None without package, keyring, entry or answer in time."""
    try:
        import keyring
    except ImportError:
        return None
    found: list[str | None] = []

    def ask() -> None:
        try:
            found.append(keyring.get_password(SERVICE, name))
        except Exception as error:  # noqa: BLE001  # no keyring, locked, or a desktop's plugin: all mean "not set"
            log.info("keyring_not_usable", extra={"error": type(error).__name__})

    # A thread of its own: nothing else bounds how long a desktop's service takes to answer.
    asking = Thread(target=ask, name="keyring", daemon=True)
    asking.start()
    asking.join(wait_seconds)
    if asking.is_alive():
        log.warning("keyring_silent", extra={"seconds": wait_seconds})
    return found[0] or None if found else None
