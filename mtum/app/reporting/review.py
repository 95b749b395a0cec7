"""The account of a week, a month, a quarter or a whole run: made from the store, written when the period is over."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.reporting import partial_bars, quality, stability
from mtum.app.reporting.accuracy import signal_accuracy
from mtum.app.reporting.audit import Drill, audit
from mtum.app.reporting.charts import equity_charts, report_charts
from mtum.app.reporting.costs import costs
from mtum.app.reporting.drift import backtest_line, drift_between
from mtum.app.reporting.effects import effects
from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.indicators import indicator_checks
from mtum.app.reporting.missed import missed_signals
from mtum.app.reporting.money import curves
from mtum.app.reporting.period import Kind, Period, period
from mtum.app.reporting.report_writer import ReportWriter, message_of, put, recorded_run, stored_document
from mtum.app.reporting.standing import standings
from mtum.app.reporting.tax import tax_lines
from mtum.app.reporting.trading import trade_lines
from mtum.core.portfolio import returns
from mtum.core.reporting.charts import Chart
from mtum.core.reporting.codec import document, from_document
from mtum.core.reporting.parts.costs import Costs
from mtum.core.reporting.parts.drift import DriftLine
from mtum.core.reporting.parts.trades import TradeLine, win_loss
from mtum.core.reporting.review import Review, page
from mtum.core.reporting.stated import rounded
from mtum.core.reporting.text import text
from mtum.ports.messages import Message, Urgency

REVIEW_JOB = "review"


class Outside(Struct, frozen=True):
    """What only the machine can tell a quarterly review; see `audit`."""

    secret_days: Mapping[str, int | None] = field(default_factory=dict)
    vulnerabilities: str | None = None
    drill: Drill | None = None


class ReviewReport(Struct, frozen=True):
    """A review as it stands in its files; `html` is None where none was written."""

    review: Review
    document: Mapping[str, Any]
    text: str
    html: Path | None
    fresh: bool


def write_review(
    writer: ReportWriter, kind: Kind, end: date, at: datetime, outside: Outside | None = None
) -> ReviewReport:
    """Write the review of the period that holds `end`, or return the one already written.

    A period that is not over is shown as it stands and says so; only a complete one is stored.

    Parameters
    ----------
    writer : ReportWriter
        What a report needs: facts, calendar, the folder it goes to, and (for HTML) a renderer.
    kind : Kind
        Kinds of review.
    end : date
        A day of the period.
    at : datetime
        Instant of it, UTC.
    outside : Outside or None
        What only the machine can tell a quarterly review; see `audit`; None for none.
    """
    stored = stored_document(writer.store.runs, REVIEW_JOB, kind.value, end)
    if stored is not None:
        before = {"open_trades": [stored["open_trade"]]} if stored.get("open_trade") else {}  # of one symbol
        review = from_document(Review, {**before, **stored})
        html = writer.files.path_of(f"{kind.value}-{review.last}.html")
        return ReviewReport(review, stored, text(page(review)), html, fresh=False)
    looked_at = period(writer, kind, end)
    review = review_of(looked_at, outside or Outside())
    laid_out, found = page(review), document(review)
    report = ReviewReport(review, found, text(laid_out), None, fresh=True)
    if not review.complete:
        return report
    with recorded_run(writer.store.runs, REVIEW_JOB, kind.value, end, at) as keep:
        html = put(writer, f"{kind.value}-{review.last}", laid_out, found, lambda: equity_charts(looked_at.facts))
        keep(found)
    return replace(report, html=html)


def run_review(writer: ReportWriter, last: date) -> ReviewReport:
    """Write the review of everything a sleeve's records hold up to `last`.

    Raises
    ------
    ValueError
        If no session has been settled yet.
    """
    looked_at = period(writer, Kind.RUN, last)
    facts = looked_at.facts
    if not facts.points:
        raise ValueError(f"no session up to {last} has an equity yet")
    review = review_of(looked_at, Outside())
    laid_out, found = page(review), document(review)
    name = f"demo-{facts.setup.strategy}" if facts.setup.settings.sleeve else "demo"
    html = put(writer, name, laid_out, found, lambda: report_charts(writer.store, facts, sessions=None))
    return ReviewReport(review, found, text(laid_out), html, fresh=True)


def review_message(writer: ReportWriter, report: ReviewReport) -> Message:
    """Return the mail of a review."""
    review = report.review
    key = f"{REVIEW_JOB}:{review.kind}:{writer.setup.account}:{review.last}"

    def charts() -> tuple[Chart, ...]:
        return equity_charts(period(writer, Kind(review.kind), review.last).facts)

    return message_of(writer, key, Urgency.REPORT, page(review), charts)


def review_of(looked_at: Period, outside: Outside) -> Review:
    """Return the review of a period; that of an account has one of each of its sleeves."""
    review = _whole(_own(looked_at), looked_at, outside)
    if not looked_at.parts:
        return review
    sleeves = {part.facts.setup.strategy: _own(part) for part in looked_at.parts}
    # Single trades, and signals that were missed, are told with the sleeves.
    return replace(review, sleeves=sleeves, trades=(), open_trades=(), missed=())


def _own(looked_at: Period) -> Review:
    """Return what each sleeve has a review of its own of."""
    facts, paid = looked_at.facts, costs(looked_at)
    base = _result(looked_at, paid)
    if looked_at.kind is Kind.QUARTER:
        return replace(base, costs=paid)
    base = replace(
        base, regret=partial_bars.regrets(looked_at), projection_error_frac=partial_bars.projection_error(looked_at)
    )
    match looked_at.kind:
        case Kind.WEEK:
            return replace(
                base,
                accuracy=signal_accuracy(looked_at),
                missed=missed_signals(looked_at),
                validation=indicator_checks(looked_at, facts.strategy.history_sessions()),
            )
        case Kind.MONTH:
            return replace(base, standing=standings(looked_at), effects=effects(looked_at), costs=paid)
        case Kind.RUN:
            truths = quality.embedded(facts)
            return replace(
                base,
                trades=trade_lines(looked_at.writer.store, facts),
                open_trades=(),
                win_loss_start=None,
                accuracy=signal_accuracy(looked_at),
                standing=standings(looked_at),
                costs=paid,
                notes=(*truths, *(["Everything is simulated"] if truths else []), *facts.strategy.CAUTIONS),
                settings=_settings(facts),
            )


def _result(looked_at: Period, paid: Costs) -> Review:
    """Return what every kind of review tells: result, trades, costs."""
    facts = looked_at.facts
    sleeve, held = curves(facts)
    inside = np.array([looked_at.inside(day) for day in sleeve.days], dtype=bool)
    usd, frac = returns.since(sleeve, looked_at.first) if inside.any() else (None, None)
    benchmark = returns.since(held, looked_at.first)[1] if inside.any() else None
    deepest = float(returns.drawdown(sleeve)[inside].min()) if inside.any() else None
    if facts.is_fund:
        frac = benchmark = deepest = None
    trades = trade_lines(looked_at.writer.store, facts)
    closed = tuple(trade for trade in trades if trade.exit_session and looked_at.inside(trade.exit_session))
    still_open = tuple(_marked(trade, looked_at) for trade in trades if trade.exit_session is None)
    return Review(
        kind=looked_at.kind.value,
        first=looked_at.first,
        last=looked_at.end,
        complete=looked_at.complete,
        mode=facts.setup.settings.mode,
        account=facts.setup.account,
        strategy=facts.setup.strategy,
        symbol=facts.symbol,
        symbols=facts.universe,
        replayed=facts.replayed,
        sessions=len(looked_at.sessions),
        recorded=sum(1 for session in looked_at.sessions if session.day in looked_at.decisions),
        equity_usd=float(facts.points[-1].equity_usd) if facts.points else None,
        pnl_usd=rounded(usd),
        pnl_frac=rounded(frac),
        benchmark_frac=rounded(benchmark),
        trades=closed,
        open_trades=still_open,
        win_loss=win_loss(closed),
        win_loss_start=win_loss(trades),
        drawdown_frac=rounded(deepest),
        exposure_frac=_exposure(looked_at),
        paid_usd=None if paid.unknown else round(paid.paid_usd + paid.fees_usd, 6),
        state=facts.setup.chosen.state.value if facts.setup.sleeve else "",
    )


def _exposure(looked_at: Period) -> float | None:
    """Return the mean of shares at market as a fraction of equity; what the cash fund holds counts as cash."""
    if looked_at.facts.is_fund:
        return None
    funds = [part.facts for part in looked_at.parts if part.facts.is_fund]
    fund = {point.session: point.market_usd for facts in funds for point in facts.points}
    found = [
        float((point.market_usd - fund.get(point.session, 0)) / point.equity_usd)
        for point in looked_at.facts.points
        if looked_at.inside(point.session) and point.equity_usd > 0
    ]
    return round(sum(found) / len(found), 6) if found else None


def _settings(facts: SessionFacts) -> dict[str, str]:
    stored = facts.decision.settings if facts.decision else facts.setup.settings.document()
    own = stored.get("sleeve", {}).get(facts.setup.strategy)
    name = f"sleeve.{facts.setup.strategy}.rules" if own else f"strategy.{facts.setup.strategy}"
    tables = {
        "": {"mode": stored["mode"], "market.source": stored["market"]["source"]},
        f"{name}.": own["rules"] if own else stored["strategy"][facts.setup.strategy],
        "portfolio.": stored["portfolio"],
        "risk.": stored["risk"],
    }
    return {f"{prefix}{name}": _written(given) for prefix, table in tables.items() for name, given in table.items()}


def _written(given: object) -> str:
    """Return a setting as its file writes it, lists and tables without their brackets."""
    if isinstance(given, Mapping):
        return ", ".join(f"{name} {_written(one)}" for name, one in given.items())
    if isinstance(given, list):
        tables = any(isinstance(one, Mapping) for one in given)
        return ("; " if tables else ", ").join(map(_written, given))
    return str(given).lower() if given is None or isinstance(given, bool) else str(given)


def _whole(review: Review, looked_at: Period, outside: Outside) -> Review:
    """Return the review with what is told once, of the account: the system, the audit, taxes, the approved backtest."""
    sleeve, _ = curves(looked_at.facts)
    review = replace(review, backtest=backtest_line(looked_at.facts, sleeve))
    match looked_at.kind:
        case Kind.WEEK:
            return replace(review, slack=stability.slacks(looked_at))
        case Kind.MONTH:
            return replace(review, stability=stability.stability(looked_at))
        case Kind.QUARTER:
            return replace(
                review,
                stability=stability.stability(looked_at),
                audit=audit(looked_at, outside.secret_days, outside.vulnerabilities, outside.drill),
                drift=_drift(looked_at),
                tax=tax_lines(looked_at),
            )
        case Kind.RUN:
            return review


def _drift(looked_at: Period) -> tuple[DriftLine, ...]:
    # From the first to the last decision of the period.
    inside = sorted(day for day in looked_at.decisions if looked_at.inside(day))
    return drift_between(looked_at.decisions[inside[0]], looked_at.decisions[inside[-1]]) if inside else ()


def _marked(trade: TradeLine, looked_at: Period) -> TradeLine:
    # An open trade shows what it would bring at the last official close, what was sold and paid so far included.
    facts = looked_at.facts
    lots = facts.lots(trade.symbol)
    bars = facts.bars_of(trade.symbol)
    if not len(bars) or trade.commission_usd is None:
        return trade
    multiplier = lots[0].multiplier if lots else 1
    paid = trade.entry_price * trade.shares * multiplier
    held = sum(lot.shares for lot in lots) * multiplier
    since = [fill for fill in facts.fills if fill.symbol == trade.symbol and fill.session >= trade.entry_session]
    cash = float(sum(fill.cash_usd for fill in since))
    gain = cash + float(bars.close[-1]) * held - trade.commission_usd
    return replace(trade, pnl_usd=round(gain, 6), return_frac=round(gain / abs(paid), 6))
