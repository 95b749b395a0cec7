"""The account in USD from the wire's values."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from mtum.adapters.brokers.ib.account import (
    Unread,
    account_of,
    amount,
    other_positions,
    positions_of,
    values_of,
)
from mtum.adapters.ib.messages import AccountValue, Position
from mtum.core.portfolio.money import AccountKind
from mtum.errors import BrokerUnavailableError


def told(*rows: tuple[str, str, str], account: str = "DU1") -> list[AccountValue]:
    return [AccountValue(key, text, currency, account) for key, text, currency in rows]


def read(*rows: tuple[str, str, str]) -> tuple[AccountKind, Decimal, Decimal, Decimal]:
    found = account_of(values_of(told(*rows), "DU1"), "DU1")
    return found.kind, found.cash_usd, found.settled_usd, found.net_liquidation_usd


CASH = ("TradingType-S", "STKCASH", "")


@pytest.mark.parametrize("text", ["", "nan", "1.7976931348623157E308", "Infinity", "abc", None])
def test_the_wires_words_for_no_number_are_none(text: object) -> None:
    assert amount(text) is None


def test_a_usd_account_with_unsettled_proceeds() -> None:
    found = read(
        CASH,
        ("CashBalance", "5000", "USD"),
        ("TotalCashValue", "5000", "USD"),
        ("SettledCash", "3200", "USD"),
        ("NetLiquidation", "5600", "USD"),
    )
    assert found == (AccountKind.CASH, Decimal(5000), Decimal(3200), Decimal(5600))


def test_what_is_unsettled_in_another_base_currency_is_taken_for_dollars() -> None:
    # 100 EUR unsettled at 0.8 EUR per USD are 125 USD.
    found = read(
        CASH,
        ("$LEDGER-CashBalance", "1000", "USD"),
        ("$LEDGER-ExchangeRate", "0.8", "USD"),
        ("TotalCashValue", "2000", "EUR"),
        ("SettledCash", "1900", "EUR"),
        ("NetLiquidation", "2400", "EUR"),
    )
    assert found == (AccountKind.CASH, Decimal(1000), Decimal(875), Decimal(3000))


def test_an_account_without_dollars_has_none() -> None:
    assert read(CASH, ("CashBalance", "900", "EUR"), ("NetLiquidation", "900", "EUR"))[1] == 0


def test_without_a_word_about_settlement_a_cash_account_may_spend_nothing() -> None:
    assert read(CASH, ("CashBalance", "5000", "USD"), ("NetLiquidation", "5000", "USD"))[2] == 0


def test_only_an_account_that_says_so_is_on_margin() -> None:
    assert read(("TradingType-S", "STKMRGN", ""), ("CashBalance", "1", "USD"))[0] is AccountKind.MARGIN
    assert read(("TradingType-S", "STKNOPT", ""), ("CashBalance", "1", "USD"))[0] is AccountKind.CASH


def test_an_account_that_tells_nothing_cannot_be_used() -> None:
    with pytest.raises(BrokerUnavailableError, match="told no values of account DU1"):
        account_of(values_of(told(CASH, account="DU2"), "DU1"), "DU1")


def test_positions_are_our_accounts_stocks_in_dollars_with_fractions() -> None:
    def held(account: str, symbol: str, shares: float, kind: str = "STK", currency: str = "USD") -> Position:
        contract = SimpleNamespace(symbol=symbol, secType=kind, currency=currency)
        return Position(account, contract, shares, 1.0)

    answer = [
        held("DU1", "MTUM", 18.25),
        held("DU2", "MTUM", 5.0),
        held("DU1", "SAP", 3.0, currency="EUR"),
        held("DU1", "SPY", 1.0, kind="OPT"),
        held("DU1", "IWM", 0.0),
    ]
    assert positions_of(answer, "DU1", Unread()) == {"MTUM": Decimal("18.25")}


def test_positions_in_other_instruments_are_told_with_the_shares_a_short_call_pledges() -> None:
    def held(quantity: float, **contract: object) -> Position:
        plain = {"symbol": "MTUM", "currency": "USD", "lastTradeDateOrContractMonth": "20180119", "strike": 280.0}
        return Position("DU1", SimpleNamespace(**{**plain, **contract}), quantity, 1.0)

    answer = [
        held(-2.0, secType="OPT", right="C", multiplier="100"),
        held(1.0, secType="OPT", right="P", multiplier="100"),
        held(5.0, secType="CFD", lastTradeDateOrContractMonth=""),
        held(3.0, secType="STK", currency="EUR", lastTradeDateOrContractMonth=""),
        held(0.0, secType="OPT", right="C", multiplier="100", strike=290.0),
    ]
    found = other_positions(answer, "DU1")
    assert [(one.name, one.pledged, one.known) for one in found] == [
        ("MTUM 20180119 280 C", 200, True),
        ("MTUM 20180119 280 P", 0, True),
        ("MTUM CFD", 0, False),
        ("MTUM STK in EUR", 0, False),
    ]
    assert other_positions(answer, "DU2") == ()


def test_two_contracts_that_are_called_the_same_both_pledge_shares() -> None:
    def held(number: int, listed_as: str, quantity: float) -> Position:
        contract = SimpleNamespace(
            conId=number, symbol="MTUM", secType="OPT", currency="USD", right="C", strike=280.0,
            lastTradeDateOrContractMonth="20180119", multiplier="100", tradingClass=listed_as,
        )  # fmt: skip
        return Position("DU1", contract, quantity, 1.0)

    answer = [held(11, "MTUM", -1.0), held(12, "MTUM1", -2.0), held(13, "MTUM", -4.0), held(13, "MTUM", -4.0)]
    assert [(one.words, one.pledged) for one in other_positions(answer, "DU1")] == [
        ("-1 MTUM 20180119 280 C", 100),
        ("-2 MTUM 20180119 280 C of class MTUM1", 200),
        ("-4 MTUM 20180119 280 C", 400),
    ]
