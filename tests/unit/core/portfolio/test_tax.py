"""Tax lots by hand: order, holding period, wash sales before and after the sale."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from mtum.core.portfolio.fills import Fill, Split
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.tax import tax_record
from support.values import replace


def fill(number: int, side: str, day: date, shares: int, price: str, commission: str = "0") -> Fill:
    instant = datetime.combine(day, time(21), UTC)
    name = f"e{number:05d}.01"
    return Fill(
        name, f"i{number}", "DU1", "s", "MTUM", Side(side), day, instant, shares, Decimal(price), Decimal(commission)
    )


def test_oldest_shares_are_sold_first_with_commissions_in_basis_and_proceeds() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100", "1.00"),
            fill(2, "BUY", date(2025, 3, 3), 10, "110", "1.00"),
            fill(3, "SELL", date(2025, 6, 2), 15, "120", "1.50"),
        ]
    )
    first, second = record.closed
    # 1800 - 1.50 = 1798.50, two thirds of it 1199.00; the second lot is half of 1101.
    assert (first.shares, first.proceeds_usd, first.basis_usd) == (10, Decimal("1199.00"), Decimal("1001.00"))
    assert (second.shares, second.proceeds_usd, second.basis_usd) == (5, Decimal("599.50"), Decimal("550.50"))
    assert first.gain_usd == Decimal("198.00")
    assert [lot.shares for lot in record.held] == [5]


def test_a_commission_that_is_not_told_yet_is_left_out() -> None:
    bought = replace(fill(1, "BUY", date(2025, 1, 2), 10, "100"), commission_usd=None)
    assert tax_record([bought]).held[0].basis_usd == Decimal(1000)


def test_more_than_a_year_is_long_term() -> None:
    buy = fill(1, "BUY", date(2024, 3, 1), 2, "100")
    on_the_day = fill(2, "SELL", date(2025, 3, 1), 1, "120")
    a_day_later = fill(3, "SELL", date(2025, 3, 2), 1, "120")
    record = tax_record([buy, on_the_day, a_day_later])
    assert [lot.long_term for lot in record.closed] == [False, True]


def test_shares_of_a_leap_day_are_long_term_from_the_first_of_march() -> None:
    record = tax_record([fill(1, "BUY", date(2024, 2, 29), 1, "100"), fill(2, "SELL", date(2025, 3, 1), 1, "120")])
    assert record.closed[0].long_term


def test_loss_is_deferred_into_shares_bought_within_thirty_days_after() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "SELL", date(2025, 2, 3), 10, "90"),
            fill(3, "BUY", date(2025, 3, 5), 10, "95"),  # 30 days later: still inside
        ]
    )
    (lot,) = record.closed
    assert (lot.code, lot.adjustment_usd, lot.gain_usd) == ("W", Decimal("100.00"), Decimal("0.00"))
    (held,) = record.held
    assert (held.basis_usd, held.deferred_usd) == (Decimal("1050.00"), Decimal("100.00"))
    assert held.term_from == date(2025, 3, 5) - (date(2025, 2, 3) - date(2025, 1, 2))


def test_a_purchase_on_the_thirty_first_day_is_no_wash_sale() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "SELL", date(2025, 2, 3), 10, "90"),
            fill(3, "BUY", date(2025, 3, 6), 10, "95"),
        ]
    )
    assert record.closed[0].code == ""
    assert record.closed[0].gain_usd == Decimal("-100.00")


def test_shares_bought_before_the_sale_and_still_held_take_the_loss() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "BUY", date(2025, 1, 20), 4, "95"),
            fill(3, "SELL", date(2025, 2, 3), 10, "90"),
        ]
    )
    # Four of ten shares are replaced: 40 of the loss of 100 are disallowed.
    assert record.closed[0].adjustment_usd == Decimal("40.00")
    assert record.closed[0].gain_usd == Decimal("-60.00")
    assert record.held[0].basis_usd == Decimal("420.00")


def test_replacement_shares_serve_once() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 20, "100"),
            fill(2, "SELL", date(2025, 2, 3), 10, "90"),
            fill(3, "SELL", date(2025, 2, 4), 10, "90"),
            fill(4, "BUY", date(2025, 2, 10), 10, "95"),
        ]
    )
    assert [lot.adjustment_usd for lot in record.closed] == [Decimal("100.00"), Decimal(0)]


def test_two_purchases_after_the_sale_take_as_many_shares_of_its_loss_as_were_sold() -> None:
    fills = [
        fill(1, "BUY", date(2025, 1, 2), 10, "100"),
        fill(2, "SELL", date(2025, 2, 3), 10, "90"),
        fill(3, "BUY", date(2025, 2, 4), 4, "91"),
        fill(4, "BUY", date(2025, 2, 5), 10, "92"),
    ]
    record = tax_record(fills)
    assert record.closed[0].adjustment_usd == Decimal(100)
    # 10 of loss each: 4 x 101, 6 x 102, and 4 x 92 without any.
    assert [(lot.shares, lot.basis_usd) for lot in record.held] == [
        (4, Decimal(404)),
        (6, Decimal(612)),
        (4, Decimal(368)),
    ]
    later = tax_record([*fills, fill(5, "SELL", date(2025, 9, 2), 5, "120")])
    assert [(lot.shares, lot.basis_usd, lot.deferred_usd) for lot in later.held] == [
        (5, Decimal(510), Decimal(50)),
        (4, Decimal(368), Decimal(0)),
    ]


def test_a_sale_at_cost_defers_nothing_and_no_holding_period() -> None:
    sold = [fill(1, "BUY", date(2025, 1, 2), 1, "100"), fill(2, "SELL", date(2025, 2, 3), 1, "100")]
    (held,) = tax_record([*sold, fill(3, "BUY", date(2025, 2, 4), 1, "91")]).held
    assert (held.term_from, held.replacement) == (held.acquired, False)


def test_the_smallest_loss_is_deferred_too() -> None:
    sold = [fill(1, "BUY", date(2025, 1, 2), 1, "100"), fill(2, "SELL", date(2025, 2, 3), 1, "99.99")]
    record = tax_record([*sold, fill(3, "BUY", date(2025, 2, 4), 1, "91")])
    assert (record.closed[0].code, record.held[0].basis_usd) == ("W", Decimal("91.01"))
    before = tax_record([sold[0], fill(4, "BUY", date(2025, 1, 20), 1, "91"), sold[1]])
    assert (before.closed[0].code, before.held[0].basis_usd) == ("W", Decimal("91.01"))


def test_a_sale_at_a_loss_that_goes_short_replaces_nothing_with_its_own_short_shares() -> None:
    record = tax_record([fill(1, "BUY", date(2025, 1, 2), 10, "100"), fill(2, "SELL", date(2025, 2, 3), 15, "90")])
    assert [(lot.shares, lot.adjustment_usd) for lot in record.closed] == [(10, Decimal(0))]
    assert [(lot.shares, lot.basis_usd) for lot in record.held] == [(-5, Decimal(-450))]


def test_shares_sold_in_the_same_sale_replace_nothing() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "BUY", date(2025, 1, 20), 10, "95"),
            fill(3, "SELL", date(2025, 2, 3), 20, "90"),
        ]
    )
    assert [lot.code for lot in record.closed] == ["", ""]


def test_a_split_keeps_the_basis() -> None:
    record = tax_record(
        [fill(1, "BUY", date(2025, 1, 2), 10, "100"), fill(2, "SELL", date(2025, 6, 2), 20, "55")],
        [Split("MTUM", date(2025, 9, 2), Decimal(3)), Split("MTUM", date(2025, 3, 3), Decimal(2))],
    )
    assert (record.closed[0].shares, record.closed[0].gain_usd, record.held) == (20, Decimal("100.00"), ())


def test_the_rest_of_the_purchase_sold_replaces_nothing() -> None:
    # Rev. Rul. 56-602: 60 of 100 are sold at a loss within 30 days; the other 40 were not bought instead of them.
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 3, 3), 100, "50"),
            fill(2, "SELL", date(2025, 3, 14), 60, "45"),
            fill(3, "SELL", date(2025, 5, 20), 40, "48"),
        ]
    )
    assert [(lot.code, lot.gain_usd) for lot in record.closed] == [("", Decimal(-300)), ("", Decimal(-80))]


def test_a_partly_filled_exit_that_goes_on_in_the_new_year_is_no_wash_sale() -> None:
    bought = fill(1, "BUY", date(2025, 12, 22), 17, "100")
    old_year = fill(2, "SELL", date(2025, 12, 31), 10, "90")
    new_year = fill(3, "SELL", date(2026, 1, 2), 7, "80")
    before, after = tax_record([bought, old_year]).closed, tax_record([bought, old_year, new_year]).closed
    assert [(lot.code, lot.gain_usd) for lot in after] == [("", Decimal(-100)), ("", Decimal(-140))]
    assert after[:1] == before  # the return of the old year stays as it was


def test_other_shares_bought_before_replace_shares_of_an_older_purchase_sold_with_a_part_of_theirs() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "BUY", date(2025, 1, 20), 10, "95"),
            fill(3, "SELL", date(2025, 2, 3), 14, "90"),
        ]
    )
    # Of the loss of 100 on the ten, six are replaced; the four of the second purchase are replaced by nothing.
    assert [(lot.shares, lot.adjustment_usd) for lot in record.closed] == [(10, Decimal(60)), (4, Decimal(0))]
    assert record.held[0].basis_usd == Decimal(630)


def executions(order: str, side: str, day: date, *parts: tuple[int, str], first: int) -> list[Fill]:
    """Executions of one order, a minute apart, with a commission of a third of a cent each."""
    return [
        replace(
            fill(first + n, side, day, shares, price),
            intent_id=order,
            instant=datetime.combine(day, time(20, n), UTC),
            commission_usd=Decimal("0.003"),
        )
        for n, (shares, price) in enumerate(parts)
    ]


def test_executions_of_one_order_are_one_purchase_and_one_sale() -> None:
    day = date(2025, 3, 3)
    bought = executions("in", "BUY", day, (60, "50"), (40, "50.01"), first=1)
    sold = executions("out", "SELL", day + timedelta(days=7), (30, "45"), (30, "44.99"), first=3)
    (lot,) = tax_record([*bought, *sold]).closed
    # Paid 3000 + 2000.40 + 0.006 = 5000.41, 60 of 100 of it 3000.25 (rounded half up); got 1350 + 1349.70 - 0.006.
    assert (lot.shares, lot.code, lot.basis_usd, lot.proceeds_usd) == (60, "", Decimal("3000.25"), Decimal("2699.69"))


def test_in_one_session_shares_are_bought_before_they_are_sold() -> None:
    """Bought from 15:00 to 20:55 and sold from 14:50 to 20:50: what began is there before what ended."""
    day = date(2025, 3, 3)
    bought = executions("in", "BUY", day, (5, "100"), (5, "100"), first=1)
    sold = executions("out", "SELL", day, (5, "99"), (5, "99"), first=3)
    hours = [time(15), time(20, 55), time(14, 50), time(20, 50)]
    fills = [
        replace(one, instant=datetime.combine(day, at, UTC)) for one, at in zip([*bought, *sold], hours, strict=True)
    ]
    record = tax_record([*fills, fill(5, "BUY", day + timedelta(days=1), 10, "95")])
    # 1,000.01 paid and 989.99 received, each with 0.006 of commission. A short sale's loss would not be deferred.
    assert [(lot.shares, lot.adjustment_usd) for lot in record.closed] == [(10, Decimal("10.02"))]
    assert [(lot.shares, lot.basis_usd) for lot in record.held] == [(10, Decimal("960.02"))]


def test_shares_bought_on_the_thirtieth_day_of_a_sale_that_went_on_until_then_replace_its_first_ones() -> None:
    first, last = date(2025, 2, 3), date(2025, 3, 5)
    part, rest = executions("out", "SELL", first, (5, "90"), (5, "100"), first=3)
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            part,
            replace(fill(2, "BUY", last, 5, "95"), instant=datetime.combine(last, time(15), UTC)),
            replace(rest, session=last, instant=datetime.combine(last, time(21), UTC)),
        ]
    )
    # Five bought for 500 went for 450, the 0.003 of commission rounded away.
    assert [lot.adjustment_usd for lot in record.closed] == [Decimal(50), Decimal(0)]
    assert [lot.basis_usd for lot in record.held] == [Decimal(525)]


def test_a_sale_of_several_executions_is_not_washed_by_what_its_later_ones_sell() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "BUY", date(2025, 1, 20), 10, "95"),
            *executions("out", "SELL", date(2025, 2, 3), (10, "90"), (10, "90"), first=3),
        ]
    )
    assert [(lot.shares, lot.code) for lot in record.closed] == [(10, ""), (10, "")]


def test_an_order_executed_on_both_sides_of_the_year_s_end_is_one_sale_with_a_row_in_each_year() -> None:
    part, rest = executions("out", "SELL", date(2025, 12, 31), (10, "90"), (10, "90"), first=3)
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "BUY", date(2025, 12, 22), 10, "95"),
            part,
            replace(rest, session=date(2026, 1, 2), instant=datetime(2026, 1, 2, 21, tzinfo=UTC)),
        ]
    )
    assert [(lot.sold.year, lot.code) for lot in record.closed] == [(2025, ""), (2026, "")]


def test_shares_bought_before_that_took_one_loss_take_no_second() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 20, "100"),
            fill(2, "BUY", date(2025, 1, 20), 10, "95"),
            fill(3, "SELL", date(2025, 2, 3), 10, "90"),
            fill(4, "SELL", date(2025, 2, 4), 10, "90"),
        ]
    )
    assert [lot.adjustment_usd for lot in record.closed] == [Decimal(100), Decimal(0)]
    assert record.held[0].basis_usd == Decimal(1050)


@pytest.mark.parametrize(("bought", "code"), [(date(2025, 1, 4), "W"), (date(2025, 1, 3), "")])
def test_the_window_opens_thirty_days_before_the_sale(bought: date, code: str) -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "BUY", bought, 10, "95"),
            fill(3, "SELL", date(2025, 2, 3), 10, "90"),
        ]
    )
    assert record.closed[0].code == code


@pytest.mark.parametrize(
    ("bought", "last_short_term_day"),
    [
        (date(2023, 2, 28), date(2024, 2, 29)),  # the last day of the month: twelve whole months, March to February
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2024, 2, 28), date(2025, 2, 28)),
        (date(2023, 2, 27), date(2024, 2, 27)),
        (date(2023, 4, 30), date(2024, 4, 30)),
        (date(2023, 12, 31), date(2024, 12, 31)),
    ],
)
def test_a_year_counts_from_the_day_after_the_purchase(bought: date, last_short_term_day: date) -> None:
    shares = fill(1, "BUY", bought, 2, "100")
    sold = [fill(2 + n, "SELL", last_short_term_day + timedelta(days=n), 1, "120") for n in (0, 1)]
    assert [lot.long_term for lot in tax_record([shares, *sold]).closed] == [False, True]


def test_a_short_position_is_closed_by_the_purchase_that_delivers_it() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "SELL", date(2025, 1, 3), 14, "110"),
            fill(3, "BUY", date(2025, 1, 6), 10, "105"),
        ]
    )
    long, short = record.closed
    assert (long.shares, long.gain_usd) == (10, Decimal(100))
    # 4 x 110 received, 4 x 105 paid three days later.
    assert (short.shares, short.acquired, short.sold) == (4, date(2025, 1, 6), date(2025, 1, 6))
    assert (short.gain_usd, short.long_term) == (Decimal(20), False)
    assert [(lot.shares, lot.basis_usd) for lot in record.held] == [(6, Decimal(630))]


def test_short_positions_are_closed_one_after_the_other() -> None:
    shorts = [fill(1, "SELL", date(2025, 1, 2), 4, "110"), fill(2, "SELL", date(2025, 1, 3), 6, "120")]
    record = tax_record([*shorts, fill(3, "BUY", date(2025, 1, 6), 5, "100")])
    assert [(lot.shares, lot.gain_usd) for lot in record.closed] == [(4, Decimal(40)), (1, Decimal(20))]
    assert [(lot.shares, lot.basis_usd) for lot in record.held] == [(-5, Decimal(-600))]
    one = [fill(1, "SELL", date(2025, 1, 2), 1, "110"), fill(2, "BUY", date(2025, 1, 6), 1, "100")]
    assert ([lot.gain_usd for lot in tax_record(one).closed], tax_record(one).held) == ([Decimal(10)], ())
    # No cash is paid for a fraction of what is short.
    again = fill(3, "SELL", date(2025, 4, 2), 1, "1000")
    held = tax_record([shorts[0], again], [Split("MTUM", date(2025, 3, 3), Decimal("0.1"))]).held
    assert [(lot.shares, lot.basis_usd) for lot in held] == [(Decimal("-0.4"), Decimal(-440)), (-1, Decimal(-1000))]


def test_shares_that_changed_sleeves_were_neither_sold_nor_bought() -> None:
    held = [fill(1, "BUY", date(2025, 1, 2), 10, "100")]
    crossed = replace(fill(2, "SELL", date(2025, 2, 3), 10, "90"), exec_id="cross:2.01")
    assert tax_record([*held, crossed]) == tax_record(held)


def test_an_open_short_position_is_held_with_negative_shares() -> None:
    record = tax_record([fill(1, "SELL", date(2025, 1, 3), 2, "100")])
    assert [(lot.shares, lot.basis_usd) for lot in record.held] == [(-2, Decimal(-200))]
    assert record.closed == ()


def test_later_executions_of_a_purchase_do_not_replace_what_its_first_ones_bought() -> None:
    part, rest = executions("in", "BUY", date(2025, 3, 3), (10, "100"), (10, "95"), first=1)
    sold = fill(3, "SELL", date(2025, 3, 4), 10, "90")
    rest = replace(rest, session=date(2025, 3, 5), instant=datetime(2025, 3, 5, 21, tzinfo=UTC))
    assert [lot.code for lot in tax_record([part, sold, rest]).closed] == [""]


def test_cash_in_lieu_is_the_proceeds_of_the_fraction_that_a_split_leaves() -> None:
    bought = fill(1, "BUY", date(2025, 1, 2), 17, "150")
    sold = fill(2, "SELL", date(2025, 6, 2), 25, "110")
    split = Split("MTUM", date(2025, 3, 3), Decimal("1.5"), Decimal("52.50"))
    fraction, rest = tax_record([bought, sold], [split]).closed
    # 17 x 150 = 2550 for 25.5 shares, 100 each: the half share cost 50.
    assert (fraction.shares, fraction.sold) == (Decimal("0.5"), date(2025, 3, 3))
    assert (fraction.basis_usd, fraction.gain_usd) == (Decimal(50), Decimal("2.50"))
    assert (rest.shares, rest.basis_usd, rest.gain_usd) == (25, Decimal(2500), Decimal(250))


def test_a_fraction_whose_cash_is_not_told_is_in_no_row() -> None:
    split = Split("MTUM", date(2025, 3, 3), Decimal("1.5"))
    record = tax_record([fill(1, "BUY", date(2025, 1, 2), 17, "150")], [split])
    assert record.closed == ()
    assert [(str(lot.shares), lot.basis_usd) for lot in record.held] == [("25", Decimal(2500))]
    # 0.2 and 0.5 of a share are less than one: nothing is left of either purchase.
    two = [fill(1, "BUY", date(2025, 1, 2), 2, "10"), fill(2, "BUY", date(2025, 1, 3), 5, "10")]
    record = tax_record(two, [replace(split, ratio=Decimal("0.1"))])
    assert (record.closed, record.held) == ((), ())


def test_a_loss_on_a_fraction_is_deferred_as_any_other() -> None:
    split = Split("MTUM", date(2025, 3, 3), Decimal("1.5"), Decimal("40"))
    fills = [fill(1, "BUY", date(2025, 1, 2), 17, "150"), fill(2, "BUY", date(2025, 3, 10), 4, "105")]
    record = tax_record(fills, [split, replace(split, symbol="SPY")])
    # Half a share cost 50 and brought 40; half a share of the four bought a week later takes the 10.
    assert record.closed[0].adjustment_usd == Decimal(10)
    assert [(str(lot.shares), lot.basis_usd) for lot in record.held] == [
        ("25", Decimal(2500)),
        ("0.5", Decimal("62.50")),
        ("3.5", Decimal("367.50")),
    ]
    # The half share is the oldest when two more are bought; it stays, as shares that are held are covered by none.
    record = tax_record(
        [*fills, fill(3, "SELL", date(2025, 6, 2), 25, "110"), fill(4, "BUY", date(2025, 7, 2), 2, "90")], [split]
    )
    assert [str(lot.shares) for lot in record.held] == ["0.5", "3.5", "2"]


def test_a_loss_before_a_split_is_deferred_into_as_many_shares_after_it() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "SELL", date(2025, 2, 3), 10, "90"),
            fill(3, "BUY", date(2025, 2, 10), 10, "45"),
        ],
        [Split("MTUM", date(2025, 2, 5), Decimal(2))],
    )
    # Ten shares sold are twenty of today's; ten of them are replaced, half of the loss of 100 is deferred.
    assert record.closed[0].adjustment_usd == Decimal(50)


def test_contracts_are_taxed_by_what_was_paid_and_received_for_them() -> None:
    call = "MTUM  250620C00100000"
    trades = [fill(1, "BUY", date(2025, 1, 2), 2, "1.50", "1.30"), fill(2, "SELL", date(2025, 3, 3), 2, "2.25", "1.20")]
    record = tax_record(replace(one, symbol=call, multiplier=100) for one in trades)
    (lot,) = record.closed
    # 2 x 2.25 x 100 - 1.20 and 2 x 1.50 x 100 + 1.30
    assert (lot.symbol, lot.shares, lot.proceeds_usd, lot.basis_usd) == (call, 2, Decimal("448.80"), Decimal("301.30"))
    assert lot.gain_usd == Decimal("147.50")


def test_an_order_of_two_legs_is_a_deal_in_each_of_its_instruments() -> None:
    short, long = "MTUM  250620P00100000", "MTUM  250620P00095000"
    sold = replace(fill(1, "SELL", date(2025, 1, 2), 1, "2.00"), symbol=short, multiplier=100, intent_id="spread")
    bought = replace(fill(2, "BUY", date(2025, 1, 2), 1, "1.20"), symbol=long, multiplier=100, intent_id="spread")
    also = replace(bought, exec_id="e3.01", side=Side.SELL, symbol="MTUM  250620C00110000", price=Decimal("0.50"))
    held = {(lot.symbol, lot.shares, lot.basis_usd) for lot in tax_record([sold, bought, also]).held}
    assert held == {
        (short, -1, Decimal("-200.00")),
        (long, 1, Decimal("120.00")),
        (also.symbol, -1, Decimal("-50.00")),
    }
