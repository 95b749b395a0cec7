"""Every setting with its default, meaning and allowed values: as TOML text, JSON Schema and rows."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from mtum.config import (
    MANY,
    SECRETS,
    SECTIONS,
    SLEEVE_NAME,
    Group,
    Settings,
    SleeveRisk,
    SleeveSettings,
    read_toml,
    setting_names,
    variable_of,
)
from mtum.config.json_schema import properties_of, schema_of
from mtum.core.strategies import STRATEGIES

HEADER = """\
# Settings of mtum. Every value below is the default; a line may be left out.
# `mtum config check` finds mistakes, `mtum config show` tells where each value comes from.
# The environment wins over this file: MTUM_MARKET__SOURCE=csv is market.source.
# Secrets never stand here. They come from the environment, or from the file that the same name with
# _FILE at its end names: {secrets}.
"""

REQUIRED = "# needed by this strategy, for instance: "
"""What stands before a setting without a default."""
SLEEVES = """

# Several strategies in one account: each its own sleeve of the money. Without a sleeve portfolio.strategy has it all.
# [sleeve.core]
# strategy = "buy_and_hold"
# weight = 0.6
# state = "on"
# [sleeve.core.rules]
# symbol = "SPY"
# [sleeve.core.risk]
# max_drawdown_frac = 0.25
"""
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BOUNDS = (("exclusiveMinimum", "above"), ("minimum", "from"), ("exclusiveMaximum", "below"), ("maximum", "up to"))


class SettingDoc(Struct, frozen=True):
    """One setting: its dotted name, default, meaning, and JSON Schema in TOML's terms.

    A `required` one has no default; what stands there is an example.
    """

    name: str
    default: Any
    doc: str
    schema: Mapping[str, Any]
    required: bool = False

    @property
    def section(self) -> str:
        """The table it stands in; empty for the top of the file."""
        return self.name.rpartition(".")[0]

    @property
    def key(self) -> str:
        """Its name inside its table."""
        return self.name.rpartition(".")[2]


class SettingValue(Struct, frozen=True):
    """One setting in force and where it came from: default, file or environment."""

    name: str
    value: Any
    origin: str


def catalog() -> tuple[SettingDoc, ...]:
    """Return every setting but the secrets, in the order of the settings file."""
    return tuple(_documented())


def settings_text() -> str:
    """Return the settings file with every default and its meaning as a comment."""
    lines = [HEADER.format(secrets=", ".join(variable_of(name) for name in SECRETS))]
    section = ""
    for setting in catalog():
        if setting.section != section:
            section = setting.section
            lines += ["", "", f"# {_section_doc(section)}", f"[{section}]"]
        allowed = allowed_text(setting.schema)
        lines += ["", f"# {setting.doc}" + (f" [{allowed}]" if allowed else "")]
        lines.append(f"{REQUIRED if setting.required else ''}{setting.key} = {toml_text(setting.default)}")
    return "\n".join(lines) + "\n" + SLEEVES


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file, for editors."""
    root: dict[str, Any] = _table("")
    for setting in catalog():
        node = root
        for part in setting.section.split(".") if setting.section else []:
            path = f"{node['title']}.{part}".lstrip(".")
            node = node["properties"].setdefault(part, _table(path))
        node["properties"][setting.key] = {
            "description": setting.doc,
            **({} if setting.required else {"default": _toml_value(setting.default)}),
            **setting.schema,
        }
    for section, described in zip(MANY, (_sleeve_table(), _described(Group)), strict=True):
        root["properties"][section] = {**_table(section), "patternProperties": {f"^{SLEEVE_NAME.pattern}$": described}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "title": "Settings of mtum"}


def values_in_force(settings: Settings, file: Path | None, environment: Mapping[str, str]) -> list[SettingValue]:
    """Return every setting with its value and origin; a secret only says whether it is set.

    Parameters
    ----------
    settings : Settings
        As loaded from that file and environment.
    file : Path or None
        The settings file; None where there is none.
    environment : mapping of str to str
        Environment variables.
    """
    in_file = read_toml(file) if file is not None else {}
    document = settings.document()
    rows = [
        SettingValue(name, _toml_value(value), _origin(name, document, in_file, environment))
        if (value := _found(document, name)) is not MISSING
        else SettingValue(name, "", "not set")
        for name in (*(setting.name for setting in catalog()), *_of_many(document))
    ]
    for name in SECRETS:
        variable = variable_of(name)
        given = next((variable + end for end in ("", "_FILE") if environment.get(variable + end)), None)
        rows.append(SettingValue(name, "***" if given else "", f"environment {given}" if given else "not set"))
    return rows


