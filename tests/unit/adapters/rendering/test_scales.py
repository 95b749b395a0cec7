"""The labels beside a chart: none cut off at the left, none on another."""

import re

import numpy as np
import pytest

from mtum.adapters.rendering.charts import svg
from mtum.adapters.rendering.style import NARROW
from mtum.core.market.bars import Column
from mtum.core.reporting.charts import Chart, Line, Panel
from support.markets import weekdays


def ramp(first: float, last: float, count: int) -> Column:
    return np.linspace(first, last, count).astype(np.float64)


def labels(values: Column, *, log: bool = False, height: float = 1.5, first: int = 0) -> list[str]:
    """Words of the chart of one line that begins on a weekday of January 2010, its title left out."""
    days = np.array(weekdays(first + len(values))[first:], dtype="datetime64[D]")
    chart = Chart("c", days, (Panel("Title", (Line("one", values),), log=log, height=height),), "words")
    return [word for word in re.findall(r">([^<>]+)</text>", svg(chart, NARROW, "narrow")) if word != "Title"]


@pytest.mark.parametrize(
    ("largest", "wanted"), [(90_000, "50,000"), (200_000, "200k"), (3_000_000, "2M"), (40_000_000, "20M")]
)
def test_large_amounts_are_told_in_thousands_and_millions(largest: float, wanted: str) -> None:
    found = labels(ramp(0.0, largest, 40), log=False)
    assert wanted in found
    assert "0" in found, "nothing has no unit"
    assert max(map(len, found)) <= 6


def test_over_many_decades_a_logarithmic_scale_has_fewer_labels() -> None:
    few, many = 10 ** ramp(1.7, 2.18, 40), 10 ** ramp(0.85, 2.85, 40)
    assert {"70", "100", "150"} <= {*labels(few, log=True)}
    assert [one for one in labels(many, log=True) if one[0].isdigit()] == ["10", "20", "50", "100", "200", "500"]
    assert "15" in labels(many, log=True, height=8.0), "where there is room it has them all"


def test_no_month_stands_under_the_name_of_a_line_or_the_lowest_label() -> None:
    """Of weekdays from 4 January 2010 on February begins with the 21st and March with the 41st."""
    assert {"Feb", "Mar"} <= {*labels(ramp(1.0, 2.0, 60))}
    assert "Mar" not in labels(ramp(1.0, 2.0, 42)), "the second last of them"
    assert "Feb" not in labels(ramp(1.0, 2.0, 41), first=19), "the second of them"
