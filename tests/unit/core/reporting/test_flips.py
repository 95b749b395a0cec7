"""Flip levels against the rules that decide: one cent beyond the level the condition has changed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import field

from mtum.core.indicators.rsi import rsi
from mtum.core.indicators.sma import sma
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars, Column
from mtum.core.market.timeframes import Timeframe
from mtum.core.reporting.parts.flips import FlipLine, Situation, flip_words, flips, zero_of
from mtum.core.strategies.contract import Holding, Keep, Own, Strategy, SymbolVerdict, above
from mtum.core.strategies.description import ConditionSpec, IndicatorSpec, Role
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.core.strategies.tsmom import Tsmom
from mtum.core.view import MarketView
from support.bars import bars_of, weekdays
from support.values import replace

RULES = MtumConfluence()


WEEKS = IndicatorSpec("weeks", "sma", (("of", "close"), ("sessions", 2)), timeframe=Timeframe.WEEK)


@dataclass(frozen=True, slots=True)
class Weekly(Strategy):
    """Above its mean of two weekly closes, or another mean."""

    spec: IndicatorSpec = WEEKS

    name: ClassVar[str] = "weekly"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec("weeks_up", Role.ENTRY, "above its weeks", input="close"),
    )

    def universe(self) -> tuple[str, ...]:
        """One symbol."""
        return ("AAA",)

    def history_sessions(self) -> int:
        """Two weeks."""
        return 10

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """The mean of weeks."""
        return (self.spec,)

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Nothing but the condition."""
        up = above("weeks_up", float(view.bars["AAA"].close[-1]), view.newest("AAA", self.spec))
        return (SymbolVerdict("AAA", Keep(), ("hold",), (up,), {}),)


def view(close: Column, volume: Column | None = None, vix: float | None = 14.0) -> MarketView:
    """The market after these closes; the last one is the session's own."""
    days = np.datetime64("2018-01-01") + np.arange(len(close))
    columns = dict.fromkeys(("open", "high", "low", "close"), close)
    columns["volume"] = np.full(len(close), 1000.0) if volume is None else volume
    bars = Bars.from_columns("MTUM", "made up", days, columns)
    return MarketView(bars.last_day, {"MTUM": bars}, {"VIX": vix}, {})


def lines(asked: MarketView, holding: Holding | None = None, rules: MtumConfluence = RULES) -> dict[str, FlipLine]:
    situation = Situation("next", rules, asked, Own({"MTUM": holding or Holding("MTUM")}))
    return {line.condition: line for line in flips(situation, "MTUM")}


def level(before: list[float], name: str, rules: MtumConfluence) -> float | None:
    """The close after these at which a condition changes; the session first closes where the last one did."""
    found = lines(view(np.array([*before, before[-1]])), rules=rules)
    return found[name].level if name in found else None


def test_close_beats_its_mean_exactly_when_it_beats_the_mean_of_those_before() -> None:
    # (10 + 20 + x)/3 = x gives x = 15.
    rules = replace(RULES, ma_sessions=3)
    assert level([99.0, 10.0, 20.0], "close_above_ma", rules) == pytest.approx(15.0, abs=3e-6)


def test_level_is_unknown_while_the_history_is_short() -> None:
    assert level([10.0], "close_above_ma", RULES) is None
    assert level([10.0, 11.0], "rsi_high", RULES) is None


def test_rsi_of_plain_means_crosses_fifty_at_the_close_n_sessions_ago() -> None:
    # Rises and falls balance exactly when the window begins and ends at one price.
    rules = replace(RULES, rsi_sessions=4)
    assert level([100.0, 103.0, 101.0, 104.0], "rsi_high", rules) == pytest.approx(100.0, abs=1e-5)


def test_rsi_level_by_hand() -> None:
    # Kept moves: +2, -1. A fall of d: RSI = 100*2/(2 + 1 + d) = 25 at d = 5, so 101 - 5.
    rules = replace(RULES, rsi_sessions=3, rsi_entry_above=25.0)
    assert level([100.0, 102.0, 101.0], "rsi_high", rules) == pytest.approx(96.0, abs=1e-5)


closes = st.lists(st.integers(5_000, 15_000), min_size=61, max_size=70).map(lambda cents: np.array(cents) / 100.0)


@given(closes, st.sampled_from(list(Smoothing)), st.sampled_from([30.0, 50.0, 70.0]))
@settings(max_examples=60, deadline=None)
def test_rsi_of_the_next_close_changes_sides_at_the_level(close: Column, form: Smoothing, threshold: float) -> None:
    at = level(close.tolist(), "rsi_high", replace(RULES, rsi_smoothing=form, rsi_entry_above=threshold))
    if at is None:
        return
    above = rsi(np.append(close, at + 0.01), 14, form)[-1]
    below = rsi(np.append(close, at - 0.01), 14, form)[-1]
    assert above >= threshold >= below or np.isnan(above)


