"""What clients ask: every request's name and field list, and how one is read."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from mtum.gateway.framing import Cursor, WireError, names_at

CONTRACT_12 = (
    "conId symbol secType expiry strike right multiplier exchange primaryExchange currency localSymbol tradingClass"
)
_HISTORY_HEAD = f"reqId {CONTRACT_12} includeExpired endDateTime barSize duration useRTH whatToShow formatDate"

LAYOUTS: Mapping[int, tuple[str, str]] = {
    1: ("reqMktData", ""),
    2: ("cancelMktData", "version reqId"),
    3: ("placeOrder", ""),
    4: ("cancelOrder", "version orderId manualCancelTime@169"),
    5: ("reqOpenOrders", "version"),
    6: ("reqAccountUpdates", "version subscribe account"),
    7: ("reqExecutions", "version reqId clientId account time symbol secType exchange side"),
    8: ("reqIds", "version count"),
    9: (
        "reqContractDetails",
        f"version reqId {CONTRACT_12} includeExpired secIdType secId issuerId@176",
    ),
    15: ("reqAutoOpenOrders", "version bind"),
    16: ("reqAllOpenOrders", "version"),
    17: ("reqManagedAccts", "version"),
    20: ("reqHistoricalData", ""),
    21: (
        "exerciseOptions",
        "version reqId conId symbol secType expiry strike right multiplier exchange currency localSymbol tradingClass "
        "action quantity account override",
    ),
    25: ("cancelHistoricalData", "version reqId"),
    49: ("reqCurrentTime", "version"),
    54: ("reqCalculateImpliedVolatility", f"version reqId {CONTRACT_12} optionPrice underPrice"),
    55: ("reqCalculateOptionPrice", f"version reqId {CONTRACT_12} volatility underPrice"),
    56: ("cancelCalculateImpliedVolatility", "version reqId"),
    57: ("cancelCalculateOptionPrice", "version reqId"),
    58: ("reqGlobalCancel", "version"),
    59: ("reqMarketDataType", "version type"),
    61: ("reqPositions", "version"),
    62: ("reqAccountSummary", "version reqId group tags"),
    63: ("cancelAccountSummary", "version reqId"),
    64: ("cancelPositions", "version"),
    71: ("startApi", "version clientId capabilities"),
    76: ("reqAccountUpdatesMulti", "version reqId account model ledgerAndNLV"),
    77: ("cancelAccountUpdatesMulti", "version reqId"),
    78: ("reqSecDefOptParams", "reqId symbol exchange secType conId"),
    81: ("reqMatchingSymbols", "reqId pattern"),
    87: ("reqHeadTimestamp", f"reqId {CONTRACT_12} includeExpired useRTH whatToShow formatDate"),
    90: ("cancelHeadTimestamp", "reqId"),
    91: ("reqMarketRule", "ruleId"),
    92: ("reqPnL", "reqId account model"),
    93: ("cancelPnL", "reqId"),
    94: ("reqPnLSingle", "reqId account model conId"),
    95: ("cancelPnLSingle", "reqId"),
    99: ("reqCompletedOrders", "apiOnly"),
    104: ("reqUserInfo", "reqId"),
}
"""Message id: name and fields after the id; an empty list is read by a function of its own."""
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


_WITH_OPTIONS = ("reqCalculateImpliedVolatility", "reqCalculateOptionPrice")


class Request(Struct, frozen=True):
    """One request: its name and its fields as sent, by name."""

    name: str
    values: Mapping[str, str]

    def text(self, field: str) -> str:
        """Return a field's text; empty if the request has no such field."""
        return self.values.get(field, "")

    def whole(self, field: str) -> int:
        """Return a field as an int, 0 when empty.

        Raises
        ------
        WireError
            If it is not a whole number.
        """
        try:
            return int(self.text(field) or 0)
        except ValueError as wrong:
            raise WireError(f"{self.name}: {field} is {self.text(field)!r}, a whole number was expected") from wrong

    def legs(self) -> list[tuple[int, int, str, str]]:
        """Return number, ratio, action and exchange of each leg of a combination.

        Raises
        ------
        WireError
            If a number or a ratio is not a whole number.
        """
        count = self.whole("legs")
        return [
            (
                self.whole(f"leg{at}.conId"),
                self.whole(f"leg{at}.ratio"),
                self.text(f"leg{at}.action"),
                self.text(f"leg{at}.exchange"),
            )
            for at in range(count)
        ]

    def flag(self, field: str) -> bool:
        """Return a field as a yes or no."""
        return self.text(field) in ("1", "true")

    def decimal(self, field: str) -> Decimal | None:
        """Return a field as a Decimal; None when empty or "not set"."""
        field_text = self.text(field)
        if not field_text or field_text.upper().startswith("1.797693134862315"):
            return None
        try:
            return Decimal(field_text)
        except InvalidOperation as wrong:
            raise WireError(f"{self.name}: {field} is {field_text!r}, a number was expected") from wrong


