"""What goes into a column comes out of it."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtum.adapters.store.texts import instant, instant_text, money
from mtum.core.canonical import canonical, digest


def test_an_instant_is_utc_text_whatever_its_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert instant_text(datetime(2018, 12, 4, 5, 43, tzinfo=tokyo)) == "2018-12-03T20:43:00.000000Z"


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        instant_text(datetime(2018, 12, 3, 20, 43))  # noqa: DTZ001


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_instants_round_trip_and_sort_as_text(one: datetime, other: datetime) -> None:
    assert instant(instant_text(one)) == one
    assert (instant_text(one) < instant_text(other)) == (one < other)


@given(st.decimals(min_value=-10_000_000, max_value=10_000_000, places=6))
def test_money_round_trips_through_a_float(amount: Decimal) -> None:
    assert money(float(amount)) == amount


def test_the_canonical_text_does_not_depend_on_the_order_of_keys() -> None:
    text = canonical({"vix": 16.44, "bars": {"close": [0.1, 105.0], "é": None}})
    assert text == '{"bars":{"close":[0.1,105.0],"é":null},"vix":16.44}'
    assert canonical({"bars": {"é": None, "close": [0.1, 105.0]}, "vix": 16.44}) == text


def test_a_document_with_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"vix": float("nan")})


def test_the_digest_is_sha_256() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
