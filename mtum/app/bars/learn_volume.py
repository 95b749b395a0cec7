"""How far was a projected volume off? Known once the bar of its session is final, which is the next day."""

from dataclasses import replace
from math import isnan, prod

from mtum.core.market.merging import NewSplit
from mtum.core.market.volume import projection_error
from mtum.ports.records import VolumeSnapshot
from mtum.ports.store import Store


def learn_volume(store: Store, symbol: str, source: str, splits: tuple[NewSplit, ...]) -> None:
    """Complete the snapshots of sessions whose final volume has become known, with the projection's error.

    Parameters
    ----------
    splits : tuple of NewSplit
        Splits by which the cache has just been re-based: snapshots were taken in old shares.
    """
    waiting = store.control.snapshots(symbol, source, waiting=True)
    last = store.bars.last_final(symbol, source)
    if not waiting or last is None or waiting[0].session > last:
        return
    bars = store.bars.bars(symbol, source, waiting[0].session).until(last)
    for seen in waiting:
        bar = bars.find(seen.session)
        if bar is not None and not isnan(bar.volume):
            ratio = prod(split.ratio for split in splits if split.session > seen.session)
            store.control.write_snapshot(_completed(seen, bar.volume / ratio))


def _completed(seen: VolumeSnapshot, final_volume: float) -> VolumeSnapshot:
    error = None if seen.projected is None else projection_error(seen.projected, final_volume)
    return replace(seen, final_volume=final_volume, error_frac=error)
