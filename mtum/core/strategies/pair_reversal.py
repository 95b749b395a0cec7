"""An example of a strategy: of two symbols hold the one that has done worse lately."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, known
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target, above, below
from mtum.core.strategies.description import ConditionSpec, Example, Role
from mtum.core.strategies.several import list_problems

if TYPE_CHECKING:
    from mtum.core.market.bars import Column
    from mtum.core.strategies.columns import Allocation, MarketColumns
    from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PairReversal(Strategy):
    """Hold the weaker of two symbols until it has overtaken the other; it trades much, and costs take their part.

    References
    ----------
    Jegadeesh (1990), "Evidence of Predictable Behavior of Security Returns", Journal of Finance 45: the losers of one
    month did better in the next.
    """

    name: ClassVar[str] = "pair_reversal"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec("pair_behind", Role.ENTRY, "behind the other", "not behind the other", "behind", "%", "close"),
        ConditionSpec("pair_ahead", Role.EXIT, "ahead of the other", "", "ahead", "%", "close"),
    )
    REASONS: ClassVar[Mapping[str, str]] = {"pair_behind": "", "pair_ahead": "", "hold": ""}
    EXAMPLE: ClassVar[Example] = Example({"symbols": ["SP500", "UST10"]})
    CALENDAR: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True
    LEAST_TRADE_FRAC: ClassVar[float] = 0.05
    """What is left of the cash of a sale that has not settled buys nothing."""

    symbols: tuple[str, ...] = field(default=("SPY", "IEF"), metadata={"doc": "the two symbols; one of them is held"})
    pair_sessions: int = field(default=20, metadata={"doc": "sessions over which the two are compared"})

    def universe(self) -> tuple[str, ...]:
        """Return both symbols."""
        return self.symbols

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Return all of the sleeve for either: only one is held."""
        return dict.fromkeys(self.symbols, 1.0)

    def history_sessions(self) -> int:
        """Return the bars from the first close compared to today's."""
        return self.pair_sessions + 1

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        found = list_problems(self.symbols, least=2)
        if len(self.symbols) > 2:
            found += (f"symbols holds {len(self.symbols)} tickers; list two",)
        if not 2 <= self.pair_sessions <= 1000:
            found += (f"pair_sessions is {self.pair_sessions}; use a whole number from 2 to 1000",)
        return found

    def column_form(self, market: "MarketColumns") -> "Allocation":
        """Return all of the weaker symbol and nothing of the other, at every session that has both."""
        from math import inf

        import numpy as np

        from mtum.core.strategies.columns import Allocation, rows_of

        def gain(close: "Column") -> "Column":
            moves = 100.0 * (close[self.pair_sessions :] / close[: -self.pair_sessions] - 1.0)
            # Rounded as one value is: numpy rounds a few in another way.
            found = np.full(len(close), np.nan)
            found[self.pair_sessions :] = [round(one, DECIMALS) for one in moves.tolist()]
            return found

        at = np.flatnonzero(market.whole(self.symbols))
        gains = market.matrix(self.symbols, [gain(market.bars[symbol].close) for symbol in self.symbols])[at]
        lead = gains - gains[:, ::-1]
        weights = np.where(lead < 0, 1.0, np.where(lead > 0, 0.0, np.nan))
        entry, leave = np.where(lead < 0, 0, 2), np.ones(lead.shape, dtype=np.int64)
        return Allocation(
            rows_of(len(market.days), at),
            weights,
            np.stack([entry, leave, leave]),
            (("pair_behind",), ("pair_ahead",), ("hold",)),
            least_change=inf,
            targets_last=True,
        )

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the sale of what has overtaken the other, then the purchase of the weaker one."""
        closes, before = {symbol: view.bars[symbol].close for symbol in self.symbols}, -1 - self.pair_sessions
        gains = {symbol: known(100.0 * float(close[-1] / close[before] - 1.0)) for symbol, close in closes.items()}
        found = []
        for symbol, other in (self.symbols, self.symbols[::-1]):
            entry = below("pair_behind", gains[symbol], gains[other])
            leave = above("pair_ahead", gains[symbol], gains[other])
            buys = entry.passed and not own.of(symbol).shares
            # What is ahead is not wanted any more, bought or still to be bought.
            verdict = Target(0.0) if leave.passed else Target(1.0) if buys else Keep()
            reason = leave.name if leave.passed and own.of(symbol).shares > 0 else entry.name if buys else "hold"
            seen = {"close": known(float(closes[symbol][-1])), "pair_gain": gains[symbol]}
            found.append(SymbolVerdict(symbol, verdict, (reason,), (entry, leave), seen))
        return tuple(sorted(found, key=lambda one: one.enters))
