"""Accounts as clients see them: cash, settlement, currencies, positions, manual trades."""

# mypy: disable-error-code="no-untyped-call"

from decimal import Decimal

from mtum.core.portfolio.money import AccountKind
from mtum.core.simulation.exchange_state import ExchangeAccount, Position
from mtum.gateway.behavior import Behavior
from support.gateway import ACCOUNT, running_gateway
from support.ib_clients import MTUM, Listener, client, order, until

FAST = Behavior(commission_seconds=0.0)


def account(code: str = ACCOUNT, kind: AccountKind = AccountKind.CASH, held: str = "0") -> ExchangeAccount:
    positions = (Position("MTUM", Decimal(held), Decimal("60")),) if held != "0" else ()
    return ExchangeAccount(code, kind, Decimal(5000), positions=positions)


def value(ib: Listener, key: str, currency: str = "USD", code: str = ACCOUNT) -> str:
    rows = [v.value for v in ib.accountValues(code) if (v.tag, v.currency) == (key, currency)]
    assert len(rows) == 1, (key, currency, rows)
    return str(rows[0])


def test_a_fresh_account_shows_its_cash_everywhere() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        assert value(ib, "CashBalance") == "5000.00"
        assert value(ib, "CashBalance", "BASE") == "5000.00"
        summary = {(row.tag, row.currency): row.value for row in ib.accountSummary()}
        assert summary["SettledCash", "USD"] == "5000.00"
        assert summary["NetLiquidation", "USD"] == "5000.00"
        assert summary["CashBalance", "USD"] == "5000.00"
        assert value(ib, "TradingType-S", "") == "STKCASH"


def test_proceeds_are_cash_today_and_settled_three_sessions_later_in_2015() -> None:
    accounts = (account(held="10"),)
    with running_gateway(accounts=accounts, behavior=FAST) as gateway, client(gateway) as ib:
        ib.placeOrder(MTUM, order(side="SELL", kind="MKT"))
        # 10 x 75.00 - 0.75
        assert until(ib, lambda: value(ib, "CashBalance") == "5749.25")
        assert value(ib, "SettledCash") == "5000.00"
        # (75 - 60) x 10 - 0.75
        assert value(ib, "RealizedPnL") == "149.25"
        ib.disconnect()
        for session, settled in (("2015-06-12", "5000.00"), ("2015-06-15", "5749.25")):
            gateway.tell("clock", session=session)
            with client(gateway) as later:
                assert value(later, "SettledCash") == settled


def test_a_sold_position_is_reported_as_zero() -> None:
    accounts = (account(held="10"),)
    with running_gateway(accounts=accounts, behavior=FAST) as gateway, client(gateway) as ib:
        assert [(p.contract.symbol, p.position, p.avgCost) for p in ib.positions()] == [("MTUM", 10, 60)]
        ib.placeOrder(MTUM, order(side="SELL", kind="MKT"))
        assert until(ib, lambda: ib.positions() == [] and ib.portfolio() == [])


def test_a_foreign_base_currency_keeps_the_dollar_ledger_apart() -> None:
    euro = Behavior(base_currency="EUR", base_rate=Decimal("1.25"), base_cash=Decimal(100))
    with running_gateway(behavior=euro) as gateway, client(gateway) as ib:
        assert value(ib, "CashBalance", "USD") == "5000.00"
        assert value(ib, "CashBalance", "EUR") == "100.00"
        # 5000 / 1.25 + 100
        assert value(ib, "CashBalance", "BASE") == "4100.00"
        assert value(ib, "NetLiquidation", "EUR") == "4100.00"
        assert value(ib, "ExchangeRate", "USD") == "0.800000"


def test_a_ledger_prefix_goes_before_per_currency_keys_only() -> None:
    with running_gateway(behavior=Behavior(ledger_prefix=True)) as gateway, client(gateway) as ib:
        assert value(ib, "$LEDGER-CashBalance") == "5000.00"
        assert value(ib, "NetLiquidation") == "5000.00"


def test_two_accounts_under_one_login_are_told_apart() -> None:
    accounts = (account(), account("DUP100002", held="3"))
    with running_gateway(accounts=accounts, behavior=FAST) as gateway, client(gateway) as ib:
        assert ib.managedAccounts() == [ACCOUNT, "DUP100002"]
        assert [p.account for p in ib.positions()] == ["DUP100002"]
        assert {row.account for row in ib.accountSummary()} == {ACCOUNT, "DUP100002"}
        ib.placeOrder(MTUM, order(kind="MKT", account="DUP100002"))
        assert until(ib, lambda: [p.position for p in ib.positions()] == [13])
        ib.placeOrder(MTUM, order("none", account=""))
        assert until(ib, lambda: 435 in [code for _, code in ib.errors])


def test_a_margin_account_says_so_and_may_go_short() -> None:
    accounts = (account(kind=AccountKind.MARGIN),)
    with running_gateway(accounts=accounts, behavior=FAST) as gateway, client(gateway) as ib:
        assert value(ib, "TradingType-S", "") == "STKMRGN"
        ib.placeOrder(MTUM, order(side="SELL", kind="MKT"))
        assert until(ib, lambda: [p.position for p in ib.positions()] == [-10])


def test_dust_and_transferred_shares_are_listed_as_fractions() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="2.345", average_cost="70")
        assert until(ib, lambda: [p.position for p in ib.positions()] == [2.345])


def test_a_deposit_is_heard_at_once() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.tell("deposit", account=ACCOUNT, usd="250.50")
        assert until(ib, lambda: value(ib, "CashBalance") == "5250.50")


def test_a_trade_by_hand_moves_the_position_without_a_reference() -> None:
    with running_gateway(behavior=FAST) as gateway, client(gateway) as ib:
        gateway.tell("trade", account=ACCOUNT, symbol="MTUM", side="BUY", shares=3)
        assert until(ib, lambda: [p.position for p in ib.positions()] == [3])
        (fill,) = ib.reqExecutions()
        assert (fill.execution.orderRef, fill.execution.clientId, fill.execution.orderId < 0) == ("", 0, True)


def test_profit_and_loss_of_the_day() -> None:
    accounts = (account(held="10"),)
    with running_gateway(accounts=accounts, behavior=FAST) as gateway, client(gateway) as ib:
        pnl = ib.reqPnL(ACCOUNT)
        # Yesterday's close 74.90, today's 75.00, cost 60.
        assert until(ib, lambda: pnl.dailyPnL == 1.0)
        assert pnl.unrealizedPnL == 150.0
        ib.placeOrder(MTUM, order(shares=5, kind="MKT"))
        # 5 bought and held at the same price; the fee is 0.375, rounded up to 0.38.
        assert until(ib, lambda: abs(pnl.dailyPnL - 0.62) < 1e-9)
