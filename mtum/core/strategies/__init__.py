"""The registry of strategies: one file each, one line here."""

from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.dual_momentum import DualMomentum
from mtum.core.strategies.ensemble import Ensemble
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.core.strategies.trend_following import TrendFollowing
from mtum.core.strategies.tsmom import Tsmom

STRATEGIES: dict[str, type[Strategy]] = {
    "mtum_confluence": MtumConfluence,
    "buy_and_hold": BuyAndHold,
    "pair_reversal": PairReversal,
    "ensemble": Ensemble,
    "trend_following": TrendFollowing,
    "dual_momentum": DualMomentum,
    "tsmom": Tsmom,
}
"""Strategies by the name used in settings and on the command line."""
