"""The conditions on final bars, every session at once: what the decisions would have been afterwards."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mtum.core.reporting.flips import Rules
from mtum.core.reporting.plain_indicators import Column, mean, rsi

type Flags = NDArray[np.bool_]
DECIMALS = 6


def final_flags(close: Column, volume: Column, vix: Column, rules: Rules) -> Mapping[str, Flags]:
    """Return whether each condition (but the profit target) held on final values, shape (n,) each.

    Values are rounded as the decision rounds them; an unknown one does not hold.
    """
    with np.errstate(invalid="ignore"):
        average = np.round(mean(close, rules.ma_sessions), DECIMALS)
        strength = np.round(rsi(close, rules.rsi_sessions, rules.rsi_smoothing), DECIMALS)
        usual = np.round(mean(volume, rules.volume_sessions), DECIMALS)
        return {
            "close_above_ma": close > average,
            "vix_calm": vix < rules.vix_entry_below,
            "rsi_high": strength > rules.rsi_entry_above,
            "volume_high": volume > usual,
            "close_below_ma": close < average,
            "vix_fear": vix > rules.vix_exit_above,
            "rsi_low": strength < rules.rsi_exit_below,
        }
