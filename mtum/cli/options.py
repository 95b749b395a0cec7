"""The options that every command takes, before or after its name."""

from pathlib import Path
from typing import Annotated

import typer

from mtum.cli.context import note_option

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
