"""Has the account's value changed by more than is recorded?"""

from msgspec import Struct


class ValueChange(Struct, frozen=True):
    """Two looks at an account's net liquidation value and what is known to lie between them; USD.

    Parameters
    ----------
    before_usd, now_usd : float
        Net liquidation value as the broker showed it.
    recorded_usd : float
        Deposits less withdrawals, dividends, commissions and fees recorded since.
    market_usd : float
        What the shares held over that time gained or lost by their price.
    """

    before_usd: float
    now_usd: float
    recorded_usd: float = 0.0
    market_usd: float = 0.0

    @property
    def unexplained_usd(self) -> float:
        """The part of the change that nothing recorded explains."""
        return self.now_usd - self.before_usd - self.recorded_usd - self.market_usd

    @property
    def unexplained_frac(self) -> float:
        """That part as a fraction of the earlier value; infinite when there was none.

        Examples
        --------
        >>> ValueChange(5000.0, 5600.0, recorded_usd=500.0).unexplained_frac
        0.02
        """
        if self.before_usd <= 0:
            return 0.0 if abs(self.unexplained_usd) < 0.01 else float("inf")
        return abs(self.unexplained_usd) / self.before_usd


def value_jump(change: ValueChange, limit_frac: float) -> bool:
    """Return whether entries must stop until a person has looked; it stops no exit and no loss."""
    return change.unexplained_frac > limit_frac
