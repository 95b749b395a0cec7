"""New names, mergers and spin-offs by hand: lots, round trips, tax lots and what strategies remember."""

import csv
import io
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from mtum.app.records.export_tax import tax_csv
from mtum.core.portfolio.carried import in_todays_shares
from mtum.core.portfolio.decision import Standing
from mtum.core.portfolio.fills import (
    ChangeKind,
    Fill,
    Split,
    SymbolChange,
    carried,
    earlier_names,
    ended_symbols,
    rebased,
)
from mtum.core.portfolio.lots import lots_of, trades_of
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.reconcile import untraded_of, untraded_texts
from mtum.core.portfolio.tax import tax_record
from mtum.core.strategies.contract import Memory, Price

D = Decimal
BOUGHT, SOLD, DAY, LATER = date(2024, 3, 1), date(2024, 5, 2), date(2025, 6, 2), date(2025, 6, 9)
RENAMED = SymbolChange(ChangeKind.RENAMED, "OLD", DAY, "NEW")


def fill(
    intent: str,
    side: str,
    shares: int,
    price: str,
    day: date,
    symbol: str = "OLD",
    *,
    sleeve: str = "a",
    fee: str = "0",
) -> Fill:
    at = datetime.combine(day, time(21), UTC)
    return Fill(f"{intent}.01", intent, "DU1", sleeve, symbol, Side(side), day, at, shares, D(price), D(fee))


def merged(into: str = "", ratio: str = "1", cash: str = "0", **given: int) -> SymbolChange:
    return SymbolChange(ChangeKind.MERGED, "OLD", DAY, into, D(ratio), D(cash), given=given)


def spun_off(ratio: str, part: str, **given: int) -> SymbolChange:
    return SymbolChange(ChangeKind.SPUN_OFF, "OLD", DAY, "NEW", D(ratio), basis_frac=D(part), given=given)


def lots(fills: list[Fill], *actions: Split | SymbolChange) -> list[tuple[str, str, date, int, Decimal]]:
    found = lots_of(rebased(fills, actions))
    return [(lot.strategy, lot.symbol, lot.session, lot.shares, lot.entry_price) for lot in found]


def test_renamed_shares_keep_basis_and_entry_session_and_are_no_disposal() -> None:
    fills = [fill("i1", "BUY", 10, "100", BOUGHT), fill("i2", "SELL", 10, "90", LATER, "NEW")]
    assert lots(fills[:1], RENAMED) == [("a", "NEW", BOUGHT, 10, D(100))]
    (trade,) = trades_of(rebased(fills, [RENAMED]))
    assert (trade.symbol, trade.entry_session, trade.exit_session, trade.pnl_usd) == ("NEW", BOUGHT, LATER, D(-100))
    assert tax_record(fills[:1], [RENAMED]).closed == ()
    (row,) = tax_record(fills, [RENAMED]).closed
    assert (row.symbol, row.acquired, row.long_term, row.gain_usd) == ("NEW", BOUGHT, True, D(-100))


def test_a_loss_before_a_new_name_is_deferred_into_shares_bought_under_it() -> None:
    fills = [
        fill("i1", "BUY", 10, "100", BOUGHT),
        fill("i2", "SELL", 10, "90", date(2025, 5, 20)),
        fill("i3", "BUY", 10, "95", LATER, "NEW"),
    ]
    record = tax_record(fills, [RENAMED])
    assert (record.closed[0].code, record.closed[0].adjustment_usd) == ("W", D(100))
    assert (record.held[0].symbol, record.held[0].basis_usd) == ("NEW", D(1050))


def test_a_split_before_and_one_after_a_new_name_both_count_once() -> None:
    splits = [Split("OLD", SOLD, D(2)), Split("NEW", LATER, D(3)), Split("NEW", SOLD, D(7))]
    assert lots([fill("i1", "BUY", 10, "60", BOUGHT)], RENAMED, *splits) == [("a", "NEW", BOUGHT, 60, D(10))]
    assert carried("OLD", BOUGHT, [RENAMED, *splits]) == ("NEW", D(6), D(6))


def test_a_merger_for_cash_is_a_sale_at_that_price_on_the_day() -> None:
    fills = [fill("i1", "BUY", 10, "100", BOUGHT, fee="1"), fill("i2", "BUY", 5, "110", SOLD, sleeve="b")]
    assert lots(fills, merged(cash="120")) == []
    first, _ = trades_of(rebased(fills, [merged(cash="120")]))
    # 10 x (120 - 100) - 1
    assert (first.exit_session, first.exit_price, first.pnl_usd) == (DAY, D(120), D(199))
    one, two = tax_record(fills, [merged(cash="120")]).closed
    assert (one.sold, one.proceeds_usd, one.basis_usd) == (DAY, D(1200), D(1001))
    assert (two.sold, two.proceeds_usd, two.basis_usd) == (DAY, D(600), D(550))


