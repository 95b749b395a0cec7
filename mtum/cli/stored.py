"""What every command that shows the records says of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtum.cli.context import CommandCall

if TYPE_CHECKING:
    from mtum.config import Settings
    from mtum.ports.option_rows import OptionFillRow
    from mtum.ports.rows import FillRow

NOTHING_YET = "nothing recorded yet; `mtum run` plays the first session, `mtum demo` shows a whole year"


def stand_in(call: CommandCall) -> list[str]:
    """Return the lines that every output on an embedded market carries; nothing on a real one."""
    settings = call.settings()
    if settings.mode != "practice" or settings.market.source != "sample":
        return []
    return [f"{line}; everything is simulated" for line in embedded_truths(settings)]


def embedded_truths(settings: "Settings") -> tuple[str, ...]:
    """Return what has to be said of every symbol and series that the sleeves of an embedded market look at."""
    from mtum.core.market.embedded import truths

    rules = [sleeve.rules for sleeve in settings.configured().values()]
    symbols = [symbol for one in rules for symbol in (*one.universe(), *one.reads())]
    return truths(settings.market.sample, symbols, [name for one in rules for name in one.series()])


def cautions(settings: "Settings") -> tuple[str, ...]:
    """Return what the strategies of the sleeves have to say of themselves, none of it twice."""
    rules = [sleeve.rules for sleeve in settings.configured().values()]
    return tuple(dict.fromkeys(line for one in rules for line in one.CAUTIONS))


def untold_commissions(fills: "Sequence[FillRow | OptionFillRow]", left: str) -> list[str]:
    """Return the lines that name executions without a commission and say what is left open for it.

    Parameters
    ----------
    fills : sequence of FillRow or OptionFillRow
        Fills without a commission; none give no line.
    left : str
        What that does to the listing or file.
    """
    if not fills:
        return []
    named = ", ".join(f"{one.exec_id} ({one.words}, {one.session})" for one in fills)
    which = "1 execution has" if len(fills) == 1 else f"{len(fills)} executions have"
    ways = (
        "`mtum settle` asks the broker for the newest again; what it never tells is stated with "
        "`mtum reconcile --accept commission EXECUTION USD`"
    )
    return [f"{which} no commission yet: {named}; {left}. {ways}"]
