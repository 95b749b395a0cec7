"""What became of the account's options since the last look is worked out, booked once, or asked of a person."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from mtum.app.bars.refresh_bars import refresh_bars, refresh_series
from mtum.app.desk import Desk, Problem
from mtum.app.ledger.equity import booked
from mtum.app.ledger.sleeve_records import held_lots, held_shares
from mtum.core.canonical import canonical, decode, parsed, plain
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session, Sessions
from mtum.core.options.contracts import CLASSES, Delivery, OptionContract
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.life_cycle import Morning, Question, inferred
from mtum.core.portfolio.options.lots import LedgerEvent, contracts_in, summed
from mtum.core.portfolio.options.own import still_held
from mtum.core.portfolio.orders import Side, intent_of
from mtum.core.reporting.words import count
from mtum.errors import ExitCode, MtumError
from mtum.ports.broker import BrokerLists
from mtum.ports.options import OptionBroker, OptionLists

LAST_LOOK = "options_seen"
"""Key in `meta` of the last look at the account: cash beyond our books, and contracts of others."""
UNDECIDED = "option_undecided"
"""Reason word: nothing is traded in an underlying until a person has stated what became of its options."""
_BACK = timedelta(days=10)


class Overnight(Struct, frozen=True):
    """What a look found.

    Parameters
    ----------
    events : tuple of LedgerEvent
        Booked by this look.
    barred : mapping of str to str
        Underlyings in which nothing is traded until a person has spoken, with the reason word.
    """

    events: tuple[LedgerEvent, ...] = ()
    problems: tuple[Problem, ...] = ()
    barred: Mapping[str, str] = field(default_factory=dict)


def look_overnight(
    desk: Desk, session: Session, sessions: Sessions, lists: BrokerLists, *, asked_again: bool
) -> Overnight:
    """Book what became of options, once each, and say what a person has to state.

    Needs an open connection and the executions in shares booked. Run again, it finds nothing new.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        Those before the session that the closes of expired contracts may be of.
    lists : BrokerLists
        Of the same minute, for the shares that no order of ours traded.
    asked_again : bool
        Whether it is late enough for everything of the night to be booked at the broker.
    """
    store = desk.store.options
    book = store.book()
    if not isinstance(desk.broker, OptionBroker):
        text = f"{desk.broker.name} tells nothing of options, and our books have some: look at the broker's own screen"
        return Overnight(problems=(Problem(ExitCode.PERSON, text),) if book.lots else ())
    seen = desk.broker.option_lists(store.contracts())
    desk.journal.reached("options_listed")
    ended = {lot.contract for lot in book.lots if lot.contract.over_on(session.day)}
    known = _last_look(desk)
    before = held_shares(desk.store)
    foreign = others_seen(desk) if known or book.lots or desk.store.options.external() else _beyond(seen, {})
    expected = {symbol: int(shares) for symbol, shares in desk.store.statements.external_shares().items()}
    for (_, symbol), shares in before.items():
        expected[symbol] = expected.get(symbol, 0) + shares
    underlyings = {one.underlying for one in (*book.contracts(), *foreign, *seen.positions)}
    cash = _cash_beyond(desk, seen)
    closes, settlements = _closes(desk, session, sessions, ended)
    night = inferred(
        Morning(
            account=desk.account,
            day=session.day,
            lots=book.lots,
            positions=seen.positions,
            shares_before={one: expected.get(one, 0) for one in underlyings},
            shares={one: seen.shares.get(one, 0) for one in underlyings},
            foreign=foreign,
            unexplained=_unexplained(desk, lists),
            unresolved=_unresolved(desk, session),
            closes=closes,
            settlements=settlements,
            cash_change_usd=cash - Decimal(known["cash"]) if known else None,
            asked_again=asked_again,
        )
    )
    events: tuple[LedgerEvent, ...] = ()
    if night.events:
        # What ended on an earlier day changes the equity of that day: shares stand where an option stood.
        with booked(desk, min(event.effective for event in night.events)):
            events = store.record_events(night.events, desk.clock.now())
    desk.journal.reached("options_booked")
    questions = tuple(_asked(desk, question, seen) for question in night.questions)
    problems = questions + tuple(
        Problem(ExitCode.PERSON, f"options: {text}; look at the broker's own screen") for text in seen.unknown
    )
    if not night.questions:
        remember(desk, seen)
    awaited = tuple(_awaited(desk, contract, session, closes) for contract in night.awaiting)
    barred = {question.underlying: UNDECIDED for question in night.questions}
    return Overnight(events, problems + awaited + _told(events) + _broken(desk, events), barred)


def remember(desk: Desk, seen: OptionLists) -> None:
    """Keep what the next look starts from: cash beyond our books, and contracts that are not ours.

    Of ours that await their settlement the list has none any more, and the cash of it may have come: until a person
    has stated it, contracts are no others' and the cash stays that of the look before. So it is where ours are missing
    otherwise, and for everything on their underlying: what became of them is the next look's question, as after a
    night over which nobody confirmed the fills.
    """
    lots, known, before = desk.store.options.book().lots, _last_look(desk), others_seen(desk)
    held = still_held(lots, seen.positions, seen.at.astimezone(NEW_YORK).date())
    ours, others = contracts_in(held), _beyond(seen, contracts_in(held))
    missing = {one.underlying for one, number in ours.items() if (others.get(one, 0) - before.get(one, 0)) * number < 0}
    others = {one: number for one, number in others.items() if one.underlying not in missing}
    others |= {one: number for one, number in before.items() if one.underlying in missing}
    cash = known["cash"] if known and (missing or len(held) < len(lots)) else str(_cash_beyond(desk, seen))
    kept = [[plain(one), number] for one, number in others.items()]
    desk.store.control.set_meta(LAST_LOOK, canonical({"cash": cash, "others": kept}))


def _beyond(seen: OptionLists, ours: Mapping[OptionContract, int]) -> dict[OptionContract, int]:
    return summed(seen.positions, {contract: -number for contract, number in ours.items()})


def _cash_beyond(desk: Desk, seen: OptionLists) -> Decimal:
    owners = {
        *(sleeve.name for sleeve in desk.sleeves if sleeve.owns_money),
        *(lot.strategy for lot in held_lots(desk.store)),
    }
    return seen.account.cash_usd - sum(map(desk.store.books.cash, sorted(owners)), Decimal(0))


def _last_look(desk: Desk) -> dict[str, Any]:
    return parsed(dict[str, Any], desk.store.control.meta(LAST_LOOK) or "{}", LAST_LOOK)


def others_seen(desk: Desk) -> dict[OptionContract, int]:
    """Return the contracts that were not ours at the last look, or by a person's word; negative for those sold."""
    others = _last_look(desk).get("others", ())
    seen = {decode(OptionContract, facts, LAST_LOOK): int(number) for facts, number in others}
    return seen | dict(desk.store.options.external())


