"""Which tables of the README come from the code? Writes them between their markers, or says which are stale.

    uv run python tests/tools/readme_tables.py --write
    uv run python tests/tools/readme_tables.py --check

A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`; what is between them belongs to this script.
NAME is one of the keys of TABLES below.
"""

import argparse
import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

README = Path(__file__).parents[2] / "README.md"
SECTION = re.compile(r"(<!-- table: (?P<name>[a-z_]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)

type Row = Sequence[str]


def cell(text: object) -> str:
    """Text as one cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table; the first row is its head."""
    lines = [f"| {' | '.join(cell(text) for text in row)} |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines) + "\n"


def attribute_docs(owner: type) -> dict[str, str]:
    """Text that stands below each attribute in a class, by attribute name."""
    body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        names = [field.target] if isinstance(field, ast.AnnAssign) else getattr(field, "targets", [])
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            found |= {name.id: text.value.value for name in names if isinstance(name, ast.Name)}
    return found


def first_line(subject: object) -> str:
    """First line of a docstring without its full stop."""
    return (inspect.getdoc(subject) or "").split("\n")[0].rstrip(".")


def spelled(default: object) -> str:
    """A default as it is written in TOML."""
    if isinstance(default, Enum):
        default = default.value
    if isinstance(default, tuple):
        return f"[{', '.join(spelled(item) for item in default)}]"
    if isinstance(default, Mapping):
        return f"{{{', '.join(f'{name} = {spelled(item)}' for name, item in default.items())}}}"
    words = {None: '"none"', True: "true", False: "false"}
    if default is None or isinstance(default, bool):
        return words[default]
    return (
        f'"{default}"' if isinstance(default, str) else f"{default:g}" if isinstance(default, float) else str(default)
    )


def allowed(schema: Mapping[str, Any]) -> str:
    """Range or choices of a setting, from its JSON schema."""
    options = [schema, *schema.get("anyOf", [])]
    constants = [option["const"] for option in options if "const" in option]
    choices = [spelled(choice) for choice in sum((option.get("enum", []) for option in options), constants)]
    signs = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    bounds = [f"{sign} {option[key]:.9g}" for option in options for key, sign in signs.items() if key in option]
    kinds = [option.get("type") for option in options]
    if "boolean" in kinds:
        choices = ["true", "false", *choices]
    words = {"integer": "whole number", "number": "number", "string": "text", "array": "list", "object": "table"}
    found = ", ".join(choices) or " and ".join(bounds) or next((words[kind] for kind in kinds if kind in words), "")
    return f'{found} or "none"' if "null" in kinds else found


def section_rows(name: str, model: Any) -> Iterator[Row]:
    """Settings of one section."""
    properties = model.model_json_schema()["properties"]
    for key, field in model.model_fields.items():
        default = "required" if field.is_required() else f"`{spelled(field.default)}`"
        yield f"`{name}.{key}`", default, allowed(properties[key]), field.description or ""


def strategy_rows() -> Iterator[Row]:
    """Parameters of every registered strategy."""
    from pydantic import TypeAdapter

    from mtum.core.strategies import STRATEGIES

    for name, strategy in STRATEGIES.items():
        schema = TypeAdapter(strategy).json_schema()
        for field in fields(cast("Any", strategy)):
            definition = schema["properties"][field.name]
            definition = schema.get("$defs", {}).get(definition.get("$ref", "").rpartition("/")[2], definition)
            given = field.default if field.default_factory is MISSING else field.default_factory()
            default = "required" if given is MISSING else f"`{spelled(given)}`"
            yield f"`strategy.{name}.{field.name}`", default, allowed(definition), field.metadata.get("doc", "")


def settings() -> list[Row]:
    """Every setting with default, range and meaning."""
    from mtum import config

    mode = config.Settings.model_fields["mode"]
    schema = config.Settings.model_json_schema()["properties"]["mode"]
    rows: list[Row] = [("Setting", "Default", "Allowed", "Meaning")]
    rows.append(("`mode`", f"`{spelled(mode.default)}`", allowed(schema), mode.description or ""))
    for name, model in config.SECTIONS.items():
        rows += section_rows(name, model)
        if name == "market":
            rows += strategy_rows()
    rows += section_rows("sleeve.NAME", config.SleeveSettings)
    rows += section_rows("group.NAME", config.Group)
    return [row for row in rows if not row[0].startswith(("`sleeve.NAME.rules", "`sleeve.NAME.risk"))]


def error_classes() -> list[type[Exception]]:
    """Classes of the error tree in the order of their file."""
    from mtum import errors

    found = [item for item in vars(errors).values() if inspect.isclass(item) and issubclass(item, errors.MtumError)]
    return [item for item in found if item.__module__ == errors.__name__]


def exit_codes() -> list[Row]:
    """Exit codes with their meaning and the errors that end so."""
    from mtum.errors import ExitCode

    docs = attribute_docs(ExitCode)
    rows: list[Row] = [("Code", "Meaning", "Errors")]
    for code in ExitCode:
        names = [f"`{error.__name__}`" for error in error_classes() if vars(error).get("exit_code") == code]
        rows.append((str(int(code)), docs.get(code.name, code.name.lower()), ", ".join(names)))
    return rows


def error_types() -> list[Row]:
    """Every error with its exit code."""
    rows: list[Row] = [("Error", "Exit code", "Meaning")]
    rows += [
        (f"`{error.__name__}`", str(int(getattr(error, "exit_code", 1))), first_line(error))
        for error in error_classes()
    ]
    return rows


def order_statuses() -> list[Row]:
    """Every order status and the moves it allows."""
    from mtum.core.portfolio.orders import ALLOWED_MOVES, OrderStatus

    docs = attribute_docs(OrderStatus)
    rows: list[Row] = [("Status", "Meaning", "May become")]
    for status in OrderStatus:
        after = [f"`{other.value}`" for other in OrderStatus if other in ALLOWED_MOVES.get(status, ())]
        rows.append((f"`{status.value}`", docs.get(status.name, ""), ", ".join(after) or "—"))
    return rows


def command_rows(name: str, command: Any, line: str) -> Iterator[Row]:
    """A command with its one-line help; of a group, the commands below it."""
    below = getattr(command, "commands", None)
    if not below:
        yield f"`{name}`", line.rstrip(".")
    else:
        for inner in below.values():
            yield from command_rows(f"{name} {inner.name}", inner, (inner.help or "").split("\n\n")[0])


def commands() -> list[Row]:
    """Every command that is part of the program, as `mtum --help` tells it."""
    from mtum.cli import app

    rows: list[Row] = [("Command", "Does")]
    for name, (target, line) in app.COMMANDS.items():
        if find_spec(target.partition(":")[0]) is not None:
            rows += command_rows(f"mtum {name}", app.loaded(name), line)
    return rows


def database() -> list[Row]:
    """Tables and views of the database with their columns."""
    from mtum.adapters.store.schema import columns_documentation, tables_documentation

    columns = columns_documentation()
    rows: list[Row] = [("Table or view", "One row is", "Columns")]
    for name, meaning in tables_documentation().items():
        rows.append((f"`{name}`", meaning, ", ".join(f"`{column}`" for column in columns[name])))
    return rows


def views() -> list[Row]:
    """Every column of the views for people, with its meaning."""
    from mtum.adapters.store.schema import columns_documentation

    found = {name: columns for name, columns in columns_documentation().items() if name.startswith("v_")}
    rows: list[Row] = [("View", "Column", "Meaning")]
    for name, columns in found.items():
        rows += [(f"`{name}`", f"`{column}`", meaning) for column, meaning in columns.items()]
    return rows


def questions() -> list[Row]:
    """Questions to ask the database."""
    if find_spec("mtum.adapters.store.schema.questions") is None:
        return [("Question", "SQL")]
    from mtum.adapters.store.schema.questions import QUESTIONS

    return [("Question", "SQL"), *((question, f"`{sql}`") for question, sql in QUESTIONS.items())]


TABLES: dict[str, Callable[[], list[Row]]] = {
    "commands": commands,
    "settings": settings,
    "exit_codes": exit_codes,
    "error_types": error_types,
    "order_statuses": order_statuses,
    "database": database,
    "views": views,
    "questions": questions,
}


def filled(text: str) -> str:
    """The README's text with every marked table made anew.

    Raises
    ------
    KeyError
        If a marker names a table that does not exist.
    """
    return SECTION.sub(lambda found: f"{found[1]}{markdown(TABLES[found['name']]())}{found[3]}", text)


def stale(text: str) -> list[str]:
    """Names of the marked tables that no longer say what the code says."""
    pairs = zip(SECTION.finditer(text), SECTION.finditer(filled(text)), strict=True)
    return [before["name"] for before, after in pairs if before[0] != after[0]]


def main(arguments: Sequence[str]) -> int:
    """Run the script: 0 when the tables are right or written, 1 when one is stale."""
    parser = argparse.ArgumentParser(description="Tables of the README that come from the code.")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help="write them")
    choice.add_argument("--check", action="store_true", help="say which are stale")
    text = README.read_text(encoding="utf-8")
    if parser.parse_args(arguments).write:
        README.write_text(filled(text), encoding="utf-8")
        return 0
    wrong = stale(text)
    for name in wrong:
        print(f"README.md: the table {name} is stale; run python tests/tools/readme_tables.py --write", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
