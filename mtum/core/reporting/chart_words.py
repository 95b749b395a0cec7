"""What a chart shows, in words, for readers who do not see it."""

from mtum.core.reporting import figures
from mtum.core.reporting.history import EquityHistory, MarketHistory


def market_words(history: MarketHistory) -> str:
    """Return the market panels in two or three sentences."""
    close = float(history.close[-1])
    span = f"{figures.day(history.days[0].astype(object))} to {figures.day(history.days[-1].astype(object))}"
    bought = sum(mark.bought for mark in history.marks)
    told = [f"{history.symbol}, {span}: close {figures.number(close)} USD"]
    for name, label in history.overlays:
        level = float(history.columns[name][-1])
        side = "above" if close > level else "below"
        told.append(f"{side} its {history.words.get(name) or label} ({figures.number(_known(level))})")
    others = [
        f"{label} {figures.number(_known(float(history.columns[name][-1])), 1 if panel.bounds else 2)}"
        for panel in history.panels
        if panel.title and not panel.bars
        for name, label in panel.lines
    ]
    lines = f" {', '.join(others)}." if others else ""
    return f"{', '.join(told)}.{lines} {bought} entries and {len(history.marks) - bought} exits are marked."


def equity_words(history: EquityHistory) -> str:
    """Return the equity panels in two sentences, three where there are sleeves."""
    span = f"{figures.day(history.days[0].astype(object))} to {figures.day(history.days[-1].astype(object))}"
    earned = [f"{name} {figures.number(_known(float(line[-1])), sign=True)}" for name, line in history.sleeves.items()]
    return (
        f"Equity, {span}: {figures.number(float(history.equity[-1]))} USD; buy and hold "
        f"{figures.number(_known(float(history.benchmark[-1])))} USD. "
        f"Max drawdown {figures.percent(float(history.drawdown.min()))}, "
        f"holding {figures.percent(_known(float(history.benchmark_drawdown.min())))}."
        + (f" Earned since each sleeve began: {', '.join(earned)} USD." if earned else "")
    )


def _known(amount: float) -> float | None:
    return None if amount != amount else amount  # noqa: PLR0124 - the test for NaN
