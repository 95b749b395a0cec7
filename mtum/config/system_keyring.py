"""Secrets from the system's keyring, where the package keyring is installed and something is kept."""

import logging
from threading import Thread

log = logging.getLogger(__name__)

SERVICE = "mtum"
"""Service name of every entry; the user name is the setting: ``keyring set mtum mail.password``."""
WAIT_SECONDS = 5.0
"""A locked keyring may ask a person who is not there."""


def kept_secret(name: str, wait_seconds: float = WAIT_SECONDS) -> str | None:
    """Return the secret kept under a setting's name; None without package, keyring, entry or answer in time."""
    try:
        import keyring
    except ImportError:
        return None
    found: list[str | None] = []

    def ask() -> None:
        try:
            found.append(keyring.get_password(SERVICE, name))
        except Exception as error:  # noqa: BLE001  # no keyring, locked, or a desktop's plugin: all mean "not set"
            log.info("keyring_not_usable", extra={"error": type(error).__name__})

    # A thread of its own: nothing else bounds how long a desktop's service takes to answer.
    asking = Thread(target=ask, name="keyring", daemon=True)
    asking.start()
    asking.join(wait_seconds)
    if asking.is_alive():
        log.warning("keyring_silent", extra={"seconds": wait_seconds})
    return found[0] or None if found else None
