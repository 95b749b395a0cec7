"""The charts of a tear sheet as PNG."""

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from mtum.adapters.rendering import style
from mtum.core.portfolio.returns import drawdown, from_capital
from mtum.core.reporting.backtest.tear_sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def backtest_charts(sheet: Sheet) -> dict[str, bytes]:
    """Return equity with drawdown, and the price with the trades, by file name."""
    return {"equity.png": _png(_equity(sheet)), "trades.png": _png(_trades(sheet))}


def _figure(inches: float) -> "Figure":
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    rcParams["font.family"] = [style.FONT]
    rcParams["font.size"] = style.FONT_POINTS
    return Figure(figsize=(style.WIDTH_INCHES, inches), facecolor=style.CARD, layout="constrained")


def _equity(sheet: Sheet) -> "Figure":
    figure = _figure(4.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
    days, capital = sheet.played.days.astype("datetime64[D]"), sheet.played.capital_usd
    for curve, words, color in (
        (sheet.played.equity, "rules", style.PRICE),
        (sheet.benchmark, "buy and hold", style.AVERAGE),
    ):
        upper.semilogy(days, curve, color=color, lw=1.2, label=words)
        lower.plot(days, 100 * drawdown(from_capital(curve, capital)), color=color, lw=0.9)
    upper.set_title("Equity, USD, logarithmic", loc="left")
    upper.legend(frameon=False)
    _label_decades(upper)
    lower.set_title("Below the peak, %", loc="left")
    return figure


def _trades(sheet: Sheet) -> "Figure":
    figure = _figure(3.6)
    axes = figure.subplots()
    days = sheet.played.days.astype("datetime64[D]")
    axes.semilogy(days, sheet.close, color=style.PRICE, lw=0.9)
    bought = sheet.played.trades
    sold = [trade for trade in bought if trade.exit_session is not None]
    entries = np.array([trade.entry_session for trade in bought], dtype="datetime64[D]")
    exits = np.array([trade.exit_session for trade in sold], dtype="datetime64[D]")
    axes.plot(entries, [trade.entry_price for trade in bought], "^", ms=4, color="#1f8a4c", label="bought")
    axes.plot(exits, [trade.exit_price or 0.0 for trade in sold], "v", ms=4, color="#c0392b", label="sold")
    axes.set_title(f"{sheet.played.symbol}: close and trades, USD, logarithmic", loc="left")
    _label_decades(axes)
    axes.legend(frameon=False)
    return figure


def _label_decades(axes: "Axes") -> None:
    # Powers of ten alone would leave a curve of a few years with one label, or none.
    from matplotlib.ticker import LogLocator, NullLocator

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda amount, _: f"{amount:,.0f}")
    axes.grid(axis="y", color=style.GRID, lw=0.6)


def _png(figure: "Figure") -> bytes:
    written = BytesIO()
    figure.savefig(written, format="png", dpi=144, metadata={"Software": None})
    return written.getvalue()
