"""Carries out one command and turns whatever happens into an answer."""

import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer
from typer.core import TyperGroup

from mtum.cli.context import Call
from mtum.cli.output import Answer, Problem, failure, one_line
from mtum.errors import ConfigError, ExitCode, MtumError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def answer_of(command: TyperGroup, arguments: Sequence[str], call: Call) -> Answer | None:
    """Run a command line to its answer; None when there is nothing left to print.

    Parameters
    ----------
    command : TyperGroup
        The whole command line.
    arguments : sequence of str
        Words after `mtum`.
    call : Call
        Filled with the options that every command takes.
    """
    try:
        returned = command.main(args=list(arguments), prog_name="mtum", standalone_mode=False, obj=call)
    except MtumError as error:
        return failure(error)
    except typer.TyperException as error:
        call.json = call.json or "--json" in arguments
        return _misused(error, call)
    except (KeyboardInterrupt, typer.Abort):
        returned = INTERRUPTED
    except BrokenPipeError:
        return None
    except Exception as error:  # noqa: BLE001  # the last resort: whatever is left is a bug of ours
        return crashed(error, arguments, call)
    if isinstance(returned, Answer):
        return returned
    return _ended(returned) if isinstance(returned, int) and returned else None


def _ended(code: int) -> Answer:
    if code == INTERRUPTED:
        return Answer({}, exit_code=code, problems=[Problem(code, "interrupted")])
    return Answer({}, exit_code=code)


def _misused(error: typer.TyperException, call: Call) -> Answer:
    context = getattr(error, "ctx", None)
    place = "mtum" if context is None else context.command_path
    message = one_line(error.format_message()).rstrip(".")
    if message == "Missing command" and context is not None and not call.json:
        typer.echo(context.get_help())  # nothing was asked for: the help is the best answer there is
    return Answer(
        {},
        exit_code=ExitCode.USAGE,
        problems=[Problem(ExitCode.USAGE, f"{message[0].lower()}{message[1:]}; see `{place} --help`")],
    )


def crashed(error: Exception, arguments: Sequence[str], call: Call) -> Answer:
    """Return the answer to an error nobody foresaw; its details go to a file, secrets left out."""
    told = "".join(traceback.format_exception(error))
    written = _crash_file(f"mtum {' '.join(arguments)}\n{sys.version}\n\n{_without_secrets(told, call)}", call)
    where = f"details in {written}" if written else "the details could not be written"
    text = _without_secrets(one_line(f"{type(error).__name__}: {error}").rstrip(" :"), call)
    return Answer(
        {},
        exit_code=ExitCode.BUG,
        problems=[Problem(ExitCode.BUG, f"an error in the program: {text}; {where}")],
    )


def _crash_file(text: str, call: Call) -> Path | None:
    for folder in (call.data_folder() / "logs", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(prefix="crash-", suffix=".txt", dir=folder, delete=False) as file:
                file.write(text.encode(errors="backslashreplace"))  # arguments may hold bytes that are no text
                return Path(file.name)
        except OSError:
            continue
    return None


def _without_secrets(text: str, call: Call) -> str:
    from mtum.config import SECRETS, secret  # loads the settings' model, which a help page does not need

    for name in SECRETS:
        try:
            hidden = secret(name, call.environment)
        except ConfigError:
            continue
        text = text.replace(hidden, "***") if hidden else text
    return text
