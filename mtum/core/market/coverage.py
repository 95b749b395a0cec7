"""What a source knows of a symbol beside its closes."""

from enum import StrEnum

from msgspec import Struct


class Dividends(StrEnum):
    """What a source tells of a symbol's dividends: all of them, that it has none, or nothing."""

    KNOWN = "known"
    NONE = "none"
    UNKNOWN = "unknown"


class Coverage(Struct, frozen=True):
    """What a source knows of a symbol.

    Parameters
    ----------
    dividends : Dividends
        `NONE` for a price index and for a series that has them in its price.
    close_only : bool
        Whether open, high and low only repeat the close and there is no volume.
    told_by : str
        Who tells the dividends, where bars can be read without them; bars cached by another's word are read again.
    """

    dividends: Dividends
    close_only: bool = False
    told_by: str = ""
