"""What one decision leaves to the next, memory and standing purchases: as plain values, and after splits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.portfolio.decision import Standing
from mtum.core.portfolio.fills import Split, split_ratio
from mtum.core.strategies.contract import Memory, Price, Remembered
from mtum.core.values import list_in, number_in, table_in, text_in


def in_todays_shares(
    memory: Memory, standing: Iterable[Standing], decided: date, splits: Sequence[Split]
) -> tuple[dict[str, Remembered], tuple[Standing, ...]]:
    """Return what a decision left to the next one, re-based by the splits since.

    Parameters
    ----------
    decided : date
        Session of that decision.
    """
    rebased = {
        name: replace(value, usd=round(value.usd / float(split_ratio(value.symbol, decided, splits)), DECIMALS))
        if isinstance(value, Price)
        else value
        for name, value in memory.items()
    }
    wanted = (replace(one, shares=int(one.shares * split_ratio(one.symbol, decided, splits))) for one in standing)
    return rebased, tuple(wanted)


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
