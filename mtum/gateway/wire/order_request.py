"""How a placeOrder message is read, with every optional block a client may send."""

from mtum.gateway.wire.framing import Cursor, names_at

_HEAD = """
orderId conId symbol secType expiry strike right multiplier exchange primaryExchange currency
localSymbol tradingClass secIdType secId
action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef
transmit parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden
"""
_BODY = """
sharesAllocation discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile@<177
modelCode shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty
percentOffset eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta
stockRangeLower stockRangeUpper overridePercentageConstraints volatility volatilityType
deltaNeutralOrderType deltaNeutralAuxPrice
"""
_DELTA_NEUTRAL = """
dnConId dnSettlingFirm dnClearingAccount dnClearingIntent dnOpenClose dnShortSale dnShortSaleSlot
dnDesignatedLocation
"""
_TRAIL_AND_SCALE = """
continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize
scaleSubsLevelSize scalePriceIncrement
"""
_SCALE = """
scalePriceAdjustValue scalePriceAdjustInterval scaleProfitOffset scaleAutoReset scaleInitPosition
scaleInitFillQty scaleRandomPercent
"""
_FLAGS = "algoId whatIf orderMiscOptions solicited randomizeSize randomizePrice"
_BENCHMARK = """
referenceContractId isPeggedChangeAmountDecrease peggedChangeAmount referenceChangeAmount
referenceExchangeId
"""
_TAIL = """
adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice
adjustedTrailingAmount adjustableTrailingUnit extOperator softDollarTierName softDollarTierValue cashQty
mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo
dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo
duration@158 postToAts@160 autoCancelParent@162 advancedErrorOverride@166 manualOrderTime@169
"""
# Condition type: fields after the type (conjunction first).
_CONDITION_FIELDS = {"1": 6, "3": 3, "4": 3, "5": 4, "6": 5, "7": 5}


def read_order(cursor: Cursor, version: int) -> dict[str, str]:
    """Read the fields of a placeOrder after its id.

    Returns
    -------
    dict of str to str
        Fields by name; of the blocks that a plain stock order lacks only the sizes matter here.

    Raises
    ------
    WireError
        If a field is missing or a count is not a number.
    """
    order = cursor.named(*_HEAD.split())
    if order["secType"] == "BAG":
        _read_legs(cursor)
    order |= cursor.named(*names_at(_BODY, version))
    if order["deltaNeutralOrderType"]:
        order |= cursor.named(*_DELTA_NEUTRAL.split())
    order |= cursor.named(*_TRAIL_AND_SCALE.split())
    if _positive(order["scalePriceIncrement"]):
        order |= cursor.named(*_SCALE.split())
    order |= _read_hedge_and_algo(cursor)
    order |= cursor.named(*_FLAGS.split())
    if order["orderType"] == "PEG BENCH":
        order |= cursor.named(*_BENCHMARK.split())
    order |= _read_conditions(cursor)
    order |= cursor.named(*names_at(_TAIL, version))
    return order | (_read_special(order, cursor) if version >= 170 else {})


def _read_legs(cursor: Cursor) -> None:
    for _ in range(cursor.whole()):
        cursor.named(*(str(i) for i in range(8)))
    for _ in range(cursor.whole()):
        cursor.take()
    _read_pairs(cursor)


def _read_pairs(cursor: Cursor) -> None:
    for _ in range(cursor.whole()):
        cursor.named("tag", "value")


def _positive(field: str) -> bool:
    return bool(field) and 0.0 < float(field) < 1e300


def _read_hedge_and_algo(cursor: Cursor) -> dict[str, str]:
    order = cursor.named("scaleTable", "activeStartTime", "activeStopTime", "hedgeType")
    if order["hedgeType"]:
        order |= cursor.named("hedgeParam")
    order |= cursor.named("optOutSmartRouting", "clearingAccount", "clearingIntent", "notHeld")
    if cursor.take() == "1":
        cursor.named("conId", "delta", "price")
    order |= cursor.named("algoStrategy")
    if order["algoStrategy"]:
        _read_pairs(cursor)
    return order


def _read_conditions(cursor: Cursor) -> dict[str, str]:
    count = cursor.whole()
    for _ in range(count):
        for _ in range(_CONDITION_FIELDS.get(cursor.take(), 0)):
            cursor.take()
    ends = cursor.named("conditionsIgnoreRth", "conditionsCancelOrder") if count else {}
    return {"conditions": str(count), **ends}


def _read_special(order: dict[str, str], cursor: Cursor) -> dict[str, str]:
    special: dict[str, str] = {}
    if order["exchange"] == "IBKRATS":
        special |= cursor.named("minTradeQty")
    if order["orderType"] == "PEG BEST":
        special |= cursor.named("minCompeteSize", "competeAgainstBestOffset")
        if special["competeAgainstBestOffset"] in ("Infinite", "Infinity", "inf"):
            special |= cursor.named("midOffsetAtWhole", "midOffsetAtHalf")
    elif order["orderType"] == "PEG MID":
        special |= cursor.named("midOffsetAtWhole", "midOffsetAtHalf")
    return special
