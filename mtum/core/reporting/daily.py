"""The daily report laid out: which parts it has, and in which order they are read."""

from mtum.core.portfolio.fund import FUND
from mtum.core.reporting import figures, option_section, words
from mtum.core.reporting.layout import Page, Section, Sentence
from mtum.core.reporting.parts import (
    account,
    conditions,
    corrections,
    data_quality,
    drift,
    flips,
    orders,
    position,
    problems,
    result,
    timings,
)
from mtum.core.reporting.sleeves import VIRTUAL, account_verdict, coordination, overview, sleeve_section
from mtum.core.reporting.stated import UNKNOWN, State
from mtum.core.reporting.subject import subject
from mtum.core.reporting.summary import Summary

PROVISIONAL_NOTE = "~ provisional: the figure may still change; a later report corrects it."


def page(summary: Summary) -> Page:
    """Return the daily report of one session: of what decides for itself, or of an account and its sleeves."""
    decided, known = ((), ()) if summary.sleeves else (_decided(summary), _known(summary))
    unsettled = summary.equity.equity_usd.state is State.UNKNOWN and summary.outcome == "finished"
    alarms = problems.section(summary.problems, waiting=unsettled)
    first = (alarms, overview(summary), coordination(summary), *decided, _result(summary))
    further = (
        _account(summary),
        *(_sleeve(name, one) for name, one in summary.sleeves.items()),
        *known[:2],
        corrections.section(summary.corrections),
        *known[2:],
        timings.section(summary.timings),
        drift.section(summary.drift, summary.backtest, decided=bool(summary.code_version)),
    )
    return Page(
        subject=subject(summary),
        verdict=verdict(summary),
        glance=glance(summary),
        lead=lead(summary),
        ahead=ahead(summary),
        mode=summary.mode,
        first_screen=tuple(section for section in first if section.blocks),
        further=tuple(section for section in further if section.blocks),
        footer=footer(summary),
    )


def _decided(summary: Summary) -> tuple[Section, ...]:
    return (
        conditions.section(
            summary.conditions,
            summary.held_before,
            summary.data_quality.rsi_form,
            conditions.conflict_lines(summary.conflicts),
        ),
        *_shares(summary),
        option_section.section(summary.options),
    )


def _shares(summary: Summary) -> tuple[Section, ...]:
    made = orders.section(summary.orders, summary.internal_orders, summary.fills)
    held = position.section(summary.held, summary.universe)
    if summary.options is None:
        return made, held
    # Shares come and go by assignment: that none was ordered or held is no news then.
    return (*((made,) if summary.orders or summary.fills else ()), *((held,) if summary.held else ()))


def _known(summary: Summary) -> tuple[Section, ...]:
    several = len(summary.symbols) > 1
    return (
        flips.section(summary.flips, summary.universe),
        conditions.entry_rules(summary.conditions, summary.held_before),
        data_quality.section(summary.data_quality, summary.regret, summary.symbol if several else ""),
    )


def _result(summary: Summary) -> Section:
    equally = ", an equal part each," if len(summary.symbols) > 1 else ""
    instead = "what its sleeves trade" if summary.sleeves else words.listed(summary.universe) + equally
    # The cash fund's equity is what it earned; it has no cash of its own.
    exposure = UNKNOWN if summary.strategy == FUND else summary.exposure
    return result.section(summary.pnl, summary.benchmark, instead, exposure)


def _account(summary: Summary) -> Section:
    return account.section(summary.equity, summary.pnl, summary.benchmark, summary.cash)


def _sleeve(name: str, sleeve: Summary) -> Section:
    """Return everything of one sleeve."""
    parts = (
        *_decided(sleeve), _result(sleeve), _account(sleeve), *_known(sleeve), corrections.section(sleeve.corrections)
    )  # fmt: skip
    return sleeve_section(name, sleeve.state, (Sentence(verdict(sleeve)), Sentence(glance(sleeve))), parts)


