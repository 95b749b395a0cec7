"""Which pages of docs/reference come from the code? Writes them, or says which are stale.

    uv run python tests/tools/reference_pages.py --write [NAME ...]
    uv run python tests/tools/reference_pages.py --check [NAME ...]

A page of docs/reference is written whole, by the function of its name in PAGES below; nobody edits it by hand.
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
from pathlib import Path
from typing import Any, cast

import typer
from msgspec import structs

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
WRITTEN = "<!-- Written by tests/tools/reference_pages.py; change the code instead of this page. -->"
TO_DO = "What to do:"
"""Begins the paragraph of a docstring that tells a person what helps."""

type Row = Sequence[str]


def cell(text: object) -> str:
    """Text as one cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table; the first row is its head."""
    lines = [f"| {' | '.join(cell(text) for text in row)} |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines) + "\n"


def page(title: str, *blocks: str) -> str:
    """A page: its title, then blocks apart by an empty line."""
    return "\n\n".join([f"# {title}", WRITTEN, *(block.strip("\n") for block in blocks if block)]) + "\n"


def sentence(text: str) -> str:
    """Text that begins with a capital and ends with a full stop."""
    text = " ".join(text.split())
    return text and f"{text[0].upper()}{text[1:].rstrip('.')}."


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


def told(docstring: str) -> tuple[str, str]:
    """What a docstring says first, and what it tells a person to do; the second is empty where it does not."""
    first, *others = [" ".join(part.split()) for part in docstring.split("\n\n")]
    to_do = [part.removeprefix(TO_DO).strip() for part in others if part.startswith(TO_DO)]
    return first, to_do[0] if to_do else ""


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


def section_rows(model: Any, but: Sequence[str] = ()) -> Iterator[Row]:
    """Settings of one section."""
    from mtum.config.json_schema import schema_of

    texts = model.texts()
    for field in structs.fields(model):
        if field.name not in but:
            default = "required" if field.required else f"`{spelled(field.default)}`"
            yield f"`{field.name}`", texts.get(field.name, ""), default, allowed(schema_of(field.type))


def strategy_sections() -> Iterator[tuple[str, str, list[Row]]]:
    """Parameters of every registered strategy."""
    from mtum.config.json_schema import properties_of
    from mtum.core.strategies import STRATEGIES

    for name, strategy in STRATEGIES.items():
        properties = properties_of(strategy)
        rows: list[Row] = []
        for field in fields(cast("Any", strategy)):
            given = field.default if field.default_factory is MISSING else field.default_factory()
            default = "required" if given is MISSING else f"`{spelled(given)}`"
            rows.append((f"`{field.name}`", field.metadata.get("doc", ""), default, allowed(properties[field.name])))
        about = inspect.getdoc(strategy) or ""
        yield f"strategy.{name}", f"{sentence(told(about)[0])} [Its page](strategies/{name}.md).", rows


def sections() -> Iterator[tuple[str, str, list[Row]]]:
    """Every section of the settings file: its name, what it is about, and a row for each setting."""
    from mtum import config

    def made(name: str, model: Any, *but: str) -> tuple[str, str, list[Row]]:
        return name, sentence(told(inspect.getdoc(model) or "")[0]), list(section_rows(model, but))

    for name, model in config.SECTIONS.items():
        yield made(name, model)
        if name == "market":
            yield from strategy_sections()
    yield made("sleeve.NAME", config.SleeveSettings, "rules", "risk")
    yield made("group.NAME", config.Group)


def settings() -> str:
    """Every setting: default, range and meaning."""
    from mtum import config
    from mtum.config.json_schema import schema_of

    mode = next(one for one in structs.fields(config.Settings) if one.name == "mode")
    head = ("Setting", "Meaning", "Default", "Allowed")
    first = markdown(
        [head, ("`mode`", config.Settings.texts()["mode"], f"`{spelled(mode.default)}`", allowed(schema_of(mode.type)))]
    )
    blocks = [
        "Everything has a default: a missing `config.toml` means the values below. `mtum init` writes a file that "
        "lists every setting. `mtum config show` tells where each value came from.",
        "The program refuses a misspelt name and suggests the nearest right one. It names every wrong setting at once. "
        'Where a setting may be switched off, write `"none"`. Numbers may be written as `1e12`.',
        "An environment variable overrides a setting for one run. Its name is `MTUM_`, the section, two underscores "
        "and the setting, in capitals: `MTUM_RISK__MAX_POSITION_USD=2000`.",
        "## Top of the file",
        first,
    ]
    for name, about, rows in sections():
        blocks += [f"## `[{name}]`", about]
        blocks += [markdown([head, *rows])] if rows else ["It has no setting."]
        if name == "sleeve.NAME":
            blocks += [
                "`[sleeve.NAME.rules]` holds the parameters of its strategy, as listed above under "
                "`[strategy.…]`. `[sleeve.NAME.risk]` holds limits of this sleeve alone, named as in `[risk]`: "
                + ", ".join(f"`{key}`" for key in config.SleeveRisk.__struct_fields__)
                + "."
            ]
    secret = [f"`{config.variable_of(name)}`" for name in config.SECRETS]
    blocks += [
        "## Secrets",
        f"A secret never stands in the file. It comes from the environment ({', '.join(secret)}), from a file named "
        "by the same variable with `_FILE` at its end, or from the keyring of the desktop.",
        "## Other variables",
        "`MTUM_CONFIG` names the settings file and `MTUM_DATA_DIR` the data folder, like `--config` and `--data-dir`. "
        "`MTUM_REAL_BARS` names a folder of real bars for the tests. An unknown variable that begins with `MTUM_` is "
        "an error.",
    ]
    return page("Settings", *blocks)


def error_classes() -> list[type[Exception]]:
    """Classes of the error tree in the order of their file."""
    from mtum import errors

    found = [item for item in vars(errors).values() if inspect.isclass(item) and issubclass(item, errors.MtumError)]
    return [item for item in found if item.__module__ == errors.__name__]


def exit_codes() -> str:
    """Exit codes with their meaning, what to do, and the errors that end so."""
    from mtum.errors import EXIT_PRECEDENCE, ExitCode

    docs = attribute_docs(ExitCode)
    rows: list[Row] = [("Code", "Meaning")]
    blocks: list[str] = []
    for code in ExitCode:
        meaning, to_do = told(inspect.cleandoc(docs[code.name]))
        names = [error.__name__ for error in error_classes() if getattr(error, "exit_code", None) == code]
        rows.append((f"[{code}](#exit-code-{code})", sentence(meaning)))
        blocks += [
            f"## Exit code {code}",
            sentence(meaning),
            f"**What to do:** {to_do[0].lower()}{to_do[1:].rstrip('.')}.",
            f"Errors that end so: {', '.join(f'[{name}](errors.md#{name.lower()})' for name in names)}."
            if names
            else "",
        ]
    rows.append(("130", "Interrupted with Ctrl-C. Call it again: every command picks up where it was."))
    order = ", ".join(str(int(code)) for code in EXIT_PRECEDENCE)
    return page(
        "Exit codes",
        "Every command ends with one of these codes. On any code but 0 it writes one plain line to stderr that says "
        "what was found and what to do. With `--json` the document on stdout also has `problems` and `exit_code`.",
        markdown(rows),
        f"Where several apply, the first of these wins: {order}. "
        "[Commands](commands.md) lists which code each command can end with.",
        *blocks,
    )


def errors() -> str:
    """Every error with its exit code, its meaning and what to do."""
    blocks = [
        "An error that the program raises on purpose names the thing, what was found and what to do. The classes below "
        "stand in the log and in the code; the message a person sees is one line of plain words.",
    ]
    for error in error_classes():
        meaning, to_do = told(inspect.getdoc(error) or "")
        code = int(getattr(error, "exit_code", 1))
        base = error.__bases__[0].__name__
        kind = f"A kind of [{base}](#{base.lower()}). " if base.endswith("Error") else ""
        blocks += [
            f"## {error.__name__}",
            f"{sentence(meaning)} {kind}It ends with exit code [{code}](exit-codes.md#exit-code-{code}).",
            f"**What to do:** {to_do[0].lower()}{to_do[1:].rstrip('.')}.",
        ]
    return page("Errors", *blocks)


def statuses() -> str:
    """Every order status and the moves it allows."""
    from mtum.core.portfolio.orders import ALLOWED_MOVES, OrderStatus

    docs = attribute_docs(OrderStatus)
    rows: list[Row] = [("Status", "Meaning", "May become")]
    for status in OrderStatus:
        after = [f"`{other.value}`" for other in OrderStatus if other in ALLOWED_MOVES.get(status, ())]
        rows.append((f"`{status.value}`", docs.get(status.name, ""), ", ".join(after) or "nothing else"))
    return markdown(rows)


def leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command by its whole name; of a group, the commands below it."""
    below = getattr(command, "commands", None)
    if not below:
        yield name, command
    for inner in (below or {}).values():
        yield from leaves(f"{name} {inner.name}", inner)


