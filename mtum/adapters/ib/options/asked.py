"""What the gateway is asked about options."""

from collections.abc import Mapping, Sequence

from mtum.adapters.ib.codes import NO_PERMISSION
from mtum.adapters.ib.messages import (
    Contract,
    DataType,
    MarketRule,
    Notice,
    OptionClass,
    PriceTick,
    SizeTick,
)
from mtum.adapters.ib.requests import Limit, Request
from mtum.core.market.instruments import Right

LIVE = 1
"""Kind of data that belongs to this moment; every other one is frozen or delayed."""
BID, ASK = 1, 2
OPEN_INTEREST: Mapping[Right, int] = {Right.CALL: 27, Right.PUT: 28}
"""Kind of the size that tells how many contracts are open; both come, and that of the other right says 0."""
QUOTE_SECONDS = 8.0
"""Longest wait for both sides of a quote."""

type QuoteTick = PriceTick | SizeTick | DataType | Notice


def classes_of(symbol: str, kind: str, number: int) -> Request[OptionClass]:
    """Ask which classes of options are listed on an underlying, once for each exchange.

    Parameters
    ----------
    symbol : str
        Ticker.
    kind : str
        The broker's word: STK or IND.
    number : int
        The broker's number of the underlying.
    """
    return Request(
        f"options on {symbol}",
        # With an exchange in the place of the empty text nothing would come.
        lambda client, request: client.reqSecDefOptParams(request, symbol, "", kind, number),
        (OptionClass,),
        "securityDefinitionOptionParameterEnd",
        keyed=True,
    )


def price_steps(number: int) -> Request[MarketRule]:
    """Ask the steps of prices of one rule."""
    return Request(
        f"price steps of rule {number}",
        lambda client, _: client.reqMarketRule(number),
        (MarketRule,),
        "marketRule",
        last=lambda rule: isinstance(rule, MarketRule) and rule.number == number,
    )


def option_quote(contract: Contract, name: str, interest: int | None) -> Request[QuoteTick]:
    """Ask bid and ask of an option as they are now; the line is given back as soon as they are told.

    Parameters
    ----------
    contract : Contract
        Contract, as the broker names it.
    name : str
        The contract for a person.
    interest : int or None
        Kind of the size that tells its open contracts, which are waited for as well; None where nobody needs them.
    """
    wanted = {BID, ASK} | ({interest} if interest is not None else set())

    def enough(told: Sequence[QuoteTick]) -> bool:
        return wanted <= {int(tick.kind) for tick in told if isinstance(tick, PriceTick | SizeTick)}

    return Request(
        f"quote of {name}",
        lambda client, number: client.reqMktData(
            number, contract, "101" if interest is not None else "", False, False, []
        ),
        (PriceTick, SizeTick, DataType),
        "",
        keyed=True,
        seconds=QUOTE_SECONDS,
        limit=Limit.LINE,
        cancel=lambda client, number: client.cancelMktData(number),
        streams=True,
        enough=enough,
        # What concerns greeks or the underlying leaves the prices as they are.
        tolerates=NO_PERMISSION,
    )
