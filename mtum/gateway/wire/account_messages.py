"""Messages about accounts: values, portfolio, positions, profit and loss."""

from decimal import Decimal

from mtum.core.simulation.exchange_state import Position
from mtum.gateway.contracts import Listing
from mtum.gateway.wire.framing import Field, Message, message

_CENT = Decimal("0.01")


def money(amount: Decimal) -> str:
    """An amount with two decimals, as the broker shows account values."""
    return str(amount.quantize(_CENT))


def account_value(key: str, value: str, currency: str, account: str) -> Message:
    """One account value of the account updates."""
    return message("acctValue", 6, 2, key, value, currency, account)


def portfolio_value(account: str, position: Position, listing: Listing, price: Decimal, realized: Decimal) -> Message:
    """One position with its market value."""
    worth = price * position.shares
    unrealized = worth - position.average_cost * position.shares
    fields: list[Field] = [*_contract(listing, listing.primary_exchange), position.shares, price, money(worth)]
    fields += [position.average_cost, money(unrealized), money(realized), account]
    return message("portfolioValue", 7, 8, *fields)


def position_message(account: str, position: Position, listing: Listing) -> Message:
    """One position with its average cost."""
    return message("position", 61, 3, account, *_contract(listing, ""), position.shares, position.average_cost)


def pnl(request_id: int, daily: Decimal, unrealized: Decimal, realized: Decimal) -> Message:
    """Profit and loss of an account in USD."""
    return message("pnl", 94, request_id, daily, unrealized, realized)


def _contract(listing: Listing, exchange: str) -> list[Field]:
    right = listing.right or ("0" if exchange else "")
    head: list[Field] = [listing.con_id, listing.symbol, listing.sec_type, listing.expiry, listing.strike, right]
    local = listing.local_symbol or listing.symbol
    return [*head, listing.multiplier, exchange, listing.currency, local, listing.trading_class]
