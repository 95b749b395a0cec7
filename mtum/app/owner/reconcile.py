"""Every difference between our records and the broker's lists, in words, with the legal ways out."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from mtum.app.desk import Desk
from mtum.app.ledger.book import read_sleeve
from mtum.app.session.check_book import FOREIGN_KEY, external_shares
from mtum.app.session.match_orders import find_order, too_many, unread_problems
from mtum.core.portfolio.orders import OrderStatus
from mtum.core.portfolio.reconcile import Balance, balances, foreign_refs
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: its kind, what it is about, both sides in words, and the commands that may settle it."""

    kind: str
    about: str
    text: str
    ways: tuple[str, ...] = ()


def reconcile(desk: Desk) -> dict[str, Any]:
    """Compare, and change nothing; exit code 6 while anything differs."""
    desk.broker.connect()
    try:
        lists = desk.broker.lists()
    finally:
        desk.broker.close()
    return reconciled(desk, lists)


def reconciled(desk: Desk, lists: BrokerLists) -> dict[str, Any]:
    """Return the differences between our records and these lists."""
    unread = [Difference("unread", "", problem.text) for problem in unread_problems(lists, desk.store.orders.states())]
    found = (*unread, *_positions(desk, lists), *_foreign(desk, lists), *_orders(desk, lists))
    problems = [{"code": int(ExitCode.PERSON), "text": one.text} for one in found]
    return {
        "account": desk.account,
        "mode": desk.settings.mode,
        "at": lists.at,
        "positions": {symbol: float(shares) for symbol, shares in sorted(lists.positions.items())},
        "skipped": lists.skipped,
        "differences": [asdict(one) for one in found],
        "problems": problems,
        "exit_code": int(ExitCode.PERSON if found else ExitCode.DONE),
    }


def _positions(desk: Desk, lists: BrokerLists) -> Iterator[Difference]:
    sleeve = read_sleeve(desk.store, desk.strategy)
    external = external_shares(desk)
    for balance in balances(sleeve.lots, external, lists.positions, desk.strategy.universe()):
        if balance.surplus == 0:
            continue
        text = (
            f"{balance.symbol}: the broker holds {balance.broker}, our lots {balance.lots}, "
            f"stated as external {balance.external}"
        )
        yield Difference("position", balance.symbol, text, _ways(balance, desk.strategy.name))


def _ways(balance: Balance, strategy: str) -> tuple[str, ...]:
    symbol, begin = balance.symbol, "mtum reconcile --accept"
    ours = max(0, int(balance.broker - balance.external))
    rebuilt = f"{begin} position {symbol} {ours} --strategy {strategy} --entry-session DATE --entry-price PRICE"
    split = f"{begin} corporate-action {symbol} RATIO --entry-session DATE"
    ways = [*([rebuilt] if ours != balance.lots else []), *([split] if balance.lots else [])]
    if balance.surplus > 0:
        ways.insert(0, f"{begin} external {symbol} {balance.external + balance.surplus}")
    elif balance.external > 0:
        ways.insert(0, f"{begin} external {symbol} {max(balance.external + balance.surplus, Decimal(0))}")
    return tuple(ways)


def _foreign(desk: Desk, lists: BrokerLists) -> Iterator[Difference]:
    known = {state.intent.id for state in desk.store.orders.states()}
    for ref in foreign_refs([order.ref for order in lists.orders] + [fill.ref for fill in lists.fills], known):
        if desk.store.control.meta(FOREIGN_KEY + ref) is None:
            text = (
                f"the broker lists {ref}, made by this program, but not by this database: another installation trades"
            )
            yield Difference("foreign", ref, text, (f"mtum reconcile --accept foreign {ref}",))


def _orders(desk: Desk, lists: BrokerLists) -> Iterator[Difference]:
    for state in desk.store.orders.states():
        intent, listed = state.intent, find_order(lists, state)
        what = f"{intent.ref} ({intent.side.value} {intent.shares} {intent.symbol}, {intent.session})"
        begun = state.status in (OrderStatus.UNKNOWN, OrderStatus.SUBMITTING)
        works = listed is not None and listed.status.working
        for problem in too_many(lists, state):
            yield Difference("double", intent.id, problem.text)
        if begun and listed is None:
            way = f"mtum reconcile --accept not-sent {intent.id}"
            yield Difference(
                "unknown", intent.id, f"{what}: we do not know whether it was sent; no list shows it", (way,)
            )
        elif begun and listed is not None and listed.status is OrderStatus.UNKNOWN:
            yield Difference("unknown", intent.id, f"{what}: {listed.text}; look at the broker's own screen")
        elif begun:
            way = "mtum run"
            yield Difference("unknown", intent.id, f"{what}: the broker has it; the next run adopts it", (way,))
        elif listed is None and state.status.working:
            text = f"{what} is {state.status.value} here, and no list of the broker shows it"
            yield Difference("vanished", intent.id, text, ("mtum settle",))
        elif works and not state.status.working:
            text = f"{what} is {state.status.value} here, but the broker works on {listed.ref if listed else ''}"
            way = "mtum run" if state.status is OrderStatus.PLANNED else "mtum settle"
            yield Difference("contradiction", intent.id, text, (way,))
        elif works and intent.session < lists.at.date():
            text = f"{what} still works at the broker though its session has closed"
            yield Difference("left over", intent.id, text, (f"mtum settle --session {intent.session}",))
