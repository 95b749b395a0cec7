"""Settings that name a person, a machine or a place in the web: what they may look like."""

import re
from typing import Annotated

from mtum.config.scalars import Judged


def _address(given: str) -> str:
    from email.utils import getaddresses  # only who is sent mail has an address

    # "mtum <mtum@example.org>" is an address with a name.
    listed = getaddresses([given])
    found = listed[0][1] if len(listed) == 1 else ""  # of two addresses some Pythons read the first
    if (given and not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", found)) or any(ord(letter) < 32 for letter in given):
        raise ValueError("an address such as owner@example.org is needed")
    return given


def _recipient(given: str) -> str:
    if not given:
        raise ValueError("an address such as owner@example.org is needed")
    return _address(given)


def web_address(given: str) -> str:
    """Return an http or https address, or nothing, as it was given.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    from urllib.parse import urlsplit  # loads what knows of numbers of machines, and most settings name no address

    try:
        parts = urlsplit(given)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if given and (not sound or re.search(r"\s", given)):
        raise ValueError("an address such as https://example.org/path is needed")
    return given


def _host(given: str) -> str:
    if given and not re.fullmatch(r"[\w.-]+|[0-9A-Fa-f:.]+(%\w+)?", given):
        raise ValueError("the name or the number of a machine is needed, without port and protocol")
    return given


Address = Annotated[str, Judged(_address)]
Recipient = Annotated[str, Judged(_recipient)]
Host = Annotated[str, Judged(_host)]
WebAddress = Annotated[str, Judged(web_address)]
