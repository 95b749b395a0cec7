"""Which function answers which request."""

from collections.abc import Callable, Mapping

from mtum.gateway.answers import accounts, history, orders, quotes
from mtum.gateway.answers.news import catch_up
from mtum.gateway.session import ClientSession
from mtum.gateway.wire.requests import Request

ANSWERS: Mapping[str, Callable[[ClientSession, Request], None]] = {
    "reqMktData": quotes.market_data,
    "cancelMktData": accounts.end_subscription,
    "placeOrder": orders.place_order,
    "cancelOrder": orders.cancel_order,
    "reqOpenOrders": orders.own_open_orders,
    "reqAccountUpdates": accounts.account_updates,
    "reqExecutions": orders.list_executions,
    "reqIds": quotes.next_id,
    "reqContractDetails": quotes.contract_details,
    "reqAutoOpenOrders": orders.ignore,
    "reqAllOpenOrders": orders.all_open_orders,
    "reqManagedAccts": quotes.managed_accounts,
    "reqHistoricalData": history.historical_bars,
    "cancelHistoricalData": orders.ignore,
    "reqCurrentTime": quotes.current_time,
    "reqGlobalCancel": orders.cancel_everything,
    "reqMarketDataType": quotes.market_data_type,
    "reqPositions": accounts.positions,
    "reqAccountSummary": accounts.account_summary,
    "cancelAccountSummary": accounts.end_subscription,
    "cancelPositions": accounts.end_subscription,
    "reqAccountUpdatesMulti": accounts.account_updates_multi,
    "cancelAccountUpdatesMulti": accounts.end_subscription,
    "reqSecDefOptParams": quotes.option_parameters,
    "reqMatchingSymbols": quotes.matching_symbols,
    "reqHeadTimestamp": history.head_timestamp,
    "cancelHeadTimestamp": orders.ignore,
    "reqMarketRule": quotes.market_rule,
    "reqPnL": accounts.profit_and_loss,
    "cancelPnL": accounts.end_subscription,
    "reqPnLSingle": accounts.profit_and_loss_single,
    "cancelPnLSingle": accounts.end_subscription,
    "reqCompletedOrders": orders.list_completed,
    "reqUserInfo": quotes.branding,
}


def answer(client: ClientSession, request: Request) -> None:
    """Bring the market up to date, then answer."""
    catch_up(client.floor)
    ANSWERS[request.name](client, request)
