"""Fill what changes sleeves at the official close of its session."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from mtum.app.bars.refresh_bars import refresh_bars
from mtum.app.desk import Desk, Problem
from mtum.core.market.sessions import Sessions
from mtum.core.portfolio.fills import carried
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side
from mtum.errors import ExitCode, MtumError
from mtum.ports.records import Cross


def settle_crosses(desk: Desk, through: date) -> tuple[Problem, ...]:
    """Fill the crosses of sessions up to a day whose official close is cached; return what went wrong.

    One whose close is not there yet stays planned. One whose session has no close, while a later one has,
    lapses.
    """
    problems: list[Problem] = []
    for (day, symbol), both in _planned(desk, through).items():
        final = desk.store.bars.last_final(symbol, desk.source.name)
        if final is None or final < day:
            continue
        bar = desk.store.bars.bars(symbol, desk.source.name, day).find(day)
        session = desk.calendar.sessions(day, day).get(day)
        now = desk.clock.now()
        if bar is None or session is None:
            desk.store.crosses.lapse_crosses(both, now)
            shares = sum(one.shares for one in both if one.side is Side.BUY)
            text = f"{shares} {symbol} were to change sleeves at the close of {day}, which never came"
            problems.append(Problem(ExitCode.ORDER, text))
            continue
        # Cached prices are adjusted for later splits; the fill is booked in the shares of its own session.
        ratio = carried(symbol, day, desk.store.bars.actions()).shares
        price = exact(bar.close) * ratio if ratio != 1 else exact(bar.close)
        desk.store.crosses.fill_crosses(both, Decimal(str(round(float(price), 6))), session.close, now)
    return tuple(problems)


def settle_earlier_crosses(desk: Desk, day: date, sessions: Sessions) -> tuple[Problem, ...]:
    """Read the closes that crosses of sessions before a day wait for, and fill them; return what went wrong.

    What cannot be filled now is named: its sleeves' shares are not known, and nothing is decided on them.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    day : date
        The session's date.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    """
    waiting = {symbol for crossed, symbol in _planned(desk, day) if crossed < day}
    session = sessions.get(day)
    if not waiting or session is None:
        return ()
    problems: list[Problem] = []
    for symbol in sorted(waiting):
        try:
            refresh_bars(desk, symbol, session, sessions)
        except MtumError as error:
            problems.append(Problem(error.exit_code, f"{symbol}: the close of a cross is not known: {error}"))
    before = sessions.before(day)
    if before is not None:
        problems += settle_crosses(desk, before.day)
    return tuple(problems)


def _planned(desk: Desk, through: date) -> dict[tuple[date, str], list[Cross]]:
    found: dict[tuple[date, str], list[Cross]] = defaultdict(list)
    for cross in desk.store.crosses.planned_crosses():
        if cross.session <= through:
            found[cross.session, cross.symbol].append(cross)
    return found
