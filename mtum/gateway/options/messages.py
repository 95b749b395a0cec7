"""Messages about orders in options: openOrder, orderStatus, completedOrder, executions and fees."""

from decimal import Decimal

from msgspec import Struct

from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.exchange_state import ExchangeStatus, OptionOrder
from mtum.core.simulation.option_books import OptionEnding, OptionExecution, OptionTicket
from mtum.gateway.contracts import listing_of
from mtum.gateway.framing import Field, Message, laid_out, message, names_at
from mtum.gateway.messages import (
    COMPLETED_ORDER,
    COMPLETED_STATUS,
    NOT_SET,
    OPEN_ORDER,
    PLAIN,
    contract_fields,
)

COMBINATION = 28812380
"""The broker's number of every combination."""
_COMBINATION_CLASS = "COMB"


class OptionWhatIf(Struct, frozen=True):
    """Answer to a trial order, USD."""

    before: Decimal
    after: Decimal
    equity: Decimal
    fees: Decimal


def open_order(order: OptionOrder, status: str, version: int, trial: OptionWhatIf | None = None) -> Message:
    """An order as it stands; with `trial` the answer to a what-if order.

    Parameters
    ----------
    order : OptionOrder
        An order in options that the exchange accepted; as `ExchangeOrder`, in units and USD per share of one.
    status : str
        Status, in the broker's words.
    version : int
        Version of the protocol that the client speaks.
    trial : OptionWhatIf or None
        Answer to a trial order, USD; None for none.
    """
    values = _order_values(order) | {
        "orderId": order.ticket.order_id,
        "clientId": order.ticket.client_id,
        "totalQuantity": order.ticket.quantity,
        "status": status,
    }
    if trial:
        values |= {
            "whatIf": True,
            "initMarginBefore": trial.before,
            "maintMarginBefore": trial.before,
            "equityWithLoanBefore": trial.equity,
            "initMarginChange": trial.after - trial.before,
            "maintMarginChange": trial.after - trial.before,
            "equityWithLoanChange": -trial.fees,
            "initMarginAfter": trial.after,
            "maintMarginAfter": trial.after,
            "equityWithLoanAfter": trial.equity - trial.fees,
            "minCommission": trial.fees,
            "maxCommission": trial.fees,
            "commissionCurrency": "USD",
        }
    return message("openOrder", 5, *_with_legs(OPEN_ORDER, version, values, order.ticket))


def order_status(order: OptionOrder, status: str, last_price: Decimal = Decimal(0)) -> Message:
    """Status of an order, in units; the mean price of a credit that was bought is below 0.

    Parameters
    ----------
    order : OptionOrder
        An order in options that the exchange accepted; as `ExchangeOrder`, in units and USD per share of one.
    status : str
        Status, in the broker's words.
    last_price : Decimal
        Price of the newest fill, USD; 0 before one.
    """
    ticket = order.ticket
    so_far: list[Field] = [order.filled, order.remaining, order.average_price, order.perm_id, 0, last_price]
    return message("orderStatus", 3, ticket.order_id, status, *so_far, ticket.client_id, "", 0.0)


def completed_order(order: OptionOrder, version: int, ended: str) -> Message:
    """A finished order: no order id, no client id, quantity = what was not filled.

    Parameters
    ----------
    order : OptionOrder
        An order in options that the exchange accepted; as `ExchangeOrder`, in units and USD per share of one.
    version : int
        Version of the protocol that the client speaks.
    ended : str
        How it ended, in the broker's words.
    """
    filled = order.status is ExchangeStatus.FILLED
    values = _order_values(order) | {
        "remaining": order.remaining,
        "filledQuantity": order.filled,
        "status": COMPLETED_STATUS[order.status],
        "completedTime": ended,
        "completedStatus": f"Filled Size: {order.filled}" if filled else order.reason,
    }
    return message("completedOrder", 101, *_with_legs(COMPLETED_ORDER, version, values, order.ticket))


