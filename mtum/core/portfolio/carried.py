"""What one decision leaves to the next, memory and standing purchases, after splits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from mtum.core.canonical import decode
from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.portfolio.decision import Standing
from mtum.core.portfolio.fills import Action, Carried, carried
from mtum.core.strategies.contract import Memory, Price, Remembered


def in_todays_shares(
    memory: Memory,
    standing: Iterable[Standing],
    stopped: Mapping[str, str],
    decided: date,
    actions: Sequence[Action],
) -> tuple[dict[str, Remembered], tuple[Standing, ...], dict[str, str]]:
    """Return what a decision left to the next one, re-based by the splits since and under today's symbols.

    Parameters
    ----------
    memory : Memory
        What the strategy remembers, by symbol.
    standing : iterable of Standing
        Purchases that still stand.
    stopped : mapping of symbol to reason
        What a stop sold.
    decided : date
        Session of that decision.
    actions : sequence of Action
        Splits and changes of symbols, oldest first.
    """

    def symbol_now(symbol: str) -> str:
        return carried(symbol, decided, actions).symbol

    def value_now(value: Remembered) -> Remembered:
        if not isinstance(value, Price):
            return value
        now = carried(value.symbol, decided, actions)
        return Price(now.symbol, round(value.usd / float(now.divisor), DECIMALS))

    # A key such as "stopped:ABC" names a symbol between colons.
    kept = {":".join(map(symbol_now, name.split(":"))): value_now(value) for name, value in memory.items()}
    wanted = [(one, carried(one.symbol, decided, actions)) for one in standing]

    def entry_now(remember: Mapping[str, float], now: Carried) -> Mapping[str, float]:
        # As with an entry that was made: prices, or distances between prices.
        ratio = float(now.divisor)
        return remember if ratio == 1.0 else {name: value / ratio for name, value in remember.items()}

    return (
        kept,
        tuple(
            replace(one, symbol=now.symbol, shares=int(one.shares * now.shares), remember=entry_now(one.remember, now))
            for one, now in wanted
        ),
        {symbol_now(symbol): reason for symbol, reason in stopped.items()},
    )


def memory_of(stored: object) -> dict[str, Remembered]:
    """Return the memory of a stored decision: each value a number, text or price."""
    return decode(dict[str, Remembered], stored, "the memory of a stored decision")


def standing_of(stored: object) -> tuple[Standing, ...]:
    """Return the standing purchases of a stored decision, in their order."""
    return decode(tuple[Standing, ...], stored, "the standing purchases of a stored decision")
