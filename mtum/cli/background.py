"""`python -m mtum.cli.background WORDS`: a command that the dashboard started.

It tells its steps as lines of JSON on stderr, and ends with who started it. A person waits for whether it can be
carried out at all; from its first step on it has the lowest priority.
"""

import json
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

LOWEST = 19
"""Niceness: whatever else wants the processor has it first."""
STEPS = "mtum.app.research.steps"


def main(words: Sequence[str]) -> int:
    """Carry out a command and tell, as the last line, its number in the research file or what went wrong."""
    with suppress(OSError):
        # Where memory runs out, it is what the system ends first: before the dashboard, and before a job that orders.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    Thread(target=_end_with_who_asked, daemon=True).start()
    from mtum.cli.app import main_command
    from mtum.cli.context import CommandCall
    from mtum.cli.frame import answer_of

    logging.basicConfig(handlers=[logging.NullHandler()])
    steps = logging.getLogger(STEPS)
    steps.setLevel(logging.INFO)
    steps.addHandler(_Lines())
    # Its words stay those a person would type to make the result again.
    call = CommandCall(words=tuple(words), json=True)
    answer = answer_of(main_command(), words, call)
    if answer is None:
        return 1
    told = answer.document.get("problems") or [{"text": one.text} for one in answer.problems]
    _tell({"id": answer.document.get("id"), "problems": [str(one["text"]) for one in told] if answer.exit_code else []})
    return int(answer.exit_code)


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Write one step as a line; with the first one the work begins, and the priority ends."""
        if os.getpriority(os.PRIO_PROCESS, 0) < LOWEST:
            with suppress(OSError):
                os.nice(LOWEST)
        _tell({name: getattr(record, name) for name in ("step", "done", "total")})


def _tell(document: dict[str, Any]) -> None:
    sys.stderr.write(f"{json.dumps(document, allow_nan=False)}\n")
    sys.stderr.flush()


def _end_with_who_asked() -> None:
    # The other end of stdin is closed by the system however that process ends.
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
