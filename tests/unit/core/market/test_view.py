"""A view ends at the session being decided and comes from one source."""

from datetime import date

import pytest

from mtum.core.market.bars import Bars
from mtum.core.view import MarketView
from support.bars import bars_of

TODAY = date(2024, 1, 3)
FIT = bars_of([1.0, 2.0, 3.0])


def test_bars_that_end_at_the_session_make_a_view() -> None:
    assert MarketView(TODAY, {"MTUM": FIT}, {}, {}).bars["MTUM"].last_day == TODAY


@pytest.mark.parametrize("bars", [bars_of([1.0, 2.0, 3.0, 4.0]), FIT.tail(0), FIT.until(date(2024, 1, 2))])
def test_bars_of_the_future_the_past_or_none_are_refused(bars: Bars) -> None:
    with pytest.raises(ValueError, match="MTUM: bars must end at 2024-01-03"):
        MarketView(TODAY, {"MTUM": bars}, {}, {})


def test_two_sources_are_refused_with_both_names() -> None:
    both = {"MTUM": FIT, "SPY": bars_of([1.0, 2.0, 3.0], source="ib")}
    with pytest.raises(ValueError, match=r"one source, found \['ib', 'yahoo'\]"):
        MarketView(TODAY, both, {}, {})