@given(closes)
@settings(max_examples=40, deadline=None)
def test_next_close_crosses_its_mean_at_the_level(close: Column) -> None:
    at = level(close.tolist(), "close_above_ma", RULES)
    assert at is not None
    above, below = np.append(close, at + 0.01), np.append(close, at - 0.01)
    assert above[-1] > sma(above, 50)[-1]
    assert below[-1] < sma(below, 50)[-1]


def rising(now: float, vix: float | None = 14.0) -> MarketView:
    close = np.append([90.0 + 20.0 * step / 59 for step in range(60)], now)
    return view(close, np.append(np.full(60, 1000.0), 1200.0), vix)


def test_entry_flip_decides_alone_only_when_all_others_hold() -> None:
    found = lines(rising(110.0))
    assert {line.alone for line in found.values()} == {True}  # all four hold: any one ends the entry
    assert found["vix_calm"].direction == "above"
    assert (found["vix_calm"].level, found["vix_calm"].distance) == (25.0, 11.0)
    found = lines(rising(110.0, vix=26.0))
    assert found["vix_calm"].alone
    assert not found["close_above_ma"].alone


def test_exit_flips_while_long_name_target_and_falls() -> None:
    # Bought at 107.5 with an ATR of 2: the target is 4 of them above.
    found = lines(rising(110.0), Holding("MTUM", 10, 107.5, None, {"atr": 2.0}))
    assert set(found) == {"close_below_ma", "vix_fear", "rsi_low", "atr_target"}
    assert (found["atr_target"].direction, found["atr_target"].level) == ("above", 115.5)
    assert found["close_below_ma"].direction == "below"
    assert found["atr_target"].distance_frac == pytest.approx(0.05)


def test_a_target_reached_exactly_holds() -> None:
    found = lines(rising(115.5), Holding("MTUM", 10, 107.5, None, {"atr": 2.0}))
    assert found["atr_target"].holds_now
    assert found["atr_target"].alone


def test_missing_vix_has_a_level_and_no_distance() -> None:
    found = lines(rising(110.0, vix=None), Holding("MTUM", 10, 107.5, None, {"atr": 2.0}))
    assert found["vix_fear"].level == 30.0
    assert found["vix_fear"].direction == "above"
    assert found["vix_fear"].distance is None
    assert not found["vix_fear"].holds_now


def test_a_strategy_that_weighs_its_symbols_against_each_other_is_not_asked_while_one_is_unfit() -> None:
    whole = view(np.array([50.0 + day for day in range(30)]))
    pair = replace(whole, unfit={"UST10": 111.4})
    asked = Situation("next", PairReversal(("MTUM", "UST10")), pair, Own({"MTUM": Holding("MTUM", 3, 60.0)}))
    assert flips(asked, "MTUM") == flips(asked, "UST10") == ()


def test_a_strength_that_only_rose_still_has_the_level_below_which_it_is_weak() -> None:
    # Fourteen rises: RSI 100. Kept are 13 rises of 1; a fall of d gives 100*13/(13 + d) = 30 at d = 30 1/3.
    close = np.append(np.full(50, 86.0), np.arange(87.0, 101.0))
    found = lines(view(np.append(close, 101.0)), Holding("MTUM", 10, 100.0, None, {"atr": 2.0}))
    assert found["rsi_low"].level == pytest.approx(100.0 - 13.0 / 0.3 + 13.0, abs=1e-4)


@pytest.mark.parametrize(
    ("margin", "start", "expected", "rises"),
    [
        (lambda x: 3.0 * x - 12.0, 10.0, 4.0, True),
        (lambda x: 12.0 - 3.0 * x, 1.0, 4.0, False),
        (lambda x: 100.0 / x - 20.0, 1.0, 5.0, False),
        (lambda x: x * x - 2.0, 1.0, 2.0**0.5, True),
        (lambda x: 1.0 if x > 90.0 else -1.0, 30.0, 90.0, True),
    ],
)
def test_a_zero_is_found_on_straight_bent_and_broken_margins(
    margin: Callable[[float], float], start: float, expected: float, rises: bool
) -> None:
    found = zero_of(margin, start)
    assert found is not None
    assert found[0] == pytest.approx(expected, abs=2e-6)
    assert found[1] is rises


@pytest.mark.parametrize("margin", [lambda x: 1.0 + x, lambda x: None])
def test_a_margin_without_a_zero_has_none(margin: Callable[[float], float | None]) -> None:
    assert zero_of(margin, 5.0) is None


def test_the_level_of_a_mean_of_weeks_is_that_of_weeks() -> None:
    # Fridays close at 100 and 110: (110 + x)/2 = x at 110, where a mean of two sessions would say 120.
    bars = bars_of([100.0] * 5 + [110.0] * 5 + [120.0, 120.0], symbol="AAA")
    own = Own({"AAA": Holding("AAA")})
    asked = MarketView(bars.last_day, {"AAA": bars}, {}, {}, calendar=tuple(weekdays(date(2023, 12, 1), 60)))
    (line,) = flips(Situation("next", Weekly(), asked, own), "AAA")
    assert line.condition == "weeks_up"
    assert line.level == pytest.approx(110.0, abs=1e-5)


