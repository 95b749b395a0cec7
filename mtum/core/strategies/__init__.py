"""The registry of strategies: one file each, one line here."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtum.core.strategies.contract import Strategy

OURS = (
    "mtum_confluence",
    "buy_and_hold",
    "pair_reversal",
    "ensemble",
    "trend_following",
    "dual_momentum",
    "tsmom",
    "band_rebalance",
    "buy_only_rebalance",
    "sell_only_rebalance",
    "regime_rebalance",
    "mean_reversion",
    "momentum_burst",
    "donchian_breakout",
    "momentum_rotation",
    "multi_asset_allocation",
    "volatility_target",
    "wheel",
    "enhanced_wheel",
    "vix_hedge",
    "iron_condor",
    "vertical_spread",
)
"""Every strategy that comes with this program, each named like its file and its class, in the order of the listing."""


class _Registry(MutableMapping[str, "type[Strategy]"]):
    # A file is read when its strategy is asked for: most commands need one or none, and each is a class to be made.
    def __init__(self) -> None:
        self._known: dict[str, type[Strategy] | None] = dict.fromkeys(OURS)

    def __getitem__(self, name: str) -> "type[Strategy]":
        known = self._known[name]
        if known is None:
            known = self._known[name] = getattr(import_module(f"{__name__}.{name}"), _class_of(name))
        return known

    def __setitem__(self, name: str, strategy: "type[Strategy]") -> None:
        self._known[name] = strategy

    def __delitem__(self, name: str) -> None:
        del self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def awaits(self, name: str) -> bool:
        return self._known[name] is None


_registry = _Registry()
STRATEGIES: MutableMapping[str, "type[Strategy]"] = _registry
"""Strategies by the name used in settings and on the command line; a person's own join ours."""
ALIASES = {"momentum_scalper": "momentum_burst"}
"""Other names under which a strategy may be asked for; whatever is recorded has its own."""


def loaded_first() -> Iterator["type[Strategy]"]:
    """Yield every strategy, of ours those that are loaded first: one that trades is nearly always meant."""
    yield from (
        STRATEGIES[name] for name in sorted(STRATEGIES, key=lambda one: (one not in OURS, _registry.awaits(one)))
    )


def _class_of(name: str) -> str:
    return name.title().replace("_", "")


def __getattr__(name: str) -> object:
    # A person's own file may take a strategy of ours, or its module, from here.
    for own in OURS:
        if name == own:
            return import_module(f"{__name__}.{own}")
        if name == _class_of(own):
            return getattr(import_module(f"{__name__}.{own}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
