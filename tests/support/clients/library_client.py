"""A whole day with ib_insync or ib_async, printed as JSON. Runs in an environment that has one of them.

Usage: python library_client.py MODULE PORT CONTROL_PORT
"""

# mypy: ignore-errors

import asyncio
import importlib
import json
import logging
import socket
import sys

COMPLAINTS = []


class Complaints(logging.Handler):
    def emit(self, record):
        text = record.getMessage()
        # The library logs every error message of the server, too; those are wanted here.
        if not text.startswith(("Error ", "Warning ", "Canceled order")):
            COMPLAINTS.append(text)


def tell(port, **command):
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(json.dumps(command).encode() + b"\n")
        return line.makefile().readline()


def wait(ib, met, seconds=8.0):
    for _ in range(int(seconds / 0.02)):
        if met():
            return
        ib.sleep(0.02)
    raise SystemExit("waited in vain")


def trade(ib, library, stock, control_port):
    def order(kind, shares, ref, **fields):
        plain = {"action": "BUY", "tif": "DAY", "account": "DUP100001", "orderRef": ref}
        return library.Order(orderType=kind, totalQuantity=shares, **{**plain, **fields})

    trial = ib.whatIfOrder(stock, order("MOC", 3, "trial"))
    assert float(trial.initMarginChange) > 0
    limited = order("LMT", 5, "lmt", lmtPrice=60.25)
    orders = [
        order("MOC", 10, "moc"),
        limited,
        order("LOC", 4, "loc", lmtPrice=90.0),
        order("MKT", 2, "mkt"),
        order("MOC", 10, "bad", tif="GTC"),
    ]
    for each in orders:
        ib.placeOrder(stock, each)
    wait(ib, lambda: len(ib.fills()) == 1)
    ib.cancelOrder(limited)
    ib.reqCurrentTime()  # answers come in the order of the questions: nothing of the orders is on its way now
    listed = sorted(t.order.orderRef for ask in (ib.reqOpenOrders, ib.reqAllOpenOrders) for t in ask())
    tell(control_port, do="clock", session="2015-06-10", minutes_to_close=0)
    wait(ib, lambda: len(ib.fills()) == 3 and all(f.commissionReport.execId for f in ib.fills()))
    return listed


def main():
    library = importlib.import_module(sys.argv[1])
    port, control_port = int(sys.argv[2]), int(sys.argv[3])
    logging.getLogger().addHandler(Complaints(logging.WARNING))
    ib = library.IB()
    ib.RequestTimeout = 8
    errors = set()
    ib.errorEvent += lambda request_id, code, *rest: errors.add(code)
    ib.connect("127.0.0.1", port, clientId=9, timeout=8)
    stock = library.Stock("MTUM", "SMART", "USD", primaryExchange="BATS")
    vix = library.Index("VIX", "CBOE", "USD")
    ib.qualifyContracts(stock, vix)
    details = [d for c in (stock, vix) for d in ib.reqContractDetails(c)]
    ib.reqContractDetails(library.Stock("NOPE", "SMART", "USD"))
    history = {}
    asked = ((5, stock, "30 D", "1 day"), (6, stock, "2 D", "5 mins"), (7, vix, "5 D", "1 day"))
    for number, contract, length, size in asked:
        bars = ib.reqHistoricalData(contract, "", length, size, "TRADES", True)
        stamp = f"{bars[-1].date:%Y%m%d}" if size == "1 day" else f"{bars[-1].date:%Y%m%d %H:%M:%S US/Eastern}"
        history[str(number)] = [stamp, bars[-1].close, int(bars[-1].volume)]
    last = {str(i): ticker.last for i, ticker in zip((8, 9), ib.reqTickers(stock, vix), strict=True)}
    assert ib.reqMatchingSymbols("MT")
    assert ib.reqHeadTimeStamp(stock, "TRADES", True)
    assert ib.reqMarketRule(26)
    ib.reqPnL("DUP100001")
    now = int(ib.reqCurrentTime().timestamp())
    listed = trade(ib, library, stock, control_port)
    ib.reqExecutions()
    completed = sorted([t.order.orderRef, t.orderStatus.status] for t in ib.reqCompletedOrders(False))
    fills = sorted([f.execution.orderRef, f.execution.shares, f.execution.price] for f in ib.fills())
    report = {
        "version": ib.client.serverVersion(),
        "accounts": ",".join(ib.managedAccounts()),
        "details": [(d.contract.primaryExchange or "") + d.contract.symbol for d in details],
        "history": history,
        "last": last,
        "time": now,
        "listed": listed,
        "fills": fills,
        "fees": sum(bool(f.commissionReport.execId) for f in ib.fills()),
        "completed": completed,
        "positions": [[p.contract.symbol, p.position] for p in ib.positions()],
        "errors": sorted(errors),
        "alive": ib.isConnected(),
        "complaints": COMPLAINTS,
    }
    ib.disconnect()
    print(json.dumps(report))


if __name__ == "__main__":
    asyncio.set_event_loop(asyncio.new_event_loop())
    main()
