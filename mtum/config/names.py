"""The names of all settings, in the file and in the environment, and the likeliest one for a misspelt name."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

from mtum.config.defaults import parameters
from mtum.config.sections import MANY, SECTIONS, Group, SleeveRisk, SleeveSettings
from mtum.core.strategies import ALIASES, STRATEGIES

ENVIRONMENT_PREFIX = "MTUM_"
SECRETS = ("mail.password", "notify.urls", "notify.ping_url", "web.password")
"""Settings that come from the environment, a `_FILE` or the keyring only and are never shown."""
SLEEVE_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
"""Shape of the name of a sleeve, a group or a strategy."""
RESERVED = ("cash", "cash_fund")
"""Names that mean something else: the sleeve that owns the cash fund, and its strategy."""


def is_table(name: str) -> bool:
    """Whether a name holds settings and is none itself."""
    return name in (*SECTIONS, "strategy") or name in {f"strategy.{strategy}" for strategy in STRATEGIES}


def variable_of(name: str) -> str:
    """Return the environment variable of a setting or secret."""
    return ENVIRONMENT_PREFIX + name.upper().replace(".", "__")


KNOWN_ENVIRONMENT = {"MTUM_CONFIG", "MTUM_DATA_DIR", "MTUM_REAL_BARS"} | {
    variable_of(name) + suffix for name in SECRETS for suffix in ("", "_FILE")
}
"""Variables of this program that are no settings."""


def setting_names(tree: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Return the dotted name of every setting, with those of the sleeves and groups that a tree of settings has."""
    plain = [f"{section}.{name}" for section, model in SECTIONS.items() for name in model.__struct_fields__]
    strategy = [f"strategy.{key}.{field}" for key in STRATEGIES for field in parameters_of(key)]
    named = tree or {}
    sleeves = [f"sleeve.{name}.{end}" for name, table in tables_in(named, "sleeve") for end in _ends(named, table)]
    groups = [f"group.{name}.{end}" for name, _ in tables_in(named, "group") for end in Group.__struct_fields__]
    return ("mode", *plain, *strategy, *sleeves, *groups)


def under_own_names(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree of settings in which every strategy has its own name, also where it was called by another."""
    found = {name: _under_own_names(value) for name, value in tree.items()}
    tables = found.get("strategy")
    if isinstance(tables, dict):
        for alias, own in ALIASES.items():
            if isinstance(tables.get(alias), dict):
                tables[own] = {**tables.get(own, {}), **tables.pop(alias)}
    return found


def _under_own_names(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: ALIASES.get(given, given)
            if name == "strategy" and isinstance(given, str)
            else _under_own_names(given)
            for name, given in value.items()
        }
    return [_under_own_names(one) for one in value] if isinstance(value, list) else value


def parameters_of(strategy: str) -> tuple[str, ...]:
    """Return the names of a strategy's parameters; none for a strategy that is not known."""
    if strategy in parameters():
        return tuple(parameters()[strategy].defaults)
    return tuple(field.name for field in fields(STRATEGIES[strategy])) if strategy in STRATEGIES else ()  # type: ignore[arg-type]  # the registry holds dataclasses


def required_of(strategy: str) -> dict[str, str]:
    """Return the parameters of a strategy that have no default, each with what it means."""
    return {
        field.name: str(field.metadata.get("doc", ""))
        for field in fields(STRATEGIES[strategy])  # type: ignore[arg-type]  # the registry holds dataclasses
        if field.default is MISSING and field.default_factory is MISSING
    }


def tables_in(tree: Mapping[str, Any], section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield name and table of each sleeve or group that a tree of settings has."""
    found = tree.get(section)
    for name, table in found.items() if isinstance(found, Mapping) else ():
        if isinstance(table, Mapping):
            yield name, table


def _ends(tree: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[str]:
    # A strategy that is not known is told by itself: its parameters cannot be judged.
    yield from (name for name in SleeveSettings.__struct_fields__ if name not in ("rules", "risk"))
    yield from (f"risk.{name}" for name in SleeveRisk.__struct_fields__)
    strategy, rules = table.get("strategy"), table.get("rules")
    known = isinstance(strategy, str) and strategy in STRATEGIES
    given = rules if isinstance(rules, Mapping) else {}
    yield from (f"rules.{name}" for name in (parameters_of(str(strategy)) if known else given))


def unknown_setting(name: str, tree: Mapping[str, Any] | None = None) -> str:
    """Return what is wrong with a name that is no setting, and what to do."""
    if name in SECRETS:
        return f"{name}: a secret never stands in the settings; put it into the environment as {variable_of(name)}"
    if is_table(name) or name.rpartition(".")[2] in ("rules", "risk"):
        return f"{name}: a section; write [{name}] and its settings below"
    if name in MANY:
        return f"{name}: a section of which there may be several; write [{name}.NAME] and its settings below"
    return f"{name}: unknown setting{nearest(name, setting_names(tree))}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return words that name the likeliest right name: the last part first, then the whole."""
    candidates = list(known)
    ends = [candidate.rpartition(".")[2] for candidate in candidates]
    section, _, end = name.rpartition(".")
    beside = [own for candidate, own in zip(candidates, ends, strict=True) if candidate.rpartition(".")[0] == section]
    likely = [found for among in (beside, ends) for found in difflib.get_close_matches(end, among, n=1, cutoff=0.8)][:1]
    # Several sections have a port or a symbol: among those the section decides.
    alike = [candidate for candidate, end in zip(candidates, ends, strict=True) if end in likely]
    close = difflib.get_close_matches(name, alike or candidates, n=1, cutoff=0.0 if alike else 0.6)
    return f"; did you mean {close[0]}?" if close else "; see `mtum config schema`"