def option_row(option: Any) -> Row:
    """One option: how it is typed, and what it does."""
    value = f" {option.metavar}" if option.metavar and not option.is_flag else ""
    names = ", ".join(f"`{name}{value}`" for name in [*option.opts, *option.secondary_opts])
    notes = ["required"] if option.required else []
    notes += ["may be given several times"] if option.multiple else []
    if option.default not in (None, False, 0, ()) and option.show_default:
        notes.append(f"default `{option.default}`")
    return names, f"{option.help or ''}{f' ({", ".join(notes)})' if notes else ''}"


def commands() -> str:
    """Every command with its words, options, exit codes and examples."""
    from mtum.cli import app
    from mtum.cli.examples import EXAMPLES
    from tools.reference_words import EXIT_CODES

    shared = [parameter.name for parameter in app.main_command().params]
    every = [one for one in app.main_command().params if one.name in ("config", "data_dir", "json", "quiet", "verbose")]
    listed: list[Row] = [("Command", "Does")]
    blocks: list[str] = []
    for name in app.COMMANDS:
        for whole, command in leaves(name, app.loaded(name)):
            anchor = f"mtum {whole}".replace(" ", "-")
            listed.append((f"[`mtum {whole}`](#{anchor})", (command.help or "").split("\n\n")[0]))
            usage = command.get_usage(typer.Context(command, info_name=f"mtum {whole}")).removeprefix("Usage: ")
            own = [one for one in command.params if one.name not in shared]
            rows: list[Row] = [("Word or option", "Meaning")]
            rows += [(f"`{one.metavar}`", one.help or "") for one in own if one.param_type_name == "argument"]
            rows += [option_row(one) for one in own if one.param_type_name == "option" and not one.hidden]
            codes = ", ".join(f"[{code}](exit-codes.md#exit-code-{code})" for code in EXIT_CODES[whole])
            blocks += [
                f"## mtum {whole}",
                " ".join(sentence(part) for part in (command.help or "").split("\n\n")),
                f"`{' '.join(usage.split())}`",
                markdown(rows) if len(rows) > 1 else "",
                f"Exit codes: {codes}.",
            ]
            tried = [
                row for row in EXAMPLES.get(whole, EXAMPLES.get(name, ())) if f"{row[0]} ".startswith(f"mtum {whole} ")
            ]
            blocks += (
                [markdown([("For instance", "Does"), *((f"`{line}`", what) for line, what in tried)])] if tried else []
            )
    return page(
        "Commands",
        "`mtum COMMAND --help` says the same in the terminal. In a checkout every command begins with `uv run`.",
        "These options go before or after any command:",
        markdown([("Option", "Meaning"), *map(option_row, every)]),
        "With `--json` stdout holds exactly one document, see [JSON documents](json.md). Any command can also end "
        "with 1 (a bug), 2 (wrong words or settings) and 130 (Ctrl-C); below stand the codes that mean more.",
        markdown(listed),
        *blocks,
    )


