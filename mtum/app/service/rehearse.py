"""Go or no-go: would today's run succeed, and if not, what is to be done about it?"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from mtum.app.approvals.approve_settings import entries_stopped
from mtum.app.desk import Desk
from mtum.app.ledger.dividends import DIVIDEND_DIFFERS
from mtum.app.service.rehearse_market import Check, CheckState, market_checks
from mtum.app.session.check_book import check_book
from mtum.app.session.close_untraded import untraded_problems
from mtum.app.session.our_books import open_books
from mtum.core.canonical import parsed
from mtum.core.indicators import column_of
from mtum.core.market.calendars import calendars_agree
from mtum.core.market.sessions import Session
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderStatus, OrderType, Side, Ticket
from mtum.errors import BrokerError, ExitCode, MtumError, worst
from mtum.ports.broker import BrokerLists, Rehearsing

MIN_FREE_BYTES = 200_000_000
TOLD_FOR = timedelta(days=30)
"""How long a dividend that differed from its estimate is shown."""
TRIAL, TRIAL_REF = "trial order", "rehearsal"
ROOM = Decimal("1.01")
"""A trial purchase leaves this room for a move of the price and for the fee."""


class Rehearsal(Struct, frozen=True):
    """Every check, in the order a run would need them; no session where none is left to play."""

    session: Session | None
    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> ExitCode:
        """The exit code today's run would have."""
        return worst(check.exit_code for check in self.checks if check.state is CheckState.NO_GO)

    @property
    def document(self) -> dict[str, Any]:
        """The rehearsal as plain JSON values."""
        bad = [check for check in self.checks if check.state is CheckState.NO_GO]
        return {
            "session": self.session.day.isoformat() if self.session else None,
            "go": not bad,
            "checks": [
                {"name": check.name, "state": check.state.value, "found": check.found, "remedy": check.remedy}
                for check in self.checks
            ],
            "problems": [
                {"code": int(check.exit_code), "text": f"{check.name}: {check.found}; {check.remedy}"} for check in bad
            ],
            "exit_code": int(self.exit_code),
        }


class Surroundings(Struct, frozen=True):
    """What a rehearsal asks outside the ports, handed in by wiring.

    Parameters
    ----------
    damage : callable
        Everything wrong with the database, one line each.
    unreachable : callable
        Channels that cannot be reached now: (name, reason); nothing is sent.
    anybody_told : bool
        Whether a message reaches somebody who is not at the terminal.
    """

    free_bytes: Callable[[], int]
    damage: Callable[[], tuple[str, ...]]
    unreachable: Callable[[], tuple[tuple[str, str], ...]]
    anybody_told: bool = True


def rehearse(desk: Desk, session: Session, around: Surroundings) -> Rehearsal:
    """Look at everything a run needs, without sending or changing anything.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    around : Surroundings
        What a rehearsal asks outside the ports, handed in by wiring.
    """
    checks = [*_installation(desk, around), *_control(desk), *_broker(desk, session), *market_checks(desk, session)]
    return Rehearsal(session, (*checks, _indicators(desk), _messages(around)))


def failed_rehearsal(session: Session, error: MtumError) -> Rehearsal:
    """Return the rehearsal that could not even begin."""
    remedy = "until this is put right nothing can run"
    return Rehearsal(session, (Check("start", CheckState.NO_GO, str(error), remedy, ExitCode(error.exit_code)),))


def over_rehearsal(desk: Desk, around: Surroundings) -> Rehearsal:
    """Return the rehearsal of a replayed market whose last session has been played: there is nothing to stop."""
    over = Check("session", CheckState.OK, "every session of the replayed market has been played", "a fresh --data-dir")
    return Rehearsal(None, (over, *_installation(desk, around), *_control(desk), _messages(around)))


