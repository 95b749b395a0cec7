"""Fields and frames."""

import math
from decimal import Decimal

import pytest

from mtum.gateway.framing import Cursor, WireError, framed, laid_out, message, names_at, text_of


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (True, "1"),
        (False, "0"),
        (None, ""),
        (7, "7"),
        (0.1, "0.1"),
        (math.inf, "Infinite"),
        (Decimal("75.00"), "75"),
        (Decimal("1E+2"), "100"),
        (Decimal("0.015"), "0.015"),
        ("a", "a"),
    ],
)
def test_fields_as_text(field: str | int | float | bool | Decimal | None, text: str) -> None:
    assert text_of(field) == text


def test_a_frame_is_length_and_zero_ended_fields() -> None:
    assert message("currentTime", 49, 1, 5).frame == b"\x00\x00\x00\x07" + b"49\x001\x005\x00"
    assert framed(b"abc") == b"\x00\x00\x00\x03abc"


def test_a_layout_gates_its_fields_by_version() -> None:
    layout = "a b@160 c@<177 d"
    assert names_at(layout, 157) == ["a", "c", "d"]
    assert names_at(layout, 160) == ["a", "b", "c", "d"]
    assert names_at(layout, 177) == ["a", "b", "d"]
    assert laid_out(layout, 177, {"a": 1, "d": 2}) == [1, None, 2]


def test_a_cursor_says_where_a_message_ends_or_goes_wrong() -> None:
    cursor = Cursor(["1", "x"])
    assert cursor.whole() == 1
    with pytest.raises(WireError, match="field 2 is 'x'"):
        cursor.whole()
    with pytest.raises(WireError, match="ends after 2 fields"):
        cursor.take()
