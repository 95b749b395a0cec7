"""Fresh bars meet the cache."""

from datetime import date

import numpy as np
import pytest

from mtum.core.market.bars import Bars
from mtum.core.market.merging import (
    BasisProblem,
    Change,
    NewSplit,
    already_rebased,
    as_traded,
    before_split,
    dividend_adjusted,
    merge,
    new_splits,
    rebased,
)
from support.bars import bars_of, changed, moved

CLOSES = [100.0 + index for index in range(30)]
ALL = bars_of(CLOSES)
CACHED = ALL.until(ALL.day(24))  # 25 sessions
FRESH = ALL.since(ALL.day(15))  # the last 10 of them again and 5 new ones
LAST = CACHED.last_day


def same(first: Bars, second: Bars) -> bool:
    names = ("days", "open", "high", "low", "close", "volume", "dividend", "split")
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in names)


def test_new_bars_are_appended_and_only_they_are_written() -> None:
    found = merge(CACHED, FRESH, LAST)
    assert same(found.bars, ALL)
    assert (found.changes, found.splits, found.basis) == ((), (), None)
    assert [found.written.day(index) for index in range(5)] == [ALL.day(index) for index in range(25, 30)]


def test_an_empty_cache_takes_everything() -> None:
    assert same(merge(CACHED.tail(0), FRESH, None).written, FRESH)


def test_a_session_the_source_leaves_out_stays_in_the_cache() -> None:
    hole = Bars.of("MTUM", "yahoo", [FRESH.bar(index) for index in range(len(FRESH)) if index != 3])
    assert same(merge(CACHED, hole, LAST).bars, ALL)


def test_a_price_revised_within_tolerance_is_accepted_and_recorded() -> None:
    # 118 -> 118.05 is 0.042 %, below 0.05 %.
    found = merge(CACHED, changed(FRESH, close={3: 118.05}), LAST)
    assert found.changes == (Change(ALL.day(18), "close", 118.0, 118.05, tolerable=True),)
    bar = found.bars.find(ALL.day(18))
    assert bar is not None
    assert bar.close == 118.05


def test_a_price_revised_beyond_tolerance_is_recorded_and_not_accepted() -> None:
    # 118 -> 118.07 is 0.059 %.
    found = merge(CACHED, changed(FRESH, close={3: 118.07}), LAST)
    assert found.refused == (Change(ALL.day(18), "close", 118.0, 118.07, tolerable=False),)
    assert same(found.bars, ALL)


def test_a_revision_that_is_agreed_upon_is_accepted() -> None:
    found = merge(CACHED, changed(FRESH, close={3: 120.0}), LAST, frozenset({ALL.day(18)}))
    assert found.refused == ()
    bar = found.bars.find(ALL.day(18))
    assert bar is not None
    assert bar.close == 120.0


@pytest.mark.parametrize(("volume", "tolerable"), [(1020.0, True), (1021.0, False), (979.0, False)])
def test_volumes_may_move_two_percent(volume: float, tolerable: bool) -> None:
    found = merge(CACHED, changed(FRESH, volume={3: volume}), LAST)
    assert [change.tolerable for change in found.changes] == [tolerable]


def test_another_rounding_is_no_revision_and_changes_nothing() -> None:
    found = merge(CACHED, changed(FRESH, close={3: 118.0001}, volume={4: 1001.0}), LAST)
    assert found.changes == ()
    assert same(found.bars, ALL)


def test_the_newest_final_bar_is_not_restated_without_a_second_opinion() -> None:
    found = merge(CACHED, changed(FRESH, close={9: 150.0}), LAST)
    assert found.refused == (Change(LAST, "close", 124.0, 150.0, tolerable=False),)
    assert found.bars.close[24] == 124.0


def test_a_bar_that_was_not_final_is_replaced_however_far_it_moved() -> None:
    found = merge(CACHED, changed(FRESH, close={9: 150.0}), CACHED.day(23))
    assert found.changes == (Change(LAST, "close", 124.0, 150.0, tolerable=True),)
    bar = found.bars.find(LAST)
    assert bar is not None
    assert bar.close == 150.0
    assert merge(CACHED, changed(FRESH, close={3: 150.0}), None).refused == ()


