"""A person's order to close a position at the close, through the same path as every exit."""

from mtum.app.desk import Desk, RunResult, exit_code_of
from mtum.app.ledger.sleeve_records import held_lots, held_shares
from mtum.app.owner.cancel import cancel_working
from mtum.app.session.check_book import check_book
from mtum.app.session.confirm_fills import option_underlyings
from mtum.app.session.decide_and_order import current_document, decide_and_order, manage_orders
from mtum.app.session.our_books import open_books
from mtum.app.session.run_document import empty_document
from mtum.app.session.run_today import todays_session
from mtum.app.session.submit_orders import submit_orders
from mtum.core.market.sessions import Session
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, Purpose, Side, intent_id
from mtum.errors import ExitCode, UsageError


def request_flatten(desk: Desk, symbol: str, why: str, sleeve: str | None = None) -> None:
    """Ask for the position to be closed by the next decision, and stop entries until resumed.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    symbol : str
        Ticker.
    why : str
        Why, in words.
    sleeve : str or None
        Whose position it is, and who makes no entries; None for every sleeve.

    Raises
    ------
    UsageError
        If the symbol is neither traded nor held.
    """
    universe = desk.symbols
    if symbol not in {*universe, *(lot.symbol for lot in held_lots(desk.store)), *option_underlyings(desk)}:
        raise UsageError(f"{symbol} is not traded here and not held; the universe is {', '.join(universe)}")
    desk.store.control.halt(Restriction.REDUCE_ONLY, f"flatten {symbol}: {why}", "person", desk.clock.now(), sleeve)
    desk.store.statements.request_flatten(symbol, why, desk.clock.now(), sleeve)


def flatten_now(desk: Desk, symbol: str, why: str, sleeve: str | None = None) -> RunResult:
    """Ask for the position to be closed, and do it at this close when that is still possible.

    Shares held are sold, shares that are short are bought back. Purchases in it that still work are canceled first:
    they would buy anew what is sold, and only one side of a symbol may be at the broker. Options on it are closed too;
    shares that a call of ours pledges are sold only in a session after the call is gone.

    The session's decision is final: if it was made already, this is an order of its own beside it.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    symbol : str
        Ticker.
    why : str
        Why, in words.
    sleeve : str or None
        Name of the sleeve; None for the whole account.
    """
    request_flatten(desk, symbol, why, sleeve)
    session = todays_session(desk)
    if session is None or not _open_window(desk, session):
        document = empty_document(None, desk.settings.mode, desk.account, desk.names, ())
        note = f"{symbol} is closed by the next decision; entries are stopped"
        return RunResult({**document, "note": note}, ExitCode.DONE)
    if not desk.decided(session.day):
        return decide_and_order(desk, session)
    return _beside_the_decision(desk, session, symbol, sleeve)


def _open_window(desk: Desk, session: Session) -> bool:
    schedule = desk.settings.schedule
    opens, last = (session.before_close(m) for m in (schedule.window_opens_minutes, schedule.last_send_minutes))
    return opens <= desk.clock.now() <= last


def _beside_the_decision(desk: Desk, session: Session, symbol: str, only: str | None) -> RunResult:
    bought = [
        state
        for state in desk.store.orders.states(session.day)
        if state.intent.symbol == symbol and state.intent.purpose.opens and only in (None, state.intent.strategy)
    ]
    working = [state for state in bought if state.status.working]
    problems = cancel_working(desk, session, working) if working else ()
    desk.broker.connect()
    try:
        lists = desk.broker.lists()
        books = open_books(desk, lists, session)
        check = check_book(desk, books, lists, session)
        held, short = check.sellable.get(symbol, 0), check.short.get(symbol, 0)
        shared = {} if symbol in check.exits_barred else held_shares(desk.store)
        for one in desk.store.crosses.crosses_of(session.day):
            # Shares that go to another sleeve at the close are sold already.
            if one.side is Side.SELL and one.status is OrderStatus.PLANNED and shared:
                shared[one.strategy, one.symbol] -= one.shares
        pledged = _pledged(desk, symbol) if symbol in option_underlyings(desk, only) else {}
        for (sleeve, of), own in shared.items():
            if of != symbol or only not in (None, sleeve):
                continue
            if own > 0:
                purpose, shares = Purpose.EXIT, max(0, min(own - pledged.get(sleeve, 0), held))
            else:
                purpose, shares = Purpose.COVER, min(-own, short)
            held, short = (held - shares, short) if own > 0 else (held, short - shares)
            if shares > 0:
                intent = _close(desk, session, (sleeve, symbol), purpose, shares)
                desk.store.orders.add_intent(intent, desk.clock.now())
        problems += (*check.problems, *submit_orders(desk, session))
        if symbol in option_underlyings(desk, only):
            from mtum.app.options.closings import plan_closings

            plan_closings(desk, session, symbol, only)
            problems += manage_orders(desk, session)
    finally:
        desk.broker.close()
    return RunResult(current_document(desk, session, problems), exit_code_of(problems))


def _pledged(desk: Desk, symbol: str) -> dict[str, int]:
    """Return the shares of a symbol that each sleeve's own calls may call for: another sleeve's cover none of them."""
    from mtum.core.portfolio.options.own import pledged_shares  # an account without options loads none of it

    names = {lot.strategy for lot in desk.store.options.book().lots}
    return {name: pledged_shares(desk.store.options.book(name).lots).get(symbol, 0) for name in names}


def _close(desk: Desk, session: Session, whose: tuple[str, str], purpose: Purpose, shares: int) -> OrderIntent:
    sleeve, symbol = whose
    return OrderIntent(
        id=intent_id(desk.account, session.day, sleeve, symbol, purpose),
        account=desk.account,
        session=session.day,
        strategy=sleeve,
        symbol=symbol,
        purpose=purpose,
        side=Side.SELL if purpose is Purpose.EXIT else Side.BUY,
        order_type=OrderType.MARKET_ON_CLOSE,
        shares=shares,
        reference_price=exact(float(desk.broker.price(symbol))),
        reasons=("flatten",),
    )
