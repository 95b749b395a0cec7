"""A whole day with the official client (ibapi 9.81 or 10.x), printed as JSON. Runs in its own environment.

Usage: python official_client.py PORT CONTROL_PORT
"""

# mypy: ignore-errors

import json
import logging
import socket
import sys
import threading

from ibapi import order_condition
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.tag_value import TagValue
from ibapi.wrapper import EWrapper

COMPLAINTS = []


class Complaints(logging.Handler):
    def emit(self, record):
        COMPLAINTS.append(record.getMessage())


class Client(EWrapper, EClient):
    """Keeps every callback with its arguments."""

    def __init__(self):
        EWrapper.__init__(self)
        EClient.__init__(self, wrapper=self)
        self.heard = {}
        self.news = threading.Condition()

    def keep(self, name, *values):
        with self.news:
            self.heard.setdefault(name, []).append(values)
            self.news.notify_all()

    def wait(self, name, count=1, seconds=8.0):
        with self.news:
            if not self.news.wait_for(lambda: len(self.heard.get(name, [])) >= count, seconds):
                raise SystemExit(f"nothing heard of {name} ({len(self.heard.get(name, []))} of {count})")
        return self.heard[name]

    def error(self, request_id, *rest):
        # 10.x puts a time before the code.
        code = rest[1] if isinstance(rest[1], int) else rest[0]
        self.keep("error", request_id, code)


def listener(name):
    def heard(self, *values):
        self.keep(name, *values)

    return heard


CALLBACKS = """nextValidId managedAccounts updateAccountValue updatePortfolio updateAccountTime accountDownloadEnd
accountSummary accountSummaryEnd position positionEnd contractDetails contractDetailsEnd historicalData
historicalDataEnd tickPrice tickSize tickString tickSnapshotEnd tickReqParams marketDataType currentTime
openOrder orderStatus openOrderEnd execDetails execDetailsEnd commissionReport commissionAndFeesReport
completedOrder completedOrdersEnd pnl pnlSingle symbolSamples headTimestamp marketRule userInfo
securityDefinitionOptionParameterEnd accountUpdateMulti accountUpdateMultiEnd historicalSchedule"""
for callback in CALLBACKS.split():
    setattr(Client, callback, listener(callback))


def contract(symbol="MTUM", kind="STK", exchange="SMART", primary="BATS"):
    made = Contract()
    made.symbol, made.secType, made.exchange, made.currency = symbol, kind, exchange, "USD"
    made.primaryExchange = primary
    return made


def order(kind, shares, ref, side="BUY", **fields):
    made = Order()
    made.action, made.totalQuantity, made.orderType = side, shares, kind
    made.tif, made.account, made.orderRef = "DAY", "DUP100001", ref
    made.eTradeOnly = made.firmQuoteOnly = False
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def elaborate():
    """A trial order with many of the optional blocks."""
    adaptive = [TagValue("adaptivePriority", "Normal")]
    made = order("LMT", 1, "elaborate", lmtPrice=1.0, whatIf=True, algoStrategy="Adaptive", algoParams=adaptive)
    made.scaleInitLevelSize, made.scalePriceIncrement = 1, 0.5
    made.hedgeType, made.hedgeParam = "B", "1"
    made.deltaNeutralOrderType, made.deltaNeutralConId = "MKT", 5
    made.conditions = [order_condition.Create(kind) for kind in (1, 3, 4, 5, 6, 7)]
    for condition in made.conditions:
        for name in [name for name, given in vars(condition).items() if given is None]:
            setattr(condition, name, 1)
    return made


def tell(port, **command):
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(json.dumps(command).encode() + b"\n")
        return line.makefile().readline()


def cancel(client, order_id):
    try:
        from ibapi.order_cancel import OrderCancel
    except ImportError:
        client.cancelOrder(order_id)
    else:
        client.cancelOrder(order_id, OrderCancel())


def ask_about_accounts_and_data(client):
    client.reqAccountUpdates(True, "DUP100001")
    client.wait("accountDownloadEnd")
    client.reqAccountSummary(1, "All", "AccountType,NetLiquidation,SettledCash,$LEDGER:ALL")
    client.wait("accountSummaryEnd")
    client.reqPositions()
    client.wait("positionEnd")
    client.reqAccountUpdatesMulti(20, "DUP100001", "", False)
    client.wait("accountUpdateMultiEnd")
    client.reqContractDetails(2, contract())
    client.reqContractDetails(3, contract("VIX", "IND", "CBOE", ""))
    client.reqContractDetails(4, contract("NOPE"))
    client.wait("contractDetailsEnd", 2)
    for request, length, size in ((5, "30 D", "1 day"), (6, "2 D", "5 mins")):
        client.reqHistoricalData(request, contract(), "", length, size, "TRADES", 1, 1, False, [])
    client.reqHistoricalData(7, contract("VIX", "IND", "CBOE", ""), "", "5 D", "1 day", "TRADES", 1, 1, False, [])
    client.wait("historicalDataEnd", 3)
    client.reqMktData(8, contract(), "", True, False, [])
    client.reqMktData(9, contract("VIX", "IND", "CBOE", ""), "", True, False, [])
    client.wait("tickSnapshotEnd", 2)
    client.reqCurrentTime()
    client.wait("currentTime")


