"""The command line: every command with the module that carries it out, loaded when it is called."""

import io
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from copy import copy
from functools import cache, partial
from importlib import import_module
from math import isnan
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from mtum import __version__
from mtum.cli.context import CommandCall, call_of, note_option
from mtum.cli.examples import examples
from mtum.cli.frame import answer_of, crashed, misuse, misused
from mtum.cli.output import Answer, complain, failure_line, write
from mtum.errors import UsageError

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("mtum.cli.demo:demo", "Play the embedded market through the whole daily job."),
    "init": ("mtum.cli.owner.config:init", "Write a commented config.toml and the data folder."),
    "run": ("mtum.cli.trading:run", "Decide and order for one session, or run everything due."),
    "settle": ("mtum.cli.trading:settle", "Confirm the fills of a session and close its books."),
    "status": ("mtum.cli.records.status:status", "Mode, account, position, orders, halt, next wake times."),
    "sleeves": ("mtum.cli.records.sleeves:sleeves", "What the account is made of, sleeve by sleeve."),
    "options": ("mtum.cli.records.options:options", "Open groups of options, or the chain of an underlying."),
    "risk": ("mtum.cli.records.risk:risk", "Limits with their use, value at risk, past crashes."),
    "indicators": ("mtum.cli.records.indicators:indicators", "What the indicators say of a symbol."),
    "explain": (
        "mtum.cli.records.explain:explain",
        "Why a session was decided so, and what would have flipped it.",
    ),
    "verify": (
        "mtum.cli.trading:verify",
        "Replay stored sessions, rebuild the books.",
    ),
    "report": ("mtum.cli.report:report", "The report of a session."),
    "review": ("mtum.cli.report:review", "The review of a week, a month or a quarter."),
    "serve": ("mtum.cli.serve:serve", "The dashboard, for a browser on desk or phone."),
    "show": ("mtum.cli.records.show:app", "List orders, fills, trades, bars, equity, backtests and more."),
    "export": ("mtum.cli.records.export:app", "Write trades, signals, performance or tax lots to files."),
    "bars": ("mtum.cli.bars:app", "The cache of daily bars."),
    "strategy": ("mtum.cli.strategy:app", "The strategies there are, and your own."),
    "backtest": ("mtum.cli.history.backtest:backtest", "The account over history, or one strategy."),
    "sweep": ("mtum.cli.history.sweeps:sweep", "A backtest for every point of a grid of settings."),
    "walkforward": ("mtum.cli.history.sweeps:walkforward", "Choose settings on the past, judge them on what follows."),
    "compare": ("mtum.cli.history.compare:compare", "Backtests, sweeps and walk forwards side by side."),
    "halt": ("mtum.cli.owner.control:halt", "Stop sending orders."),
    "resume": ("mtum.cli.owner.control:resume", "Lift every halt."),
    "flatten": ("mtum.cli.trading:flatten", "Close a position at the close, then stop entries."),
    "cancel": ("mtum.cli.owner.orders:cancel", "Cancel working orders."),
    "reconcile": ("mtum.cli.owner.orders:reconcile", "Compare our records with the broker's."),
    "approve": ("mtum.cli.owner.approve:approve", "Approve a session's order in advance."),
    "note": ("mtum.cli.owner.note:note", "Write something down beside the records."),
    "capital": ("mtum.cli.owner.control:capital", "Record money added to or taken from the strategy."),
    "doctor": ("mtum.cli.owner.doctor:doctor", "Whether today's run could succeed, and what to do if not."),
    "paper-check": ("mtum.cli.owner.paper_check:paper_check", "The check-list for a paper account."),
    "notify": ("mtum.cli.owner.notify:app", "Test the channels that messages go out by."),
    "gateway": ("mtum.cli.gateway:gateway", "A practice gateway that speaks the broker's protocol."),
    "backup": ("mtum.cli.owner.backup:backup", "Write a verified copy of the database."),
    "restore": ("mtum.cli.owner.backup:restore", "Check a backup, or put it in place."),
    "config": ("mtum.cli.owner.config:app", "The settings in force, their schema and their approval."),
}
"""Command -> the function or typer app behind it, and its line in `mtum --help`."""
_BELOW_ZERO = re.compile(r"-\.?[0-9]")


