"""How much market data a login may ask for: quotes at once, and history requests within a time.

The broker counts quotes in lines, whatever kind they are. Of history it refuses more than 50 requests at once.
For bars of 30 seconds or less it also refuses a request repeated within 15 seconds, a sixth one within 2 seconds
for the same contract, exchange and kind, and a 61st within ten minutes, where bid and ask count twice. Requests for
larger bars are only slowed down; here each beyond the 60th in ten minutes takes twice as long as the others.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from msgspec import Struct, field

from mtum.gateway.requests import Request

AT_ONCE = 50
REPEAT_SECONDS = 15.0
SAME_CONTRACT, SAME_CONTRACT_SECONDS = 6, 2.0
MOST, MOST_SECONDS = 60, 600.0
SMALL_BARS = {"1 secs": 1, "5 secs": 5, "10 secs": 10, "15 secs": 15, "30 secs": 30}
"""Bar sizes under the strict rules, in seconds."""

type _Key = tuple[str, ...]


class HistoryPacing(Struct):
    """The history requests of all clients of a login: those in the air, and those of the last ten minutes."""

    in_the_air: dict[tuple[int, int], asyncio.TimerHandle] = field(default_factory=dict)
    _small: deque[tuple[float, _Key, _Key]] = field(default_factory=deque)
    _large: deque[float] = field(default_factory=deque)

    def refusal(self, request: Request, now: float) -> str | None:
        """Count a request; return why it is refused, None if it is not.

        Parameters
        ----------
        now : float
            Real seconds from any fixed point.
        """
        if len(self.in_the_air) >= AT_ONCE:
            return f"only {AT_ONCE} simultaneous historical data requests are allowed"
        if request.text("barSize") not in SMALL_BARS:
            return None
        asked = tuple(text for name, text in request.values.items() if name != "reqId")
        kind = tuple(request.text(name) for name in ("conId", "symbol", "exchange", "whatToShow"))
        while self._small and self._small[0][0] <= now - MOST_SECONDS:
            self._small.popleft()
        lately = [(at, before, same) for at, before, same in self._small if at > now - REPEAT_SECONDS]
        if any(before == asked for _, before, _ in lately):
            return f"an identical request within {REPEAT_SECONDS:g} seconds"
        if sum(same == kind and at > now - SAME_CONTRACT_SECONDS for at, _, same in lately) >= SAME_CONTRACT - 1:
            return f"{SAME_CONTRACT} requests for the same contract within {SAME_CONTRACT_SECONDS:g} seconds"
        weight = 2 if request.text("whatToShow") == "BID_ASK" else 1
        if len(self._small) + weight > MOST:
            return f"more than {MOST} requests within {MOST_SECONDS / 60:g} minutes"
        self._small.extend([(now, asked, kind)] * weight)
        return None

    def answer(self, key: tuple[int, int], seconds: float, now: float, send: Callable[[], None]) -> None:
        """Send an answer after so many real seconds of work, at once after none.

        Parameters
        ----------
        key : client id, request id
            By which `cancel` knows the request.
        seconds : float
            Real time that the work takes, seconds.
        now : float
            Real time, seconds.
        send : callable
            Sends the answer.
        """
        while self._large and self._large[0] <= now - MOST_SECONDS:
            self._large.popleft()
        self._large.append(now)
        if not seconds:
            send()
            return

        def done() -> None:
            self.in_the_air.pop(key, None)
            send()

        slowed = seconds * (1 if len(self._large) <= MOST else 2)
        self.in_the_air[key] = asyncio.get_running_loop().call_later(slowed, done)

    def cancel(self, key: tuple[int, int]) -> None:
        """Answer a request no more."""
        if key in self.in_the_air:
            self.in_the_air.pop(key).cancel()