def _unexplained(desk: Desk, lists: BrokerLists) -> dict[str, int]:
    """Return the shares of executions that no order of ours explains, by symbol."""
    found: dict[str, int] = {}
    for fill in lists.fills:
        if fill.ref and desk.store.orders.state_of(intent_of(fill.ref)) is not None:
            continue
        signed = int(fill.shares) if fill.side is Side.BUY else -int(fill.shares)
        found[fill.symbol] = found.get(fill.symbol, 0) + signed
    return found


def _unresolved(desk: Desk, session: Session) -> set[str]:
    """Return the underlyings with an order of an earlier session that is not proven to have ended."""
    shares = (
        state.intent.symbol
        for state in desk.store.orders.states(unresolved=True)
        if state.status.working and state.intent.session < session.day and not state.intent.purpose.internal
    )
    options = (
        state.intent.underlying
        for state in desk.store.options.states(unresolved=True)
        if state.live is not None and state.intent.session < session.day
    )
    return {*shares, *options}


def _closes(
    desk: Desk, session: Session, sessions: Sessions, ended: Iterable[OptionContract]
) -> tuple[dict[tuple[str, date], Decimal], dict[int, Decimal]]:
    """Return the official closes of the last days of contracts, and what settled those that pay in cash."""
    closes: dict[tuple[str, date], Decimal] = {}
    settlements: dict[int, Decimal] = {}
    for one in ended:
        close = _close(desk, session, sessions, one.underlying, one.expiry)
        if close is None:
            continue
        closes[one.underlying, one.expiry] = close
        # What settles in the morning is paid by opening prices that no source of ours tells; a simulated account is
        # paid by the close before.
        if one.delivery is Delivery.CASH_AM and desk.settings.mode == "practice":
            settlements[one.con_id] = close
    return closes, settlements


