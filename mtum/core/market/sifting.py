"""Which freshly read bars may enter the cache, and which are kept out for a person to look at?"""

from datetime import date

import numpy as np
from msgspec import Struct

from mtum.core.market.bars import Bar, Bars, Days, selected
from mtum.core.market.validation import MOVE_SESSIONS, BarProblem, Rule, problems_in_history, session_days

VALUE_RULES = frozenset({Rule.NOT_A_NUMBER, Rule.NOT_POSITIVE, Rule.OUT_OF_RANGE, Rule.NO_VOLUME, Rule.NOT_A_SESSION})
"""Rules a bar breaks by itself, whatever stands beside it."""
CONTEXT_SESSIONS = MOVE_SESSIONS + 2
"""Bars before the first new one that the rules look back on."""


class Sifted(Struct, frozen=True):
    """What is left of joined bars, and what was found.

    Parameters
    ----------
    bars : Bars
        The joined bars without those kept out.
    kept_out : tuple of (Bar, BarProblem)
        New bars that break a rule.
    problems : tuple of BarProblem
        Rules that what is left still breaks: missing sessions, and accepted bars made doubtful by newer ones.
    """

    bars: Bars
    kept_out: tuple[tuple[Bar, BarProblem], ...]
    problems: tuple[BarProblem, ...]


def sifted(
    joined: Bars,
    new: frozenset[date],
    sessions: Days,
    released: frozenset[date],
) -> Sifted:
    """Keep new bars out that break a rule.

    Bars that are wrong by themselves go first, all at once; then moves are judged from the oldest on,
    one by one, because a bad bar makes the good one behind it look like a jump.

    Parameters
    ----------
    joined : Bars
        Cached and new bars, from `CONTEXT_SESSIONS` before the first new one on.
    new : frozenset of date
        Sessions that are not in the cache and may be kept out.
    sessions : array of datetime64[D]
        Sessions that have to be there, oldest first.
    released : frozenset of date
        Sessions whose bars a person declared real.
    """
    bars, kept_out = joined, list[tuple[Bar, BarProblem]]()
    while True:
        problems = problems_in_history(bars, sessions, released=released)
        mine = [problem for problem in problems if problem.session in new and bars.find(problem.session)]
        wrong = [problem for problem in mine if problem.rule in VALUE_RULES] or mine[:1]
        if not wrong:
            return Sifted(bars, tuple(kept_out), problems)
        by_day = {problem.session: problem for problem in reversed(wrong)}
        kept_out += [(bar, by_day[day]) for day in by_day if (bar := bars.find(day)) is not None]
        bars = selected(bars, ~np.isin(bars.days, session_days(tuple(by_day))))
