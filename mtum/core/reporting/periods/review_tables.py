"""Sections of monthly and quarterly reviews."""

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Cell, Facts, Section, Sentence, Table, Tone, signed
from mtum.core.reporting.periods.review import Costs, Effect, Review, TaxLine

FEW_SESSIONS = 126
_TONES = {"ok": Tone.GOOD, "attention": Tone.BAD, "unknown": Tone.QUIET}


def standing(review: Review) -> Section:
    """Return the sleeve beside buy-and-hold, risk-adjusted."""
    rows = tuple(
        (
            Cell(line.name),
            signed(figures.percent(line.period_frac)),
            signed(figures.percent(line.start_frac)),
            Cell(figures.percent(line.volatility_frac, 1, sign=False)),
            Cell(figures.number(line.sharpe)),
            Cell(figures.percent(line.worst_drawdown_frac, 1)),
        )
        for line in review.standing
    )
    table = Table(("Against holding", review.kind, "start", "vol.", "Sharpe", "worst"), rows)
    notes = tuple(
        Sentence(
            f"Sharpe ratio of {line.name}: {figures.number(line.sharpe)}, interval "
            f"{figures.number(line.sharpe_low)} to {figures.number(line.sharpe_high)}.",
            Tone.QUIET,
        )
        for line in review.standing
        if line.sharpe_low is not None
    )
    few = min((line.sessions for line in review.standing), default=0)
    if few < FEW_SESSIONS:
        notes += (Sentence(f"{few} sessions are few: yearly figures are extrapolated far.", Tone.QUIET),)
    return Section("standing", "Against simply holding", (table, *notes) if rows else ())


def effects(review: Review) -> Section:
    """Return what each condition does: the rules without it, and entries by one alone."""
    rows = tuple(
        (
            Cell(_variant(line)),
            Cell(str(line.trades)),
            signed(figures.percent(line.return_frac, 1)),
            Cell(figures.percent(line.worst_drawdown_frac, 1)),
            signed(figures.percent(line.difference_frac, 1)),
        )
        for line in review.effects
    )
    table = Table(("Rules over the cached bars", "trades", "return", "worst", "against all"), rows)
    note = Sentence("One history: differences of this size arise by chance as well.", Tone.QUIET)
    return Section("effects", "What each condition does", (table, note) if rows else ())


def _variant(line: Effect) -> str:
    # "without NAME" and "only NAME to enter" are words of the document; a person reads these.
    kind, _, rest = line.variant.partition(" ")
    if line.variant == "all conditions":
        return "all conditions, on final bars"
    if kind not in ("without", "only"):
        return line.variant
    told = words.condition(rest.removesuffix(" to enter")).words
    return f"all but: {told}" if kind == "without" else f"entry alone: {told}"


def costs(review: Review) -> Section:
    """Return assumed against paid costs, fees and slippage."""
    found = review.costs
    if found is None:
        return Section("costs", "Costs")
    rows = [
        ("Fills", Cell(str(found.fills)), ""),
        ("Traded", Cell(figures.number(found.traded_usd)), "USD"),
        ("Commissions assumed", Cell(figures.number(found.assumed_usd)), "USD"),
        ("Commissions paid", Cell(figures.number(found.paid_usd)), "USD"),
        ("Fees and taxes", Cell(figures.number(found.fees_usd)), "USD"),
        ("Slippage, cost", Cell(_gap(found, found.slippage_usd, 2)), "USD"),
        ("Decision to close, cost", Cell(_gap(found, found.wait_bps, 1)), "bps"),
        ("Close to fill, cost", Cell(_gap(found, found.auction_bps, 1)), "bps"),
    ]
    if found.unknown:
        rows.append(("Commissions not known yet", Cell(str(found.unknown)), ""))
    return Section("costs", "Costs", (Facts(tuple(rows)),))


def _gap(found: Costs, cost: float | None, decimals: int) -> str:
    return figures.number(cost, decimals, sign=True) if found.simulated else figures.NOT_SIMULATED


def stability(review: Review) -> Section:
    """Return how many sessions and orders reached each step."""
    rows = tuple(
        (
            Cell(line.step),
            Cell(str(line.expected)),
            Cell(str(line.reached), Tone.PLAIN if line.reached == line.expected else Tone.BAD),
            Cell(_share(line.reached, line.expected)),
        )
        for line in review.stability
    )
    table = Table(("Step", "expected", "reached", "share"), rows)
    return Section("stability", "System stability", (table,) if rows else ())


def _share(part: int, whole: int) -> str:
    return figures.percent(part / whole, 0, sign=False) if whole else "-"


def audit(review: Review) -> Section:
    """Return the checks of the quarter."""
    rows = tuple((Cell(line.check), Cell(line.result, _TONES[line.result]), Cell(line.detail)) for line in review.audit)
    table = Table(("Check", "result", "detail"), rows, frozenset({0, 1, 2}))
    return Section("audit", "Audit", (table,) if rows else ())


def tax(review: Review) -> Section:
    """Return closed tax lots by year."""
    rows = tuple(_tax_row(line) for line in review.tax)
    table = Table(("Year", "lots", "wash sales", "short, USD", "long, USD", "deferred, USD"), rows)
    note = Sentence("Lot by lot: mtum export tax --year Y. A record to start from, not tax advice.", Tone.QUIET)
    return Section("tax", "Tax lots", (table, note) if rows else ())


def _tax_row(line: TaxLine) -> tuple[Cell, ...]:
    counts = (line.year, line.lots, line.wash_lots)
    amounts = (line.short_usd, line.long_usd, line.deferred_usd)
    return (
        *(Cell(str(count)) for count in counts),
        *(signed(figures.LATE if one is None else figures.number(one, sign=True)) for one in amounts),
    )
