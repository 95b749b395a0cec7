"""Which function answers which request, and what a client hears after its login."""

from collections.abc import Callable, Mapping

from mtum.core.simulation.exchange_queries import next_order_id
from mtum.gateway import accounts, market_data, orders
from mtum.gateway.framing import message
from mtum.gateway.options import calculations, details
from mtum.gateway.orders import catch_up
from mtum.gateway.requests import Request
from mtum.gateway.shared import Client


def answer(client: Client, request: Request) -> None:
    """Bring the market up to date, then answer."""
    catch_up(client.shared)
    ANSWERS[request.name](client, request)


def greet(client: Client) -> None:
    """Tell accounts, next order id and farm notices."""
    _managed_accounts(client)
    _next_id(client)
    for code, farm in ((2104, "Market data farm"), (2106, "HMDS data farm"), (2158, "Sec-def data farm")):
        client.error(-1, code, f"{farm} connection is OK:{client.shared.behavior.farm}")


def _managed_accounts(client: Client, _: Request | None = None) -> None:
    codes = ",".join(account.code for account in client.shared.exchange.state.accounts)
    client.send(message("managedAccts", 15, 1, codes))


def _next_id(client: Client, _: Request | None = None) -> None:
    announced = client.shared.behavior.next_order_id or next_order_id(client.shared.exchange.state, client.client_id)
    client.send(message("nextValidId", 9, 1, announced))


def _current_time(client: Client, _: Request) -> None:
    client.send(message("currentTime", 49, 1, int(client.shared.market.clock.now().timestamp())))


def _contract_details(client: Client, request: Request) -> None:
    of_options = details.concerns_options(client, request)
    answered = details.contract_details if of_options else market_data.contract_details
    answered(client, request)


ANSWERS: Mapping[str, Callable[[Client, Request], None]] = {
    "reqMktData": market_data.market_data,
    "cancelMktData": accounts.end_subscription,
    "placeOrder": orders.place_order,
    "cancelOrder": orders.cancel_order,
    "reqOpenOrders": orders.own_open_orders,
    "reqAccountUpdates": accounts.account_updates,
    "reqExecutions": orders.list_executions,
    "reqIds": _next_id,
    "reqContractDetails": _contract_details,
    "reqAutoOpenOrders": lambda client, request: None,  # needs no answer
    "reqAllOpenOrders": orders.all_open_orders,
    "reqManagedAccts": _managed_accounts,
    "reqHistoricalData": market_data.historical_bars,
    "cancelHistoricalData": market_data.cancel_history,
    "exerciseOptions": calculations.exercise,
    "reqCalculateImpliedVolatility": calculations.calculate_volatility,
    "reqCalculateOptionPrice": calculations.calculate_price,
    "cancelCalculateImpliedVolatility": lambda client, request: None,  # needs no answer
    "cancelCalculateOptionPrice": lambda client, request: None,  # needs no answer
    "reqCurrentTime": _current_time,
    "reqGlobalCancel": orders.cancel_everything,
    "reqMarketDataType": lambda client, request: None,  # needs no answer
    "reqPositions": accounts.positions,
    "reqAccountSummary": accounts.account_summary,
    "cancelAccountSummary": accounts.end_subscription,
    "cancelPositions": accounts.end_subscription,
    "reqAccountUpdatesMulti": accounts.account_updates_multi,
    "cancelAccountUpdatesMulti": accounts.end_subscription,
    "reqSecDefOptParams": details.chain,
    "reqMatchingSymbols": market_data.matching_symbols,
    "reqHeadTimestamp": market_data.head_timestamp,
    "cancelHeadTimestamp": lambda client, request: None,  # needs no answer
    "reqMarketRule": details.market_rule,
    "reqPnL": accounts.profit_and_loss,
    "cancelPnL": accounts.end_subscription,
    "reqPnLSingle": accounts.profit_and_loss_single,
    "cancelPnLSingle": accounts.end_subscription,
    "reqCompletedOrders": orders.list_completed,
    "reqUserInfo": lambda client, request: client.send(message("userInfo", 107, request.whole("reqId"), "")),
}
