"""Today's volume, projected."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from mtum.core.market.volume import (
    ObservedShare,
    UsualShare,
    VolumeMode,
    band,
    intraday_share,
    learned_share,
    moved_share,
    projected,
    projection_error,
    rule_volume,
    usual_share,
)

PRIOR = UsualShare(0.87)
DAYS = [date(2024, 1, 1) + timedelta(days=index) for index in range(60)]


def observed(*shares: float, minutes: float = 20.0, half_day: bool = False) -> list[ObservedShare]:
    return [ObservedShare(day, minutes, share, half_day) for day, share in zip(DAYS, shares, strict=False)]


def test_the_projection_divides_by_the_usual_share() -> None:
    assert rule_volume(VolumeMode.PROJECTED, 435_000.0, 0.87, 1.0) == 500_000.0


def test_raw_and_prior_session_need_no_share() -> None:
    assert rule_volume(VolumeMode.RAW, 435_000.0, None, 1.0) == 435_000.0
    assert rule_volume(VolumeMode.PRIOR_SESSION, 435_000.0, None, 600_000.0) == 600_000.0


def test_without_a_share_the_projected_volume_is_unproven() -> None:
    assert np.isnan(rule_volume(VolumeMode.PROJECTED, 435_000.0, None, 1.0))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.3])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="not possible"):
        projected(1.0, share)


def test_twenty_sessions_replace_the_prior_by_their_median() -> None:
    # 10 x 0.80 and 10 x 0.90: the median is 0.85.
    found = usual_share(observed(*[0.80] * 10, *[0.90] * 10), 20.0, PRIOR)
    assert found is not None
    assert (round(found.share, 9), found.learned_sessions) == (0.85, 20)
    assert usual_share(observed(*[0.80] * 19), 20.0, PRIOR) == PRIOR


def test_until_then_the_sources_own_intraday_bars_are_used() -> None:
    # On first use its last 20 sessions are known; our own snapshots take over once they are as many.
    measured = UsualShare(0.74, 20, 0.70, 0.78)
    assert usual_share(observed(*[0.80] * 19), 20.0, measured) == measured
    taken_over = usual_share(observed(*[0.80] * 20), 20.0, measured)
    assert taken_over is not None
    assert taken_over.share == pytest.approx(0.80)


def test_a_share_is_learned_from_the_last_twenty_of_at_least_five_sessions() -> None:
    assert learned_share([0.8] * 4) is None
    assert learned_share([0.1] * 10 + [0.8] * 20) == UsualShare(0.8, 20, 0.8, 0.8)


@pytest.mark.parametrize("count", range(5, 21))
def test_what_is_learned_are_the_quantiles_of_numpy_to_the_last_bit(count: int) -> None:
    shares = np.random.default_rng(count).uniform(0.5, 1.0, count).tolist()
    found = learned_share(shares)
    assert found is not None
    assert [found.low, found.share, found.high] == np.quantile(shares, [0.1, 0.5, 0.9]).tolist()


def test_only_the_last_twenty_sessions_count_in_whatever_order_they_come() -> None:
    history = observed(*[0.60] * 10, *[0.80] * 20)
    found = usual_share(list(reversed(history)), 20.0, PRIOR)
    assert found is not None
    assert found.share == pytest.approx(0.80)


def test_half_days_are_never_learned_from() -> None:
    history = [*observed(*([0.8] * 19)), ObservedShare(date(2024, 7, 3), 20.0, 0.1, half_day=True)]
    assert usual_share(history, 20.0, PRIOR) == PRIOR


def test_without_a_prior_five_sessions_prove_a_share_and_four_do_not() -> None:
    assert usual_share(observed(*[0.84] * 4), 20.0, None) is None
    found = usual_share(observed(*[0.84] * 5), 20.0, None)
    assert found is not None
    assert found.share == pytest.approx(0.84)


def test_shares_seen_at_another_time_of_day_do_not_count() -> None:
    assert usual_share(observed(*[0.84] * 20, minutes=26.0), 20.0, None) is None


def test_a_share_seen_a_little_earlier_is_carried_forward() -> None:
    # 0.80 at 25 minutes: half of 0.20 trades evenly over 25 minutes, so 5 minutes add 0.02.
    assert moved_share(0.80, 25.0, 20.0) == pytest.approx(0.82)
    found = usual_share(observed(*[0.80] * 20, minutes=25.0), 20.0, UsualShare(0.5))
    assert found is not None
    assert found.share == pytest.approx(0.82)


def test_the_band_holds_four_sessions_in_five() -> None:
    # Shares 0.80, 0.81 ... 0.99: deciles by linear interpolation at 0.819 and 0.971.
    usual = usual_share(observed(*[0.80 + index / 100 for index in range(20)]), 20.0, PRIOR)
    assert usual is not None
    low, high = band(971.0, usual) or (0.0, 0.0)
    assert (round(low, 6), round(high, 6)) == (1000.0, round(971 / 0.819, 6))
    assert band(971.0, UsualShare(0.87)) is None


def test_the_error_is_signed_and_relative_to_the_final_volume() -> None:
    assert projection_error(110.0, 100.0) == pytest.approx(0.10)
    assert projection_error(90.0, 100.0) == pytest.approx(-0.10)
    assert projection_error(90.0, 0.0) is None


CLOSE = datetime(2024, 6, 3, 20, 0, tzinfo=UTC)
STARTS = np.array([np.datetime64("2024-06-03T13:30") + np.timedelta64(5 * index, "m") for index in range(78)])


def test_the_share_of_a_session_is_counted_from_its_five_minute_bars() -> None:
    # 10 shares in each of 78 bars; 20 minutes before the close 74 have passed: 740 of 1,000.
    assert intraday_share(STARTS, np.full(78, 10.0), CLOSE, 20.0, 1000.0) == pytest.approx(0.74)
    # 18 minutes before: two fifths of the 75th bar, 744.
    assert intraday_share(STARTS, np.full(78, 10.0), CLOSE, 18.0, 1000.0) == pytest.approx(0.744)


def test_bars_that_stop_before_the_moment_prove_nothing() -> None:
    # The last of 71 bars starts at 19:20, 20 minutes before the moment.
    assert intraday_share(STARTS[:71], np.full(71, 10.0), CLOSE, 20.0, 1000.0) is None
    assert intraday_share(STARTS[:0], np.zeros(0), CLOSE, 20.0, 1000.0) is None


def test_a_thin_symbol_without_a_bar_near_the_moment_still_counts() -> None:
    keep = np.r_[0:72, 76, 77]
    assert intraday_share(STARTS[keep], np.full(74, 10.0), CLOSE, 20.0, 1000.0) == pytest.approx(0.72)
