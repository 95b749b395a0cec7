"""The account in USD, from values that mix currencies, prefixes and settled with unsettled cash."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.adapters.ib.messages import AccountValue, Contract, Position
from mtum.core.portfolio.money import AccountKind
from mtum.errors import BrokerUnavailableError
from mtum.ports.broker import BrokerAccount, OtherInstrument

PREFIX = "$LEDGER-"
"""Newer gateways put it before the keys that are told per currency."""
USD = "USD"
ZERO = Decimal(0)
_WORTH = ("NetLiquidation", "TotalCashValue", "CashBalance", "TotalCashBalance", "StockMarketValue")
"""Amounts that cannot all be 0 in an account that holds something."""
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


def plain(number: Decimal) -> Decimal:
    """Return a number as people write it: the wire's 18.0 shares are 18."""
    whole = number.to_integral_value()
    return whole if whole == number else number


class Unread(Struct):
    """Messages that make no sense: ours in the broker's words, others' counted; each once.

    Parameters
    ----------
    set_aside : frozenset of str
        Kinds of security that another reading of the same lists is for.
    """

    ours: list[str] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    set_aside: frozenset[str] = frozenset()

    def note(self, kind: str, contract: Contract, told: Mapping[str, object], *, ours: bool) -> None:
        """Take note of a message: what it is about, and the words in it that tell.

        Parameters
        ----------
        kind : str
            What the message is about.
        contract : Contract
            Contract, as the broker names it.
        told : mapping of str to object
            The message's words that tell.
        ours : bool
            Whether it is about an order or position of ours.
        """
        words = ", ".join(f"{name} {word!r}" for name, word in told.items())
        self.add(f"{kind} of {contract.symbol}: {words}", ours=ours)

    def add(self, text: str, *, ours: bool) -> None:
        """Take note of a text."""
        if not ours:
            self.others.add(text)
        elif text not in self.ours:
            self.ours.append(text)


def values_of(answer: Iterable[AccountValue], account: str) -> Values:
    """Return the newest value of each (key, currency) of one account."""
    rows = (told for told in answer if told.account == account)
    return {(str(told.key).removeprefix(PREFIX), str(told.currency)): str(told.text) for told in rows}


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


def positions_of(answer: Iterable[Position], account: str, unread: Unread) -> dict[str, Decimal]:
    """Return shares by symbol of one account; stocks in USD only, closed positions left out.

    Parameters
    ----------
    answer : iterable of Position
        What the broker lists as held.
    account : str
        Code of the account.
    unread : Unread
        Messages that make no sense: ours in the broker's words, others' counted; each once.
    """
    found: dict[str, Decimal] = {}
    for held in answer:
        if held.account == account and is_us_share(held.contract):
            shares = amount(held.shares)
            if shares is None:
                unread.note("position", held.contract, {"shares": held.shares}, ours=True)
            else:
                found[str(held.contract.symbol)] = plain(shares)
    return {symbol: shares for symbol, shares in found.items() if shares}


def other_positions(answer: Iterable[Position], account: str) -> tuple[OtherInstrument, ...]:
    """Return the positions of one account in anything else, closed ones left out."""
    found: dict[tuple[int, str], OtherInstrument] = {}
    for held in answer:
        if held.account == account and not is_us_share(held.contract):
            quantity = amount(held.shares)
            one = other_instrument(held.contract, quantity if quantity is not None else Decimal(1))
            # How much of it there is cannot be read: then neither can what it does.
            # Two contracts may be called the same, as an adjusted option and a standard one.
            number = shown(getattr(held.contract, "conId", 0))
            found[number, one.name] = one if quantity is not None else replace(one, call=None)
    return tuple(one for one in found.values() if one.quantity)


def is_us_share(contract: Contract) -> bool:
    """Return whether a contract is what the program trades: shares in USD."""
    return contract.secType == "STK" and getattr(contract, "currency", "") in ("", USD)


def other_instrument(contract: Contract, quantity: Decimal) -> OtherInstrument:
    """Return what the wire tells of a contract that is no share in USD."""
    symbol, kind = str(contract.symbol), str(contract.secType)
    currency = str(getattr(contract, "currency", "") or USD)
    right = str(getattr(contract, "right", "") or "").upper()[:1]
    option = kind == "OPT" and right in ("C", "P")
    listed_as = str(getattr(contract, "tradingClass", "") or symbol)
    told = (
        str(getattr(contract, "lastTradeDateOrContractMonth", "") or ""),
        f"{plain(amount(getattr(contract, 'strike', 0)) or ZERO)} {right}" if option else "",
        kind if not option else "",
        f"of class {listed_as}" if option and listed_as != symbol else "",
        f"in {currency}" if currency != USD else "",
    )
    return OtherInstrument(
        symbol=symbol,
        name=" ".join(word for word in (symbol, *told) if word),
        kind=kind,
        quantity=plain(quantity),
        call=right == "C" if option else None,
        multiplier=amount(getattr(contract, "multiplier", "") or "") or ZERO,
    )


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


def shown(number: object) -> int:
    """Return a whole number from a number of the wire, 0 for "not set"."""
    return int(amount(number) or ZERO)
