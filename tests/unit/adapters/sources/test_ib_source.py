"""The bar source on the broker's connection."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from mtum.adapters.sources.ib import duration
from mtum.core.market.intraday import regular_hours
from mtum.core.market.timeframes import INTRADAY
from mtum.errors import BarsStaleError, SourceUnavailableError
from support.gateway import TODAY, Running, running_gateway, weekday_sessions
from support.ib_adapter import Adapter, adapter
from support.values import replace

SESSION = weekday_sessions().between(TODAY, TODAY)[0]
NOW = datetime(2015, 6, 10, 19, 38, tzinfo=UTC)


@pytest.fixture
def gateway() -> Iterator[Running]:
    with running_gateway() as running:
        yield running


@pytest.fixture
def ours(gateway: Running) -> Iterator[Adapter]:
    with adapter(gateway) as found:
        yield found


@pytest.mark.parametrize(
    ("first", "words"), [(date(2026, 1, 9), "1 D"), (date(2025, 1, 10), "365 D"), (date(2025, 1, 9), "2 Y")]
)
def test_a_span_is_asked_in_days_and_beyond_a_year_in_years(first: date, words: str) -> None:
    assert duration(first, date(2026, 1, 9)) == words


def test_history_holds_the_interval_and_today_only_when_asked(ours: Adapter) -> None:
    bars = ours.source.history("MTUM", date(2015, 6, 1), date(2015, 6, 9))
    assert (len(bars), bars.day(0), bars.last_day) == (7, date(2015, 6, 1), date(2015, 6, 9))
    # The 50th session: 70 + 0.1 x 49, volume 100,000 + 49,000.
    assert (bars.close[-1], bars.volume[-1]) == (74.9, 149_000.0)


def test_a_quote_is_todays_running_bar_dated_by_the_live_feed(ours: Adapter) -> None:
    quote = ours.source.quote("MTUM", SESSION, NOW)
    # The 51st session, 80 % of 150,000 shares traded.
    assert (quote.close, quote.volume, quote.midpoint) == (75.0, 120_000.0, 75.0)
    assert (quote.seen_at, quote.delayed) == (NOW, False)


def test_without_a_trade_time_the_newest_minute_bar_dates_the_quote(gateway: Running, ours: Adapter) -> None:
    gateway.fault("tickString", "swallow", count=0)
    # The newest minute began at 15:37 New York time and ends at 15:38.
    assert ours.source.quote("MTUM", SESSION, NOW).seen_at == NOW


def test_a_delayed_feed_is_marked(gateway: Running, ours: Adapter) -> None:
    gateway.tell("behavior", delayed=["MTUM", "VIX"])
    assert ours.source.quote("MTUM", SESSION, NOW).delayed
    vix = ours.source.series("VIX", SESSION, NOW)
    assert vix is not None
    assert vix.delayed


def test_before_the_opening_there_is_no_bar_of_today(gateway: Running, ours: Adapter) -> None:
    gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=400)
    with pytest.raises(BarsStaleError, match="no bar of 2015-06-10 yet"):
        ours.source.quote("MTUM", SESSION, NOW)


def test_the_vix_its_closes_and_none_for_another_series(ours: Adapter) -> None:
    vix = ours.source.series("VIX", SESSION, NOW)
    assert vix is not None
    assert (vix.value, vix.seen_at, vix.delayed) == (15.25, NOW, False)
    assert ours.source.series("MOVE", SESSION, NOW) is None
    assert dict(ours.source.series_history("VIX", date(2015, 6, 8), date(2015, 6, 9))) == {
        date(2015, 6, 8): 15.25,
        date(2015, 6, 9): 15.25,
    }


def test_missing_permission_is_said_for_bars_and_for_the_vix(gateway: Running, ours: Adapter) -> None:
    gateway.tell("behavior", no_data=["MTUM", "VIX"])
    with pytest.raises(SourceUnavailableError, match="subscribe to its market data"):
        ours.source.history("MTUM", date(2015, 6, 1), TODAY)
    with pytest.raises(SourceUnavailableError, match="subscribe to its market data"):
        ours.source.series("VIX", SESSION, NOW)
    assert ours.source.series_history("VIX", date(2015, 6, 1), TODAY) == {}


def test_one_lost_answer_is_asked_again_and_two_are_a_service_that_is_down(gateway: Running, ours: Adapter) -> None:
    gateway.fault("reqHistoricalData", "swallow")
    assert len(ours.source.history("MTUM", date(2015, 6, 1), TODAY)) == 8
    gateway.tell("clear_faults")
    gateway.fault("reqHistoricalData", "swallow", count=2)
    with pytest.raises(SourceUnavailableError, match="did not answer"):
        ours.source.history("MTUM", date(2015, 6, 1), TODAY)


def test_the_usual_share_is_the_median_of_full_sessions_and_never_learned_from_half_days(
    gateway: Running, ours: Adapter
) -> None:
    # The made-up market trades 80 % before the auction at any moment of the session.
    learned = ours.source.volume_share("MTUM", SESSION, 20.0)
    assert learned is not None
    assert (round(learned.share, 9), learned.learned_sessions) == (0.8, 20)
    gateway.tell("behavior", no_data=["MTUM"])
    assert ours.source.volume_share("MTUM", SESSION, 20.0) == learned  # learned already
    assert ours.source.volume_share("MTUM", replace(SESSION, day=date(2015, 6, 9)), 20.0) is None


def test_bars_within_the_session_are_those_of_the_brokers_history(ours: Adapter) -> None:
    """Hours are made of halves, as the broker's own begin with the clock's; the running half is told too."""
    assert [ours.source.minutes_for("MTUM", one) for one in INTRADAY] == [1, 5, 5, 30, 30, 30]
    sessions = weekday_sessions().between(date(2015, 6, 9), TODAY)
    for minutes, ended in ((30, 12), (5, 73), (1, 368)):
        rows = ours.source.intraday("MTUM", minutes, date(2015, 6, 9), TODAY)
        bars = regular_hours(("MTUM", "ib"), minutes, rows, sessions)
        today = bars.since(TODAY).ended_by(NOW)
        # Of today's session what had ended by 15:38; of the day before all 390 minutes.
        assert (len(today), len(bars.until(date(2015, 6, 9)))) == (ended, 390 // minutes)
        assert (bars.day(0), bars.source) == (date(2015, 6, 9), "ib")
        assert round(float(bars.until(date(2015, 6, 9)).volume.sum())) == pytest.approx(149_000, abs=200)
