"""The last gate: may this very order leave, judged by fresh broker facts alone?"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import OrderType, Side, Ticket, intent_of

PAPER = "D"
"""How the broker's paper accounts begin."""
PRACTICE_FARM = "mtum-practice"
"""The practice gateway's own word: the data farm that it names after a login, and no other gateway does."""
LAST_CANCEL_MINUTES = 10.0
"""Minutes before the close from which the exchange cancels no order for the auction any more."""
MARKET_LAST_MINUTES = 3.0
"""A market order, which waits for no auction, may leave until so many minutes before the close."""
MARGIN = timedelta(seconds=5)
"""Nothing leaves in the last seconds before the last moment: it would be at the wire after it."""


class GateRules(Struct, frozen=True):
    """What the gate allows, independent of any decision.

    Parameters
    ----------
    paper : bool or None
        Whether it must be a paper account ("D..."); None where there is only one kind.
    contracts : mapping of symbol to str
        Symbols of the universe with the contract pinned for each ("" = nothing to pin).
    max_position_usd : mapping of sleeve to Decimal
        The most that each sleeve may hold in one symbol, USD; a sleeve that is not named buys nothing.
    window_opens_minutes, last_send_minutes : float
        Minutes before the close between which orders may leave, by the broker's clock.
    """

    account: str
    contracts: Mapping[str, str]
    max_position_usd: Mapping[str, Decimal]
    window_opens_minutes: float
    last_send_minutes: float
    paper: bool | None = None


class GateFacts(Struct, frozen=True):
    """What the broker says at this moment, and what the order's sleeve holds.

    Parameters
    ----------
    contract : str
        Contract the broker gives for the symbol now.
    position : Decimal
        Shares held in the symbol.
    open_sells, open_buys : int
        Shares of sell and buy orders in the symbol that may still fill, whoever's they are.
    open_buys_usd : Decimal
        What all purchases that may still fill in the whole account cost, at their reference prices.
    unpriced : str
        A purchase among them whose cost is not known, in words; "" when all are.
    pledged : int
        Shares of the symbol that short calls may call for.
    unknown : str
        Instruments on the symbol of which it is not known what they do to its shares, in words.
    of_intent : int
        Orders of the same intent that the broker lists, working or done, whatever their attempt.
    other_side : int
        Shares of our orders on the symbol's other side that may still fill, or were filled this session.
    own_shares : Decimal
        Shares of the symbol that the order's sleeve has, those included that its working purchases may add.
    price : Decimal
        What one share or contract costs in USD, by which the purchase is judged.
    """

    now: datetime
    session: Session
    account: str
    contract: str
    position: Decimal
    open_sells: int
    cash_usd: Decimal
    price: Decimal
    of_intent: int = 0
    other_side: int = 0
    own_shares: Decimal = Decimal(0)
    open_buys: int = 0
    open_buys_usd: Decimal = Decimal(0)
    unpriced: str = ""
    pledged: int = 0
    unknown: str = ""


class GateRefusal(Struct, frozen=True):
    """Why the gate stays shut: the check's name and the facts in words."""

    check: str
    text: str


def refusal(ticket: Ticket, facts: GateFacts, rules: GateRules) -> GateRefusal | None:
    """Return the first check that the order fails, or None when it may leave.

    Parameters
    ----------
    ticket : Ticket
        An order as it is handed to a broker: always for today's session, whole shares.
    facts : GateFacts
        What the broker says at this moment, and what the order's sleeve holds.
    rules : GateRules
        What the gate allows, independent of any decision.
    """
    notional = ticket.shares * facts.price
    together = notional + max(Decimal(0), facts.own_shares) * facts.price
    most = rules.max_position_usd.get(ticket.strategy, Decimal(0))
    free = facts.position - facts.open_sells - facts.pledged
    buying = ticket.side is Side.BUY
    # Shares that are short may be bought back and no more; such a purchase makes the position smaller.
    short = facts.position < 0
    buy_back = -facts.position - facts.open_buys
    late = outside_window(facts.now, facts.session, rules)
    beside = f"beside working purchases for {facts.open_buys_usd:.2f}"
    checks = (
        (
            "account",
            ticket.account == rules.account == facts.account,
            f"account {facts.account}, order for {ticket.account}",
        ),
        (
            "mode",
            rules.paper in (None, facts.account.startswith(PAPER)),
            f"account {facts.account} in {'paper' if rules.paper else 'live'} mode",
        ),
        ("instrument", not ticket.untradable, ticket.untradable),
        ("universe", ticket.symbol in rules.contracts, f"{ticket.symbol} is not in the universe"),
        (
            "contract",
            rules.contracts.get(ticket.symbol) in ("", facts.contract),
            f"contract {facts.contract}, pinned {rules.contracts.get(ticket.symbol)}",
        ),
        ("quantity", ticket.shares == int(ticket.shares) > 0, f"{ticket.shares} shares"),
        (
            "sell",
            buying or ticket.shares <= free,
            f"sell {ticket.shares}, free to sell {free} ({facts.open_sells} on sale, {facts.pledged} pledged to calls)",
        ),
        (
            "short",
            not short or ticket.shares <= buy_back,
            f"buy {ticket.shares} while the position is SHORT: {buy_back} may be bought back",
        ),
        (
            "instruments",
            not buying or short or not facts.unknown,
            f"the account has {facts.unknown}, which may change the shares of {ticket.symbol}",
        ),
        (
            "notional",
            not buying or short or together <= most,
            f"buy for {notional:.2f} USD, with what {ticket.strategy} has {together:.2f}, its limit {most:.2f}",
        ),
        ("purchases", not buying or not facts.unpriced, f"what the working {facts.unpriced} costs is not known"),
        (
            "cash",
            not buying or notional + facts.open_buys_usd <= facts.cash_usd,
            f"buy for {notional:.2f} USD {beside}, cash {facts.cash_usd:.2f}",
        ),
        ("intent", not facts.of_intent, f"the broker lists an order of {intent_of(ticket.ref)} already"),
        ("side", not facts.other_side, f"{facts.other_side} shares of ours are on the symbol's other side today"),
        ("window", late is None, late.text if late else ""),
    )
    return next((GateRefusal(name, text) for name, passed, text in checks if not passed), None)


def last_minutes(order_type: OrderType, last_send_minutes: float) -> float:
    """Return until how many minutes before the close an order of this type may leave."""
    return min(last_send_minutes, MARKET_LAST_MINUTES) if order_type is OrderType.MARKET else last_send_minutes


def last_instant(session: Session, order_type: OrderType, last_send_minutes: float) -> datetime:
    """Return the last instant at which an order of this type may leave.

    Parameters
    ----------
    session : Session
        The session, with its open and close.
    order_type : OrderType
        Order types: market, limit, and both on close.
    last_send_minutes : float
        Minutes before the close at which the last order may leave.
    """
    return session.before_close(last_minutes(order_type, last_send_minutes)) - MARGIN


def outside_window(now: datetime, session: Session, rules: GateRules) -> GateRefusal | None:
    """Return why no order may leave at this instant of the broker's clock, None when one may.

    Parameters
    ----------
    now : datetime
        The present instant, UTC.
    session : Session
        The session, with its open and close.
    rules : GateRules
        What the gate allows, independent of any decision.
    """
    opens = session.before_close(rules.window_opens_minutes)
    last = session.before_close(rules.last_send_minutes) - MARGIN
    if opens <= now <= last:
        return None
    return GateRefusal("window", f"broker's clock {now:%H:%M:%S} UTC, window {opens:%H:%M:%S} to {last:%H:%M:%S}")
