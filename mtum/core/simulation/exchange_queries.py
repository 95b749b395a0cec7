"""What does the simulated exchange list: open and completed orders, executions, order ids, options held."""

from collections.abc import Sequence
from datetime import date

from mtum.core.options.contracts import OptionContract
from mtum.core.simulation.exchange_state import ExchangeOrder, ExchangeState, ExchangeStatus, Execution, OptionOrder
from mtum.core.simulation.option_books import OptionExecution


def open_orders(state: ExchangeState, account: str = "") -> tuple[ExchangeOrder, ...]:
    """Orders still working, oldest first; of every account or of one."""
    return _working(state.orders, account)


def completed_orders(state: ExchangeState, day: date, account: str = "") -> tuple[ExchangeOrder, ...]:
    """Orders that ended in the given session, oldest first.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    day : date
        The session's date.
    account : str
        Code of the account.
    """
    return _ended(state.orders, day, account)


def executions_of(state: ExchangeState, day: date, account: str = "") -> tuple[Execution, ...]:
    """Executions of a trade date, corrections included, oldest first.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    day : date
        The session's date.
    account : str
        Code of the account.
    """
    return tuple(e for e in state.executions if e.session == day and account in ("", e.ticket.account))


def order_by_perm_id(state: ExchangeState, perm_id: int) -> ExchangeOrder | None:
    """The order with this permanent id, None if there is none."""
    return _numbered(state.orders, perm_id)


def order_by_client(state: ExchangeState, client_id: int, order_id: int) -> ExchangeOrder | None:
    """The newest order a client sent under this order id, None if there is none.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    client_id : int
        Number of the API client.
    order_id : int
        The order's number at its client.
    """
    return _newest(state.orders, client_id, order_id)


def next_order_id(state: ExchangeState, client_id: int) -> int:
    """One more than the largest order id this client has used; 1 for a new client."""
    shares = (o.ticket.order_id for o in state.orders if o.ticket.client_id == client_id)
    options = (o.ticket.order_id for o in state.option_books.orders if o.ticket.client_id == client_id)
    return max((*shares, *options), default=0) + 1


def open_options(state: ExchangeState, account: str = "") -> tuple[OptionOrder, ...]:
    """Orders in options still working, oldest first; of every account or of one."""
    return _working(state.option_books.orders, account)


def completed_options(state: ExchangeState, day: date, account: str = "") -> tuple[OptionOrder, ...]:
    """Orders in options that ended in the given session, oldest first.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    day : date
        The session's date.
    account : str
        Code of the account.
    """
    return _ended(state.option_books.orders, day, account)


def option_order(state: ExchangeState, perm_id: int) -> OptionOrder | None:
    """The order in options with this permanent id, None if there is none."""
    return _numbered(state.option_books.orders, perm_id)


def option_order_by_client(state: ExchangeState, client_id: int, order_id: int) -> OptionOrder | None:
    """The newest order in options a client sent under this order id, None if there is none.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    client_id : int
        Number of the API client.
    order_id : int
        The order's number at its client.
    """
    return _newest(state.option_books.orders, client_id, order_id)


def option_executions(state: ExchangeState, day: date, account: str = "") -> tuple[OptionExecution, ...]:
    """Executions in options of a trade date, oldest first, the records of combinations included.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    day : date
        The session's date.
    account : str
        Code of the account.
    """
    accounts = {o.perm_id: o.ticket.account for o in state.option_books.orders}
    return tuple(
        e
        for e in state.option_books.executions
        if e.session == day and account in ("", accounts.get(e.perm_id, account))
    )


def held_options(state: ExchangeState, account: str) -> dict[OptionContract, int]:
    """Contracts that an account holds, negative for those sold; without what no listed contract describes."""
    owner = state.account(account)
    if owner is None or state.options is None:
        return {}
    counts = {position.symbol: int(position.shares) for position in owner.positions}
    known = {one: counts.get(one.local_symbol, 0) for one in state.options.contracts}
    return {one: count for one, count in known.items() if count}


def _working[O: (ExchangeOrder, OptionOrder)](orders: Sequence[O], account: str) -> tuple[O, ...]:
    return tuple(o for o in orders if o.status is ExchangeStatus.WORKING and account in ("", o.ticket.account))


def _ended[O: (ExchangeOrder, OptionOrder)](orders: Sequence[O], day: date, account: str) -> tuple[O, ...]:
    return tuple(
        o
        for o in orders
        if o.status is not ExchangeStatus.WORKING
        and (o.session or o.placed_session) == day
        and account in ("", o.ticket.account)
    )


def _numbered[O: (ExchangeOrder, OptionOrder)](orders: Sequence[O], perm_id: int) -> O | None:
    return next((o for o in orders if o.perm_id == perm_id), None)


def _newest[O: (ExchangeOrder, OptionOrder)](orders: Sequence[O], client_id: int, order_id: int) -> O | None:
    mine = (o for o in reversed(orders) if o.ticket.client_id == client_id)
    return next((o for o in mine if o.ticket.order_id == order_id), None)
