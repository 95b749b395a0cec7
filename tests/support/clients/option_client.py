"""A day and a night of options with ib_insync or ib_async, printed as JSON; in an environment that has one of them.

Usage: python option_client.py MODULE PORT CONTROL_PORT
"""

# mypy: ignore-errors

import asyncio
import importlib
import json
import logging
import sys

from library_client import COMPLAINTS, Complaints, tell, wait


def spread(library, short, long):
    legs = [
        library.ComboLeg(conId=short.conId, ratio=1, action="SELL", exchange="SMART"),
        library.ComboLeg(conId=long.conId, ratio=1, action="BUY", exchange="SMART"),
    ]
    return library.Contract(symbol="SPY", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs)


def limit(library, side, quantity, price, ref):
    plain = {"action": side, "tif": "DAY", "account": "DUP100001", "orderRef": ref}
    return library.Order(orderType="LMT", totalQuantity=quantity, lmtPrice=price, **plain)


def pinned(ib, library, strike, right="P"):
    [found] = ib.reqContractDetails(library.Option("SPY", "20150619", strike, right, "SMART", "100", "USD"))
    return found.contract


def main():
    library = importlib.import_module(sys.argv[1])
    port, control_port = int(sys.argv[2]), int(sys.argv[3])
    logging.getLogger().addHandler(Complaints(logging.WARNING))
    ib = library.IB()
    ib.RequestTimeout = 8
    errors = []
    ib.errorEvent += lambda request_id, code, *rest: errors.append(code)
    ib.connect("127.0.0.1", port, clientId=9, timeout=8)
    [share] = ib.reqContractDetails(library.Stock("SPY", "SMART", "USD"))
    rows = ib.reqSecDefOptParams("SPY", "", "STK", share.contract.conId)
    short, long = pinned(ib, library, 195.0), pinned(ib, library, 190.0)
    ticker = ib.reqMktData(short, "101")
    wait(ib, lambda: ticker.modelGreeks)
    combo = spread(library, short, long)
    quoted = ib.reqMktData(combo, "")
    wait(ib, lambda: quoted.askSize > 0)
    # Read now: over the expiry below, the same ticker is told that nothing is quoted any more (-1 twice).
    spread_quote, delta = [round(quoted.bid, 2), round(quoted.ask, 2)], round(ticker.modelGreeks.delta, 2)
    trial = ib.whatIfOrder(combo, limit(library, "BUY", 1, -0.1, "trial"))
    resting = ib.placeOrder(combo, limit(library, "BUY", 2, -4.0, "resting"))
    wait(ib, lambda: resting.orderStatus.status == "PreSubmitted")
    ib.cancelOrder(resting.order)
    wait(ib, resting.isDone)
    vertical = ib.placeOrder(combo, limit(library, "BUY", 2, round(quoted.ask, 2), "vertical"))
    wait(ib, lambda: len(vertical.fills) == 3 and sum(bool(f.commissionReport.execId) for f in vertical.fills) == 2)
    call = pinned(ib, library, 205.0, "C")
    single = ib.placeOrder(call, limit(library, "BUY", 1, 5.0, "single"))
    wait(ib, lambda: single.isDone() and single.fills[0].commissionReport.execId)
    executions = [f.contract.secType for f in ib.reqExecutions()]
    done = sorted((t.order.orderRef, t.orderStatus.status) for t in ib.reqCompletedOrders(False))
    before = {p.contract.localSymbol: p.position for p in ib.reqPositions()}
    # Over the expiry of the 19th, at which SPY closes at 192: between the strikes.
    tell(control_port, do="clock", session="2015-06-22", minutes_to_close=22)
    after = {p.contract.localSymbol: p.position for p in ib.reqPositions()}
    report = {
        "version": ib.client.serverVersion(),
        "rows": sorted({row.tradingClass for row in rows}),
        "delta": delta,
        "combo": spread_quote,
        "margin": float(trial.initMarginChange),
        "fills": [[f.contract.secType, f.execution.side, f.execution.shares] for f in vertical.fills],
        "average": [vertical.orderStatus.avgFillPrice, vertical.orderStatus.filled],
        "single": [single.orderStatus.status, single.fills[0].commissionReport.commission],
        "executions": executions,
        "completed": done,
        "before": before,
        "after": {name: count for name, count in after.items() if count},
        "errors": sorted(set(errors)),
        "complaints": COMPLAINTS,
        "alive": ib.isConnected(),
    }
    ib.disconnect()
    sys.stdout.write(json.dumps(report, allow_nan=False))


if __name__ == "__main__":
    asyncio.set_event_loop(asyncio.new_event_loop())
    main()
