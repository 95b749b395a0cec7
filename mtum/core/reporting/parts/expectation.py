"""Does live trading do what the approved backtest led one to expect? Its figures, scaled to the sessions traded."""

from collections.abc import Iterator, Mapping
from datetime import date
from math import exp, log, sqrt

from msgspec import Struct

from mtum.core.reporting import figures
from mtum.core.reporting.layout import Block, Cell, Sentence, Table, Tone
from mtum.core.reporting.stated import Stated, final

SESSIONS_PER_YEAR = 252
Z_95 = 1.959963984540054
DIGITS = 6


class ExpectationLine(Struct, frozen=True):
    """A figure of live trading, a fraction, beside the approved backtest's.

    19 of 20 spans as long as the live one lie between `low_frac` and `high_frac`; None = no range is known.
    """

    figure: str
    live_frac: Stated
    expected_frac: float
    low_frac: float | None = None
    high_frac: float | None = None

    @property
    def outside(self) -> bool:
        """Whether the live figure left the range."""
        live = self.live_frac.amount
        if live is None or self.low_frac is None or self.high_frac is None:
            return False
        return not self.low_frac <= live <= self.high_frac


class BacktestLine(Struct, frozen=True):
    """The backtest approved to compare with, and live trading beside it since the start."""

    start: date
    end: date
    sessions: int
    decision_model: str
    fill_model: str
    live_sessions: int
    lines: tuple[ExpectationLine, ...]


class Lived(Struct, frozen=True):
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

    Parameters
    ----------
    lived : Lived
        What the sleeve did since it started; `closed` and `won` count trades, `held` sessions with shares.
    sessions : int
        Sessions of the backtest.
    metrics : mapping of str to float or None
        The backtest's figures by name.

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


_NAMES = {"deepest fall": "max drawdown"}
"""What a figure of the document is called in print."""
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


def against_backtest(tested: BacktestLine | None) -> tuple[Block, ...]:
    """Return what live trading came to beside what the approved backtest led one to expect."""
    if tested is None:
        hint = "No backtest was approved by then; `mtum backtest --approve` keeps one."
        return (Sentence(hint, Tone.QUIET),)
    rows = tuple(_compared(line) for line in tested.lines)
    span = f"{figures.day(tested.start)} to {figures.day(tested.end)}"
    note = (
        f"Backtest of {span}, {tested.decision_model.replace('_', ' ')} bars, its return scaled to "
        f"{tested.live_sessions} sessions. 19 of 20 such spans lie within from and to if sessions are independent."
    )
    table = (Table(("Since the start", "live", "backtest", "from", "to", "within"), rows),) if rows else ()
    return (*table, Sentence(note, Tone.QUIET))


def findings(tested: BacktestLine | None) -> Iterator[Sentence]:
    """Say which figure of live trading left its range."""
    for line in tested.lines if tested else ():
        if line.outside:
            name = _NAMES.get(line.figure, line.figure)
            yield Sentence(f"Outside what the approved backtest led one to expect: {name}.", Tone.BAD)


def _compared(line: ExpectationLine) -> tuple[Cell, ...]:
    is_signed = line.figure == "return"
    sides = (line.expected_frac, line.low_frac, line.high_frac)
    within = "-" if line.low_frac is None or line.live_frac.amount is None else "no" if line.outside else "yes"
    return (
        Cell(_NAMES.get(line.figure, line.figure)),
        Cell(figures.fraction(line.live_frac, sign=is_signed)),
        *(Cell(figures.percent(frac, 1, sign=is_signed)) for frac in sides),
        Cell(within, Tone.BAD if line.outside else Tone.PLAIN),
    )