def test_a_null_price_never_replaces_a_good_one() -> None:
    found = merge(CACHED, changed(FRESH, close={3: float("nan")}), LAST)
    assert same(found.bars, ALL)
    assert found.changes == ()


def halved(bars: Bars, until: int) -> Bars:
    """The bars as a vendor shows them after a 2:1 split on session `until` of the whole history."""
    day = np.datetime64(ALL.day(until))
    factor = np.where(bars.days < day, 2.0, 1.0)
    columns = {name: getattr(bars, name) / factor for name in ("open", "high", "low", "close", "dividend")}
    split = np.where(bars.days == day, 2.0, 0.0)
    return Bars.from_columns(
        bars.symbol, bars.source, bars.days, {**columns, "volume": bars.volume * factor, "split": split}
    )


def test_a_split_rebases_prices_and_volumes_before_it() -> None:
    found = merge(CACHED, halved(FRESH, 26), LAST)
    assert found.splits == (NewSplit(ALL.day(26), 2.0),)
    assert (found.changes, found.basis) == ((), None)
    assert same(found.bars, halved(ALL, 26))
    assert len(found.written) == 30


def test_a_split_rebases_the_dividends_before_it_as_well() -> None:
    # USD 1.00 a share before a 2:1 split was 0.50 on each of today's; from the split on it stands as paid.
    paid = changed(CACHED, dividend={5: 1.0, 24: 1.0})
    found = merge(paid, halved(changed(FRESH, dividend={9: 1.0}), 20), LAST)
    assert [found.bars.dividend[index] for index in (5, 24)] == [0.5, 1.0]
    assert found.changes == ()
    assert rebased(paid, (NewSplit(ALL.day(24), 2.0),)).dividend[[5, 24]].tolist() == [0.5, 1.0]


def test_a_split_on_the_first_cached_session_has_nothing_before_it_to_rebase() -> None:
    found = merge(CACHED, changed(ALL, split={0: 2.0}), LAST)
    assert (found.splits, found.basis) == ((), None)
    assert found.bars.close.tolist() == ALL.close.tolist()
    # One session later there is: the first bar is in old shares, and the source shows it halved.
    assert merge(CACHED, halved(ALL, 1), LAST).splits == (NewSplit(ALL.day(1), 2.0),)


def test_a_column_of_ones_is_no_split() -> None:
    ones = changed(FRESH, split=dict.fromkeys(range(len(FRESH)), 1.0))
    assert merge(CACHED, ones, LAST).splits == ()


def test_two_splits_are_judged_by_all_prices_before_the_later_one() -> None:
    # The earlier is applied, the later is not: of the ten shared sessions nine lie between them.
    listed = changed(halved(FRESH, 16), split={1: 2.0, 11: 2.0})
    assert merge(CACHED, listed, LAST).basis is BasisProblem.SPLIT_NOT_APPLIED


def test_two_shared_sessions_are_enough_to_see_another_basis_and_zeros_say_nothing() -> None:
    two = rebased(ALL.since(ALL.day(23)), (NewSplit(date(2025, 1, 1), 2.0),))
    assert merge(CACHED, two, LAST).basis is BasisProblem.SPLIT_NOT_LISTED
    zeros = changed(FRESH, close=dict.fromkeys(range(6), 0.0))
    found = merge(CACHED, zeros, LAST)
    assert found.basis is None
    assert len(found.refused) == 6


def test_a_split_with_nothing_shared_before_it_is_believed() -> None:
    found = merge(CACHED, halved(ALL, 24).since(ALL.day(24)), LAST)
    assert (found.basis, found.splits) == (None, (NewSplit(ALL.day(24), 2.0),))
    assert found.bars.close[:2].tolist() == [50.0, 50.5]


def test_a_known_split_rebases_nothing_again() -> None:
    first = merge(CACHED, halved(FRESH, 20), LAST).bars
    second = merge(first, halved(FRESH, 20), first.last_day)
    assert (second.splits, len(second.written)) == ((), 0)
    for off, found in ((9e-10, ()), (1.1e-9, (NewSplit(ALL.day(20), 2.0 + 1.1e-9),))):
        assert new_splits(first, changed(first, split={20: 2.0 + off})) == found


