"""An outside service that alarms when a run did not happen."""

from typing import Protocol


class DeadMan(Protocol):
    """Told of the beginning and the end of a run; never raises and never changes an outcome."""

    def started(self, run: str) -> bool:
        """Tell that a run began; whether the service heard it."""
        ...

    def ended(self, run: str, exit_code: int, text: str) -> bool:
        """Tell how a run ended, with a short summary; whether the service heard it."""
        ...
