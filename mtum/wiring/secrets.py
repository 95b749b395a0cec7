"""Which secrets are in force, how old are they, and what keeps them out of logs and crash files?"""

import sys
import tempfile
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mtum.adapters import logs
from mtum.adapters.clock import SystemClock
from mtum.adapters.notifiers.apprise_channel import addresses
from mtum.config import SECRETS, Settings, current_environment, secret
from mtum.errors import ConfigError

PREFIX = "MTUM_"
LOGS_NAME = "logs"


def secret_days(environment: Mapping[str, str]) -> Mapping[str, int | None]:
    """Return the days since each secret in use was changed; None where nobody can tell: files do, variables do not."""
    found: dict[str, int | None] = {}
    for name in SECRETS:
        variable = PREFIX + name.upper().replace(".", "__")
        file = environment.get(f"{variable}_FILE")
        if file:
            found[name] = _days(Path(file))
        elif secret(name, environment):
            found[name] = None
    return found


def _days(file: Path) -> int | None:
    try:
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        return None
    return (SystemClock().now() - changed).days


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return every secret in force, to be kept out of logs; parts of address lists too."""
    found = [text for name in SECRETS if (text := secret(name, environment))]
    return (*found, *addresses(secret("notify.urls", environment)))


def log_to_terminal(level: str, environment: Mapping[str, str]) -> None:
    """Show what is logged from that level on; secrets are left out."""
    logs.to_terminal(level, secrets_of(environment))


def set_up_logs(settings: Settings, data_dir: Path, terminal: str | None = "warning") -> None:
    """Log to the folder and to the terminal, secrets left out.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    terminal : str or None
        Least level that the terminal shows; None for no terminal.
    """
    logs.set_up(data_dir / LOGS_NAME, settings.storage.log_level, secrets_of(current_environment()), terminal=terminal)


def crash_line(error: Exception, command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Write the details below the data folder, else among temporary files; return the one line that tells of them.

    Parameters
    ----------
    error : Exception
        What was raised.
    command : str
        The command line, without its secrets.
    folder : Path
        The data folder.
    environment : mapping of str to str
        Environment variables.
    """
    told = "".join(traceback.format_exception(error))
    written = _written(without_secrets(f"{command}\n{sys.version}\n\n{told}", environment), folder)
    where = f"details in {written}" if written else "the details could not be written"
    text = without_secrets(" ".join(f"{type(error).__name__}: {error}".split()).rstrip(" :"), environment)
    return f"an error in the program: {text}; {where}"


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """Return the text with every secret of the environment replaced."""
    for name in SECRETS:
        try:
            hidden = secret(name, environment)
        except ConfigError:
            continue
        text = text.replace(hidden, "***") if hidden else text
    return text


def _written(text: str, folder: Path) -> Path | None:
    for place in (folder / LOGS_NAME, Path(tempfile.gettempdir())):
        try:
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(prefix="crash-", suffix=".txt", dir=place, delete=False) as file:
                file.write(text.encode(errors="backslashreplace"))  # arguments may hold bytes that are no text
                return Path(file.name)
        except OSError:
            continue
    return None
