"""Closed tax lots by calendar year."""

from mtum.app.reporting.period import Period
from mtum.core.portfolio.fills import folded, later_symbols
from mtum.core.portfolio.tax import tax_record
from mtum.core.reporting.parts.tax import TaxLine


def tax_lines(period: Period) -> tuple[TaxLine, ...]:
    """Return closed tax lots by calendar year, up to the end of the period."""
    store = period.writer.store
    fills = [fill for fill in store.orders.fills() if fill.session <= period.end]
    actions = [one for one in store.bars.actions() if one.session <= period.end]
    record = tax_record(fills, actions)
    years = sorted({lot.sold.year for lot in record.closed})
    found = []
    for year in years:
        lots = [lot for lot in record.closed if lot.sold.year == year]
        traded = {lot.symbol for lot in lots}
        told = all(
            fill.commission_usd is not None or not later_symbols(fill, actions) & traded or fill.session.year > year
            for fill in folded(fills)
        ) and not any(lot.by_hand for lot in lots)
        found.append(
            TaxLine(
                year=year,
                lots=len(lots),
                short_usd=float(sum(lot.gain_usd for lot in lots if not lot.long_term)) if told else None,
                long_usd=float(sum(lot.gain_usd for lot in lots if lot.long_term)) if told else None,
                wash_lots=sum(1 for lot in lots if lot.code),
                deferred_usd=float(sum(lot.adjustment_usd for lot in lots)) if told else None,
            )
        )
    return tuple(found)
