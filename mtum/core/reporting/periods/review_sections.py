"""Reviews laid out: the same sections for text and HTML."""

from mtum.core.reporting import figures, words
from mtum.core.reporting.accuracy import Accuracy
from mtum.core.reporting.daily.system import against_backtest
from mtum.core.reporting.layout import Block, Cell, Facts, Page, Section, Sentence, Table, Tone, signed
from mtum.core.reporting.periods.in_short import in_short
from mtum.core.reporting.periods.review import Regret, Review, WinLoss
from mtum.core.reporting.periods.review_tables import audit, costs, effects, stability, standing, tax
from mtum.core.reporting.periods.run_sections import trade_table


def review_page(review: Review) -> Page:
    """Return the page of a review; sections that its kind does not have are left out."""
    first = (in_short(review), _result(review), standing(review), _trades(review))
    further = (
        _accuracy(review),
        _missed(review),
        effects(review),
        costs(review),
        stability(review),
        _partial(review),
        _validation(review),
        _slack(review),
        audit(review),
        tax(review),
        _drift(review),
        _against_backtest(review),
    )
    return Page(
        subject=review_subject(review),
        verdict=_verdict(review),
        lead=_lead(review),
        mode=review.mode,
        first_screen=tuple(section for section in first if section.blocks),
        further=tuple(section for section in further if section.blocks),
        footer=(
            "A single period proves nothing. Intervals are 95 %.",
            f"mode {review.mode}, account {review.account}, strategy {review.strategy}",
        ),
    )


def review_subject(review: Review) -> str:
    """Return the subject of a review, at most 60 characters."""
    tag = f" [{review.mode.upper()}]"
    day = figures.day(review.last, year=False)
    change = f" {figures.percent(review.pnl_frac)}" if review.pnl_frac is not None else ""
    against = f", holding {figures.percent(review.benchmark_frac)}" if review.benchmark_frac is not None else ""
    return f"{review.traded} {review.kind} to {day}:{change}{against}"[: 60 - len(tag)] + tag


def _verdict(review: Review) -> str:
    if review.pnl_frac is None:
        return f"Nothing was settled in this {review.kind}."
    held = "" if review.benchmark_frac is None else f"; simply holding {figures.percent(review.benchmark_frac)}"
    return f"The {review.kind} brought {figures.percent(review.pnl_frac)}{held}."


def _lead(review: Review) -> str:
    span = f"{figures.day(review.first)} to {figures.day(review.last)}"
    missing = review.sessions - review.recorded
    parts = [
        f"{span}, {review.sessions} session{'' if review.sessions == 1 else 's'}"
        + (f", {missing} without a decision" if missing else "")
    ]
    if not review.complete:
        parts.append(f"The {review.kind} is not over: sessions of it are still to come")
    return ". ".join(parts) + "."


def _result(review: Review) -> Section:
    rows = (
        ("Equity at the end", Cell(figures.number(review.equity_usd)), "USD"),
        ("Result", signed(figures.number(review.pnl_usd, sign=True)), "USD"),
        ("Return", signed(figures.percent(review.pnl_frac)), ""),
        ("Buy and hold", signed(figures.percent(review.benchmark_frac)), ""),
    )
    return Section("result", "Result", (Facts(rows),))


def _trades(review: Review) -> Section:
    blocks: list[Block] = []
    if review.win_loss and review.win_loss_start:
        named = (("this " + review.kind, review.win_loss), ("since start", review.win_loss_start))
        blocks.append(Table(_WIN_LOSS, tuple(_win_loss(name, row) for name, row in named)))
    if review.trades:
        blocks.append(trade_table(review.trades))
    if review.open_trades:
        blocks += [Sentence("Open:"), trade_table(review.open_trades)]
    return Section("trades", "Trades", tuple(blocks))


_WIN_LOSS = ("Closed trades", "trades", "won", "rate", "interval", "mean")


def _win_loss(name: str, row: WinLoss) -> tuple[Cell, ...]:
    interval = "-" if row.low_frac is None else f"{_rate(row.low_frac)} to {_rate(row.high_frac)}"
    return (
        Cell(name),
        Cell(str(row.closed)),
        Cell(str(row.wins)),
        Cell(_rate(row.win_frac)),
        Cell(interval),
        signed(figures.percent(row.mean_frac)),
    )


def _rate(frac: float | None) -> str:
    return figures.percent(frac, 0, sign=False)


def _accuracy(review: Review) -> Section:
    if not review.accuracy:
        return Section("accuracy", "Signal accuracy")
    tables = [
        _accuracy_table(horizon, [line for line in review.accuracy if line.horizon_sessions == horizon])
        for horizon in sorted({line.horizon_sessions for line in review.accuracy})
    ]
    note = (
        "On final bars, all sessions since the start. Right: the close was higher (entry) or lower (exit) "
        "after the horizon; base: the same over all sessions. Outcomes after 5 and 20 sessions overlap: "
        "their intervals are narrower than what is known."
    )
    return Section("accuracy", "Signal accuracy", (*tables, Sentence(note, Tone.QUIET)))