def tables() -> str:
    """Every table and view of both databases, column by column; order statuses; questions to ask."""
    from mtum.adapters import research_file
    from mtum.adapters.store.schema import SCHEMA_VERSION
    from mtum.adapters.store.schema.questions import QUESTIONS
    from mtum.adapters.store.schema.tables import TABLES
    from mtum.adapters.store.schema.views import VIEWS

    blocks = [
        "`data/mtum.db` holds every input, decision, order and fill. It opens in any SQLite tool. Open it read-only "
        "while the program runs: `sqlite3 -readonly data/mtum.db`. Instants are UTC in ISO 8601, sessions are dates, "
        "money is in USD.",
        f"The schema has version {SCHEMA_VERSION} (`PRAGMA user_version`). A newer program brings an older database up "
        "to date by itself, after a backup; an older program refuses a newer one. The same comments stand in the "
        "database: `sqlite3 data/mtum.db .schema`.",
        "What a person states or approves is added and never written over. Every change can be seen, and the newest "
        "row counts.",
        "[Views](#views-of-mtumdb) are the place to begin: they are made for people.",
        "## Views of mtum.db",
    ]
    for view in VIEWS.values():
        rows = [(f"`{name}`", sentence(meaning)) for name, meaning in view.columns.items()]
        blocks += [f"### {view.name}", sentence(view.meaning), markdown([("Column", "Meaning"), *rows])]
    blocks.append("## Tables of mtum.db")
    head = ("Column", "Meaning", "Type")
    for one in TABLES.values():
        rows3 = [(f"`{column.name}`", sentence(column.meaning), _type_of(column.sql)) for column in one.columns]
        blocks += [f"### {one.name}", sentence(one.meaning), markdown([head, *rows3])]
    found = re.findall(r"^  (\w+) (.*?),? -- (.*)$", research_file._SCHEMA, re.MULTILINE)
    studied = [(f"`{name}`", sentence(meaning), _type_of(sql)) for name, sql, meaning in found]
    blocks += [
        "## Tables of research.db",
        "`data/research.db` keeps every backtest, sweep and walk-forward. Nothing that trades reads it; it may be "
        "deleted at any time.",
        "### studies",
        "One backtest, sweep or walk-forward: what was asked of which code and bars, and what came out.",
        markdown([head, *studied]),
        "## Order statuses",
        "`status` in `orders`, and what each may become:",
        statuses(),
        "## Questions to ask",
        "Each of these is tested. They work in the `sqlite3` shell and in `datasette data/mtum.db` alike.",
        *(part for question, sql in QUESTIONS.items() for part in (f"### {question}", wrapped(sql))),
    ]
    return page("Tables", *blocks)


