"""What one decision leaves to the next, memory and standing purchases: as plain values, and after splits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.portfolio.decision import Standing
from mtum.core.portfolio.fills import Action, carried
from mtum.core.strategies.contract import Memory, Price, Remembered
from mtum.core.values import list_in, number_in, table_in, text_in


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
    stopped : mapping of symbol to reason
        What a stop sold.
    decided : date
        Session of that decision.
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
    return (
        kept,
        tuple(replace(one, symbol=now.symbol, shares=int(one.shares * now.shares)) for one, now in wanted),
        {symbol_now(symbol): reason for symbol, reason in stopped.items()},
    )


def memory_document(memory: Memory) -> dict[str, object]:
    """Return a strategy's memory as plain JSON values."""
    return {
        name: {"symbol": value.symbol, "usd": value.usd} if isinstance(value, Price) else value
        for name, value in memory.items()
    }


def memory_of(stored: Mapping[str, object]) -> dict[str, Remembered]:
    """Return the memory of a document.

    Raises
    ------
    ValueError
        If a value is neither number, text nor price.
    """
    return {name: _value(value) for name, value in stored.items()}


def standing_of(stored: object) -> tuple[Standing, ...]:
    """Return the standing purchases of a document, in their order."""
    return tuple(
        Standing(
            text_in(row["symbol"]),
            int(number_in(row["shares"])),
            date.fromisoformat(text_in(row["since"])),
            text_in(row["reason"]),
        )
        for row in map(table_in, list_in(stored))
    )


def standing_document(standing: tuple[Standing, ...]) -> list[object]:
    """Return standing purchases as plain JSON values."""
    return [{**asdict(one), "since": one.since.isoformat()} for one in standing]


def _value(stored: object) -> Remembered:
    if isinstance(stored, Mapping):
        return Price(text_in(stored["symbol"]), number_in(stored["usd"]))
    return stored if isinstance(stored, str) else number_in(stored)