def test_a_merger_for_shares_carries_the_basis_over_and_shares_out_whole_shares() -> None:
    fills = [fill("i1", "BUY", 7, "100", BOUGHT), fill("i2", "BUY", 3, "100", BOUGHT, sleeve="b")]
    change = merged("NEW", "0.5", a=4, b=1)
    # 7 x 100 = 4 x 175; 3 x 100 = 1 x 300
    assert lots(fills, change) == [("a", "NEW", BOUGHT, 4, D(175)), ("b", "NEW", BOUGHT, 1, D(300))]
    record = tax_record(fills, [change])
    assert record.closed == ()
    assert (sum(lot.shares for lot in record.held), sum(lot.basis_usd for lot in record.held)) == (5, 1000)
    assert {(lot.symbol, lot.acquired) for lot in record.held} == {("NEW", BOUGHT)}


def test_shares_that_came_by_a_merger_stand_behind_those_held_before() -> None:
    fills = [
        fill("i1", "BUY", 10, "100", BOUGHT),
        fill("i2", "BUY", 5, "50", SOLD, "NEW"),
        fill("i3", "SELL", 5, "60", date(2024, 9, 2), "NEW"),
        fill("i4", "BUY", 5, "55", date(2025, 1, 2), "NEW"),
    ]
    change = merged("NEW", "2", a=20)
    assert lots(fills, change) == [
        ("a", "NEW", date(2025, 1, 2), 5, D(55)),
        ("a", "NEW", BOUGHT, 20, D(50)),
    ]
    closed = [trade for trade in trades_of(rebased(fills, [change])) if trade.exit_session]
    assert [(trade.entry_price, trade.pnl_usd) for trade in closed] == [(D(50), D(50))]


def test_shares_and_cash_leave_the_tax_to_be_worked_out_by_hand_and_tell_the_facts() -> None:
    fills = [fill("i1", "BUY", 10, "100", BOUGHT), fill("i2", "SELL", 5, "300", LATER, "NEW")]
    text, _ = tax_csv(fills, [merged("NEW", "0.5", "20", a=5)])
    cash, sale = csv.DictReader(io.StringIO(text))
    assert (cash["symbol"], cash["shares"], cash["date_sold"], cash["proceeds_usd"]) == (
        "OLD",
        "10",
        str(DAY),
        "200.00",
    )
    assert (sale["symbol"], sale["shares"], sale["date_acquired"], sale["proceeds_usd"]) == (
        "NEW",
        "5",
        str(BOUGHT),
        "1500.00",
    )
    for row in (cash, sale):
        assert (row["cost_basis_usd"], row["adjustment_usd"], row["gain_usd"]) == ("", "", "")


def test_a_spin_off_parts_the_basis_of_what_is_left_and_the_child_keeps_the_entry() -> None:
    fills = [fill("i1", "BUY", 10, "100", BOUGHT), fill("i2", "SELL", 4, "110", SOLD)]
    change = spun_off("2", "0.25", a=12)
    # 6 x 100 = 6 x 75 + 12 x 12.5
    assert lots(fills, change) == [("a", "OLD", BOUGHT, 6, D(75)), ("a", "NEW", BOUGHT, 12, D("12.5"))]
    left = fill("i3", "SELL", 6, "80", LATER)
    before, after = [one for one in trades_of(rebased([*fills, left], [change])) if one.symbol == "OLD"]
    # What was sold before took its whole cost along: 4 x (110 - 100), then 6 x (80 - 75).
    assert (before.shares, before.exit_session, before.pnl_usd) == (4, SOLD, D(40))
    assert (after.shares, after.entry_session, after.exit_session, after.pnl_usd) == (6, BOUGHT, LATER, D(30))
    record = tax_record(fills, [change])
    assert [(lot.symbol, lot.shares, lot.basis_usd, lot.acquired) for lot in record.held] == [
        ("OLD", 6, D(450), BOUGHT),
        ("NEW", 12, D(150), BOUGHT),
    ]
    assert record.closed[0].gain_usd == D(40)


def test_several_partial_executions_of_an_intent_part_their_average() -> None:
    fills = [fill("i1", "BUY", 4, "100", BOUGHT), fill("i1", "BUY", 6, "110", BOUGHT), fill("i2", "SELL", 5, "1", SOLD)]
    # The average is 106; 5 x 106 = 530 = 5 x 84.8 + 5 x 21.2
    assert lots(fills, spun_off("1", "0.2", a=5)) == [
        ("a", "OLD", BOUGHT, 5, D("84.8")),
        ("a", "NEW", BOUGHT, 5, D("21.2")),
    ]


