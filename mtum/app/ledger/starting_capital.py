"""Every sleeve is given its first cash once; what a sleeve that is gone left behind goes on in those that begin."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.book import SleeveRecords, starting_capital, with_capital
from mtum.core.market.sessions import Session
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.money import exact
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerAccount
from mtum.ports.records import CashMovement

ZERO = Decimal(0)


def ensure_capital(desk: Desk, session: Session) -> tuple[Problem, ...]:
    """Give each sleeve its starting capital, once; return which of them have less than their part to begin with.

    A sleeve with all the money takes over whatever is left of strategies that are gone: a change of strategy
    while flat moves the money that is there. None ever adds any.
    """
    day, left = session.day, _left_behind(desk)
    given = starting_usd(desk, lambda: desk.broker.lists().account.cash_usd)
    taker = next((one.name for one in desk.sleeves if one.weight == 1 and one.name not in given), None)
    needed = sum(left.values(), ZERO) if taker else sum(given.values(), ZERO)
    moved = _handed_on(left, needed, day, taker or ", ".join(given))
    moved += [starting_capital(name, day, usd) for name, usd in given.items() if usd > 0 or name == FUND]
    if taker is not None and left:
        note = f"from {', '.join(left)}"
        moved.append(CashMovement(f"taken_over:{taker}:{day}", taker, day, "deposit", needed, note))
    if moved:
        desk.store.ledger.move_cash(moved)
    parts = {one.name: _part(desk, one.weight) for one in desk.sleeves}
    return tuple(
        Problem(
            ExitCode.DONE,
            f"{name} begins with {usd:,.2f} USD, not with {parts[name]:,.2f}: no sleeve owns more than that of the "
            "cash at the broker",
        )
        for name, usd in given.items()
        if usd < parts[name] and not any(one.weight == 1 for one in desk.sleeves)
    )


def starting_usd(desk: Desk, cash_usd: Callable[[], Decimal]) -> dict[str, Decimal]:
    """Return what each sleeve that has not begun begins with.

    The first sleeves have their weights' parts of the capital. One that is added later has its part too, as far
    as there is cash that no sleeve owns.

    Parameters
    ----------
    cash_usd : callable
        Gives the broker's cash; asked where something began before.
    """
    real = [sleeve for sleeve in desk.sleeves if sleeve.owns_money]
    # The money of a sleeve that is only watched now is still its own.
    opened = {sleeve.name: desk.store.ledger.movements(sleeve.name, open_only=True) for sleeve in desk.sleeves}
    begun = [name for name, moved in opened.items() if any(one.kind == "capital" for one in moved)]
    new = [sleeve for sleeve in real if sleeve.name not in begun]
    if not new:
        return {}
    left = _left_behind(desk)
    if not begun and not left:
        return {sleeve.name: _part(desk, sleeve.weight) for sleeve in new}
    if new[0].weight == 1:
        return {new[0].name: sum(left.values(), ZERO) if left else _part(desk, 1)}
    free, found = max(ZERO, cash_usd() - sum(map(desk.store.books.cash, begun), ZERO)), {}
    for sleeve in new:
        found[sleeve.name] = min(_part(desk, sleeve.weight), to_cent(free))
        free -= found[sleeve.name]
    return found


def begun(
    desk: Desk, records: Mapping[str, SleeveRecords], broker: BrokerAccount, day: date
) -> dict[str, SleeveRecords]:
    """Return the sleeves' records with what each begins with that has not begun."""
    given = starting_usd(desk, lambda: broker.cash_usd)
    return {name: with_capital(one, name, day, given[name]) if name in given else one for name, one in records.items()}


def _part(desk: Desk, weight: float) -> Decimal:
    capital = exact(desk.settings.portfolio.capital_usd)
    return capital if weight == 1 else to_cent(capital * exact(weight))


def _left_behind(desk: Desk) -> Mapping[str, Decimal]:
    return desk.store.ledger.cash_of_others([sleeve.name for sleeve in desk.sleeves])


def _handed_on(left: Mapping[str, Decimal], needed: Decimal, day: date, to: str) -> list[CashMovement]:
    # Only what is needed leaves a strategy that is gone: it may come back.
    moved = []
    for other, cash in left.items():
        usd = min(cash, needed) if cash > 0 or needed < 0 else ZERO  # a debt is no money to begin with
        needed -= usd
        if usd:
            moved.append(CashMovement(f"handed_on:{other}:{day}", other, day, "withdrawal", -usd, f"goes on in {to}"))
    return moved