def ask_small_questions(client):
    client.reqMatchingSymbols(10, "MT")
    client.wait("symbolSamples")
    client.reqHeadTimeStamp(11, contract(), "TRADES", 1, 1)
    client.wait("headTimestamp")
    client.reqMarketRule(26)
    client.wait("marketRule")
    client.reqSecDefOptParams(12, "MTUM", "", "STK", 1)
    client.wait("securityDefinitionOptionParameterEnd")
    client.reqPnL(13, "DUP100001", "")
    client.wait("pnl")


def trade(client, control_port):
    first = client.wait("nextValidId")[0][0]
    client.placeOrder(first, contract(), order("MOC", 3, "trial", whatIf=True))
    client.wait("openOrder")
    client.placeOrder(first + 1, contract(), order("MOC", 10, "moc"))
    client.placeOrder(first + 2, contract(), order("LMT", 5, "lmt", lmtPrice=60.25))
    client.placeOrder(first + 3, contract(), order("LOC", 4, "loc", lmtPrice=90.0))
    client.placeOrder(first + 4, contract(), order("MKT", 2, "mkt"))
    client.placeOrder(first + 5, contract(), order("MOC", 10, "bad", tif="GTC"))
    client.placeOrder(first + 6, contract(), elaborate())
    client.wait("execDetails")
    cancel(client, first + 2)
    # Answers come in the order of the questions: after this one nothing of the orders is on its way.
    client.reqCurrentTime()
    client.wait("currentTime", 2)
    client.heard.pop("openOrder")
    client.reqOpenOrders()
    client.wait("openOrderEnd")
    client.reqAllOpenOrders()
    client.wait("openOrderEnd", 2)
    listed = sorted(shown[2].orderRef for shown in client.heard["openOrder"])
    tell(control_port, do="clock", session="2015-06-10", minutes_to_close=0)
    client.wait("execDetails", 3)
    fees = "commissionAndFeesReport" if hasattr(EWrapper, "commissionAndFeesReport") else "commissionReport"
    client.wait(fees, 3)
    client.reqExecutions(14, ExecutionFilter())
    client.wait("execDetailsEnd")
    client.reqCompletedOrders(False)
    client.wait("completedOrdersEnd")
    return listed, fees


def day(client, control_port, thread):
    client.wait("nextValidId")
    ask_about_accounts_and_data(client)
    ask_small_questions(client)
    listed, fees = trade(client, control_port)
    fills = {str(e.execId): [e.orderRef, float(e.shares), float(e.price)] for _, _, e in client.heard["execDetails"]}
    return {
        "version": client.serverVersion(),
        "accounts": client.heard["managedAccounts"][0][0],
        "details": [d.contract.primaryExchange + d.contract.symbol for _, d in client.heard["contractDetails"]],
        "history": {str(i): [b.date, float(b.close), int(b.volume)] for i, b in client.heard["historicalData"]},
        "last": {str(v[0]): v[2] for v in client.heard["tickPrice"] if v[1] == 4},
        "time": client.heard["currentTime"][0][0],
        "listed": listed,
        "fills": sorted(fills.values()),
        "fees": len(client.heard[fees]),
        "completed": sorted([o.orderRef, s.status] for _, o, s in client.heard["completedOrder"]),
        "positions": [[str(v[1].symbol), float(v[2])] for v in client.heard["position"][-1:]],
        "errors": sorted({code for _, code in client.heard["error"]}),
        "alive": thread.is_alive(),
        "complaints": list(COMPLAINTS),
    }


def main(play):
    port, control_port = int(sys.argv[1]), int(sys.argv[2])
    logging.getLogger().addHandler(Complaints(logging.WARNING))
    client = Client()
    client.connect("127.0.0.1", port, 9)
    thread = threading.Thread(target=client.run, daemon=True)
    thread.start()
    try:
        print(json.dumps(play(client, control_port, thread), allow_nan=False))
    finally:
        client.disconnect()  # its reader thread would wait for ever


if __name__ == "__main__":
    main(day)