def toml_text(value: Any) -> str:
    """Return a value as TOML spells it; None is the word "none"."""
    if isinstance(value, Mapping):
        keys = {key: key if _BARE.fullmatch(key) else json.dumps(key, allow_nan=False) for key in value}
        return "{" + ", ".join(f"{keys[key]} = {toml_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_text(one) for one in value) + "]"
    return json.dumps(_toml_value(value), ensure_ascii=False, allow_nan=False)


def allowed_text(schema: Mapping[str, Any]) -> str:
    """Return in words what a setting may be; empty where its default already shows the kind."""
    options = schema.get("anyOf", [schema])
    words: list[str] = []
    for option in options:
        if "enum" in option or "const" in option:
            words += [toml_text(choice) for choice in option.get("enum", [option.get("const")])]
        elif option.get("type") == "boolean":
            words += ["true", "false"]
        else:
            words.append(" ".join(f"{word} {_short(option[key])}" for key, word in _BOUNDS if key in option))
    words = [word for word in words if word]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _short(bound: float) -> str:
    return f"{bound:.12g}".replace("e+", "e")


def _documented() -> Iterator[SettingDoc]:
    mode, said = next(one for one in structs.fields(Settings) if one.name == "mode"), Settings.texts()
    yield SettingDoc("mode", mode.default, said["mode"], _in_toml_terms(schema_of(mode.type)))
    for section, model in SECTIONS.items():
        said = model.texts()
        for field in structs.fields(model):
            schema = _in_toml_terms(schema_of(field.type))
            yield SettingDoc(f"{section}.{field.name}", field.default, said[field.name], schema)
        if section == "market":
            yield from _strategy_settings()


def _strategy_settings() -> Iterator[SettingDoc]:
    for strategy, cls in STRATEGIES.items():
        schemas = properties_of(cls)
        for field in fields(cls):  # type: ignore[arg-type]  # the registry holds dataclasses
            name, doc = f"strategy.{strategy}.{field.name}", str(field.metadata.get("doc", ""))
            default = field.default if field.default_factory is MISSING else field.default_factory()
            required = default is MISSING
            shown = cls.EXAMPLE.settings[field.name] if required else default
            yield SettingDoc(name, shown, doc, _in_toml_terms(schemas[field.name]), required)


def _described(model: type[Group | SleeveSettings | SleeveRisk]) -> dict[str, Any]:
    said = model.texts()
    shown = {
        key: {"description": said.get(key, ""), **_in_toml_terms(one)} for key, one in properties_of(model).items()
    }
    return {"type": "object", "additionalProperties": False, "properties": shown}


def _sleeve_table() -> dict[str, Any]:
    described = _described(SleeveSettings)
    described["properties"]["strategy"] |= {"enum": sorted(STRATEGIES)}
    described["properties"] |= {"rules": {"type": "object"}, "risk": _described(SleeveRisk)}
    return {**described, "required": ["strategy", "weight"]}


def _in_toml_terms(found: Mapping[str, Any]) -> dict[str, Any]:
    # TOML has no null: "none" stands for it. Titles and defaults are written by the caller.
    kept = {key: part for key, part in found.items() if key not in ("title", "default", "description")}
    if kept.get("type") == "null":
        return {"const": "none"}
    if "anyOf" in kept:
        kept["anyOf"] = [_in_toml_terms(option) for option in kept["anyOf"]]
    return kept


def _section_doc(section: str) -> str:
    owner = STRATEGIES[section.rpartition(".")[2]] if section.startswith("strategy.") else SECTIONS[section]
    return (owner.__doc__ or "").strip().split("\n")[0]


def _table(title: str) -> dict[str, Any]:
    return {"title": title, "type": "object", "additionalProperties": False, "properties": {}}


def _toml_value(value: Any) -> Any:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return [_toml_value(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _of_many(document: Mapping[str, Any]) -> list[str]:
    return [name for name in setting_names(document) if name.partition(".")[0] in MANY]


def _origin(name: str, document: Mapping[str, Any], in_file: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    if variable_of(name) in environment:
        return f"environment {variable_of(name)}"
    if _found(in_file, name) is not MISSING:
        return "file"
    parts = name.split(".")
    if parts[0] == "sleeve" and len(parts) == 4:
        # What a sleeve leaves out is as in the section that all sleeves share.
        section = "risk" if parts[2] == "risk" else f"strategy.{document['sleeve'][parts[1]]['strategy']}"
        shared = _origin(f"{section}.{parts[3]}", document, in_file, environment)
        return shared if shared == "default" else f"[{section}]"
    return "default"


def _found(tree: Any, name: str) -> Any:
    for part in name.split("."):
        tree = tree.get(part, MISSING) if isinstance(tree, Mapping) else MISSING
    return tree
