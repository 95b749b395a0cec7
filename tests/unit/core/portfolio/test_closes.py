"""Closes kept up one by one tell the loss limits the same as the whole list of them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtum.core.portfolio.equity_points import Closes, OfficialEquity, loss_state

USD = st.decimals(min_value=1, max_value=100_000, places=2)
FLOWS = st.one_of(st.just(Decimal(0)), st.decimals(min_value=-500, max_value=500, places=2))


@given(st.lists(st.tuples(USD, FLOWS), max_size=12), FLOWS)
def test_closes_one_by_one_tell_what_all_of_them_tell(points: list[tuple[Decimal, Decimal]], since: Decimal) -> None:
    closes, start = Closes(), date(2024, 1, 1)
    for equity, flow in points:
        closes.add(float(equity), float(flow))
    whole = [OfficialEquity(start + timedelta(days=at), *point) for at, point in enumerate(points)]
    one, other = closes.losses(float(since), paused=True), loss_state(whole, since, paused=True)
    assert one.paused
    assert other.paused
    for name in ("last_change_usd", "peak_equity_usd", "flows_since_usd"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=2e-6, rel=1e-9), name


def test_money_taken_out_is_no_fall() -> None:
    closes = Closes()
    for equity, flow in ((1000.0, 0.0), (1200.0, 0.0), (600.0, -600.0)):
        closes.add(equity, flow)
    assert closes.losses().last_change_usd == 0
    assert closes.losses().peak_equity_usd == 600
