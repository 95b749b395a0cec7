"""The daily report laid out: the same sections for text and HTML, in reading order."""

from mtum.core.portfolio.fund import FUND
from mtum.core.reporting import figures, words
from mtum.core.reporting.daily.account import account, performance, position, positions
from mtum.core.reporting.daily.sleeves import (
    VIRTUAL,
    account_verdict,
    coordination,
    ordered,
    overview,
    sleeve_section,
)
from mtum.core.reporting.daily.subject import subject
from mtum.core.reporting.daily.system import alarms, changes, corrections, market_data, timings
from mtum.core.reporting.layout import Cell, Facts, Page, Section, Sentence, Table, Tone, cells
from mtum.core.reporting.stated import State
from mtum.core.reporting.summary import ConditionLine, FillLine, FlipLine, Summary

PROVISIONAL_NOTE = "~ provisional: the figure may still change; a later report corrects it."


def page(summary: Summary) -> Page:
    """Return the daily report of one session: of what decides for itself, or of an account and its sleeves."""
    decided, known = ((), ()) if summary.sleeves else (_decided(summary), _known(summary))
    first = (alarms(summary), overview(summary), coordination(summary), *decided, performance(summary))
    further = (
        account(summary),
        *(_sleeve(name, one) for name, one in summary.sleeves.items()),
        *known[:2],
        corrections(summary),
        *known[2:],
        timings(summary),
        changes(summary),
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
    return why(summary), trading(summary), position(summary)


def _known(summary: Summary) -> tuple[Section, ...]:
    return flips(summary), other_rules(summary), market_data(summary)


def _sleeve(name: str, sleeve: Summary) -> Section:
    """Return everything of one sleeve."""
    parts = (
        *_decided(sleeve), performance(sleeve), account(sleeve), *_known(sleeve), corrections(sleeve)
    )  # fmt: skip
    return sleeve_section(name, sleeve.state, (Sentence(verdict(sleeve)), Sentence(glance(sleeve))), parts)


def verdict(summary: Summary) -> str:
    """Return the decision in one sentence, and what is held where nothing was decided."""
    if summary.sleeves:
        return account_verdict(summary)
    why_words = _reasons(summary)
    because = f": {why_words}" if why_words else ""
    if summary.orders or summary.internal_orders:
        deeds = words.listed(tuple(map(ordered, (*summary.orders, *summary.internal_orders))))
        return f"{deeds[:1].upper()}{deeds[1:]}{because}."
    held = words.listed(tuple(f"{figures.position(line.shares)} {line.symbol}" for line in positions(summary)))
    if summary.action == "none":
        kept = f"still holding {held}" if held else "nothing is held"
        return f"No decision was made for {figures.day(summary.session)}{because}; {kept}."
    if held:
        return f"Held {held}{because or ': no exit rule holds'}."
    kept_out = words.listed(universe(summary), "and")
    return f"Stayed out of {kept_out}{because or f': {_missing(summary)}'}."


def _reasons(summary: Summary) -> str:
    given = [word for word in summary.reasons if word != "hold"]
    if "exit_carried" not in given:
        return words.listed(tuple(words.reason(word, summary.settles_by) for word in given))
    first = words.listed(tuple(words.reason(word) for word in given if word != "exit_carried"))
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
    nearest = nearest_flip(summary)
    if nearest:
        parts.append(f"Smallest move that changes it: {_flip_words(summary, nearest)}.")
    elif any(line.when == "next" for line in summary.flips) and not any(one.exit_pending for one in positions(summary)):
        parts.append("No single move of price, VIX or volume would change it.")
    return " ".join(parts)


def nearest_flip(summary: Summary) -> FlipLine | None:
    """Return the smallest relative move that alone changes the next decision; None if there is none."""
    alone = [line for line in summary.flips if line.when == "next" and line.alone and line.distance_frac is not None]
    return min(alone, key=lambda line: abs(line.distance_frac or 0.0), default=None)


def _input(line: FlipLine) -> tuple[str, str]:
    # What turns the condition, as a sentence names it, and its unit.
    names = {"close": ("close", "USD"), "volume": ("volume", "shares"), "vix": ("VIX", "points")}
    return names.get(line.input) or (line.input.upper(), words.condition(line.condition).unit)


def _flip_words(summary: Summary, line: FlipLine) -> str:
    name, unit = _input(line)
    of = (
        f" of {line.symbol}" if line.symbol and len(universe(summary)) > 1 and line.input in ("close", "volume") else ""
    )
    level = figures.in_unit(line.level, unit)
    away = f" ({figures.percent(line.distance_frac)} from now)" if line.distance_frac is not None else ""
    return f"a {name}{of} {line.direction} {level} {unit}{away}"


def why(summary: Summary) -> Section:
    """Return the tables of the conditions that could decide: exits where shares were held, entries otherwise."""
    blocks: list[Table | Sentence] = []
    for symbol in universe(summary):
        role = "exit" if _held_before(summary, symbol) else "entry"
        blocks += _conditions(summary, symbol, role)
    form = summary.data_quality.rsi_form
    if blocks and form:
        blocks.append(Sentence(f"RSI with {form} means.", Tone.QUIET))
    return Section("why", "Why", tuple(blocks))


def other_rules(summary: Summary) -> Section:
    """Return the entry conditions of symbols of which shares were held: they decided nothing."""
    held = [symbol for symbol in universe(summary) if _held_before(summary, symbol)]
    tables = [table for symbol in held for table in _conditions(summary, symbol, "entry")]
    return Section("other", "Entry rules, for the record", tuple(tables))


def universe(summary: Summary) -> tuple[str, ...]:
    """Return the symbols a report tells of; one from before they were kept knows its first."""
    return summary.symbols or (summary.symbol,)


def _held_before(summary: Summary, symbol: str) -> bool:
    orders = [order for order in summary.orders if order.symbol == symbol]
    if any(order.side == "SELL" for order in orders):
        return True
    bought = any(order.purpose == "enter" for order in orders)
    return not bought and any(line.symbol == symbol for line in positions(summary))


def _conditions(summary: Summary, symbol: str, role: str) -> list[Table]:
    lines = [line for line in summary.conditions if line.role == role and (line.symbol or summary.symbol) == symbol]
    if not lines:
        return []
    name = f" {symbol}" if len(universe(summary)) > 1 else ""
    head = f"Enter{name} when all hold" if role == "entry" else f"Exit{name} when any holds"
    rows = tuple(
        (
            Cell(words.condition(line.name).words + (f", {line.unit}" if line.unit else "")),
            Cell(figures.in_unit(line.value, line.unit)),
            Cell(figures.in_unit(line.threshold, line.unit)),
            Cell(figures.in_unit(line.margin, line.unit, sign=True)),
            Cell(_held_word(line), _condition_tone(line)),
        )
        for line in lines
    )
    return [Table((head, "value", "needs", "margin", "holds"), rows)]


def _held_word(line: ConditionLine) -> str:
    return "unknown" if line.value is None or line.threshold is None else "yes" if line.passed else "no"


def _condition_tone(line: ConditionLine) -> Tone:
    if line.value is None or line.threshold is None:
        return Tone.QUIET
    return Tone.GOOD if line.passed == (line.role == "entry") else Tone.BAD


def trading(summary: Summary) -> Section:
    """Return orders and fills, each fill with its three prices."""
    every = (*summary.orders, *summary.internal_orders)
    if not every:
        return Section("orders", "Order and fill", (Sentence("No order was sent."),))
    orders = Table(
        ("Order", "side", "shares", "filled", "status"),
        tuple(
            (
                Cell(f"{order.type} {order.symbol}"),
                Cell(order.side),
                *cells(figures.shares(order.shares), figures.shares(order.filled_shares)),
                Cell(order.status.lower().replace("_", " "), Tone.PLAIN if order.filled_shares else Tone.BAD),
            )
            for order in every
        ),
        frozenset({0, 1, 4}),
    )
    notes = [Sentence(f"{order.ref}: {order.text}", Tone.QUIET) for order in summary.orders if order.text]
    return Section("orders", "Order and fill", (orders, *notes, *(_fill(line) for line in summary.fills)))


def _fill(line: FillLine) -> Facts:
    return Facts(
        (
            ("Fill", Cell(f"{line.side} {figures.shares(line.shares)} {line.symbol}"), ""),
            ("Price at the decision", Cell(figures.number(line.decision_price)), "USD"),
            ("Official close", Cell(figures.money(line.official_close)), "USD"),
            ("Fill price", Cell(figures.number(line.fill_price)), "USD"),
            ("Decision to close, cost", Cell(figures.basis_points(line.wait_bps)), "bps"),
            ("Close to fill, cost", Cell(figures.basis_points(line.auction_bps)), "bps"),
            ("Slippage, cost", Cell(figures.money(line.slippage_usd, sign=True)), "USD"),
            ("Commission", Cell(figures.money(line.commission_usd)), "USD"),
        )
    )


def flips(summary: Summary) -> Section:
    """Return what would change the decision, next session first."""
    blocks: list[Table | Sentence] = []
    several = len(universe(summary)) > 1
    for when, title in (("next", "Next session"), ("session", "This decision")):
        for symbol in universe(summary):
            lines = [line for line in summary.flips if line.when == when and (line.symbol or summary.symbol) == symbol]
            if lines:
                blocks.append(_flip_table(f"{title}, {symbol}" if several else title, lines))
    if blocks:
        note = "Alone: that change by itself, everything else as it is, changes the decision."
        blocks.append(Sentence(note, Tone.QUIET))
    return Section("flips", "What would change it", tuple(blocks))


def _flip_table(title: str, lines: list[FlipLine]) -> Table:
    rows = tuple(
        (
            Cell(words.condition(line.condition).words),
            Cell(f"{_input(line)[0]} {line.direction}"),
            Cell(figures.in_unit(line.level, _input(line)[1])),
            Cell(_input(line)[1], Tone.QUIET),
            Cell(figures.percent(line.distance_frac, 1)),
            Cell("yes" if line.alone else "no", Tone.PLAIN if line.alone else Tone.QUIET),
        )
        for line in lines
    )
    return Table((title, "turns with", "level", "unit", "away", "alone"), rows, frozenset({0, 1, 3}))


def footer(summary: Summary) -> tuple[str, ...]:
    """Return the closing lines: what the marks mean, versions, how to stop it."""
    marks = (PROVISIONAL_NOTE,) if _any_provisional(summary) else ()
    decided_by = f", mtum {summary.code_version}, settings {summary.settings_hash}" if summary.code_version else ""
    return (
        *marks,
        f"mode {summary.mode}, account {summary.account}, strategy {summary.strategy}{decided_by}",
        "Stop it: mtum halt --why TEXT. An account of what the program did; not advice.",
    )


def _any_provisional(summary: Summary) -> bool:
    figures_ = (summary.equity.equity_usd, summary.pnl.day_usd, *(line.official_close for line in summary.fills))
    held = [line.close_usd for line in positions(summary)]
    return any(given.state is State.PROVISIONAL for given in (*figures_, *held))
