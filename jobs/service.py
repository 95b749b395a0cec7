"""Telling systemd how the process is: one datagram per word, no library."""

import os
import socket


def notify(words: str) -> bool:
    """Send ``READY=1``, ``WATCHDOG=1``, ``STOPPING=1`` or ``STATUS=...``; whether somebody listens.

    Nothing is raised: where there is no systemd there is nobody to tell.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address[0] == "@":
        address = "\0" + address[1:]  # a name in the abstract space
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(1.0)
            line.sendto(words.encode(), address)
    except OSError:
        return False
    return True


def watchdog_seconds() -> float | None:
    """Return how often systemd wants to hear from the process (half its limit), None if never."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    meant_for = os.environ.get("WATCHDOG_PID", "")
    if not limit.isdigit() or (meant_for and meant_for != str(os.getpid())):
        return None
    return int(limit) / 1_000_000 / 2
