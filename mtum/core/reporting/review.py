"""A week, a month, a quarter or a whole run as one value, and its page; what a kind does not look at is empty."""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Block, Page, Section, Sentence, Tone, facts_of, signed, table_of
from mtum.core.reporting.parts import (
    accuracy,
    audit,
    costs,
    drift,
    effects,
    expectation,
    indicators,
    missed,
    partial_bars,
    stability,
    standing,
    tax,
    timings,
    trades,
)
from mtum.core.reporting.parts.accuracy import Accuracy
from mtum.core.reporting.parts.audit import AuditLine
from mtum.core.reporting.parts.costs import Costs
from mtum.core.reporting.parts.drift import DriftLine
from mtum.core.reporting.parts.effects import Effect
from mtum.core.reporting.parts.expectation import BacktestLine
from mtum.core.reporting.parts.indicators import IndicatorCheck
from mtum.core.reporting.parts.missed import MissedSignal
from mtum.core.reporting.parts.partial_bars import Regret
from mtum.core.reporting.parts.result import IDLE_CASH
from mtum.core.reporting.parts.stability import Stability
from mtum.core.reporting.parts.standing import Standing
from mtum.core.reporting.parts.tax import TaxLine
from mtum.core.reporting.parts.timings import Slack
from mtum.core.reporting.parts.trades import TradeLine, WinLoss
from mtum.core.reporting.sleeves import VIRTUAL, sleeve_section


class Review(Struct, frozen=True):
    """A period of a sleeve, or of an account with those of its `sleeves`.

    `kind` is week, month, quarter or run; of a run `notes` say what was played and `settings` by which rules.
    `complete` is False while sessions of it are still to come; `drawdown_frac` is the max drawdown
    inside it, `paid_usd` its commissions, fees and taxes (None while one is not known).
    """

    SPARSE: ClassVar = frozenset(("state", "replayed", "sleeves", "notes", "settings"))

    kind: str
    first: date
    last: date
    complete: bool
    mode: str
    account: str
    strategy: str
    symbol: str
    sessions: int
    recorded: int
    equity_usd: float | None
    pnl_usd: float | None
    pnl_frac: float | None
    benchmark_frac: float | None
    trades: tuple[TradeLine, ...] = ()
    open_trades: tuple[TradeLine, ...] = ()
    win_loss: WinLoss | None = None
    win_loss_start: WinLoss | None = None
    accuracy: tuple[Accuracy, ...] = ()
    missed: tuple[MissedSignal, ...] = ()
    validation: tuple[IndicatorCheck, ...] = ()
    regret: tuple[Regret, ...] = ()
    projection_error_frac: float | None = None
    slack: tuple[Slack, ...] = ()
    standing: tuple[Standing, ...] = ()
    effects: tuple[Effect, ...] = ()
    costs: Costs | None = None
    stability: tuple[Stability, ...] = ()
    audit: tuple[AuditLine, ...] = ()
    drift: tuple[DriftLine, ...] = ()
    tax: tuple[TaxLine, ...] = ()
    backtest: BacktestLine | None = None
    symbols: tuple[str, ...] = ()
    drawdown_frac: float | None = None
    exposure_frac: float | None = None
    paid_usd: float | None = None
    state: str = ""
    replayed: bool = False
    sleeves: Mapping[str, "Review"] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def virtual(self) -> bool:
        """Whether the money is not real."""
        return self.state == "watch"

    @property
    def traded(self) -> str:
        """What is traded, in words: one symbol, the strategy's name where there are several, or the account."""
        if self.sleeves:
            return "Account"
        return self.symbol if len(self.symbols) < 2 else self.strategy


