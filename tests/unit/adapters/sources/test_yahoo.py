"""The Yahoo source: the real client library against a local server that answers like Yahoo."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.vendor import VendorSource
from mtum.adapters.sources.yahoo import client, yahoo_source
from mtum.core.market.intraday import regular_hours
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import INTRADAY
from mtum.core.market.volume import UsualShare
from mtum.errors import BarsInvalidError, BarsMissingError, BarsStaleError, SourceUnavailableError
from support.bars import bars_of, changed
from support.values import replace
from support.yahoo import (
    CHICAGO,
    CONSENT,
    EMPTY,
    ERROR_500,
    NEW_YORK,
    NULL_CHART,
    RESET,
    RIGHT_BACK,
    TOO_MANY,
    TRUNCATED,
    Chart,
    Reply,
    Row,
    YahooServer,
    chart_of,
    daily_rows,
    yahoo_server,
)

FIRST, LAST = date(2024, 1, 2), date(2024, 2, 9)
CLOSES = [180.0 + 0.37 * index for index in range(29)]
BARS = changed(bars_of(CLOSES, first=FIRST), dividend={5: 0.5}, split={7: 2.0})
TODAY = date(2024, 2, 12)
SESSION = Session(TODAY, datetime(2024, 2, 12, 14, 30, tzinfo=UTC), datetime(2024, 2, 12, 21, 0, tzinfo=UTC))
AT = SESSION.before_close(20)


@pytest.fixture
def server() -> Iterator[YahooServer]:
    with yahoo_server() as running:
        running.charts["MTUM"] = chart_of(BARS)
        yield running


def source(server: YahooServer, folder: Path, *, timeout: float = 5.0, budget: float = 20.0) -> VendorSource:
    return yahoo_source(ExchangeCalendar(), folder / "yahoo", server.url, timeout, budget)


def running_row(close: float = 191.0, at: datetime = AT) -> Row:
    return Row(at, 190.0, 192.0, 189.5, close, 435_000.0)


def test_history_is_split_adjusted_and_keeps_dividends_and_splits(server: YahooServer, tmp_path: Path) -> None:
    found = source(server, tmp_path).history("MTUM", FIRST, LAST)
    np.testing.assert_array_equal(found.days, BARS.days)
    assert found.close.tolist() == [round(close, 2) for close in CLOSES]
    assert (found.dividend[5], found.split[7]) == (0.5, 2.0)
    assert found.volume.tolist() == [1000.0] * 29


def test_only_the_days_asked_for_come_back(server: YahooServer, tmp_path: Path) -> None:
    found = source(server, tmp_path).history("MTUM", date(2024, 1, 10), date(2024, 1, 12))
    assert [found.day(index) for index in range(len(found))] == [date(2024, 1, day) for day in (10, 11, 12)]


def test_a_range_without_rows_is_an_empty_answer(server: YahooServer, tmp_path: Path) -> None:
    assert len(source(server, tmp_path).history("MTUM", date(2010, 1, 4), date(2010, 1, 8))) == 0


def test_the_running_bar_does_not_enter_history_even_doubled(server: YahooServer, tmp_path: Path) -> None:
    rows = [*server.charts["MTUM"].rows, running_row(at=SESSION.open), running_row()]
    server.charts["MTUM"].rows = rows
    assert source(server, tmp_path).history("MTUM", FIRST, LAST).last_day == LAST


def test_a_row_of_nulls_is_a_missing_session_and_one_null_close_is_not_a_number(
    server: YahooServer, tmp_path: Path
) -> None:
    rows = daily_rows(BARS)
    rows[10] = Row(rows[10].at, None, None, None, None, None)
    rows[12] = replace(rows[12], close=None)
    server.charts["MTUM"].rows = rows
    found = source(server, tmp_path).history("MTUM", FIRST, LAST)
    assert found.find(BARS.day(10)) is None
    bar = found.find(BARS.day(12))
    assert bar is not None
    assert np.isnan(bar.close)


def test_the_quote_is_todays_running_bar_with_the_instant_of_the_last_trade(
    server: YahooServer, tmp_path: Path
) -> None:
    server.charts["MTUM"].rows.append(running_row(at=SESSION.open))
    server.charts["MTUM"].traded_at = AT - timedelta(seconds=30)
    quote = source(server, tmp_path).quote("MTUM", SESSION, AT)
    assert (quote.open, quote.high, quote.low, quote.close, quote.volume) == (190.0, 192.0, 189.5, 191.0, 435_000.0)
    assert quote.seen_at == AT - timedelta(seconds=30)
    assert (quote.session, quote.source, quote.midpoint) == (TODAY, "yahoo", None)


def test_a_doubled_running_bar_gives_the_newer_row(server: YahooServer, tmp_path: Path) -> None:
    newer = replace(running_row(191.5), volume=436_000.0)
    server.charts["MTUM"].rows += [running_row(at=SESSION.open), newer]
    quote = source(server, tmp_path).quote("MTUM", SESSION, AT)
    assert (quote.close, quote.volume) == (191.5, 436_000.0)


def test_a_split_effective_today_is_told_with_the_quote(server: YahooServer, tmp_path: Path) -> None:
    server.charts["MTUM"].rows.append(running_row(at=SESSION.open))
    server.charts["MTUM"].splits[TODAY] = 2.0
    assert source(server, tmp_path).quote("MTUM", SESSION, AT).split == 2.0


def test_a_server_that_only_knows_yesterday_is_stale(server: YahooServer, tmp_path: Path) -> None:
    with pytest.raises(BarsStaleError, match=r"no bar of 2024-02-12 yet; its newest is 2024-02-09"):
        source(server, tmp_path).quote("MTUM", SESSION, AT)


def test_a_running_bar_without_a_close_is_invalid(server: YahooServer, tmp_path: Path) -> None:
    server.charts["MTUM"].rows.append(replace(running_row(at=SESSION.open), close=None))
    with pytest.raises(BarsInvalidError, match="bar of today has no close"):
        source(server, tmp_path).quote("MTUM", SESSION, AT)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (TOO_MANY, "too many requests"),
        (RIGHT_BACK, "cannot be reached"),
        (CONSENT, "not a chart"),
        (EMPTY, "not a chart"),
        (TRUNCATED, "not a chart"),
        (NULL_CHART, "holds no chart"),
        (RESET, "cannot be reached"),
        (ERROR_500, "holds no chart"),
    ],
)
def test_a_fault_that_stays_is_named_after_the_tries(
    server: YahooServer, tmp_path: Path, reply: Reply, reason: str
) -> None:
    server.always = reply
    with pytest.raises(SourceUnavailableError, match=rf"MTUM: Yahoo.*{reason}.*tried 1 times"):
        source(server, tmp_path).history("MTUM", FIRST, LAST)


@pytest.mark.parametrize("reply", [TOO_MANY, RIGHT_BACK, EMPTY, TRUNCATED, ERROR_500])
def test_a_fault_that_passes_is_overcome(
    server: YahooServer, tmp_path: Path, reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TRYING_FRAC", 0.75)
    # An HTTP error makes the client ask twice in one try; both get the fault.
    server.replies = [reply, reply] if reply.status >= 400 else [reply]
    assert len(source(server, tmp_path).history("MTUM", FIRST, LAST)) == 29


def test_an_answer_that_is_too_slow_ends_with_the_budget(server: YahooServer, tmp_path: Path) -> None:
    server.always = Reply(wait_seconds=30.0)
    began = datetime.now(UTC)  # noqa: TID251  # real time is what is measured
    with pytest.raises(SourceUnavailableError, match="did not answer in time"):
        source(server, tmp_path, timeout=0.4, budget=1.0).history("MTUM", FIRST, LAST)
    assert (datetime.now(UTC) - began).total_seconds() < 5  # noqa: TID251


def test_an_unknown_symbol_is_said_at_once_in_yahoos_words(server: YahooServer, tmp_path: Path) -> None:
    with pytest.raises(BarsMissingError, match="MTUMX: Yahoo answers: No data found, symbol may be delisted"):
        source(server, tmp_path).history("MTUMX", FIRST, LAST)


def test_an_answer_about_another_symbol_is_invalid(server: YahooServer, tmp_path: Path) -> None:
    server.charts["MTUM"].symbol = "MTUMF"
    with pytest.raises(BarsInvalidError, match="Yahoo answered about MTUMF"):
        source(server, tmp_path).history("MTUM", FIRST, LAST)


def test_prices_in_another_currency_are_invalid(server: YahooServer, tmp_path: Path) -> None:
    server.charts["MTUM"].currency = "GBp"
    with pytest.raises(BarsInvalidError, match="in GBp, not USD"):
        source(server, tmp_path).history("MTUM", FIRST, LAST)


def test_the_same_question_is_answered_afresh(server: YahooServer, tmp_path: Path) -> None:
    reading = source(server, tmp_path)
    reading.history("MTUM", FIRST, LAST)
    server.charts["MTUM"] = chart_of(changed(BARS, close={3: 200.0}, high={3: 200.0}))
    assert reading.history("MTUM", FIRST, LAST).close[3] == 200.0


def vix_chart(*rows: Row) -> Chart:
    return Chart(list(rows), symbol="^VIX", zone=CHICAGO, kind="INDEX")


def test_the_vix_is_dated_in_chicago(server: YahooServer, tmp_path: Path) -> None:
    # A row stamped 23:30 in Chicago is already the next day in New York and UTC.
    late = datetime.combine(date(2024, 2, 8), time(23, 30), tzinfo=CHICAGO)
    server.charts["^VIX"] = vix_chart(Row(late, 13.0, 13.2, 12.8, 12.79, 0.0))
    assert source(server, tmp_path).series_history("VIX", FIRST, LAST) == {date(2024, 2, 8): 12.79}


def test_the_volatility_of_other_indexes_is_told_too(server: YahooServer, tmp_path: Path) -> None:
    late = datetime.combine(date(2024, 2, 8), time(9, 30), tzinfo=CHICAGO)
    for name, level in (("VXN", 17.5), ("RVX", 21.25)):
        rows = [Row(late, level, level, level, level, 0.0)]
        server.charts[f"^{name}"] = Chart(rows, symbol=f"^{name}", zone=CHICAGO, kind="INDEX")
        assert source(server, tmp_path).series_history(name, FIRST, LAST) == {date(2024, 2, 8): level}


def test_the_vix_now_has_its_value_and_its_age(server: YahooServer, tmp_path: Path) -> None:
    opening = datetime.combine(TODAY, time(2, 15), tzinfo=CHICAGO)
    server.charts["^VIX"] = vix_chart(Row(opening, 13.0, 14.2, 12.8, 13.93, 0.0))
    server.charts["^VIX"].traded_at = AT - timedelta(minutes=2)
    found = source(server, tmp_path).series("VIX", SESSION, AT)
    assert found is not None
    assert (found.value, found.seen_at) == (13.93, AT - timedelta(minutes=2))
    assert source(server, tmp_path).series("SKEW", SESSION, AT) is None


def intraday_rows(days: list[date], *, until: int = 78) -> list[Row]:
    return [
        Row(
            datetime.combine(day, time(9, 30), tzinfo=NEW_YORK) + timedelta(minutes=5 * index),
            190.0,
            190.0,
            190.0,
            190.0,
            10.0,
        )
        for day in days
        for index in range(until)
    ]


def test_the_share_of_volume_is_measured_on_the_last_full_sessions(server: YahooServer, tmp_path: Path) -> None:
    # 78 bars of 10 shares, 740 of them by 20 minutes before the close; the daily bar says 1,000.
    server.charts["MTUM"].intraday = intraday_rows([BARS.day(index) for index in range(29)])
    found = source(server, tmp_path).volume_share("MTUM", SESSION, 20.0)
    assert found is not None
    assert (round(found.share, 9), found.learned_sessions) == (0.74, 20)
    assert (found.low, found.high) == (found.share, found.share)


def test_the_documented_prior_stands_in_for_intraday_bars(server: YahooServer, tmp_path: Path) -> None:
    reading = source(server, tmp_path)
    assert reading.volume_share("MTUM", SESSION, 20.0) == UsualShare(0.87)
    # Of the missing 0.13 half trades in the auction, the rest evenly until then: a quarter of it in 10 minutes.
    later = reading.volume_share("MTUM", SESSION, 10.0)
    assert later is not None
    assert later.share == pytest.approx(0.87 + 0.13 / 4)
    server.charts["AAA"] = Chart([], symbol="AAA")
    assert reading.volume_share("AAA", SESSION, 20.0) is None


def test_bars_within_the_session_come_without_the_quote_and_with_rows_that_have_no_trade(
    server: YahooServer, tmp_path: Path
) -> None:
    rows = intraday_rows([LAST, TODAY], until=75)
    rows[1] = replace(rows[1], open=None, high=None, low=None, close=None, volume=None)
    # What is sent last while the exchange is open is the quote, at the instant of its trade.
    quoted = replace(rows[-1], at=AT + timedelta(minutes=5, seconds=12), close=191.0, volume=0.0)
    server.charts["MTUM"].intraday = [*rows, quoted]
    reading = source(server, tmp_path)
    found = reading.intraday("MTUM", 5, LAST, TODAY)
    assert len(np.asarray(found["begins"])) == 150
    sessions = ExchangeCalendar().sessions(LAST, TODAY).known
    bars = regular_hours(("MTUM", "yahoo"), 5, found, sessions)
    assert (len(bars), bars.close[-1], str(bars.begins[-1])) == (149, 190.0, "2024-02-12T20:40:00")
    # In the same five minutes the client library puts it into the bar, which has not ended.
    server.charts["MTUM"].intraday = [*rows, replace(quoted, at=AT + timedelta(seconds=12), high=191.0)]
    again = regular_hours(("MTUM", "yahoo"), 5, reading.intraday("MTUM", 5, LAST, TODAY), sessions)
    assert again.ended_by(AT).close.tolist() == bars.close[:-1].tolist()
    assert [reading.minutes_for("MTUM", one) for one in INTRADAY] == [1, 5, 5, 5, 60, 60]


def test_more_than_yahoo_keeps_is_not_asked_for(server: YahooServer, tmp_path: Path) -> None:
    """It answers the question for older bars with an error, and gives none of the newer ones."""
    days = [TODAY - timedelta(days=back) for back in (70, 60, 59, 3)]
    server.charts["MTUM"].intraday = intraday_rows(days, until=1)
    found = source(server, tmp_path).intraday("MTUM", 5, TODAY - timedelta(days=200), TODAY)
    begins = np.asarray(found["begins"]).astype("datetime64[D]").astype(object).tolist()
    assert begins == days[2:]


def test_the_clients_own_files_stay_in_the_folder_given(server: YahooServer, tmp_path: Path) -> None:
    source(server, tmp_path).history("MTUM", FIRST, LAST)
    assert (tmp_path / "yahoo").is_dir()