def _installation(desk: Desk, around: Surroundings) -> Iterator[Check]:
    held = untraded_problems(desk)
    if held:
        remedy = "nothing is decided before"
        yield Check("settings", CheckState.NO_GO, "; ".join(held), remedy, ExitCode.USAGE)
    else:
        running = f"{'strategy' if len(desk.sleeves) == 1 else 'sleeves'} {desk.names}"
        yield Check("settings", CheckState.OK, f"mode {desk.settings.mode}, {running}")
    free = around.free_bytes()
    if free < MIN_FREE_BYTES:
        remedy = f"free at least {MIN_FREE_BYTES // 1_000_000} MB in {desk.data_dir}"
        yield Check("disk", CheckState.NO_GO, f"{free // 1_000_000} MB free", remedy, ExitCode.DATA)
    else:
        yield Check("disk", CheckState.OK, f"{free / 1e9:.1f} GB free")
    damage = around.damage()
    if damage:
        remedy = "put a sound copy in place: `mtum restore FILE`"
        yield Check("store", CheckState.NO_GO, f"{len(damage)} faults, the first: {damage[0]}", remedy, ExitCode.DATA)
    else:
        yield Check("store", CheckState.OK, "sound")


def _control(desk: Desk) -> Iterator[Check]:
    restriction = desk.store.control.restriction()
    halts = desk.store.control.halts(in_force=True)
    why = f"{restriction.value}: {halts[-1].why}" if halts else "no halt in force"
    match restriction:
        case Restriction.NONE:
            yield Check("halts", CheckState.OK, why)
        case Restriction.REDUCE_ONLY:
            yield Check("halts", CheckState.WARNING, why, "entries are stopped; `mtum resume` lifts it")
        case Restriction.FULL:
            yield Check("halts", CheckState.NO_GO, why, "nothing is sent; `mtum resume` lifts it", ExitCode.HALTED)
    differed = parsed(dict[str, Any], desk.store.control.meta(DIVIDEND_DIFFERS) or "{}", DIVIDEND_DIFFERS)
    if differed and desk.clock.now().date() - date.fromisoformat(differed["session"]) <= TOLD_FOR:
        remedy = 'another amount: see market.dividend_source ("yahoo", "file"); of tax withheld nothing need be done'
        yield Check("dividends paid", CheckState.WARNING, differed["text"], remedy)
    unapproved = entries_stopped(desk.store.approvals, desk.settings)
    if unapproved:
        yield Check("approval", CheckState.NO_GO, unapproved, "look at `mtum config show` first", ExitCode.HALTED)
    open_ones = (OrderStatus.UNKNOWN, OrderStatus.SUBMITTING)
    unknown = [state.intent.ref for state in desk.store.orders.states() if state.status in open_ones]
    if unknown:
        remedy = "look at the broker's own screen, then `mtum reconcile`"
        yield Check("orders", CheckState.NO_GO, f"outcome unknown: {', '.join(unknown)}", remedy, ExitCode.PERSON)
    else:
        yield Check("orders", CheckState.OK, "no order of unknown outcome")


def _broker(desk: Desk, session: Session) -> list[Check]:
    checks: list[Check] = []
    try:
        desk.broker.connect()
    except MtumError as error:
        remedy = "log the gateway in; is its API on, and is the port the one in [broker]?"
        return [Check("broker", CheckState.NO_GO, str(error), remedy, ExitCode(error.exit_code))]
    try:
        lists = desk.broker.lists()
        checks.append(Check("broker", CheckState.OK, f"{desk.broker.name}, account {lists.account.code}"))
        checks += [_account(desk, lists), _skew(desk), _hours(desk, session), _book(desk, lists, session)]
        checks += _what_if(desk, lists, session)
        if desk.chains is not None:
            from mtum.app.service.rehearse_options import option_checks

            checks += option_checks(desk, desk.chains)
    except MtumError as error:
        remedy = "`mtum doctor` again; restart the gateway if it stays"
        checks.append(Check("broker lists", CheckState.NO_GO, str(error), remedy, ExitCode(error.exit_code)))
    finally:
        desk.broker.close()
    return checks


