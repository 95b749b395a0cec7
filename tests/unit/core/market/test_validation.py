"""The rules every bar must pass."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from mtum.core.market.bars import Bar, Bars, ProvisionalBar
from mtum.core.market.validation import (
    Confirmation,
    Rule,
    at_midpoint,
    disagreements,
    newest_problems,
    problems_in_history,
    provisional_problems,
    ranges_agree,
    spike_size,
)
from support.bars import bars_of, changed, moved, without

QUIET = [100.0 + (index % 2) for index in range(80)]  # moves of about 1 % up and down
AT = datetime(2024, 4, 22, 19, 40, tzinfo=UTC)


def rules(bars: Bars, *, full: Bars | None = None) -> list[tuple[date, Rule]]:
    found = problems_in_history(bars, (full or bars).days)
    return [(problem.session, problem.rule) for problem in found]


def today(close: float, *, seen: timedelta = timedelta(minutes=1), volume: float = 870.0) -> ProvisionalBar:
    bar = Bar(date(2024, 4, 22), close, close, close, close, float("nan"))
    return ProvisionalBar(bar, volume, 0.87, AT - seen)


def test_quiet_bars_have_no_problem() -> None:
    assert rules(bars_of(QUIET)) == []


def test_a_missing_inner_session_is_named() -> None:
    full = bars_of(QUIET)
    assert rules(without(full, 5), full=full) == [(full.day(5), Rule.MISSING_SESSION)]


def test_a_missing_last_session_is_named() -> None:
    full = bars_of(QUIET)
    assert rules(without(full, 79), full=full) == [(full.day(79), Rule.MISSING_SESSION)]


def test_a_bar_on_a_day_the_exchange_is_shut_is_named() -> None:
    full = bars_of(QUIET)
    found = problems_in_history(full, np.delete(full.days, 7))
    assert [(problem.session, problem.rule) for problem in found] == [(full.day(7), Rule.NOT_A_SESSION)]


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"close": float("nan")}, Rule.NOT_A_NUMBER),
        ({"high": float("inf")}, Rule.NOT_A_NUMBER),
        ({"volume": float("inf")}, Rule.NOT_A_NUMBER),
        ({"low": 0.0}, Rule.NOT_POSITIVE),
        ({"open": -1.0}, Rule.NOT_POSITIVE),
        ({"volume": -1.0}, Rule.NOT_POSITIVE),
        ({"high": 99.0}, Rule.OUT_OF_RANGE),
        ({"low": 102.0}, Rule.OUT_OF_RANGE),
        ({"volume": 0.0}, Rule.NO_VOLUME),
    ],
)
def test_an_impossible_bar_breaks_its_rule(cells: dict[str, float], rule: Rule) -> None:
    bars = changed(bars_of(QUIET), **{name: {30: number} for name, number in cells.items()})
    assert rules(bars) == [(bars.day(30), rule)]


def test_a_volume_of_zero_is_no_problem_before_twenty_sessions_have_traded() -> None:
    bars = bars_of(QUIET)
    assert rules(changed(bars, volume={19: 0.0})) == []
    assert rules(changed(bars, volume={20: 0.0})) == [(bars.day(20), Rule.NO_VOLUME)]


def test_a_symbol_traded_thinly_and_unevenly_has_sessions_without_a_trade() -> None:
    # One of the 20 sessions before had a fifth of their median, 200 of 1,000 shares.
    bars = changed(bars_of(QUIET), volume={30: 0.0})
    assert rules(changed(bars, volume={25: 200.0})) == []
    assert rules(changed(bars, volume={25: 201.0})) == [(bars.day(30), Rule.NO_VOLUME)]
    # A session without volume is no evidence that the next may have none.
    assert rules(changed(bars, volume={29: 0.0})) == [(bars.day(29), Rule.NO_VOLUME), (bars.day(30), Rule.NO_VOLUME)]


def test_a_price_a_hundred_times_too_high_is_a_jump_there_and_back() -> None:
    bars = moved(bars_of(QUIET), {40: 10_000.0})
    assert rules(bars) == [(bars.day(40), Rule.JUMP), (bars.day(41), Rule.JUMP)]


def test_a_jump_with_a_dividend_of_its_size_is_no_problem() -> None:
    fallen = [100.0] * 40 + [50.0] * 40
    bars = changed(bars_of(fallen), dividend={40: 50.0})
    assert rules(bars) == []
    assert rules(bars_of(fallen)) == [(bars.day(40), Rule.LOOKS_LIKE_SPLIT)]


def shifted(ratio: float, volume: float = 1000.0) -> Bars:
    """Quiet bars whose level is another from session 70 on, with that volume in its first session."""
    closes = [*QUIET[:70], *(ratio * close for close in QUIET[70:])]
    return changed(bars_of(closes), volume={70: volume})


@pytest.mark.parametrize(
    "ratio", [1 / 2, 1 / 3, 2 / 3, 1 / 4, 1 / 5, 1 / 8, 1 / 10, 1 / 20, 1.5, 2, 3, 4, 5, 8, 10, 20]
)
def test_a_level_shifted_by_a_usual_split_that_nobody_recorded_is_a_problem(ratio: float) -> None:
    assert rules(shifted(ratio)) == [(bars_of(QUIET).day(70), Rule.LOOKS_LIKE_SPLIT)]


# QUIET closes 101 and then 100 there: a shift by s is a ratio of s x 100 / 101. 3 % beside 1:2 is 0.485 to 0.515.
@pytest.mark.parametrize(
    ("ratio", "like"), [(0.486, True), (0.484, False), (0.514, True), (0.516, False), (0.75, False)]
)
def test_a_split_is_told_by_its_ratio_within_three_percent(ratio: float, like: bool) -> None:
    assert bool(rules(shifted(ratio * 1.01))) is like


# Half the price: 4,000 shares are 2,000 old ones, twice the median of 1,000.
@pytest.mark.parametrize(("volume", "like"), [(3_990.0, True), (4_000.0, False)])
def test_a_level_shifted_on_twice_the_volume_in_old_shares_is_a_move_of_the_market(volume: float, like: bool) -> None:
    assert bool(rules(shifted(0.505, volume))) is like


def begun(*, hole: int, crash: int, volumes: tuple[float, float, float]) -> Bars:
    """Bars that fall to half at `crash`, with a hole of three weeks before `hole`: volumes before, at and after it."""
    before, at, after = volumes
    closes = [*QUIET[:crash], *(0.505 * close for close in QUIET[crash:])]
    traded = dict.fromkeys(range(crash, 80), after) | {crash: at}
    bars = changed(bars_of(closes), volume=dict.fromkeys(range(crash), before) | traded)
    return without(bars, *range(hole - 15, hole)) if hole else bars


# Half the price on the first sessions of a history: only those after can tell what volume is usual, in new shares.
@pytest.mark.parametrize("crash", [1, 2, 5, 12, 19])
@pytest.mark.parametrize(("volumes", "like"), [
    ((1_000.0, 4_500.0, 1_000.0), False),  # a crowd: the market has made it, and goes on as before
    ((1_000.0, 4_500.0, 2_000.0), False),  # or trades more from then on
    ((1_000.0, 2_000.0, 2_000.0), True),  # twice the shares at half the price: a split
    ((1_000.0, 1_000.0, 1_000.0), True),  # nothing but the ratio
])  # fmt: skip
def test_a_crash_at_the_beginning_of_a_history_is_told_from_a_split_by_what_follows(
    crash: int, volumes: tuple[float, float, float], like: bool
) -> None:
    bars = begun(hole=0, crash=crash, volumes=volumes)
    assert rules(bars) == ([(bars.day(crash), Rule.LOOKS_LIKE_SPLIT)] if like else [])


@pytest.mark.parametrize("before", [10.0, 1_000.0, 1_000_000.0])
@pytest.mark.parametrize(("volume", "like"), [(3_000.0, False), (1_500.0, True)])
def test_the_sessions_before_a_hole_say_nothing_of_a_crash_behind_it(before: float, volume: float, like: bool) -> None:
    bars = begun(hole=40, crash=41, volumes=(before, volume, 1_000.0))
    bars = changed(bars, volume={25: 1_000.0})  # the first session behind the hole
    assert rules(bars) == ([(bars.day(26), Rule.LOOKS_LIKE_SPLIT)] if like else [])


def test_a_crash_in_the_last_session_is_told_by_the_sessions_before_it_alone() -> None:
    # 100 -> 51.005: two usual volumes of 1,000 are 3,921 of the new shares.
    for volume, like in ((3_900.0, True), (4_000.0, False)):
        bars = begun(hole=0, crash=79, volumes=(1_000.0, volume, 0.0))
        assert bool(rules(bars)) is like


def test_a_recorded_split_whose_prices_jump_says_that_they_are_as_traded() -> None:
    # In old shares 101 -> 50 is a 2:1 split and a fall of 1 %; 12.6 % up on the day (Tesla in 2020) is one as well.
    for level in (0.5, 0.563):
        bars = changed(shifted(level), split={70: 2.0})
        assert rules(bars) == [(bars.day(70), Rule.AS_TRADED)]
    small = changed(shifted(0.93), split={70: 1.1})
    assert rules(small) == [(small.day(70), Rule.AS_TRADED)]


def test_a_recorded_split_explains_no_jump_of_another_ratio() -> None:
    # The level shifts by 1:4: whatever that is, it is none of these.
    for recorded in (1.1, 2.0, 20.0, 0.25):
        bars = changed(shifted(0.25), split={70: recorded})
        assert rules(bars) == [(bars.day(70), Rule.LOOKS_LIKE_SPLIT)]
    ones = changed(shifted(0.25), split=dict.fromkeys(range(80), 1.0))
    assert rules(ones) == [(bars.day(70), Rule.LOOKS_LIKE_SPLIT)]


def test_a_recorded_split_of_rebased_prices_is_no_problem_whatever_the_day_did() -> None:
    # A fall of 18 % on the day of a 2:1 split is nearer to no split than to half the price.
    assert rules(changed(bars_of(QUIET), split={70: 2.0})) == []
    assert rules(changed(shifted(0.82), split={70: 2.0})) == []


def test_a_crash_that_stays_is_never_refused() -> None:
    # 18 % down after moves of 1 %: real crash days reach 18 times the usual move.
    closes = [*QUIET[:70], *(0.82 * close for close in QUIET[70:])]
    assert rules(bars_of(closes)) == []


def test_a_spike_undone_by_more_than_half_is_a_problem() -> None:
    # 101 -> 116 is +14.9 %, 15 times the usual 1 %; back to 108 undoes 8 of 15.
    bars = bars_of([*QUIET[:70], 116.0, 108.0, *[108.0] * 8])
    assert rules(bars) == [(bars.day(70), Rule.SPIKE)]
    # Back to 109 undoes 7 of 15: not more than half.
    assert rules(bars_of([*QUIET[:70], 116.0, 109.0, *[109.0] * 8])) == []


@pytest.mark.parametrize(("volume", "high", "spiked"), [
    (2_990.0, 116.0, True),
    (3_000.0, 116.0, False),
    (2_000.0, 117.5, True),  # traded 1.5 beyond the close: a tenth of the move of 15, and no more
    (2_000.0, 117.6, False),
    (1_990.0, 117.6, True),
])  # fmt: skip
def test_a_spike_on_much_volume_is_a_move_of_the_market(volume: float, high: float, spiked: bool) -> None:
    """Three times the median, or twice where trading went on beyond the close: a wrong close is the extreme."""
    bars = changed(bars_of([*QUIET[:70], 116.0, *QUIET[71:]]), volume={70: volume}, high={70: high})
    assert rules(bars) == ([(bars.day(70), Rule.SPIKE)] if spiked else [])


@pytest.mark.parametrize("index", [1, 5, 30, 78])
def test_a_spike_is_noticed_wherever_in_a_short_history_it_stands(index: int) -> None:
    closes = [*QUIET[:index], 150.0, *QUIET[index + 1 :]]
    assert rules(bars_of(closes)) == [(bars_of(QUIET).day(index), Rule.SPIKE)]


def test_what_prices_did_in_a_hole_of_a_history_is_no_move_of_one_session() -> None:
    bars = without(shifted(0.5), *range(60, 70))
    assert rules(bars) == []
    assert rules(without(shifted(0.5), *range(66, 70))) == [(bars_of(QUIET).day(70), Rule.LOOKS_LIKE_SPLIT)]


def test_a_spike_is_more_than_twelve_usual_moves_and_more_than_eight_percent() -> None:
    # After moves of 1 %: 101 -> 112.6 is 11.5 of them, 101 -> 114 is 12.9.
    assert rules(bars_of([*QUIET[:70], 112.6, *QUIET[71:]])) == []
    assert rules(bars_of([*QUIET[:70], 114.0, *QUIET[71:]])) == [(bars_of(QUIET).day(70), Rule.SPIKE)]
    # After moves of 0.1 % both are dozens of usual moves: 100.1 -> 108.0 is 7.9 %, 108.2 is 8.1 %.
    calm = [100.0 + 0.1 * (index % 2) for index in range(80)]
    assert rules(bars_of([*calm[:70], 108.0, *calm[71:]])) == []
    assert rules(bars_of([*calm[:70], 108.2, *calm[71:]])) == [(bars_of(QUIET).day(70), Rule.SPIKE)]


@pytest.mark.parametrize("limit", [0.92, 1.08])
@pytest.mark.parametrize(("dividend", "told"), [(0.0, 2), (0.5, 2), (float("nan"), 1)])
def test_a_split_of_one_and_an_unknown_price_change_nothing_about_a_spike_near_the_limit(
    limit: float, dividend: float, told: int
) -> None:
    # Without them the moves are taken in at a glance.
    before = [128.0 + 0.125 * (index % 2) for index in range(80)]
    edge = limit * before[69] - np.nan_to_num(dividend)
    found = set()
    for step in range(-40, 41):
        spike = edge + step * float(np.spacing(edge))
        after = [(1 + 0.375 * (limit - 1)) * close for close in before[71:]]
        bars = changed(bars_of([*before[:70], spike, *after]), dividend={70: dividend})
        problems = rules(bars)
        assert problems == rules(changed(bars, split={0: 1.0}))
        assert [(bars.day(0), Rule.NOT_A_NUMBER), *problems] == rules(changed(bars, open={0: float("nan")}))
        found.add(tuple(problems))
    assert len(found) == told


def test_neither_its_own_way_back_nor_a_hole_makes_a_spike_look_usual() -> None:
    # 101 -> 116 is 15 usual moves; with its own way back among 38 of 1 % the mean would be 1.3 % and it 11.
    early = [*QUIET[:6], 116.0, *QUIET[7:40]]
    assert rules(bars_of(early)) == [(bars_of(QUIET).day(6), Rule.SPIKE)]
    # 101 -> 111 is ten usual moves, with a hole before it as without.
    for close, found in ((116.0, [(bars_of(QUIET).day(70), Rule.SPIKE)]), (111.0, [])):
        assert rules(without(bars_of([*QUIET[:70], close, *QUIET[71:]]), *range(40, 50))) == found


def test_bars_before_the_first_session_asked_for_are_only_compared_with() -> None:
    bars = changed(bars_of([*QUIET[:70], 150.0, *QUIET[71:]]), high={30: 99.0})
    (problem,) = problems_in_history(bars, bars.days[60:])
    assert (problem.session, problem.rule) == (bars.day(70), Rule.SPIKE)


# True moves of the market in their shape: how it moved before, that day and the next, on how many usual volumes,
# and how far trading went beyond the close (fractions of the close before).
MOVES = {
    "BAC 2011-08-08": (0.0167, -0.203, 0.167, 4.0, 0.024),
    "LQD 2008-09-29": (0.0064, -0.091, 0.098, 2.2, 0.020),
    "META 2013-07-25": (0.0149, 0.296, -0.010, 13.6, 0.020),
    "META 2022-02-03": (0.0167, -0.264, -0.003, 8.7, 0.006),
    "NFLX 2011-10-25": (0.0331, -0.349, 0.026, 5.5, 0.026),
    "NFLX 2012-07-25": (0.0251, -0.250, -0.054, 6.1, 0.013),
    "NFLX 2013-01-24": (0.0260, 0.422, 0.155, 5.5, 0.022),
    "NFLX 2022-04-20": (0.0277, -0.351, -0.035, 31.5, 0.039),
    "NVDA 2016-11-11": (0.0129, 0.298, -0.049, 6.6, 0.012),
    "USO 2020-03-09": (0.0150, -0.253, 0.110, 4.8, 0.002),
    "USO 2020-04-21": (0.0478, -0.251, -0.107, 6.0, 0.133),
    "AAPL 2000-09-29": (0.0250, -0.519, -0.060, 12.0, 0.010),
}


@pytest.mark.parametrize("move", MOVES)
def test_true_moves_of_the_market_are_never_refused(move: str) -> None:
    usual, that_day, next_day, volumes, beyond = MOVES[move]
    before = [100.0 * (1 + usual) if index % 2 else 100.0 for index in range(71)]
    close = 100.0 * (1 + that_day)
    bars = bars_of([*before, close, *[close * (1 + next_day)] * 8])
    edge = {"low": {71: close - 100 * beyond}} if that_day < 0 else {"high": {71: close + 100 * beyond}}
    bars = changed(bars, volume={71: volumes * 1000.0}, **edge)
    assert rules(bars) == []
    # In the evening of the day itself a price of another source is asked for, and enough.
    assert newest_problems(bars.until(bars.day(71)), 10.0, Confirmation(midpoint=close)) == ()


def test_a_released_session_is_no_problem_any_more() -> None:
    bars = changed(bars_of(QUIET), high={30: 99.0})
    assert problems_in_history(bars, bars.days, released=frozenset({bars.day(30)})) == ()


def test_the_size_of_the_newest_move_is_in_usual_moves() -> None:
    # 61 moves of exactly 1 % up, then 5 %: 5 usual moves.
    closes = [100 * 1.01**index for index in range(62)]
    assert spike_size(bars_of([*closes, closes[-1] * 1.05])) == pytest.approx(5.0)
    assert np.isnan(spike_size(bars_of(closes[:61])))


CALM = [100 * (1.001 if index % 2 else 1.0) for index in range(70)]  # moves of 0.1 %


@pytest.mark.parametrize(
    ("confirmation", "confirmed"),
    [
        (Confirmation(), False),
        (Confirmation(midpoint=101.9), True),
        (Confirmation(midpoint=104.5), False),
        (Confirmation(second_close=103.5), True),
        (Confirmation(released=True), True),
    ],
)
def test_a_big_newest_move_needs_confirmation_within_one_percent(confirmation: Confirmation, confirmed: bool) -> None:
    # 102.9 / 101.9 = 1.0098; 102.9 / 104.5 = 0.9847; 102.9 / 103.5 = 0.9942
    found = newest_problems(bars_of([*CALM, 102.9]), 10.0, confirmation)
    assert [(problem.rule, problem.blocks_exit) for problem in found] == (
        [] if confirmed else [(Rule.UNCONFIRMED, False)]
    )


def test_a_higher_multiple_asks_for_less_confirmation() -> None:
    bars = bars_of([*CALM, 102.9])  # about 29 usual moves
    assert newest_problems(bars, 40.0) == ()


@pytest.mark.parametrize("ratio", [0.5, 2.0, 1 / 3, 1.5, 0.1, 0.505])
def test_a_newest_move_like_a_split_is_refused_even_when_the_midpoint_agrees(ratio: float) -> None:
    close = QUIET[-1] * ratio
    (problem,) = newest_problems(bars_of([*QUIET, close]), 10.0, Confirmation(midpoint=close))
    assert (problem.rule, problem.blocks_exit) == (Rule.LOOKS_LIKE_SPLIT, True)


def test_a_newest_move_like_a_split_on_much_volume_is_confirmed_by_the_midpoint() -> None:
    # Two thirds of the price on three times the shares: twice the median in old ones. A halved price needs four times.
    close = QUIET[-1] * 2 / 3
    bars = bars_of([*QUIET, close])
    assert newest_problems(changed(bars, volume={80: 3_000.0}), 10.0, Confirmation(midpoint=close)) == ()
    (problem,) = newest_problems(changed(bars, volume={80: 2_990.0}), 10.0, Confirmation(midpoint=close))
    assert problem.rule is Rule.LOOKS_LIKE_SPLIT


def test_a_crash_of_thirty_percent_is_confirmed_by_the_midpoint() -> None:
    assert newest_problems(bars_of([*QUIET, 70.0]), 10.0, Confirmation(midpoint=70.0)) == ()


HISTORY = bars_of(QUIET).until(date(2024, 4, 19))


def test_a_fresh_provisional_bar_is_fit_whatever_its_projected_volume() -> None:
    assert provisional_problems(HISTORY, today(100.5), AT, 10.0) == ()


@pytest.mark.parametrize(("minutes", "stale"), [(10.0, False), (10.1, True), (60.0, True), (-0.9, False), (-1.1, True)])
def test_a_price_is_stale_after_ten_minutes_and_wrong_from_the_future(minutes: float, stale: bool) -> None:
    found = provisional_problems(HISTORY, today(100.5, seen=timedelta(minutes=minutes)), AT, 10.0)
    assert [problem.rule for problem in found] == ([Rule.STALE] if stale else [])


def test_a_delayed_feed_is_refused_however_young_its_stamp() -> None:
    found = provisional_problems(HISTORY, today(100.5), AT, 10.0, delayed=True)
    assert [problem.rule for problem in found] == [Rule.DELAYED]


def test_a_halted_symbol_without_volume_is_refused() -> None:
    found = provisional_problems(HISTORY, today(100.5, volume=0.0), AT, 10.0)
    assert [problem.rule for problem in found] == [Rule.NO_VOLUME]


def test_a_provisional_price_a_hundred_times_too_high_bars_entry_and_needs_the_midpoint_for_an_exit() -> None:
    found = provisional_problems(HISTORY, today(7_777.0), AT, 10.0, Confirmation(midpoint=100.5))
    assert [(problem.rule, problem.blocks_exit) for problem in found] == [(Rule.UNCONFIRMED, False)]


def test_at_the_midpoint_the_bar_is_one_that_could_have_been() -> None:
    bar = at_midpoint(today(7_777.0), 100.5).bar
    assert (bar.low, bar.close, bar.high) == (100.5, 100.5, 7_777.0)


def test_sources_agree_on_a_close_within_half_a_percent() -> None:
    first = bars_of([100.0, 100.0])
    assert disagreements(first, bars_of([100.0, 100.49], source="ib")) == ()
    (problem,) = disagreements(first, bars_of([100.0, 100.51], source="ib"))
    assert problem.rule is Rule.SOURCES_DISAGREE
    (missing,) = disagreements(first, bars_of([100.0], source="ib"))
    assert "no bar from ib" in missing.found


def test_ranges_agree_when_they_overlap_within_one_percent() -> None:
    low = Bar(date(2024, 4, 22), 99.0, 100.0, 98.0, 99.0, 1.0)
    assert ranges_agree(low, Bar(date(2024, 4, 22), 102.0, 103.0, 101.9, 102.0, 1.0))
    assert not ranges_agree(low, Bar(date(2024, 4, 22), 103.0, 104.0, 102.1, 103.0, 1.0))


def test_every_problem_says_what_was_found_and_what_to_do() -> None:
    bars = changed(bars_of(QUIET), high={30: 99.0})
    (problem,) = problems_in_history(bars, bars.days)
    assert problem.text.startswith(f"MTUM {bars.day(30)}: out_of_range: open 100, high 99, low 100, close 100")
    assert "mtum bars release" in problem.text


def test_an_unknown_volume_leaves_its_bar_and_those_behind_it_fit() -> None:
    bars = changed(bars_of(QUIET), volume={30: float("nan")})
    assert rules(bars) == []


def test_beside_an_unknown_volume_a_split_is_judged_by_the_others() -> None:
    """The price halves at the 41st session on an ordinary volume; the volume of the 31st is not known."""
    closes = [*QUIET[:40], *[close / 2 for close in QUIET[40:]]]
    bars = changed(bars_of(closes), volume={30: float("nan")})
    assert rules(bars) == [(bars.day(40), Rule.LOOKS_LIKE_SPLIT)]