class _LazyGroup(TyperGroup):
    """Lists every command from the dictionary and imports only the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        listed = {name: TyperCommand(name, help=line, add_help_option=False) for name, (_, line) in COMMANDS.items()}
        super().__init__(**{**attributes, "commands": listed})

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]  # typer's Context is a face of its click's
        name, _, rest = super().resolve_command(ctx, args)
        return name, loaded(name, numbers=any(map(_BELOW_ZERO.match, rest))) if name else None, rest


def loaded(name: str, *, numbers: bool = False) -> TyperCommand | TyperGroup:
    """Import the command of that name and give it, and all below it, the options of every command.

    With ``numbers`` a word such as -5 is an argument, which its command judges, and no option.
    """
    module, _, attribute = COMMANDS[name][0].partition(":")
    target: typer.Typer | Callable[..., Any] = getattr(import_module(module), attribute)
    around = typer.Typer(add_completion=False)
    if isinstance(target, typer.Typer):
        around.add_typer(target, name=name)
        command = cast("TyperGroup", get_command(around)).commands[name]
    else:
        around.command(name)(target)
        command = get_command(around)
    command.name = name
    command.help = command.help or COMMANDS[name][1]
    return _extended(cast("TyperCommand | TyperGroup", command), name, numbers=numbers)


def _extended(command: TyperCommand | TyperGroup, path: str, *, numbers: bool) -> TyperCommand | TyperGroup:
    # Methods of the library's objects are replaced below: it has no switch for what a person needs here.
    parameters = cast("list[Any]", command.params)
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            # Its name says what it is: "USD <str>" says it twice.
            parameter.display_type_rich = lambda ctx: None
            if parameter.required:
                # Neither do braces around it belong to what a person types.
                parameter.get_usage_pieces = partial(_as_named, str(parameter.metavar))
    parameters.extend(map(copy, _shared_options()))
    command.rich_markup_mode = _markup()
    command.epilog = examples(path, paragraphs=command.rich_markup_mode is not None)
    # The library stops at the first fault of a line; a person wants to know all of them.
    for parameter in parameters:
        parameter.handle_parse_result = partial(_judged, parameter, parameter.handle_parse_result)
    cast("Any", command).invoke = partial(_invoked, command.invoke)
    if numbers:
        command.context_settings["ignore_unknown_options"] = True
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            # Up to the first stop: what is longer would be cut in the list.
            below.short_help = re.split("[;.]", below.help or "")[0] + "."
            _extended(cast("TyperCommand | TyperGroup", below), f"{path} {name}", numbers=numbers)
    return command


def _as_named(name: str, context: typer.Context) -> list[str]:
    return [name]


def _judged(parameter: Any, judge: Callable[..., Any], context: typer.Context, given: Any, rest: list[str]) -> Any:
    try:
        found = judge(context, given, rest)
        if isinstance(found[0], float) and isnan(found[0]):
            # It is neither below nor above a bound, so the library lets it pass.
            raise typer.BadParameter("nan is no number", ctx=context, param=parameter)
        return found
    except typer.BadParameter as error:
        call_of(context).faults.append(misuse(error))
    except UsageError as error:
        call_of(context).faults.append(str(error))
    return None, rest


def _invoked(invoke: Callable[..., Any], context: typer.Context) -> Any:
    faults = call_of(context).faults
    return misused(faults) if faults else invoke(context)


@cache
def _shared_options() -> Sequence[Any]:
    options = typer.Typer(add_completion=False)
    options.command()(every_command)
    found = list(get_command(options).params)
    for option in found:
        option.expose_value = False  # the call notes them; commands do not name them
    return found


def _markup() -> Literal["rich"] | None:
    # Frames and colours are for a terminal only; a help page that is piped is plain text.
    return "rich" if sys.stdout.isatty() else None


def main_command() -> TyperGroup:
    """Return the whole command line."""
    app = typer.Typer(
        cls=_LazyGroup,
        rich_markup_mode=_markup(),
        context_settings={"help_option_names": ["-h", "--help"]},
        help="End-of-day systematic trading for one person. Start with `mtum demo`.",
    )
    app.callback(invoke_without_command=True)(_no_command)
    command = cast("TyperGroup", get_command(app))
    command.params.extend(map(copy, _shared_options()))
    return command


def _no_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> Answer | None:
    if version:
        found = {"version": __version__, "python": ".".join(str(number) for number in sys.version_info[:3])}
        return Answer(found, [f"mtum {found['version']}, Python {found['python']}"])
    if context.invoked_subcommand is None:
        context.fail("Missing command.")
    return None


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line, print its answer and return the exit code."""
    _ready_streams()
    # What libraries warn of is not this program's one plain line; without a handler it would go to stderr.
    logging.basicConfig(handlers=[logging.NullHandler()])
    call = CommandCall(words=tuple(arguments))
    answer = answer_of(main_command(), arguments, call)
    if answer is None:
        return 0
    try:
        write(answer, as_json=call.json, quiet=call.quiet)
    except BrokenPipeError:
        # The reader went away (`mtum show trades | head`); that is no failure of ours.
        sys.stdout = None  # nothing may be flushed to it at exit
    except Exception as error:  # noqa: BLE001  # an answer that cannot be printed is a bug like any other
        answer = crashed(error, arguments, call)
        complain(failure_line(answer))
    return int(answer.exit_code)


def _ready_streams() -> None:
    # A caller may have closed a stream; what is opened next must not take its place.
    if sys.stdout is None or sys.stderr is None:
        nowhere = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    # A terminal or log that knows only ASCII gets the rest spelled out, not an error.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


_PANEL = "Options of every command"


def _noted(context: typer.Context, parameter: typer.CallbackParam, given: object) -> object:
    note_option(context, parameter.name or "", given)
    return given


def every_command(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="PATH", help="Settings file [./config.toml].", callback=_noted, rich_help_panel=_PANEL
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir", metavar="PATH", help="Data folder [./data].", callback=_noted, rich_help_panel=_PANEL
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON document on stdout.", callback=_noted, rich_help_panel=_PANEL)
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No hints and no progress.", callback=_noted, rich_help_panel=_PANEL),
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            help="Log every step to stderr.",
            callback=_noted,
            rich_help_panel=_PANEL,
        ),
    ] = 0,
) -> None:
    """Declare the options; their callbacks record them in the call."""