def _account(desk: Desk, lists: BrokerLists) -> Check:
    if lists.account.code != desk.account:
        found = f"connected to {lists.account.code}, settings name {desk.account}"
        return Check(
            "account", CheckState.NO_GO, found, "correct broker.account or the gateway's login", ExitCode.USAGE
        )
    cash = f"{lists.account.kind.value} account, {lists.account.settled_usd:,.2f} USD settled"
    if lists.account.cash_usd < 0:
        return Check("account", CheckState.WARNING, f"{cash}, cash below zero", "entries wait until cash is 0 or more")
    return Check("account", CheckState.OK, cash)


def _skew(desk: Desk) -> Check:
    skew = abs((desk.broker.server_time() - desk.clock.now()).total_seconds())
    limit = desk.settings.broker.max_clock_skew_seconds
    if skew > limit:
        remedy = "set this computer's clock (timedatectl set-ntp true)"
        return Check("clock", CheckState.NO_GO, f"{skew:.0f} s from the broker's", remedy, ExitCode.BROKER)
    return Check("clock", CheckState.OK, f"{skew:.1f} s from the broker's")


def _hours(desk: Desk, session: Session) -> Check:
    symbol = desk.symbols[0]
    differs = calendars_agree(session.day, session, desk.broker.session_hours(symbol, session.day))
    if differs:
        return Check("calendar", CheckState.NO_GO, differs, "no order is sent while they differ", ExitCode.DATA)
    half = ", a half day" if session.half_day else ""
    return Check("calendar", CheckState.OK, f"{session.day} closes {session.close:%H:%M} UTC{half}; the broker agrees")


def _book(desk: Desk, lists: BrokerLists, session: Session) -> Check:
    found = check_book(desk, open_books(desk, lists, session), lists, session)
    if found.problems:
        problem = found.problems[0]
        return Check(
            "positions", CheckState.NO_GO, problem.text, "`mtum reconcile` shows both sides", problem.exit_code
        )
    held = ", ".join(f"{shares} {symbol}" for symbol, shares in lists.positions.items() if shares)
    foreign = [one.words for one in lists.others if one.pins is None]
    others = f"; also in the account: {', '.join(foreign)}" if foreign else ""
    return Check("positions", CheckState.OK, f"as recorded ({held or 'none'}){others}")


def _what_if(desk: Desk, lists: BrokerLists, session: Session) -> Iterator[Check]:
    broker = desk.broker
    if not isinstance(broker, Rehearsing):
        yield Check(TRIAL, CheckState.SKIPPED, f"{broker.name} has no trial orders")
        return
    last = session.before_close(desk.settings.schedule.last_send_minutes)
    if last < broker.server_time() < session.close:
        yield Check(TRIAL, CheckState.SKIPPED, "too near the close: one that became a real order could not be canceled")
        return
    # What comes and goes by assignment alone is never ordered.
    ordered = {symbol for sleeve in desk.sleeves if not sleeve.strategy.OPTIONS for symbol in sleeve.symbols}
    for symbol in (one for one in desk.symbols if desk.chains is None or one in ordered):
        held = int(lists.positions.get(symbol, 0))
        for ticket in _trials(desk, lists, symbol):
            name = f"{TRIAL} {ticket.side.value} {ticket.shares} {symbol}"
            try:
                refused = broker.what_if(ticket)
            except BrokerError as error:
                yield Check(
                    name, CheckState.NO_GO, str(error), "`mtum doctor` again once that is done", ExitCode.BROKER
                )
                return
            became = _became_real(desk, lists, ticket)
            if became is not None:
                yield became
                return
            if refused:
                # No purchase is planned of a symbol that is held.
                state = CheckState.WARNING if held > 0 and ticket.side is Side.BUY else CheckState.NO_GO
                yield Check(name, state, refused, "trading permission, funds or order type", ExitCode.ORDER)
            else:
                yield Check(name, CheckState.OK, "the broker would take it")
        if held <= 0 and _spendable(lists) < desk.broker.price(symbol) * ROOM:
            found = f"{_spendable(lists):,.2f} USD do not buy one share of {symbol}"
            yield Check(f"{TRIAL} BUY {symbol}", CheckState.SKIPPED, found, "a run would buy nothing")