def test_a_split_whose_prices_are_not_rebased_yet_is_not_accepted() -> None:
    listed = changed(FRESH, split={12: 2.0})
    found = merge(CACHED, listed, LAST)
    assert found.basis is BasisProblem.SPLIT_NOT_APPLIED
    assert same(found.bars, CACHED)
    assert len(found.written) == 0


def test_a_split_applied_twice_is_not_accepted() -> None:
    twice = changed(halved(halved(FRESH, 26), 26))
    assert merge(CACHED, twice, LAST).basis is BasisProblem.SPLIT_APPLIED_WRONGLY


def test_a_split_listed_on_two_sessions_but_applied_once_is_not_accepted() -> None:
    twice = changed(halved(FRESH, 26), split={11: 2.0, 12: 2.0})
    assert merge(CACHED, twice, LAST).basis is BasisProblem.SPLIT_APPLIED_WRONGLY


def test_rebased_prices_without_a_listed_split_are_not_accepted() -> None:
    never = changed(halved(FRESH, 26), split={11: 0.0})
    assert merge(CACHED, never, LAST).basis is BasisProblem.SPLIT_NOT_LISTED


def test_another_basis_of_cents_is_seen_as_one_of_dollars() -> None:
    cents = rebased(ALL, (NewSplit(date(2025, 1, 1), 400.0),))
    halves = rebased(cents, (NewSplit(date(2025, 1, 1), 2.0),))
    assert merge(cents.until(LAST), halves.since(ALL.day(15)), LAST).basis is BasisProblem.SPLIT_NOT_LISTED


def test_prices_of_another_symbol_are_not_accepted() -> None:
    other = bars_of([40.0 + index for index in range(30)]).since(ALL.day(15))
    assert merge(CACHED, other, LAST).basis is BasisProblem.SPLIT_NOT_LISTED


def test_one_wrong_price_in_the_overlap_is_a_revision_and_no_change_of_basis() -> None:
    found = merge(CACHED, moved(FRESH, {3: 11_800.0}), LAST)
    assert found.basis is None
    assert {change.column for change in found.refused} == {"open", "high", "low", "close"}


def test_in_files_a_split_rebases_nothing() -> None:
    found = merge(CACHED, changed(FRESH, split={12: 2.0}), LAST, split_rebases=False)
    assert (found.splits, found.basis) == ((), None)
    assert found.bars.close[0] == 100.0


def test_a_person_may_replace_the_basis() -> None:
    half = halved(ALL, 29)
    found = merge(CACHED, half, LAST, frozenset(half.days.astype(object)), split_rebases=False, check_basis=False)
    assert same(found.bars, half)
    assert found.refused == ()


def test_a_dividend_listed_late_is_no_revision_and_one_forgotten_stays() -> None:
    with_dividend = changed(CACHED, dividend={20: 0.5})
    found = merge(CACHED, with_dividend, LAST)
    assert found.changes == ()
    assert same(found.bars, with_dividend)
    assert same(merge(with_dividend, CACHED, LAST).bars, with_dividend)


def test_another_amount_of_a_known_dividend_is_a_revision() -> None:
    found = merge(changed(CACHED, dividend={20: 0.5}), changed(CACHED, dividend={20: 0.6}), LAST)
    assert found.changes == (Change(ALL.day(20), "dividend", 0.5, 0.6, tolerable=True),)


def test_bars_of_another_source_cannot_join() -> None:
    with pytest.raises(ValueError, match="cannot join"):
        merge(CACHED, bars_of(CLOSES, source="ib"), LAST)


def test_rebasing_for_two_splits_multiplies_their_ratios() -> None:
    splits = (NewSplit(ALL.day(10), 2.0), NewSplit(ALL.day(20), 3.0))
    found = rebased(ALL, splits)
    # 105 before both: / 6; 115 between: / 3; 125 after: unchanged. Volumes the other way.
    assert [found.close[index] for index in (5, 15, 25)] == pytest.approx([17.5, 115 / 3, 125.0])
    assert [found.volume[index] for index in (5, 15, 25)] == pytest.approx([6000.0, 3000.0, 1000.0])


