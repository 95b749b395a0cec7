"""A small account as a backtest tells it: two sleeves, a transfer and the cash fund."""

from datetime import date
from typing import Any

import numpy as np

from mtum.app.research.run_backtest import metrics_document, trade_document
from mtum.core.market.bars import Column
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.backtest.tear_sheet import Sheet
from mtum.core.research.attribution import by_sleeve
from mtum.core.research.sheet import sheet_figures
from mtum.core.simulation.played import Played, PlayedAccount, PlayedOrder, PlayedSleeve, PlayedTrade
from support.markets import weekdays


def column(*values: float) -> Column:
    return np.array(values, dtype=np.float64)


def bought(session: date, symbol: str, shares: int, price: float, sleeve: str) -> PlayedOrder:
    return PlayedOrder(session, symbol, Side.BUY, shares, price, ("above_ma",), sleeve)


def open_trade(order: PlayedOrder, pnl: float, costs: float, dividends: float, held: int) -> PlayedTrade:
    return PlayedTrade(
        symbol=order.symbol,
        entry_session=order.session,
        entry_price=order.price,
        exit_session=None,
        exit_price=None,
        shares=order.shares,
        pnl_usd=pnl,
        return_frac=pnl / (order.shares * order.price),
        costs_usd=costs,
        dividends_usd=dividends,
        sessions_held=held,
        reasons=(),
        sleeve=order.sleeve,
    )


def played_account() -> PlayedAccount:
    """Two sleeves of 600 and 400 USD over four sessions.

    `trend` buys 5 AAA at 100 for 1.00 in the first session, which close at 100, 104, 104, 110 and pay 2.00; 50 USD go
    to `dips` in the third. `dips` buys 2 BBB at 50 for 1.00 in the second, which close at 50, 45, 55. The fund buys 2
    SGOV at 100 in the second, which close at 100.05, 100.10, 100.15. Together: 51.00 + 9.00 + 0.30 = 60.30 USD.
    """
    days = np.array(weekdays(4), dtype="datetime64[D]")
    aaa, bbb = bought(weekdays(4)[0], "AAA", 5, 100.0, "trend"), bought(weekdays(4)[1], "BBB", 2, 50.0, "dips")
    kept = bought(weekdays(4)[1], "SGOV", 2, 100.0, "cash")
    trades = (
        open_trade(aaa, 51.0, 1.0, 2.0, 3),
        open_trade(bbb, 9.0, 1.0, 0.0, 2),
        open_trade(kept, 0.3, 0.0, 0.0, 2),
    )
    trend = Played("AAA", days, column(599, 621, 571, 601), column(1, 1, 1, 1), trades[:1], 600.0, orders=(aaa,))
    dips = Played("BBB", days, column(400, 399, 439, 459), column(0, 1, 1, 1), trades[1:2], 400.0, orders=(bbb,))
    fund = Played("SGOV", days, column(0, 0.1, 0.2, 0.3), column(0, 1, 1, 1), trades[2:], 0.0, orders=(kept,))
    sleeves = {
        "trend": PlayedSleeve("trend", "trend_following", trend, column(0, 0, -50, 0)),
        "dips": PlayedSleeve("dips", "mean_reversion", dips, column(0, 0, 50, 0)),
        "cash": PlayedSleeve("cash", "", fund, column(0, 0, 0, 0)),
    }
    equity = trend.equity + dips.equity + fund.equity
    total = Played("AAA+BBB", days, equity, column(1, 1, 1, 1), trades, 1000.0, orders=(aaa, bbb, kept))
    shares = {
        "AAA": column(5, 5, 5, 5),
        "BBB": column(0, 2, 2, 2),
        "CCC": column(0, 0, 0, 0),
        "SGOV": column(0, 2, 2, 2),
    }
    prices = {
        "AAA": column(100, 104, 104, 110),
        "BBB": column(np.nan, 50, 45, 55),
        "CCC": column(np.nan, np.nan, np.nan, 7),
        "SGOV": column(100, 100.05, 100.1, 100.15),
    }
    return PlayedAccount(total, sleeves, shares, prices)


def document(account: PlayedAccount) -> dict[str, Any]:
    """What `mtum backtest --json` says of it."""
    total = account.total
    held = {**metrics_document(total), "final_equity_usd": 1020.0}
    days = total.days.astype(str).tolist()
    return {
        "strategy": "2 sleeves",
        "symbols": ["AAA", "BBB", "CCC", "SGOV"],
        "source": "csv",
        "start": days[0],
        "end": days[-1],
        "sessions": len(days),
        "settings": {
            "portfolio": {"cost_model": "percent", "cost_frac": 0.001, "impact_coefficient": None},
            "slippage_bps": 0.0,
        },
        "fill_model": "same_close",
        "decision_model": "official",
        "trades": [{"sleeve": trade.sleeve, **trade_document(trade)} for trade in total.trades],
        "orders": [
            {"session": str(order.session), "symbol": order.symbol, "reasons": ["a", "b"]} for order in total.orders
        ],
        "costs": {"commission_usd": 2.0, "slippage_usd": 0.0, "impact_usd": 0.0, "total_usd": 2.0, "traded_usd": 800.0},
        "final_equity_usd": total.final_equity_usd,
        "metrics": {**metrics_document(total), "cautions": []},
        "benchmark": held,
        "sleeves": {
            row.name: {
                "strategy": row.strategy,
                "capital_usd": row.capital_usd,
                "flows_usd": row.flows_usd,
                "profit_usd": row.pnl_usd,
                "final_equity_usd": row.final_equity_usd,
                "contribution_frac": row.contribution_frac,
                "trades": row.trades,
                "costs": {"total_usd": row.costs_usd + 0.25},
                "benchmark": {"total_return_frac": 0.02} if row.capital_usd else None,
            }
            for row in by_sleeve(account)
        },
        "coordination": {"crosses": [{"shares": 7}], "cuts": [{}], "held_back": [{}, {}]},
        "assumptions": [],
    }


def sheet(account: PlayedAccount) -> Sheet:
    """What its tear sheet shows, beside a holding that gains 20 USD."""
    benchmark: Column = np.linspace(1000.0, 1020.0, len(account.total.days)).astype(np.float64)
    return Sheet(document(account), account, benchmark, sheet_figures(account, benchmark))
