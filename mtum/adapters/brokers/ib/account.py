"""The account in USD, from values that mix currencies, prefixes and settled with unsettled cash."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from mtum.adapters.ib_session.ear import Heard
from mtum.errors import BrokerUnavailableError
from mtum.ports.broker import AccountKind, BrokerAccount

PREFIX = "$LEDGER-"
"""Newer gateways put it before the keys that are told per currency."""
USD = "USD"
ZERO = Decimal(0)
UNSET = Decimal("1e300")
"""Numbers beyond it are the wire's way to say "none"."""

type Values = Mapping[tuple[str, str], str]


def amount(text: object) -> Decimal | None:
    """Return a number of the wire as a Decimal; None for empty, not-a-number and the wire's "not set"."""
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < UNSET else None


def values_of(answer: Iterable[Heard], account: str) -> Values:
    """Return the newest value of each (key, currency) of one account."""
    rows = (heard.fields for heard in answer if heard.fields[3] == account)
    return {(str(key).removeprefix(PREFIX), str(currency)): str(text) for key, text, currency, _ in rows}


def account_of(values: Values, code: str) -> BrokerAccount:
    """Return the account in USD: its USD ledger only, other currencies left out.

    What is not settled is taken for USD, whatever the account's base currency: sales are in USD.

    Raises
    ------
    BrokerUnavailableError
        If the broker tells no USD cash.
    """
    cash = amount(values.get(("CashBalance", USD), "")) or amount(values.get(("TotalCashBalance", USD), ""))
    base = next((currency for key, currency in values if key == "NetLiquidation" and currency), USD)
    if cash is None and base == USD:
        cash = amount(values.get(("TotalCashValue", USD), ""))
    if cash is None:
        # An account that never held a dollar has no USD ledger at all: that is no cash, if the rest was told.
        if not values:
            raise BrokerUnavailableError(f"the broker told no values of account {code}")
        cash = ZERO
    rate = _rate(values, base)
    worth = (amount(values.get(("NetLiquidation", base), "")) or ZERO) / rate
    return BrokerAccount(code, _kind(values), cash, cash - _unsettled(values, base, cash) / rate, worth)


def positions_of(answer: Iterable[Heard], account: str) -> dict[str, Decimal]:
    """Return shares by symbol of one account; stocks in USD only, closed positions left out."""
    found: dict[str, Decimal] = {}
    for heard in answer:
        code, contract, shares, _ = heard.fields
        if code == account and contract.secType == "STK" and contract.currency in ("", USD):
            found[str(contract.symbol)] = Decimal(str(shares))
    return {symbol: shares for symbol, shares in found.items() if shares}


def _rate(values: Values, base: str) -> Decimal:
    """Base currency per USD."""
    told = amount(values.get(("ExchangeRate", USD), ""))
    return told if base != USD and told else Decimal(1)


def _unsettled(values: Values, base: str, cash: Decimal) -> Decimal:
    settled = amount(values.get(("SettledCash", base), ""))
    total = amount(values.get(("TotalCashValue", base), ""))
    if settled is None:
        return ZERO if _kind(values) is AccountKind.MARGIN else max(ZERO, cash)
    return max(ZERO, (total if total is not None else cash) - settled)


def _kind(values: Values) -> AccountKind:
    # Only an account that says it is on margin is one: the other mistake would spend what is not settled.
    told = values.get(("TradingType-S", ""), "") + values.get(("AccountType", ""), "")
    return AccountKind.MARGIN if "MRGN" in told.upper() or "MARGIN" in told.upper() else AccountKind.CASH


def shown(number: Any) -> int:
    """Return a whole number of shares from a number of the wire, 0 for "not set"."""
    return int(amount(number) or ZERO)