def test_bars_rebased_early_are_brought_back_to_the_basis_of_the_cache() -> None:
    coming = NewSplit(date(2024, 3, 1), 2.0)
    shown = rebased(FRESH, (coming,))
    found = merge(CACHED, before_split(shown, coming), LAST)
    assert (found.changes, found.basis) == ((), None)
    assert same(found.bars, ALL)


def test_the_dividend_adjusted_series_multiplies_the_factors_backwards() -> None:
    # Ex-dates at sessions 2 and 4 with dividend 1 on closes 100: factors 0.99 and 0.99 x 0.99.
    bars = changed(bars_of([100.0] * 6), dividend={2: 1.0, 4: 1.0})
    found = dividend_adjusted(bars)
    assert found.close == pytest.approx([98.01, 98.01, 99.0, 99.0, 100.0, 100.0])
    assert found.volume.tolist() == [1000.0] * 6
    assert [len(dividend_adjusted(bars.tail(left))) for left in (1, 0)] == [1, 0]


def test_a_dividend_is_a_fraction_of_the_close_before_it() -> None:
    # 10 of 100 and 8 of 80 before the ex-dates, whatever the closes of these themselves: factors of 0.9.
    bars = changed(bars_of([100.0, 80.0, 60.0]), dividend={1: 10.0, 2: 8.0})
    assert dividend_adjusted(bars).close.tolist() == pytest.approx([81.0, 72.0, 60.0])


@pytest.mark.parametrize(("ratio", "level", "raw"), [
    (1.231, 100 / 1.231, True),  # a spin-off booked as a split, in prices as traded
    (1.231, 98.0, False),
    (1.04, 97.0, False),  # could be either: an ordinary day moves as far
    (2.0, 100.0 / 2 * 1.25, True),
    (2.0, 70.0, True),  # a half or nothing: 70.71 lies between
    (2.0, 71.0, False),
    (4.0, 50.0, False),  # as far from a quarter as from none
    (1.1, 100.0, False),
    (0.125, 800.0, True),
    (0.125, 110.0, False),
])  # fmt: skip
def test_prices_before_a_split_are_as_traded_where_open_and_close_jump_by_its_ratio(
    ratio: float, level: float, raw: bool
) -> None:
    bars = changed(bars_of([100.0, 100.0, level, level]), split={2: ratio})
    assert as_traded(bars) == ((2,) if raw else ())
    tellable = max(ratio, 1 / ratio) >= 1.1
    assert already_rebased(bars) == ((2,) if tellable and not raw else ())


def test_a_wrong_open_alone_and_a_split_on_the_first_session_say_nothing_of_the_basis() -> None:
    opened = changed(bars_of([100.0, 100.0, 99.0]), split={2: 2.0}, open={2: 50.0}, low={2: 50.0})
    assert as_traded(opened) == ()
    assert as_traded(changed(bars_of([50.0, 75.0, 100.0]), split={0: 2.0})) == ()
    halves = changed(bars_of([100.0, 50.0, 50.0]), split={1: 2.0})
    assert (as_traded(halves), already_rebased(halves)) == ((1,), ())
    for unreadable in (0.0, float("nan"), float("inf")):
        assert as_traded(changed(halves, open={1: unreadable})) == ()


def test_a_price_moves_by_more_than_another_rounding_from_five_millionths_on() -> None:
    for moved_by, count in ((4.9e-6, 0), (5.1e-6, 1), (-5.1e-6, 1)):
        found = merge(CACHED, changed(FRESH, close={3: 118.0 * (1 + moved_by)}), LAST)
        assert len(found.changes) == count


def test_one_shared_session_is_too_few_to_see_another_basis() -> None:
    one = rebased(ALL.since(ALL.day(24)), (NewSplit(date(2025, 1, 1), 2.0),))
    found = merge(CACHED, one, LAST)
    assert found.basis is None
    assert {change.column for change in found.refused} == {"open", "high", "low", "close", "volume"}


def test_an_unknown_volume_is_no_revision_and_may_become_known() -> None:
    unknown = changed(CACHED, volume={18: float("nan")})
    again = merge(unknown, changed(FRESH, volume={3: float("nan")}), LAST)
    assert (again.changes, len(again.written)) == ((), len(ALL) - len(CACHED))
    later = merge(unknown, FRESH, LAST)
    assert later.changes == ()
    assert same(later.bars, ALL)
