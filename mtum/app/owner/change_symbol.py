"""A new name, a merger or a spin-off as a person states it: believed only where the broker's positions show it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec.structs import replace

from mtum.app.desk import Desk
from mtum.app.ledger.book_problems import check_sound
from mtum.app.ledger.equity import booked
from mtum.app.ledger.sleeve_records import held_lots, held_shares
from mtum.app.owner.statement import Statement, words_in
from mtum.app.session.our_books import follow_splits
from mtum.core.coordination.coordinate import pro_rata
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.fills import Action, ChangeKind, Fill, Split, SymbolChange, folded, in_order, rebased
from mtum.core.portfolio.lots import lots_of
from mtum.errors import UsageError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IN_LIEU, CashMovement, ChangeRecord, merger_key

ZERO = Decimal(0)
NO_DAY = date.min
"""Stands for the session of a change until it is known."""
_SHARE = Decimal(1)


def renamed(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    """Record that the shares of a symbol have another symbol.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    statement : Statement
        A person's words: the kind, what follows it, and the options that some kinds take.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    """
    symbol, into = words_in(statement, 2, "renamed OLD NEW --from DATE")
    return _changed(desk, statement, lists, SymbolChange(ChangeKind.RENAMED, symbol, NO_DAY, into))


def merged(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    """Record that the shares of a symbol were paid out, in cash, in other shares or both.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    statement : Statement
        A person's words: the kind, what follows it, and the options that some kinds take.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    """
    form = "merged OLD --cash USD [--into NEW --ratio R]"
    (symbol,) = words_in(statement, 1, form)
    cash, into, ratio = statement.cash or Decimal(0), statement.into or "", statement.ratio
    if bool(into) != (ratio is not None) or not (cash or into):
        raise UsageError(f"write it as `mtum reconcile --accept {form}`")
    ratio = Decimal(1) if ratio is None else ratio
    return _changed(desk, statement, lists, SymbolChange(ChangeKind.MERGED, symbol, NO_DAY, into, ratio, cash))


def spun_off(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    """Record that the shares of a symbol got a child beside them.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    statement : Statement
        A person's words: the kind, what follows it, and the options that some kinds take.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    """
    form = "spun-off PARENT CHILD --ratio R --basis-frac F"
    symbol, into = words_in(statement, 2, form)
    if statement.ratio is None or statement.basis_frac is None:
        raise UsageError(f"write it as `mtum reconcile --accept {form}`")
    if not 0 < statement.basis_frac < 1:
        raise UsageError(f"--basis-frac {statement.basis_frac}: the child's part of the cost lies between 0 and 1")
    change = SymbolChange(ChangeKind.SPUN_OFF, symbol, NO_DAY, into, statement.ratio, basis_frac=statement.basis_frac)
    return _changed(desk, statement, lists, change)


def _changed(desk: Desk, statement: Statement, lists: BrokerLists, change: SymbolChange) -> str:
    """State a change from the session of --from on, else from the one that the same change has, else the next."""
    if change.ratio <= 0 or change.symbol == change.into:
        raise UsageError(f"{change.symbol} into {change.ratio} {change.into}: nothing changes by that")
    same = [
        one.change
        for one in desk.store.changes.stated_changes()
        if (one.change.symbol, one.change.into) == (change.symbol, change.into)
    ]
    today = lists.at.date()
    coming = desk.calendar.sessions(today, today + timedelta(days=10)).known[0].day
    day = statement.first_session or (same[-1].session if same else coming)
    if day > coming:
        raise UsageError(f"--from {day} is still to come; the broker's positions are those of {coming}")
    return _state(desk, replace(change, session=day), lists, statement.cash_in_lieu)


def undone(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    """Take back the last change of a symbol.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    statement : Statement
        A person's words: the kind, what follows it, and the options that some kinds take.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    """
    (symbol,) = words_in(statement, 1, "undone SYMBOL")
    return _undo(desk, symbol)


def _state(desk: Desk, change: SymbolChange, lists: BrokerLists, in_lieu_usd: Decimal | None = None) -> str:
    """Record what became of a symbol for every sleeve that holds it, and for the owner's own shares of it.

    Parameters
    ----------
    change : SymbolChange
        Without `given`.
    in_lieu_usd : Decimal or None
        Paid for the fraction of a share that was left.

    Raises
    ------
    UsageError
        If the broker's positions do not show it, or it cannot be told from what happened since.
    """
    said = _words_of(change)
    for known in desk.store.changes.stated_changes():
        if replace(known.change, given={}, in_lieu_usd=None) == change:
            with booked(desk, change.session):
                return said + _pay_in_lieu(desk, known.change, in_lieu_usd)
        if known.change.symbol == change.symbol and known.change.session >= change.session:
            undo = f"`mtum reconcile --accept undone {change.symbol}` takes that back"
            raise UsageError(f"{_words_of(known.change)}: that is stated already; {undo}")
    _check_untouched(desk, change)
    held = {owner: shares for (owner, of), shares in held_shares(desk.store).items() if of == change.symbol}
    _check_told_rightly(desk, change, held)
    whole = held
    if change.into and change.kind is not ChangeKind.RENAMED:
        whole = dict(zip(held, pro_rata(int(sum(held.values()) * change.ratio), [*held.values()]), strict=True))
    change = replace(change, given=whole if change.into else {})
    external = _external_after(desk, change, lists, said)
    check_sound(desk.store, actions=[change])
    _, before = desk.store.changes.last_with(change.symbol) or (None, {})
    record = ChangeRecord(change, desk.clock.now(), before, lists.positions, external)
    left = sum(held.values()) * change.ratio - sum(whole.values()) if change.into else ZERO
    with booked(desk, change.session):
        desk.store.changes.state_change(record, _paid(change, held))
        return said + _pay_in_lieu(desk, change, in_lieu_usd) + (_not_told(left) if in_lieu_usd is None else "")


def _undo(desk: Desk, symbol: str) -> str:
    """Take back the last change of a symbol, as long as nothing was traded since.

    Raises
    ------
    UsageError
        If there is none, or shares that it concerns were traded since.
    """
    known = [one for one in desk.store.changes.stated_changes() if symbol in (one.change.symbol, one.change.into)]
    if not known:
        raise UsageError(f"no new name, merger or spin-off of {symbol} is recorded")
    last = known[-1]
    change = last.change
    _check_untouched(desk, change)
    for fill in desk.store.orders.fills():
        if fill.symbol in (change.symbol, change.into) and fill.instant > last.stated_at:
            traded = f"{fill.side.value} {fill.shares} {fill.symbol} on {fill.session}"
            raise UsageError(f"{_words_of(change)}: that stays, as its shares were traded since ({traded})")
    with booked(desk, change.session):
        desk.store.changes.undo_change(last.id, desk.clock.now())
    return f"taken back: {_words_of(change)}"


def _words_of(change: SymbolChange) -> str:
    if change.kind is ChangeKind.RENAMED:
        return f"{change.symbol} is called {change.into} since {change.session}"
    if change.kind is ChangeKind.SPUN_OFF:
        given = f"{change.ratio} per share, with {change.basis_frac:%} of its cost"
        return f"{change.symbol} spun {change.into} off on {change.session}: {given}"
    paid = [f"{change.cash_usd} USD"] if change.cash_usd else []
    paid += [f"{change.ratio} {change.into}"] if change.into else []
    return f"{change.symbol} was merged on {change.session} for {' and '.join(paid)} per share"


def _check_untouched(desk: Desk, change: SymbolChange) -> None:
    """Refuse while an order or a cross of the same symbols may still fill."""
    both = (change.symbol, change.into)
    for state in desk.store.orders.states(unresolved=True):
        if state.intent.symbol in both:
            what = f"{state.intent.side.value} {state.intent.shares} {state.intent.symbol}"
            raise UsageError(f"{what} ({state.intent.ref}) is {state.status.value}: say it again once that has ended")
    for cross in desk.store.crosses.planned_crosses():
        if cross.symbol in both:
            raise UsageError(
                f"{cross.shares} {cross.symbol} change sleeves at the close of {cross.session}: settle first"
            )


def _check_told_rightly(desk: Desk, change: SymbolChange, held: Mapping[str, int]) -> None:
    if desk.calendar.sessions(change.session, change.session).get(change.session) is None:
        raise UsageError(f"{change.session} is no session")
    for fill in desk.store.orders.fills():
        if fill.symbol == change.symbol and fill.session >= change.session:
            raise UsageError(
                f"{change.symbol} was traded under that name on {fill.session}: give --from a later session"
            )
    if any(shares < 0 for shares in held.values()):
        raise UsageError(f"{change.symbol} is short: `mtum flatten {change.symbol} --why TEXT` buys it back first")
    mine = desk.store.statements.external_shares().get(change.symbol, ZERO)
    if not held and not mine and (change.symbol not in desk.symbols or change.kind is not ChangeKind.RENAMED):
        raise UsageError(f"{change.symbol} is neither traded nor held here; nothing follows from it")


def _external_after(
    desk: Desk, change: SymbolChange, lists: BrokerLists, said: str
) -> Mapping[str, tuple[Decimal, Decimal]]:
    """Return the owner's own shares before and after, if with them the broker's positions are what they must be."""
    stated = desk.store.statements.external_shares()
    before = {symbol: stated.get(symbol, ZERO) for symbol in (change.symbol, change.into) if symbol}
    after, own = dict(before), before[change.symbol]
    if change.kind is not ChangeKind.SPUN_OFF:
        after[change.symbol] = ZERO
    fills = rebased(folded(desk.store.orders.fills()), [*desk.store.bars.actions(), change])
    ours = dict.fromkeys(before, 0)
    for lot in lots_of(fills):
        if lot.symbol in ours:
            ours[lot.symbol] += lot.shares
    if change.into:
        after[change.into] += own * change.ratio
        # A fraction in the account belongs to one holder; the whole shares show to which.
        there = lists.positions.get(change.into, ZERO) - ours[change.into]
        if own and abs(there - after[change.into]) <= _SHARE:
            after[change.into] = there
    expected = {symbol: ours[symbol] + after[symbol] for symbol in before}
    shown = {symbol: lists.positions.get(symbol, ZERO) for symbol in before}
    wrong = [
        f"{expected[symbol].normalize():f} {symbol} and shows {shown[symbol].normalize():f}"
        for symbol in before
        if abs(shown[symbol] - expected[symbol]) >= _SHARE
    ]
    if wrong:
        once = "say it once its positions show it; `mtum reconcile` shows both sides"
        raise UsageError(f"{said}: then the broker holds {', '.join(wrong)}; {once}")
    return {symbol: (before[symbol], after[symbol]) for symbol in before if before[symbol] != after[symbol]}


def _paid(change: SymbolChange, held: Mapping[str, int]) -> list[CashMovement]:
    # Receivable until the broker's cash covers it, as a dividend is.
    kind = "adjustment" if change.into else "sell"
    return [
        CashMovement(
            key=merger_key(change, sleeve),
            strategy=sleeve,
            session=change.session,
            kind=kind,
            amount_usd=to_cent(shares * change.cash_usd),
            note=f"{shares} shares at {change.cash_usd} USD, {_words_of(change)}",
            symbol=change.symbol,
            paid=False,
        )
        for sleeve, shares in held.items()
        if change.cash_usd
    ]


def state_split(desk: Desk, split: Split, lists: BrokerLists, in_lieu_usd: Decimal | None) -> str:
    """Record a split that only the broker's positions tell.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    split : Split
        New shares per old share, effective at the open of a session.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    in_lieu_usd : Decimal or None
        Cash paid for a fraction of a share, USD; None for none.

    Raises
    ------
    UsageError
        If they do not show it.
    """
    symbol, ratio = split.symbol, split.ratio
    said = f"{symbol}: {ratio} new shares per old one from {split.session} on"
    known = [(one.symbol, one.session, one.ratio) for one in desk.store.bars.actions() if isinstance(one, Split)]
    if (symbol, split.session, ratio) in known:
        with booked(desk, split.session):
            return said + _pay_in_lieu(desk, split, in_lieu_usd)
    ours = sum(lot.shares for lot in held_lots(desk.store) if lot.symbol == symbol)
    held = lists.positions.get(symbol, ZERO)
    external = desk.store.statements.external_shares().get(symbol, ZERO)
    if abs((ours + external) * ratio - held) > _SHARE:
        raise UsageError(f"{ours} of ours and {external} external times {ratio} is not the broker's {held} {symbol}")
    if int(ours * ratio) == ours:
        raise UsageError(f"{ours} shares of {symbol} times {ratio} are {ours} shares again: that is no split")
    check_sound(desk.store, actions=[split])
    left = ours * ratio - int(ours * ratio)
    with booked(desk, split.session):
        follow_splits(desk, [split], held)
        return said + (_not_told(left) if in_lieu_usd is None else _pay_in_lieu(desk, split, in_lieu_usd))


def _not_told(left: Decimal) -> str:
    return f"; {left.normalize()} of a share was paid in cash: say it again with --cash-in-lieu USD" if left else ""


def _pay_in_lieu(desk: Desk, action: Action, amount_usd: Decimal | None) -> str:
    """Record what the broker paid for the fraction of a share that was left, to each sleeve for what it lost of it."""
    if amount_usd is None:
        return ""
    symbol = action.into if isinstance(action, SymbolChange) else action.symbol
    actions = in_order(desk.store.bars.actions())
    known = [replace(one, in_lieu_usd=None) for one in actions]
    place = known.index(replace(action, in_lieu_usd=None))
    stated, amount_usd = actions[place].in_lieu_usd, to_cent(amount_usd)
    if stated is not None and stated != amount_usd:
        raise UsageError(f"another amount of cash in lieu is recorded already for {symbol} of {action.session}")
    if stated is None:
        lost = _lost(desk, actions[:place], action)
        if not lost:
            raise UsageError(f"{symbol}: no fraction of a share of ours was left on {action.session} to be paid for")
        cents = pro_rata(int(amount_usd * 100), [int(fraction * 10**9) for fraction in lost.values()])
        note = "cash in lieu of a fraction of a share"
        desk.store.ledger.move_cash(
            [
                CashMovement(
                    f"{IN_LIEU}{symbol}:{action.session}:{sleeve}",
                    sleeve,
                    action.session,
                    "adjustment",
                    Decimal(part) / 100,
                    note,
                    symbol,
                )
                for sleeve, part in zip(lost, cents, strict=True)
            ]
        )
    return f", {amount_usd} USD in lieu of a fraction of a share"


def _lost(desk: Desk, earlier: Sequence[Action], action: Action) -> dict[str, Decimal]:
    """Return what each sleeve lacks of a share that its old ones came to; whoever was given a whole one lacks none."""
    fills = [fill for fill in folded(desk.store.orders.fills()) if fill.session < action.session]
    held, whole = (_shares_of(action.symbol, rebased(fills, then)) for then in (earlier, [*earlier, action]))
    if isinstance(action, SymbolChange):
        whole = dict(action.given)
    short = {sleeve: shares * action.ratio - whole.get(sleeve, 0) for sleeve, shares in held.items()}
    return {sleeve: fraction for sleeve, fraction in short.items() if fraction > 0}


def _shares_of(symbol: str, fills: Sequence[Fill]) -> dict[str, int]:
    found: dict[str, int] = {}
    for lot in lots_of(fills):
        if lot.symbol == symbol:
            found[lot.strategy] = found.get(lot.strategy, 0) + lot.shares
    return found
