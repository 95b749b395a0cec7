"""Limits on losses, and the switches that stop trading."""

from enum import Enum

from msgspec import Struct


class Restriction(Enum):
    """How far trading is stopped, weakest first."""

    NONE = "none"
    REDUCE_ONLY = "reduce_only"
    FULL = "full"


class LossRules(Struct, frozen=True):
    """Limits on losses of the sleeve; None means no such limit.

    Parameters
    ----------
    max_daily_loss_frac : float or None
        Of the sleeve's equity before the loss.
    """

    max_daily_loss_usd: float | None
    flatten_on_daily_loss: bool = False
    max_drawdown_frac: float | None = None
    max_daily_loss_frac: float | None = None


class LossState(Struct, frozen=True):
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


def daily_loss_hit(state: LossState, rules: LossRules, equity_usd: float) -> bool:
    """Return whether the worse of both changes is a loss at or beyond a limit.

    It stops entries; it cannot stop a loss inside a session.

    Parameters
    ----------
    state : LossState
        What the loss limits look at; USD over the sleeve, deposits and withdrawals excluded.
    rules : LossRules
        Limits on losses of the sleeve; None means no such limit.
    equity_usd : float
        Of the sleeve at the decision's prices.
    """
    last, since = state.last_change_usd, state.change_since_usd
    if rules.max_daily_loss_usd is not None and min(last, since) <= -rules.max_daily_loss_usd:
        return True
    if rules.max_daily_loss_frac is None:
        return False
    before = equity_usd - since
    measured = ((since, before), (last, before - state.flows_since_usd - last))
    # Rounded so that a loss of exactly the limit is one.
    return any(base > 0 and round(-change / base, 9) >= rules.max_daily_loss_frac for change, base in measured)


def drawdown_hit(equity_usd: float, state: LossState, rules: LossRules) -> bool:
    """Return whether the drawdown of the sleeve is at its limit or beyond.

    Parameters
    ----------
    equity_usd : float
        Equity, USD.
    state : LossState
        What the loss limits look at; USD over the sleeve, deposits and withdrawals excluded.
    rules : LossRules
        Limits on losses of the sleeve; None means no such limit.
    """
    fallen = fallen_frac(equity_usd, state)
    # Rounded so that a fall of exactly the limit is one.
    return rules.max_drawdown_frac is not None and fallen is not None and round(fallen, 9) >= rules.max_drawdown_frac


def fallen_frac(equity_usd: float, state: LossState) -> float | None:
    """Return how far the sleeve stands below its peak, as a fraction; None before there is a peak."""
    peak = state.peak_equity_usd
    return 1.0 - (equity_usd - state.flows_since_usd) / peak if peak > 0 else None
