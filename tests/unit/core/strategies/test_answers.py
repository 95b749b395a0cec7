"""What a strategy does instead of answering is one kind of error, its own; a person's Ctrl-C is none."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from mtum.core.strategies.answers import verdicts_of
from mtum.core.strategies.contract import Condition, Keep, Own, Price, Shares, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView
from mtum.errors import StrategyError
from support.markets import made_up_bars

BARS = made_up_bars(5, 1)
VIEW = MarketView(BARS.last_day, {"AAA": BARS}, {}, {})


@dataclass(frozen=True)
class Doing(Strategy):
    name: ClassVar[str] = "doing"
    what: Callable[[], Any]

    def universe(self) -> tuple[str, ...]:
        return ("AAA",)

    def history_sessions(self) -> int:
        return 1

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        found: tuple[SymbolVerdict, ...] = self.what()
        return found


HALF: Any = np.float32(0.5)
TWO: Any = 2.0
TRUE: Any = np.bool_(True)


def said(verdict: Any = None, reasons: Any = ("why",), **more: Any) -> tuple[SymbolVerdict, ...]:
    given: dict[str, Any] = {"conditions": (), "indicators": {}, **more}
    return (SymbolVerdict("AAA", Keep() if verdict is None else verdict, reasons, **given),)


def raising(error: BaseException) -> Callable[[], Any]:
    def work() -> Any:
        raise error

    return work


@pytest.mark.parametrize(
    "error", [ValueError("boom"), SystemExit(0), KeyboardInterrupt(), GeneratorExit(), RecursionError("deep")]
)
def test_whatever_it_raises_is_told_with_its_name_and_the_session(error: BaseException) -> None:
    with pytest.raises(StrategyError) as caught:
        verdicts_of(Doing(raising(error)), VIEW, Own())
    assert str(caught.value).startswith(f"doing at {BARS.last_day}: {type(error).__name__}")


def test_ctrl_c_while_it_decides_is_the_persons() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            verdicts_of(Doing(lambda: signal.raise_signal(signal.SIGINT)), VIEW, Own())
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "TypeError: 'NoneType' object is not iterable"),
        (["buy"], "answered 'buy'; a tuple of SymbolVerdict is needed"),
        (said("buy"), "verdict 'buy'; Target, Shares, Keep or Abstain is needed"),
        (said(Target(float("nan"))), "Target(nan)"),
        (said(Target(-0.1)), "Target(-0.1); a number from 0 to 1 is needed"),
        (said(Target(HALF)), "Target(np.float32(0.5))"),
        (said(Target(True)), "Target(True)"),
        (said(Shares(TWO)), "Shares(2.0); a whole number from 0 is needed"),
        (said(Shares(-1)), "Shares(-1)"),
        (said(reasons=()), "reasons are ()"),
        (said(reasons="why"), "reasons are 'why'"),
        (said(reasons=("",)), "reasons are ('',)"),
        (said(conditions=("high",)), "'high' is no Condition"),
        (said(conditions=(Condition("high", 1.0, 2.0, 1.0, TRUE),)), "is no Condition"),
        (said(conditions=(Condition("high", float("inf"), 2.0, 1.0, True),)), "condition high holds inf"),
        (said(indicators={"close": BARS.close}), "indicators 'close' is array"),
        (said(indicators={"close": float("nan")}), "indicators 'close' is nan"),
        (said(remember={"atr": None}), "remember 'atr' is None"),
        (said(memory={"month": VIEW.session}), "memory 'month' is datetime.date"),
        (said(confidence=1.5), "confidence is 1.5"),
    ],
)
def test_what_is_no_verdict_is_refused_before_anything_is_ordered_or_recorded(answer: Any, told: str) -> None:
    with pytest.raises(StrategyError) as caught:
        verdicts_of(Doing(lambda: answer), VIEW, Own())
    assert told in str(caught.value)


def test_what_can_be_recorded_is_taken_as_it_is() -> None:
    fine = said(
        Target(np.float64(0.5)),
        conditions=(Condition("high", 1, None, None, False),),
        indicators={"close": np.float64(1.5), "line": None},
        remember={"atr": 0.5},
        memory={"month": "2010-01", "stop": Price("AAA", 1.0), "gone": None, "count": 3},
        confidence=0.0,
    )
    assert verdicts_of(Doing(lambda: iter(fine)), VIEW, Own()) == fine
