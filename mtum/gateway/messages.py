"""Messages about orders: openOrder, orderStatus, completedOrder, executions and commissions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from mtum.core.market.bars import Bar
from mtum.core.simulation.exchange_state import ExchangeAccount, ExchangeOrder, ExchangeStatus, Execution, Position
from mtum.gateway.contracts import NEW_YORK_WIRE, Listing
from mtum.gateway.framing import Field, Message, laid_out, message, text_of

NOT_SET = "1.7976931348623157E308"

_CONTRACT_11 = "conId symbol secType expiry strike right multiplier exchange currency localSymbol tradingClass"
OPEN_ORDER = f"""
orderId {_CONTRACT_11} action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose
origin orderRef clientId permId outsideRth hidden discretionaryAmt goodAfterTime sharesAllocation
faGroup faMethod faPercentage faProfile@<177 modelCode goodTillDate rule80A percentOffset settlingFirm
shortSaleSlot designatedLocation exemptCode auctionStrategy startingPrice stockRefPrice delta
stockRangeLower stockRangeUpper displaySize blockOrder sweepToFill allOrNone minQty ocaType eTradeOnly
firmQuoteOnly nbboPriceCap parentId triggerMethod volatility volatilityType deltaNeutralOrderType
deltaNeutralAuxPrice dnConId dnSettlingFirm dnClearingAccount dnClearingIntent dnOpenClose dnShortSale
dnShortSaleSlot dnDesignatedLocation continuousUpdate referencePriceType trailStopPrice trailingPercent
basisPoints basisPointsType comboLegsDescrip legs legPrices comboParams scaleInitLevelSize
scaleSubsLevelSize scalePriceIncrement hedgeType optOutSmartRouting clearingAccount clearingIntent
notHeld deltaNeutral algoStrategy solicited whatIf status initMarginBefore maintMarginBefore
equityWithLoanBefore initMarginChange maintMarginChange equityWithLoanChange initMarginAfter
maintMarginAfter equityWithLoanAfter commission minCommission maxCommission commissionCurrency
warningText randomizeSize randomizePrice conditions adjustedOrderType triggerPrice adjustedTrailStop
lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit
softDollarTierName softDollarTierValue softDollarTierDisplay cashQty dontUseAutoPriceForHedge
isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo duration@158 postToAts@160
autoCancelParent@162 minTradeQty@170 minCompeteSize@170 competeAgainstBestOffset@170
midOffsetAtWhole@170 midOffsetAtHalf@170
"""
COMPLETED_ORDER = f"""
{_CONTRACT_11} action remaining orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef
permId outsideRth hidden discretionaryAmt goodAfterTime faGroup faMethod faPercentage faProfile@<177
modelCode goodTillDate rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode
startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize sweepToFill allOrNone
minQty ocaType triggerMethod volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice
dnConId dnShortSale dnShortSaleSlot dnDesignatedLocation continuousUpdate referencePriceType
trailStopPrice trailingPercent comboLegsDescrip legs legPrices comboParams scaleInitLevelSize
scaleSubsLevelSize scalePriceIncrement hedgeType clearingAccount clearingIntent notHeld deltaNeutral
algoStrategy solicited status randomizeSize randomizePrice conditions adjustedTrailStop lmtPriceOffset
cashQty dontUseAutoPriceForHedge isOmsContainer autoCancelDate filledQuantity refFuturesConId
autoCancelParent shareholder imbalanceOnly routeMarketableToBbo parentPermId completedTime
completedStatus minTradeQty@170 minCompeteSize@170 competeAgainstBestOffset@170 midOffsetAtWhole@170
midOffsetAtHalf@170
"""
_ZEROS = """
strike auxPrice origin outsideRth hidden discretionaryAmt shortSaleSlot auctionStrategy blockOrder
sweepToFill allOrNone eTradeOnly firmQuoteOnly parentId triggerMethod volatilityType dnConId dnShortSale
dnShortSaleSlot continuousUpdate referencePriceType legs legPrices comboParams optOutSmartRouting
notHeld deltaNeutral solicited whatIf randomizeSize randomizePrice conditions cashQty
dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo postToAts
autoCancelParent refFuturesConId imbalanceOnly routeMarketableToBbo parentPermId
"""
_UNSET = """
trailStopPrice scalePriceIncrement adjustedTrailStop lmtPriceOffset adjustedStopPrice
adjustedStopLimitPrice adjustedTrailingAmount triggerPrice
competeAgainstBestOffset midOffsetAtWhole midOffsetAtHalf initMarginBefore maintMarginBefore
equityWithLoanBefore initMarginChange maintMarginChange equityWithLoanChange initMarginAfter
maintMarginAfter equityWithLoanAfter
"""
PLAIN: dict[str, Field] = {
    **dict.fromkeys(_ZEROS.split(), "0"),
    **dict.fromkeys(_UNSET.split(), NOT_SET),
    "right": "?",
    "exemptCode": "-1",
    "ocaType": "3",
    "deltaNeutralOrderType": "None",
    "dnOpenClose": "?",
    "clearingIntent": "IB",
    "adjustedOrderType": "None",
    "adjustableTrailingUnit": "0",
    "shareholder": "Not an insider or substantial shareholder",
    "autoCancelDate": "",
}
COMPLETED_STATUS = {
    ExchangeStatus.WORKING: "Submitted",
    ExchangeStatus.FILLED: "Filled",
    ExchangeStatus.CANCELED: "Cancelled",
    ExchangeStatus.EXPIRED: "Cancelled",
    ExchangeStatus.REJECTED: "Inactive",
}
_CONTRACT_DATA = """
version@<164 reqId symbol secType expiry strike right exchange currency localSymbol marketName
tradingClass conId minTick sizeMultiplier@<164 multiplier orderTypes validExchanges priceMagnifier
underConId longName primaryExchange contractMonth industry category subcategory timeZoneId tradingHours
liquidHours evRule evMultiplier secIds aggGroup underSymbol underSecType marketRuleIds
realExpirationDate stockType minSize@164 sizeIncrement@164 suggestedSizeIncrement@164
"""
MARKET_RULE = 26


class WhatIf(Struct, frozen=True):
    """Margin and fee of a trial order, in USD."""

    margin_change: Decimal
    equity: Decimal
    commission: Decimal


def open_order(
    order: ExchangeOrder, listing: Listing, status: str, version: int, trial: WhatIf | None = None
) -> Message:
    """An order as it stands; with `trial` the answer to a what-if order.

    Parameters
    ----------
    order : ExchangeOrder
        An order the exchange accepted.
    listing : Listing
        One contract as the gateway knows it.
    status : str
        Status, in the broker's words.
    version : int
        Version of the protocol that the client speaks.
    trial : WhatIf or None
        Margin and fee of a trial order, in USD; None for none.
    """
    values = _order_values(order, listing) | {
        "orderId": order.ticket.order_id,
        "clientId": order.ticket.client_id,
        "totalQuantity": order.ticket.shares,
        "status": status,
    }
    if trial:
        values |= _trial_values(trial)
    return message("openOrder", 5, *laid_out(OPEN_ORDER, version, values))


def order_status(order: ExchangeOrder, status: str, last_price: Decimal = Decimal(0)) -> Message:
    """Status, filled and remaining shares of an order.

    Parameters
    ----------
    order : ExchangeOrder
        An order the exchange accepted.
    status : str
        Status, in the broker's words.
    last_price : Decimal
        Price of the newest fill, USD; 0 before one.
    """
    ticket = order.ticket
    so_far: list[Field] = [order.filled, order.remaining, order.average_price, order.perm_id, 0, last_price]
    return message("orderStatus", 3, ticket.order_id, status, *so_far, ticket.client_id, "", 0.0)


def completed_order(order: ExchangeOrder, listing: Listing, version: int, ended: str) -> Message:
    """A finished order: no order id, no client id, quantity = what was not filled.

    Parameters
    ----------
    order : ExchangeOrder
        An order the exchange accepted.
    listing : Listing
        One contract as the gateway knows it.
    version : int
        Version of the protocol that the client speaks.
    ended : str
        How it ended, in the broker's words.
    """
    filled = order.status is ExchangeStatus.FILLED
    values = _order_values(order, listing) | {
        "remaining": order.remaining,
        "filledQuantity": order.filled,
        "status": COMPLETED_STATUS[order.status],
        "completedTime": ended,
        "completedStatus": f"Filled Size: {order.filled}" if filled else order.reason,
    }
    return message("completedOrder", 101, *laid_out(COMPLETED_ORDER, version, values))


def exec_details(request_id: int, execution: Execution, listing: Listing, version: int, instant: str) -> Message:
    """One execution; request id -1 when nobody asked.

    Parameters
    ----------
    request_id : int
        Number of the request; -1 for none.
    execution : Execution
        One fill as reported. A correction repeats the first three parts of `exec_id` and raises the last.
    listing : Listing
        One contract as the gateway knows it.
    version : int
        Version of the protocol that the client speaks.
    instant : str
        Instant as the wire writes it.
    """
    ticket = execution.ticket
    side = "BOT" if ticket.side.value == "BUY" else "SLD"
    contract = contract_fields(listing, "", listing.exchange).values()
    fields: list[Field] = [request_id, ticket.order_id, *contract, execution.exec_id, instant, ticket.account]
    fields += [listing.primary_exchange, side, execution.shares, execution.price, execution.perm_id, ticket.client_id]
    fields += [0, execution.filled_so_far, execution.average_price, ticket.ref, "", "", "", 2]
    return message("execDetails", 11, *fields, *([False] if version >= 178 else []))


def commission_report(execution: Execution) -> Message:
    """Fee and realized profit of an execution."""
    realized = NOT_SET if execution.realized_pnl is None else execution.realized_pnl
    return message("commissionReport", 59, 1, execution.exec_id, execution.commission, "USD", realized, NOT_SET, "")


def wire_time(instant: datetime, *, zone: str) -> str:
    """`YYYYMMDD HH:MM:SS zone`; an empty zone gives the older form without one."""
    stamp = instant.strftime("%Y%m%d %H:%M:%S")
    return f"{stamp} {zone}" if zone else stamp.replace(" ", "  ")


def contract_fields(listing: Listing, right: str, exchange: str) -> dict[str, Field]:
    """The 11 contract fields of most messages; `right` for what is no option.

    Parameters
    ----------
    listing : Listing
        One contract as the gateway knows it.
    right : str
        Right, as the wire writes it: C or P.
    exchange : str
        Exchange the contract is routed to.
    """
    return {
        "conId": listing.con_id,
        "symbol": listing.symbol,
        "secType": listing.sec_type,
        "expiry": listing.expiry,
        "strike": listing.strike,
        "right": listing.right or right,
        "multiplier": listing.multiplier,
        "exchange": exchange,
        "currency": listing.currency,
        "localSymbol": listing.local_symbol or listing.symbol,
        "tradingClass": listing.trading_class,
    }


def _order_values(order: ExchangeOrder, listing: Listing) -> dict[str, Field]:
    ticket = order.ticket
    return {
        **PLAIN,
        **contract_fields(listing, "?", listing.exchange),
        "action": ticket.side.value,
        "orderType": ticket.order_type.value,
        "lmtPrice": ticket.limit if ticket.limit is not None else "0.0",
        "tif": ticket.tif or "DAY",
        "account": ticket.account,
        "orderRef": ticket.ref,
        "permId": order.perm_id,
    }


def _trial_values(trial: WhatIf) -> dict[str, Field]:
    return {
        "whatIf": True,
        "initMarginBefore": "0.0",
        "maintMarginBefore": "0.0",
        "equityWithLoanBefore": text_of(trial.equity),
        "initMarginChange": trial.margin_change,
        "maintMarginChange": trial.margin_change,
        "equityWithLoanChange": -trial.commission,
        "initMarginAfter": trial.margin_change,
        "maintMarginAfter": trial.margin_change,
        "equityWithLoanAfter": trial.equity - trial.commission,
        "commission": trial.commission,
        "commissionCurrency": "USD",
    }


def money(amount: Decimal) -> str:
    """An amount with two decimals, as the broker shows account values."""
    return str(amount.quantize(Decimal("0.01")))


def portfolio_value(account: ExchangeAccount, position: Position, listing: Listing, price: Decimal) -> Message:
    """One position with its market value.

    Parameters
    ----------
    account : ExchangeAccount
        The account at the exchange: cash in USD, and positions.
    position : Position
        Shares of one symbol (fractions allowed) and their average cost in USD, commission included.
    listing : Listing
        One contract as the gateway knows it.
    price : Decimal
        Price, USD per share.
    """
    worth = price * position.shares * int(listing.multiplier or 1)
    unrealized = worth - position.average_cost * position.shares
    exchange = listing.primary_exchange
    contract = contract_fields(listing, "0" if exchange else "", exchange).values()
    values: list[Field] = [position.shares, price, money(worth), position.average_cost, money(unrealized)]
    return message("portfolioValue", 7, 8, *contract, *values, money(account.realized_pnl), account.code)


def position_message(account: str, position: Position, listing: Listing) -> Message:
    """One position with its average cost.

    Parameters
    ----------
    account : str
        Code of the account.
    position : Position
        Shares of one symbol (fractions allowed) and their average cost in USD, commission included.
    listing : Listing
        One contract as the gateway knows it.
    """
    contract = contract_fields(listing, "", "").values()
    return message("position", 61, 3, account, *contract, position.shares, position.average_cost)


class WireBar(NamedTuple):
    """One bar as sent: its date or instant as text, its prices, whole volume."""

    stamp: str
    bar: Bar
    volume: int


def error(request_id: int, code: int, text: str, version: int) -> Message:
    """Error, warning or notice; request id -1 when it belongs to nothing.

    Parameters
    ----------
    request_id : int
        Number of the request; -1 for none.
    code : int
        The broker's code.
    text : str
        The message's words.
    version : int
        Version of the protocol that the client speaks.
    """
    fields: list[Field] = [2, request_id, code, text if version >= 160 else text.replace("\n", "\\n")]
    return message("error", 4, *fields, *([""] if version >= 166 else []))


def contract_data(
    request_id: int, listing: Listing, hours: tuple[str, str], version: int, told: Mapping[str, Field] | None = None
) -> Message:
    """Contract details; `hours` are trading and liquid hours, `told` what is different from a share or an index.

    Parameters
    ----------
    request_id : int
        Number of the request; -1 for none.
    listing : Listing
        One contract as the gateway knows it.
    hours : (str, str)
        Trading hours and liquid hours, as the wire writes them.
    version : int
        Version of the protocol that the client speaks.
    told : mapping of str to Field or None
        Fields that differ from those of a share or an index; None for none.
    """
    stock = listing.sec_type == "STK"
    values: dict[str, Field] = {
        "version": 8,
        "reqId": request_id,
        "symbol": listing.symbol,
        "secType": listing.sec_type,
        "strike": "0",
        "exchange": listing.exchange,
        "currency": listing.currency,
        "localSymbol": listing.symbol,
        "marketName": listing.trading_class,
        "tradingClass": listing.trading_class,
        "conId": listing.con_id,
        "minTick": "0.01",
        "sizeMultiplier": 100,
        "orderTypes": "LMT,LOC,MKT,MOC" if stock else "",
        "validExchanges": f"SMART,{listing.primary_exchange}" if stock else listing.exchange,
        "priceMagnifier": 1,
        "underConId": 0,
        "longName": listing.long_name,
        "primaryExchange": listing.primary_exchange if stock else "",
        "timeZoneId": NEW_YORK_WIRE,
        "tradingHours": hours[0],
        "liquidHours": hours[1],
        "evMultiplier": 0,
        "secIds": 0,
        "aggGroup": 1,
        "marketRuleIds": f"{MARKET_RULE},{MARKET_RULE}" if stock else str(MARKET_RULE),
        "stockType": "ETF" if stock else "",
        "minSize": 1,
        "sizeIncrement": 1,
        "suggestedSizeIncrement": 100,
        **(told or {}),
    }
    fields = laid_out(_CONTRACT_DATA, version, values)
    if version == 163:
        fields.append(100)
    return message("contractData", 10, *fields)


def historical_data(request_id: int, span: tuple[str, str], bars: Sequence[WireBar]) -> Message:
    """All bars of a request in one message, which is also its end.

    Parameters
    ----------
    request_id : int
        Number of the request; -1 for none.
    span : (str, str)
        First and last instant, as the wire writes them.
    bars : sequence of WireBar
        The bars, as the wire has them.
    """
    fields: list[Field] = [request_id, *span, len(bars)]
    for stamp, bar, volume in bars:
        average = round((bar.high + bar.low + bar.close) / 3.0, 6)
        fields += [stamp, bar.open, bar.high, bar.low, bar.close, volume, average]
        fields.append(max(1, volume // 100) if volume > 0 else min(volume, 0))
    return message("historicalData", 17, *fields)


def tick_price(request_id: int, tick: int, price: Decimal, size: int = 0) -> Message:
    """A price tick, with the size of bid, ask or last.

    Parameters
    ----------
    request_id : int
        Number of the request; -1 for none.
    tick : int
        Number of the kind of tick.
    price : Decimal
        Price, USD per share.
    size : int
        Shares of the bid, ask or last trade.
    """
    return message("tickPrice", 1, 6, request_id, tick, price, size, 0)


def symbol_samples(request_id: int, listings: Sequence[Listing], version: int) -> Message:
    """Contracts that match a pattern.

    Parameters
    ----------
    request_id : int
        Number of the request; -1 for none.
    listings : sequence of Listing
        The contracts.
    version : int
        Version of the protocol that the client speaks.
    """
    fields: list[Field] = [request_id, len(listings)]
    for listing in listings:
        fields += [listing.con_id, listing.symbol, listing.sec_type, listing.primary_exchange]
        fields += [listing.currency, 0, *([listing.long_name, ""] if version >= 176 else [])]
    return message("symbolSamples", 79, *fields)
