"""The registry of strategies: one file each, one line here."""

from mtum.core.strategies.band_rebalance import BandRebalance
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.buy_only_rebalance import BuyOnlyRebalance
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.donchian_breakout import DonchianBreakout
from mtum.core.strategies.dual_momentum import DualMomentum
from mtum.core.strategies.enhanced_wheel import EnhancedWheel
from mtum.core.strategies.ensemble import Ensemble
from mtum.core.strategies.iron_condor import IronCondor
from mtum.core.strategies.mean_reversion import MeanReversion
from mtum.core.strategies.momentum_burst import MomentumBurst
from mtum.core.strategies.momentum_rotation import MomentumRotation
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.multi_asset_allocation import MultiAssetAllocation
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.core.strategies.regime_rebalance import RegimeRebalance
from mtum.core.strategies.sell_only_rebalance import SellOnlyRebalance
from mtum.core.strategies.trend_following import TrendFollowing
from mtum.core.strategies.tsmom import Tsmom
from mtum.core.strategies.vertical_spread import VerticalSpread
from mtum.core.strategies.vix_hedge import VixHedge
from mtum.core.strategies.volatility_target import VolatilityTarget
from mtum.core.strategies.wheel import Wheel

STRATEGIES: dict[str, type[Strategy]] = {
    "mtum_confluence": MtumConfluence,
    "buy_and_hold": BuyAndHold,
    "pair_reversal": PairReversal,
    "ensemble": Ensemble,
    "trend_following": TrendFollowing,
    "dual_momentum": DualMomentum,
    "tsmom": Tsmom,
    "band_rebalance": BandRebalance,
    "buy_only_rebalance": BuyOnlyRebalance,
    "sell_only_rebalance": SellOnlyRebalance,
    "regime_rebalance": RegimeRebalance,
    "mean_reversion": MeanReversion,
    "momentum_burst": MomentumBurst,
    "donchian_breakout": DonchianBreakout,
    "momentum_rotation": MomentumRotation,
    "multi_asset_allocation": MultiAssetAllocation,
    "volatility_target": VolatilityTarget,
    "wheel": Wheel,
    "enhanced_wheel": EnhancedWheel,
    "vix_hedge": VixHedge,
    "iron_condor": IronCondor,
    "vertical_spread": VerticalSpread,
}
"""Strategies by the name used in settings and on the command line."""
ALIASES = {"momentum_scalper": "momentum_burst"}
"""Other names under which a strategy may be asked for; whatever is recorded has its own."""
