"""Which instant does a text name?"""

from datetime import UTC, datetime

from mtum.errors import UsageError

_FIRST_YEAR, _LAST_YEAR = 1990, 2099
"""Outside them no calendar of the exchange is of any use."""


def instant_named(text: str) -> datetime:
    """Return the aware UTC instant a text names; without a zone it is UTC.

    Raises
    ------
    UsageError
        If it names none, or one outside the years 1990 to 2099.

    Examples
    --------
    >>> instant_named("2026-01-30T15:40:00-05:00").isoformat()
    '2026-01-30T20:40:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'--as-of "{text}" is no instant; write it as 2026-01-30T20:40:00Z') from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise UsageError(f'--as-of "{text}" is outside the years {_FIRST_YEAR} to {_LAST_YEAR}')
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
