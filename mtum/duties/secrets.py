"""Which secrets are in force, and how old are they?"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mtum.adapters.clock import SystemClock
from mtum.config import SECRETS, secret

PREFIX = "MTUM_"


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
    from mtum.adapters.notifiers.apprise_channel import addresses

    found = [text for name in SECRETS if (text := secret(name, environment))]
    return (*found, *addresses(secret("notify.urls", environment)))
