"""Whose cash is it: the sleeves' shares of settled cash, transfers between them, and the cash fund."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal
from math import ceil, sqrt
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.portfolio.costs import CENT
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import SizingRules, cost_frac, shares_for

ZERO = Decimal(0)

type Weighting = Literal["fixed", "inverse_volatility", "sharpe"]
type Period = Literal["none", "month", "quarter"]

WEIGHTING_SESSIONS, WEIGHTING_LEAST_SESSIONS = 126, 63
SESSIONS_A_YEAR = 252


def spendable(settled: Mapping[str, Decimal], broker_usd: Decimal) -> dict[str, Decimal]:
    """Return what each sleeve may spend, USD: its own settled cash, less where the broker has less of it.

    Then pro rata to what is positive, cents downwards.

    Parameters
    ----------
    settled : mapping of sleeve to Decimal
        Settled cash by our records, USD.
    broker_usd : Decimal
        Settled cash at the broker.
    """
    own = {name: max(ZERO, cash) for name, cash in settled.items()}
    total = sum(own.values(), ZERO)
    if broker_usd >= total or not total:
        return own
    have = max(ZERO, broker_usd)
    if sum(1 for cash in own.values() if cash) == 1:
        return {name: have if cash else ZERO for name, cash in own.items()}
    return {name: (cash * have / total).quantize(CENT, ROUND_DOWN) for name, cash in own.items()}


class TransferRules(Struct, frozen=True):
    """When cash moves between the sleeves, and towards which shares of the account.

    Parameters
    ----------
    period : str
        At whose last session cash moves; "none" for never.
    band_frac : float
        How far above its share a sleeve must be before it gives, as a fraction of the share.
    weighting : str
        What changes the weights of the settings, as in `weighted`.
    """

    period: Period = "none"
    band_frac: float = 0.2
    weighting: Weighting = "fixed"

    def due(self, day: date, following: date | None) -> bool:
        """Return whether a session is the last of its period; not where the one after it is unknown."""
        if self.period == "none" or following is None:
            return False
        months = 1 if self.period == "month" else 3
        now, then = ((one.year, (one.month - 1) // months) for one in (day, following))
        return now != then


class SleeveMoney(Struct, frozen=True):
    """A sleeve as the transfers see it.

    Parameters
    ----------
    weight : float
        Its share, whatever all weights add up to.
    receives : bool
        Whether it may be given money: its state is "on".
    """

    name: str
    weight: float
    equity_usd: Decimal
    available_usd: Decimal
    receives: bool = True


class Transfer(Struct, frozen=True):
    """What the end of a period means for one sleeve.

    Parameters
    ----------
    weight : float
        Its share after the weighting.
    usd : float
        What it receives (+) or gives (-).
    lacking_usd : float
        What it stands above its share and cannot give, as that is no cash which has settled.
    """

    sleeve: str
    weight: float
    equity_usd: float
    target_usd: float
    usd: float
    lacking_usd: float


def rebalanced(
    sleeves: Sequence[SleeveMoney], returns: Mapping[str, Sequence[float]], rules: TransferRules
) -> tuple[Transfer, ...]:
    """Return what every sleeve gets or gives at the end of a period, in the order given; the sum is 0.

    Parameters
    ----------
    sleeves : sequence of SleeveMoney
        Money of each sleeve, in the order of the settings.
    returns : mapping of sleeve to sequence of float
        Daily returns for the weighting, oldest first.
    rules : TransferRules
        When cash moves between the sleeves, and towards which shares of the account.
    """
    weights = weighted({one.name: one.weight for one in sleeves}, returns, rules.weighting)
    sleeves = [replace(one, weight=weights[one.name]) for one in sleeves]
    target, moved = _targets(sleeves), transfers(sleeves, rules.band_frac)
    found = []
    for one in sleeves:
        excess = one.equity_usd - target.get(one.name, one.equity_usd)
        gives = _is_above(one, target, rules.band_frac)
        lacking = max(ZERO, excess - max(ZERO, one.available_usd)) if gives else ZERO
        figures = (one.equity_usd, one.equity_usd - excess, moved.get(one.name, ZERO), lacking)
        found.append(Transfer(one.name, one.weight, *(round(float(usd), 6) for usd in figures)))
    return tuple(found)


def transfers(sleeves: Sequence[SleeveMoney], band_frac: float) -> dict[str, Decimal]:
    """Return what each sleeve gets (+) or gives (-) so that the sleeves come back to their weights, USD, sum 0.

    A sleeve above its target by more than the band gives its excess, as far as it has cash; nothing is
    sold for it. Those below receive in proportion to what they lack, never more than that.

    Parameters
    ----------
    band_frac : float
        Width above the target, as a fraction of it.
    """
    target = _targets(sleeves)
    if not target:
        return {}
    given = {
        one.name: max(ZERO, min(one.equity_usd - target[one.name], one.available_usd)).quantize(CENT, ROUND_DOWN)
        for one in sleeves
        if _is_above(one, target, band_frac)
    }
    lacking = {
        one.name: target[one.name] - one.equity_usd
        for one in sleeves
        if one.receives and one.equity_usd < target[one.name]
    }
    room = sum(lacking.values(), ZERO).quantize(CENT, ROUND_DOWN)
    given = _shared(min(room, sum(given.values(), ZERO)), given)
    received = _shared(sum(given.values(), ZERO), lacking)
    moved = {**{name: -usd for name, usd in given.items()}, **received}
    return {one.name: moved[one.name] for one in sleeves if moved.get(one.name)}


def _targets(sleeves: Sequence[SleeveMoney]) -> dict[str, Decimal]:
    # Their shares of all they own together; none where no weight says how to divide it.
    total = sum((one.equity_usd for one in sleeves), ZERO)
    weights = {one.name: exact(one.weight) for one in sleeves}
    whole = sum(weights.values(), ZERO)
    return {name: total * weight / whole for name, weight in weights.items()} if whole > 0 else {}


def _is_above(one: SleeveMoney, target: Mapping[str, Decimal], band_frac: float) -> bool:
    return one.name in target and one.equity_usd > target[one.name] * (1 + exact(band_frac))


def _shared(pool: Decimal, wanted: Mapping[str, Decimal]) -> dict[str, Decimal]:
    # In proportion, cents; what rounding leaves goes to the largest.
    whole = sum(wanted.values(), ZERO)
    if whole <= 0 or pool <= 0:
        return {}
    parts = {name: (pool * usd / whole).quantize(CENT, ROUND_DOWN) for name, usd in wanted.items()}
    parts[max(wanted, key=lambda name: wanted[name])] += pool - sum(parts.values(), ZERO)
    return parts


def weighted(
    weights: Mapping[str, float], returns: Mapping[str, Sequence[float]], weighting: Weighting
) -> dict[str, float]:
    """Return the sleeves' weights by what they have earned lately, of the same sum.

    Parameters
    ----------
    weights : mapping of str to float
        Weight by sleeve, a fraction.
    returns : mapping of sleeve to sequence of float
        Daily returns, flows taken out, oldest first; the last 126 count, and 63 are needed.
    weighting : str
        "inverse_volatility": mean deviation / own; "sharpe": 1 + half of what its Sharpe ratio is above
        the mean, from 0.5 to 1.5.
    """
    if weighting == "fixed":
        return dict(weights)
    from statistics import fmean, stdev  # 5 ms of every run, and most accounts leave their weights as they are

    lately = {name: list(returns.get(name, ()))[-WEIGHTING_SESSIONS:] for name in weights}
    spread = {
        name: stdev(values)
        for name, values in lately.items()
        if len(values) >= WEIGHTING_LEAST_SESSIONS and stdev(values) > 0
    }
    factors = dict.fromkeys(weights, 1.0)
    if spread and weighting == "inverse_volatility":
        usual = fmean(spread.values())
        factors |= {name: usual / own for name, own in spread.items()}
    elif spread:
        sharpe = {name: fmean(lately[name]) / own * sqrt(SESSIONS_A_YEAR) for name, own in spread.items()}
        usual = fmean(sharpe.values())
        factors |= {name: min(1.5, max(0.5, 1.0 + 0.5 * (own - usual))) for name, own in sharpe.items()}
    changed = {name: weight * factors[name] for name, weight in weights.items()}
    total = sum(changed.values())
    scale = sum(weights.values()) / total if total > 0 else 1.0
    return {name: weight * scale for name, weight in changed.items()}


class FundRules(Struct, frozen=True):
    """Cash that is always kept, and the least above it that is worth a purchase of the fund, USD."""

    keep_usd: float
    step_usd: float


def fund_order(
    price: float, held: int, settled_usd: float, lacking_usd: float, sizing: SizingRules, rules: FundRules
) -> tuple[Side, int] | None:
    """Return what the cash fund trades once all sleeves have decided; None = nothing.

    Parameters
    ----------
    price : float
        Price, USD per share.
    held : int
        Shares of the fund.
    settled_usd : float
        Settled cash of the account that this session's purchases leave.
    lacking_usd : float
        What the purchases that were cut for cash would have cost more.
    sizing : SizingRules
        What bounds a purchase.
    rules : FundRules
        Cash that is always kept, and the least above it that is worth a purchase of the fund, USD.
    """
    if price <= 0:
        return None
    if lacking_usd > 0:
        net = price * (1.0 - cost_frac(sizing.costs, lacking_usd, price))
        shares = min(held, ceil(round(lacking_usd / net, 6)))
        return (Side.SELL, shares) if shares > 0 else None
    if settled_usd <= rules.keep_usd + rules.step_usd:
        return None
    shares = shares_for(settled_usd - rules.keep_usd, price, sizing)
    return (Side.BUY, shares) if shares > 0 else None
