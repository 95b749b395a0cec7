"""Carries out one command and turns whatever happens into an answer."""

import re
from collections.abc import Sequence
from pathlib import Path

import typer
from typer.core import TyperGroup

from mtum.cli.context import CommandCall
from mtum.cli.output import Answer, AnswerProblem, failure, one_line
from mtum.errors import ExitCode, MtumError, UsageError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""
_NUMBERS = {
    r" is not a valid int( range)?$": " is no whole number",
    r" is not a valid float( range)?$": " is no number",
    r" is not in the range (\S+)<=x<=(\S+)$": r" is out of range; use \1 to \2",
    r" is not in the range x>=(\S+)$": r" is out of range; use \1 or more",
}
"""The library's words for a number it refuses, and a person's."""


def answer_of(command: TyperGroup, arguments: Sequence[str], call: CommandCall) -> Answer | None:
    """Run a command line to its answer; None when there is nothing left to print.

    Parameters
    ----------
    command : TyperGroup
        The whole command line.
    arguments : sequence of str
        Words after `mtum`.
    call : CommandCall
        Filled with the options that every command takes.
    """
    try:
        try:
            Path.cwd()
        except OSError:
            raise UsageError("the current folder no longer exists; change to another one") from None
        returned = command.main(args=list(arguments), prog_name="mtum", standalone_mode=False, obj=call)
    except MtumError as error:
        call.json = call.json or "--json" in arguments
        return failure(error)
    except typer.TyperException as error:
        call.json = call.json or "--json" in arguments
        fault, context = misuse(error), getattr(error, "ctx", None)
        if fault.startswith("missing command") and context is not None and not call.json:
            typer.echo(context.get_help())  # nothing was asked for: the help is the best answer there is
        return misused([*call.faults, fault])
    except (KeyboardInterrupt, typer.Abort):
        returned = INTERRUPTED
    except BrokenPipeError:
        return None
    except Exception as error:  # noqa: BLE001  # the last resort: whatever is left is a bug of ours
        return crashed(error, arguments, call)
    if isinstance(returned, Answer):
        return returned
    if not isinstance(returned, int) or not returned:
        return None
    problems = [AnswerProblem(returned, "interrupted")] if returned == INTERRUPTED else []
    return Answer({}, exit_code=returned, problems=problems)


def misuse(error: typer.TyperException) -> str:
    """Return what the library finds wrong with a line, in one line that says where to look."""
    context = getattr(error, "ctx", None)
    place = "mtum" if context is None else context.command_path
    message = one_line(error.format_message()).rstrip(".")
    for found, words in _NUMBERS.items():
        message = re.sub(found, words, message)
    return f"{message[0].lower()}{message[1:]}; see `{place} --help`"


def misused(faults: Sequence[str]) -> Answer:
    """Return the answer to a line with these faults."""
    problems = [AnswerProblem(ExitCode.USAGE, fault) for fault in faults]
    return Answer({}, exit_code=ExitCode.USAGE, problems=problems)


def crashed(error: Exception, arguments: Sequence[str], call: CommandCall) -> Answer:
    """Return the answer to an error nobody foresaw; its details go to a file, secrets left out.

    Parameters
    ----------
    error : Exception
        What was raised.
    arguments : sequence of str
        Words of the command line.
    call : CommandCall
        The options given so far and what was read because of them; one object per process.
    """
    from mtum.wiring.secrets import crash_line

    line = crash_line(error, f"mtum {' '.join(arguments)}", call.data_folder(), call.environment)
    return Answer({}, exit_code=ExitCode.BUG, problems=[AnswerProblem(ExitCode.BUG, line)])