def test_what_a_decision_left_goes_by_the_new_symbol() -> None:
    memory: Memory = {"stopped:OLD": "stop", "high": Price("OLD", 120.0), "OTHER": 1.0, "month": "2025-05"}
    standing = [Standing("OLD", 7, BOUGHT, "burst")]
    kept, wanted, stopped = in_todays_shares(memory, standing, {"OLD": "stop_loss"}, SOLD, [RENAMED])
    assert kept == {"stopped:NEW": "stop", "high": Price("NEW", 120.0), "OTHER": 1.0, "month": "2025-05"}
    assert (wanted[0].symbol, wanted[0].shares, stopped) == ("NEW", 7, {"NEW": "stop_loss"})
    # A decision of the session itself saw the new name already.
    assert in_todays_shares(memory, [], {}, DAY, [RENAMED])[0] == dict(memory)
    # A child takes its part of every price; a merger goes by the shares received.
    assert in_todays_shares(memory, [], {}, SOLD, [spun_off("1", "0.25")])[0]["high"] == Price("OLD", 90.0)
    assert in_todays_shares(memory, standing, {}, SOLD, [merged("NEW", "2")])[1][0].shares == 14


def test_a_symbol_is_ended_until_its_name_is_given_anew() -> None:
    taken_up = SymbolChange(ChangeKind.RENAMED, "THIRD", LATER, "OLD")
    assert list(ended_symbols([RENAMED])) == ["OLD"]
    assert list(ended_symbols([taken_up, RENAMED])) == ["THIRD"]
    assert ended_symbols([spun_off("1", "0.1")]) == {}
    assert (earlier_names("NEW", [RENAMED]), earlier_names("OLD", [RENAMED, taken_up])) == (["OLD"], ["THIRD"])
    # The company that was called so before does not take its place.
    assert lots([fill("i1", "BUY", 1, "5", BOUGHT)], RENAMED, taken_up) == [("a", "NEW", BOUGHT, 1, D(5))]


@pytest.mark.parametrize(
    ("owner", "traded", "named", "way"),
    [
        # Another sleeve trades it too: its shares are not to be sold with these.
        (
            "b",
            {"a": ("SPY",)},
            {"a": ("SPY",), "b": ("SPY",)},
            "b is only watched now: `mtum flatten SPY --sleeve b --why TEXT` first, or change the settings back, in "
            '[sleeve.b] with state = "close" to sell',
        ),
        (
            "b",
            {"a": ("SPY",), "b": ("EFA",)},
            {"a": ("SPY",), "b": ("EFA",)},
            "the settings trade SPY with a; EFA with b: `mtum flatten SPY --sleeve b --why TEXT` first, or change the "
            "settings back",
        ),
        (
            "gone",
            {"a": ("SPY",), "b": ("EFA",)},
            {"a": ("SPY",), "b": ("EFA",)},
            "the settings trade SPY with a; EFA with b: change the settings back, in [sleeve.gone] with state = "
            '"close" to sell',
        ),
        # Nobody else does.
        (
            "gone",
            {"a": ("EFA",), "b": ("EFA",)},
            {"a": ("EFA",), "b": ("EFA",)},
            "the settings trade EFA with a; EFA with b: `mtum flatten SPY --why TEXT` first, or change the settings "
            'back, in [sleeve.gone] with state = "close" to sell',
        ),
        (
            "a",
            {"a": ("EFA",)},
            {"a": ("EFA",)},
            "the settings trade EFA with a: `mtum flatten SPY --why TEXT` first, or change the settings back",
        ),
    ],
)
def test_no_way_out_of_a_refusal_sells_what_another_sleeve_holds(
    owner: str, traded: dict[str, tuple[str, ...]], named: dict[str, tuple[str, ...]], way: str
) -> None:
    assert untraded_texts({(owner, "SPY"): 20}, traded, named, []) == [f"20 SPY of {owner} are held, but {way}"]


def test_settings_that_trade_an_ended_symbol_are_told_what_to_write() -> None:
    held, traded = [("a", "NEW", 10)], {"a": ("OLD",)}
    (text,) = untraded_texts(untraded_of(held, traded, [RENAMED])[0], traded, traded, [RENAMED])
    assert text == (
        "the settings of a name OLD, which is called NEW since 2025-06-02: write NEW in its place; "
        "`mtum config check` looks at it again"
    )
    (flat,) = untraded_texts({}, {}, {"b": ("SPY", "OLD")}, [merged(cash="9")])
    assert flat.startswith("the settings of b name OLD, which was merged for cash on 2025-06-02: take it out")
    # The child of a spin-off is sold by itself.
    change = spun_off("1", "0.5")
    assert untraded_of([("a", "NEW", 3), ("a", "OLD", 3)], traded, [change]) == ({}, {("a", "NEW"): 3})
