"""Whose cash is it: the sleeves' shares of settled cash, transfers between them, and the cash fund."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from math import ceil, sqrt
from statistics import fmean, stdev
from typing import Literal

from mtum.core.portfolio.costs import CENT
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import SizingRules, cost_frac, shares_for

ZERO = Decimal(0)

type Weighting = Literal["fixed", "inverse_volatility", "sharpe"]

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
    if broker_usd >= total:
        return own
    have = max(ZERO, broker_usd)
    if sum(1 for cash in own.values() if cash) == 1:
        return {name: have if cash else ZERO for name, cash in own.items()}
    return {name: (cash * have / total).quantize(CENT, ROUND_DOWN) for name, cash in own.items()}


@dataclass(frozen=True, slots=True)
class SleeveMoney:
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


def transfers(sleeves: Sequence[SleeveMoney], band_frac: float) -> dict[str, Decimal]:
    """Return what each sleeve gets (+) or gives (-) so that the sleeves come back to their weights, USD, sum 0.

    A sleeve above its target by more than the band gives its excess, as far as it has cash; nothing is
    sold for it. Those below receive in proportion to what they lack, never more than that.

    Parameters
    ----------
    band_frac : float
        Width above the target, as a fraction of it.
    """
    total = sum((one.equity_usd for one in sleeves), ZERO)
    weights = {one.name: Decimal(str(one.weight)) for one in sleeves}
    whole = sum(weights.values(), ZERO)
    if whole <= 0:
        return {}
    target = {name: total * weight / whole for name, weight in weights.items()}
    given = {
        one.name: max(ZERO, min(one.equity_usd - target[one.name], one.available_usd)).quantize(CENT, ROUND_DOWN)
        for one in sleeves
        if one.equity_usd > target[one.name] * (1 + Decimal(str(band_frac)))
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
    returns : mapping of sleeve to sequence of float
        Daily returns, flows taken out, oldest first; the last 126 count, and 63 are needed.
    weighting : str
        "inverse_volatility": mean deviation / own; "sharpe": 1 + half of what its Sharpe ratio is above
        the mean, from 0.5 to 1.5.
    """
    if weighting == "fixed":
        return dict(weights)
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


@dataclass(frozen=True, slots=True)
class FundRules:
    """Cash that is always kept, and the least above it that is worth a purchase of the fund, USD."""

    keep_usd: float
    step_usd: float


def fund_order(
    price: float, held: int, settled_usd: float, lacking_usd: float, sizing: SizingRules, rules: FundRules
) -> tuple[Side, int] | None:
    """Return what the cash fund trades once all sleeves have decided; None = nothing.

    Parameters
    ----------
    held : int
        Shares of the fund.
    settled_usd : float
        Settled cash of the account that this session's purchases leave.
    lacking_usd : float
        What the purchases that were cut for cash would have cost more.
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
