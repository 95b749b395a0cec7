"""An account of three sleeves on a market of three symbols: one holds, one rotates, one keeps to the rules of MTUM."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtum import config
from mtum.app.session.play_session import Replay, play_session
from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.strategies import STRATEGIES
from mtum.ports.time import Journal
from mtum.wiring import desks
from support.practice import sample_market, write_market
from support.rotation import Rotation

FIRST, LAST = date(2017, 9, 1), date(2018, 3, 29)
NAMES = ("core", "timing", "switch")
SETTINGS = """
[market]
source = "csv"
[portfolio]
capital_usd = 30000
[sleeve.core]
strategy = "buy_and_hold"
weight = 0.5
[sleeve.core.rules]
symbol = "AAA"
[sleeve.timing]
strategy = "mtum_confluence"
weight = 0.3
[sleeve.switch]
strategy = "rotation"
weight = 0.2
[sleeve.switch.rules]
symbols = ["AAA", "BBB"]
"""


def wave(bars: Bars, symbol: str, phase: float) -> Bars:
    """The same sessions, one price a day on a wave of 5 USD around 50."""
    prices = np.round(50.0 + 5.0 * np.sin(np.arange(len(bars)) / 4.0 + phase), 2)
    return Bars.from_columns(symbol, "csv", bars.days, {**dict.fromkeys(PRICE_COLUMNS, prices), "volume": bars.volume})


def write_three(folder: Path) -> None:
    """Write the market and the settings of the account."""
    bars, vix = sample_market(FIRST, LAST)
    market = {"MTUM": bars, "AAA": wave(bars, "AAA", 0.0), "BBB": wave(bars, "BBB", 2.0)}
    write_market(folder / "bars", market, vix)
    (folder / "config.toml").write_text(SETTINGS)


@contextmanager
def with_rotation() -> Iterator[None]:
    """Let the settings know the strategy of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Rotation.name, Rotation)
        yield


@contextmanager
def account_in(folder: Path, journal: Journal | None = None, changes: dict[str, Any] | None = None) -> Iterator[Replay]:
    """The desk of the account."""
    with with_rotation():
        settings = config.load(folder / "config.toml", {}, changes or {})
        with desks.replay_desk(settings, folder, journal) as replay:
            yield replay


def played(replay: Replay, count: int) -> list[dict[str, Any]]:
    """The documents of the next sessions."""
    documents = []
    for _ in range(count):
        session = replay.upcoming()
        assert session is not None
        documents.append(play_session(replay.desk, session).document)
    return documents