def _trials(desk: Desk, lists: BrokerLists, symbol: str) -> Iterator[Ticket]:
    """Yield orders that the account could place now: one share, and what of the position no order sells yet."""
    working = [order for order in lists.orders if order.symbol == symbol and order.may_fill]
    selling = sum(order.shares - order.filled for order in working if order.side is Side.SELL)
    free = int(lists.positions.get(symbol, 0)) - selling
    buying = any(order.side is Side.BUY for order in working)
    one = 1 if not buying and _spendable(lists) >= desk.broker.price(symbol) * ROOM else 0
    for side, shares in ((Side.BUY, one), (Side.SELL, free)):
        if shares > 0:
            yield Ticket(desk.account, symbol, side, OrderType.MARKET_ON_CLOSE, shares, TRIAL_REF)


def _spendable(lists: BrokerLists) -> Decimal:
    account = lists.account
    return min(account.settled_usd, account.cash_usd) if account.kind is AccountKind.CASH else account.cash_usd


def _became_real(desk: Desk, before: BrokerLists, ticket: Ticket) -> Check | None:
    """Look whether the trial became an order; cancel it if it did, and say so in any case."""
    after = desk.broker.lists()
    known = {order.broker_id for order in before.orders} | {fill.exec_id for fill in before.fills}
    ours = desk.settings.broker.client_id
    new = [order for order in after.orders if order.broker_id not in known and order.status.working]
    orders = [order for order in new if order.ref == ticket.ref or order.client_id == ours]
    fills = [fill for fill in after.fills if fill.exec_id not in known and fill.ref == ticket.ref]
    if not orders and not fills:
        return None
    gone = desk.broker.cancel(ticket.ref)
    numbers = [order.broker_id for order in orders] + [fill.broker_id for fill in fills]
    named = ", ".join(f"number {number}" for number in numbers)
    found = f"the trial order became a real one at the broker ({named})"
    remedy = "it was canceled; look at the broker's own screen" if gone else "cancel it by hand NOW, or undo its fill"
    what = f"{TRIAL} {ticket.side.value} {ticket.shares} {ticket.symbol}"
    return Check(what, CheckState.NO_GO, found, remedy, ExitCode.PERSON)


def _indicators(desk: Desk) -> Check:
    """Ask every indicator of every sleeve once over the stored history."""
    said = []
    for sleeve in desk.deciding:
        symbol, needed = sleeve.symbols[0], sleeve.strategy.history_sessions()
        bars = desk.store.bars.bars(symbol, desk.source.name)
        if len(bars) < needed:
            found = f"{len(bars)} bars of {symbol} stored, {needed} needed"
            return Check("history", CheckState.WARNING, found, "the run reads them; `mtum bars sync` does it now")
        for spec in sleeve.strategy.indicators():
            column_of(bars, spec.indicator, dict(spec.parameters))
        said.append(f"{len(bars)} bars of {symbol} up to {bars.last_day}")
    return Check("history", CheckState.OK, "; ".join(dict.fromkeys(said)))


def _messages(around: Surroundings) -> Check:
    failed = around.unreachable()
    if failed:
        name, why = failed[0]
        remedy = "`mtum notify test`; messages wait in the outbox until it works"
        return Check("messages", CheckState.NO_GO, f"{name}: {why}", remedy, ExitCode.NOTIFY)
    if not around.anybody_told:
        found, remedy = (
            "no channel is set up: a failure is told at the terminal only",
            "set [mail] or MTUM_NOTIFY__URLS",
        )
        return Check("messages", CheckState.WARNING, found, remedy)
    return Check("messages", CheckState.OK, "every channel answers")
