# mypy: ignore-errors
"""Strategies that break one rule each, as a person might write them; one file of them, loaded as a person's own is."""

import os
import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import numpy as np

from mtum.core.strategies.columns import Allocation
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target
from mtum.core.strategies.description import IndicatorSpec

EMA = IndicatorSpec("line", "ema", (("sessions", 20),))
SEEN: list[float] = []


@dataclass(frozen=True)
class _Fine(Strategy):
    REASONS: ClassVar = {"because": "it was to be", "hold": ""}
    symbol: str = field(default="AAA", metadata={"doc": "what is traded"})
    sessions: int = field(default=10, metadata={"doc": "sessions looked at"})

    def universe(self):
        return (self.symbol,)

    def history_sessions(self):
        return self.sessions

    def problems(self):
        wrong = () if self.symbol and self.symbol == self.symbol.upper() else ("symbol: use a ticker",)
        return wrong if 2 <= self.sessions <= 500 else (*wrong, "sessions: use 2 to 500")

    def weight(self, view, own):
        return float(view.bars[self.symbol].close[-1] > view.bars[self.symbol].close[-self.sessions])

    def verdicts(self, view, own: Own):
        return (SymbolVerdict(self.symbol, Target(self.weight(view, own)), ("because",), (), {}),)


@dataclass(frozen=True)
class Fine(_Fine):
    name: ClassVar[str] = "fine"


@dataclass(frozen=True)
class LooksAhead(_Fine):
    name: ClassVar[str] = "looks_ahead"

    def weight(self, view, own):
        now = view.bars[self.symbol].close
        whole = now.base
        return float(whole[np.flatnonzero(whole == now[-1])[-1] + 1] > now[-1])


@dataclass(frozen=True)
class ReadsTheClock(_Fine):
    name: ClassVar[str] = "reads_the_clock"

    def weight(self, view, own):
        return float(getattr(datetime, "no" + "w")().year > 2000)


@dataclass(frozen=True)
class AsksTheTime(_Fine):
    name: ClassVar[str] = "asks_the_time"

    def weight(self, view, own):
        return float(getattr(time, "ti" + "me")() > 0)


@dataclass(frozen=True)
class ReadsAFile(_Fine):
    name: ClassVar[str] = "reads_a_file"

    def weight(self, view, own):
        return float(len(Path(__file__).read_text()) > 0)


@dataclass(frozen=True)
class LooksForAFile(_Fine):
    name: ClassVar[str] = "looks_for_a_file"

    def weight(self, view, own):
        return float(os.path.exists("/tmp"))


@dataclass(frozen=True)
class ReadsTheEnvironment(_Fine):
    name: ClassVar[str] = "reads_the_environment"

    def weight(self, view, own):
        return float(os.environ.get("HOME", "") != "x")


@dataclass(frozen=True)
class Connects(_Fine):
    name: ClassVar[str] = "connects"

    def weight(self, view, own):
        import socket

        with socket.socket(socket.AF_UNIX) as line:
            line.connect_ex("/nowhere")
        return 1.0


@dataclass(frozen=True)
class DrawsLots(_Fine):
    name: ClassVar[str] = "draws_lots"

    def weight(self, view, own):
        return float(random.random() > 2)


@dataclass(frozen=True)
class DrawsWithNumpy(_Fine):
    name: ClassVar[str] = "draws_with_numpy"

    def weight(self, view, own):
        return round(float(np.random.default_rng().random()), 6)


@dataclass(frozen=True)
class Remembers(_Fine):
    name: ClassVar[str] = "remembers"

    def weight(self, view, own):
        SEEN.append(float(view.bars[self.symbol].close[-1]))
        return 1.0 if len(SEEN) > 30 else 0.0


@dataclass(frozen=True)
class Writes(_Fine):
    name: ClassVar[str] = "writes"

    def weight(self, view, own):
        own.memory["x"] = 1.0
        return 1.0


@dataclass(frozen=True)
class WritesBars(_Fine):
    name: ClassVar[str] = "writes_bars"

    def weight(self, view, own):
        view.bars[self.symbol].close[-1] = 1.0
        return 1.0


@dataclass(frozen=True)
class Seeded(_Fine):
    name: ClassVar[str] = "seeded"

    def history_sessions(self):
        return 25

    def indicators(self):
        return (EMA,)

    def verdicts(self, view, own):
        line = view.newest(self.symbol, EMA)
        rises = float(line is not None and view.bars[self.symbol].close[-1] > line)
        return (SymbolVerdict(self.symbol, Target(rises), ("because",), (), {"line": line}),)


@dataclass(frozen=True)
class CountsBars(_Fine):
    name: ClassVar[str] = "counts_bars"

    def weight(self, view, own):
        return 1.0 / len(view.bars[self.symbol])


@dataclass(frozen=True)
class HasNoReason(_Fine):
    name: ClassVar[str] = "has_no_reason"

    def verdicts(self, view, own):
        return (SymbolVerdict(self.symbol, Keep(), (), (), {}),)


@dataclass(frozen=True)
class HasNoWords(_Fine):
    name: ClassVar[str] = "has_no_words"

    def verdicts(self, view, own):
        return (SymbolVerdict(self.symbol, Keep(), ("whim",), (), {}),)


@dataclass(frozen=True)
class Raises(_Fine):
    name: ClassVar[str] = "raises"

    def weight(self, view, own):
        return float(1 / (view.session.day - 15))


@dataclass(frozen=True)
class Leaves(_Fine):
    name: ClassVar[str] = "leaves"

    def weight(self, view, own):
        raise SystemExit(3)


@dataclass(frozen=True)
class Answers(_Fine):
    name: ClassVar[str] = "answers"

    def verdicts(self, view, own):
        return {"AAA": 1.0}


@dataclass(frozen=True)
class TakesAnything(_Fine):
    name: ClassVar[str] = "takes_anything"

    def problems(self):
        return ()


@dataclass(frozen=True)
class OtherInColumns(_Fine):
    """Reads the prepared columns of a backtest, which the daily job does not have."""

    name: ClassVar[str] = "other_in_columns"

    def indicators(self):
        return (EMA,)

    def history_sessions(self):
        return 300

    def weight(self, view, own):
        return 1.0 if view.columns else 0.5


@dataclass(frozen=True)
class OtherAtOnce(_Fine):
    name: ClassVar[str] = "other_at_once"

    def verdicts(self, view, own: Own):
        return (SymbolVerdict(self.symbol, Target(0.5), ("because",), (), {}),)

    def column_form(self, market):
        always, words = np.zeros(len(market.days), dtype=np.int64), np.zeros((3, 1, 1), dtype=np.int64)
        return Allocation(always, np.full((1, 1), 0.25), words, (("because",),))
