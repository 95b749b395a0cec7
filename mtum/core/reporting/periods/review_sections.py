"""Reviews laid out: the same sections for text and HTML."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from mtum.core.reporting import figures, words
from mtum.core.reporting.daily.sleeves import VIRTUAL, sleeve_section
from mtum.core.reporting.expectation import against_backtest
from mtum.core.reporting.layout import Block, Cell, Facts, Page, Section, Sentence, Tone, signed, table_of
from mtum.core.reporting.periods.in_short import in_short
from mtum.core.reporting.periods.review import Review
from mtum.core.reporting.periods.run_sections import trade_table

FEW_SESSIONS = 126
_TONES = {"ok": Tone.GOOD, "attention": Tone.BAD, "unknown": Tone.QUIET}


def review_page(review: Review) -> Page:
    """Return the page of a review; sections that its kind does not have are left out."""
    first = (in_short(review), _result(review), _sleeves(review), _standing(review), _trades(review))
    further = (
        _accuracy(review),
        _missed(review),
        _effects(review),
        _costs(review),
        *(_sleeve(name, one) for name, one in review.sleeves.items()),
        _stability(review),
        _partial(review),
        _validation(review),
        _slack(review),
        _audit(review),
        _tax(review),
        _drift(review),
        Section("backtest", "Against the approved backtest", against_backtest(review.backtest)),
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


def _sleeve(name: str, review: Review) -> Section:
    """Return everything of one sleeve."""
    parts = (
        in_short(review), _result(review), _standing(review), _trades(review), _accuracy(review), _missed(review),
        _effects(review), _costs(review), _partial(review), _validation(review),
    )  # fmt: skip
    return sleeve_section(name, review.state, (Sentence(_verdict(review)),), parts)


def _sleeves(review: Review) -> Section:
    """Return a row of each sleeve with the sum of those that own money, watched ones apart."""
    if not review.sleeves:
        return Section("sleeves", "Sleeves")
    own = {name: one for name, one in review.sleeves.items() if not one.virtual}
    watched = {f"{VIRTUAL} {name}": one for name, one in review.sleeves.items() if one.virtual}
    note = "The results of the sleeves add up to that of the account, to the cent; cash between them is in neither."
    blocks: list[Block] = []
    for rows in ({**own, "Account": review} if own else {}, watched):
        blocks += _sleeve_tables(review.kind, rows) if rows else []
        blocks += [Sentence(note, Tone.QUIET)] if rows and "Account" in rows else []
    return Section("sleeves", "Sleeves", tuple(blocks))


def _sleeve_tables(kind: str, rows: Mapping[str, Review]) -> tuple[Block, ...]:
    money = (
        (
            *(name, figures.number(one.equity_usd), signed(figures.number(one.pnl_usd, sign=True))),
            *(signed(figures.percent(one.pnl_frac)), signed(figures.percent(one.benchmark_frac))),
        )
        for name, one in rows.items()
    )
    trading = (
        (
            *(name, figures.percent(one.drawdown_frac), str(one.win_loss.closed if one.win_loss else 0)),
            *(str(one.win_loss.wins if one.win_loss else 0), figures.number(one.paid_usd)),
        )
        for name, one in rows.items()
    )
    return (
        table_of(("Sleeve", "USD", f"{kind}, USD", "return", "holding"), money),
        table_of(("Sleeve", "deepest fall", "trades", "won", "costs, USD"), trading),
    )


def review_subject(review: Review) -> str:
    """Return the subject of a review, at most 60 characters."""
    tag = f" [{review.mode.upper()}]"
    day = figures.day(review.last, year=False)
    change = f" {figures.percent(review.pnl_frac)}" if review.pnl_frac is not None else ""
    against = f", holding {figures.percent(review.benchmark_frac)}" if review.benchmark_frac is not None else ""
    return f"{review.traded} {review.kind} to {day}:{change}{against}"[: 60 - len(tag)] + tag


def _verdict(review: Review) -> str:
    if review.pnl_usd is None:
        return f"Nothing was settled in this {review.kind}."
    if review.pnl_frac is None:
        return f"The {review.kind} brought {figures.number(review.pnl_usd, sign=True)} USD."
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


def _section[T](
    title: tuple[str, str],
    head: tuple[str, ...],
    lines: Sequence[T],
    cells: Callable[[T], Iterable[Cell | str]],
    *notes: str,
    left: Iterable[int] = (0,),
) -> Section:
    """Return a section of one table with what is said below it; without lines an empty one.

    Parameters
    ----------
    title : (str, str)
        Key and title of the section.
    cells : callable
        Cells of a line; plain ones may be texts.
    left : iterable of int
        Columns that hold words.
    """
    if not lines:
        return Section(*title)
    table = table_of(head, map(cells, lines), left)
    return Section(*title, (table, *(Sentence(note, Tone.QUIET) for note in notes)))


def _whole(frac: float | None) -> str:
    return figures.percent(frac, 0, sign=False)


def _result(review: Review) -> Section:
    rows = (
        ("Equity at the end", Cell(figures.number(review.equity_usd)), "USD"),
        ("Result", signed(figures.number(review.pnl_usd, sign=True)), "USD"),
        ("Return", signed(figures.percent(review.pnl_frac)), ""),
        ("Buy and hold", signed(figures.percent(review.benchmark_frac)), ""),
    )
    return Section("result", "Result", (Facts(rows),))


def _standing(review: Review) -> Section:
    """Return the sleeve beside buy-and-hold, risk-adjusted."""
    notes = [
        f"Sharpe ratio of {line.name}: {figures.number(line.sharpe)}, interval "
        f"{figures.number(line.sharpe_low)} to {figures.number(line.sharpe_high)}."
        for line in review.standing
        if line.sharpe_low is not None
    ]
    few = min((line.sessions for line in review.standing), default=0)
    if few < FEW_SESSIONS:
        notes.append(f"{few} sessions are few: yearly figures are extrapolated far.")
    return _section(
        ("standing", "Against simply holding"),
        ("Against holding", review.kind, "start", "vol.", "Sharpe", "worst"),
        review.standing,
        lambda line: (
            *(line.name, signed(figures.percent(line.period_frac)), signed(figures.percent(line.start_frac))),
            *(figures.percent(line.volatility_frac, 1, sign=False), figures.number(line.sharpe)),
            figures.percent(line.worst_drawdown_frac, 1),
        ),
        *notes,
    )


def _trades(review: Review) -> Section:
    blocks: list[Block] = []
    if review.win_loss and review.win_loss_start:
        head = ("Closed trades", "trades", "won", "rate", "interval", "mean")
        named = ((f"this {review.kind}", review.win_loss), ("since start", review.win_loss_start))
        rows = (
            (
                *(name, str(row.closed), str(row.wins), _whole(row.win_frac)),
                "-" if row.low_frac is None else f"{_whole(row.low_frac)} to {_whole(row.high_frac)}",
                signed(figures.percent(row.mean_frac)),
            )
            for name, row in named
        )
        blocks.append(table_of(head, rows))
    if review.trades:
        blocks.append(trade_table(review.trades))
    if review.open_trades:
        blocks += [Sentence("Open:"), trade_table(review.open_trades)]
    return Section("trades", "Trades", tuple(blocks))


def _accuracy(review: Review) -> Section:
    if not review.accuracy:
        return Section("accuracy", "Signal accuracy")
    tables = []
    for horizon in sorted({line.horizon_sessions for line in review.accuracy}):
        lines = [line for line in review.accuracy if line.horizon_sessions == horizon]
        symbols = [line.symbol for line in lines]
        rows = (
            (
                words.whose(line.symbol, symbols) + words.condition(line.condition).words,
                *(f"{line.held}/{line.sessions}", _whole(line.right_frac)),
                "-" if line.low_frac is None else f"{_whole(line.low_frac)}-{_whole(line.high_frac)}",
                *(_whole(line.base_frac), signed(figures.percent(line.mean_frac))),
            )
            for line in lines
        )
        name = f"After {horizon} session{'s' if horizon > 1 else ''}"
        tables.append(table_of((name, "held", "right", "interval", "base", "mean"), rows))
    note = (
        "On final bars, all sessions since the start. Right: the close was higher (entry) or lower (exit) "
        "after the horizon; base: the same over all sessions. Outcomes after 5 and 20 sessions overlap: "
        "their intervals are narrower than what is known."
    )
    return Section("accuracy", "Signal accuracy", (*tables, Sentence(note, Tone.QUIET)))


def _missed(review: Review) -> Section:
    title = ("missed", "Missed signals")
    if review.kind == "week" and not review.missed:
        return Section(*title, (Sentence("None."),))
    symbols = [line.symbol for line in review.missed]
    return _section(
        title,
        ("Session", "signal", "cause", "cost", "USD"),
        review.missed if review.kind == "week" else (),
        lambda line: (
            *(figures.day(line.session, year=False), words.whose(line.symbol, symbols) + line.signal, line.cause),
            *(figures.percent(line.cost_frac), figures.number(line.cost_usd, sign=True)),
        ),
        "Cost until the next session's close: gain missed or loss suffered; negative was luck.",
        left=(0, 1, 2),
    )


def _effects(review: Review) -> Section:
    """Return what each condition does: the rules without it, and entries by one alone."""
    return _section(
        ("effects", "What each condition does"),
        ("Rules over the cached bars", "trades", "return", "worst", "against all"),
        review.effects,
        lambda line: (
            *(_variant(line.variant), str(line.trades), signed(figures.percent(line.return_frac, 1))),
            figures.percent(line.worst_drawdown_frac, 1),
            signed(figures.percent(line.difference_frac, 1)),
        ),
        "One history: differences of this size arise by chance as well.",
    )


def _variant(variant: str) -> str:
    # "without NAME" and "only NAME to enter" are words of the document; a person reads these.
    kind, _, rest = variant.partition(" ")
    if variant == "all conditions":
        return "all conditions, on final bars"
    if kind not in ("without", "only"):
        return variant
    told = words.condition(rest.removesuffix(" to enter")).words
    return f"all but: {told}" if kind == "without" else f"entry alone: {told}"


def _costs(review: Review) -> Section:
    """Return assumed against paid costs, fees and slippage."""
    found = review.costs
    if found is None:
        return Section("costs", "Costs")
    gaps = (("Slippage, cost", found.slippage_usd, 2, "USD"), ("Decision to close, cost", found.wait_bps, 1, "bps"))
    rows = [
        ("Fills", str(found.fills), ""),
        ("Traded", figures.number(found.traded_usd), "USD"),
        ("Commissions assumed", figures.number(found.assumed_usd), "USD"),
        ("Commissions paid", figures.number(found.paid_usd), "USD"),
        ("Fees and taxes", figures.number(found.fees_usd), "USD"),
        *(
            (name, figures.number(cost, decimals, sign=True) if found.simulated else figures.NOT_SIMULATED, unit)
            for name, cost, decimals, unit in (*gaps, ("Close to fill, cost", found.auction_bps, 1, "bps"))
        ),
        *([("Commissions not known yet", str(found.unknown), "")] if found.unknown else []),
    ]
    return Section("costs", "Costs", (Facts(tuple((name, Cell(told), unit) for name, told, unit in rows)),))


def _stability(review: Review) -> Section:
    """Return how many sessions and orders reached each step."""
    return _section(
        ("stability", "System stability"),
        ("Step", "expected", "reached", "share"),
        review.stability,
        lambda line: (
            *(line.step, str(line.expected)),
            Cell(str(line.reached), Tone.PLAIN if line.reached == line.expected else Tone.BAD),
            _whole(line.reached / line.expected) if line.expected else "-",
        ),
    )


def _partial(review: Review) -> Section:
    if not review.regret:
        return Section("partial", "Partial bars")
    rows = (
        (
            *(words.condition(line.condition).words, f"{line.turned}/{line.sessions}"),
            f"{line.all_turned}/{line.all_sessions}",
            figures.percent(line.all_turned / line.all_sessions if line.all_sessions else None, 1, sign=False),
        )
        for line in review.regret
    )
    blocks: list[Block] = [table_of(("Turned by the final bar", f"this {review.kind}", "since start", "rate"), rows)]
    if review.projection_error_frac is not None:
        error = figures.percent(review.projection_error_frac, 1, sign=False)
        blocks.append(Sentence(f"Mean error of the projected volume: {error}."))
    if review.replayed:
        blocks.append(Sentence(figures.REPLAYED))
    return Section("partial", "Partial bars", tuple(blocks))


def _validation(review: Review) -> Section:
    symbols = [check.symbol for check in review.validation]
    return _section(
        ("validation", "Indicators"),
        ("Indicator", "sessions", "difference", "warm-up", "unit"),
        review.validation,
        lambda check: (
            *(words.whose(check.symbol, symbols) + check.indicator, str(check.sessions)),
            "undefined once" if check.largest is None else f"{check.largest:.1e}",
            "not known" if check.warm_up is None else f"{check.warm_up:.1e}",
            check.unit or "-",
        ),
        "Largest difference between two implementations over the cache, and of the newest value "
        "between the strategy's own history and all of it.",
        left=(0, 4),
    )


def _slack(review: Review) -> Section:
    return _section(
        ("slack", "Deadlines"),
        ("Minutes to the deadline", "sessions", "least", "on", "median"),
        review.slack,
        lambda line: (
            *(line.step, str(line.sessions), figures.number(line.least_minutes, 1)),
            *(figures.day(line.least_session, year=False), figures.number(line.median_minutes, 1)),
        ),
    )


def _audit(review: Review) -> Section:
    return _section(
        ("audit", "Audit"),
        ("Check", "result", "detail"),
        review.audit,
        lambda line: (line.check, Cell(line.result, _TONES[line.result]), line.detail),
        left=(0, 1, 2),
    )


def _tax(review: Review) -> Section:
    """Return closed tax lots by year."""
    return _section(
        ("tax", "Tax lots"),
        ("Year", "lots", "wash sales", "short, USD", "long, USD", "deferred, USD"),
        review.tax,
        lambda line: (
            *map(str, (line.year, line.lots, line.wash_lots)),
            *(
                signed(figures.LATE if one is None else figures.number(one, sign=True))
                for one in (line.short_usd, line.long_usd, line.deferred_usd)
            ),
        ),
        "Lot by lot: mtum export tax --year Y. A record to start from, not tax advice.",
    )


def _drift(review: Review) -> Section:
    if review.kind == "quarter" and not review.drift:
        same = "Settings, code and libraries were the same throughout."
        return Section("drift", "Drift", (Sentence(same),))
    lines = review.drift if review.kind == "quarter" else ()
    head = ("What", "at first", "at last")
    return _section(("drift", "Drift"), head, lines, lambda line: (line.subject, line.before, line.now), left=(0, 1, 2))
