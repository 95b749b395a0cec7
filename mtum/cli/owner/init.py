"""`mtum init`: a commented settings file and the data folder."""

from pathlib import Path
from typing import Annotated

import typer

from mtum.cli.context import call_of
from mtum.cli.output import Answer
from mtum.errors import UsageError


def init(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Replace a settings file that exists.")] = False,
) -> Answer:
    """Write a commented config.toml and the data folder."""
    from mtum.app.owner.settings_catalog import settings_text

    call = call_of(context)
    file = (call.config or Path("config.toml")).absolute()
    folder = call.data_folder()
    if file.exists() and not force:
        raise UsageError(f"{file} exists; keep it, or replace it with `mtum init --force`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(settings_text(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from error
    return Answer(
        {"files": [file], "data_dir": folder},
        [f"settings: {file}", f"data: {folder}"],
        hints=["next: `mtum demo` plays the embedded market; `mtum config show` lists what is in force"],
    )
