"""What a client of ib_insync says to a practice gateway about options."""

# mypy: disable-error-code="no-untyped-call"

from ib_insync import ComboLeg, Contract, Option, Order, Trade

from support.gateway import ACCOUNT
from support.ib_clients import Listener, until


def pinned(ib: Listener, strike: float, right: str = "P", expiry: str = "20150717", symbol: str = "SPY") -> Contract:
    [details] = ib.reqContractDetails(Option(symbol, expiry, strike, right, "SMART", "100", "USD"))
    assert details.contract is not None
    return details.contract


def sides(ib: Listener, contract: Contract) -> tuple[float, float]:
    [ticker] = ib.reqTickers(contract)
    return ticker.bid, ticker.ask


def limit(side: str, quantity: int, price: float, ref: str = "o-1") -> Order:
    order = Order(action=side, totalQuantity=quantity, orderType="LMT", lmtPrice=round(price, 2), tif="DAY")
    order.account, order.orderRef = ACCOUNT, ref
    return order


def spread(short: Contract, long: Contract) -> Contract:
    """Sell one and buy the other for each unit that is bought."""
    legs = [
        ComboLeg(conId=short.conId, ratio=1, action="SELL", exchange="SMART"),
        ComboLeg(conId=long.conId, ratio=1, action="BUY", exchange="SMART"),
    ]
    return Contract(symbol="SPY", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs)


def rejection(ib: Listener, contract: Contract, order: Order) -> tuple[int, str]:
    # Not every code ends an order in the library's eyes: what the gateway says of it counts.
    heard: list[tuple[int, str]] = []

    def hear(number: int, code: int, text: str, *_: object) -> None:
        if number == order.orderId:
            heard.append((code, text))

    ib.errorEvent += hear
    ib.placeOrder(contract, order)
    assert until(ib, lambda: heard)
    ib.errorEvent -= hear
    return heard[0]


def filled(ib: Listener, trade: Trade) -> bool:
    return until(ib, lambda: trade.isDone() and all(fill.commissionReport.execId for fill in trade.fills))


def filled_legs(ib: Listener, trade: Trade, legs: int) -> bool:
    return until(ib, lambda: sum(bool(fill.commissionReport.execId) for fill in trade.fills) == legs)
