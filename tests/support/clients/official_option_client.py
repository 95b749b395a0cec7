"""A day and a night of options with the official client (ibapi 9.81 or 10.x), printed as JSON. In its own environment.

Usage: python official_option_client.py PORT CONTROL_PORT
"""

# mypy: ignore-errors

from ibapi.contract import ComboLeg
from ibapi.wrapper import EWrapper
from official_client import COMPLAINTS, Client, cancel, contract, listener, main, order, tell

for callback in ("securityDefinitionOptionParameter", "tickOptionComputation"):
    setattr(Client, callback, listener(callback))
FEES = "commissionAndFeesReport" if hasattr(EWrapper, "commissionAndFeesReport") else "commissionReport"
BID, ASK, MODEL = 1, 2, 13


def pinned(client, request, strike, right="P"):
    asked = contract("SPY", "OPT", "SMART", "")
    asked.lastTradeDateOrContractMonth, asked.strike, asked.right, asked.multiplier = "20150619", strike, right, "100"
    ended = len(client.heard.get("contractDetailsEnd", []))
    client.reqContractDetails(request, asked)
    client.wait("contractDetailsEnd", ended + 1)
    [found] = [details.contract for number, details in client.heard["contractDetails"] if number == request]
    return found


def spread(short, long):
    combo = contract("SPY", "BAG", "SMART", "")
    combo.comboLegs = []
    for leg, side in ((short, "SELL"), (long, "BUY")):
        made = ComboLeg()
        made.conId, made.ratio, made.action, made.exchange = leg.conId, 1, side, "SMART"
        combo.comboLegs.append(made)
    return combo


def ticks(client, name, request, *kinds):
    """Return the newest values of these ticks of a request, once each was told."""

    def told():
        return {values[1]: values[2:] for values in client.heard.get(name, []) if values[0] == request}

    with client.news:
        if not client.news.wait_for(lambda: set(kinds) <= set(told()), 8.0):
            raise SystemExit(f"{name} of {request}: {sorted(told())} and not {kinds}")
        return [told()[kind] for kind in kinds]


def positions(client):
    client.heard.pop("position", None)
    ended = len(client.heard.get("positionEnd", []))
    client.reqPositions()
    client.wait("positionEnd", ended + 1)
    return {held.localSymbol or held.symbol: float(count) for _, held, count, _ in client.heard["position"] if count}


def fee_of(report):
    return report.commissionAndFees if hasattr(report, "commissionAndFees") else report.commission


def day(client, control_port, thread):
    first = client.wait("nextValidId")[0][0]
    client.reqContractDetails(1, contract("SPY", "STK", "SMART", ""))
    client.wait("contractDetailsEnd")
    share = client.heard["contractDetails"][0][1].contract
    client.reqSecDefOptParams(2, "SPY", "", "STK", share.conId)
    client.wait("securityDefinitionOptionParameterEnd")
    short, long, call = pinned(client, 3, 195.0), pinned(client, 4, 190.0), pinned(client, 5, 205.0, "C")
    client.reqMktData(6, short, "101", False, False, [])
    [model] = ticks(client, "tickOptionComputation", 6, MODEL)
    combo = spread(short, long)
    client.reqMktData(7, combo, "", False, False, [])
    bid, ask = (values[0] for values in ticks(client, "tickPrice", 7, BID, ASK))
    client.placeOrder(first, combo, order("LMT", 1, "trial", lmtPrice=-0.1, whatIf=True))
    margin = client.wait("openOrder")[0][3].initMarginChange
    client.placeOrder(first + 1, combo, order("LMT", 2, "resting", lmtPrice=-4.0))
    client.wait("orderStatus")
    cancel(client, first + 1)
    client.placeOrder(first + 2, combo, order("LMT", 2, "vertical", lmtPrice=round(ask, 2)))
    client.wait("execDetails", 3)
    client.placeOrder(first + 3, call, order("LMT", 1, "single", lmtPrice=5.0))
    client.wait("execDetails", 4)
    client.wait(FEES, 3)
    client.reqCompletedOrders(False)
    client.wait("completedOrdersEnd")
    before = positions(client)
    # Over the expiry of the 19th, at which SPY closes at 192: between the strikes.
    tell(control_port, do="clock", session="2015-06-22", minutes_to_close=22)
    after = positions(client)
    executions = {e.execId: (contract, e) for _, contract, e in client.heard["execDetails"]}
    fees = {report.execId: fee_of(report) for (report,) in client.heard[FEES]}
    status = {values[0]: values[1:5] for values in client.heard["orderStatus"]}
    return {
        "version": client.serverVersion(),
        "rows": sorted({row[3] for row in client.heard["securityDefinitionOptionParameter"]}),
        "delta": round(model[-7], 2),
        "combo": [round(bid, 2), round(ask, 2)],
        "margin": float(margin),
        "fills": [[c.secType, e.side, float(e.shares)] for c, e in executions.values() if e.orderRef == "vertical"],
        "average": [status[first + 2][3], float(status[first + 2][1])],
        "single": [
            status[first + 3][0],
            *(fees[number] for number, (_, e) in executions.items() if e.orderRef == "single"),
        ],
        "executions": [c.secType for c, _ in executions.values()],
        "completed": sorted([o.orderRef, s.status] for _, o, s in client.heard["completedOrder"]),
        "before": before,
        "after": after,
        "errors": sorted({code for _, code in client.heard["error"]}),
        "alive": thread.is_alive(),
        "complaints": list(COMPLAINTS),
    }


if __name__ == "__main__":
    main(day)