def test_the_level_of_a_mean_of_highs_knows_that_a_close_may_be_a_new_one() -> None:
    # Highs of 100 and, so far, 80: (100 + x)/2 = x at 100, where the highs as they are would say 90.
    bars = bars_of([100.0] * 11 + [80.0], symbol="AAA")
    highs = IndicatorSpec("highs", "sma", (("of", "high"), ("sessions", 2)))
    asked = MarketView(bars.last_day, {"AAA": bars}, {}, {}, calendar=tuple(weekdays(date(2023, 12, 1), 60)))
    (line,) = flips(Situation("next", Weekly(highs), asked, Own({"AAA": Holding("AAA")})), "AAA")
    assert line.level == pytest.approx(100.0, abs=1e-5)


@pytest.mark.parametrize(("day", "alone"), [(date(2024, 2, 28), False), (date(2024, 2, 29), True)])
def test_a_move_changes_a_decision_of_months_at_the_end_of_one_only(day: date, alone: bool) -> None:
    # 100 at the end of January: the return since then is above zero down to there.
    bars = bars_of([100.0] * 23 + [110.0] * 21, symbol="AAA").until(day)
    own = Own({"AAA": Holding("AAA", 5, 100.0, date(2024, 1, 31))}, 0.0, 1000.0, None, {"month": "2024-01"})
    asked = MarketView(day, {"AAA": bars}, {}, {}, calendar=tuple(weekdays(date(2023, 12, 1), 90)))
    (line,) = flips(Situation("session", Tsmom(symbols=("AAA",), lookback_months=1), asked, own), "AAA")
    assert (line.condition, line.direction, line.alone) == ("tsmom_down", "below", alone)
    assert line.level == pytest.approx(100.0, abs=1e-4)


def test_of_several_symbols_a_flip_names_its_own() -> None:
    close = FlipLine("next", "close_above_ma", "entry", "close", "above", 100.0, 98.0, 2.0, 0.02, False, True, "AAA")
    vix = replace(close, condition="vix_calm", input="vix", direction="below")
    assert flip_words(close, ("AAA",)) == "a close above 100.00 USD (+2.00% from now)"
    assert flip_words(close, ("AAA", "BBB")) == "a close of AAA above 100.00 USD (+2.00% from now)"
    assert flip_words(vix, ("AAA", "BBB")) == "a VIX below 100.00 points for AAA (+2.00% from now)"


class CountedSpec(IndicatorSpec, frozen=True, eq=False):
    """A mean of two closes that counts how often it is worked out."""

    times: list[int] = field(default_factory=lambda: [0])

    def __hash__(self) -> int:
        """Itself alone, without a look at its parameters."""
        return id(self)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same one."""
        return self is other

    def __getattribute__(self, name: str) -> Any:
        """Count what is read for a working out."""
        if name == "parameters":
            object.__getattribute__(self, "times")[0] += 1
        return object.__getattribute__(self, name)


@dataclass(frozen=True, slots=True)
class Curved(Strategy):
    """Each symbol by itself: above the square of its mean."""

    name: ClassVar[str] = "curved"
    EACH_BY_ITSELF: ClassVar[bool] = True
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (ConditionSpec("curve", Role.ENTRY, "above", input="close"),)

    symbols: tuple[str, ...]
    spec: CountedSpec

    def universe(self) -> tuple[str, ...]:
        """Every symbol."""
        return self.symbols

    def history_sessions(self) -> int:
        """Two closes."""
        return 2

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """The mean."""
        return (self.spec,)

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Nothing but the condition."""
        conditions = {
            one: above("curve", (view.newest(one, self.spec) or 0.0) ** 2 / 100.0, 101.0) for one in self.symbols
        }
        return tuple(SymbolVerdict(one, Keep(), ("hold",), (said,), {}) for one, said in conditions.items())


def test_asking_about_one_symbol_works_out_the_others_once() -> None:
    def asked(*symbols: str) -> tuple[float, int]:
        rule = Curved(symbols, CountedSpec("mean", "sma", (("of", "close"), ("sessions", 2))))
        bars = {one: bars_of([100.0, 100.0], symbol=one) for one in symbols}
        found = MarketView(bars["AAA"].last_day, bars, {}, {})
        (line,) = flips(Situation("now", rule, found, Own()), "AAA")
        return line.level, rule.spec.times[0]

    (level, alone), (same, beside) = asked("AAA"), asked("AAA", "BBB", "CCC")
    assert level == same == pytest.approx(100.997512, abs=1e-4)  # 2 x the root of 10,100 less 100
    assert beside - alone == 2
