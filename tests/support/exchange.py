"""Builders for tests of the simulated exchange."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from mtum.core.market.sessions import Session
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.account_book import CorporateAction
from mtum.core.simulation.admission import ExchangeRules, LatePolicy, Moment
from mtum.core.simulation.exchange_state import ExchangeAccount, ExchangeState, ExchangeTicket, Position

MONDAY, TUESDAY, WEDNESDAY = date(2015, 6, 1), date(2015, 6, 2), date(2015, 6, 3)
ACCOUNT = "DUP100001"
FREE = ExchangeRules(costs=PercentCosts(Decimal(0)))
TENTH_PERCENT = ExchangeRules(costs=PercentCosts(Decimal("0.001")))
HOLD_LATE = ExchangeRules(costs=PercentCosts(Decimal(0)), late_on_close=LatePolicy.NEXT_SESSION)


def session(day: date = MONDAY) -> Session:
    """A full session: 9:30 to 16:00 New York in summer."""
    opening = datetime.fromisoformat(f"{day.isoformat()}T13:30:00+00:00")
    return Session(day, opening, opening + timedelta(hours=6, minutes=30))


def moment(
    minutes_to_close: float = 20.0,
    day: date = MONDAY,
    price: str | None = "100",
    symbol: str = "AAA",
    actions: tuple[CorporateAction, ...] = (),
) -> Moment:
    """The market so many minutes before the close, one symbol with a price."""
    hours = session(day)
    prices = {symbol: Decimal(price)} if price else {}
    return Moment(hours.before_close(minutes_to_close), hours, prices, actions)


def exchange(cash: str = "5000", kind: AccountKind = AccountKind.CASH, held: str = "0") -> ExchangeState:
    """An exchange with one account, flat or holding AAA at a cost of 90."""
    positions = (Position("AAA", Decimal(held), Decimal(90)),) if held != "0" else ()
    return ExchangeState(accounts=(ExchangeAccount(ACCOUNT, kind, Decimal(cash), positions=positions),))


def ticket(
    side: Side = Side.BUY,
    shares: int = 10,
    order_type: OrderType = OrderType.MARKET_ON_CLOSE,
    limit: str | None = None,
    ref: str = "r-1",
) -> ExchangeTicket:
    """An order in AAA."""
    return ExchangeTicket(ACCOUNT, "AAA", side, order_type, shares, ref, Decimal(limit) if limit else None)
