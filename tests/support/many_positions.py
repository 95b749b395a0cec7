"""One sleeve of a thousand symbols that has played a session, and as many positions as asked for."""

from pathlib import Path

import pytest

from mtum import config
from mtum.app.ledger.sleeve_records import write_lots
from mtum.app.session.play_session import play_session
from mtum.core.portfolio.orders import OrderStatus
from mtum.core.strategies import STRATEGIES
from mtum.ports.records import Observed
from mtum.wiring import desks
from support.markets import made_up_bars
from support.practice import write_market
from support.scripted import Scripted
from support.store import fill, intent

NAMES = [f"S{number:04}" for number in range(1_000)]
SETTINGS = f"""
[market]
source = "csv"
[portfolio]
capital_usd = 5000000
[sleeve.all]
strategy = "scripted"
weight = 1.0
[sleeve.all.rules]
symbols = {NAMES}
"""


def write_positions(folder: Path, positions: int) -> None:
    """Play the first session of an installation, and write so many purchases of ten shares beside it."""
    bars = {name: made_up_bars(4, number, name) for number, name in enumerate(NAMES)}
    write_market(folder / "data" / "bars", bars)
    (folder / "config.toml").write_text(SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Scripted.name, Scripted)
        settings = config.load(folder / "config.toml", {}, {})
        with desks.replay_desk(settings, folder / "data", None) as replay:
            session, store = replay.upcoming(), replay.desk.store
            assert session is not None
            assert play_session(replay.desk, session).exit_code == 0
            for name in NAMES[:positions]:
                order = intent(session.day, shares=10, symbol=name, strategy="all")
                store.orders.add_intent(order, session.close)
                store.orders.add_fills([fill(order, f"{order.id}.01", 10, "60", "1")])
                store.orders.move_order(order.id, OrderStatus.FILLED, session.close, Observed(filled=10))
            write_lots(store)
