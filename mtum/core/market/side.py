"""Which way an order goes."""

from enum import Enum


class Side(Enum):
    """Which way an order goes."""

    BUY = "BUY"
    SELL = "SELL"
