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
    from mtum.errors import MtumError
    from mtum.wiring.last_prices import last_prices_of

    parser = ArgumentParser()
    for name in ("--config", "--data-dir"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    call = CommandCall(config=given.config, data_dir=given.data_dir)
    with last_prices_of(call.settings(), call.data_folder()) as ask:
        for line in sys.stdin:
            try:
                for symbol, told in ask(json.loads(line)):
                    if isinstance(told, MtumError):
                        _tell({"symbol": symbol, "error": str(told)})
                    else:
                        marks = {"delayed": told.delayed, "halted": told.halted}
                        _tell({"symbol": symbol, "price": told.price, "seen_at": utc_text(told.seen_at), **marks})
            except MtumError as error:
                _tell({"error": str(error)})
            _tell({})
    return 0


def _tell(document: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(document, allow_nan=False)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
