"""The check-list for a paper account: what only a real gateway can show, step by step, with a record."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from mtum.app.desk import Desk
from mtum.app.owner.paper_check_record import (
    CANCELED,
    FILLED,
    FIRST_ORDER,
    SECOND_ORDER,
    Result,
    read_results,
    record_path,
)
from mtum.app.session.check_book import hours_apart
from mtum.app.session.confirm_fills import lists_with_fees
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import OrderType, Purpose, Side, Ticket, intent_id
from mtum.errors import ExitCode, MtumError, UsageError
from mtum.ports.broker import Accepted, Rehearsing

STRATEGY = "paper_check"
WINDOW_MINUTES = 40.0
"""From here the check may send: earlier than a trading day does."""


class Step(Struct, frozen=True):
    """One step: when it may begin (minutes before the close, negative after it) and what it does."""

    name: str
    minutes: float
    carry_out: Callable[[Desk, Session], str]


class StepFailedError(MtumError):
    """A step did not show what it must."""

    exit_code = ExitCode.PERSON


def paper_check(
    desk: Desk, session: Session, codes: Callable[[], Sequence[str]], tell: Callable[[str], None]
) -> dict[str, Any]:
    """Carry out every step at its time, or go on where an earlier start ended; the record is saved after each.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    codes : callable
        Every code the broker has sent today, one line each.
    tell : callable
        Hears what each step came to and how long is waited for the next.

    Raises
    ------
    UsageError
        If the mode is not paper, or it is too late in the session.
    BrokerError
        If no gateway can be reached at the start.
    """
    if desk.settings.mode != "paper":
        raise UsageError("paper-check buys a share: it runs in mode paper only")
    path = record_path(desk.data_dir, session.day)
    results = read_results(path)
    if not results and desk.clock.now() > session.before_close(25.0):
        raise UsageError("start paper-check 25 minutes before the close or earlier; best 35 minutes")
    desk.broker.connect()  # fail now, not after hours of waiting
    desk.broker.close()
    done = {result.name for result in results if result.passed}
    results = [result for result in results if result.passed]
    for step in STEPS:
        if step.name not in done:
            begins = session.before_close(step.minutes)
            if desk.clock.now() < begins:
                tell(f"waiting until {begins.astimezone(NEW_YORK):%H:%M} New York time: {step.name}")
            desk.clock.wait_until(begins)
            # Written before an order leaves: an interrupt in between must not hide it.
            _save(path, desk, session, results, codes(), step.name)
            results.append(_carried_out(desk, session, step))
            _save(path, desk, session, results, codes())
            tell(f"{'pass' if results[-1].passed else 'FAIL'}  {step.name}: {results[-1].found}")
    failed = [result for result in results if not result.passed]
    return {
        **json.loads(path.read_text(encoding="utf-8")),
        "record": path,
        "problems": [{"code": int(ExitCode.PERSON), "text": f"{one.name}: {one.found}"} for one in failed],
        "exit_code": int(ExitCode.PERSON if failed else ExitCode.DONE),
    }


def _carried_out(desk: Desk, session: Session, step: Step) -> Result:
    try:
        desk.broker.connect()
        found, passed = step.carry_out(desk, session), True
    except MtumError as error:
        found, passed = str(error), False
    return Result(step.name, passed, found, desk.clock.now().isoformat(timespec="seconds"))


def _login(desk: Desk, session: Session) -> str:
    account = desk.broker.lists().account
    return f"{account.code}, {account.kind.value} account, {account.settled_usd} USD settled of {account.cash_usd}"


def _contract(desk: Desk, session: Session) -> str:
    for error in hours_apart(desk, session, desk.symbols).values():
        raise error
    return ", ".join(f"{symbol} is {desk.broker.contract(symbol)}" for symbol in desk.symbols)


def _history(desk: Desk, session: Session) -> str:
    symbol = desk.symbols[0]
    bars = desk.source.history(symbol, session.day - timedelta(days=120), session.day - timedelta(days=1))
    if len(bars) < 60:
        raise StepFailedError(f"{len(bars)} daily bars of {symbol} in 120 days")
    now = desk.source.quote(symbol, session, desk.clock.now())
    usual = float(bars.tail(20).volume.mean())
    share = now.volume / usual if usual else 0.0
    if not 0.05 < share < 20:
        raise StepFailedError(f"today's volume {now.volume:.0f} and the usual {usual:.0f} are not in one unit")
    volume = f"volume so far {now.volume:.0f}, {share:.2f} of a usual session"
    return f"{len(bars)} bars; {volume}; last trade {now.seen_at:%H:%M} UTC"


def _vix(desk: Desk, session: Session) -> str:
    for name in desk.series:
        found = desk.source.series(name, session, desk.clock.now())
        if found is None or found.delayed:
            raise StepFailedError(f"{name}: {'delayed' if found else 'no value; is its market data subscribed?'}")
        return f"{name} {found.value:g}, seen {found.seen_at:%H:%M} UTC"
    return "the strategy needs no series"


def _trial(desk: Desk, session: Session) -> str:
    if not isinstance(desk.broker, Rehearsing):
        return "this broker has no trial orders"
    refused = desk.broker.what_if(_ticket(desk, session, Purpose.ENTER))
    if refused is not None:
        raise StepFailedError(refused)
    return "one share would be taken"


def _send(desk: Desk, session: Session, purpose: Purpose) -> str:
    ticket = _ticket(desk, session, purpose)
    if any(order.ref == ticket.ref for order in desk.broker.lists().orders):
        return f"{ticket.ref} was sent by an earlier start"
    # Known as ours before it leaves, so that no later run takes it for another installation's.
    desk.store.statements.acknowledge_foreign(ticket.ref, desk.clock.now(), STRATEGY)
    outcome = desk.broker.submit(ticket)
    if not isinstance(outcome, Accepted):
        raise StepFailedError(f"{ticket.ref}: {outcome}")
    return f"{ticket.ref} has permanent id {outcome.order.broker_id}"


def _read_back(desk: Desk, session: Session) -> str:
    desk.broker.close()
    desk.broker.connect()
    ref = _ticket(desk, session, Purpose.ENTER).ref
    found = [order for order in desk.broker.lists().orders if order.ref == ref and order.status.working]
    if len(found) != 1:
        raise StepFailedError(f"{len(found)} working orders {ref} after a new connection")
    return f"{ref} is {found[0].status.value} after a new connection"


def _cancel(desk: Desk, session: Session) -> str:
    ref = _ticket(desk, session, Purpose.ENTER).ref
    if not desk.broker.cancel(ref):
        raise StepFailedError(f"{ref} is still listed after its cancellation")
    return f"{ref} is gone from fresh lists"


def _late_cancel(desk: Desk, session: Session) -> str:
    ref = _ticket(desk, session, Purpose.INCREASE).ref
    gone = desk.broker.cancel(ref)
    return f"{ref}: a cancel 5 minutes before the close {'WAS taken' if gone else 'is refused; the order lives'}"


def _filled(desk: Desk, session: Session) -> str:
    ticket = _ticket(desk, session, Purpose.INCREASE)
    lists = lists_with_fees(desk)
    fills = [fill for fill in lists.fills if fill.ref == ticket.ref]
    if not fills:
        raise StepFailedError(f"{ticket.ref} has no execution")
    if any(fill.commission_usd is None for fill in fills):
        raise StepFailedError(f"{ticket.ref} was filled, but the fee is not known yet")
    statements = desk.store.statements
    external = statements.external_shares().get(ticket.symbol, Decimal(0)) + sum(fill.shares for fill in fills)
    statements.state_external(ticket.symbol, external, desk.clock.now(), f"filled as {ticket.ref}")
    fill = fills[-1]
    return f"{fill.shares} at {fill.price}, fee {fill.commission_usd} USD; kept as external, sell it by hand"


def _nothing_left(desk: Desk, session: Session) -> str:
    left = [order.ref for order in desk.broker.lists().orders if order.status.working]
    if left:
        raise StepFailedError(f"still working: {', '.join(left)}")
    return "no working order"


STEPS = (
    Step("login and account", 60, _login),
    Step("contract and hours", 60, _contract),
    Step("history and volume units", 60, _history),
    Step("volatility index", 60, _vix),
    Step("trial order", 60, _trial),
    Step(FIRST_ORDER, 30, lambda desk, session: _send(desk, session, Purpose.ENTER)),
    Step("read back by reference after a new connection", 30, _read_back),
    Step(CANCELED, 20, _cancel),
    Step(SECOND_ORDER, 20, lambda desk, session: _send(desk, session, Purpose.INCREASE)),
    Step("late cancel", 5, _late_cancel),
    Step(FILLED, -15, _filled),
    Step("nothing left working", -30, _nothing_left),
)
"""The check-list, in the order of the day."""


def _ticket(desk: Desk, session: Session, purpose: Purpose) -> Ticket:
    symbol = desk.symbols[0]
    key = intent_id(desk.account, session.day, STRATEGY, symbol, purpose)
    return Ticket(desk.account, symbol, Side.BUY, OrderType.MARKET_ON_CLOSE, 1, f"{key}-1")


def _save(
    path: Path,
    desk: Desk,
    session: Session,
    results: Sequence[Result],
    codes: Sequence[str],
    at_work: str | None = None,
) -> None:
    document = {
        "session": session.day.isoformat(),
        "account": desk.account,
        "library": desk.settings.broker.library,
        "steps": [asdict(result) for result in results],
        "at_work": at_work,
        "all_steps": len(STEPS),
        "codes": list(codes),
    }
    path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
