"""Where market time begins, which accounts there are, what the files may say."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from mtum.adapters.sources.embedded import sample_source
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.money import AccountKind
from mtum.gateway.faults import Fault
from mtum.gateway.market import PortMarket, port_market
from mtum.gateway.start import (
    Beginning,
    behavior_from,
    fault_rules,
    first_instant,
    practice_accounts,
)


class Weekdays:
    """A calendar without holidays (ports.time.Calendar); New York at UTC - 5."""

    def sessions(self, first: date, last: date) -> Sessions:
        days = (first + timedelta(days=i) for i in range((last - first).days + 1))
        return Sessions(tuple(_session(day) for day in days if day.weekday() < 5))


def _session(day: date) -> Session:
    opening = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
    return Session(day, opening, opening + timedelta(hours=6, minutes=30))


@pytest.fixture(scope="module")
def market() -> PortMarket:
    return port_market(sample_source(), Weekdays(), ("MTUM",))


def test_the_gateway_shows_the_sources_own_bars(market: PortMarket) -> None:
    source, day = sample_source(), date(2018, 6, 1)
    session = _session(day)
    final = source.history("MTUM", day, day).find(day)
    assert final is not None
    assert market.bar("MTUM", day) == final
    seen = source.quote("MTUM", session, session.before_close(20))
    share = market.traded_share("MTUM", session, 20)
    # The very same whole number of shares as the in-process market shows.
    assert float(round(final.volume * share)) == seen.volume < final.volume
    assert market.traded_share("MTUM", session, 0) == 1.0


def test_vix_has_closes_only(market: PortMarket) -> None:
    day = date(2018, 6, 1)
    bar = market.bar("VIX", day)
    assert bar is not None
    assert {bar.open, bar.high, bar.low, bar.close} == {sample_source().series_history("VIX", day, day)[day]}
    assert market.bar("VIX", date(2018, 6, 2)) is None
    assert market.symbols == ("MTUM",)


def test_a_source_without_bars_is_refused() -> None:
    class Empty:
        name = "empty"

        def history(self, symbol: str, first: date, last: date) -> object:
            return ()

        def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
            return {}

    with pytest.raises(ValueError, match="the empty source has no bars of MTUM"):
        port_market(Empty(), Weekdays(), ("MTUM",))  # type: ignore[arg-type]


def test_market_time_begins_250_sessions_before_the_end(market: PortMarket) -> None:
    begin = first_instant(market, None, Beginning(minutes_to_close=30))
    played = market.sessions.between(begin.date(), market.last_day)
    assert len(played) == 250
    assert begin == played[0].before_close(30)


def test_market_time_goes_on_where_it_stood(market: PortMarket) -> None:
    noted = datetime(2018, 3, 1, 20, 44, tzinfo=UTC)
    assert first_instant(market, noted, Beginning()) == noted


def test_a_session_may_be_chosen_but_not_again(market: PortMarket) -> None:
    wanted = Beginning(date(2018, 3, 1), minutes_to_close=22)
    begin = first_instant(market, None, wanted)
    assert begin == datetime(2018, 3, 1, 20, 38, tzinfo=UTC)
    with pytest.raises(ValueError, match="already reached 2018-03-01 20:39"):
        first_instant(market, begin + timedelta(minutes=1), wanted)


@pytest.mark.parametrize("day", [date(2018, 6, 2), date(2019, 1, 2), date(2013, 1, 2)])
def test_a_session_outside_the_market_is_refused(market: PortMarket, day: date) -> None:
    with pytest.raises(ValueError, match="is not a session of this market, which runs from"):
        first_instant(market, None, Beginning(day))


def test_practice_accounts_begin_with_dup() -> None:
    (account,) = practice_accounts(["DUP7"], "margin", Decimal(9))
    assert (account.code, account.kind, account.cash) == ("DUP7", AccountKind.MARGIN, Decimal(9))
    with pytest.raises(ValueError, match="begin with DUP, not 'DU123'"):
        practice_accounts(["DUP7", "DU123"], "cash", Decimal(9))


def test_fault_and_behavior_files_are_read() -> None:
    (rule,) = fault_rules('[{"on": "placeOrder", "do": "suppress"}]')
    assert rule.do is Fault.SUPPRESS
    assert behavior_from('{"read_only": true}').read_only


@pytest.mark.parametrize("text", ["{}", '["drop"]', "nothing"])
def test_a_file_that_is_no_list_of_rules_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the JSON reader words the last one
        fault_rules(text)


def test_a_file_that_is_no_object_of_switches_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON object"):
        behavior_from("[]")
