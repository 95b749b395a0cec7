"""The fund that idle cash is kept in: a sleeve of its own that owns the shares and owes what they cost."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict

if TYPE_CHECKING:
    from mtum.core.view import MarketView

FUND = "cash"
"""Name of the sleeve; no other may have it."""


@dataclass(frozen=True, slots=True)
class CashFund(Strategy):
    """Keep what there is: the account buys and sells the fund once all sleeves have decided."""

    name: ClassVar[str] = "cash_fund"
    EACH_BY_ITSELF: ClassVar[bool] = True

    symbol: str = field(metadata={"doc": "the fund"})

    def universe(self) -> tuple[str, ...]:
        """Return the fund."""
        return (self.symbol,)

    def history_sessions(self) -> int:
        """Return 1: only today's price matters."""
        return 1

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Keep it."""
        del own
        known = {"close": float(view.bars[self.symbol].close[-1])} if self.symbol in view.bars else {}
        return (SymbolVerdict(self.symbol, Keep(), ("hold",), (), known),) if known else ()
