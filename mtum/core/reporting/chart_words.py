"""What a chart shows, in words, for readers who do not see it."""

from mtum.core.reporting import figures
from mtum.core.reporting.history import EquityHistory, MarketHistory


def market_words(history: MarketHistory) -> str:
    """Return the market panels in two or three sentences."""
    close, ma, rules = float(history.close[-1]), float(history.ma[-1]), history.rules
    span = f"{figures.day(history.days[0].astype(object))} to {figures.day(history.days[-1].astype(object))}"
    side = "above" if close > ma else "below"
    bought = sum(mark.bought for mark in history.marks)
    return (
        f"{history.symbol}, {span}: close {figures.number(close)} USD, {side} its mean of {rules.ma_sessions} "
        f"sessions ({figures.number(_known(ma))}). RSI {figures.number(_known(float(history.rsi[-1])), 1)}, "
        f"VIX {figures.number(_known(float(history.vix[-1])))}. "
        f"{bought} entries and {len(history.marks) - bought} exits are marked."
    )


def equity_words(history: EquityHistory) -> str:
    """Return the equity panels in two sentences."""
    span = f"{figures.day(history.days[0].astype(object))} to {figures.day(history.days[-1].astype(object))}"
    return (
        f"Equity, {span}: {figures.number(float(history.equity[-1]))} USD; buy and hold "
        f"{figures.number(_known(float(history.benchmark[-1])))} USD. "
        f"Deepest fall {figures.percent(float(history.drawdown.min()))}, "
        f"holding {figures.percent(_known(float(history.benchmark_drawdown.min())))}."
    )


def _known(amount: float) -> float | None:
    return None if amount != amount else amount  # noqa: PLR0124 - the test for NaN
