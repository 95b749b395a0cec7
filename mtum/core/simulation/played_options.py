"""What a played history did in options: orders, what ended without one, and what each group came to."""

from datetime import date

from msgspec import Struct, field


class PlayedOptionOrder(Struct, frozen=True):
    """An order in options.

    Parameters
    ----------
    purpose : str
        ``open``, ``close`` or ``roll``.
    legs : tuple of str
        In words.
    quantity : int
        Units.
    start, net : float
        Middle of the market that it was decided at and what it was filled at, net, USD per share of a unit; a credit
        is below 0. `net` is None where it was not filled.
    why_not : str
        Why it was not filled.
    """

    session: date
    sleeve: str
    underlying: str
    purpose: str
    group: str
    legs: tuple[str, ...]
    quantity: int
    start: float
    net: float | None
    fees_usd: float
    reasons: tuple[str, ...]
    why_not: str = ""


class PlayedOptionEvent(Struct, frozen=True):
    """Contracts that ended without an order.

    Parameters
    ----------
    session : date
        The one after whose close they ended.
    kind : str
        ``assigned``, ``exercised``, ``expired``, ``cash_settled``, or ``traded_back`` for the shares of a group that an
        assignment broke.
    quantity : int
        Contracts, below 0 for those sold; of what is traded back its shares.
    shares : int
        Shares that came, below 0 for those that went.
    cash_usd : float
        Received, below 0 where it was paid.
    told : str
        Why, and what the model could not know of it.
    """

    session: date
    sleeve: str
    underlying: str
    kind: str
    contract: str
    quantity: int
    shares: int
    cash_usd: float
    told: str


class PlayedGroup(Struct, frozen=True):
    """One structure from its opening to its end.

    Parameters
    ----------
    ended : date or None
        None while it is open.
    pnl_usd : float
        Profit or loss of what has ended, after fees; the shares of an assignment are accounted for as shares.
    ends : tuple of str
        How its contracts ended: ``traded``, or a kind of event.
    """

    sleeve: str
    group: str
    underlying: str
    opened: date
    ended: date | None
    pnl_usd: float
    ends: tuple[str, ...]


class PlayedOptions(Struct, frozen=True):
    """What one sleeve did in options.

    Parameters
    ----------
    label : str
        What every figure that its prices are in is called.
    told : tuple of str
        What a reader has to know of them.
    points : float
        Volatility points above the model's level.
    fees_usd, spread_usd : float
        Commissions and fees; slippage of the fills from the middle.
    held_back : mapping of str to int
        Proposals that were not carried out, by reason.
    quoted : int
        Chains that came.
    unquoted : mapping of str to int
        Sessions without a chain, by the reason.
    not_opened : mapping of str to int
        Verdicts that opened nothing, by the condition or reason that decided.
    """

    label: str
    told: tuple[str, ...]
    points: float
    orders: tuple[PlayedOptionOrder, ...] = ()
    events: tuple[PlayedOptionEvent, ...] = ()
    groups: tuple[PlayedGroup, ...] = ()
    fees_usd: float = 0.0
    spread_usd: float = 0.0
    held_back: dict[str, int] = field(default_factory=dict)
    quoted: int = 0
    unquoted: dict[str, int] = field(default_factory=dict)
    not_opened: dict[str, int] = field(default_factory=dict)
