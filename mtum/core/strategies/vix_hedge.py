"""VIX hedge: buy calls on the VIX while they are cheap, sell them in a panic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from mtum.core.strategies.contract import at_least
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, Role
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.strategies.option_words import REASONS_OF_ALL, specs
from mtum.core.strategies.several import list_problems, range_problems

if TYPE_CHECKING:
    from mtum.core.conditions import Condition
    from mtum.core.options.asking import ChainRequest, OptionGroup, OptionVerdict, OwnOptions
    from mtum.core.options.chain import ReadChain
    from mtum.core.options.contracts import OptionContract
    from mtum.core.options.quantities import Bucket
    from mtum.core.view import MarketView

INDEX = "VIX"
LATEST_DAYS = 70
"""Days to expiry within which there is always a monthly one that has as many as are asked for, beyond them."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class VixHedge(OptionStrategy):
    """Hold calls on the VIX for a small part of the account, by the level of the VIX; sell them when it is high.

    It costs premium in nearly every year. What it pays in a crash depends on how fast the VIX rises, and a slow fall
    of prices is not hedged at all.

    References
    ----------
    Cboe VIX Tail Hedge Index, methodology.
    """

    name: ClassVar[str] = "vix_hedge"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = specs(
        "own_calls", "vix_not_above_exit", "budget_weight", "contracts", "held_calls", "close_above"
    )
    REASONS: ClassVar[Mapping[str, str]] = {
        "buy_calls": "no calls are held and they are in the budget: calls are bought",
        "vix_unknown": "the VIX is not known",
        **REASONS_OF_ALL,
        **dict.fromkeys((spec.name for spec in CONDITIONS), ""),
    }
    EXAMPLE: ClassVar[Example] = Example({"symbol": "SP500"}, capital_usd=250_000.0)
    CAUTIONS: ClassVar[tuple[str, ...]] = (
        "Calls on the VIX expire without value in most months: this is an insurance whose premium is lost.",
    )

    symbol: str = field(default="SPY", metadata={"doc": "what it hedges: it is compared with it and never trades it"})
    buckets: tuple[tuple[float, float], ...] = field(
        default=((0.0, 0.0), (15.0, 0.01), (30.0, 0.005), (50.0, 0.0)),
        metadata={"doc": "levels of the VIX, each up to the next, and the budget there, fraction of the account"},
    )
    delta: float = field(default=0.30, metadata={"doc": "largest delta of a call on the future of its expiry"})
    least_dte: int = field(default=30, metadata={"doc": "fewest calendar days to expiry of what is bought"})
    ignore_dte: int = field(
        default=0, metadata={"doc": "calls with as many calendar days to expiry or fewer are left to expire"}
    )
    close_above: float = field(default=50.0, metadata={"doc": "VIX above which the calls are sold"})
    annual_premium_frac: float = field(
        default=0.02, metadata={"doc": "premium of 365 days at most, fraction of the account's equity"}
    )

    def universe(self) -> tuple[str, ...]:
        """Return what it hedges; its shares are never traded."""
        return (self.symbol,)

    def underlyings(self) -> tuple[str, ...]:
        """Return the VIX."""
        return (INDEX,)

    def series(self) -> tuple[str, ...]:
        """Return the VIX."""
        return (INDEX,)

    def history_sessions(self) -> int:
        """Return 1: only today's level of the VIX matters."""
        return 1

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        found = list_problems((self.symbol,), "symbol") + range_problems(
            ("delta", self.delta, 0.01, 0.60),
            ("least_dte", self.least_dte, 1, 365),
            ("ignore_dte", self.ignore_dte, 0, 365),
            ("close_above", self.close_above, 1.0, 1000.0),
            ("annual_premium_frac", self.annual_premium_frac, 0.0, 1.0),
        )
        return found + self._bucket_problems()

    def _bucket_problems(self) -> tuple[str, ...]:
        if not self.buckets or self.buckets[0][0] != 0:
            return (f"buckets begin at {self.buckets[0][0]:g}; begin at 0" if self.buckets else "buckets are empty",)
        lows = [low for low, _ in self.buckets]
        found = [f"buckets hold {one:g} before {two:g}; let them rise" for one, two in pairwise(lows) if two <= one]
        wrong = [weight for _, weight in self.buckets if not 0 <= weight <= 1]
        return (*found, *(f"buckets hold the budget {weight:g}; use a number from 0 to 1" for weight in wrong))

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the VIX with the level at which the calls are sold."""
        return (ChartPanel("VIX", (("vix", "VIX"),), ((self.close_above, Role.EXIT),)),)

    def wants(self, view: "MarketView", own: "OwnOptions") -> "tuple[ChainRequest, ...]":
        """Return the chain of the VIX."""
        from mtum.core.options.selecting import Window
        from mtum.core.strategies import option_rules

        window = Window(self.least_dte, self.least_dte + LATEST_DAYS, self.least_dte)
        sought = (self.delta,)
        return (option_rules.request(INDEX, window, self.delta / 2, self.delta, own.of(INDEX), sought),)

    def option_verdicts(
        self, view: "MarketView", own: "OwnOptions", chains: "Mapping[str, ReadChain]"
    ) -> "tuple[OptionVerdict, ...]":
        """Return what becomes of the calls that are held, then whether more are bought.

        Parameters
        ----------
        view : MarketView
            Everything a strategy may look at for one session.
        own : OwnOptions
            What a strategy of options knows of its own sleeve.
        chains : mapping of str to ReadChain
            Chains by underlying.
        """
        from mtum.core.strategies.option_rules import kept, unruled

        groups = [one for one in own.of(INDEX) if not one.broken]
        vix = view.series.get(INDEX)
        if vix is None:
            return (*unruled(own.groups), kept(INDEX, "", ("vix_unknown",)))
        found = chains.get(INDEX)
        held = [verdict for group in groups for verdict in self._held(view, own, found, group, vix)]
        days = [days for group in groups for days, _ in _calls(view, group)]
        return (*unruled(own.groups), *held, self._bought(own, found, days, vix))

    def _held(
        self, view: "MarketView", own: "OwnOptions", found: "ReadChain | None", group: "OptionGroup", vix: float
    ) -> "tuple[OptionVerdict, ...]":
        from mtum.core.options.exits import Today, hedge_ruling, mark
        from mtum.core.strategies.option_rules import closing, contracts_of, kept, ruled

        calls = [(days, contract) for days, contract in _calls(view, group) if days > self.ignore_dte]
        ruling = hedge_ruling(vix, [days for days, _ in _calls(view, group)], self.close_above, self.ignore_dte)
        if not calls:
            return (kept(INDEX, group.group, ("hold",), ruling.conditions),)
        if ruling.action is None:
            return (ruled(group, ruling, None),)
        quantities, verdicts = contracts_of(group.lots), []
        for days, contract in calls:
            marked = None if found is None else mark(found, {contract.con_id: 1})
            today = Today(vix, days, marked)
            legs = {contract: quantities[contract]}
            verdicts.append(ruled(group, ruling, closing(group, legs, today, ruling.reason, None)))
        return tuple(verdicts)

    def _bought(self, own: "OwnOptions", found: "ReadChain | None", days: "list[int]", vix: float) -> "OptionVerdict":
        from mtum.core.options.asking import OptionVerdict
        from mtum.core.options.exits import hedge_entry
        from mtum.core.options.legs import OptionPurpose
        from mtum.core.options.quantities import hedge_calls, hedge_weight, premium_left
        from mtum.core.options.singles import hedge_call
        from mtum.core.strategies.option_rules import entry, far_side, kept, not_chosen, opening

        word, would = "buy_calls", OptionPurpose.OPEN
        weight = hedge_weight(vix, self._buckets())
        conditions: tuple[Condition, ...] = hedge_entry(vix, days, weight, self.close_above, self.ignore_dte)
        if (refused := entry(INDEX, word, conditions, {"vix": round(vix, 6)})) is not None:
            return refused
        if found is None:
            return kept(INDEX, "", ("chain_missing", word), conditions, would=would)
        chosen = hedge_call(found, self.delta, self.least_dte)
        if chosen.chosen is None:
            why, removed = not_chosen(chosen)
            return kept(INDEX, "", (why, word), conditions, selection=chosen, decided_by=removed, would=would)
        ask = far_side(chosen.chosen)
        equity = own.equity if own.account_equity is None else own.account_equity
        budget = Decimal(str(weight)) * equity
        left = premium_left(equity, own.premium_of_year, self.annual_premium_frac)
        count = hedge_calls(budget, own.free_cash, Decimal(str(ask)), left)
        money = at_least("contracts", float(count), 1.0)
        conditions = (*conditions, money)
        if count < 1:
            return kept(INDEX, "", ("contracts", word), conditions, selection=chosen, decided_by=(money,), would=would)
        return OptionVerdict(
            INDEX, "", opening(chosen.chosen, count, ask, ask), (word,), conditions, chosen, conditions
        )

    def _buckets(self) -> "tuple[Bucket, ...]":
        from mtum.core.options.quantities import Bucket

        ends = (*(low for low, _ in self.buckets[1:]), None)
        return tuple(Bucket(low, high, weight) for (low, weight), high in zip(self.buckets, ends, strict=True))


def _calls(view: "MarketView", group: "OptionGroup") -> "list[tuple[int, OptionContract]]":
    # Long calls of a group, and the days that each has left.
    from mtum.core.strategies.option_rules import contracts_of

    held = contracts_of(group.lots)
    return [(one.days_from(view.session), one) for one, n in held.items() if n > 0 and one.right.name == "CALL"]
