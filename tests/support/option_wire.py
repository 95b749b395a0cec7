"""A gateway on loopback that sends exactly the layouts of options that were recorded, at any server version.

It decides nothing: a test says what is listed, quoted, held and answered, and reads what was asked.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

ACCOUNT = "DU1"
NOW = datetime(2026, 7, 10, 19, 44, tzinfo=UTC)
"""C - 16 of a full session in summer."""
UNSET = "1.7976931348623157E308"
HOURS = "20260710:0930-20260710:1600"

_ORDER = """
action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef clientId permId
outsideRth hidden discretionaryAmt goodAfterTime sharesAllocation faGroup faMethod faPercentage faProfile@<177 modelCode
goodTillDate rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode auctionStrategy
startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize blockOrder sweepToFill allOrNone minQty
ocaType eTradeOnly firmQuoteOnly nbboPriceCap parentId triggerMethod volatility volatilityType deltaNeutralOrderType
deltaNeutralAuxPrice dn1 dn2 dn3 dn4 dn5 dn6 dn7 dn8 continuousUpdate referencePriceType trailStopPrice trailingPercent
basisPoints basisPointsType *combo scaleInit scaleSubs scaleIncrement hedgeType optOut clearingAccount clearingIntent
notHeld deltaNeutral algoStrategy solicited whatIf status initMarginBefore maintMarginBefore equityBefore
initMarginChange maintMarginChange equityChange initMarginAfter maintMarginAfter equityAfter commission minCommission
maxCommission commissionCurrency warningText randomizeSize randomizePrice conditions adjustedOrderType triggerPrice
trailStop2 lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit
tierName tierValue tierDisplay cashQty dontUseAutoPriceForHedge isOmsContainer discretionaryUpTo usePriceMgmtAlgo
duration postToAts@160 autoCancelParent@162 minTradeQty@170 minCompeteSize@170 competeAgainstBestOffset@170
midOffsetAtWhole@170 midOffsetAtHalf@170
"""
_COMPLETED = """
action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef permId outsideRth hidden
discretionaryAmt goodAfterTime faGroup faMethod faPercentage faProfile@<177 modelCode goodTillDate rule80A percentOffset
settlingFirm shortSaleSlot designatedLocation exemptCode startingPrice stockRefPrice delta stockRangeLower
stockRangeUpper displaySize sweepToFill allOrNone minQty ocaType triggerMethod volatility volatilityType
deltaNeutralOrderType deltaNeutralAuxPrice dn1 dn6 dn7 dn8 continuousUpdate referencePriceType trailStopPrice
trailingPercent *combo scaleInit scaleSubs scaleIncrement hedgeType clearingAccount clearingIntent notHeld deltaNeutral
algoStrategy solicited status randomizeSize randomizePrice conditions trailStop2 lmtPriceOffset cashQty
dontUseAutoPriceForHedge isOmsContainer autoCancelDate filledQuantity refFuturesConId autoCancelParent shareholder
imbalanceOnly routeMarketableToBbo parentPermId completedTime completedStatus minTradeQty@170 minCompeteSize@170
competeAgainstBestOffset@170 midOffsetAtWhole@170 midOffsetAtHalf@170
"""
_ZEROS = """
auxPrice origin outsideRth hidden discretionaryAmt shortSaleSlot auctionStrategy blockOrder sweepToFill allOrNone
eTradeOnly firmQuoteOnly parentId triggerMethod volatilityType dn1 dn6 dn7 continuousUpdate referencePriceType optOut
notHeld deltaNeutral solicited whatIf randomizeSize randomizePrice conditions cashQty dontUseAutoPriceForHedge
isOmsContainer discretionaryUpTo usePriceMgmtAlgo postToAts autoCancelParent refFuturesConId imbalanceOnly
routeMarketableToBbo parentPermId
"""
_UNSETS = """
trailStopPrice scaleIncrement trailStop2 lmtPriceOffset initMarginBefore maintMarginBefore equityBefore
initMarginChange maintMarginChange equityChange initMarginAfter maintMarginAfter equityAfter
"""
_PLAIN = {
    **dict.fromkeys(_ZEROS.split(), "0"),
    **dict.fromkeys(_UNSETS.split(), UNSET),
    "exemptCode": "-1", "ocaType": "3", "deltaNeutralOrderType": "None", "dn5": "?", "clearingIntent": "IB",
    "adjustedOrderType": "None", "adjustableTrailingUnit": "0", "tif": "DAY", "account": ACCOUNT, "orderType": "LMT",
    "clientId": "7", "status": "Submitted",
}  # fmt: skip

type Leg = tuple[int, int, str]
"""Number of the contract, ratio and side."""


@dataclass(frozen=True)
class Option:
    """A contract as the gateway describes it."""

    number: int
    symbol: str = "SPY"
    expiry: str = "20260821"
    strike: str = "740.0"
    right: str = "P"
    name: str = "SPY"
    multiplier: str = "100"
    exchange: str = "SMART"
    local: str = ""
    settles: str = ""
    rules: str = "32,109"

    @property
    def eleven(self) -> list[str]:
        """Its fields in orders, executions and positions."""
        local = self.local or self.local_name
        return [
            str(self.number), self.symbol, "OPT", self.expiry, self.strike, self.right, self.multiplier,
            self.exchange, "USD", local, self.name,
        ]  # fmt: skip

    @property
    def local_name(self) -> str:
        """How the exchanges write it."""
        return f"{self.name:<6}{self.expiry[2:]}{self.right}{int(float(self.strike) * 1000):08d}"


def combo(symbol: str = "SPY") -> list[str]:
    """Every combination has this contract."""
    return ["28812380", symbol, "BAG", "", "0", "?", "", "SMART", "USD", symbol, "COMB"]


def _laid_out(layout: str, version: int, values: dict[str, str], legs: Sequence[Leg]) -> list[str]:
    found: list[str] = []
    for token in layout.split():
        name, _, gate = token.partition("@")
        if gate and not (version < int(gate[1:]) if gate[0] == "<" else version >= int(gate)):
            continue
        if name == "*combo":
            words = ",".join(f"{number}|{-ratio if side == 'SELL' else ratio}" for number, ratio, side in legs)
            found += [words, str(len(legs))]
            for number, ratio, side in legs:
                found += [str(number), str(ratio), side, "SMART", "0", "0", "", "-1"]
            found += ["0", "0"]
        else:
            found.append(values.get(name, _PLAIN.get(name, "")))
    return found


@dataclass
class OpenOrder:
    """An order as the gateway lists it."""

    number: int
    contract: list[str]
    ref: str
    price: str
    side: str = "SELL"
    quantity: int = 1
    legs: tuple[Leg, ...] = ()
    word: str = "Submitted"
    filled: int = 0
    perm: int = 9001
    client: int = 7
    kind: str = "LMT"

    def fields(self, version: int, **changed: str) -> list[str]:
        """Its openOrder."""
        values = {
            "action": self.side, "totalQuantity": str(self.quantity), "lmtPrice": self.price, "orderRef": self.ref,
            "clientId": str(self.client), "permId": str(self.perm), "status": self.word, "orderType": self.kind,
        } | changed  # fmt: skip
        return ["5", str(self.number), *self.contract, *_laid_out(_ORDER, version, values, self.legs)]

    def status(self) -> list[str]:
        """Its orderStatus."""
        left = self.quantity - self.filled
        told = [str(self.number), self.word, str(self.filled), str(left), "0.0", str(self.perm), "0", "0.0"]
        return ["3", *told, str(self.client), "", "0.0"]

    def completed(self, version: int) -> list[str]:
        """Its completedOrder."""
        values = {
            "action": self.side, "totalQuantity": str(self.quantity - self.filled), "lmtPrice": self.price,
            "orderRef": self.ref, "permId": str(self.perm), "status": self.word, "filledQuantity": str(self.filled),
            "orderType": self.kind,
        }  # fmt: skip
        return ["101", *self.contract, *_laid_out(_COMPLETED, version, values, self.legs)]


@dataclass
class Executed:
    """An execution as the gateway lists it."""

    exec_id: str
    contract: list[str]
    price: str
    side: str = "SLD"
    quantity: str = "1"
    ref: str = ""
    number: int = 0
    perm: int = 0
    client: int = 7
    account: str = ACCOUNT
    fee: str = "0.70"

    def fields(self, request: str, version: int) -> list[str]:
        """Its execDetails."""
        told = [
            request, str(self.number), *self.contract, self.exec_id, "20260710 19:45:00 UTC", self.account, "CBOE",
            self.side, self.quantity, self.price, str(self.perm), str(self.client), "0", self.quantity, self.price,
            self.ref, "", "", "", "2",
        ]  # fmt: skip
        return ["11", *told, *(["0"] if version >= 178 else [])]

    def commission(self) -> list[str]:
        """Its fee."""
        return ["59", "1", self.exec_id, self.fee, "USD", UNSET, UNSET, ""]


@dataclass
class Ticks:
    """What comes for a line of market data; None is silence."""

    bid: str | None = "1.10"
    ask: str | None = "1.20"
    interest: str | None = "500"
    kind: int | None = None
    error: tuple[int, str] | None = None


@dataclass
class Wire:
    """What the gateway knows, and what it was asked: `asked` holds each request's fields as they came."""

    version: int = 176
    port: int = 0
    options: list[Option] = field(default_factory=list)
    classes: list[list[str]] = field(default_factory=list)
    ticks: dict[int, Ticks] = field(default_factory=dict)
    plain_ticks: Ticks | None = field(default_factory=Ticks)
    spot: str = "750.0"
    dividends: str | None = None
    rules: dict[int, list[str]] = field(default_factory=lambda: {32: ["0.0", "0.01", "3.0", "0.05"]})
    positions: list[tuple[list[str], str]] = field(default_factory=list)
    orders: list[OpenOrder] = field(default_factory=list)
    done: list[OpenOrder] = field(default_factory=list)
    executions: list[Executed] = field(default_factory=list)
    cash: str = "100000.00"
    asked: list[list[str]] = field(default_factory=list)
    open_lines: set[str] = field(default_factory=set)
    most_lines: int = 0
    on_order: Callable[["Wire", list[str]], list[list[str]]] = lambda wire, fields: wire.taken(fields)
    on_cancel: Callable[["Wire", int], list[list[str]]] = lambda wire, number: wire.canceled(number)

    def of(self, message: int) -> list[list[str]]:
        """The requests with a message number."""
        return [fields for fields in self.asked if fields[0] == str(message)]

    def error(self, number: str, code: int, text: str) -> list[str]:
        """An error."""
        return ["4", "2", number, str(code), text, *([""] if self.version >= 166 else [])]

    def taken(self, fields: list[str]) -> list[list[str]]:
        """Take an order, or the change of one; return what is told of it."""
        order = self.read(fields)
        if self.is_trial(fields):
            return [order.fields(self.version, whatIf="1", initMarginAfter="1000.0", initMarginChange="1000.0")]
        known = next((one for one in self.orders if one.number == order.number), None)
        if known is None:
            self.orders.append(order)
        else:
            known.price = order.price
            order = known
        return [order.fields(self.version), order.status()]

    def is_trial(self, fields: list[str]) -> bool:
        """Whether a placeOrder only asks what the order would do."""
        later = 25 + sum(self.version >= gate for gate in (158, 160, 162, 166, 169))
        return fields[-later] == "1"

    def read(self, fields: list[str]) -> OpenOrder:
        """Read a placeOrder."""
        number, contract, rest = int(fields[1]), fields[2:14], fields[16:]
        legs: list[Leg] = []
        if contract[2] == "BAG":
            at = 16 + 19
            for place in range(int(fields[at])):
                leg = fields[at + 1 + 8 * place : at + 9 + 8 * place]
                legs.append((int(leg[0]), int(leg[1]), leg[2]))
        eleven = combo(contract[1]) if legs else self.option(int(contract[0])).eleven
        quantity, price, ref = int(float(rest[1])), rest[3], rest[10]
        return OpenOrder(number, eleven, ref, price, rest[0], quantity, tuple(legs), perm=9000 + number)

    def canceled(self, number: int) -> list[list[str]]:
        """Cancel an order; return what is told of it."""
        order = next(one for one in self.orders if one.number == number)
        self.orders.remove(order)
        order.word = "Cancelled"
        self.done.append(order)
        return [order.status(), self.error(str(number), 202, "Order Canceled - reason:")]

    def option(self, number: int) -> Option:
        """The contract with a number."""
        return next(one for one in self.options if one.number == number)

    def answer(self, fields: list[str]) -> list[list[str]]:  # noqa: C901, PLR0912
        """What is sent for a request."""
        version, what = self.version, fields[0]
        match what:
            case "71":
                return [["15", "1", ACCOUNT], ["9", "1", "100"], self.error("-1", 2104, "farm OK:usfarm")]
            case "49":
                return [["49", "1", str(int(NOW.timestamp()))]]
            case "61":
                told = [[*one[:7], "", *one[8:]] for one, _ in self.positions]
                rows = [
                    ["61", "3", ACCOUNT, *one, number, "514.297"]
                    for one, (_, number) in zip(told, self.positions, strict=True)
                ]
                return [*rows, ["62", "1"]]
            case "6":
                if fields[2] == "0":
                    return []
                values = [("NetLiquidation", self.cash), ("CashBalance", self.cash), ("SettledCash", self.cash)]
                rows = [["6", "2", key, text, "USD", ACCOUNT] for key, text in (*values, ("TotalCashValue", self.cash))]
                return [*rows, ["54", "1", ACCOUNT]]
            case "16":
                rows = [told for one in self.orders for told in (one.fields(version), one.status())]
                return [*rows, ["53", "1"]]
            case "99":
                return [*(one.completed(version) for one in self.done), ["102"]]
            case "7":
                rows = [one.fields(fields[2], version) for one in self.executions]
                return [*rows, *(one.commission() for one in self.executions), ["55", "1", fields[2]]]
            case "9":
                return self._details(fields)
            case "78":
                rows = [["75", fields[1], *row] for row in self.classes]
                return [*rows, ["76", fields[1]]]
            case "91":
                rule = self.rules.get(int(fields[1]))
                return [] if rule is None else [["93", fields[1], str(len(rule) // 2), *rule]]
            case "1":
                return self._quote(fields)
            case "2":
                self.open_lines.discard(fields[2])
            case "3":
                return self.on_order(self, fields)
            case "4":
                return self.on_cancel(self, int(fields[2]))
            case _:
                pass
        return []

    def _details(self, fields: list[str]) -> list[list[str]]:
        request, (number, symbol, kind, expiry, strike, right, multiplier, exchange) = fields[2], fields[3:11]
        name = fields[14]
        if kind in ("STK", "IND"):
            row = _details(self.version, request, [symbol, kind, "", "0", "", exchange, "USD", symbol, symbol, symbol])
            return [_finished(self.version, row, "756733", "", ["SMART,ARCA", "26,26", ""]), ["52", "1", request]]
        found = [
            one
            for one in self.options
            if (int(number) == one.number if int(number) else
                (symbol, expiry, right, name, multiplier) == (one.symbol, one.expiry, one.right, one.name, "100")
                and float(strike or 0) in (0.0, float(one.strike)))
        ]  # fmt: skip
        assert exchange == "SMART"
        if not found:
            return [self.error(request, 200, "No security definition has been found for the request")]
        rows = []
        for one in found:
            head = [one.symbol, "OPT", f"{one.expiry} 16:00:00 US/Eastern", one.strike, one.right, one.exchange, "USD"]
            row = _details(self.version, request, [*head, one.local or one.local_name, one.name, one.name])
            tail = ["SMART,CBOE", one.rules, one.settles or one.expiry]
            rows.append(_finished(self.version, row, str(one.number), one.multiplier, tail))
        return [*rows, ["52", "1", request]]

    def _quote(self, fields: list[str]) -> list[list[str]]:
        request, number, kind = fields[2], int(fields[3]), fields[5]
        snapshot = fields[-3] == "1"
        if not snapshot:
            self.open_lines.add(request)
            self.most_lines = max(self.most_lines, len(self.open_lines))
        if kind != "OPT" and fields[-4] == "456":
            return [] if self.dividends is None else [["46", "6", request, "59", self.dividends]]
        if kind != "OPT":
            return [["1", "6", request, "4", self.spot, "100", "0"], ["57", "1", request]]
        ticks = self.ticks.get(number, self.plain_ticks)
        if ticks is None:
            return []
        if all(one.number != number for one in self.options):
            return [self.error(request, 200, "No security definition has been found for the request")]
        told: list[list[str]] = [] if ticks.kind is None else [["58", "1", request, str(ticks.kind)]]
        told.append(["81", request, "0.01", "9c0001", "3"])
        if ticks.error is not None:
            told.append(self.error(request, *ticks.error))
        for tick, price in (("1", ticks.bid), ("2", ticks.ask)):
            if price is not None:
                told.append(["1", "6", request, tick, price, "0" if float(price) <= 0 else "10", "0"])
        # The vendor's own computation, with its words for "none"; a last trade far from the market.
        told.append(["1", "6", request, "4", "5.15", "1", "0"])
        told.append(["21", request, "13", "0", "-1", "-2", "-1", "-1", "-2", "-2", "-2", "-1"])
        if ticks.interest is not None and "101" in fields[-4]:
            mine = "27" if self.option(number).right == "C" else "28"
            other = "28" if mine == "27" else "27"
            told += [["2", "6", request, other, "0"], ["2", "6", request, mine, ticks.interest]]
        return told


def _details(version: int, request: str, head: list[str]) -> list[str]:
    return ["10", *(["8"] if version < 164 else []), request, *head]


def _finished(version: int, row: list[str], number: str, multiplier: str, tail: list[str]) -> list[str]:
    venues, rules, settles = tail
    row += [
        number,
        "0.01",
        *(["100"] if version < 164 else []),
        multiplier,
        "LMT",
        venues,
        "1",
        "756733",
        "name",
        "ARCA",
    ]
    row += ["", "", "", "", "US/Eastern", HOURS, HOURS, "", "0", "0", "1", "SPY", "STK", rules, settles, ""]
    return row + (["1"] if version == 163 else ["1", "1", "1"] if version >= 164 else [])


@contextmanager
def running_wire(wire: Wire) -> Iterator[Wire]:
    """Serve until the block ends; one client after the other."""
    listener = socket.create_server(("127.0.0.1", 0))
    wire.port = listener.getsockname()[1]
    clients: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                clients.append(client)
                with suppress(OSError, EOFError):
                    _talk(wire, client)
                client.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for client in clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _talk(wire: Wire, client: socket.socket) -> None:
    _exactly(client, 4)  # API and a zero
    offered = _frame(client).decode()
    assert offered.startswith("v")
    highest = int(offered.split()[0].partition("..")[2])
    wire.version = min(wire.version, highest)
    _send(client, [str(wire.version), "20260710 15:44:00 US/Eastern"])
    while True:
        fields = _frame(client).decode().split("\0")[:-1]
        wire.asked.append(fields)
        _send(client, *wire.answer(fields))


def _send(client: socket.socket, *messages: Sequence[str]) -> None:
    bodies = ["".join(f"{one}\0" for one in fields).encode() for fields in messages]
    client.sendall(b"".join(len(body).to_bytes(4, "big") + body for body in bodies))


def _frame(client: socket.socket) -> bytes:
    return _exactly(client, int.from_bytes(_exactly(client, 4), "big"))


def _exactly(client: socket.socket, number: int) -> bytes:
    found = b""
    while len(found) < number:
        more = client.recv(number - len(found))
        if not more:
            raise EOFError
        found += more
    return found
