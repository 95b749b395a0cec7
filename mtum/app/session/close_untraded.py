"""Lots that the settings trade no more, after a change of symbol or strategy: refused, unless they are closed."""

from collections.abc import Mapping, Sequence

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.book import held_lots
from mtum.app.session.check_book import check_book
from mtum.app.session.close_orders import close_earlier, take_up
from mtum.app.session.our_books import open_books
from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderIntent, OrderType, Purpose, Side, intent_id
from mtum.core.portfolio.reconcile import Untraded, untraded_of, untraded_texts
from mtum.errors import ExitCode
from mtum.ports.store import Store


def untraded_lots(store: Store, traded: Mapping[str, Sequence[str]]) -> Untraded:
    """Return what is held of symbols or for sleeves that the settings do not trade now."""
    return untraded_of([(lot.strategy, lot.symbol, lot.shares) for lot in held_lots(store)], traded)


def close_untraded(desk: Desk, session: Session, untraded: Untraded) -> tuple[Problem, ...]:
    """Plan the orders that close what a person wants closed; the rest is refused, and nothing is decided."""
    asked = desk.store.statements.flatten_requests
    wanted = {key: shares for key, shares in untraded.items() if key[1] in asked(key[0])}
    rest = {key: shares for key, shares in untraded.items() if key not in wanted}
    problems = [Problem(ExitCode.USAGE, text) for text in untraded_texts(rest, desk.settings.traded())]
    if not wanted:
        return tuple(problems)
    lists = desk.broker.lists()
    take_up(desk, lists)
    close_earlier(desk, lists, session)
    check = check_book(desk, open_books(desk, lists, session), lists, session)
    for (strategy, symbol), shares in wanted.items():
        purpose = Purpose.EXIT if shares > 0 else Purpose.COVER
        key = intent_id(desk.account, session.day, strategy, symbol, purpose)
        free = check.sellable if purpose is Purpose.EXIT else check.short
        really = min(abs(shares), free.get(symbol, 0))
        if really > 0 and symbol not in check.exits_barred and desk.store.orders.find(key) is None:
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
                reference_price=exact(float(desk.broker.price(symbol))),
                reasons=("flatten",),
            )
            desk.store.orders.add_intent(closing, desk.clock.now())
    return (*problems, *check.problems)
