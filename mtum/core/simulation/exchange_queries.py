"""What does the simulated exchange list: open and completed orders, executions, order ids."""

from datetime import date

from mtum.core.simulation.exchange_state import ExchangeOrder, ExchangeState, ExchangeStatus, Execution


def open_orders(state: ExchangeState, account: str = "") -> tuple[ExchangeOrder, ...]:
    """Orders still working, oldest first; of every account or of one."""
    return tuple(o for o in state.orders if o.status is ExchangeStatus.WORKING and account in ("", o.ticket.account))


def completed_orders(state: ExchangeState, day: date, account: str = "") -> tuple[ExchangeOrder, ...]:
    """Orders that ended in the given session, oldest first."""
    return tuple(
        o
        for o in state.orders
        if o.status is not ExchangeStatus.WORKING
        and (o.session or o.placed_session) == day
        and account in ("", o.ticket.account)
    )


def executions_of(state: ExchangeState, day: date, account: str = "") -> tuple[Execution, ...]:
    """Executions of a trade date, corrections included, oldest first."""
    return tuple(e for e in state.executions if e.session == day and account in ("", e.ticket.account))


def order_by_perm_id(state: ExchangeState, perm_id: int) -> ExchangeOrder | None:
    """The order with this permanent id, None if there is none."""
    return next((o for o in state.orders if o.perm_id == perm_id), None)


def order_by_client(state: ExchangeState, client_id: int, order_id: int) -> ExchangeOrder | None:
    """The newest order a client sent under this order id, None if there is none."""
    mine = (o for o in reversed(state.orders) if o.ticket.client_id == client_id)
    return next((o for o in mine if o.ticket.order_id == order_id), None)


def next_order_id(state: ExchangeState, client_id: int) -> int:
    """One more than the largest order id this client has used; 1 for a new client."""
    used = (o.ticket.order_id for o in state.orders if o.ticket.client_id == client_id)
    return max(used, default=0) + 1
