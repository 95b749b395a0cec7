"""What a source was asked ahead of time and has answered (ports.market_data.AsksAhead)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mtum.errors import MtumError, SourceUnavailableError
from mtum.ports.market_data import Call


class Ahead:
    """Answers, and errors for answers, each handed out once."""

    def __init__(self) -> None:
        self._came: dict[Call, Any] = {}

    def keep(self, source: str, calls: Sequence[Call], came: Mapping[int, Any], seconds: float) -> None:
        """Keep what came of calls, by position; nothing that was kept before.

        Parameters
        ----------
        seconds : float
            How long it was waited for what has not come.
        """
        self._came = {
            call: came[at]
            if at in came
            else SourceUnavailableError(
                f"{call.arguments[0]}: not gathered in time: no answer of {source} in {seconds:.0f} s"
            )
            for at, call in enumerate(calls)
        }

    def answer[T](self, call: Call, ask: Callable[[], T]) -> T:
        """Return what came of a call, or ask; raise the error that came."""
        if call not in self._came:
            return ask()
        found: T | MtumError = self._came.pop(call)
        if isinstance(found, MtumError):
            raise found
        return found
