"""Sections about how a history went over time: months, years, worst periods, rolling figures, spread of returns."""

from collections.abc import Iterable, Mapping
from datetime import date

from mtum.core.market.bars import Days
from mtum.core.reporting.backtest.result import percent_number
from mtum.core.reporting.charts import Chart, Line, Panel, span
from mtum.core.reporting.figures import MONTHS, number
from mtum.core.reporting.layout import Cell, Section, Sentence, Table, Tone, table_of
from mtum.core.research.periods import Shape, WorstPeriod, YearRow
from mtum.core.research.sheet import SheetFigures


def time_sections(figures: SheetFigures) -> Iterable[Section]:
    """Return the sections, in reading order; the chart of rolling figures stands in that of its key."""
    yield Section("months", "Return by month, %", (months_table(figures.months, figures.years),))
    yield Section("years", "Year by year", (_years(figures.years),))
    yield Section("worst", "Worst periods", (_worst(figures.worst),) if figures.worst else ())
    yield Section("rolling", "Rolling figures")
    yield Section("returns", "How returns are spread", (_shape(figures.shape, figures.benchmark_shape),))


def months_table(months: Mapping[date, float], years: Iterable[YearRow]) -> Table:
    """Return monthly returns in per cent, shaded, a year to a row.

    Parameters
    ----------
    months : mapping of date to float
        Return of each month by its first day, as a fraction.
    """
    largest = max(map(abs, months.values())) or 1.0
    rows: list[tuple[Cell | str, ...]] = []
    for row in years:
        own = {month.month: earned for month, earned in months.items() if month.year == row.year}
        cells = (
            Cell(number(100 * own[month], 1), shade=own[month] / largest) if month in own else Cell("")
            for month in range(1, 13)
        )
        rows.append((str(row.year), *cells, number(100 * row.return_frac, 1)))
    return table_of(("", *MONTHS, "Year"), rows)


def _years(years: Iterable[YearRow]) -> Table:
    head = ("", "rules, %", "holding, %", "volatility, %", "max drawdown, %", "invested, %", "turnover")
    rows = [
        (
            str(row.year),
            *map(percent_number, (row.return_frac, row.benchmark_frac, row.volatility_frac, row.max_drawdown_frac)),
            *(percent_number(row.invested_frac), number(row.turnover)),
        )
        for row in years
    ]
    return table_of(head, rows, sortable=True)


def _worst(worst: Iterable[WorstPeriod]) -> Table:
    head = ("from", "lowest on", "back on", "fall, %", "holding meanwhile, %", "sessions down", "in all")
    rows = [
        (
            *(str(one.fall.peak or "the start"), str(one.fall.trough), str(one.fall.recovery or "not yet")),
            *(percent_number(one.fall.frac), percent_number(one.benchmark_frac), f"{one.sessions_down:,}"),
            f"{one.sessions:,}",
        )
        for one in worst
    ]
    return table_of(head, rows, left=(0, 1, 2))


def _shape(own: Shape, held: Shape) -> Table:
    fractions = {
        "best session, %": "best_session_frac",
        "worst session, %": "worst_session_frac",
        "best month, %": "best_month_frac",
        "worst month, %": "worst_month_frac",
        "months above 0, %": "months_up_frac",
        "ulcer index, %": "ulcer_frac",
    }
    rows = [(label, *(percent_number(getattr(one, name)) for one in (own, held))) for label, name in fractions.items()]
    rows.append(("longest drawdown, sessions", *(f"{one.longest_fall_sessions:,}" for one in (own, held))))
    rows += [
        ("skew", number(own.skew), number(held.skew)),
        ("kurtosis (normal 0)", number(own.kurtosis), number(held.kurtosis)),
        ("correlation with holding", number(own.correlation), ""),
        ("beta to holding", number(own.beta), ""),
        ("alpha a year, %", percent_number(own.alpha_frac), ""),
        ("information ratio", number(own.information_ratio), ""),
    ]
    return table_of(("", "rules", "buy and hold"), rows)


def rolling_chart(days: Days, figures: SheetFigures) -> Chart | None:
    """Return volatility of six months, Sharpe ratio and beta of twelve; None for a history that is too short."""

    def lines(name: str, scale: float = 1.0) -> tuple[Line, Line]:
        own, held = figures.rolling[name], figures.benchmark_rolling[name]
        return Line("rules", scale * own), Line("holding", scale * held, "second")

    if not (figures.rolling["sharpe"] == figures.rolling["sharpe"]).any():
        return None
    panels = (
        Panel("Volatility of 6 months, % a year", lines("volatility_frac", 100), from_zero=True),
        Panel("Sharpe ratio of 12 months", lines("sharpe")),
        Panel("Beta to holding, 12 months", (lines("beta")[0],)),
    )
    last = ", ".join(f"{name} {number(float(figures.rolling[name][-1]))}" for name in ("sharpe", "beta"))
    return Chart("rolling", days, panels, f"Rolling figures, {span(days)}: at the end {last}.", section="rolling")


def definitions() -> Section:
    """Return how the figures are worked out, and where the usual libraries do it in another way."""
    head = ("figure", "here, and why", "empyrical-reloaded", "quantstats")
    rows = (
        (
            *("VaR, CVaR", "from the returns as they came, whose tails are heavier than normal ones"),
            *("as here", "from a normal distribution"),
        ),
        ("alpha a year", "252 times that of a session, as in the Sharpe ratio", "compounded over a year", "as here"),
        ("information ratio", "a year, as the Sharpe ratio", "a session", "a session"),
        ("ulcer index", "mean over all sessions, as it was published", "none", "divided by one session fewer"),
        (
            *("invested", "sessions with shares at the close, as a quiet session is not one in cash", "none"),
            "sessions with a return, rounded up",
        ),
        ("won, profit factor", "of closed trades, as those are what is decided", "none", "of sessions"),
        (
            *("worst periods", "from the last session at the peak, where a loss begins; in sessions", "none"),
            "from the first session below it, in days",
        ),
    )
    same = (
        "A return is that of one session, from close to close. A year has 252 sessions. Cash earns 0, and no ratio "
        "takes a return without risk off. The capital at the start is the first peak. Returns by month and year, "
        "return a year, volatility, Sharpe, Sortino, Calmar, max drawdown, beta and correlation are those of "
        "empyrical-reloaded and quantstats; skew and kurtosis are those of quantstats. The others differ:"
    )
    return Section(
        "definitions",
        "How the figures are worked out",
        (Sentence(same, Tone.QUIET), table_of(head, rows, left=range(len(head)))),
    )
