"""What options are quoted at now: bid and ask of the broker's own ticks, never a last trade, a model or a default."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from mtum.adapters.ib.connector import Connector
from mtum.adapters.ib.messages import DataType, Notice, PriceTick, SizeTick
from mtum.adapters.ib.options.asked import ASK, BID, LIVE, OPEN_INTEREST, QuoteTick, option_quote
from mtum.adapters.ib.options.details import OptionContracts
from mtum.adapters.ib.requests import ConnectionLostError, RequestRefusedError
from mtum.core.options.chain import Quote, Row
from mtum.core.options.contracts import OptionContract
from mtum.errors import BrokerUnavailableError

UNSET = Decimal("1e300")
"""Numbers beyond it are the wire's way to say "none"."""


class Quoted(Struct, frozen=True):
    """A contract with its quote, and why a side of it is absent ("" where both are there)."""

    row: Row
    why: str = ""


def quoted(
    connector: Connector, contracts: OptionContracts, wanted: Iterable[OptionContract], *, open_interest: bool
) -> list[Quoted]:
    """Return the quotes of contracts, all asked at once within the lines that this login may use.

    A quote is dated by the broker's clock before it was asked for: nothing of it is older than that.

    Parameters
    ----------
    connector : Connector
        The connection of one run: account, time limits, reconnection.
    contracts : OptionContracts
        Contracts in options over the run's connection; each description holds for one connection and one day.
    wanted : iterable of OptionContract
        Contracts to quote.
    open_interest : bool
        Whether open interest is asked too.

    Raises
    ------
    BrokerUnavailableError
        If the connection is lost.
    """
    found = tuple(wanted)
    if not found:
        return []
    at = connector.server_time()
    asked = [
        option_quote(contracts.wire(one), one.words, OPEN_INTEREST[one.right] if open_interest else None)
        for one in found
    ]
    answers = connector.try_ask(*asked)
    rows = []
    for contract, answer in zip(found, answers, strict=True):
        if isinstance(answer, ConnectionLostError):
            raise answer
        if isinstance(answer, RequestRefusedError):
            rows.append(Quoted(Row(contract, Quote(None, None, at)), f"{answer.code} {answer.words}"))
        elif isinstance(answer, BrokerUnavailableError):
            rows.append(Quoted(Row(contract, Quote(None, None, at)), str(answer)))
        else:
            rows.append(read_ticks(contract, answer, at))
    return rows


def read_ticks(contract: OptionContract, told: Sequence[QuoteTick], at: datetime) -> Quoted:
    """Return a contract's quote from its ticks; -1, 0 and silence are no price.

    Parameters
    ----------
    contract : OptionContract
        One listed contract, as the broker's details of the day name it.
    told : sequence of ticks
        In the order in which they came.
    at : datetime
        When they were asked for.
    """
    kind = next((int(tick.kind) for tick in reversed(told) if isinstance(tick, DataType)), LIVE)
    sides = {int(tick.kind): price_of(tick.price) for tick in told if isinstance(tick, PriceTick)}
    sizes = {int(tick.kind): price_of(tick.size) for tick in told if isinstance(tick, SizeTick)}
    mine = OPEN_INTEREST[contract.right]
    # A size of 0 for the other right is no word on this one; and missing is not 0.
    size = sizes.get(mine)
    interest = int(size) if size is not None else 0 if mine in sizes else None
    refused = next((f"{tick.code} {tick.text}" for tick in told if isinstance(tick, Notice)), "")
    if kind != LIVE:
        return Quoted(Row(contract, Quote(None, None, at), interest), f"frozen or delayed data (kind {kind})")
    quote = Quote(sides.get(BID), sides.get(ASK), at)
    why = "" if quote.two_sided else refused or ("no bid or no ask" if sides else "no tick came")
    return Quoted(Row(contract, quote, interest), why)


def price_of(told: object) -> float | None:
    """Return a price or size of the wire above 0; None for -1, 0, not-a-number and "not set"."""
    try:
        found = Decimal(str(told))
    except InvalidOperation:
        return None
    return float(found) if found.is_finite() and 0 < found < UNSET else None
