"""Between values and JSON: what is kept in databases stays the same text, and what is damaged says so."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isnan
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mtum.core.canonical import canonical, canonical_numbers, decode, digest, loaded, plain
from mtum.core.portfolio.carried import memory_of
from mtum.core.portfolio.decision import PlannedOrder
from mtum.core.portfolio.orders import OrderType, Purpose, Side
from mtum.core.reporting.codec import document, from_document
from mtum.core.reporting.parts.account import EquityLine
from mtum.core.reporting.parts.orders import FillLine
from mtum.core.reporting.stated import State, Stated, final
from mtum.core.simulation.exchange_codec import from_bytes, to_bytes
from mtum.core.simulation.exchange_state import ExchangeOrder, ExchangeState, ExchangeTicket

ORDER = PlannedOrder("MTUM", Side.BUY, Purpose.ENTER, 3, ("rsi_high", "above_average"))
AT = datetime(2024, 1, 3, 20, 39, 30, 5, tzinfo=UTC)
STATE = ExchangeState(
    orders=(
        ExchangeOrder(
            ExchangeTicket("U1", "MTUM", Side.BUY, OrderType.MARKET_ON_CLOSE, 3, limit=Decimal("1.50")),
            perm_id=7,
            placed_at=AT,
            placed_session=date(2024, 1, 3),
            session=None,
        ),
    )
)
STORED_STATE = (
    '{"state":{"accounts":[],"executions":[],"next_perm_id":1700000001,"orders":[{"code":0,"commission":"0",'
    '"done_at":null,"filled":0,"filled_value":"0","perm_id":7,"placed_at":"2024-01-03T20:39:30.000005+00:00",'
    '"placed_session":"2024-01-03","reason":"","session":null,"status":"working","ticket":{"account":"U1",'
    '"client_id":0,"limit":"1.50","order_id":0,"order_type":"MOC","ref":"","shares":3,"side":"BUY","symbol":"MTUM",'
    '"tif":"DAY"}}],"plans":[],"session":null},"version":2}'
)


def test_numbers_are_written_as_in_the_texts_whose_hashes_are_stored() -> None:
    numbers = [1e22, 1e16, 123456789012345.6, 0.00001, 1e-7, 0.1, 1.0, -0.0, 3]
    assert canonical(numbers) == "[1e+22,1e+16,123456789012345.6,1e-05,1e-07,0.1,1.0,-0.0,3]"


def test_a_document_has_one_text_whatever_the_order_of_its_keys() -> None:
    text = '{"bars":{"close":[0.1,105.0],"é":null},"vix":16.44}'
    assert canonical({"vix": 16.44, "bars": {"close": [0.1, 105.0], "é": None}}) == text
    assert canonical({"bars": {"é": None, "close": [0.1, 105.0]}, "vix": 16.44}) == text


def test_a_number_that_json_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"vix": float("nan")})


@given(st.lists(st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)))
@example([1e-4, 9.9999e-5, 1e-5, 5e-324])
@example([9999999999999998.0, 1e16, 1.5e22, 1.7976931348623157e308])
@example([0.0, -0.0, None, 78.02, 444786.0, 10.00003])
def test_a_column_of_numbers_has_the_text_of_any_document(column: list[float | None]) -> None:
    assert canonical_numbers(column) == canonical(column)


@pytest.mark.parametrize("value", [set(), {"GE"}, {("a", 1)}, b"", range(0), iter(()), date(2024, 1, 2)])
def test_what_is_no_table_is_not_written_as_one(value: object) -> None:
    with pytest.raises(TypeError, match="has no canonical text"):
        canonical({"value": value})


def test_a_mapping_that_is_no_dictionary_is_written_as_one() -> None:
    assert canonical(MappingProxyType({"b": 1, "a": 2})) == '{"a":2,"b":1}'


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_column_with_a_number_that_json_does_not_know_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_numbers([1.0, number])


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(DOCUMENTS, st.booleans())
@example(["\ud800", 1e-5, -0.0, float("inf"), 2**64], True)
def test_a_text_is_read_as_python_reads_it(told: object, escaped: bool) -> None:
    text = json.dumps(told, ensure_ascii=escaped)
    assert repr(loaded(text)) == repr(json.loads(text)) == repr(told)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "01", '"a\nb"', '{"a": 1} b', b'"\xff"'])
def test_a_text_that_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|delimiter|Illegal|Extra|control|decode"):
        loaded(text)


def test_a_digest_is_the_sha_256_of_the_text() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1


def test_a_value_comes_back_from_its_plain_values() -> None:
    stored = {
        "symbol": "MTUM",
        "side": "BUY",
        "purpose": "enter",
        "shares": 3,
        "reasons": ["rsi_high", "above_average"],
    }
    assert plain(ORDER) == stored
    assert decode(PlannedOrder, stored, "the order") == ORDER


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"shares": "3"}, r"Expected `int`, got `str` - at `\$\.shares`"),
        ({"shares": True}, r"Expected `int`, got `bool` - at `\$\.shares`"),
        ({"side": "HOLD"}, r"Invalid enum value 'HOLD' - at `\$\.side`"),
        ({"reasons": ["one", 2]}, r"Expected `str`, got `int` - at `\$\.reasons\[1\]`"),
    ],
)
def test_damage_names_the_document_the_place_and_what_was_found(wrong: dict[str, Any], said: str) -> None:
    stored = {"symbol": "MTUM", "side": "BUY", "purpose": "enter", "shares": 3, "reasons": [], **wrong}
    with pytest.raises(ValueError, match=f"^the order of today cannot be read: {said}$"):
        decode(PlannedOrder, stored, "the order of today")


def test_a_remembered_count_stays_a_whole_number() -> None:
    text = '{"count":3,"day":"2024-01-03","stop":{"symbol":"MTUM","usd":1.5},"trail":2.0}'
    assert (
        canonical(
            plain(memory_of({"count": 3, "day": "2024-01-03", "trail": 2.0, "stop": {"symbol": "MTUM", "usd": 1.5}}))
        )
        == text
    )


def test_the_exchange_is_stored_to_the_last_digit_and_comes_back() -> None:
    assert to_bytes(STATE).decode() == STORED_STATE
    assert from_bytes(STORED_STATE.encode()) == STATE


@pytest.mark.parametrize(
    "damage", [('"filled":0,', ""), ('"code":0', '"code":0,"novelty":1'), ('"limit":"1.50"', '"limit":1.5')]
)
def test_an_exchange_with_other_fields_is_refused(damage: tuple[str, str]) -> None:
    assert damage[0] in STORED_STATE
    with pytest.raises(ValueError, match="the exchange's state cannot be read"):
        from_bytes(STORED_STATE.replace(*damage).encode())


def test_a_late_number_stands_as_two_keys_and_one_of_an_older_report_is_of_unknown_state() -> None:
    line = EquityLine(equity_usd=final(5000.25), start=date(2024, 1, 3))
    stored = document(line)
    assert (stored["equity_usd"], stored["equity_usd_state"], stored["start"]) == (5000.25, "final", "2024-01-03")
    assert (stored["cash_usd"], stored["cash_usd_state"]) == (None, "unknown")
    assert from_document(EquityLine, {**stored, "of_a_later_version": 1}) == line
    del stored["equity_usd_state"], stored["cash_usd"], stored["cash_usd_state"]
    assert from_document(EquityLine, stored).equity_usd == Stated(5000.25, State.UNKNOWN)


def test_instants_of_reports_are_whole_seconds_and_what_is_no_number_is_null() -> None:
    unknown = Stated()
    fill = FillLine("e", "o", "MTUM", "BUY", 3, AT, None, unknown, float("nan"), unknown, unknown, unknown, unknown)
    stored = document(fill)
    assert (stored["at"], stored["fill_price"]) == ("2024-01-03T20:39:30Z", None)
    assert isnan(from_document(FillLine, stored).fill_price)
