"""A port of loopback where nobody listens, and nobody else can begin to."""

import socket
from functools import cache


def closed_port() -> int:
    """Port that refuses every connection for as long as this process lives."""
    port: int = _bound().getsockname()[1]
    return port


@cache
def _bound() -> socket.socket:
    held = socket.socket()
    held.bind(("127.0.0.1", 0))  # taken, but it does not listen
    return held
