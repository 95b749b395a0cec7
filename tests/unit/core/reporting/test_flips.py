"""Flip levels against the indicators that decide: one cent beyond the level the condition has changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.core.indicators.rsi import rsi
from mtum.core.indicators.sma import sma
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.reporting.flips import Rules, Situation, average_level, flips, rsi_level
from mtum.core.reporting.plain_indicators import Column


def test_close_beats_its_mean_exactly_when_it_beats_the_mean_of_those_before() -> None:
    # (10 + 20 + x)/3 = x gives x = 15.
    assert average_level(np.array([99.0, 10.0, 20.0]), 3) == 15.0


def test_level_is_unknown_while_the_history_is_short() -> None:
    assert average_level(np.array([10.0]), 3) is None
    assert rsi_level(np.array([10.0, 11.0]), 14, "simple", 50.0) is None


def test_rsi_of_plain_means_crosses_fifty_at_the_close_n_sessions_ago() -> None:
    # Rises and falls balance exactly when the window begins and ends at one price.
    close = np.array([100.0, 103.0, 101.0, 104.0])
    assert rsi_level(close, 4, "simple", 50.0) == pytest.approx(100.0)


def test_rsi_level_by_hand() -> None:
    # Kept moves: +2, -1. A fall of d: RSI = 100*2/(2 + 1 + d) = 25 at d = 5, so 101 - 5.
    assert rsi_level(np.array([100.0, 102.0, 101.0]), 3, "simple", 25.0) == pytest.approx(96.0)


closes = st.lists(st.integers(5_000, 15_000), min_size=61, max_size=70).map(lambda cents: np.array(cents) / 100.0)


@given(closes, st.sampled_from(["simple", "wilder"]), st.sampled_from([30.0, 50.0, 70.0]))
@settings(max_examples=60, deadline=None)
def test_rsi_of_the_next_close_changes_sides_at_the_level(close: Column, form: str, threshold: float) -> None:
    level = rsi_level(close, 14, form, threshold)
    if level is None:
        return
    smoothing = Smoothing(form)
    above = rsi(np.append(close, level + 0.01), 14, smoothing)[-1]
    below = rsi(np.append(close, level - 0.01), 14, smoothing)[-1]
    assert above >= threshold >= below or np.isnan(above)


@given(closes)
@settings(max_examples=40, deadline=None)
def test_next_close_crosses_its_mean_at_the_level(close: Column) -> None:
    level = average_level(close, 50)
    assert level is not None
    above, below = np.append(close, level + 0.01), np.append(close, level - 0.01)
    assert above[-1] > sma(above, 50)[-1]
    assert below[-1] < sma(below, 50)[-1]


def situation(*, held: bool, now: float, target: float | None = None, vix: float | None = 14.0) -> Situation:
    close = np.array([90.0 + 20.0 * step / 59 for step in range(60)])
    volume = np.full(60, 1000.0)
    return Situation("next", close, volume, {"close": now, "volume": 1200.0, "vix": vix}, held, target)


def test_entry_flip_decides_alone_only_when_all_others_hold() -> None:
    lines = {line.condition: line for line in flips(situation(held=False, now=110.0), Rules())}
    assert {line.alone for line in lines.values()} == {True}  # all four hold: any one ends the entry
    assert lines["vix_calm"].direction == "above"
    assert (lines["vix_calm"].level, lines["vix_calm"].distance) == (25.0, 11.0)
    lines = {line.condition: line for line in flips(situation(held=False, now=110.0, vix=26.0), Rules())}
    assert lines["vix_calm"].alone
    assert not lines["close_above_ma"].alone


def test_exit_flips_while_long_name_target_and_falls() -> None:
    lines = {line.condition: line for line in flips(situation(held=True, now=110.0, target=115.5), Rules())}
    assert set(lines) == {"close_below_ma", "vix_fear", "rsi_low", "atr_target"}
    assert (lines["atr_target"].direction, lines["atr_target"].level) == ("above", 115.5)
    assert lines["close_below_ma"].direction == "below"
    assert lines["atr_target"].distance_frac == pytest.approx(0.05)


def test_a_target_reached_exactly_holds() -> None:
    lines = {line.condition: line for line in flips(situation(held=True, now=115.5, target=115.5), Rules())}
    assert lines["atr_target"].holds_now
    assert lines["atr_target"].alone


def test_missing_vix_has_a_level_and_no_distance() -> None:
    lines = {line.condition: line for line in flips(situation(held=True, now=110.0, vix=None), Rules())}
    assert lines["vix_fear"].distance is None
    assert not lines["vix_fear"].holds_now
