"""One call of the command line: the options that every command takes, and the settings behind them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mtum.cli.output import complain

if TYPE_CHECKING:
    import typer

    from mtum.config import Settings

DATABASE_NAME = "mtum.db"


@dataclass(slots=True, eq=False)
class CommandCall:
    """The options given so far and what was read because of them; one object per process.

    Parameters
    ----------
    config : Path or None
        ``--config``.
    data_dir : Path or None
        ``--data-dir``.
    json : bool
        ``--json``: exactly one JSON document on stdout.
    faults : list of str
        What is wrong with words of the line; each in one line.
    verbosity : int
        -1 for ``--quiet``, 1 and more for ``--verbose``.
    words : sequence of str
        The whole line behind `mtum`.
    """

    config: Path | None = None
    data_dir: Path | None = None
    json: bool = False
    verbosity: int = 0
    words: Sequence[str] = ()
    faults: list[str] = field(default_factory=list)
    _settings: "Settings | None" = field(default=None, repr=False)

    def tell(self, text: str) -> None:
        """Say on stderr how long work goes on, unless ``--quiet`` was given."""
        if not self.quiet:
            complain(text)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of the process."""
        from mtum.config import current_environment

        return current_environment()

    def settings(self) -> "Settings":
        """Return the settings in force; read once.

        Raises
        ------
        ConfigError
            Listing every problem, or if ``--config`` names no file.
        """
        if self._settings is None:
            from mtum.config import load

            self._settings = load(self.settings_file(), self.environment)
        return self._settings

    def be_urgent(self) -> None:
        """Read the settings for a command that must work while a file of own strategies cannot be used."""
        from mtum.wiring.resources import settings_whatever_happens

        self._settings = settings_whatever_happens(self.settings_file(), self.environment, self.database(), complain)

    def settings_file(self) -> Path | None:
        """Return the settings file that is read, absolute, or None when defaults apply."""
        from mtum.config import find

        found = find(self.config, self.environment)
        return None if found is None else found.absolute()

    def data_folder(self) -> Path:
        """Return the data folder, absolute: ``--data-dir``, ``MTUM_DATA_DIR``, ``./data``."""
        return (self.data_dir or Path(self.environment.get("MTUM_DATA_DIR") or "data")).absolute()

    def cache_folder(self) -> Path:
        """Return the user's own folder for what only saves time; without a home it is not there."""
        folder = Path(self.environment.get("XDG_CACHE_HOME") or "~/.cache", "mtum")
        with suppress(OSError, RuntimeError):
            folder = folder.expanduser()
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def database(self) -> Path:
        """Return the path of the database, whether it exists or not."""
        return self.data_folder() / DATABASE_NAME

    @property
    def program(self) -> str:
        """How this program was called; `uv run` sets a variable."""
        return "uv run mtum" if "UV" in self.environment else "mtum"

    @property
    def quiet(self) -> bool:
        """Whether hints and progress are unwanted."""
        return self.verbosity < 0


def call_of(context: "typer.Context") -> CommandCall:
    """Return the call that a command belongs to."""
    found = context.find_root().obj
    assert isinstance(found, CommandCall)
    return found


def note_option(context: "typer.Context", name: str, given: object) -> None:
    """Record one of the options that every command takes, wherever on the line it stood.

    Parameters
    ----------
    context : Context
        The command's context.
    name : str
        Name of the option.
    given : object
        Value that was given.
    """
    call = call_of(context)
    match name, given:
        case "config", Path():
            call.config = given
        case "data_dir", Path():
            call.data_dir = given
        case "json", True:
            call.json = True
        case "quiet", True:
            call.verbosity = -1
        case "verbose", int() if given:
            call.verbosity = given
            from mtum.wiring.secrets import log_to_terminal

            log_to_terminal("info" if given == 1 else "debug", call.environment)
        case _:
            pass
