"""The sleeve's money: what its cash movements and equity points add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mtum.core.portfolio.limits import LossState


@dataclass(frozen=True, slots=True)
class OfficialEquity:
    """Sleeve equity at an official close, and deposits less withdrawals since the previous one, in USD."""

    session: date
    equity_usd: Decimal
    flows_usd: Decimal = Decimal(0)


def loss_state(
    points: Sequence[OfficialEquity], flows_since_usd: Decimal, *, paused: bool, peak_since: date | None = None
) -> LossState:
    """Return what the loss limits look at before the session's own change is known.

    Parameters
    ----------
    points : sequence of OfficialEquity
        Oldest first, earlier sessions only.
    flows_since_usd : Decimal
        Deposits less withdrawals since the last point; they raise the peak and are no profit.
    peak_since : date, optional
        Session whose close the peak is counted from; a person who lifted the halt of a drawdown took that
        fall into account. Where it has no close yet, from the last one there is.
    """
    if not points:
        return LossState(paused=paused)
    counted = [point for point in points if peak_since is None or point.session >= peak_since]
    last_change = Decimal(0)
    if len(points) > 1:
        last_change = points[-1].equity_usd - points[-2].equity_usd - points[-1].flows_usd
    return LossState(
        last_change_usd=round(float(last_change), 6),
        paused=paused,
        peak_equity_usd=round(float(_peak(counted or points[-1:]) + flows_since_usd), 6),
    )


def _peak(points: Sequence[OfficialEquity]) -> Decimal:
    # Money put in or taken out moves the peak by the same amount: it is neither gain nor loss.
    peak = points[0].equity_usd
    for point in points[1:]:
        peak = max(peak + point.flows_usd, point.equity_usd)
    return peak
