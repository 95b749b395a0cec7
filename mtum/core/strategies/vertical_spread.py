"""Vertical spread: sell a spread on the side of the trend while volatility is dear, or buy one while it is cheap."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import Smoothing, wilder_history
from mtum.core.strategies.contract import Condition, above, at_least, at_most, below
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.strategies.option_words import IV_SESSIONS, REASONS_OF_ALL, iv_series, specs
from mtum.core.strategies.several import list_problems, range_problems

if TYPE_CHECKING:
    from decimal import Decimal

    from mtum.core.options.asking import ChainRequest, OptionGroup, OptionVerdict, OwnOptions
    from mtum.core.options.chain import ReadChain
    from mtum.core.options.exits import OpenSpread, Ruling, SpreadExit, Today
    from mtum.core.options.spreads import VerticalRules
    from mtum.core.view import MarketView

RSI_SESSIONS, SHORT_SESSIONS, LONG_SESSIONS = 14, 50, 200
BULLISH_RSI, BEARISH_RSI = 45.0, 55.0
DEBIT_DELTAS, MAX_DEBIT_FRAC = (0.60, 0.30), 0.60
_RSI = IndicatorSpec("rsi", "rsi", (("sessions", RSI_SESSIONS), ("smoothing", Smoothing.WILDER)), "", "RSI")
_SHORT = IndicatorSpec(
    "short_mean", "sma", (("of", "close"), ("sessions", SHORT_SESSIONS)), "USD", "mean of 50 sessions"
)
_LONG = IndicatorSpec("long_mean", "sma", (("of", "close"), ("sessions", LONG_SESSIONS)), "USD", "mean of 200 sessions")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class VerticalSpread(OptionStrategy):
    """Sell put spreads in rising and call spreads in falling markets, with bounded risk.

    It wins often and little; a turn of the trend costs several wins. Where volatility is low it stands aside, or
    pays for spreads instead.

    References
    ----------
    McMillan (2012), "Options as a Strategic Investment", chapters on bull and bear spreads.
    """

    name: ClassVar[str] = "vertical_spread"
    EACH_BY_ITSELF: ClassVar[bool] = True
    SERIES_SESSIONS: ClassVar[int] = IV_SESSIONS
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = specs(
        "mean_side", "means_order", "rsi_bias", "iv_rank", "iv_rank_low", "one_per_side", "contracts", "take", "stop",
        "exit_dte", "bias_lost", "call_in_the_money", "ex_date",
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "sell_puts": "the trend rises: a put spread is sold",
        "sell_calls": "the trend falls: a call spread is sold",
        "pay_for_calls": "the trend rises and volatility is cheap: a call spread is bought",
        "pay_for_puts": "the trend falls and volatility is cheap: a put spread is bought",
        **REASONS_OF_ALL,
        **dict.fromkeys((spec.name for spec in CONDITIONS), ""),
    }
    EXAMPLE: ClassVar[Example] = Example({"symbols": ["SP500"], "allow_debit": True}, capital_usd=50_000.0)

    symbols: tuple[str, ...] = field(default=("SPY",), metadata={"doc": "symbols whose options it trades"})
    short_delta: float = field(default=0.30, metadata={"doc": "absolute delta of what is sold"})
    long_delta: float = field(default=0.15, metadata={"doc": "absolute delta of what is bought for a credit"})
    dte: int = field(default=45, metadata={"doc": "calendar days to expiry that are sought"})
    min_dte: int = field(default=30, metadata={"doc": "fewest calendar days to expiry of what is sold"})
    max_dte: int = field(default=60, metadata={"doc": "most calendar days to expiry of what is sold"})
    iv_rank_min: float = field(default=0.30, metadata={"doc": "IV rank from which options are sold"})
    allow_debit: bool = field(default=False, metadata={"doc": "whether spreads are bought below that rank"})
    min_credit_frac: float = field(default=0.25, metadata={"doc": "least credit, fraction of the width"})
    max_loss_frac: float = field(
        default=0.02, metadata={"doc": "most that one structure may lose, fraction of the equity"}
    )
    total_loss_frac: float = field(
        default=0.10, metadata={"doc": "most that all that are open may lose, fraction of the equity"}
    )
    take: float = field(default=0.50, metadata={"doc": "profit target: part of the largest gain at which it is closed"})
    stop_multiple: float = field(
        default=2.0,
        metadata={"doc": "stop: close at a price of this many times the credit, or this part of a debit"},
    )
    exit_dte: int = field(default=21, metadata={"doc": "calendar days to expiry at which it is closed or rolled"})

    def universe(self) -> tuple[str, ...]:
        """Return the symbols whose options it trades."""
        return self.symbols

    def ranked(self) -> tuple[str, ...]:
        """Return its symbols."""
        return self.symbols

    def series(self) -> tuple[str, ...]:
        """Return what tells implied volatility."""
        return tuple(dict.fromkeys(name for symbol in self.symbols for name in iv_series(symbol)))

    def history_sessions(self) -> int:
        """Return what the long mean and the RSI take."""
        return max(LONG_SESSIONS, wilder_history(RSI_SESSIONS))

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        return list_problems(self.symbols) + range_problems(
            ("short_delta", self.short_delta, 0.01, 0.50),
            ("long_delta", self.long_delta, 0.01, 0.50),
            ("dte", self.dte, 1, 730),
            ("min_dte", self.min_dte, 1, 730),
            ("max_dte", self.max_dte, 1, 1100),
            ("iv_rank_min", self.iv_rank_min, 0.0, 1.0),
            ("min_credit_frac", self.min_credit_frac, 0.01, 0.99),
            ("max_loss_frac", self.max_loss_frac, 0.0001, 1.0),
            ("total_loss_frac", self.total_loss_frac, 0.0001, 1.0),
            ("take", self.take, 0.01, 1.0),
            ("stop_multiple", self.stop_multiple, 1.01, 100.0),
            ("exit_dte", self.exit_dte, 0, 365),
        )

    def contradictions(self) -> tuple[str, ...]:
        """Return which parameters do not go together."""
        found: tuple[str, ...] = ()
        if not self.min_dte <= self.dte <= self.max_dte:
            found += (f"dte is {self.dte}; it is sought from min_dte {self.min_dte} to max_dte {self.max_dte}",)
        if self.exit_dte >= self.min_dte:
            found += (f"exit_dte is {self.exit_dte} and min_dte is {self.min_dte}: it would be closed at once",)
        if self.long_delta >= self.short_delta:
            found += (f"long_delta is {self.long_delta:g}; use less than short_delta, {self.short_delta:g}",)
        if self.max_loss_frac > self.total_loss_frac:
            found += (f"max_loss_frac is {self.max_loss_frac:g}, above total_loss_frac {self.total_loss_frac:g}",)
        return found

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return both means and the RSI."""
        return (_SHORT, _LONG, _RSI)

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the means over the price, then the RSI."""
        lines = tuple((one.name, one.words) for one in (_SHORT, _LONG))
        return (ChartPanel("", lines), ChartPanel("RSI", (("rsi", "RSI"),), bounds=(0.0, 100.0)))

    def wants(self, view: "MarketView", own: "OwnOptions") -> "tuple[ChainRequest, ...]":
        """Return one chain for each symbol."""
        from mtum.core.options.selecting import Window
        from mtum.core.strategies import option_rules

        window = Window(self.min_dte, self.max_dte, self.dte)
        least, most = self.long_delta / 2, DEBIT_DELTAS[0] + 0.1 if self.allow_debit else self.short_delta
        fit = (one for one in self.symbols if one in view.bars)
        sought = (self.long_delta, self.short_delta, *(DEBIT_DELTAS if self.allow_debit else ()))
        return tuple(option_rules.request(one, window, least, most, own.of(one), sought) for one in fit)

    def option_verdicts(
        self, view: "MarketView", own: "OwnOptions", chains: "Mapping[str, ReadChain]"
    ) -> "tuple[OptionVerdict, ...]":
        """Return which spreads are closed, then whether one is opened in each symbol.

        Parameters
        ----------
        view : MarketView
            Everything a strategy may look at for one session.
        own : OwnOptions
            What a strategy of options knows of its own sleeve.
        chains : mapping of str to ReadChain
            Chains by underlying.
        """
        from mtum.core.options.exits import SpreadExit
        from mtum.core.strategies.option_rules import unruled
        from mtum.core.strategies.spread_rules import in_turn, managed

        rules = SpreadExit(self.take, self.stop_multiple, self.exit_dte)

        def judged(group: "OptionGroup", spread: "OpenSpread", today: "Today") -> "Ruling":
            return self._judged(view, rules, group, spread, today)

        held = managed(view, own, chains, self.take, judged)
        fit = (symbol for symbol in self.symbols if symbol in view.bars)
        return (*unruled(own.groups), *held, *in_turn(own, fit, lambda *one: self._opened(view, own, chains, one)))

    def _judged(
        self, view: "MarketView", rules: "SpreadExit", group: "OptionGroup", spread: "OpenSpread", today: "Today"
    ) -> "Ruling":
        from mtum.core.options.exits import vertical_ruling

        return vertical_ruling(spread, today, rules, _rises(group), view.newest(group.underlying, _SHORT))

    def _opened(
        self,
        view: "MarketView",
        own: "OwnOptions",
        chains: "Mapping[str, ReadChain]",
        at: "tuple[str, int, Decimal]",
    ) -> "OptionVerdict":
        from mtum.core.options.spreads import credit_vertical, debit_vertical
        from mtum.core.strategies.option_rules import entry, iv_rank_of, kept
        from mtum.core.strategies.spread_rules import Asked, Losses, opened

        symbol, _, loss = at
        found, rank = chains.get(symbol), iv_rank_of(view, symbol)
        seen = {"iv_rank": rank, **{one.name: view.newest(symbol, one) for one in self.indicators()}}
        sides = {bullish: _bias(view, symbol, bullish) for bullish in (True, False)}
        # Without a bias the side is told that has more of its conditions.
        bullish = sum(one.passed for one in sides[True]) >= sum(one.passed for one in sides[False])
        pays = self.allow_debit and rank is not None and rank < self.iv_rank_min
        least = below("iv_rank_low", rank, self.iv_rank_min) if pays else at_least("iv_rank", rank, self.iv_rank_min)
        same = sum(_rises(group) == bullish for group in own.of(symbol))
        conditions = (*sides[bullish], least, at_most("one_per_side", float(same), 0.0))
        if pays:
            word, limit = ("pay_for_calls" if bullish else "pay_for_puts"), MAX_DEBIT_FRAC
        else:
            word, limit = ("sell_puts" if bullish else "sell_calls"), -self.min_credit_frac
        if (refused := entry(symbol, word, conditions, seen)) is not None:
            return refused
        if found is None:
            return kept(symbol, "", ("chain_missing", word), conditions, indicators=seen)
        chosen = (debit_vertical if pays else credit_vertical)(found, self._rules(), bullish)
        losses = Losses(self.max_loss_frac, self.total_loss_frac, loss)
        return opened(own, chosen, symbol, losses, Asked(word, limit, conditions, seen))

    def _rules(self) -> "VerticalRules":
        from mtum.core.options.selecting import Window
        from mtum.core.options.spreads import VerticalRules

        window = Window(self.min_dte, self.max_dte, self.dte)
        bought, sold = DEBIT_DELTAS
        return VerticalRules(
            window, self.short_delta, self.long_delta, self.min_credit_frac, bought, sold, MAX_DEBIT_FRAC
        )


def _bias(view: "MarketView", symbol: str, bullish: bool) -> tuple[Condition, ...]:
    close = float(view.bars[symbol].close[-1])
    short, long, rsi = (view.newest(symbol, one) for one in (_SHORT, _LONG, _RSI))
    beyond = above if bullish else below
    strength = at_least("rsi_bias", rsi, BULLISH_RSI) if bullish else at_most("rsi_bias", rsi, BEARISH_RSI)
    return (beyond("mean_side", close, short), beyond("means_order", short, long), strength)


def _rises(group: "OptionGroup") -> bool:
    # Whether a spread earns when the price rises: puts that were sold, or calls that were paid for.
    from mtum.core.strategies.option_rules import contracts_of, paid_per_unit

    puts = any(one.right.name == "PUT" for one in contracts_of(group.lots))
    return puts == (paid_per_unit(group.lots) < 0)
