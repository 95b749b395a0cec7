"""Windows of history to fit settings on, each followed by one to try them on."""

from enum import Enum

from msgspec import Struct

from mtum.core.simulation.kernel.play import Span


class WindowKind(Enum):
    """Whether the fitting window moves along or grows from the start."""

    ROLLING = "rolling"
    EXPANDING = "expanding"


class Fold(Struct, frozen=True):
    """Sessions fitted on and the sessions after them that were not looked at."""

    fitted: Span
    tried: Span


def folds(span: Span, fit_sessions: int, try_sessions: int, kind: WindowKind) -> tuple[Fold, ...]:
    """Cut a span into folds; the last one may be tried on fewer sessions.

    Parameters
    ----------
    span : Span
        Sessions decided: ``first <= t < stop``.
    fit_sessions : int
        Length of the window that settings are chosen on, sessions.
    try_sessions : int
        Length of the window that they are tried on, sessions.
    kind : WindowKind
        Whether the fitting window moves along or grows from the start.

    Raises
    ------
    ValueError
        If the span has no session left to try anything on.

    Examples
    --------
    >>> [fold.tried for fold in folds(Span(0, 10), 4, 3, WindowKind.ROLLING)]
    [Span(first=4, stop=7), Span(first=7, stop=10)]
    """
    if fit_sessions < 2 or try_sessions < 1:
        raise ValueError("a fold needs at least 2 sessions to fit and 1 to try")
    if span.stop - span.first <= fit_sessions:
        raise ValueError(f"{span.stop - span.first} sessions, more than {fit_sessions} needed")
    found = []
    for first in range(span.first + fit_sessions, span.stop, try_sessions):
        begin = first - fit_sessions if kind is WindowKind.ROLLING else span.first
        found.append(Fold(Span(begin, first), Span(first, min(span.stop, first + try_sessions))))
    return tuple(found)