def _close(desk: Desk, session: Session, sessions: Sessions, underlying: str, day: date) -> Decimal | None:
    bars, name = desk.store.bars, desk.source.name
    index = underlying in CLASSES
    for refreshed in (False, True):
        if refreshed:
            try:
                (refresh_series if index else refresh_bars)(desk, underlying, session, sessions)
            except MtumError:
                return None  # asked again later, and then of a person
        found = bars.series(underlying, name, day - _BACK).get(day)
        if not index:
            bar = bars.bars(underlying, name, day - _BACK).find(day)
            found = bar.close if bar is not None else None
        if found is not None:
            return exact(float(found))
    return None


def _asked(desk: Desk, question: Question, seen: OptionLists) -> Problem:
    if question.waits:
        text = "nothing is traded in it, and the broker is asked again at 10:15"
        return Problem(ExitCode.DONE, f"{question.underlying}: {question.text}; {text}")
    held = desk.store.options.book().contracts()
    ways = [
        f"`mtum reconcile --accept {way}`"
        for one in question.contracts
        for way in _ways(one, held.get(one, 0), seen.positions.get(one, 0))
    ]
    text = f"{question.underlying}: {question.text}; nothing is traded in it until a person states what became of it"
    return Problem(ExitCode.PERSON, f"{text}: {' or '.join(ways) or '`mtum reconcile`'}")


def _awaited(
    desk: Desk, contract: OptionContract, session: Session, closes: Mapping[tuple[str, date], Decimal]
) -> Problem:
    # Its settlement is made of opening prices that no source tells. Only cash can come of it, so nothing waits for it.
    store, number = desk.store.options, desk.store.options.book().contracts()[contract]
    close = closes.get((contract.underlying, contract.expiry))
    if close is not None:
        source = f"the close of {contract.expiry}, until its settlement is stated"
        store.record_marks(session.day, {contract: contract.worth_at(close)}, source, desk.clock.now())
    mark, of = store.marks(session.day).get(contract, (None, None))
    counted = "what it was opened at" if mark is None else f"{mark.normalize():f} USD a share, as of {of}"
    if close is not None:
        counted = f"{contract.worth_at(close).normalize():f} USD a share, by the close of {close.normalize():f} before"
    name = contract.local_symbol.replace(" ", "")
    text = (
        f"{contract.underlying}: {count(abs(number), 'contract')} of {contract.words} awaiting the settlement of "
        f"{contract.ends}, and counted at {counted}; state what a share was paid (0 for nothing): "
        f"`mtum reconcile --accept settled {name} {abs(number)} PRICE`"
    )
    return Problem(ExitCode.PERSON, text)


def _ways(contract: OptionContract, held: int, listed: int) -> tuple[str, ...]:
    name, gone = contract.local_symbol.replace(" ", ""), held - listed
    if held * gone <= 0:
        return (f"external {name} {listed - held}",)
    number = min(abs(gone), abs(held))
    if contract.delivery is not Delivery.SHARES:
        return (f"settled {name} {number} PRICE", f"traded {name} {number} PRICE")
    delivered = "assigned" if held < 0 else "exercised"
    return (f"{delivered} {name} {number}", f"expired {name} {number}", f"traded {name} {number} PRICE")


def _told(events: Iterable[LedgerEvent]) -> tuple[Problem, ...]:
    found = []
    for one in events:
        number, what = abs(one.quantity), one.kind.value.replace("_", " ")
        shares = f", {one.shares:+d} {one.contract.underlying} at {one.price.normalize():f}" if one.shares else ""
        cash = f", {one.cash_usd:+.2f} USD" if one.cash_usd and not one.shares else ""
        text = f"{number} {one.contract.words} {what} on {one.effective}{shares}{cash}"
        found.append(
            Problem(ExitCode.DONE, text + ("; the account's cash has not confirmed it yet" if one.provisional else ""))
        )
    return tuple(found)


def _broken(desk: Desk, events: Iterable[LedgerEvent]) -> tuple[Problem, ...]:
    """Return what a person is told of spreads that lost a leg: shares and legs go in this session."""
    new, brought = {one.key for one in events}, dict[tuple[str, str, str], int]()
    for one in desk.store.options.book().delivered:
        if one.broken and one.event in new:
            key = (one.strategy, one.group, one.underlying)
            brought[key] = brought.get(key, 0) + one.shares
    return tuple(
        Problem(
            ExitCode.ORDER,
            f"{strategy} {group}: one leg of the spread is gone and {shares:+d} {symbol} came of it; this session's "
            "close trades the shares back, and the legs that are left are closed, those bought last",
        )
        for (strategy, group, symbol), shares in brought.items()
    )
