"""Dividends read from prices: what bars adjusted for them say beside those that are not."""

import numpy as np
from numpy.typing import NDArray

from mtum.core.market.bars import Column

_CENT_FRAC = 0.51
"""How much of a cent an adjusted price may be off: it is told to the cent."""


def dividends_of(closes: Column, adjusted: Column) -> Column:
    """Return the dividend that goes ex in each session, USD per share; 0 for none and in the first.

    Parameters
    ----------
    closes : array of float64, shape (n_sessions,)
        Split-adjusted closes, oldest first.
    adjusted : array of float64, same shape
        The same adjusted for dividends as well: before each ex-date times 1 - dividend / close of the session
        before, told to the cent.

    Returns
    -------
    array of float64, same shape
        To a tenth of a cent. What is smaller than the rounding of the adjusted prices is not seen: about 1 cent,
        and more where they are far below the closes.

    Examples
    --------
    >>> dividends_of(np.array([50.0, 51.0, 50.5, 50.5]), np.array([49.61, 50.6, 50.5, 50.5])).tolist()
    [0.0, 0.0, 0.399, 0.0]
    """
    found = np.zeros(len(closes))
    if len(closes) < 2:
        return found
    ratio = adjusted / closes
    noise = _CENT_FRAC / 100 * (1 / adjusted[:-1] + 1 / adjusted[1:])
    ex = np.flatnonzero(1 - ratio[:-1] / ratio[1:] > noise) + 1
    # Between two ex-dates all sessions have one ratio: together they tell it better than each to the cent.
    parts: list[NDArray[np.intp]] = np.split(np.arange(len(closes)), ex)
    levels = [adjusted[part].sum() / closes[part].sum() for part in parts]
    for at, day in enumerate(ex):
        found[day] = round(float(closes[day - 1] * (1 - levels[at] / levels[at + 1])), 3)
    return found