def exec_details(request_id: int, execution: OptionExecution, order: OptionOrder, version: int, at: str) -> Message:
    """One execution of a leg, or of the combination as a whole; request id -1 when nobody asked.

    Parameters
    ----------
    request_id : int
        Number of the request; -1 for none.
    execution : OptionExecution
        One fill of a leg, or of a combination as a whole.
    order : OptionOrder
        An order in options that the exchange accepted; as `ExchangeOrder`, in units and USD per share of one.
    version : int
        Version of the protocol that the client speaks.
    at : str
        Instant as the wire writes it.
    """
    ticket = order.ticket
    side = "BOT" if execution.side is Side.BUY else "SLD"
    contract = combination(ticket) if execution.contract is None else leg_contract(execution.contract)
    fields: list[Field] = [request_id, ticket.order_id, *contract.values(), execution.exec_id, at, ticket.account]
    fields += ["CBOE", side, execution.quantity, execution.price, execution.perm_id, ticket.client_id]
    fields += [0, execution.filled_so_far, execution.average_price, ticket.ref, "", "", "", 2]
    return message("execDetails", 11, *fields, *([False] if version >= 178 else []))


def commission_report(execution: OptionExecution) -> Message:
    """Fees and realized profit of the execution of a leg."""
    realized = NOT_SET if execution.realized_pnl is None else execution.realized_pnl
    return message("commissionReport", 59, 1, execution.exec_id, execution.fee, "USD", realized, NOT_SET, "")


def book_trades(request_id: int, ending: OptionEnding, version: int, at: str) -> list[Message]:
    """What a night did, as executions without an order: the option at 0, and the shares at the strike.

    Parameters
    ----------
    request_id : int
        Number of the request; -1 for none.
    ending : OptionEnding
        Contracts of an account that ended without a trade on the morning of a session (model.ending.Ending).
    version : int
        Version of the protocol that the client speaks.
    at : str
        Instant as the wire writes it.
    """
    contract = ending.contract
    legs: list[tuple[dict[str, Field], int, Decimal]] = [(leg_contract(contract), -ending.quantity, Decimal(0))]
    if ending.shares:
        share = listing_of(contract.underlying)
        legs.append((contract_fields(share, "", share.exchange), ending.shares, contract.strike))
    told = []
    for place, (described, change, price) in enumerate(legs, start=1):
        side, exec_id = "BOT" if change > 0 else "SLD", f"0000f00d.{contract.con_id:x}.{place:02d}.01"
        fields: list[Field] = [request_id, 0, *described.values(), exec_id, at, ending.account, "--", side]
        fields += [abs(change), price, 0, 0, 0, abs(change), price, "", "", "", "", 0]
        told.append(message("execDetails", 11, *fields, *([False] if version >= 178 else [])))
    return told


def leg_contract(contract: OptionContract) -> dict[str, Field]:
    """The 11 contract fields of an option."""
    return contract_fields(listing_of(contract.local_symbol), "?", "SMART")


def combination(ticket: OptionTicket) -> dict[str, Field]:
    """The 11 contract fields of a combination."""
    return {
        "conId": COMBINATION,
        "symbol": ticket.symbol,
        "secType": "BAG",
        "expiry": "",
        "strike": "0",
        "right": "?",
        "multiplier": "",
        "exchange": "SMART",
        "currency": "USD",
        "localSymbol": ticket.symbol,
        "tradingClass": _COMBINATION_CLASS,
    }


def _order_values(order: OptionOrder) -> dict[str, Field]:
    ticket = order.ticket
    legs = ",".join(f"{leg.contract.con_id}|{leg.signed}" for leg in ticket.legs)
    return {
        **PLAIN,
        **(combination(ticket) if ticket.combined else leg_contract(ticket.legs[0].contract)),
        "action": ticket.side.value,
        "orderType": "LMT",
        "lmtPrice": ticket.limit,
        "tif": "DAY",
        "account": ticket.account,
        "orderRef": ticket.ref,
        "permId": order.perm_id,
        "comboLegsDescrip": legs if ticket.combined else "",
    }


def _with_legs(layout: str, version: int, values: dict[str, Field], ticket: OptionTicket) -> list[Field]:
    fields = laid_out(layout, version, values)
    if not ticket.combined:
        return fields
    at = names_at(layout, version).index("legs")
    legs: list[Field] = [len(ticket.legs)]
    for leg in ticket.legs:
        legs += [leg.contract.con_id, leg.ratio, leg.side.value, "SMART", 0, 0, "", -1]
    return [*fields[:at], *legs, *fields[at + 1 :]]
