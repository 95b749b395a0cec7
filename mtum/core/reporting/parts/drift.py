"""Drift: settings, code, libraries and contracts that are not as they were."""

from collections.abc import Sequence

from msgspec import Struct

from mtum.core.reporting.layout import Block, Section, Sentence, table_of, table_section
from mtum.core.reporting.parts.expectation import BacktestLine, against_backtest


class DriftLine(Struct, frozen=True):
    """Something that is not as it was; `since` says as of when."""

    subject: str
    before: str
    now: str
    since: str


class ContractLine(Struct, frozen=True):
    """The contract pinned for a symbol: the broker's number and the listing market."""

    symbol: str
    contract: str


def section(lines: Sequence[DriftLine], backtest: BacktestLine | None, *, decided: bool) -> Section:
    """Return what drifted since the last run and the approvals, and live trading beside the approved backtest.

    Parameters
    ----------
    lines : sequence of DriftLine
        What differs.
    backtest : BacktestLine or None
        The backtest approved to compare with, and live trading beside it since the start; None for none.
    decided : bool
        Whether the session has a decision.
    """
    rows = [(line.subject, line.before, line.now, line.since) for line in lines]
    also = " and the approved backtest" if backtest else ""
    same = f"Settings, code, libraries and contracts are as in the last run{also}."
    said = Sentence(same if decided else "Nothing was decided, so there is nothing to compare.")
    told: Block = table_of(("What", "before", "now", "since"), rows, (0, 1, 2, 3)) if rows else said
    return Section("drift", "Drift", (told, *against_backtest(backtest)))


def over_period(lines: Sequence[DriftLine]) -> Section:
    """Return what drifted between the first and the last decision of a period."""
    if not lines:
        return Section("drift", "Drift", (Sentence("Settings, code and libraries were the same throughout."),))
    rows = ((line.subject, line.before, line.now) for line in lines)
    return table_section("drift", "Drift", ("What", "at first", "at last"), rows, left=(0, 1, 2))
