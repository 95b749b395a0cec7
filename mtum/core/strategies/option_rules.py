"""What the strategies of options share: what they ask for, how an open group is read, and proposals in whole units.

It is loaded when one of them decides: the settings of an account without options load nothing of this.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from mtum.core.conditions import Condition
from mtum.core.indicators.iv_rank import iv_rank
from mtum.core.indicators.smoothing import DECIMALS, known
from mtum.core.market.instruments import Right
from mtum.core.market.side import Side
from mtum.core.options.asking import ChainRequest, OptionGroup, OptionVerdict, OwnOptions, Proposal
from mtum.core.options.chain import LIQUID_DAYS, LIQUID_DELTAS, ReadChain, Row
from mtum.core.options.contracts import UNITS, OptionContract
from mtum.core.options.exits import Action, OpenSpread, Ruling, Today, mark
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionLot, OptionPurpose
from mtum.core.options.selecting import Selection, Structure, Window
from mtum.core.strategies.option_words import IV_SESSIONS, iv_series, own_volatility

if TYPE_CHECKING:
    from mtum.core.view import MarketView

FORWARD_DELTA = 0.65
"""Largest delta that is asked for: below and above a half, so that strikes have a call and a put."""
ESCALATE_DAYS = 7
"""Calendar days to expiry from which a closing may pay the far side whatever its reason."""
RISKS = frozenset({"stop", "beyond_put", "beyond_call", "ex_date", "blackout", "close_above"})
"""Reasons for which a closing may pay the far side."""
ZERO = Decimal(0)


def spot_of(view: "MarketView", symbol: str) -> float:
    """Return the price now, USD per share."""
    return float(view.bars[symbol].close[-1])


def request(
    underlying: str,
    window: Window,
    least_delta: float,
    most_delta: float,
    groups: Iterable[OptionGroup],
    sought: tuple[float, ...],
) -> ChainRequest:
    """Return the request for a chain: what may be chosen, what the market is judged by, and what is held.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    window : Window
        Days to expiry of what is opened.
    least_delta, most_delta : float
        Smallest and largest absolute delta of what is opened.
    groups : iterable of OptionGroup
        Open ones of the underlying.
    sought : tuple of float
        Absolute deltas that the legs come nearest to.
    """
    wide = Window(min(window.first, LIQUID_DAYS[0]), max(window.last, LIQUID_DAYS[1]), window.sought)
    deltas = (min(least_delta, LIQUID_DELTAS[0]), max(most_delta, FORWARD_DELTA))
    held = {lot.contract.con_id: lot.contract for group in groups for lot in group.lots}
    contracts = tuple(held[number] for number in sorted(held))
    return ChainRequest(underlying, wide, frozenset(Right), deltas, contracts, sought, window)


def iv_rank_of(view: "MarketView", symbol: str) -> float | None:
    """Return the rank of an underlying's implied volatility over the last 252 sessions, 0 to 1.

    Returns
    -------
    float or None
        None where no series has them.
    """
    name = ranked_series(view, symbol)
    values = None if name is None else [*_earlier(view, name), view.series[name]]
    return None if values is None else known(float(iv_rank(np.array(values), IV_SESSIONS)[-1]))


def ranked_series(view: "MarketView", symbol: str) -> str | None:
    """Return the series that an underlying's implied volatility is ranked in; None where none has the sessions.

    Its own counts where the source tells it, else the index; a hole in one is never filled from another.
    """
    for name in (own_volatility(symbol), *iv_series(symbol)):
        if view.series.get(name) is not None and len(_earlier(view, name)) == IV_SESSIONS - 1:
            return name
    return None


def _earlier(view: "MarketView", name: str) -> list[float]:
    earlier = view.series_history.get(name, {})
    return [earlier[day] for day in sorted(earlier) if day < view.session][-(IV_SESSIONS - 1) :]


def contracts_of(lots: Iterable[OptionLot]) -> dict[OptionContract, int]:
    """Return the contracts of lots, negative for those sold; none that come to 0."""
    found: dict[OptionContract, int] = {}
    for lot in lots:
        found[lot.contract] = found.get(lot.contract, 0) + lot.quantity
    return {contract: quantity for contract, quantity in found.items() if quantity}


def units_of(held: Mapping[OptionContract, int]) -> int:
    """Return how many units of one structure contracts make."""
    return gcd(*held.values())


def paid_per_unit(lots: Sequence[OptionLot]) -> float:
    """Return what one unit cost when it was opened, USD per share, rounded to 1e-6; a credit is below 0."""
    units = units_of(contracts_of(lots))
    total = sum((lot.premium * lot.quantity for lot in lots), ZERO)
    return round(float(total / units), DECIMALS)


def spread_of(group: OptionGroup) -> OpenSpread:
    """Return an open group as a structure of defined risk."""
    held = contracts_of(group.lots)
    strikes = {right: [float(one.strike) for one in held if one.right is right] for right in Right}
    sold = {one.right: float(one.strike) for one, quantity in held.items() if quantity < 0}
    width = max(max(one) - min(one) for one in strikes.values() if one)
    return OpenSpread(paid_per_unit(group.lots), round(width, DECIMALS), sold.get(Right.PUT), sold.get(Right.CALL))


def open_loss(groups: Iterable[OptionGroup]) -> Decimal:
    """Return the most that open groups may lose at expiry, USD; a call that nothing covers counts up to its double."""
    total = ZERO
    for group in groups:
        held = contracts_of(group.lots)
        prices = {ZERO, *(one.strike for one in held), 2 * max((one.strike for one in held), default=ZERO)}
        worst = min(sum((number * _worth(one, price) for one, number in held.items()), ZERO) for price in prices)
        total += max(ZERO, sum((lot.paid_usd for lot in group.lots), ZERO) - worst)
    return total


def _worth(contract: OptionContract, price: Decimal) -> Decimal:
    # What a contract is worth at expiry, USD.
    inner = price - contract.strike if contract.right is Right.CALL else contract.strike - price
    return max(ZERO, inner) * contract.multiplier


def today_of(
    view: "MarketView", found: ReadChain | None, held: Mapping[OptionContract, int], symbol: str, own: OwnOptions
) -> Today:
    """Return what contracts are judged by today: the first of their expiries counts.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    found : ReadChain or None
        None where no chain came: their mark is then unknown.
    held : mapping of OptionContract to int
        Contracts, negative for those sold.
    symbol : str
        Ticker.
    own : OwnOptions
        What a strategy of options knows of its own sleeve.
    """
    units = units_of(held)
    marked = None if found is None else mark(found, {one.con_id: number // units for one, number in held.items()})
    days = min(one.days_from(view.session) for one in held)
    return Today(spot_of(view, symbol), days, marked, own.ex_dates.get(symbol))


def row_of(found: ReadChain, contract: OptionContract) -> Row | None:
    """Return a contract's row."""
    return next((row for row in found.chain.rows if row.contract.con_id == contract.con_id), None)


