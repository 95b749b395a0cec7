"""Limits on losses, and the switches that stop trading."""

from dataclasses import dataclass
from enum import Enum


class Restriction(Enum):
    """How far trading is stopped, weakest first."""

    NONE = "none"
    REDUCE_ONLY = "reduce_only"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class LossRules:
    """Limits on losses of the sleeve.

    `max_drawdown_frac` None means no such limit.
    """

    max_daily_loss_usd: float
    flatten_on_daily_loss: bool = False
    max_drawdown_frac: float | None = None


@dataclass(frozen=True, slots=True)
class LossState:
    """What the loss limits look at; USD over the sleeve, deposits and withdrawals excluded.

    Parameters
    ----------
    last_change_usd : float
        Last completed official close to official close; 0 before there are two.
    change_since_usd : float
        Since the last official close, at the decision's prices.
    paused : bool
        Whether an earlier session's loss still bars entries.
    peak_equity_usd : float
        Equity at which the last official close would have stood at its peak, deposits and
        withdrawals taken out of the fall.
    flows_since_usd : float
        Deposits less withdrawals since the last official close: part of the equity, of no fall.
    """

    last_change_usd: float = 0.0
    change_since_usd: float = 0.0
    paused: bool = False
    peak_equity_usd: float = 0.0
    flows_since_usd: float = 0.0


def daily_loss_hit(state: LossState, rules: LossRules) -> bool:
    """Return whether the worse of both changes is a loss at or beyond the limit.

    It stops entries; it cannot stop a loss inside a session.
    """
    return min(state.last_change_usd, state.change_since_usd) <= -rules.max_daily_loss_usd


def drawdown_hit(equity_usd: float, state: LossState, rules: LossRules) -> bool:
    """Return whether the sleeve has fallen from its peak by the limit or more."""
    if rules.max_drawdown_frac is None or state.peak_equity_usd <= 0:
        return False
    # Rounded so that a fall of exactly the limit is one.
    return round(1.0 - (equity_usd - state.flows_since_usd) / state.peak_equity_usd, 9) >= rules.max_drawdown_frac
