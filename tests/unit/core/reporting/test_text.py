"""Reports as text: lines fit, and neither a date nor a number with its unit is broken."""

from mtum.core.reporting.layout import Page, Section, Sentence, table_of
from mtum.core.reporting.text import WIDTH, block_lines, text


def test_no_line_breaks_inside_a_date_or_between_a_number_and_its_unit() -> None:
    # One word more at a time moves the place of the break over the whole sentence.
    for words in range(40):
        sentence = f"{'on ' * words}20 Nov 2026 the sleeve earned 1,234.56 USD with 12.3 M shares at 7.5 bps, 46 shares"
        page = Page(sentence, "v", "l", "practice", (Section("k", "t", (Sentence(sentence),)),), (), ())
        told = text(page)
        assert max(map(len, told.splitlines())) <= WIDTH
        assert told.count("20 Nov 2026") == told.count("1,234.56 USD") == told.count("12.3 M") == 2
        assert told.count("7.5 bps") == told.count("46 shares") == 2


def test_a_wide_table_folds_its_words_and_keeps_dates_and_numbers() -> None:
    cause = "order expired, 0 of 46 filled: the exchange closed before the order was accepted"
    rows = [("20 Nov 2026", "an entry signal of the strategy in AAA", cause, "+1.23%", "+1,234.56")]
    told = block_lines(table_of(("Session", "signal", "cause", "cost", "USD"), rows, (0, 1, 2)))
    assert max(map(len, told)) <= WIDTH
    assert told[2].startswith("20 Nov 2026  ")
    assert told[2].endswith("+1.23%  +1,234.56")


def test_a_hash_too_long_for_its_column_is_cut() -> None:
    rows = [("code", "a" * 64, "b" * 64, "session 2026-11-20")]
    told = block_lines(table_of(("What", "before", "now", "since"), rows, (0, 1, 2, 3)))
    assert max(map(len, told)) <= WIDTH
    assert sum(line.count("a") for line in told[2:]) == 64
    assert "session 2026-11-20" in told[2]
