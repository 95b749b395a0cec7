"""Dead-man switch: tells an outside service that a run began and how it ended."""

import logging
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen
from uuid import NAMESPACE_URL, uuid5

from mtum.adapters.clock import retried, within

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

        def call() -> None:
            request = Request(url, data=body.encode(), headers={"User-Agent": "mtum"})
            try:
                with urlopen(request, timeout=self._timeout) as answer:
                    answer.read(1024)
            except HTTPError as refusal:
                refusal.close()  # it holds the connection
                raise

        try:
            # An order may be waiting.
            within(self._timeout * TRIES, "ping", lambda: retried(call, _failed, (0.0,) * (TRIES - 1)))
        except Exception as error:  # noqa: BLE001  # whatever it is: it must not keep the run from going on
            log.warning("ping_given_up", extra={"error": type(error).__name__})
            return False
        return True


def _failed(error: Exception) -> bool:
    log.warning("ping_failed", extra={"error": type(error).__name__})
    return isinstance(error, HTTPException | OSError | ValueError)
