"""What holds for every history of fills: corrections, lots and trades add up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mtum.core.portfolio.fills import Fill, Split, folded, rebased
from mtum.core.portfolio.lots import lots_of, trades_of
from mtum.core.portfolio.orders import Side

START = date(2018, 12, 3)
prices = st.decimals(Decimal(1), Decimal(500), places=2)
fees = st.decimals(Decimal(0), Decimal(5), places=2)


def fill(number: int, side: Side, shares: int, price: Decimal, fee: Decimal, revision: int = 1) -> Fill:
    day = START + timedelta(days=number)
    instant = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
    exec_id = f"{number}.{revision:02d}"
    return Fill(exec_id, f"i{number}", "A", "s", "MTUM", side, day, instant, shares, price, fee)


@st.composite
def histories(draw: st.DrawFn) -> list[Fill]:
    """Purchases and sales that never sell more than is held."""
    found: list[Fill] = []
    held = 0
    for number in range(draw(st.integers(0, 12))):
        sells = held > 0 and draw(st.booleans())
        shares = draw(st.integers(1, held if sells else 60))
        held += -shares if sells else shares
        side = Side.SELL if sells else Side.BUY
        found.append(fill(number, side, shares, draw(prices), draw(fees)))
    return found


@given(histories())
def test_open_lots_hold_what_was_bought_and_not_sold(history: list[Fill]) -> None:
    lots = lots_of(history)
    assert sum(lot.shares for lot in lots) == sum(one.signed_shares for one in history)
    assert all(0 < lot.shares <= lot.opened_shares for lot in lots)
    assert [lot.session for lot in lots] == sorted(lot.session for lot in lots)


@given(histories())
def test_closed_trades_earn_exactly_the_cash_they_moved(history: list[Fill]) -> None:
    trades = trades_of(history)
    assert sum(trade.exit_session is None for trade in trades) == (1 if lots_of(history) else 0)
    ends = [trade.exit_session for trade in trades if trade.exit_session is not None]
    closed = [one for one in history if ends and one.session <= ends[-1]]
    moved = sum((one.cash_usd - (one.commission_usd or 0) for one in closed), Decimal(0))
    assert sum((trade.pnl_usd or 0 for trade in trades), Decimal(0)) == moved


@given(histories(), st.randoms(use_true_random=False), st.integers(1, 3))
def test_the_order_of_arrival_and_repetitions_change_nothing(history: list[Fill], luck: Random, revisions: int) -> None:
    told = [
        fill(int(one.exec_id.split(".")[0]), one.side, one.shares, one.price + revision, Decimal(1), revision)
        for one in history
        for revision in range(1, revisions + 1)
    ]
    shuffled = [*told, *told[::2]]
    luck.shuffle(shuffled)
    assert folded(shuffled) == tuple(one for one in told if one.exec_id.endswith(f"{revisions:02d}"))


@given(histories(), st.sampled_from([2, 3, 10]), st.integers(0, 12))
def test_a_split_changes_no_money(history: list[Fill], ratio: int, day: int) -> None:
    split = Split("MTUM", START + timedelta(days=day), Decimal(ratio))
    before = [one for one in history if one.session < split.session]
    after = rebased(before, [split])
    assert [one.shares for one in after] == [one.shares * ratio for one in before]
    assert all(abs(new.cash_usd - old.cash_usd) < Decimal("1e-20") for old, new in zip(before, after, strict=True))
    assert [lot.shares for lot in lots_of(after)] == [lot.shares * ratio for lot in lots_of(before)]
