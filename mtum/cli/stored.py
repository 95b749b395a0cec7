"""What every command that shows the records says of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtum.cli.context import Call

if TYPE_CHECKING:
    from mtum.ports.reading import FillRow

STAND_IN = "S&P 500 / 10 of the embedded sample stands in for the symbol; everything is simulated"
NOTHING_YET = "nothing recorded yet; `mtum run` plays the first session, `mtum demo` shows a whole year"


def stand_in(call: Call) -> list[str]:
    """Return the line that every output on the embedded market carries; nothing on a real one."""
    settings = call.settings()
    return [STAND_IN] if settings.mode == "practice" and settings.market.source == "sample" else []


def untold_commissions(fills: "Sequence[FillRow]", left: str) -> list[str]:
    """Return the lines that name executions without a commission and say what is left open for it.

    Parameters
    ----------
    fills : sequence of FillRow
        Fills without a commission; none give no line.
    left : str
        What that does to the listing or file.
    """
    if not fills:
        return []
    named = ", ".join(f"{one.exec_id} ({one.side} {one.shares} {one.symbol}, {one.session})" for one in fills)
    which = "1 execution has" if len(fills) == 1 else f"{len(fills)} executions have"
    return [f"{which} no commission yet: {named}; {left}. `mtum settle` asks the broker for the newest again"]
