"""Whatever a source answers, the cache loses no session and settles after one reading."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.market.merging import NewSplit, merge, rebased
from mtum.core.market.sifting import sifted
from mtum.core.market.validation import problems_in_history
from support.bars import bars_of

COUNT = 40
PRICES = st.lists(st.floats(1.0, 500.0), min_size=COUNT, max_size=COUNT)
ODD = st.sampled_from([float("nan"), 0.0, -1.0, 1e-6, 1e6])
SPOILED = st.dictionaries(
    st.tuples(st.integers(0, COUNT - 1), st.sampled_from(["open", "high", "low", "close", "volume"])), ODD, max_size=6
)
CUT = st.integers(1, COUNT - 1)


def spoiled(bars: Bars, cells: dict[tuple[int, str], float]) -> Bars:
    columns = {name: np.array(getattr(bars, name)) for name in COLUMNS}
    for (index, name), number in cells.items():
        columns[name][index] = number
    return Bars.from_columns(bars.symbol, bars.source, bars.days, columns)


def equal(first: Bars, second: Bars) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name), equal_nan=name != "days")
        for name in ("days", *COLUMNS)
    )


@given(PRICES, PRICES, SPOILED, CUT, CUT)
def test_no_cached_session_is_lost_and_no_null_enters_one(
    cached: list[float], fresh: list[float], cells: dict[tuple[int, str], float], until: int, since: int
) -> None:
    old = bars_of(cached).tail(COUNT).until(bars_of(cached).day(until))
    new = spoiled(bars_of(fresh), cells).since(bars_of(fresh).day(min(since, until)))
    found = merge(old, new, old.last_day)
    assert set(old.days.tolist()) <= set(found.bars.days.tolist())
    kept = found.bars.until(old.last_day)
    assert np.isfinite(kept.close[np.isin(kept.days, old.days)]).all()


@given(PRICES, CUT, CUT)
def test_bars_that_only_add_join_as_those_whose_overlap_is_rounded_otherwise(
    prices: list[float], until: int, since: int
) -> None:
    bars = bars_of(prices)
    old, fresh = bars.until(bars.day(until)), bars.since(bars.day(min(since, until)))
    plain = merge(old, fresh, old.last_day)
    # Noise in one price, which is set back, is gone through value by value.
    slow = merge(old, spoiled(fresh, {(0, "open"): fresh.open[0] * (1 + 1e-9)}), old.last_day)
    assert equal(plain.bars, slow.bars)
    assert equal(plain.written, slow.written)
    assert (plain.changes, plain.splits, plain.basis) == (slow.changes, slow.splits, slow.basis) == ((), (), None)


@given(PRICES, SPOILED, CUT)
def test_a_second_reading_of_the_same_answer_changes_nothing(
    prices: list[float], cells: dict[tuple[int, str], float], until: int
) -> None:
    bars = bars_of(prices)
    first = merge(bars.until(bars.day(until)), spoiled(bars, cells), bars.day(until)).bars
    again = merge(first, spoiled(bars, cells), bars.day(until))
    assert again.basis is None or again.bars is first
    assert equal(again.bars.until(bars.day(until)), first.until(bars.day(until)))


@given(PRICES, st.sampled_from([2.0, 3.0, 1.5, 0.1]), st.integers(1, COUNT - 1))
def test_undoing_a_split_gives_back_every_value(prices: list[float], ratio: float, at: int) -> None:
    bars = bars_of(prices)
    there = rebased(bars, (NewSplit(bars.day(at), ratio),))
    back = rebased(there, (NewSplit(bars.day(at), 1 / ratio),))
    np.testing.assert_allclose(back.close, bars.close, rtol=1e-12)
    np.testing.assert_allclose(there.close * there.volume, bars.close * bars.volume, rtol=1e-12)


@given(st.lists(st.floats(0.98, 1.02), min_size=COUNT, max_size=COUNT), SPOILED)
def test_what_passes_the_sieve_breaks_no_rule_but_missing_sessions(
    steps: list[float], cells: dict[tuple[int, str], float]
) -> None:
    bars = spoiled(bars_of(list(100.0 * np.cumprod(steps))), cells)
    days: list[date] = bars.days.astype(object).tolist()
    found = sifted(bars, frozenset(days), bars.days, frozenset())
    left = problems_in_history(found.bars, bars.days)
    assert {problem.rule.value for problem in left} <= {"missing_session"}
    assert {bar.day for bar, _ in found.kept_out} == {problem.session for problem in left}