def verdict(summary: Summary) -> str:
    """Return the decision in one sentence, and what is held where nothing was decided."""
    if summary.sleeves:
        return account_verdict(summary)
    why_words = _reasons(summary)
    because = f": {why_words}" if why_words else ""
    if summary.orders or summary.internal_orders:
        deeds = words.listed(tuple(map(orders.ordered, (*summary.orders, *summary.internal_orders))))
        return f"{deeds[:1].upper()}{deeds[1:]}{because}."
    if did := option_section.deed_words(summary.options):
        return f"{did}{because}."
    held = words.listed(tuple(f"{figures.position(line.shares)} {line.symbol}" for line in summary.held))
    if summary.action == "none":
        kept = f"still holding {held}" if held else "nothing is held"
        return f"No decision was made for {figures.day(summary.session)}{because}; {kept}."
    if held:
        return f"Held {held}{because or ': no exit rule holds'}."
    return f"Stayed out of {words.listed(summary.universe)}{because or f': {_missing(summary)}'}."


def _reasons(summary: Summary) -> str:
    if "exit_carried" not in summary.reasons:
        return words.listed(summary.why)
    first = words.listed(tuple(words.reason(word) for word in summary.reasons if word not in ("exit_carried", "hold")))
    return words.reason("exit_carried") + (f" ({first})" if first else "")


def _missing(summary: Summary) -> str:
    entries = [line for line in summary.conditions if line.role == "entry" and not line.passed]
    failing = tuple(dict.fromkeys(line.name for line in entries))
    return words.listed(tuple(words.condition(name).failing for name in failing)) or "nothing to do"


def glance(summary: Summary) -> str:
    """Return how the sleeve stands beside simply holding, in one line."""
    equity, pnl, benchmark = summary.equity.equity_usd, summary.pnl, summary.benchmark
    if equity.state is State.UNKNOWN:
        return "Equity and result are not known yet."
    apart = summary.virtual or summary.strategy == FUND  # nothing could simply be held instead
    day, start = (
        f"{name} {figures.fraction(ours)}" + ("" if apart else f" (holding {figures.fraction(theirs)})")
        for name, ours, theirs in (
            ("Day", pnl.day_frac, benchmark.day_frac),
            ("since start", pnl.start_frac, benchmark.start_frac),
        )
    )
    return f"Equity {figures.money(equity)} USD. {day}, {start}."


def lead(summary: Summary) -> str:
    """Return the session, and what stands in for what."""
    parts = [figures.day(summary.session, weekday=True) + (", half day" if summary.half_day else "")]
    parts += [f"Account {summary.account}"] if summary.sleeves else []
    parts += [f"{VIRTUAL} money on real data: nothing is sent"] if summary.virtual else []
    parts += summary.data_quality.embedded
    return ". ".join(parts) + "."


def ahead(summary: Summary) -> str:
    """Return when the next decision is made and the smallest move that would change it."""
    parts: list[str] = []
    if summary.next_session and summary.next_decision_at:
        half = ", half day" if summary.next_half_day else ""
        at = f"{figures.clock(summary.next_decision_at, seconds=False)}"
        parts.append(f"Next decision {figures.day(summary.next_session, weekday=True)}, {at}{half}.")
    nearest = flips.nearest(summary.flips)
    if nearest:
        parts.append(f"Smallest move that changes it: {flips.flip_words(nearest, summary.universe)}.")
    elif any(line.when == "next" for line in summary.flips) and not any(one.exit_pending for one in summary.held):
        parts.append("No single move of price, VIX or volume would change it.")
    return " ".join(parts)


def footer(summary: Summary) -> tuple[str, ...]:
    """Return the closing lines: what the marks mean, versions, how to stop it."""
    told = (summary.equity.equity_usd, summary.pnl.day_usd, *(line.official_close for line in summary.fills))
    late = any(given.state is State.PROVISIONAL for given in (*told, *(line.close_usd for line in summary.held)))
    decided_by = f", mtum {summary.code_version}, settings {summary.settings_hash}" if summary.code_version else ""
    return (
        *((PROVISIONAL_NOTE,) if late else ()),
        f"mode {summary.mode}, account {summary.account}, strategy {summary.strategy}{decided_by}",
        "Stop it: mtum halt --why TEXT. An account of what the program did; not advice.",
    )
