"""What a dividend brings, and to which shares."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.app.ledger.dividends import Payment, dividend_due, dividends_received, due_today_usd, payment_come
from mtum.core.portfolio.lots import Lot
from mtum.ports.records import CashMovement
from support.bars import bars_of, changed

MON, TUE = date(2018, 12, 3), date(2018, 12, 4)
D = Decimal


def lot(symbol: str, session: date, shares: int) -> Lot:
    return Lot("e", "s", symbol, session, shares, shares, D(100), D(0))


HELD = (lot("MTUM", MON, 10), lot("MTUM", MON, 9), lot("MTUM", TUE, 50), lot("SPY", MON, 70))


def test_shares_held_the_evening_before_have_their_dividend_to_the_cent() -> None:
    # 19 * 0.5553 = 10.5507
    assert dividend_due(HELD, "s", "MTUM", TUE, 0.5553, paid=False) == CashMovement(
        key="dividend:s:MTUM:2018-12-04",
        strategy="s",
        session=TUE,
        kind="dividend",
        amount_usd=D("10.55"),
        note="19 shares at 0.5553 USD, ex-date 2018-12-04",
        symbol="MTUM",
        paid=False,
    )


@pytest.mark.parametrize(("symbol", "session", "usd"), [("MTUM", MON, 0.5), ("GLD", TUE, 0.5), ("MTUM", TUE, 0.0)])
def test_without_shares_or_dividend_nothing_is_due(symbol: str, session: date, usd: float) -> None:
    assert dividend_due(HELD, "s", symbol, session, usd, paid=True) is None


def test_what_goes_ex_today_and_is_not_recorded_is_due_of_every_symbol() -> None:
    """0.50 on 19 MTUM and 0.25 on 70 SPY; GLD is not held, and yesterday's dividend was yesterday's."""
    mtum, spy, gld = (
        bars_of([100.0] * 3, symbol=symbol, first=date(2018, 11, 30)) for symbol in ("MTUM", "SPY", "GLD")
    )
    bars = [changed(mtum, dividend={1: 9.0, 2: 0.5}), changed(spy, dividend={2: 0.25}), changed(gld, dividend={2: 1.0})]
    assert {one.last_day for one in bars} == {TUE}
    assert due_today_usd(HELD, lambda _: (), "s", bars) == D("27.00")
    recorded = dividend_due(HELD, "s", "MTUM", TUE, 0.5, paid=True)
    assert recorded is not None
    assert due_today_usd(HELD, {recorded.key}.intersection, "s", bars) == D("17.50")


def movement(key: str, session: date, usd: str, *, paid: bool) -> CashMovement:
    return CashMovement(key=key, strategy="s", session=session, kind="dividend", amount_usd=D(usd), paid=paid)


UNPAID = (
    movement("first", MON, "10", paid=False),
    movement("second", TUE, "7", paid=False),
)


@pytest.mark.parametrize(
    ("broker_cash", "received"),
    [("109.99", ()), ("110", ("first",)), ("116.99", ("first",)), ("117", ("first", "second"))],
)
def test_a_receivable_dividend_is_paid_once_the_brokers_cash_covers_it(
    broker_cash: str, received: tuple[str, ...]
) -> None:
    found = dividends_received(UNPAID, D(100), D(broker_cash))
    assert tuple(one.key for one in found) == received
    assert all(one.paid for one in found)


def dividend(strategy: str, symbol: str, usd: str) -> CashMovement:
    return CashMovement(f"dividend:{strategy}:{symbol}:{TUE}", strategy, TUE, "dividend", D(usd), "", symbol, False)


def test_of_two_dividends_that_it_may_be_neither_is_taken() -> None:
    due = [dividend("s", "MTUM", "10"), dividend("s", "SPY", "9")]
    assert payment_come(due, TUE, D("8.50"), ()) is None
    assert payment_come(due[:1], TUE, D("8.50"), ()) == Payment(due[:1], D("8.50"))
    assert payment_come(due, TUE, D("8.50"), {f"MTUM:{TUE}"}) == Payment(due[1:], D("8.50"))


def test_what_came_less_is_shared_by_all_whose_dividend_it_was_to_the_cent() -> None:
    # 8.50 of 10 for two sleeves with 7 and 3: 1.05 and 0.45 less.
    payment = payment_come([dividend("a", "MTUM", "7"), dividend("b", "MTUM", "3")], TUE, D("8.50"), ())
    assert payment is not None
    moved = payment.corrected(date(2018, 12, 20))
    assert [(one.strategy, one.kind, one.amount_usd, one.paid) for one in moved] == [
        ("a", "dividend", D(7), True),
        ("b", "dividend", D(3), True),
        ("a", "adjustment", D("-1.05"), True),
        ("b", "adjustment", D("-0.45"), True),
    ]
    # At 0.50 a share these are 20 shares: 20 cents, and one for the sum, are what rounded prices explain.
    assert [Payment(payment.due, D(came)).differs(D("0.50")) for came in ("9.79", "9.78")] == [False, True]
