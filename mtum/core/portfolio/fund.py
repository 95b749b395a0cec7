"""The fund that idle cash is kept in: a sleeve of its own that owns the shares and owes what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict

if TYPE_CHECKING:
    from mtum.core.view import MarketView

FUND = "cash"
"""Name of the sleeve; no other may have it."""
WAITS = timedelta(days=7)
"""How long cash that was raised for options is kept out of the fund: until then the market may not have let them."""
SPARE = 1.02
"""What is raised and kept for each dollar of it: the underlying moves until a sale has settled, and strikes with it."""


class FundWait(Struct, frozen=True):
    """Cash that is raised and kept for a sleeve's options since a day on which it was in the fund, USD."""

    usd: float
    since: date


def waits_after(
    earlier: Mapping[str, FundWait], waiting_usd: Mapping[str, float], opened: Mapping[str, date | None], day: date
) -> dict[str, FundWait]:
    """Return what is kept for each sleeve after a session's decision: today's need, else an earlier one.

    An earlier one ends once the sleeve has opened something, or after `WAITS`.

    Parameters
    ----------
    earlier : mapping of str to FundWait
        What was kept for each sleeve before, by its name.
    waiting_usd : mapping of sleeve to float
        Cash that this session's proposals wait for; 0 for a sleeve that waits for none.
    opened : mapping of sleeve to date
        Session in which it opened options last.
    day : date
        The session's date.
    """
    found = {}
    for name, usd in waiting_usd.items():
        before, last = earlier.get(name), opened.get(name)
        if usd > 0:
            found[name] = FundWait(round(usd * SPARE, 2), day)
        elif before is not None and day - before.since <= WAITS and (last is None or last <= before.since):
            found[name] = before
    return found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
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
