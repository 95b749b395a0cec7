"""Closed tax lots by calendar year."""

from collections.abc import Sequence

from mtum.app.ledger.tax_records import tax_records
from mtum.app.reporting.period import Period
from mtum.core.portfolio.fills import folded, later_symbols
from mtum.core.portfolio.tax import TaxLot, tax_record
from mtum.core.reporting.parts.tax import TaxLine

SHORT_FRAC = 0.4
"""Part of a gain or loss on options on indexes that is short-term, whatever the time they were held."""


def tax_lines(period: Period) -> tuple[TaxLine, ...]:
    """Return closed tax lots by calendar year, up to the end of the period."""
    store = period.writer.store
    fills, index_options = tax_records(store, period.end)
    actions = [one for one in store.bars.actions() if one.session <= period.end]
    record = tax_record(fills, actions)
    years = sorted({lot.sold.year for lot in (*record.closed, *index_options)})
    found = []
    for year in years:
        lots = [lot for lot in record.closed if lot.sold.year == year]
        halved = [lot for lot in index_options if lot.sold.year == year]
        gained = float(sum(lot.gain_usd for lot in halved))
        traded = {lot.symbol for lot in lots}
        told = all(
            fill.commission_usd is not None or not later_symbols(fill, actions) & traded or fill.session.year > year
            for fill in folded(fills)
        ) and not any(lot.by_hand or lot.unknown for lot in (*lots, *halved))
        found.append(
            TaxLine(
                year=year,
                lots=len(lots) + len(halved),
                short_usd=_gain(lots, long_term=False) + SHORT_FRAC * gained if told else None,
                long_usd=_gain(lots, long_term=True) + (1 - SHORT_FRAC) * gained if told else None,
                wash_lots=sum(1 for lot in lots if lot.code),
                deferred_usd=float(sum(lot.adjustment_usd for lot in lots)) if told else None,
            )
        )
    return tuple(found)


def _gain(lots: Sequence[TaxLot], *, long_term: bool) -> float:
    return float(sum(lot.gain_usd for lot in lots if lot.long_term is long_term))
