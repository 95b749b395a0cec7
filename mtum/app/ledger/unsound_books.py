"""Have fills been changed or deleted? Asked at every look, and by commands that load nothing heavy."""

from collections.abc import Sequence
from typing import Protocol


class Fills(Protocol):
    """Whoever can tell what is wrong with the stored fills: the store's events, or a reader."""

    def unsound_fills(self) -> Sequence[str]:
        """Return one line for each."""
        ...


def unsound_books(fills: Fills) -> str:
    """Return that fills have been changed or deleted, "" where they have not; cheap enough for every look.

    Nothing that is worked out of such books is right: no purchase, no lot, no result, no tax.
    """
    found = fills.unsound_fills()
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    ways = "`mtum verify` lists what differs, `mtum restore FILE` puts a sound copy in place"
    return f"our books do not hang together: {found[0]}{more}; {ways}" if found else ""
