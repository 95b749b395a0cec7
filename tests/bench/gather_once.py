"""One session of many symbols and sleeves in a process of its own: seconds of its parts and peak of its memory.

Usage: gather_once.py FOLDER PORT SYMBOLS SLEEVES; the gateway stands 20 minutes before the close.
"""

import json
import resource
import sys
from pathlib import Path
from time import perf_counter

from mtum.app.session.ask_ahead import ask_quotes
from mtum.app.session.decide_and_order import sessions_around
from mtum.app.session.gather import refresh_universe
from mtum.app.session.run_today import run_today
from mtum.wiring import desks
from support.many_bars import DAY
from support.many_symbols import wide_settings


def main(folder: Path, port: int, symbols: int, sleeves: int) -> None:
    with wide_settings(port, symbols, sleeves=sleeves, most=1, history=600) as settings:
        with desks.live_desk(settings, folder, None) as desk:
            desk.broker.connect()
            (session,) = desk.calendar.sessions(DAY, DAY)
            sessions = sessions_around(desk, session)
            began = perf_counter()
            refresh_universe(desk, session, sessions)
            asked = perf_counter()
        # The market stands still meanwhile: a new connection finds it 20 minutes before the close again.
        with desks.live_desk(settings, folder, None) as desk:
            desk.broker.connect()
            before = perf_counter()
            ask_quotes(desk, desk.symbols, (session, sessions, desk.clock.now()))
            quoted = perf_counter()
        with desks.live_desk(settings, folder, None) as desk:
            ended = run_today(desk, None)
            done = perf_counter()
    print(
        json.dumps(
            {
                "histories": asked - began,
                "quotes": quoted - before,
                "run": done - quoted,
                "exit_code": int(ended.exit_code),
                "problems": ended.document["problems"],
                "orders": len(ended.document["orders"]),
                "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
