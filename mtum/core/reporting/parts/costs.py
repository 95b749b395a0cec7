"""Costs: assumed and paid commissions, fees and slippage."""

from collections.abc import Iterator
from typing import ClassVar

from msgspec import Struct

from mtum.core.reporting import figures
from mtum.core.reporting.layout import Section, Sentence, facts_of


class Costs(Struct, frozen=True):
    """What trading cost in the period, in USD and basis points of the traded value; positive = a cost.

    Options are counted apart: executions of legs, and their commissions and fees.
    `simulated` is False where a replayed market decided on the close and filled at it: no gap was measured.
    """

    SPARSE: ClassVar = frozenset(("option_fills", "option_fees_usd"))

    fills: int
    traded_usd: float
    assumed_usd: float
    paid_usd: float
    unknown: int
    fees_usd: float
    slippage_usd: float | None
    wait_bps: float | None
    auction_bps: float | None
    simulated: bool = True
    option_fills: int = 0
    option_fees_usd: float = 0.0


def section(found: Costs | None) -> Section:
    """Return assumed against paid costs, fees and slippage."""
    if found is None:
        return Section("costs", "Costs")

    def gap(cost: float | None, decimals: int) -> str:
        return figures.number(cost, decimals, sign=True) if found.simulated else figures.NOT_SIMULATED

    rows = (
        ("Fills", str(found.fills), ""),
        ("Traded", figures.number(found.traded_usd), "USD"),
        ("Commissions assumed", figures.number(found.assumed_usd), "USD"),
        ("Commissions paid", figures.number(found.paid_usd), "USD"),
        ("Executions in options", str(found.option_fills), "") if found.option_fills else None,
        ("Commissions paid for options", figures.number(found.option_fees_usd), "USD") if found.option_fills else None,
        ("Fees and taxes", figures.number(found.fees_usd), "USD"),
        ("Slippage, cost", gap(found.slippage_usd, 2), "USD"),
        ("Decision to close, cost", gap(found.wait_bps, 1), "bps"),
        ("Close to fill, cost", gap(found.auction_bps, 1), "bps"),
        ("Commissions not known yet", str(found.unknown), "") if found.unknown else None,
    )
    return Section("costs", "Costs", (facts_of(rows),))


def findings(found: Costs | None) -> Iterator[Sentence]:
    """Say what was paid beside the assumption."""
    if found is not None and found.fills:
        more = found.paid_usd - found.assumed_usd
        beside = "as assumed" if abs(more) < 0.005 else f"{figures.number(more, sign=True)} USD against the assumption"
        yield Sentence(f"Commissions of {figures.number(found.paid_usd)} USD were paid, {beside}.")
    if found is not None and found.option_fills:
        yield Sentence(f"Options cost {figures.number(found.option_fees_usd)} USD of commissions beside them.")
