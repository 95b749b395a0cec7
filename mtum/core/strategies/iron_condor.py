"""Iron condor: sell a put spread and a call spread far from the price, and buy both back at half."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import wilder_history
from mtum.core.strategies.contract import Condition, at_least, below
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.strategies.option_words import IV_SESSIONS, REASONS_OF_ALL, iv_series, specs
from mtum.core.strategies.several import list_problems, range_problems

if TYPE_CHECKING:
    from decimal import Decimal

    from mtum.core.options.asking import ChainRequest, OptionVerdict, OwnOptions
    from mtum.core.options.chain import ReadChain
    from mtum.core.view import MarketView

ADX_SESSIONS = 14
_ADX = IndicatorSpec("trend_strength", "adx", (("sessions", ADX_SESSIONS),), "", "ADX")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class IronCondor(OptionStrategy):
    """Sell both sides of the market with bounded risk while volatility is dear and no trend is strong.

    It wins a little often and loses several times as much in fast moves. Fees of four legs each way and wide quotes
    take a good part of the credit.

    References
    ----------
    Cboe S&P 500 Iron Condor Index, methodology; Wilder (1978), "New Concepts in Technical Trading Systems".
    """

    name: ClassVar[str] = "iron_condor"
    EACH_BY_ITSELF: ClassVar[bool] = True
    CALENDAR: ClassVar[bool] = True
    SERIES_SESSIONS: ClassVar[int] = IV_SESSIONS
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = specs(
        "iv_rank", "adx", "structures_open", "spacing", "contracts", "take", "stop", "exit_dte", "short_put",
        "short_call", "call_in_the_money", "ex_date",
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "open_condor": "volatility is dear and no trend is strong: a condor is sold",
        "beyond_put": "the close is below the put that was sold",
        "beyond_call": "the close is above the call that was sold",
        **REASONS_OF_ALL,
        **dict.fromkeys((spec.name for spec in CONDITIONS), ""),
    }
    EXAMPLE: ClassVar[Example] = Example({"symbols": ["SP500"]}, capital_usd=50_000.0)

    symbols: tuple[str, ...] = field(default=("SPY",), metadata={"doc": "symbols whose options it trades"})
    short_delta: float = field(default=0.20, metadata={"doc": "absolute delta of what is sold"})
    wing_delta: float = field(default=0.05, metadata={"doc": "absolute delta of what is bought"})
    max_wing_frac: float = field(
        default=0.05, metadata={"doc": "most that a wing is away from what is sold, fraction of the price"}
    )
    dte: int = field(default=45, metadata={"doc": "calendar days to expiry that are sought"})
    min_dte: int = field(default=30, metadata={"doc": "fewest calendar days to expiry of what is sold"})
    max_dte: int = field(default=60, metadata={"doc": "most calendar days to expiry of what is sold"})
    iv_rank_min: float = field(default=0.30, metadata={"doc": "IV rank from which options are sold"})
    adx_max: float = field(default=25.0, metadata={"doc": "ADX below which it is sold"})
    min_credit_frac: float = field(default=0.20, metadata={"doc": "least credit, fraction of the wider wing"})
    min_open_interest: int = field(default=100, metadata={"doc": "least open interest of what is traded, contracts"})
    max_loss_frac: float = field(
        default=0.02, metadata={"doc": "most that one structure may lose, fraction of the equity"}
    )
    total_loss_frac: float = field(
        default=0.10, metadata={"doc": "most that all that are open may lose, fraction of the equity"}
    )
    take: float = field(default=0.50, metadata={"doc": "profit target: part of the largest gain at which it is closed"})
    stop_multiple: float = field(default=2.0, metadata={"doc": "stop: close at a price of this many times the credit"})
    exit_dte: int = field(default=21, metadata={"doc": "calendar days to expiry at which it is closed or rolled"})
    spacing_sessions: int = field(default=5, metadata={"doc": "sessions between two openings at least"})
    max_open: int = field(default=3, metadata={"doc": "structures open at most"})

    def universe(self) -> tuple[str, ...]:
        """Return the symbols whose options it trades."""
        return self.symbols

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """What the ADX looks at."""
        return ("high", "low")

    def ranked(self) -> tuple[str, ...]:
        """Return its symbols."""
        return self.symbols

    def series(self) -> tuple[str, ...]:
        """Return what tells implied volatility."""
        return tuple(dict.fromkeys(name for symbol in self.symbols for name in iv_series(symbol)))

    def history_sessions(self) -> int:
        """Return the bars after which the ADX no longer depends on where they begin."""
        return 2 * wilder_history(ADX_SESSIONS)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        return list_problems(self.symbols) + range_problems(
            ("short_delta", self.short_delta, 0.01, 0.50),
            ("wing_delta", self.wing_delta, 0.01, 0.50),
            ("max_wing_frac", self.max_wing_frac, 0.001, 0.50),
            ("dte", self.dte, 1, 730),
            ("min_dte", self.min_dte, 1, 730),
            ("max_dte", self.max_dte, 1, 1100),
            ("iv_rank_min", self.iv_rank_min, 0.0, 1.0),
            ("adx_max", self.adx_max, 0.0, 100.0),
            ("min_credit_frac", self.min_credit_frac, 0.01, 0.99),
            ("min_open_interest", self.min_open_interest, 0, 1_000_000),
            ("max_loss_frac", self.max_loss_frac, 0.0001, 1.0),
            ("total_loss_frac", self.total_loss_frac, 0.0001, 1.0),
            ("take", self.take, 0.01, 1.0),
            ("stop_multiple", self.stop_multiple, 1.01, 100.0),
            ("exit_dte", self.exit_dte, 0, 365),
            ("spacing_sessions", self.spacing_sessions, 0, 250),
            ("max_open", self.max_open, 1, 100),
        )

    def contradictions(self) -> tuple[str, ...]:
        """Return which parameters do not go together."""
        found: tuple[str, ...] = ()
        if not self.min_dte <= self.dte <= self.max_dte:
            found += (f"dte is {self.dte}; it is sought from min_dte {self.min_dte} to max_dte {self.max_dte}",)
        if self.exit_dte >= self.min_dte:
            found += (f"exit_dte is {self.exit_dte} and min_dte is {self.min_dte}: it would be closed at once",)
        if self.wing_delta >= self.short_delta:
            found += (f"wing_delta is {self.wing_delta:g}; use less than short_delta, {self.short_delta:g}",)
        if self.max_loss_frac > self.total_loss_frac:
            found += (f"max_loss_frac is {self.max_loss_frac:g}, above total_loss_frac {self.total_loss_frac:g}",)
        return found

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return the ADX."""
        return (_ADX,)

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the ADX with the level below which it sells."""
        return (ChartPanel("ADX", (("trend_strength", "ADX"),), ((self.adx_max, Role.ENTRY),)),)

    def wants(self, view: "MarketView", own: "OwnOptions") -> "tuple[ChainRequest, ...]":
        """Return one chain for each symbol."""
        from mtum.core.options.selecting import Window
        from mtum.core.strategies import option_rules

        window = Window(self.min_dte, self.max_dte, self.dte)
        least, fit = self.wing_delta / 2, (one for one in self.symbols if one in view.bars)
        most, sought = self.short_delta, (self.wing_delta, self.short_delta)
        return tuple(option_rules.request(one, window, least, most, own.of(one), sought) for one in fit)

    def option_verdicts(
        self, view: "MarketView", own: "OwnOptions", chains: "Mapping[str, ReadChain]"
    ) -> "tuple[OptionVerdict, ...]":
        """Return which condors are closed, then whether one is opened in each symbol.

        Parameters
        ----------
        view : MarketView
            Everything a strategy may look at for one session.
        own : OwnOptions
            What a strategy of options knows of its own sleeve.
        chains : mapping of str to ReadChain
            Chains by underlying.
        """
        from mtum.core.options.exits import SpreadExit, condor_ruling
        from mtum.core.strategies.option_rules import unruled
        from mtum.core.strategies.spread_rules import in_turn, managed

        rules = SpreadExit(self.take, self.stop_multiple, self.exit_dte)
        held = managed(view, own, chains, self.take, lambda _, spread, today: condor_ruling(spread, today, rules))
        fit = (symbol for symbol in self.symbols if symbol in view.bars)
        return (*unruled(own.groups), *held, *in_turn(own, fit, lambda *one: self._sold(view, own, chains, one)))

    def _entry(
        self, view: "MarketView", own: "OwnOptions", symbol: str, rank: float | None, number: int
    ) -> tuple[Condition, ...]:
        last = own.last_opened.get(symbol)
        # Without an earlier opening as many sessions have passed as are asked for.
        since = self.spacing_sessions if last is None else view.sessions_since(last)
        return (
            at_least("iv_rank", rank, self.iv_rank_min),
            below("adx", view.newest(symbol, _ADX), self.adx_max),
            below("structures_open", float(number), float(self.max_open)),
            at_least("spacing", float(since), float(self.spacing_sessions)),
        )

    def _sold(
        self,
        view: "MarketView",
        own: "OwnOptions",
        chains: "Mapping[str, ReadChain]",
        at: "tuple[str, int, Decimal]",
    ) -> "OptionVerdict":
        from mtum.core.options.selecting import Window
        from mtum.core.options.spreads import CondorRules, iron_condor
        from mtum.core.strategies.option_rules import entry, iv_rank_of, kept
        from mtum.core.strategies.spread_rules import Asked, Losses, opened

        symbol, number, loss = at
        word, found, rank = "open_condor", chains.get(symbol), iv_rank_of(view, symbol)
        conditions = self._entry(view, own, symbol, rank, number)
        seen = {"iv_rank": rank, "trend_strength": view.newest(symbol, _ADX)}
        if (refused := entry(symbol, word, conditions, seen)) is not None:
            return refused
        if found is None:
            return kept(symbol, "", ("chain_missing", word), conditions, indicators=seen)
        rules = CondorRules(
            Window(self.min_dte, self.max_dte, self.dte),
            self.short_delta,
            self.wing_delta,
            self.max_wing_frac,
            self.min_credit_frac,
            self.min_open_interest,
        )
        used = frozenset(lot.contract.expiry for group in own.of(symbol) for lot in group.lots)
        losses = Losses(self.max_loss_frac, self.total_loss_frac, loss)
        asked = Asked(word, -self.min_credit_frac, conditions, seen)
        return opened(own, iron_condor(found, rules, used), symbol, losses, asked)
