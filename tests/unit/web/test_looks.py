"""What of a page is seen: whole dates and amounts, bars that warn of limits alone, short numbers beside a chart."""

from mtum.web.drawing import Chart, Curve, bars_of, drawn, use_bar
from mtum.web.html import table, usd


def test_no_line_is_broken_in_a_date_or_an_amount_of_a_table() -> None:
    row = ["2018-12-31 at 117.04 USD", "\N{MINUS SIGN}1,000.00 USD", "<b>", "2018-10-04 to 2018-11-01"]
    told = table(("in", "worth", "why", "held"), [row])
    assert '<span><span class="day">2018-12-31</span> at 117.04 USD</span>' in told
    assert '<span class="num">\N{MINUS SIGN}1,000.00 USD</span>' in told
    assert '<td data-head="why">&lt;b&gt;</td>' in told
    assert '<span class="day">2018-10-04</span> to <span class="day">2018-11-01</span>' in told


def test_only_the_use_of_a_limit_warns() -> None:
    assert "bar over" in str(use_bar(0.8))
    assert "bar over" not in str(use_bar(1.0, limit=False))
    # The longest of the counted stretches is the whole width, and no warning.
    counted = bars_of("Fills.", ["below 0", "from 0"], [3, 6])
    assert 'width="50.0%"' in counted
    assert 'width="100.0%" height="8" rx="3" class="bar"' in counted


def test_levels_of_a_chart_have_cents_only_where_they_need_them() -> None:
    whole = drawn(Chart("Equity", "It rose.", ["a", "b"], [Curve("account", [90_000.0, 100_000.0])], told=usd))
    assert ">95,000 USD</text>" in whole
    small = drawn(Chart("Price", "It rose.", ["a", "b"], [Curve("close", [1.0, 1.1])], told=usd))
    assert ">1.05 USD</text>" in small
