"""The findings at the top of a review: honest, and what needs a person first."""

from datetime import date

from mtum.core.reporting.layout import Tone
from mtum.core.reporting.parts.accuracy import Accuracy
from mtum.core.reporting.parts.audit import AuditLine
from mtum.core.reporting.parts.costs import Costs
from mtum.core.reporting.parts.expectation import BacktestLine, ExpectationLine
from mtum.core.reporting.parts.indicators import IndicatorCheck
from mtum.core.reporting.parts.missed import MissedSignal
from mtum.core.reporting.parts.stability import Stability
from mtum.core.reporting.parts.standing import Standing
from mtum.core.reporting.parts.timings import Slack
from mtum.core.reporting.review import Review, in_short
from mtum.core.reporting.stated import final
from support.values import replace

DAY = date(2026, 3, 6)
WEEK = Review("week", DAY, DAY, True, "practice", "A", "S", "MTUM", 5, 5, 5000.0, 0.0, 0.0, 0.0)
MONTH = replace(WEEK, kind="month")
GOOD = IndicatorCheck("rsi", "", 100, 4e-7, DAY, 0.0)


def told(review: Review) -> list[str]:
    return [line.text for line in in_short(review).blocks]  # type: ignore[union-attr]  # sentences alone


def urgent(review: Review) -> list[str]:
    return [line.text for line in in_short(review).blocks if line.tone is Tone.BAD]  # type: ignore[union-attr]


def rate(low: float, base: float, high: float) -> Accuracy:
    return Accuracy("vix_calm", "entry", 1, 100, 60, 40, 0.67, low, high, base, 0.0, 0.0)


def test_what_needs_a_person_comes_first() -> None:
    missed = (MissedSignal(DAY, "entry", "order expired", 10, 100.0, 0.02, 20.0),)
    found = told(replace(WEEK, recorded=4, missed=missed, validation=(GOOD,)))
    assert found == [
        "1 of 5 sessions were not decided.",
        "1 signal was missed; that cost 20.00 USD until the next close.",
        "Every indicator agrees with its second implementation.",
    ]


def test_a_missed_signal_that_was_luck_is_called_so() -> None:
    missed = (MissedSignal(DAY, "exit", "no run", 10, 100.0, -0.02, -20.0),)
    assert "by luck saved 20.00 USD" in urgent(replace(WEEK, missed=missed))[0]


def test_an_indicator_that_differs_or_is_undefined_once_is_urgent() -> None:
    apart = replace(GOOD, indicator="ma", largest=0.01)
    undefined = replace(GOOD, indicator="atr", largest=None)
    short = replace(GOOD, indicator="volume_average", unit="shares", largest=5e-4, warm_up=2.0)
    (line,) = urgent(replace(WEEK, validation=(GOOD, apart, undefined, short)))
    assert line == "Indicators differ from their second implementation: ma, atr and volume_average."


def test_only_rates_beyond_their_interval_are_told_and_chance_is_named() -> None:
    assert "no condition was right more or less often" in " ".join(told(replace(WEEK, accuracy=(rate(0.5, 0.6, 0.7),))))
    beyond = replace(WEEK, accuracy=(rate(0.62, 0.6, 0.7), rate(0.5, 0.6, 0.7)))
    assert "VIX calm (67% right after 1 session, base 60%). Of 2 rates, one in twenty" in " ".join(told(beyond))


def test_rates_whose_outcomes_overlap_prove_nothing() -> None:
    longer = replace(rate(0.62, 0.6, 0.7), horizon_sessions=20)
    assert told(replace(WEEK, accuracy=(longer,))) == ["No signal was missed."]


def test_a_lead_within_the_intervals_is_not_called_skill() -> None:
    ours = Standing("strategy", 300, 0.0, 0.20, 0.1, 1.0, -0.5, 2.5, -0.1)
    held = Standing("buy and hold", 300, 0.0, 0.15, 0.1, 0.8, -0.7, 2.3, -0.1)
    (line,) = told(replace(MONTH, standing=(ours, held)))
    assert line.startswith("Since the start 5.00 percentage points ahead of simply holding.")
    assert "cannot be told apart" in line
    apart = replace(held, sharpe_high=-0.6)
    assert "do not overlap" in told(replace(MONTH, standing=(ours, apart)))[0]
    unknown = replace(ours, sharpe_low=None)
    assert "Too little is known" in told(replace(MONTH, standing=(unknown, held)))[0]


def test_costs_are_set_beside_the_assumption() -> None:
    costs = Costs(2, 9000.0, 9.0, 11.5, 0, 0.0, 0.0, None, None)
    assert told(replace(MONTH, costs=costs)) == [
        "Commissions of 11.50 USD were paid, +2.50 USD against the assumption."
    ]


def test_steps_deadlines_audit_and_expectation_that_failed_are_urgent() -> None:
    lines = (
        ExpectationLine("return", final(-0.3), 0.01, -0.1, 0.1),
        ExpectationLine("deepest fall", final(-0.3), -0.2),
    )
    review = replace(
        MONTH,
        slack=(Slack("sent", 5, -1.5, DAY, 2.0),),
        stability=(Stability("settled", 5, 4),),
        audit=(AuditLine("restore drill", "attention", "there is no backup"), AuditLine("limits", "unknown", "-")),
        backtest=BacktestLine(DAY, DAY, 9, "official", "same_close", 5, lines),
    )
    assert urgent(review) == [
        "sent came 1.5 minutes after its deadline on 6 Mar 2026.",
        "Not every step was reached: settled 4 of 5.",
        "restore drill: there is no backup.",
        "Outside what the approved backtest led one to expect: return.",
    ]
    assert told(review)[-1] == "Could not be checked: limits."


def test_a_clean_quarter_says_so() -> None:
    clean = replace(
        MONTH, kind="quarter", audit=(AuditLine("halts", "ok", "0"),), stability=(Stability("started", 5, 5),)
    )
    assert told(clean) == [
        "Every session and every order reached every step.",
        "Every check of the audit is in order.",
    ]
