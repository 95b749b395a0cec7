"""An account of three sleeves and a watched one on a market of four symbols, with a day on which everything happens.

On `BUSY_DAY` core sells AAA while timing buys it (a cross, and the rest to the broker), a limit cuts what timing
wanted, CCC has no bar (timing holds it and cannot decide it), and paper trades with virtual money. On `MONTH_END`
cash moves between the sleeves.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from mtum import config
from mtum.app.reporting.daily_report import daily_report
from mtum.app.reporting.period import Kind
from mtum.app.reporting.report_writer import ReportWriter
from mtum.app.reporting.review import write_review
from mtum.app.session.play_session import Replay, play_session
from mtum.core.market.bars import Bars
from mtum.core.strategies import STRATEGIES
from mtum.wiring import desks
from mtum.wiring.reports import writer_of
from support.practice import sample_market, write_market
from support.scripted import Scripted
from support.three_sleeves import wave

FIRST, LAST = date(2017, 9, 19), date(2018, 1, 3)
BEGIN, BUSY_DAY, MONTH_END = date(2017, 12, 14), date(2017, 12, 20), date(2017, 12, 29)
SLEEVES = ("core", "timing", "trend", "paper")


def _scripted(name: str, weight: float, symbols: str, rows: tuple[tuple[date, str, float], ...], state: str) -> str:
    script = ", ".join(f'{{day = "{day}", symbol = "{symbol}", weight = {part}}}' for day, symbol, part in rows)
    return (
        f'[sleeve.{name}]\nstrategy = "scripted"\nweight = {weight}\nstate = "{state}"\n'
        f"[sleeve.{name}.rules]\nsymbols = {symbols}\nscript = [{script}]\n"
    )


CORE = ((BEGIN, "AAA", 0.9), (BUSY_DAY, "AAA", 0.2), (date(2017, 12, 27), "BBB", 0.3))
TIMING = ((BEGIN, "CCC", 0.2), (BUSY_DAY, "AAA", 0.7))
PAPER = ((date(2017, 12, 15), "BBB", 1.0), (BUSY_DAY, "BBB", 0.3))
SETTINGS = (
    '[market]\nsource = "csv"\n[risk]\nmax_symbol_frac = 0.25\n'
    '[portfolio]\ncapital_usd = 30000\nsleeve_rebalance = "month"\nsleeve_band_frac = 0.01\n'
    + _scripted("core", 0.5, '["AAA", "BBB"]', CORE, "on")
    + _scripted("timing", 0.3, '["AAA", "CCC"]', TIMING, "on")
    + '[sleeve.trend]\nstrategy = "mtum_confluence"\nweight = 0.2\n'
    + _scripted("paper", 0.0, '["BBB"]', PAPER, "watch")
)


@contextmanager
def scripted_known() -> Iterator[None]:
    """Let the settings know the strategy of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Scripted.name, Scripted)
        yield


@contextmanager
def account_days(folder: Path) -> Iterator[tuple[Replay, ReportWriter]]:
    """The desk of the account and what writes its reports, without HTML."""
    if not (folder / "config.toml").exists():
        bars, vix = sample_market(FIRST, LAST)
        third = wave(bars, "CCC", 4.0)
        kept = [third.bar(n) for n in range(len(third)) if third.day(n) != BUSY_DAY]
        market = {"MTUM": bars, "AAA": wave(bars, "AAA", 0.0), "BBB": wave(bars, "BBB", 2.0)}
        write_market(folder / "bars", {**market, "CCC": Bars.of("CCC", "csv", kept)}, vix)
        (folder / "config.toml").write_text(SETTINGS)
    with scripted_known():
        settings = config.load(folder / "config.toml", {}, {})
        with desks.replay_desk(settings, folder, None) as replay:
            desk = replay.desk
            yield replay, writer_of(settings, folder, desk.store, desk.calendar, html=False)


def play_account(folder: Path) -> None:
    """Play and report every session to the end of the month, and review it."""
    with account_days(folder) as (replay, writer):
        while (session := replay.upcoming()) is not None and session.day <= MONTH_END:
            play_session(replay.desk, session)
            daily_report(writer, session.day, replay.desk.clock.now())
        write_review(writer, Kind.MONTH, MONTH_END, replay.desk.clock.now())


def without_hash(text: str) -> str:
    """The text of a report without the hash of the settings, which changes with every setting there is."""
    return re.sub(r"(settings |settings_hash\": \")[0-9a-f]{16}", r"\g<1>0123456789abcdef", text)
