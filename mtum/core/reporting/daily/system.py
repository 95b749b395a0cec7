"""Sections of the daily report about the system: alarms, corrections, data, timings, changes."""

from mtum.core.reporting import figures, words
from mtum.core.reporting.expectation import against_backtest
from mtum.core.reporting.layout import Block, Cell, Facts, Section, Sentence, Table, Tone
from mtum.core.reporting.stated import State, Stated
from mtum.core.reporting.summary import Summary

SHOWN_STEPS = frozenset({"started", "connected", "decided", "sent", "acknowledged", "fills", "ended"})
"""Steps a person looks at; the document has all of them."""


def alarms(summary: Summary) -> Section:
    """Return what a person should know first; one sentence when all is well."""
    waiting: tuple[Sentence, ...] = ()
    if summary.equity.equity_usd.state is State.UNKNOWN and summary.outcome == "finished":
        waiting = (Sentence("Official close, fills and result are not known yet; the next report corrects this one."),)
    if not summary.problems:
        well = "The session ran as planned; nothing needs you."
        return Section("alarms", "Not settled yet" if waiting else "All well", waiting or (Sentence(well),))
    title = "Needs you" if any(problem.code for problem in summary.problems) else "Notices"
    lines = tuple(
        Sentence(f"Exit code {problem.code}: {problem.text}", Tone.BAD) if problem.code else Sentence(problem.text)
        for problem in summary.problems
    )
    return Section("alarms", title, (*lines, *waiting))


def corrections(summary: Summary) -> Section:
    """Return what has become known or has changed since earlier reports."""
    if not summary.corrections:
        return Section("corrections", "Corrections")
    rows = tuple(
        (
            Cell(figures.day(line.session)),
            Cell(line.subject),
            Cell(_shown(line.before, line.unit)),
            Cell(_shown(line.now, line.unit)),
            Cell(line.unit),
        )
        for line in summary.corrections
    )
    table = Table(("Session", "figure", "reported", "now", "unit"), rows, frozenset({0, 1, 4}))
    return Section("corrections", "Corrections of earlier reports", (table,))


def _shown(given: Stated, unit: str) -> str:
    return figures.late(given, figures.in_unit(given.amount, unit))


def market_data(summary: Summary) -> Section:
    """Return what the decision saw: source, age, volume projection, VIX."""
    seen = summary.data_quality
    source = f"{seen.source}, {seen.stands_in} standing in" if seen.stands_in else seen.source
    rows: list[tuple[str, Cell, str]] = [("Source of all bars", Cell(source), "")]
    if seen.official_close:
        rows.append(("Price decided on", Cell("the official close"), ""))
    elif seen.bar_at is not None:
        rows.append(("Newest price seen", Cell(figures.clock(seen.bar_at)), ""))
    if seen.bars_used is not None:
        rows.append(("History used", Cell(figures.number(seen.bars_used, 0)), "bars"))
    rows += _volume_rows(summary)
    if seen.vix is not None or "vix" in seen.degraded:
        at_decision = figures.number(seen.vix) if seen.vix is not None else "missing"
        rows.append(("VIX decided on" if seen.official_close else "VIX at the decision", Cell(at_decision), "points"))
    if seen.vix is not None or seen.final_vix.state is not State.UNKNOWN:
        close = figures.late(seen.final_vix, figures.number(seen.final_vix.amount))
        rows.append(("VIX close", Cell(close), "points"))
    rows += _turned_rows(summary)
    if seen.degraded:
        rows.append(("Degraded", Cell(", ".join(seen.degraded), Tone.BAD), ""))
    if seen.revisions:
        rows.append(("Bars revised by the source", Cell(figures.number(seen.revisions, 0)), ""))
    note = tuple(Sentence(text, Tone.QUIET) for text in seen.notes)
    note += (Sentence(figures.REPLAYED, Tone.QUIET),) if seen.official_close else ()
    of = f", {summary.symbol}" if len(summary.symbols) > 1 else ""
    return Section("data", f"Data{of}", (Facts(tuple(rows)), *note))


def _turned_rows(summary: Summary) -> list[tuple[str, Cell, str]]:
    rows: list[tuple[str, Cell, str]] = []
    if summary.data_quality.turned is not None:
        turned = tuple(words.condition(name).words for name in summary.data_quality.turned)
        rows.append(("Turned by the final bar", Cell(words.listed(turned) or "nothing"), ""))
    if summary.regret:
        count = max(line.sessions for line in summary.regret)
        lately = tuple(
            f"{words.condition(line.condition).words} in {line.turned}" for line in summary.regret if line.turned
        )
        name = f"Turned, last {count} session{'' if count == 1 else 's'}"
        rows.append((name, Cell(words.listed(lately) or "nothing"), ""))
    return rows


def _volume_rows(summary: Summary) -> list[tuple[str, Cell, str]]:
    seen = summary.data_quality
    rows: list[tuple[str, Cell, str]] = []
    if seen.volume_so_far is not None:
        rows.append(("Volume at the decision", Cell(figures.shares(seen.volume_so_far)), "shares"))
    if seen.volume_share is not None:
        rows.append(("Usual share by then", Cell(figures.percent(seen.volume_share, 1, sign=False)), ""))
    if seen.volume_projected is not None:
        rows.append(("Volume projected", Cell(figures.shares(seen.volume_projected)), "shares"))
    if seen.projected_low is not None and seen.projected_high is not None:
        low, high = figures.shares(seen.projected_low), figures.shares(seen.projected_high)
        rows.append(("Four times in five", Cell(f"{low} to {high}"), "shares"))
    final = seen.final_volume
    rows.append(("Volume, whole session", Cell(figures.late(final, figures.shares(final.amount))), "shares"))
    if seen.projection_error_frac.state is not State.UNKNOWN:
        rows.append(("Projection error", Cell(figures.fraction(seen.projection_error_frac)), ""))
    if seen.last_projection_error_frac is not None:
        error = figures.percent(seen.last_projection_error_frac, 1)
        rows.append(("Error the session before", Cell(error), ""))
    return rows


def timings(summary: Summary) -> Section:
    """Return the steps of the session's jobs and how long before the close they came."""
    rows = tuple(
        (
            Cell(f"{line.job} {line.slot}".rstrip()),
            Cell(line.step + (f" ({words.OUTCOMES.get(line.outcome, line.outcome)})" if line.outcome else "")),
            Cell(figures.clock(line.at).split(" ")[0]),
            Cell(figures.number(line.to_close_minutes, 1)),
        )
        for line in summary.timings
        if line.step in SHOWN_STEPS
    )
    table = (Table(("Job", "step", "New York", "min to close"), rows, frozenset({0, 1})),) if rows else ()
    return Section("timings", "Run", table)


def changes(summary: Summary) -> Section:
    """Return settings, code, library and contract drift, and live trading beside the approved backtest."""
    return Section("drift", "Drift", (*_drift(summary), *against_backtest(summary.backtest)))


def _drift(summary: Summary) -> tuple[Block, ...]:
    rows = tuple((Cell(line.subject), Cell(line.before), Cell(line.now), Cell(line.since)) for line in summary.drift)
    if rows:
        return (Table(("What", "before", "now", "since"), rows, frozenset({0, 1, 2, 3})),)
    if not summary.code_version:
        return (Sentence("Nothing was decided, so there is nothing to compare."),)
    also = " and the approved backtest" if summary.backtest else ""
    return (Sentence(f"Settings, code, libraries and contracts are as in the last run{also}."),)
