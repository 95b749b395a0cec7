"""Dead-man switch: tells an outside service that a run began and how it ended."""

import logging
from concurrent.futures import Future
from contextvars import copy_context
from http.client import HTTPException
from threading import Thread
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen
from uuid import NAMESPACE_URL, uuid5

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0
TRIES = 2
_LINES = 10


class Ping:
    """Calls a user-set address in the manner of healthchecks.io.

    ``URL/start`` at the beginning, ``URL`` on success, ``URL/fail`` otherwise; ``rid`` ties
    them together. The address is a secret. Nothing here raises or changes an exit code.
    """

    def __init__(self, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._timeout = timeout_seconds

    def started(self, run: str) -> bool:
        """Tell that a run began; whether the service heard it."""
        return self._call("/start", run, "")

    def ended(self, run: str, exit_code: int, text: str) -> bool:
        """Tell how a run ended, with the first lines of a summary; whether the service heard it."""
        body = "\n".join([f"exit {exit_code}", *text.splitlines()[: _LINES - 1]])
        return self._call("" if exit_code == 0 else "/fail", run, body)

    def _call(self, suffix: str, run: str, body: str) -> bool:
        parts = urlsplit(self._url)
        query = "&".join(filter(None, (parts.query, urlencode({"rid": str(uuid5(NAMESPACE_URL, run))}))))
        url = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + suffix, query, ""))
        if parts.scheme not in ("http", "https"):
            log.warning("ping_address_not_understood")
            return False
        heard: Future[bool] = Future()
        # A name look-up and a server that drips its answer are bounded by nothing else; an order may be waiting.
        work = (self._tried, url, body.encode(), heard)
        Thread(target=copy_context().run, args=work, name="ping", daemon=True).start()
        try:
            return heard.result(self._timeout * TRIES)
        except TimeoutError:
            log.warning("ping_given_up", extra={"seconds": self._timeout * TRIES})
            return False

    def _tried(self, url: str, body: bytes, heard: Future[bool]) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                request = Request(url, data=body, headers={"User-Agent": "mtum"})
                with urlopen(request, timeout=self._timeout) as answer:
                    answer.read(1024)
                return heard.set_result(True)
            except (HTTPException, OSError, ValueError) as error:
                log.warning("ping_failed", extra={"attempt": attempt, "error": type(error).__name__})
        return heard.set_result(False)
