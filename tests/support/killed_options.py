"""Manages a session's option orders on a practice gateway in a process of its own, killed at one of its steps.

python -m support.killed_options FOLDER PORT STRATEGY STEP OCCURRENCE
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from mtum.app.desk import Desk
from mtum.app.options.manage_options import manage_options
from mtum.ports.records import CashMovement
from mtum.wiring import desks
from support.gateway import ACCOUNT
from support.option_gateway import DAY, year_of_sessions
from support.practice import settings_of
from support.values import replace


@dataclass
class KillAtStep:
    """Kills its own process when a step is reached for the n-th time."""

    step: str
    left: int

    def begin(self, run_id: int) -> None:
        pass

    def reached(self, step: str) -> None:
        self.left -= step == self.step
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def paper_desk(port: int, folder: Path, strategy: str) -> Iterator[Desk]:
    """A paper desk on the gateway, connected, with 90,000 USD in the sleeve."""
    settings = settings_of(
        mode="paper",
        broker__account=ACCOUNT,
        broker__port=port,
        broker__connect_seconds=20,
        broker__request_seconds=10,
        market__source="ib",
        portfolio__strategy=strategy,
        portfolio__capital_usd=90000,
        options__level=3,
    )
    with desks.live_desk(settings, folder, None) as desk:
        desk.broker.connect()
        paid = CashMovement(f"capital:{strategy}", strategy, DAY, "capital", Decimal(90_000))
        desk.store.ledger.move_cash([paid])
        try:
            yield desk
        finally:
            desk.broker.close()


if __name__ == "__main__":
    folder, port, strategy, step, occurrence = sys.argv[1:]
    session = year_of_sessions().get(DAY)
    assert session is not None
    with paper_desk(int(port), Path(folder), strategy) as opened:
        manage_options(replace(opened, journal=KillAtStep(step, int(occurrence))), session)
