"""The registry of strategies: one file each, one line here."""

from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.ensemble import Ensemble
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.pair_reversal import PairReversal

STRATEGIES: dict[str, type[Strategy]] = {
    "mtum_confluence": MtumConfluence,
    "buy_and_hold": BuyAndHold,
    "pair_reversal": PairReversal,
    "ensemble": Ensemble,
}
"""Strategies by the name used in settings and on the command line."""
