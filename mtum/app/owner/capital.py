"""Money added to or taken from a strategy, recorded for the first session that is not closed yet."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from mtum.config import Settings
from mtum.errors import UsageError
from mtum.ports.books import BookStore, LedgerStore
from mtum.ports.records import CashMovement
from mtum.ports.time import Calendar, Clock

_LONGEST_CLOSURE = timedelta(days=14)
"""Longest run of days without a session."""


class CapitalChange(Struct, frozen=True):
    """What the owner says: USD above zero added or taken, and why."""

    adds: bool
    amount_usd: Decimal
    why: str


class Purse(Struct, frozen=True):
    """A strategy's cash: our record of it, the broker's account behind it, and the time.

    Parameters
    ----------
    transfer : callable
        Moves so much USD into the account (out of it when negative) where the account is simulated.
    today : date or None
        The market's date in New York; None where a replayed market waits for its next session.
    unsettled_usd : Decimal
        Part of the strategy's cash that has not settled yet and cannot leave.
    """

    strategy: str
    ledger: LedgerStore
    transfer: Callable[[Decimal], None]
    calendar: Calendar
    clock: Clock
    today: date | None
    unsettled_usd: Decimal = Decimal(0)


def addressee(ledger: LedgerStore, unsettled_usd: Mapping[str, Decimal], name: str | None) -> str:
    """Return whose money is meant: the sleeve that was named, else the only one there is.

    Parameters
    ----------
    ledger : LedgerStore
        Cash, lots and equity of each strategy, and the account as the broker showed it.
    unsettled_usd : mapping of sleeve to Decimal
        What of each sleeve's cash has not settled.
    name : str or None
        Name of the sleeve; None where none was named.

    Raises
    ------
    UsageError
        If there are several and none was named; it lists what each could give. If none has money of its own.
    """
    if name is not None and name not in unsettled_usd:
        use = f"use {' or '.join(unsettled_usd)}" if unsettled_usd else "set one on first"
        raise UsageError(f"{name} has no money of its own, as the cash fund and what is only watched have none; {use}")
    if not unsettled_usd:
        raise UsageError("every sleeve is only watched and has no money of its own; set one on first")
    if name is not None or len(unsettled_usd) == 1:
        return name or next(iter(unsettled_usd))
    cash = {one: sum((m.amount_usd for m in ledger.movements(one) if m.paid), Decimal(0)) for one in unsettled_usd}
    told = ", ".join(f"{one} {cash[one] - unsettled_usd[one]:,.2f} USD" for one in cash)
    raise UsageError(f"say whose money it is with --sleeve NAME; free cash: {told}")


def in_fund(books: BookStore, settings: Settings, name: str) -> Decimal:
    """Return what of a sleeve's cash cannot leave, USD, as all sleeves together have less: the rest is in the fund.

    Parameters
    ----------
    books : BookStore
        The part of orders, fills, cash and equity that bears on the session at hand.
    settings : Settings
        Settings in force.
    name : str
        Name of the sleeve.
    """
    owned = {one: books.cash(one) for one, sleeve in settings.configured().items() if sleeve.state != "watch"}
    return max(Decimal(0), owned[name] - max(Decimal(0), sum(owned.values(), Decimal(0))))


def change_capital(purse: Purse, change: CapitalChange) -> dict[str, Any]:
    """Record a deposit or withdrawal of a strategy's cash; equity knows it as a flow, never as profit.

    Raises
    ------
    UsageError
        If the strategy has not begun, or more is taken than it has in cash.
    """
    strategy, ledger = purse.strategy, purse.ledger
    movements = ledger.movements(strategy)
    if not movements:
        raise UsageError(f"{strategy} has not begun; portfolio.capital_usd is what it will start with")
    cash = sum((movement.amount_usd for movement in movements if movement.paid), Decimal(0))
    free = cash - purse.unsettled_usd
    if not change.adds and change.amount_usd > free:
        settled = f" of which {free:,.2f} have settled" if purse.unsettled_usd else ""
        raise UsageError(
            f"{strategy} has {cash:,.2f} USD in cash{settled}; {change.amount_usd:,.2f} cannot be taken from it"
        )
    amount = change.amount_usd if change.adds else -change.amount_usd
    kind = "deposit" if change.adds else "withdrawal"
    points = ledger.equity(strategy)
    first = points[-1].session + timedelta(days=1) if points else movements[0].session
    session = _open_session(purse.calendar, max(first, purse.today or first))
    key = f"{kind}:{strategy}:{purse.clock.now().isoformat()}"
    # In this order, so that an interrupt never leaves the account with less cash than the books say.
    if change.adds:
        purse.transfer(amount)
    ledger.move_cash([CashMovement(key, strategy, session, kind, amount, change.why)])
    if not change.adds:
        purse.transfer(amount)
    return {
        "strategy": strategy,
        "kind": kind,
        "amount_usd": amount,
        "session": session,
        "cash_usd": cash + amount,
        "why": change.why,
    }


def _open_session(calendar: Calendar, first: date) -> date:
    return calendar.sessions(first, first + _LONGEST_CLOSURE).known[0].day