def read_request(fields: list[str], version: int) -> Request:
    """Read one request.

    Raises
    ------
    WireError
        If the id is unknown, or fields are missing, left over or of the wrong kind.
    """
    cursor = Cursor(fields)
    number = cursor.whole()
    if number not in LAYOUTS:
        raise WireError(f"message id {number} is not known")
    name, layout = LAYOUTS[number]
    request = Request(name, _read_values(name, layout, cursor, version))
    if cursor.left:
        raise WireError(f"{name}: {cursor.left} fields left over")
    return request


def request_name(fields: list[str]) -> str:
    """Name of a request from its first field; "unknown" for an id that is not in the list."""
    number = int(fields[0]) if fields and fields[0].isdigit() else -1
    return LAYOUTS[number][0] if number in LAYOUTS else "unknown"


def _read_values(name: str, layout: str, cursor: Cursor, version: int) -> dict[str, str]:
    if name == "placeOrder":
        return read_order(cursor, version)
    if name == "reqMktData":
        return _read_market_data(cursor)
    if name == "reqHistoricalData":
        return _read_history(cursor)
    values = cursor.named(*names_at(layout, version))
    while name in _WITH_OPTIONS and cursor.left:
        cursor.take()  # a count, which the official client of today leaves out, and a text
    return values


def _read_market_data(cursor: Cursor) -> dict[str, str]:
    values = cursor.named("version", "reqId", *CONTRACT_12.split())
    values |= _legs(values, cursor)
    values |= cursor.named("deltaNeutral")
    if values["deltaNeutral"] == "1":
        cursor.named("dnConId", "dnDelta", "dnPrice")
    return values | cursor.named("genericTicks", "snapshot", "regulatorySnapshot", "options")


def _read_history(cursor: Cursor) -> dict[str, str]:
    values = cursor.named(*_HISTORY_HEAD.split())
    values |= _legs(values, cursor)
    return values | cursor.named("keepUpToDate", "options")


_LEG_4 = ("conId", "ratio", "action", "exchange")
_LEG_8 = (*_LEG_4, "openClose", "shortSaleSlot", "designatedLocation", "exemptCode")


def _legs(values: dict[str, str], cursor: Cursor, fields: tuple[str, ...] = _LEG_4) -> dict[str, str]:
    # By name: how many, and the fields of each, such as `leg0.conId`.
    if values["secType"] != "BAG":
        return {}
    count = cursor.whole()
    found = {"legs": str(count)}
    for at in range(count):
        found |= cursor.named(*(f"leg{at}.{field}" for field in fields))
    return found


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
    order |= _combination(order, cursor)
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


def _combination(order: dict[str, str], cursor: Cursor) -> dict[str, str]:
    # Legs, a price of each perhaps, and how it is routed: one field by tag, such as `NonGuaranteed`.
    if order["secType"] != "BAG":
        return {}
    found = _legs(order, cursor, _LEG_8)
    prices = [cursor.take() for _ in range(cursor.whole())]
    return {**found, "legPrices": ";".join(prices), **_read_pairs(cursor)}


def _read_pairs(cursor: Cursor) -> dict[str, str]:
    pairs = (cursor.named("tag", "value") for _ in range(cursor.whole()))
    return {pair["tag"]: pair["value"] for pair in pairs}


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