def _accuracy_table(horizon: int, lines: list[Accuracy]) -> Table:
    symbols = [line.symbol for line in lines]
    rows = tuple(
        (
            Cell(words.whose(line.symbol, symbols) + words.condition(line.condition).words),
            Cell(f"{line.held}/{line.sessions}"),
            Cell(_rate(line.right_frac)),
            Cell("-" if line.low_frac is None else f"{_rate(line.low_frac)}-{_rate(line.high_frac)}"),
            Cell(_rate(line.base_frac)),
            signed(figures.percent(line.mean_frac)),
        )
        for line in lines
    )
    name = f"After {horizon} session{'s' if horizon > 1 else ''}"
    return Table((name, "held", "right", "interval", "base", "mean"), rows)


def _missed(review: Review) -> Section:
    if review.kind != "week":
        return Section("missed", "Missed signals")
    if not review.missed:
        return Section("missed", "Missed signals", (Sentence("None."),))
    symbols = [line.symbol for line in review.missed]
    rows = tuple(
        (
            Cell(figures.day(line.session, year=False)),
            Cell(words.whose(line.symbol, symbols) + line.signal),
            Cell(line.cause),
            Cell(figures.percent(line.cost_frac)),
            Cell(figures.number(line.cost_usd, sign=True)),
        )
        for line in review.missed
    )
    note = "Cost until the next session's close: gain missed or loss suffered; negative was luck."
    table = Table(("Session", "signal", "cause", "cost", "USD"), rows, frozenset({0, 1, 2}))
    return Section("missed", "Missed signals", (table, Sentence(note, Tone.QUIET)))


def _partial(review: Review) -> Section:
    if not review.regret:
        return Section("partial", "Partial bars")
    rows = tuple(_regret(line) for line in review.regret)
    blocks: list[Block] = [Table(("Turned by the final bar", f"this {review.kind}", "since start", "rate"), rows)]
    if review.projection_error_frac is not None:
        error = figures.percent(review.projection_error_frac, 1, sign=False)
        blocks.append(Sentence(f"Mean error of the projected volume: {error}."))
    return Section("partial", "Partial bars", tuple(blocks))


def _regret(line: Regret) -> tuple[Cell, ...]:
    rate = line.all_turned / line.all_sessions if line.all_sessions else None
    return (
        Cell(words.condition(line.condition).words),
        Cell(f"{line.turned}/{line.sessions}"),
        Cell(f"{line.all_turned}/{line.all_sessions}"),
        Cell(figures.percent(rate, 1, sign=False)),
    )


def _validation(review: Review) -> Section:
    rows = tuple(
        (
            Cell(words.whose(check.symbol, (one.symbol for one in review.validation)) + check.indicator),
            Cell(str(check.sessions)),
            Cell("undefined once" if check.largest is None else f"{check.largest:.1e}"),
            Cell("not known" if check.warm_up is None else f"{check.warm_up:.1e}"),
            Cell(check.unit or "-"),
        )
        for check in review.validation
    )
    table = (Table(("Indicator", "sessions", "difference", "warm-up", "unit"), rows, frozenset({0, 4})),)
    note = (
        "Largest difference between two implementations over the cache, and of the newest value "
        "between the strategy's own history and all of it."
    )
    return Section("validation", "Indicators", (*table, Sentence(note, Tone.QUIET)) if rows else ())


def _slack(review: Review) -> Section:
    rows = tuple(
        (
            Cell(line.step),
            Cell(str(line.sessions)),
            Cell(figures.number(line.least_minutes, 1)),
            Cell(figures.day(line.least_session, year=False)),
            Cell(figures.number(line.median_minutes, 1)),
        )
        for line in review.slack
    )
    table = Table(("Minutes to the deadline", "sessions", "least", "on", "median"), rows)
    return Section("slack", "Deadlines", (table,) if rows else ())


def _against_backtest(review: Review) -> Section:
    return Section("backtest", "Against the approved backtest", against_backtest(review.backtest))


def _drift(review: Review) -> Section:
    if review.kind != "quarter":
        return Section("drift", "Drift")
    rows = tuple((Cell(line.subject), Cell(line.before), Cell(line.now)) for line in review.drift)
    if not rows:
        return Section("drift", "Drift", (Sentence("Settings, code and libraries were the same throughout."),))
    return Section("drift", "Drift", (Table(("What", "at first", "at last"), rows, frozenset({0, 1, 2})),))
