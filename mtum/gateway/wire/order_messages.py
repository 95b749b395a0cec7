"""Messages about orders: openOrder, orderStatus, completedOrder, executions and commissions."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mtum.core.simulation.exchange_state import ExchangeOrder, ExchangeStatus, Execution
from mtum.gateway.contracts import Listing
from mtum.gateway.wire.framing import Field, Message, laid_out, message, text_of

NOT_SET = "1.7976931348623157E308"

_CONTRACT_11 = "conId symbol secType expiry strike right multiplier exchange currency localSymbol tradingClass"
_OPEN_ORDER = f"""
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
_COMPLETED_ORDER = f"""
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
_PLAIN: dict[str, Field] = {
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


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Margin and fee of a trial order, in USD."""

    margin_change: Decimal
    equity: Decimal
    commission: Decimal


def open_order(
    order: ExchangeOrder, listing: Listing, status: str, version: int, trial: WhatIf | None = None
) -> Message:
    """An order as it stands; with `trial` the answer to a what-if order."""
    values = _order_values(order, listing) | {
        "orderId": order.ticket.order_id,
        "clientId": order.ticket.client_id,
        "totalQuantity": order.ticket.shares,
        "status": status,
    }
    if trial:
        values |= _trial_values(trial)
    return message("openOrder", 5, *laid_out(_OPEN_ORDER, version, values))


def order_status(order: ExchangeOrder, status: str, last_price: Decimal = Decimal(0)) -> Message:
    """Status, filled and remaining shares of an order."""
    return message(
        "orderStatus",
        3,
        order.ticket.order_id,
        status,
        order.filled,
        order.remaining,
        order.average_price,
        order.perm_id,
        0,
        last_price,
        order.ticket.client_id,
        "",
        0.0,
    )


def completed_order(order: ExchangeOrder, listing: Listing, version: int, ended: str) -> Message:
    """A finished order: no order id, no client id, quantity = what was not filled."""
    filled = order.status is ExchangeStatus.FILLED
    values = _order_values(order, listing) | {
        "remaining": order.remaining,
        "filledQuantity": order.filled,
        "status": _COMPLETED_STATUS[order.status],
        "completedTime": ended,
        "completedStatus": f"Filled Size: {order.filled}" if filled else order.reason,
    }
    return message("completedOrder", 101, *laid_out(_COMPLETED_ORDER, version, values))


def exec_details(request_id: int, execution: Execution, listing: Listing, version: int, instant: str) -> Message:
    """One execution; request id -1 when nobody asked."""
    ticket = execution.ticket
    fields: list[Field] = [
        request_id,
        ticket.order_id,
        *_contract_11(listing, "").values(),
        execution.exec_id,
        instant,
        ticket.account,
        listing.primary_exchange,
        "BOT" if ticket.side.value == "BUY" else "SLD",
        execution.shares,
        execution.price,
        execution.perm_id,
        ticket.client_id,
        0,
        execution.filled_so_far,
        execution.average_price,
        ticket.ref,
        "",
        "",
        "",
        2,
    ]
    return message("execDetails", 11, *fields, *([False] if version >= 178 else []))


def commission_report(execution: Execution) -> Message:
    """Fee and realized profit of an execution."""
    realized = NOT_SET if execution.realized_pnl is None else execution.realized_pnl
    return message("commissionReport", 59, 1, execution.exec_id, execution.commission, "USD", realized, NOT_SET, "")


def wire_time(instant: datetime, *, zone: str) -> str:
    """`YYYYMMDD HH:MM:SS zone`; an empty zone gives the older form without one."""
    stamp = instant.strftime("%Y%m%d %H:%M:%S")
    return f"{stamp} {zone}" if zone else stamp.replace(" ", "  ")


_COMPLETED_STATUS = {
    ExchangeStatus.WORKING: "Submitted",
    ExchangeStatus.FILLED: "Filled",
    ExchangeStatus.CANCELED: "Cancelled",
    ExchangeStatus.EXPIRED: "Cancelled",
    ExchangeStatus.REJECTED: "Inactive",
}


def _contract_11(listing: Listing, right: str) -> dict[str, Field]:
    return {
        "conId": listing.con_id,
        "symbol": listing.symbol,
        "secType": listing.sec_type,
        "expiry": listing.expiry,
        "strike": listing.strike,
        "right": listing.right or right,
        "multiplier": listing.multiplier,
        "exchange": listing.exchange,
        "currency": listing.currency,
        "localSymbol": listing.local_symbol or listing.symbol,
        "tradingClass": listing.trading_class,
    }


def _order_values(order: ExchangeOrder, listing: Listing) -> dict[str, Field]:
    ticket = order.ticket
    return {
        **_PLAIN,
        **_contract_11(listing, "?"),
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
