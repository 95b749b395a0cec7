"""Whose cash is it? Given to each sleeve that begins, taken from one that is only watched, shared where one is gone."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from mtum.app.approvals.approve_settings import watched, watched_line
from mtum.app.desk import Desk, Problem
from mtum.app.ledger.sleeve_records import BEGINS_AGAIN, SleeveRecords, beginning, with_capital
from mtum.core.coordination.coordinate import pro_rata
from mtum.core.market.sessions import Session
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.sleeves import SleeveState
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerAccount
from mtum.ports.records import CashMovement

ZERO = Decimal(0)
HANDED_BACK = "handed_back:"
"""Prefix of the key of cash that a sleeve gave back when it was only watched; sleeve and session follow."""


def ensure_capital(desk: Desk, session: Session) -> tuple[Problem, ...]:
    """Give each sleeve its starting capital, once; return what there is to say of those that begin.

    A sleeve with all the money takes over whatever is left of strategies that are gone: a change of strategy
    while flat moves the money that is there. None ever adds any.
    """
    day = session.day
    known = {one.name: desk.store.ledger.movements(one.name, open_only=True) for one in desk.sleeves if one.owns_money}
    for moved in (_handed_back(desk, day), _earned_in_fund(desk, day, known)):
        desk.store.ledger.move_cash(moved)
    left = _left_behind(desk)
    given = starting_usd(desk, known, lambda: desk.broker.lists().account.cash_usd)
    taker = next((one.name for one in desk.sleeves if one.weight == 1 and one.name not in given), None)
    needed = sum(left.values(), ZERO) if taker else sum(given.values(), ZERO)
    moved = _handed_on(left, needed, day, taker or ", ".join(given))
    moved += [beginning(name, day, usd, known[name]) for name, usd in given.items() if usd > 0 or name == FUND]
    if taker is not None and left:
        note = f"from {', '.join(left)}"
        moved.append(CashMovement(f"taken_over:{taker}:{day}", taker, day, "deposit", needed, note))
    again = [name for name, usd in given.items() if usd > 0 and known[name]]
    with desk.store.together():
        desk.store.ledger.move_cash(moved)
        for name in again:  # the drawdown of its earlier life does not count against the new money
            desk.store.limits.count_peak_since(day, desk.clock.now(), name)
    parts = {one.name: one.part_of(_capital(desk)) for one in desk.sleeves}
    told = watched(desk.store, desk.settings, desk.account) if given else []
    less = [
        Problem(
            ExitCode.DONE,
            f"{name} begins with {usd:,.2f} USD, not with {parts[name]:,.2f}: no sleeve owns more than that of the "
            "cash at the broker",
        )
        for name, usd in given.items()
        if usd < parts[name] and not any(one.weight == 1 for one in desk.sleeves)
    ]
    return (*less, *(Problem(ExitCode.DONE, watched_line(row)) for row in told))


def starting_usd(
    desk: Desk, movements: Mapping[str, Sequence[CashMovement]], cash_usd: Callable[[], Decimal]
) -> dict[str, Decimal]:
    """Return what each sleeve that has not begun begins with, and one that trades again after it was watched.

    The first sleeves have their weights' parts of the capital. One that is added later has its part too, as far
    as there is cash that no sleeve owns. One that is only closed is given none.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    movements : mapping of sleeve to sequence of CashMovement
        Capital, flows and what is not paid, of every sleeve that owns money.
    cash_usd : callable
        Gives the broker's cash; asked where something began before.
    """
    real = [sleeve for sleeve in desk.sleeves if sleeve.owns_money]
    begun = [one.name for one in real if any(moved.kind == "capital" for moved in movements[one.name])]
    new = [
        sleeve
        for sleeve in real
        if sleeve.state is not SleeveState.CLOSE
        and (sleeve.name not in begun or (sleeve.state is SleeveState.ON and _has_nothing(movements[sleeve.name])))
    ]
    if not new:
        return {}
    left = _left_behind(desk)
    if not begun and not left:
        return {sleeve.name: sleeve.part_of(_capital(desk)) for sleeve in new}
    if new[0].weight == 1 and new[0].name not in begun:
        return {new[0].name: sum(left.values(), ZERO) if left else _capital(desk)}
    free, found = max(ZERO, cash_usd() - sum(map(desk.store.books.cash, begun), ZERO)), {}
    for sleeve in new:
        found[sleeve.name] = min(sleeve.part_of(_capital(desk)), to_cent(free))
        free -= found[sleeve.name]
    return found


def begun(
    desk: Desk, records: Mapping[str, SleeveRecords], broker: BrokerAccount, day: date
) -> dict[str, SleeveRecords]:
    """Return the sleeves' records with what each begins with that has not begun.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    records : mapping of str to SleeveRecords
        Records by sleeve.
    broker : BrokerAccount
        The account as the broker shows it; amounts in USD, other currencies left out.
    day : date
        The session's date.
    """
    given = starting_usd(desk, {name: one.movements for name, one in records.items()}, lambda: broker.cash_usd)
    return {name: with_capital(one, name, day, given[name]) if name in given else one for name, one in records.items()}


def _has_nothing(moved: Sequence[CashMovement]) -> bool:
    # Its money went back when it was watched, and it has been given none since.
    ways = [one.key for one in moved if one.key.startswith((HANDED_BACK, BEGINS_AGAIN))]
    return bool(ways) and ways[-1].startswith(HANDED_BACK)


def _handed_back(desk: Desk, day: date) -> list[CashMovement]:
    """Return what a sleeve still owned that is only watched now: its cash goes to what no sleeve owns."""
    found = []
    for sleeve in desk.sleeves:
        cash = ZERO if sleeve.owns_money else desk.store.books.cash(sleeve.name)
        if cash:
            kind, note = "withdrawal" if cash > 0 else "deposit", "only watched: no sleeve's cash any more"
            found.append(CashMovement(f"{HANDED_BACK}{sleeve.name}:{day}", sleeve.name, day, kind, -cash, note))
    return found


def _earned_in_fund(desk: Desk, day: date, movements: Mapping[str, Sequence[CashMovement]]) -> list[CashMovement]:
    """Return what a cash fund that is gone earned or lost, shared by the sleeves whose idle cash was in it.

    In proportion to their cash, else to their weights; it is profit or loss of theirs, no money put in.
    """
    if any(sleeve.name == FUND for sleeve in desk.sleeves):
        return []
    earned = to_cent(desk.store.books.cash(FUND))
    owning = [one for one in desk.sleeves if movements.get(one.name)]
    if not earned or not owning:
        return []
    cash = [max(0, int(desk.store.books.cash(one.name) * 100)) for one in owning]
    weights = cash if any(cash) else [round(one.weight * 10**9) for one in owning]
    parts = pro_rata(int(abs(earned) * 100), weights)
    note = f"what the cash fund {'earned' if earned > 0 else 'lost'} is the sleeves'"
    shares = [(one.name, (Decimal(part) / 100).copy_sign(earned)) for one, part in zip(owning, parts, strict=True)]
    return [
        CashMovement(f"fund:{name}:{day}", name, day, "adjustment", usd, note)
        for name, usd in ((FUND, -earned), *shares)
        if usd
    ]


def _capital(desk: Desk) -> Decimal:
    return exact(desk.settings.portfolio.capital_usd)


def _left_behind(desk: Desk) -> Mapping[str, Decimal]:
    return desk.store.ledger.cash_of_others([sleeve.name for sleeve in desk.sleeves])


def _handed_on(left: Mapping[str, Decimal], needed: Decimal, day: date, to: str) -> list[CashMovement]:
    # Take no more than is needed from a strategy that was removed: it may be switched on again.
    moved = []
    for other, cash in left.items():
        usd = min(cash, needed) if cash > 0 or needed < 0 else ZERO  # negative cash cannot fund a sleeve
        needed -= usd
        if usd:
            moved.append(CashMovement(f"handed_on:{other}:{day}", other, day, "withdrawal", -usd, f"goes on in {to}"))
    return moved
