"""Who stands behind a value that a source restated beyond tolerance: a person, or the second source?"""

from datetime import date

from mtum.app.bars.bar_desk import BarDesk
from mtum.core.market.bars import PRICE_COLUMNS, Bar, Bars
from mtum.core.market.merging import Change
from mtum.errors import DataError

BY_SOURCE = "source"
"""Who released a bar kept out that the source itself has put right."""
_SUPPORT_FRAC = 0.005


def released(desk: BarDesk, fresh: Bars) -> frozenset[date]:
    """Return the sessions whose restatement a person released, with these very numbers."""
    return frozenset(
        one.bar.day
        for one in desk.store.quarantine.kept_out(fresh.symbol)
        if one.source == fresh.source and one.released_by not in (None, BY_SOURCE) and same_numbers(one.bar, fresh)
    )


def same_numbers(bar: Bar, fresh: Bars) -> bool:
    """Whether the source still states a bar as it was kept."""
    other = fresh.find(bar.day)
    names = (*PRICE_COLUMNS, "volume")
    return other is not None and all(getattr(bar, name) == getattr(other, name) for name in names)


def supported(desk: BarDesk, symbol: str, refused: tuple[Change, ...]) -> frozenset[date]:
    """Return the sessions whose new prices the second source says too.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    symbol : str
        Ticker.
    refused : tuple of Change
        Changes that were not believed.
    """
    # Volumes of two vendors cannot be compared, so only prices find support.
    prices = [change for change in refused if change.column in PRICE_COLUMNS]
    only_prices = {change.session for change in prices} - {c.session for c in refused if c.column == "volume"}
    if desk.second is None or not only_prices:
        return frozenset()
    try:
        seen = desk.second.history(symbol, min(only_prices), max(only_prices))
    except DataError:
        return frozenset()
    return frozenset(
        day for day in only_prices if all(_nearer(change, seen) for change in prices if change.session == day)
    )


def _nearer(change: Change, second: Bars) -> bool:
    bar = second.find(change.session)
    if bar is None:
        return False
    said = float(getattr(bar, change.column))
    near = abs(change.after / said - 1.0) <= _SUPPORT_FRAC
    return near and abs(change.after - said) < abs(change.before - said)
