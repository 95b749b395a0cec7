"""What a review comes down to, in sentences: what needs a person first, then what may be concluded and what may not."""

from collections.abc import Iterable
from dataclasses import replace

from mtum.core.reporting import figures, words
from mtum.core.reporting.accuracy import Accuracy
from mtum.core.reporting.layout import Section, Sentence, Tone
from mtum.core.reporting.periods.review import IndicatorCheck, Review, Slack, Stability, Standing

AGREE = {"shares": 1e-3}
AGREE_ELSE = 1e-6
"""Two implementations agree when they differ by no more than their rounding, in the indicator's unit."""


def in_short(review: Review) -> Section:
    """Return the findings of a review, those that need a person first."""
    found = (
        *_decided(review),
        *_missed(review),
        *_validated(review.validation),
        *_slack(review.slack),
        *_stable(review.stability),
        *_audited(review),
        *_expected(review),
        *_accurate(review.accuracy),
        *_standing(review.standing),
        *_paid(review),
    )
    for name, one in review.sleeves.items():
        theirs = (line for line in in_short(one).blocks if isinstance(line, Sentence) and line.tone is Tone.BAD)
        # What the account has told of every sleeve is not told again.
        found += tuple(replace(line, text=f"{name}: {line.text}") for line in theirs if line not in found)
    urgent = [line for line in found if line.tone is Tone.BAD]
    return Section("in-short", "In short", (*urgent, *(line for line in found if line.tone is not Tone.BAD)))


def _needed(text: str) -> Sentence:
    return Sentence(text, Tone.BAD)


def _decided(review: Review) -> Iterable[Sentence]:
    missing = review.sessions - review.recorded
    if missing > 0:
        yield _needed(f"{missing} of {review.sessions} sessions were not decided.")


def _missed(review: Review) -> Iterable[Sentence]:
    if review.missed:
        cost = sum(line.cost_usd or 0.0 for line in review.missed)
        word = "cost" if cost >= 0 else "by luck saved"
        until = f"that {word} {figures.number(abs(cost))} USD until the next close"
        yield _needed(f"{_count(len(review.missed), 'signal')} led to no full order; {until}.")
    elif review.kind == "week" and not any(one.missed for one in review.sleeves.values()):
        yield Sentence("No signal was missed.")


def _validated(checks: tuple[IndicatorCheck, ...]) -> Iterable[Sentence]:
    if not checks:
        return
    apart = [check.indicator for check in checks if not _agrees(check)]
    if apart:
        yield _needed(f"Indicators differ from their second implementation: {words.listed(tuple(apart))}.")
    else:
        yield Sentence("Every indicator agrees with its second implementation.")


def _agrees(check: IndicatorCheck) -> bool:
    limit = AGREE.get(check.unit, AGREE_ELSE)
    return all(apart is not None and apart <= limit for apart in (check.largest, check.warm_up))


def _slack(slack: tuple[Slack, ...]) -> Iterable[Sentence]:
    for line in slack:
        if line.least_minutes < 0:
            late = figures.number(-line.least_minutes, 1)
            yield _needed(f"{line.step} came {late} minutes after its deadline on {figures.day(line.least_session)}.")
    if slack and all(line.least_minutes >= 0 for line in slack):
        least = min(line.least_minutes for line in slack)
        yield Sentence(f"No deadline was missed; the nearest was {figures.number(least, 1)} minutes away.")


def _stable(steps: tuple[Stability, ...]) -> Iterable[Sentence]:
    short = [f"{line.step} {line.reached} of {line.expected}" for line in steps if line.reached < line.expected]
    if short:
        yield _needed(f"Not every step was reached: {words.listed(tuple(short))}.")
    elif steps:
        yield Sentence("Every session and every order reached every step.")


def _audited(review: Review) -> Iterable[Sentence]:
    for line in review.audit:
        if line.result == "attention":
            yield _needed(f"{line.check}: {line.detail}.")
    unknown = tuple(line.check for line in review.audit if line.result == "unknown")
    if unknown:
        yield Sentence(f"Could not be checked: {words.listed(unknown)}.")
    if review.audit and not unknown and all(line.result == "ok" for line in review.audit):
        yield Sentence("Every check of the audit is in order.")


def _expected(review: Review) -> Iterable[Sentence]:
    for line in review.backtest.lines if review.backtest else ():
        if line.outside:
            yield _needed(f"Outside what the approved backtest led one to expect: {line.figure}.")


def _accurate(accuracy: tuple[Accuracy, ...]) -> Iterable[Sentence]:
    # Over longer horizons the outcomes overlap, and their intervals claim more than is known.
    accuracy = tuple(line for line in accuracy if line.horizon_sessions == 1)
    if not accuracy:
        return
    told = [line for line in accuracy if _beyond_chance(line)]
    if not told:
        yield Sentence("Over one session no condition was right more or less often than the base rate, beyond chance.")
        return
    symbols = [line.symbol for line in accuracy]
    named = tuple(
        f"{words.whose(line.symbol, symbols)}{words.condition(line.condition).words} ({_rates(line)})" for line in told
    )
    tried = sum(1 for line in accuracy if line.right_frac is not None)
    yield Sentence(f"Beyond chance: {words.listed(named)}. Of {tried} rates, one in twenty is so by chance.")


def _beyond_chance(line: Accuracy) -> bool:
    if line.low_frac is None or line.high_frac is None or line.base_frac is None:
        return False
    return not line.low_frac <= line.base_frac <= line.high_frac


def _rates(line: Accuracy) -> str:
    right, base = (figures.percent(frac, 0, sign=False) for frac in (line.right_frac, line.base_frac))
    return f"{right} right after {_count(line.horizon_sessions, 'session')}, base {base}"


def _standing(curves: tuple[Standing, ...]) -> Iterable[Sentence]:
    if len(curves) < 2:
        return
    ours, held = curves[0], curves[1]
    if ours.start_frac is None or held.start_frac is None:
        return
    ahead = ours.start_frac - held.start_frac
    word = "ahead of" if ahead >= 0 else "behind"
    points = figures.number(abs(ahead) * 100)
    yield Sentence(f"Since the start {points} percentage points {word} simply holding. {_luck(ours, held)}")


def _luck(ours: Standing, held: Standing) -> str:
    bounds = (ours.sharpe_low, ours.sharpe_high, held.sharpe_low, held.sharpe_high)
    if None in bounds:
        return "Too little is known to tell skill from luck."
    overlap = max(bounds[0] or 0.0, bounds[2] or 0.0) <= min(bounds[1] or 0.0, bounds[3] or 0.0)
    if overlap:
        return "Risk-adjusted, the two cannot be told apart: the intervals of their Sharpe ratios overlap."
    return "The intervals of the Sharpe ratios do not overlap."


def _paid(review: Review) -> Iterable[Sentence]:
    costs = review.costs
    if costs is None or not costs.fills:
        return
    more = costs.paid_usd - costs.assumed_usd
    beside = "as assumed" if abs(more) < 0.005 else f"{figures.number(more, sign=True)} USD against the assumption"
    yield Sentence(f"Commissions of {figures.number(costs.paid_usd)} USD were paid, {beside}.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
