"""Messages on the terminal's error stream, for a person who watches and for a service's journal."""

import sys
from typing import TextIO

from mtum.errors import NotifyError
from mtum.ports.messages import Message, Urgency


class Console:
    """Writes subject and text; never to standard output, which belongs to results."""

    name = "console"

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def send(self, message: Message) -> None:
        """Write the message: everything of an urgent one, the subject of a report."""
        lines = [f"[{message.urgency.value}] {message.subject}"]
        if message.urgency is not Urgency.REPORT:
            lines += message.text.splitlines()
        stream = self._stream or sys.stderr
        try:
            stream.write("\n".join(lines) + "\n")
            stream.flush()
        except (OSError, ValueError) as error:
            raise NotifyError(f"terminal: {error}") from error
