"""The one way from frames to money and back."""

from decimal import Decimal
from enum import Enum


class AccountKind(Enum):
    """Cash accounts buy with settled cash only; margin accounts may go short or into debt, which we never do."""

    CASH = "cash"
    MARGIN = "margin"


def exact(amount: float) -> Decimal:
    """Return a price or amount of a frame as the decimal it is written as.

    Examples
    --------
    >>> exact(183.198)
    Decimal('183.198')
    """
    return Decimal(repr(float(amount)))
