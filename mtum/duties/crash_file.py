"""Where the details of an error nobody foresaw are kept: a file of its own, secrets left out."""

import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path

from mtum.errors import ConfigError


def crash_line(error: Exception, command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Write the details below the data folder, else among temporary files; return the one line that tells of them."""
    told = "".join(traceback.format_exception(error))
    written = _written(without_secrets(f"{command}\n{sys.version}\n\n{told}", environment), folder)
    where = f"details in {written}" if written else "the details could not be written"
    text = without_secrets(" ".join(f"{type(error).__name__}: {error}".split()).rstrip(" :"), environment)
    return f"an error in the program: {text}; {where}"


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """Return the text with every secret of the environment replaced."""
    from mtum.config import SECRETS, secret  # loads the settings' model, which a help page does not need

    for name in SECRETS:
        try:
            hidden = secret(name, environment)
        except ConfigError:
            continue
        text = text.replace(hidden, "***") if hidden else text
    return text


def _written(text: str, folder: Path) -> Path | None:
    for place in (folder / "logs", Path(tempfile.gettempdir())):
        try:
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(prefix="crash-", suffix=".txt", dir=place, delete=False) as file:
                file.write(text.encode(errors="backslashreplace"))  # arguments may hold bytes that are no text
                return Path(file.name)
        except OSError:
            continue
    return None
