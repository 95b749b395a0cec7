"""Who may ask: names and origins believed, the password, the tokens of forms, and the headers of every answer."""

import hmac
import secrets
from collections.abc import Mapping
from hashlib import scrypt, sha256
from threading import Lock
from time import monotonic

from msgspec import Struct, field

SESSION, VISIT = "mtum_session", "mtum_visit"
"""Cookies: of who has given the password, and of a browser."""
SIGNED_IN_SECONDS = 12 * 3600.0
FREE_TRIES = 5
"""Wrong passwords in a row before the next one has to wait."""
LONGEST_WAIT_SECONDS = 900.0
MOST_ADDRESSES = 4096
"""Addresses whose wrong passwords are counted; of more than that all are counted as one."""
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; connect-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-frame-options": "DENY",
}
"""Of every answer."""


def _hashed(password: str, salt: bytes) -> bytes:
    return scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


class _Wrong(Struct):
    """Wrong passwords of one address in a row, and when the next may be tried."""

    count: int = 0
    until: float = 0.0


class Guard(Struct):
    """What one server believes; safe for several threads.

    Parameters
    ----------
    names : frozenset of str
        Host names that a request may call the server by, in small letters.
    password : str
        Empty for none; only its hash is kept.
    secure : bool
        Whether browsers speak TLS with it, so that cookies go no other way.
    """

    names: frozenset[str]
    password: str = ""
    secure: bool = False
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _hash: bytes = b""
    _sessions: dict[str, float] = field(default_factory=dict)
    _wrong: dict[str, _Wrong] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._hash = _hashed(self.password, self._salt) if self.password else b""
        self.password = ""

    @property
    def asks(self) -> bool:
        """Whether a password is set."""
        return bool(self._hash)

    def knows(self, host: str) -> bool:
        """Return whether a Host header calls the server by a name of its own: no page elsewhere can rebind one."""
        return _name(host) in self.names

    def is_own(self, origin: str | None, host: str, site: str | None) -> bool:
        """Return whether a form was sent by a page of this server.

        Pages that send no referrer send forms of the origin "null"; `site`, which no page can set, then tells.

        Parameters
        ----------
        origin : str or None
            What the browser says the form comes from; None for nothing.
        host : str
            Name that the browser asked for.
        site : str or None
            The browser's own word on where the form comes from; None for none.
        """
        if origin == "null":
            return site == "same-origin"
        return origin in (f"http://{host}", f"https://{host}") and self.knows(host)

    def token(self, visit: str) -> str:
        """Return what a form of this browser carries; another site cannot know it."""
        return hmac.new(self._key, visit.encode(), sha256).hexdigest()

    def is_token(self, visit: str, given: str) -> bool:
        """Return whether a form carries the token of its browser."""
        return bool(visit) and hmac.compare_digest(self.token(visit).encode(), given.encode())

    def wait_seconds(self, address: str) -> float:
        """Return how long an address has to wait before its next password is looked at."""
        with self._lock:
            return max(0.0, self._counted(address).until - monotonic())

    def sign_in(self, address: str, given: str) -> str | None:
        """Return a new session for the right password, None for a wrong one; each wrong one makes the next wait."""
        with self._lock:  # one at a time: hashing costs memory on purpose
            wrong = self._counted(address)
            if wrong.until > monotonic():
                return None
            if hmac.compare_digest(_hashed(given[:1024], self._salt), self._hash):
                self._wrong.pop(address, None)
                now = monotonic()
                self._sessions = {key: end for key, end in self._sessions.items() if end > now}
                found = secrets.token_urlsafe(32)
                self._sessions[sha256(found.encode()).hexdigest()] = now + SIGNED_IN_SECONDS
                return found
            wrong.count += 1
            if wrong.count >= FREE_TRIES:
                wrong.until = monotonic() + min(2.0 ** (wrong.count - FREE_TRIES), LONGEST_WAIT_SECONDS)
            return None

    def is_signed_in(self, session: str) -> bool:
        """Return whether that is a session which a password began."""
        end = self._sessions.get(sha256(session.encode()).hexdigest())
        return end is not None and end > monotonic()

    def sign_out(self, session: str) -> None:
        """End a session."""
        self._sessions.pop(sha256(session.encode()).hexdigest(), None)

    def _counted(self, address: str) -> _Wrong:
        if address not in self._wrong and len(self._wrong) >= MOST_ADDRESSES:
            address = ""
        return self._wrong.setdefault(address, _Wrong())


def _name(host: str) -> str:
    # [::1]:8080 and localhost:8080, without the port.
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower().rstrip(".")


def own_names(host: str, further: tuple[str, ...]) -> frozenset[str]:
    """Return the names a server that listens on `host` is called by."""
    every = {"127.0.0.1", "localhost", "[::1]", *further}
    if host not in ("0.0.0.0", "::", ""):  # any address is no name
        every.add(f"[{host}]" if ":" in host else host)
    return frozenset(one.lower().rstrip(".") for one in every)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    return host in ("localhost", "::1") or host.startswith("127.")


def cookies_in(header: str) -> Mapping[str, str]:
    """Return the cookies of a request."""
    found = {}
    for part in header.split(";"):
        name, _, text = part.strip().partition("=")
        if name and name not in found:
            found[name] = text
    return found