def json_documents() -> str:
    """Fields of every command's document."""
    from tools.json_fields import JSON_FIELDS, SHAPES, document_fields, fields_of

    def linked(kind: str) -> str:
        # The name of an object that has a table of its own leads there.
        found = next((name for name in SHAPES if re.search(rf"(^|list of ){name}\b", kind)), None)
        return kind.replace(found, f"[{found}](#{found.replace(' ', '-')})", 1) if found else kind

    def listed(rows: Sequence[tuple[Sequence[str], str, str]]) -> str:
        cells = [(", ".join(f"`{name}`" for name in names), sentence(text), linked(kind)) for names, kind, text in rows]
        return markdown([("Field", "Meaning", "Type"), *cells])

    blocks: list[str] = []
    for command in JSON_FIELDS:
        rows = document_fields(command)
        blocks += [f"### mtum {command}", listed(rows) if rows else "A JSON Schema of the settings file, for editors."]
    return page(
        "JSON documents",
        "With `--json` a command writes one JSON document to stdout and nothing else; logs go to stderr. Money and "
        "prices are numbers, in USD. Fractions run from 0 to 1. Sessions are `YYYY-MM-DD`, instants are UTC in ISO "
        "8601, paths are absolute. No number is NaN or infinite: what is not known is `null`.",
        "On any exit code but 0 the document has `exit_code` and `problems`, a list of [problem](#problem), "
        "and whatever else is known. Some documents have both on success too. A field that does not apply "
        "may be left out.",
        "## Documents",
        *blocks,
        "## Objects in them",
        *(part for name, text in SHAPES.items() for part in (f"### {name}", listed(fields_of(text)))),
    )


def _type_of(sql: str) -> str:
    # A key is never empty, whatever SQLite would let through.
    kind = sql.split(maxsplit=1)[0].lower()
    return kind if "NOT NULL" in sql or "PRIMARY KEY" in sql else f"{kind}, may be empty"


def wrapped(sql: str) -> str:
    """SQL as a block of lines that fit a page; no word is broken."""
    lines = textwrap.wrap(sql, width=100, break_long_words=False, break_on_hyphens=False)
    return "\n".join(["```sql", *lines[:-1], f"{lines[-1]};", "```"])


PAGES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "commands": commands,
    "exit-codes": exit_codes,
    "errors": errors,
    "tables": tables,
    "json": json_documents,
}


def stale(names: Sequence[str] = ()) -> list[str]:
    """Names of the pages that no longer say what the code says."""
    return [
        name for name in names or PAGES if not _file(name).exists() or _file(name).read_text("utf-8") != PAGES[name]()
    ]


def _file(name: str) -> Path:
    return FOLDER / f"{name}.md"


def main(arguments: Sequence[str]) -> int:
    """Run the script: 0 when the pages are right or written, 1 when one is stale."""
    parser = argparse.ArgumentParser(description="Pages of docs/reference that come from the code.")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help="write them")
    choice.add_argument("--check", action="store_true", help="say which are stale")
    parser.add_argument("names", nargs="*", choices=[*PAGES, []], help="these alone")
    given = parser.parse_args(arguments)
    if given.write:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in given.names or PAGES:
            _file(name).write_text(PAGES[name](), encoding="utf-8")
        return 0
    wrong = stale(given.names)
    for name in wrong:
        print(
            f"docs/reference/{name}.md is stale; run python tests/tools/reference_pages.py --write {name}",
            file=sys.stderr,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main(sys.argv[1:]))
