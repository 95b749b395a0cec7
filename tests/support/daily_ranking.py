"""A strategy of one's own with a column form: the best symbols of each session by their return, in equal parts."""

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mtum.core.strategies.columns import Allocation, rows_of
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target

if TYPE_CHECKING:
    from mtum.core.strategies.columns import MarketColumns
    from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True)
class DailyRanking(Strategy):
    """Hold the symbols that rose most over so many sessions; enter and leave at the session their rank says so."""

    name: ClassVar[str] = "daily_ranking"
    REASONS: ClassVar[dict[str, str]] = {"best": "among the best", "not_best": "no longer among the best", "hold": ""}

    symbols: tuple[str, ...] = field(default=("AAA",), metadata={"doc": "symbols to choose from"})
    sessions: int = field(default=20, metadata={"doc": "sessions of the return"})
    top: int = field(default=10, metadata={"doc": "symbols held"})
    part: float = field(default=0.05, metadata={"doc": "weight of each"})

    def universe(self) -> tuple[str, ...]:
        """Every symbol of the list."""
        return self.symbols

    def history_sessions(self) -> int:
        """The closes between which the return lies."""
        return self.sessions + 1

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """What is no longer among the best goes, what is and is not held comes."""
        closes = {one: view.bars[one].close for one in self.symbols}
        gains = {one: round(float(column[-1] / column[-1 - self.sessions]), 6) for one, column in closes.items()}
        best = {*sorted(self.symbols, key=lambda one: -gains[one])[: self.top]}
        found = []
        for one in self.symbols:
            enters = one in best and not own.of(one).shares
            verdict = Target(self.part) if enters else Keep() if one in best else Target(0.0)
            word = "best" if enters else "hold" if one in best else "not_best"
            found.append(SymbolVerdict(one, verdict, (word,), (), {"close": float(closes[one][-1])}))
        return tuple(found)

    def column_form(self, market: "MarketColumns") -> Allocation:
        """The same of all sessions at once."""
        (at,) = np.nonzero(market.whole(self.symbols))
        close = market.close(self.symbols)
        gain = np.round(close[at] / close[at - self.sessions], 6)
        weights = np.zeros(gain.shape)
        best = np.argsort(-gain, axis=1, kind="stable")[:, : self.top]
        np.put_along_axis(weights, best, self.part, axis=1)
        words = (weights == 0).astype(np.int64)
        row = rows_of(len(market.days), at)
        return Allocation(row, weights, np.stack([words] * 3), (("best",), ("not_best",)), least_change=inf)
