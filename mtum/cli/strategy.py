"""`mtum strategy`: the strategies there are, and a person's own."""

from typing import Annotated, Any

import typer

from mtum.cli.arguments import own_name
from mtum.cli.context import call_of
from mtum.cli.output import Answer, AnswerProblem, Listing
from mtum.errors import ExitCode, UsageError

app = typer.Typer(help="The strategies there are, and your own.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A strategy.", callback=own_name)]


@app.command("list")
def list_(context: typer.Context) -> Answer:
    """Every strategy, where it comes from and which sleeves trade it."""
    from mtum.app.strategies.describe import listed

    rows = listed(call_of(context).settings())
    cells = [[one["name"], one["from"], ", ".join(one["sleeves"]), one["about"]] for one in rows]
    return Answer({"strategies": rows}, [Listing(["strategy", "from", "traded by", "about"], cells)])


@app.command()
def show(context: typer.Context, name: Name) -> Answer:
    """What a strategy says of itself: parameters, conditions, reasons, needs."""
    from mtum.app.strategies.describe import shown

    found = shown(call_of(context).settings(), name)
    parameters = [[one["name"], one["value"], one["default"], one["doc"]] for one in found["parameters"]]
    lines: list[str | Listing] = [found["doc"], f"from {found['from']}"]
    lines.append(Listing(["parameter", "in force", "default", "meaning"], _words(parameters), "Parameters"))
    if found["conditions"]:
        rows = [[one["name"], one["role"], one["words"]] for one in found["conditions"]]
        lines.append(Listing(["condition", "for", "words"], rows, "Conditions"))
    if found["needs"]:
        needs = found["needs"]
        also = [*needs["reads"], *needs["series"]]
        lines.append(
            f"needs {needs['sessions']} sessions of {', '.join(needs['symbols'])}"
            + (f", and {', '.join(also)}" if also else "")
        )
    return Answer(found, lines)


@app.command()
def new(context: typer.Context, name: Name) -> Answer:
    """Write a strategy to begin with, and name it in the settings."""
    from contextlib import suppress

    from mtum.app.strategies.write import new_strategy
    from mtum.errors import ConfigError

    call = call_of(context)
    with suppress(ConfigError):
        call.settings()  # names that are taken; what else is wrong with the settings is said when they are used
    made = new_strategy(name, call.settings_file())
    document = {"name": name, "file": made.strategy, "settings": made.settings, "left_to_do": made.left or None}
    lines = [f"strategy: {made.strategy}", f"settings: {made.changed}" if made.changed else f"left to do: {made.left}"]
    hint = f"next: `mtum strategy check {name}`, then `mtum backtest --strategy {name}`"
    return Answer(document, lines, hints=[hint])


@app.command()
def check(context: typer.Context, name: Name) -> Answer:
    """Ask a strategy what ours must pass; each fault names the session and the value."""
    from mtum.app.strategies.check import RULES
    from mtum.app.strategies.describe import known
    from mtum.config import own_strategies
    from mtum.core.reporting.words import count
    from mtum.wiring.strategy_checks import check_strategy

    call = call_of(context)
    settings = call.settings()
    known(name)
    found = check_strategy(settings, name, own_strategies())
    wrong = {one["rule"]: one for one in found.findings}
    rows = [[rule, "FAILED" if rule in wrong else "ok", *_said(rule, words, wrong)] for rule, words in RULES.items()]
    document = {
        "name": name,
        "passed": found.passed,
        "decisions": found.decisions,
        "findings": list(found.findings),
        "notes": list(found.notes),
        "problems": [{"code": int(ExitCode.PERSON), "text": f"{name}: {found.text}"}] if not found.passed else [],
        "exit_code": int(ExitCode.DONE if found.passed else ExitCode.PERSON),
    }
    end = f"{name} passed, {count(found.decisions, 'decision')} tried" if found.passed else f"{name} did not pass"
    shown: list[str | Listing] = [Listing(["rule", "outcome", "session", "what"], rows)]
    return Answer(
        document,
        [*shown, end, *found.notes],
        ExitCode.DONE if found.passed else ExitCode.PERSON,
        [] if found.passed else [AnswerProblem(int(ExitCode.PERSON), f"{name}: {found.text}")],
    )


@app.command()
def reload(context: typer.Context) -> Answer:
    """Check changed files of your own and take them over; never while a session is at work."""
    from mtum.wiring.installation import Installation
    from mtum.wiring.resources import opened_store

    call = call_of(context)
    settings, folder = call.settings(), call.data_folder()
    if not settings.plugins.strategies:
        raise UsageError("the settings name no file of your own; `mtum strategy new NAME` writes one")
    served = Installation(settings, folder)
    with opened_store(settings, folder) as store:
        found = served.renew(store, served.clock, asked=True)
    waits = next((one for one in found if one.outcome == "waits"), None)
    if waits:
        raise UsageError(f"{waits.file.name} is not taken over now: {waits.text}; the scheduler looks at it after that")
    code = ExitCode.PERSON if any(one.outcome == "kept" for one in found) else ExitCode.DONE
    rows = [[one.file.name, one.outcome, one.digest, one.text] for one in found]
    problems = [AnswerProblem(int(code), f"{one.file.name}: {one.text}") for one in found if one.outcome == "kept"]
    told = [
        {"file": one.file, "outcome": one.outcome, "code_hash": one.digest, "text": one.text or None} for one in found
    ]
    return Answer({"files": told}, [Listing(["file", "outcome", "code", "why"], rows)], code, problems)


def _said(rule: str, words: str, wrong: dict[str, Any]) -> list[object]:
    return [wrong[rule]["session"], wrong[rule]["text"]] if rule in wrong else [None, words]


def _words(rows: list[list[Any]]) -> list[list[object]]:
    from mtum.app.owner.settings_catalog import toml_text

    def told(cell: Any) -> object:
        if not isinstance(cell, list):
            return cell
        return ", ".join(one if isinstance(one, str) else toml_text(one) for one in cell)

    return [[told(cell) for cell in row] for row in rows]
