"""A number that may be late: it says whether it is final, provisional or unknown, and is never guessed."""

from decimal import Decimal
from enum import Enum
from math import isnan

from msgspec import Struct


class State(Enum):
    """How far a number can be relied on."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    UNKNOWN = "unknown"
    NOT_SIMULATED = "not_simulated"


class Stated(Struct, frozen=True):
    """A number that may be late; `amount` is None exactly when it is unknown, or when a replay cannot have it."""

    amount: float | None = None
    state: State = State.UNKNOWN

    def beside(self, name: str) -> dict[str, object]:
        """Return how it stands in a document: number and state under names of their own."""
        return {name: self.amount, f"{name}_state": self.state.value}


UNKNOWN = Stated()
NOT_SIMULATED = Stated(None, State.NOT_SIMULATED)


def rounded(amount: float | Decimal | None) -> float | None:
    """Return a number as documents keep it, to six decimals; None and NaN are unknown."""
    return None if amount is None or isnan(amount) else round(float(amount), 6)


def final(amount: float) -> Stated:
    """Return a number that will not change any more."""
    return Stated(amount, State.FINAL)


def provisional(amount: float) -> Stated:
    """Return a number that may still change."""
    return Stated(amount, State.PROVISIONAL)


def stated(amount: float | None, *, is_final: bool) -> Stated:
    """Return a number with its state; None and NaN are unknown."""
    if amount is None or isnan(amount):
        return UNKNOWN
    return final(amount) if is_final else provisional(amount)