def page(review: Review) -> Page:
    """Return the page of a review; parts that its kind does not have are left out."""
    own = _parts(review)
    first = (own["in-short"], own["result"], _sleeves(review), own["standing"], own["trades"])
    further = (
        own["accuracy"],
        own["missed"],
        own["effects"],
        own["costs"],
        *(_sleeve(name, one) for name, one in review.sleeves.items()),
        stability.section(review.stability),
        own["partial"],
        own["validation"],
        timings.deadlines(review.slack),
        audit.section(review.audit),
        tax.section(review.tax),
        *((drift.over_period(review.drift),) if review.kind == "quarter" else ()),
        _settings(review),
        Section("backtest", "Against the approved backtest", expectation.against_backtest(review.backtest)),
    )
    return Page(
        subject=subject(review),
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


def _parts(review: Review) -> Mapping[str, Section]:
    """Return the parts that each sleeve has of its own, by key, in the order in which a sleeve's are read."""
    named = ((f"this {review.kind}", review.win_loss), ("since start", review.win_loss_start))
    every = (
        in_short(review),
        _result(review),
        standing.section(review.standing, review.kind),
        trades.section(review.trades, review.open_trades, [(name, one) for name, one in named if one is not None]),
        accuracy.section(review.accuracy),
        missed.section(review.missed) if review.kind == "week" else Section("missed", "Missed signals"),
        effects.section(review.effects),
        costs.section(review.costs),
        partial_bars.section(review.regret, review.projection_error_frac, review.kind, replayed=review.replayed),
        indicators.section(review.validation),
    )
    return {section.key: section for section in every}


def _sleeve(name: str, review: Review) -> Section:
    """Return everything of one sleeve."""
    return sleeve_section(name, review.state, (Sentence(_verdict(review)),), _parts(review).values())


def in_short(review: Review) -> Section:
    """Return what a review comes down to, in sentences: what needs a person first, then what may be concluded."""
    missing = review.sessions - review.recorded
    undecided = (Sentence(f"{missing} of {review.sessions} sessions were not decided.", Tone.BAD),)
    none_missed = review.kind == "week" and not any(one.missed for one in (review, *review.sleeves.values()))
    found = (
        *(undecided if missing > 0 else ()),
        *((Sentence("No signal was missed."),) if none_missed else missed.findings(review.missed)),
        *indicators.findings(review.validation),
        *timings.findings(review.slack),
        *stability.findings(review.stability),
        *audit.findings(review.audit),
        *expectation.findings(review.backtest),
        *accuracy.findings(review.accuracy),
        *standing.findings(review.standing),
        *costs.findings(review.costs),
    )
    for name, one in review.sleeves.items():
        theirs = (line for line in in_short(one).blocks if isinstance(line, Sentence) and line.tone is Tone.BAD)
        # What the account has told of every sleeve is not told again.
        found += tuple(replace(line, text=f"{name}: {line.text}") for line in theirs if line not in found)
    urgent = [line for line in found if line.tone is Tone.BAD]
    return Section("in-short", "In short", (*urgent, *(line for line in found if line.tone is not Tone.BAD)))


def subject(review: Review) -> str:
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
    span = f"{figures.day(review.first)} to {figures.day(review.last)}, {words.count(review.sessions, 'session')}"
    missing = review.sessions - review.recorded
    parts = [span + (f", {missing} without a decision" if missing else ""), *review.notes]
    if not review.complete:
        parts.append(f"The {review.kind} is not over: sessions of it are still to come")
    return ". ".join(parts) + "."


def _result(review: Review) -> Section:
    rows = (
        ("Equity at the end", figures.number(review.equity_usd), "USD"),
        ("Result", signed(figures.number(review.pnl_usd, sign=True)), "USD"),
        ("Return", signed(figures.percent(review.pnl_frac)), ""),
        ("Buy and hold", signed(figures.percent(review.benchmark_frac)), ""),
        ("Exposure, mean", figures.percent(review.exposure_frac, sign=False), ""),
    )
    told = () if review.exposure_frac is None else (Sentence(IDLE_CASH, Tone.QUIET),)
    return Section("result", "Result", (facts_of(rows), *told))


def _settings(review: Review) -> Section:
    facts = facts_of((name, given, "") for name, given in review.settings.items())
    return Section("settings", "Settings", (facts,) if facts.rows else ())


def _sleeves(review: Review) -> Section:
    """Return a row of each sleeve with the sum of those that own money, watched ones apart."""
    own = {name: one for name, one in review.sleeves.items() if not one.virtual}
    watched = {f"{VIRTUAL} {name}": one for name, one in review.sleeves.items() if one.virtual}
    note = "The results of the sleeves add up to that of the account, to the cent; cash between them is in neither."
    blocks: list[Block] = []
    if own:
        blocks += [*_sleeve_tables(review.kind, {**own, "Account": review}), Sentence(note, Tone.QUIET)]
    if watched:
        blocks += _sleeve_tables(review.kind, watched)
    return Section("sleeves", "Sleeves", tuple(blocks))


def _sleeve_tables(kind: str, rows: Mapping[str, Review]) -> tuple[Block, ...]:
    money = (
        (
            *(name, figures.number(one.equity_usd), signed(figures.number(one.pnl_usd, sign=True))),
            *(signed(figures.percent(one.pnl_frac)), signed(figures.percent(one.benchmark_frac))),
            figures.percent(one.exposure_frac, sign=False),
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
        table_of(("Sleeve", "USD", f"{kind}, USD", "return", "holding", "exposure"), money),
        table_of(("Sleeve", "max drawdown", "trades", "won", "costs, USD"), trading),
    )
