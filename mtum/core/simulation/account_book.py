"""How a fill, a dividend, a split or a transfer changes an account of the simulated exchange."""

from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.market.instruments import unit_usd
from mtum.core.market.settlement import settlement_day
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.exchange_state import ExchangeAccount, ExchangeState, Position, Unsettled

_COST_STEP = Decimal("0.00000001")


class CorporateAction(Struct, frozen=True):
    """What happens to a symbol on the morning of a session.

    Parameters
    ----------
    dividend_per_share : Decimal
        USD per share held (after the split, if both fall on one day).
    split : Decimal
        New shares per old share; 1 = none.
    """

    symbol: str
    dividend_per_share: Decimal = Decimal(0)
    split: Decimal = Decimal(1)


def with_account(state: ExchangeState, account: ExchangeAccount) -> ExchangeState:
    """Return the state with this account put in place of the one of the same code (or added)."""
    others = tuple(a for a in state.accounts if a.code != account.code)
    return replace(state, accounts=tuple(sorted((*others, account), key=lambda a: a.code)))


def with_position(account: ExchangeAccount, position: Position) -> ExchangeAccount:
    """Return the account with this position; one of zero shares is removed."""
    others = [p for p in account.positions if p.symbol != position.symbol]
    kept = [*others, position] if position.shares else others
    return replace(account, positions=tuple(sorted(kept, key=lambda p: p.symbol)))


def book_fill(
    account: ExchangeAccount, symbol: str, signed_shares: int, price: Decimal, commission: Decimal, day: date
) -> tuple[ExchangeAccount, Decimal | None]:
    """Book one fill: cash, settlement, position, average cost.

    Parameters
    ----------
    account : ExchangeAccount
        The account at the exchange: cash in USD, and positions.
    symbol : str
        Ticker.
    signed_shares : int
        Positive for a purchase, negative for a sale.
    price : Decimal
        Price, USD per share.
    commission : Decimal
        Commission of the order, USD.
    day : date
        The session's date.

    Returns
    -------
    tuple of ExchangeAccount and Decimal or None
        The account after it, and the realized profit in USD (None when nothing was closed).
    """
    held = account.position(symbol)
    price = unit_usd(symbol, price)  # as is what a position costs
    closed = _closed_shares(held.shares, signed_shares)
    realized: Decimal | None = None
    if closed:
        direction = 1 if held.shares > 0 else -1
        realized = to_cent((price - held.average_cost) * closed * direction) - commission
    cash_change = -price * signed_shares - commission
    after = with_position(account, _position_after(held, signed_shares, price, commission))
    after = replace(
        after,
        cash=after.cash + cash_change,
        realized_pnl=after.realized_pnl + (realized or Decimal(0)),
    )
    return (_hold_back(after, day, cash_change) if cash_change > 0 else after), realized


def signed(side: Side, shares: int) -> int:
    """Shares with a sign: positive for BUY, negative for SELL."""
    return shares if side is Side.BUY else -shares


def adjust_cash(account: ExchangeAccount, amount: Decimal) -> ExchangeAccount:
    """Pay in (positive) or take out (negative) settled US dollars."""
    return replace(account, cash=account.cash + amount)


def settle(account: ExchangeAccount, day: date) -> ExchangeAccount:
    """Release the proceeds of sales that settle by this session."""
    return replace(account, unsettled=tuple(u for u in account.unsettled if (u.due or settlement_day(u.session)) > day))


def apply_action(account: ExchangeAccount, action: CorporateAction) -> ExchangeAccount:
    """Re-base a split, then credit the dividend, on the shares held when the session opens."""
    held = account.position(action.symbol)
    if not held.shares:
        return account
    shares = held.shares * action.split
    cost = (held.average_cost / action.split).quantize(_COST_STEP)
    rebased = with_position(account, Position(action.symbol, shares, cost))
    return adjust_cash(rebased, to_cent(shares * action.dividend_per_share))


def _closed_shares(held: Decimal, signed_shares: int) -> Decimal:
    opposite = held * signed_shares < 0
    return min(abs(held), Decimal(abs(signed_shares))) if opposite else Decimal(0)


def _position_after(held: Position, signed_shares: int, price: Decimal, commission: Decimal) -> Position:
    shares = held.shares + signed_shares
    if held.shares * signed_shares >= 0:
        # A commission makes a long dearer and a short worth less.
        paid = held.average_cost * held.shares + price * signed_shares + commission
        return Position(held.symbol, shares, (paid / shares).quantize(_COST_STEP))
    turned = shares * held.shares < 0
    return Position(held.symbol, shares, price if turned else held.average_cost)


def _hold_back(account: ExchangeAccount, day: date, amount: Decimal) -> ExchangeAccount:
    earlier = sum((u.amount for u in account.unsettled if u.session == day and u.due is None), Decimal(0))
    others = tuple(u for u in account.unsettled if u.session != day or u.due is not None)
    return replace(account, unsettled=(*others, Unsettled(day, earlier + amount)))
