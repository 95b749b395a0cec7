"""How old are the secrets? Files tell; variables do not."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mtum.adapters.clock import SystemClock
from mtum.config import SECRETS, secret

PREFIX = "MTUM_"


def secret_days(environment: Mapping[str, str]) -> Mapping[str, int | None]:
    """Return the days since each secret in use was changed; None where nobody can tell."""
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
