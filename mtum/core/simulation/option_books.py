"""What the simulated exchange knows of options: orders, executions, ends without a trade, and the contracts held."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from mtum.core.options.contracts import End, OptionContract
from mtum.core.options.ladder import NetPrice
from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.orders import Side


class OptionTicket(Struct, frozen=True):
    """An order in one contract or a combination as a client sends it.

    Parameters
    ----------
    side : Side
        Of the order; a sale of a combination turns every leg round.
    legs : tuple of OptionLeg
        One of ratio 1 to buy for a single contract; several of one underlying for a combination.
    quantity : int
        Units.
    limit : Decimal
        USD per share of a unit, as sent: below 0 to buy a combination for a credit.
    order_id : int
        0 lets the exchange choose the client's next one.
    """

    account: str
    side: Side
    legs: tuple[OptionLeg, ...]
    quantity: int
    limit: Decimal
    ref: str = ""
    client_id: int = 0
    order_id: int = 0

    @property
    def symbol(self) -> str:
        """The underlying."""
        return self.legs[0].contract.underlying

    @property
    def combined(self) -> bool:
        """Whether it is a combination."""
        return len(self.legs) > 1

    @property
    def net(self) -> NetPrice:
        """Its limit, debit positive."""
        return NetPrice(self.limit if self.side is Side.BUY else -self.limit)

    @property
    def changes(self) -> Mapping[OptionContract, int]:
        """Contracts that one unit brings, negative for those that go."""
        turn = 1 if self.side is Side.BUY else -1
        return {leg.contract: turn * leg.signed for leg in self.legs}


class OptionEnding(Struct, frozen=True):
    """Contracts of an account that ended without a trade on the morning of a session (model.ending.Ending)."""

    session: date
    account: str
    contract: OptionContract
    quantity: int
    kind: End
    shares: int
    cash_usd: Decimal
    told: str


class OptionExecution(Struct, frozen=True):
    """One fill of a leg, or of a combination as a whole.

    Parameters
    ----------
    contract : OptionContract or None
        None for the combination as a whole: it moves no cash and has no fee.
    quantity : int
        Contracts, or units of the combination.
    price : Decimal
        USD per share; of a combination net as it was sent, below 0 for a credit bought.
    filled_so_far : int
        Of this leg, or units.
    realized_pnl : Decimal or None
        USD; None for a fill that closes nothing.
    """

    exec_id: str
    perm_id: int
    session: date
    instant: datetime
    contract: OptionContract | None
    side: Side
    quantity: int
    price: Decimal
    fee: Decimal
    realized_pnl: Decimal | None
    filled_so_far: int
    average_price: Decimal