def net_price(usd: float | Decimal) -> NetPrice:
    """Return a net price, USD per share, as it is kept."""
    return NetPrice(Decimal(str(usd)))


def closing(
    group: OptionGroup, held: Mapping[OptionContract, int], today: Today, reason: str, worst: float | None
) -> Proposal:
    """Return the order that closes contracts of a group.

    Parameters
    ----------
    group : OptionGroup
        The open lots of one structure.
    held : mapping of OptionContract to int
        Contracts, negative for those sold.
    today : Today
        What an open position is judged by.
    reason : str
        Why: a risk is closed at the far side if need be.
    worst : float or None
        Highest net that is taken, USD per share; None where the market alone bounds it.
    """
    units = units_of(held)
    legs = tuple(
        OptionLeg(one, Side.BUY if held[one] < 0 else Side.SELL, abs(held[one]) // units)
        for one in sorted(held, key=lambda one: one.con_id)
    )
    far = reason in RISKS or today.days <= ESCALATE_DAYS
    bound = None if worst is None or far else net_price(worst)
    start = net_price(0.0 if today.mark is None else today.mark)
    return Proposal(OptionPurpose.CLOSE, group.group, legs, units, Envelope(start, bound, far), ZERO)


def opening(structure: Structure, quantity: int, worst: float, max_loss: float, group: str = "") -> Proposal:
    """Return the order for a chosen structure.

    Parameters
    ----------
    structure : Structure
        Legs that are traded as one; how many of it is the caller's to say.
    quantity : int
        Units, at least 1.
    worst : float
        Highest net that is taken, USD per share; a credit is below 0.
    max_loss : float
        The most that one unit may lose at that price, USD per share.
    group : str
        The group that it rolls; "" where it opens one.
    """
    legs = tuple(OptionLeg(leg.contract, Side.BUY if leg.bought else Side.SELL) for leg in structure.legs)
    purpose = OptionPurpose.ROLL if group else OptionPurpose.OPEN
    loss = max(ZERO, Decimal(str(round(max_loss, DECIMALS))) * UNITS * quantity)
    return Proposal(purpose, group, legs, quantity, Envelope(net_price(structure.net), net_price(worst)), loss)


def far_side(structure: Structure) -> float:
    """Return what a structure costs at once, USD per share: what is bought at the ask, what is sold at the bid."""
    quotes = [(leg, leg.reading.row.quote) for leg in structure.legs]
    found = sum((one.ask or 0.0) if leg.bought else -(one.bid or 0.0) for leg, one in quotes)
    return round(found, DECIMALS)


def kept(
    underlying: str, group: str, reasons: tuple[str, ...], conditions: tuple[Condition, ...] = (), **said: object
) -> OptionVerdict:
    """Return the verdict that leaves everything as it is; further fields by name.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    group : str
        Name of the group.
    reasons : tuple of str
        Reason words, the deciding one first.
    conditions : tuple of Condition
        Conditions that were looked at.
    said : object
        Further fields of the verdict, by name.
    """
    return replace(OptionVerdict(underlying, group, None, reasons, conditions), **said)


def ruled(group: OptionGroup, ruling: Ruling, proposal: Proposal | None, **said: object) -> OptionVerdict:
    """Return the verdict on an open group by what its rules say.

    Parameters
    ----------
    group : OptionGroup
        The open lots of one structure.
    ruling : Ruling
        What happens to an open position.
    proposal : Proposal or None
        None where nothing is done, or nothing can be.
    said : object
        Further fields of the verdict, by name.
    """
    rules = tuple((name, action.value, needed) for name, action, needed in ruling.rules)
    found = OptionVerdict(
        group.underlying, group.group, proposal, (ruling.reason,), ruling.conditions,
        decided_by=ruling.decided_by, rules=rules,
    )  # fmt: skip
    return replace(found, **said)


def unruled(groups: Iterable[OptionGroup]) -> tuple[OptionVerdict, ...]:
    """Return the verdicts on broken groups: no normal rule holds for them."""
    return tuple(kept(one.underlying, one.group, ("broken",)) for one in groups if one.broken)


def not_chosen(selection: Selection) -> tuple[str, tuple[Condition, ...]]:
    """Return the reason why no contract was chosen, and the filter that removed the last one."""
    if selection.refused is not None:
        return "market_refused", ()
    return "no_contract", () if selection.emptied_by is None else (selection.emptied_by,)


def entry(
    underlying: str, wanted: str, conditions: Sequence[Condition], indicators: Mapping[str, float | None]
) -> OptionVerdict | None:
    """Return the verdict where an opening's conditions do not all hold; None where they do.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    wanted : str
        Reason word of the opening, told second.
    conditions : sequence of Condition
        Conditions of the opening.
    indicators : mapping of str to float or None
        Values that were looked at, by name.
    """
    failed = tuple(one for one in conditions if not one.passed)
    if not failed:
        return None
    return kept(underlying, "", (failed[0].name, wanted), tuple(conditions), decided_by=failed, indicators=indicators)


def rolls(action: Action | None) -> bool:
    """Return whether a ruling rolls."""
    return action is Action.ROLL
