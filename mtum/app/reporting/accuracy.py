"""How often each condition was right, on final bars."""

from mtum.app.reporting.period import Period
from mtum.core.reporting.parts.accuracy import Accuracy, accuracies
from mtum.core.strategies.history import flags


def signal_accuracy(period: Period) -> tuple[Accuracy, ...]:
    """Return the accuracy of every condition on final bars, symbol by symbol, over all sessions since the start."""
    days = [session.day for session in period.writer.calendar.sessions(period.begun, period.end)]
    lines: list[Accuracy] = []
    for symbol in period.facts.universe:
        found = [(day, index) for day in days if (index := period.index(day, symbol)) is not None]
        if found:
            close = period.facts.bars_of(symbol).close[[index for _, index in found]]
            held = flags(period.facts.history, symbol, [day for day, _ in found])
            lines += accuracies(close, held, symbol=symbol)
    return tuple(lines)
