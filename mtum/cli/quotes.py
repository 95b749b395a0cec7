"""`python -m mtum.cli.quotes`: last prices for the dashboard, which loads no vendor's library itself.

It reads a JSON list of symbols a line, answers each symbol with a line, and ends with who asks.
"""

import json
import os
import sys
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

NICENESS = 10


def main() -> int:
    """Answer until stdin is closed."""
    with suppress(OSError):
        os.nice(NICENESS)
    from mtum.cli.context import CommandCall
    from mtum.core.canonical import utc_text
    from mtum.core.market.calendars import NEW_YORK
    from mtum.errors import MtumError, TooManyRequestsError
    from mtum.wiring.resources import calendar_of, source_of, system_clock

    parser = ArgumentParser()
    for name in ("--config", "--data-dir"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    call = CommandCall(config=given.config, data_dir=given.data_dir)
    settings, folder = call.settings(), call.data_folder()
    source, calendar, clock = source_of(settings, folder), calendar_of(settings, folder), system_clock()
    for line in sys.stdin:
        now = clock.now()
        day = now.astimezone(NEW_YORK).date()
        session = calendar.sessions(day, day).get(day)
        for symbol in json.loads(line):
            if session is None:
                break
            try:
                found = source.quote(symbol, session, now)
                told = {"price": found.close, "seen_at": utc_text(found.seen_at), "delayed": found.delayed}
                _tell({"symbol": symbol, **told})
            except TooManyRequestsError as error:
                _tell({"symbol": symbol, "error": str(error)})
                break  # it asks us to wait
            except MtumError as error:
                _tell({"symbol": symbol, "error": str(error)})
        _tell({})
    return 0


def _tell(document: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(document, allow_nan=False)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
