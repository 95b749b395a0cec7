"""The account in USD, from values that mix currencies, prefixes and settled with unsettled cash."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from mtum.adapters.ib_session.ear import Heard
from mtum.errors import BrokerUnavailableError
from mtum.ports.broker import AccountKind, BrokerAccount

PREFIX = "$LEDGER-"
"""Newer gateways put it before the keys that are told per currency."""
USD = "USD"
ZERO = Decimal(0)
_WORTH = ("NetLiquidation", "TotalCashValue", "CashBalance", "TotalCashBalance", "StockMarketValue")
"""Amounts that cannot all be 0 in an account that holds something."""
ONE = Decimal(1)
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


@dataclass(slots=True)
class Unread:
    """Messages that make no sense: ours in the broker's words, others' counted; each once."""

    ours: list[str] = field(default_factory=list)
    others: set[str] = field(default_factory=set)

    def note(self, kind: str, contract: Any, told: Mapping[str, object], *, ours: bool) -> None:
        """Take note of a message: what it is about, and the words in it that tell."""
        words = ", ".join(f"{name} {word!r}" for name, word in told.items())
        self.add(f"{kind} of {contract.symbol}: {words}", ours=ours)

    def add(self, text: str, *, ours: bool) -> None:
        """Take note of a text."""
        if not ours:
            self.others.add(text)
        elif text not in self.ours:
            self.ours.append(text)


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
    if not values:
        raise BrokerUnavailableError(f"the broker told no values of account {code}")
    base = next((currency for key, currency in values if key == "NetLiquidation" and currency), USD)
    keys = ("CashBalance", "TotalCashBalance", *(("TotalCashValue",) if base == USD else ()))
    told = [values[key, USD] for key in keys if (key, USD) in values]
    read = [found for text in told if (found := amount(text)) is not None]
    # An account that never held a dollar has no USD ledger at all: that is no cash, if the rest was told.
    cash = next((found for found in read if found), ZERO)
    doubt = f"the broker tells USD cash as {told[0]!r}" if told and not read else ""
    settled = values.get(("SettledCash", base))
    if _kind(values) is AccountKind.CASH and settled is not None and amount(settled) is None:
        doubt = doubt or f"the broker tells settled cash as {settled!r}"
    rate = _rate(values, base)
    worth = (amount(values.get(("NetLiquidation", base), "")) or ZERO) / rate
    return BrokerAccount(code, _kind(values), cash, cash - _unsettled(values, base, cash) / rate, worth, doubt)


def untold(values: Values, positions: Mapping[str, Decimal]) -> str:
    """Return why the account's values are not to be believed yet, "" where they are.

    Right after a login the broker may answer at once, with every amount 0.
    """
    if values.get(("AccountReady", "")) == "false":
        return "the broker says that the account's values are not ready (AccountReady false)"
    told = [amount(text) for (key, _), text in values.items() if key in _WORTH]
    if positions and told and not any(told):
        held = ", ".join(f"{float(shares):g} {symbol}" for symbol, shares in positions.items())
        return f"the broker tells every amount as 0 while {held} are held"
    return ""


def positions_of(answer: Iterable[Heard], account: str, unread: Unread) -> dict[str, Decimal]:
    """Return shares by symbol of one account; stocks in USD only, closed positions left out."""
    found: dict[str, Decimal] = {}
    for heard in answer:
        code, contract, told, _ = heard.fields
        if code == account and contract.secType == "STK" and contract.currency in ("", USD):
            shares = amount(told)
            if shares is None:
                unread.note("position", contract, {"shares": told}, ours=True)
            else:
                found[str(contract.symbol)] = shares
    # 18 and not 18.0: it is read by people.
    return {symbol: shares.quantize(ONE) if shares % 1 == 0 else shares for symbol, shares in found.items() if shares}


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
    """Return a whole number from a number of the wire, 0 for "not set"."""
    return int(amount(number) or ZERO)
