"""A process of its own that checks every bad strategy and prints what was found, by name, as JSON."""

import json
import sys
from datetime import date
from pathlib import Path

from mtum.app.strategies.check import check
from mtum.app.strategies.watch import Watch
from mtum.config import own_strategies, use_strategies

SESSIONS = 12


def ignored(_: date) -> None:
    pass


if __name__ == "__main__":
    use_strategies((Path(sys.argv[1]),))
    watch = Watch()
    found = {name: check(name, {}, watch, ignored, SESSIONS)["findings"] for name in own_strategies()}
    print(json.dumps(found))
