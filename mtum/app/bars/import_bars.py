"""Take bars from a person: the file replaces what the cache holds."""

from collections.abc import Mapping
from datetime import date

from msgspec.structs import replace

from mtum.app.bars.accept_bars import Reading, Refresh, accept_bars, judge_answer
from mtum.app.bars.accept_closes import accept_closes
from mtum.app.bars.bar_desk import BarDesk
from mtum.app.bars.restatements import released
from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Session
from mtum.core.market.validation import BarProblem, Rule, problems_in_history, session_days
from mtum.core.market.vix import HIGHEST, LOWEST
from mtum.errors import BarsInvalidError
from mtum.ports.records import QuarantinedBar

_MAY_BE_REAL = (Rule.SPIKE, Rule.LOOKS_LIKE_SPLIT)
"""Rules that a real move may break: its bar waits for a person's word, and the file for the next import."""


def problems_before_import(desk: BarDesk, bars: Bars, file: str) -> tuple[BarProblem, ...]:
    """Return every rule that bars of a file break; an import with problems takes nothing.

    Only bars of moves that may be real are kept, for a person to release; then the file passes with these numbers.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    file : str
        Name of the file, for messages.
    """
    days = tuple(one.day for one in desk.calendar.sessions(bars.day(0), bars.last_day))
    found = problems_in_history(bars, session_days(days), released=released(desk, bars))
    doubted = [(one, bar) for one in found if one.rule in _MAY_BE_REAL and (bar := bars.find(one.session))]
    at = desk.clock.now()
    desk.store.quarantine.keep_out(
        [QuarantinedBar(bars.symbol, bars.source, bar, one.rule.value, one.found, at) for one, bar in doubted]
    )
    ids = {
        (one.bar.day, one.rule): one.id
        for one in desk.store.quarantine.kept_out(bars.symbol)
        if one.source == bars.source
    }
    told = []
    for one in found:
        mended, number = mended_in_file(one, file), ids.get((one.session, one.rule.value))
        way = f"{mended.advice}; a real move is accepted with `mtum bars release {number}`, then import it again"
        told.append(mended if one.rule not in _MAY_BE_REAL else replace(mended, advice=way))
    return tuple(told)


def mended_in_file(problem: BarProblem, file: str) -> BarProblem:
    """Return a problem with the way out that a file has: it is read as it is."""
    match problem.rule:
        case Rule.MISSING_SESSION:
            advice = f"add the session to {file}"
        case Rule.NOT_A_SESSION:
            advice = f"drop the bar from {file}"
        case Rule.LOOKS_LIKE_SPLIT:
            advice = f'correct {file}, or record the split in its column split and set [market] csv_prices = "raw"'
        case _:
            advice = f"correct {file}"
    return replace(problem, advice=advice)


def import_bars(desk: BarDesk, bars: Bars) -> Refresh:
    """Take bars without problems into the cache under their own source; earlier values go to revisions.

    Sessions that are not over are left out.
    """
    cached = desk.store.bars.bars(bars.symbol, bars.source)
    last = max([bars.last_day, *([cached.last_day] if len(cached) else [])])
    # An older part may be imported after a newer one; the cached bars after it must fit, even across a gap.
    known = frozenset(cached.days.astype(object).tolist())
    finished = tuple(one for one in _finished(desk, bars.day(0), last) if one.day <= bars.last_day or one.day in known)
    answer = judge_answer(desk, Reading(cached, bars, finished, desk.clock.now(), trusted=True))
    accept_bars(desk.store, [answer])
    return replace(answer.refresh, read=len(bars), notes=_left_out(len(bars) - answer.refresh.read))


def import_closes(desk: BarDesk, key: tuple[str, str], closes: Mapping[date, float]) -> Refresh:
    """Take official closes of an index into the cache; values of days the exchange was shut are left out.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    key : (str, str)
        Name of the series, and the source it is kept under.
    closes : mapping of date to float
        Official closes by session, index points.

    Raises
    ------
    BarsInvalidError
        If a value is outside 5 to 150; nothing is taken then.
    """
    name, source = key
    wrong = [day for day, points in closes.items() if not LOWEST <= points <= HIGHEST]
    if wrong:
        raise BarsInvalidError(
            f"{name} {wrong[0]}: {closes[wrong[0]]:g} is outside {LOWEST:g} to {HIGHEST:g}; correct the file"
        )
    finished = _finished(desk, min(closes), max(closes))
    new = accept_closes(desk.store.bars, key, closes, finished, desk.clock.now(), trusted=True)
    newest = max(desk.store.bars.series(name, source), default=None)
    left = len(closes.keys() - {one.day for one in finished})
    return Refresh(name, source, newest, len(closes), new, notes=_left_out(left))


def _left_out(rows: int) -> tuple[str, ...]:
    return (f"{rows} left out, as there is no session that day or it is not over",) if rows else ()


def _finished(desk: BarDesk, first: date, last: date) -> tuple[Session, ...]:
    now = desk.clock.now()
    return tuple(one for one in desk.calendar.sessions(first, last) if one.close <= now)
