"""What is answered: a document, and what stands in place of a page or document that could not be made."""

import json
import logging
from hashlib import sha256
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mtum.app.queries.plain import plain
from mtum.errors import ExitCode, MtumError, UsageError
from mtum.web import frame
from mtum.web.documents import Document
from mtum.web.gate import session_of
from mtum.web.registry import PAGES
from mtum.web.site import Site

log = logging.getLogger(__name__)


def answered(request: Request, document: Document, status: int = 200) -> Response:
    """Return a document as JSON; nothing but 304 where the browser has it already.

    Parameters
    ----------
    request : Request
        The browser's request.
    document : Document
        The document, as plain JSON values.
    status : int
        Status of the answer.
    """
    try:
        body = _text(document)
    except ValueError:  # an infinite number stood in the records
        body = _text(plain(document))
    mark = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"etag": mark, "cache-control": "no-cache"}
    if status == 200 and mark in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def _text(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def on_errors(site: Site) -> dict[Any, Any]:
    """Return what is answered to each kind of error: a document below /api, a page elsewhere."""

    def told(request: Request, status: int, document: dict[str, Any], advice: str = "") -> Response:
        path = request.url.path.strip("/")
        if path.startswith("api/") and "text/html" not in request.headers.get("accept", ""):
            return answered(request, document, status)
        words = "; ".join(str(one["text"]) for one in document["problems"])
        known = path in PAGES
        public = site.guard.asks and not site.guard.is_signed_in(session_of(request))
        title = PAGES[path][0] if known else "Not found" if status == 404 else "Refused"
        page = frame.error_page(title, path, None if public else site.ask(request), words, advice)
        return HTMLResponse(page, status, {"cache-control": "no-store"})

    def problem(code: int, text: str) -> dict[str, Any]:
        return {"problems": [{"code": code, "text": text}], "exit_code": code}

    def of_ours(request: Request, error: MtumError) -> Response:
        status = 400 if isinstance(error, UsageError) else 409 if error.exit_code == ExitCode.LOCKED else 503
        return told(request, status, site.records.problem(error), "It is tried again when the page is loaded again.")

    def of_http(request: Request, error: HTTPException) -> Response:
        words = "There is no such page." if error.status_code == 404 else str(error.detail)
        return told(request, error.status_code, problem(ExitCode.USAGE, words))

    def of_the_program(request: Request, error: Exception) -> Response:
        log.error("page_broke", exc_info=error, extra={"path": request.url.path[:200]})
        return told(request, 500, problem(ExitCode.BUG, "An error in the program; the log has its details."))

    return {MtumError: of_ours, HTTPException: of_http, Exception: of_the_program}
