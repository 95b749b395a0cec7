"""Lots that the settings trade no more, after a change of symbol or strategy: refused, unless they are closed."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.sleeve_records import Records, SleeveRecords, read_records
from mtum.app.session.check_book import BookCheck, check_book
from mtum.app.session.close_orders import close_earlier, record_from_lists
from mtum.app.session.our_books import open_books
from mtum.core.coordination.coordinate import OTHER_SIDE
from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderIntent, OrderType, Purpose, Side, intent_id
from mtum.core.portfolio.reconcile import Untraded, untraded_of, untraded_texts
from mtum.errors import DataError, ExitCode


def untraded_lots(desk: Desk, records: Records) -> tuple[Untraded, Untraded]:
    """Return what is held that nobody decides on: what a person must see to, and what is sold while all others decide.

    Sold are the children of a spin-off, and what a person has flattened of a sleeve that is off.
    """
    lots, asked = records.lots, desk.store.statements.flatten_requests
    held = [(lot.strategy, lot.symbol, lot.shares) for lot in lots]
    untraded, sold = untraded_of(held, desk.settings.traded(), records.actions)
    for one in desk.sleeves:
        for symbol in () if one.decides else asked(one.name):
            shares = sum(lot.shares for lot in lots if (lot.strategy, lot.symbol) == (one.name, symbol))
            if shares and (one.name, symbol) not in untraded:
                sold = {**sold, (one.name, symbol): shares}
    return untraded, sold


def untraded_problems(desk: Desk) -> list[str]:
    """Return what is wrong with what the settings trade, one line each: nothing is decided before."""
    records = read_records(desk.store)
    return [*_texts(desk, untraded_lots(desk, records)[0], records), *_options_left(desk)]


def _texts(desk: Desk, untraded: Untraded, records: Records) -> list[str]:
    return untraded_texts(untraded, desk.settings.traded(), desk.settings.named(), records.actions)


def _options_left(desk: Desk) -> list[str]:
    """Return the open options of strategies that trade none here any more, one line each: nobody would watch them."""
    trading = {one.name for one in desk.sleeves if one.strategy.OPTIONS}
    traded = [name for name in desk.store.events.option_strategies() if name not in trading]
    lots = desk.store.options.book().lots if traded else ()
    return [
        f"{name} holds {', '.join(f'{lot.quantity} {lot.contract.words}' for lot in mine)} and trades no options here: "
        'put its sleeve back (`state = "close"` buys them back), or state what became of them with `mtum reconcile`'
        for name in traded
        if (mine := [lot for lot in lots if lot.strategy == name])
    ]


def close_untraded(desk: Desk, session: Session) -> tuple[tuple[Problem, ...], bool]:
    """Plan the orders that close what the settings do not trade, where that is wanted.

    Returns
    -------
    tuple of Problem
        What went wrong, and what is refused.
    bool
        Whether the session may be decided: nothing that a person must see to is left to be closed.
    """
    asked = desk.store.statements.flatten_requests
    records = read_records(desk.store)
    untraded, children = untraded_lots(desk, records)
    wanted = {key: shares for key, shares in untraded.items() if key[1] in asked(key[0])}
    rest = {key: shares for key, shares in untraded.items() if key not in wanted}
    refused = [*_texts(desk, rest, records), *_options_left(desk)]
    problems = [Problem(ExitCode.USAGE, text) for text in refused]
    decides = not (untraded or refused)
    wanted |= children
    if not wanted:
        return tuple(problems), decides
    lists = desk.broker.lists()
    record_from_lists(desk, lists)
    close_earlier(desk, lists, session)
    check = check_book(desk, open_books(desk, lists, session), lists, session)
    for (strategy, symbol), shares in wanted.items():
        purpose = Purpose.EXIT if shares > 0 else Purpose.COVER
        key = intent_id(desk.account, session.day, strategy, symbol, purpose)
        free = check.sellable if purpose is Purpose.EXIT else check.short
        really = min(abs(shares), free.get(symbol, 0))
        if really > 0 and symbol not in check.exits_barred and desk.store.orders.state_of(key) is None:
            try:
                price = exact(float(desk.broker.price(symbol)))
            except DataError as error:
                problems.append(Problem(error.exit_code, f"{really} {symbol} of {strategy} not sold: {error}"))
                continue
            closing = OrderIntent(
                id=key,
                account=desk.account,
                session=session.day,
                strategy=strategy,
                symbol=symbol,
                purpose=purpose,
                side=Side.SELL if purpose is Purpose.EXIT else Side.BUY,
                order_type=OrderType.MARKET_ON_CLOSE,
                shares=really,
                reference_price=price,
                reasons=("flatten" if symbol in asked(strategy) else "spun_off",),
            )
            desk.store.orders.add_intent(closing, desk.clock.now())
    # Where the session is decided, its own look at the books tells the rest.
    return (*problems, *(() if decides else check.problems)), decides


def without_children(
    desk: Desk, known: Records, records: Mapping[str, SleeveRecords], check: BookCheck
) -> tuple[dict[str, SleeveRecords], BookCheck]:
    """Return what the sleeves decide on: children that are sold today count as money that is still to come.

    None of them is bought today by a sleeve that trades it: only one side of a symbol goes to the broker.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    known : Records
        What every strategy's open lots are made of, in today's shares: its last two round trips at least.
    records : mapping of str to SleeveRecords
        Records by sleeve.
    check : BookCheck
        What the comparison found: problems, symbols that must wait, and shares that are really there.
    """
    _, children = untraded_lots(desk, known)
    found = dict(records)
    for strategy, symbol in children:
        own = [lot for lot in records[strategy].lots if lot.symbol == symbol]
        try:
            price: Decimal | None = exact(float(desk.broker.price(symbol)))
        except DataError:
            price = None  # no price is known: valued at cost
        worth = sum((lot.value_usd(lot.entry_price if price is None else price) for lot in own), Decimal(0))
        found[strategy] = replace(
            found[strategy],
            lots=tuple(lot for lot in found[strategy].lots if lot.symbol != symbol),
            receivable_usd=found[strategy].receivable_usd + worth,
        )
    barred = {symbol: OTHER_SIDE for _, symbol in children}
    return found, replace(check, entries_barred=barred | dict(check.entries_barred))
