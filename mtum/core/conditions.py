"""A named yes-no over numbers, with how far it is from flipping."""

from msgspec import Struct


class Condition(Struct, frozen=True):
    """A named yes-no over indicators, with how far it is from flipping.

    `margin` is in the unit of `value`, positive when the condition holds; value,
    threshold and margin are None when unknown, and an unknown condition does not hold.
    """

    name: str
    value: float | None
    threshold: float | None
    margin: float | None
    passed: bool


def above(name: str, value: float | None, threshold: float | None) -> Condition:
    """Condition ``value > threshold``; a tie does not hold.

    Parameters
    ----------
    name : str
        Name of the condition.
    value : float or None
        Value, in the condition's unit; None is unknown.
    threshold : float or None
        Threshold, in the unit of the value; None is unknown.
    """
    if value is None or threshold is None:
        return Condition(name, value, threshold, None, passed=False)
    margin = round(value - threshold, 6)
    return Condition(name, value, threshold, margin, passed=value > threshold)


def below(name: str, value: float | None, threshold: float | None) -> Condition:
    """Condition ``value < threshold``; a tie does not hold.

    Parameters
    ----------
    name : str
        Name of the condition.
    value : float or None
        Value, in the condition's unit; None is unknown.
    threshold : float or None
        Threshold, in the unit of the value; None is unknown.
    """
    if value is None or threshold is None:
        return Condition(name, value, threshold, None, passed=False)
    margin = round(threshold - value, 6)
    return Condition(name, value, threshold, margin, passed=value < threshold)


def at_least(name: str, value: float | None, threshold: float | None) -> Condition:
    """Condition ``value >= threshold``.

    Parameters
    ----------
    name : str
        Name of the condition.
    value : float or None
        Value, in the condition's unit; None is unknown.
    threshold : float or None
        Threshold, in the unit of the value; None is unknown.
    """
    if value is None or threshold is None:
        return Condition(name, value, threshold, None, passed=False)
    margin = round(value - threshold, 6)
    return Condition(name, value, threshold, margin, passed=value >= threshold)


def at_most(name: str, value: float | None, threshold: float | None) -> Condition:
    """Condition ``value <= threshold``.

    Parameters
    ----------
    name : str
        Name of the condition.
    value : float or None
        Value, in the condition's unit; None is unknown.
    threshold : float or None
        Threshold, in the unit of the value; None is unknown.
    """
    if value is None or threshold is None:
        return Condition(name, value, threshold, None, passed=False)
    margin = round(threshold - value, 6)
    return Condition(name, value, threshold, margin, passed=value <= threshold)
