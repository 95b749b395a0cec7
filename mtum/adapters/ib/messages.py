"""What the gateway tells: a type per message.

Contracts, orders, executions and bars inside a message are objects of the client library: here is what is read of
them. A number is an object until it is read: the wire has words for "not set", and damaged ones.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class Contract(Protocol):
    """A contract."""

    conId: int
    symbol: str
    secType: str
    exchange: str
    primaryExchange: str
    currency: str


class ComboLeg(Protocol):
    """One contract of a combination."""

    conId: int
    ratio: int
    action: str


class Terms(Contract, Protocol):
    """A contract with what makes it an option or a combination."""

    lastTradeDateOrContractMonth: str
    strike: object
    right: str
    multiplier: str
    localSymbol: str
    tradingClass: str
    comboLegs: Sequence[ComboLeg] | None


class Order(Protocol):
    """An order."""

    orderId: object
    permId: object
    clientId: object
    orderRef: str
    account: str
    action: str
    orderType: str
    totalQuantity: object
    lmtPrice: object
    filledQuantity: object
    tif: str
    transmit: bool
    whatIf: bool


class OrderState(Protocol):
    """How far an order is, in the broker's word."""

    status: str


class Execution(Protocol):
    """One execution; `cumQty` and `avgPrice` are the order's shares and mean price with it."""

    execId: str
    time: datetime
    acctNumber: str
    side: str
    shares: object
    price: object
    permId: object
    clientId: object
    orderId: object
    orderRef: str
    cumQty: object
    avgPrice: object


class Fee(Protocol):
    """What an execution cost."""

    execId: str
    commission: object
    currency: str


class Details(Protocol):
    """The broker's description of one contract."""

    contract: Contract
    liquidHours: str
    timeZoneId: str


class Bar(Protocol):
    """One bar of the history service; `date` is a day, or an instant in epoch seconds."""

    date: object
    volume: float


class Position(NamedTuple):
    """Shares of one account in one contract."""

    account: str
    contract: Contract
    shares: object
    average_cost: object


class AccountValue(NamedTuple):
    """One figure of an account in one currency."""

    key: str
    text: str
    currency: str
    account: str


class OpenOrder(NamedTuple):
    """An order as the broker holds it."""

    order_id: int
    contract: Contract
    order: Order
    state: OrderState


class OrderUpdate(NamedTuple):
    """The API's orderStatus: how far an order is."""

    order_id: int
    status: str
    filled: object
    remaining: object
    average_price: object
    perm_id: object
    parent_id: object
    last_price: object
    client_id: object


class CompletedOrder(NamedTuple):
    """An order that ended today."""

    contract: Contract
    order: Order
    state: OrderState


class ExecutionDetails(NamedTuple):
    """One execution."""

    request_id: int
    contract: Contract
    execution: Execution


class CommissionReport(NamedTuple):
    """The fee of one execution, a moment after it."""

    fee: Fee


class ContractDetails(NamedTuple):
    """The broker's description of one contract."""

    request_id: int
    details: Details


class HistoricalBar(NamedTuple):
    """One bar of the history service."""

    request_id: int
    bar: Bar


class PriceTick(NamedTuple):
    """A price of a quote; `kind` tells bid, ask, last, ..."""

    request_id: int
    kind: int
    price: float
    size: float


class TextTick(NamedTuple):
    """A text of a quote, such as when it last traded."""

    request_id: int
    kind: int
    text: str


class SizeTick(NamedTuple):
    """A size of a quote, or how many contracts are open."""

    request_id: int
    kind: int
    size: float


class GenericTick(NamedTuple):
    """A figure of a quote that is neither price nor size, such as whether trading is halted."""

    request_id: int
    kind: int
    value: float


class DataType(NamedTuple):
    """Whether the quote that follows is live or delayed."""

    request_id: int
    kind: int


class OptionClass(NamedTuple):
    """What one exchange lists of one class of options; `underlying` is the number of its contract, as text."""

    request_id: int
    exchange: str
    underlying: object
    trading_class: str
    multiplier: str
    expiries: Collection[str]
    strikes: Collection[object]


class PriceStep(Protocol):
    """A step of prices, and the price from which it holds."""

    lowEdge: object
    increment: object


class MarketRule(NamedTuple):
    """Steps of prices by the number of their rule."""

    number: int
    steps: Sequence[PriceStep]


class ServerTime(NamedTuple):
    """The broker's clock in epoch seconds."""

    seconds: int


class Notice(NamedTuple):
    """An error, warning or notice; `number` is the request's or order's, -1 for none."""

    number: int
    code: int
    text: str


type Message = (
    Position
    | AccountValue
    | OpenOrder
    | OrderUpdate
    | CompletedOrder
    | ExecutionDetails
    | CommissionReport
    | ContractDetails
    | HistoricalBar
    | PriceTick
    | TextTick
    | SizeTick
    | GenericTick
    | DataType
    | OptionClass
    | MarketRule
    | ServerTime
    | Notice
)
LAST, LAST_TIME = (4, 68), (45, 88)
"""Kinds of the ticks that tell the last price and when it was made, live and delayed."""
HALTED = 49
"""Kind of the figure that is above 0 while trading is halted."""
DELAYED = 3
"""Kind of data that is asked for where delayed prices are better than none: live ones come where they may."""
DIVIDENDS = 59
"""Kind of the text tick that tells dividends."""

type OrderMessage = OpenOrder | OrderUpdate | Notice
"""What is told about one order."""

TYPES: Mapping[str, type[Message]] = {
    "position": Position,
    "updateAccountValue": AccountValue,
    "openOrder": OpenOrder,
    "orderStatus": OrderUpdate,
    "completedOrder": CompletedOrder,
    "execDetails": ExecutionDetails,
    "commissionReport": CommissionReport,
    "contractDetails": ContractDetails,
    "historicalData": HistoricalBar,
    "priceSizeTick": PriceTick,
    "tickString": TextTick,
    "tickSize": SizeTick,
    "tickGeneric": GenericTick,
    "marketDataType": DataType,
    "securityDefinitionOptionParameter": OptionClass,
    "marketRule": MarketRule,
    "currentTime": ServerTime,
    "error": Notice,
}
"""The API's name of each message that is read; the others only end an answer, or are recorded and dropped."""


def message_of(name: str, fields: tuple[Any, ...]) -> Message | None:
    """Return a message of the library; None for one that is not read. What it has beyond our fields is left out."""
    kind: Any = TYPES.get(name)
    return None if kind is None else kind._make(fields[: len(kind._fields)])
