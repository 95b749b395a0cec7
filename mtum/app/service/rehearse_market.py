"""Would today's run have its market: bars, dividends and series of everything that is looked at?"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from mtum.app.bars.judge_today import judge_vix
from mtum.app.desk import Desk
from mtum.app.ledger.equity import LAST_CLOSE_WITHIN
from mtum.app.ledger.sleeve_records import held_lots
from mtum.app.ledger.virtual import virtual_records
from mtum.app.session.ask_ahead import ask_quotes
from mtum.app.session.gather import seen_today
from mtum.core.market.coverage import Dividends
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.sleeves import series_of
from mtum.errors import DataError, ExitCode, MtumError


class CheckState(Enum):
    """What a check came to; only `NO_GO` stops today's run."""

    OK = "ok"
    WARNING = "warning"
    NO_GO = "no-go"
    SKIPPED = "skipped"


class Check(Struct, frozen=True):
    """One line: what was looked at, what was found, what to do, and the exit code the run would have."""

    name: str
    state: CheckState
    found: str
    remedy: str = ""
    exit_code: ExitCode = ExitCode.DONE


def market_checks(desk: Desk, session: Session) -> Iterator[Check]:
    """Look at today's bar, dividend and series of everything that a sleeve looks at."""
    now = desk.clock.now()
    symbols = dict.fromkeys(symbol for sleeve in desk.deciding for symbol in sleeve.looks_at)
    if now >= session.open:
        ask_quotes(desk, [*symbols], (session, _around(desk, session), now))
    seen = [(symbol, check) for symbol in symbols for check in _of_symbol(desk, symbol, session, now)]
    unfit = {symbol for symbol, check in seen if check.state is CheckState.NO_GO}
    stopped = {symbol for symbol in unfit if _stops(desk, session, symbol, unfit)}
    for symbol, check in seen:
        if check.state is CheckState.NO_GO and symbol not in stopped:
            yield replace(check, state=CheckState.WARNING, remedy=f"{check.remedy}; the run goes on without it")
        else:
            yield check
    for name in series_of(desk.deciding):
        yield _vix(desk, name, session, now)


def _of_symbol(desk: Desk, symbol: str, session: Session, now: datetime) -> Iterator[Check]:
    check, told_today = _running_bar(desk, symbol, session, now)
    yield check
    asking = [one.name for one in desk.deciding if one.strategy.TOTAL_RETURNS and symbol in one.looks_at]
    with suppress(DataError):  # then the missing bar is reported as well
        told = desk.source.coverage(symbol).dividends is not Dividends.UNKNOWN
        if not asking or (told and told_today):
            return
        what = "what goes ex today" if told else "its dividends"
        found = f"{desk.source.name} does not tell {what}, and {', '.join(asking)} needs total returns"
        remedy = 'market.dividend_source = "yahoo" or "file"' if desk.source.name == "ib" else "another market.source"
        yield Check(f"dividends {symbol}", CheckState.NO_GO, found, f"{remedy} tells them", ExitCode.DATA)


def _stops(desk: Desk, session: Session, symbol: str, unfit: Collection[str]) -> bool:
    """Whether the run would end in exit 3 for this symbol: it is held, or no sleeve decides anything without it."""
    stuck = [sleeve for sleeve in desk.deciding if {*sleeve.looks_at} & {*unfit} and sleeve.is_stuck(unfit)]
    if len(stuck) == len(desk.deciding):
        return True
    for sleeve in desk.deciding:
        if sleeve.owns_money:
            own = held_lots(desk.store)
        else:
            own = virtual_records(desk.store, desk.source.name, desk.account, sleeve, session.day).lots
        held = {lot.symbol for lot in own if lot.strategy == sleeve.name}
        if symbol in sleeve.looks_at and held and (symbol in held or not sleeve.strategy.EACH_BY_ITSELF):
            return True
    return False


def _around(desk: Desk, session: Session) -> Sessions:
    return desk.calendar.sessions(session.day - LAST_CLOSE_WITHIN, session.day)


def _running_bar(desk: Desk, symbol: str, session: Session, now: datetime) -> tuple[Check, bool]:
    """Judge today's bar as the run will, behind an incomplete history by itself; whether its dividend is told too."""
    name = f"market data {symbol}"
    if now < session.open:
        said = f"no bar before the session opens at {session.open:%H:%M} UTC"
        return Check(name, CheckState.SKIPPED, said), True
    before = _around(desk, session).before(session.day)
    stored = desk.store.bars.bars(symbol, desk.source.name).until(session.day - timedelta(days=1))
    complete = before is not None and len(stored) and stored.last_day == before.day
    try:
        seen = seen_today(desk, stored if complete else stored.tail(0), session, now)
    except MtumError as error:
        said = "is the source up, and are you subscribed?"
        return Check(name, CheckState.NO_GO, str(error), said, ExitCode.DATA), True
    bar, judged = seen.today.bar, seen.judged
    for problem in judged.blocking:
        found = f"{problem.rule.value}: {problem.found}"
        return Check(name, CheckState.NO_GO, found, problem.advice, ExitCode.DATA), seen.dividend_told
    found = f"{bar.close:.2f} USD seen {seen.today.seen_at:%H:%M:%S} UTC ({desk.source.name})"
    if judged.entry_bar:
        said = "; ".join((found, *judged.notes))
        check = Check(name, CheckState.WARNING, said, f"entries are barred ({judged.entry_bar})")
        return check, seen.dividend_told
    return Check(name, CheckState.OK, found), seen.dividend_told


def _vix(desk: Desk, name: str, session: Session, now: datetime) -> Check:
    found = judge_vix(desk, name, session, now)
    said = "; ".join(text for _, text in found.problems)
    if found.for_entry is None:
        remedy = "entries are barred and the VIX exit is off while it is missing"
        return Check(f"market data {name}", CheckState.WARNING, said, remedy)
    return Check(f"market data {name}", CheckState.OK, f"{found.for_entry:.2f}" + (f" ({said})" if said else ""))
