"""What the addresses of one server share, and what is taken from a form that a browser sends."""

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mtum.web.frame import Ask
from mtum.web.gate import session_of, visit_of
from mtum.web.guard import Guard
from mtum.web.records import Records

LONGEST_FORM = 16_384
"""Bytes of a form."""
FORM_SECONDS = 10.0
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Site(Struct, frozen=True):
    """What the addresses of one server share.

    Parameters
    ----------
    behind_proxy : bool
        Whether a proxy in front says where a request came from.
    """

    records: Records
    guard: Guard
    behind_proxy: bool = False

    def ask(self, request: Request) -> Ask:
        """Return what a page is asked, and whether its forms may be sent."""
        signed_in = self.guard.is_signed_in(session_of(request))
        barred = self.records.settings.mode == "live" and not signed_in
        why = "In live mode the dashboard is read-only until MTUM_WEB__PASSWORD is set." if barred else ""
        token = self.guard.token(visit_of(request))
        return Ask(self.records, dict(request.query_params), token, not barred, why, signed_in)


async def form_of(site: Site, request: Request) -> Mapping[str, str]:
    """Return the fields of a form that carries the token of its browser.

    Raises
    ------
    HTTPException
        If it is too long, too slow, carries no token or holds what is no text.
    """
    body = b""
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > LONGEST_FORM:
                    raise HTTPException(413, "the form is too long")
    except TimeoutError:
        raise HTTPException(408, "the form took too long") from None
    try:
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise HTTPException(400, "the form has more fields than any page here") from None
    given = request.headers.get("x-mtum-token") or form.get("token", "")
    if not site.guard.is_token(visit_of(request), given):
        raise HTTPException(403, "the form is not one of this page; load the page again")
    if no_text := next((name for name, text in form.items() if _NO_TEXT.search(f"{name}{text}")), None):
        raise HTTPException(400, f"{no_text[:40]!r} holds a control character; write it without")
    return form
