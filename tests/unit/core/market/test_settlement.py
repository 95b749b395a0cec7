"""Settlement days by hand: the two change-overs, weekends, holidays, and days only the banks keep."""

from datetime import date

import numpy as np
import pytest

from mtum.core.market.settlement import settlement_day
from mtum.core.simulation.history import settled_at


@pytest.mark.parametrize(
    ("trade", "settles"),
    [
        (date(2017, 9, 1), date(2017, 9, 7)),  # Friday, T+3, over Labor Day
        (date(2017, 9, 5), date(2017, 9, 7)),  # the first day of T+2: both settle together
        (date(2017, 9, 6), date(2017, 9, 8)),
        (date(2024, 5, 24), date(2024, 5, 29)),  # Friday, T+2, over Memorial Day
        (date(2024, 5, 28), date(2024, 5, 29)),  # the first day of T+1: both settle together
        (date(2024, 5, 29), date(2024, 5, 30)),
        (date(2025, 10, 10), date(2025, 10, 14)),  # the Monday between is Columbus Day
        (date(2025, 10, 13), date(2025, 10, 14)),  # traded on it
        (date(2025, 11, 10), date(2025, 11, 12)),  # over Veterans Day
        (date(2018, 11, 8), date(2018, 11, 13)),  # T+2; Veterans Day on a Sunday is kept on the Monday
        (date(2023, 11, 9), date(2023, 11, 13)),  # T+2; on a Saturday the banks work on the Friday
        (date(1999, 10, 6), date(1999, 10, 12)),  # T+3 over Columbus Day
        (date(1950, 6, 30), date(1950, 7, 6)),  # the first year: T+3 over Independence Day
        (date(2100, 12, 23), date(2100, 12, 27)),  # the last one: Christmas on a Saturday is kept on the Friday
        (date(2025, 4, 17), date(2025, 4, 21)),  # over Good Friday
        (date(2021, 12, 30), date(2022, 1, 3)),  # New Year on a Saturday is not made up
    ],
)
def test_a_trade_settles_so_many_settlement_days_later(trade: date, settles: date) -> None:
    assert settlement_day(trade) == settles


def test_proceeds_can_be_spent_in_the_first_session_that_begins_with_them() -> None:
    days = np.array(["2025-10-09", "2025-10-10", "2025-10-13", "2025-10-14", "2025-10-15"], dtype="datetime64[D]")
    # Thursday's on Friday; Friday's and Columbus Day's on the fourteenth; the last ones after the end.
    assert settled_at(days, "calendar").tolist() == [1, 3, 3, 4, 5]
    assert settled_at(days, "none").tolist() == [0, 1, 2, 3, 4]
