"""Does live trading do what the approved backtest led one to expect? Its figures, scaled to the sessions traded."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

from mtum.core.reporting.summary import ExpectationLine, Stated, final

SESSIONS_PER_YEAR = 252
Z_95 = 1.959963984540054
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Lived:
    """What the sleeve did since it started; `closed` and `won` count trades, `held` sessions with shares."""

    sessions: int
    held: int
    closed: int
    won: int
    return_frac: Stated
    worst_drawdown_frac: Stated


def expectations(lived: Lived, sessions: int, metrics: Mapping[str, float | None]) -> tuple[ExpectationLine, ...]:
    """Return live figures beside those of a backtest of `sessions` sessions.

    The return is scaled to the sessions traded: with log return m a session and spread s,
    exp(n m) - 1 is expected and 19 of 20 spans lie within exp(n m - or + 1.96 s sqrt(n)) - 1, if sessions
    are independent. Shares of sessions and of trades are compared as they are, with the binomial
    range of so many; the deepest fall with the deepest of the whole backtest, which had more
    sessions to fall in.

    Examples
    --------
    >>> metrics = {"total_return_frac": 0.21, "volatility_frac": 0.0, "exposure_frac": 0.5, "win_rate_frac": None,
    ...            "max_drawdown_frac": -0.1}
    >>> lived = Lived(100, 40, 0, 0, final(0.08), final(-0.02))
    >>> [(line.figure, line.expected_frac) for line in expectations(lived, 200, metrics)]
    [('return', 0.1), ('sessions held', 0.5), ('deepest fall', -0.1)]
    """
    if not lived.sessions:
        return ()
    lines = [_return(lived, sessions, metrics), _share("sessions held", lived.held, lived.sessions, metrics)]
    if lived.closed:
        lines.append(_share("trades won", lived.won, lived.closed, metrics))
    deepest = metrics["max_drawdown_frac"]
    lines.append(None if deepest is None else ExpectationLine("deepest fall", lived.worst_drawdown_frac, deepest))
    return tuple(line for line in lines if line is not None)


_SHARES = {"sessions held": "exposure_frac", "trades won": "win_rate_frac"}


def _return(lived: Lived, sessions: int, metrics: Mapping[str, float | None]) -> ExpectationLine | None:
    whole, volatility = metrics["total_return_frac"], metrics["volatility_frac"]
    if whole is None or volatility is None or whole <= -1:
        return None
    middle = log(1 + whole) / sessions * lived.sessions
    spread = Z_95 * volatility / sqrt(SESSIONS_PER_YEAR) * sqrt(lived.sessions)
    low, expected, high = (round(exp(middle + step) - 1, DIGITS) for step in (-spread, 0.0, spread))
    return ExpectationLine("return", lived.return_frac, expected, low, high)


def _share(figure: str, part: int, whole: int, metrics: Mapping[str, float | None]) -> ExpectationLine | None:
    expected = metrics[_SHARES[figure]]
    if expected is None:
        return None
    live = final(round(part / whole, DIGITS))
    if figure == "sessions held":
        return ExpectationLine(figure, live, expected)  # sessions in a position come in runs: no range
    spread = Z_95 * sqrt(expected * (1 - expected) / whole)
    low, high = (round(min(1.0, max(0.0, expected + step)), DIGITS) for step in (-spread, spread))
    return ExpectationLine(figure, live, expected, low, high)
