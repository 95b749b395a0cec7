"""Tables of the tear sheet and of the pages beside it."""

from mtum.core.reporting.backtest.page import table


def test_words_stand_left_and_numbers_right_whatever_is_not_known() -> None:
    rows = [("2018-01-03", "vix_fear", 1.5, None), ("2018-01-04", "open", "unknown", "-")]
    html = table(("entry", "reason", "P&L", "exit"), rows)
    assert '<th class="left">reason</th><th>P&amp;L</th>' in html
    assert '<td class="left">vix_fear</td><td>1.50</td><td></td>' in html
    assert '<td class="left">open</td><td>unknown</td><td>-</td>' in html
