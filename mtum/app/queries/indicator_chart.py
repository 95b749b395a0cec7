"""A chart of any indicators of a symbol over the bars of one timeframe."""

from collections.abc import Sequence

import numpy as np

from mtum.app.queries.indicators import parameters_for
from mtum.core.indicators import INDICATORS, lines_of
from mtum.core.market.bars import Bars, Column
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.intraday import IntradayBars
from mtum.core.market.timeframes import Timeframe
from mtum.core.reporting.charts import Chart, Days, Line, Panel, market_panels, span, told_apart, volume_unit
from mtum.core.reporting.figures import number
from mtum.core.strategies.description import ChartPanel, IndicatorSpec

SHOWN_BARS = 250


def indicator_chart(bars: Bars, names: Sequence[str], timeframe: Timeframe, shown: int = SHOWN_BARS) -> Chart:
    """Return the closes with the indicators over and below them.

    Lines in USD that stay near the price lie over it; every other indicator has a panel of its own.

    Parameters
    ----------
    bars : Bars
        Of the timeframe, oldest first, at least two.
    names : sequence of str
        Of the registry, or ``ta:NAME``.
    timeframe : Timeframe
        What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
    shown : int
        Newest bars to draw; the indicators are computed over all of them.
    """
    part = slice(-min(shown, len(bars)), None)
    low, high = float(np.nanmin(bars.low[part])), float(np.nanmax(bars.high[part]))
    over: dict[str, Column] = {}
    below: list[Panel] = []
    newest = [("close", float(bars.close[-1]))]
    for name in names:
        indicator = INDICATORS[name]
        lines = {key: line[part] for key, line in lines_of(bars, name, parameters_for(name, timeframe)).items()}
        near = {
            key: line
            for key, line in lines.items()
            if indicator.unit == "USD"
            and low / 2 <= np.nanmin(line, initial=high) <= np.nanmax(line, initial=low) <= 2 * high
        }
        over |= {key if key not in over and key != "close" else f"{key} {name}": line for key, line in near.items()}
        newest += [(name if len(lines) == 1 else f"{name} {key}", float(line[-1])) for key, line in lines.items()]
        apart = {key: line for key, line in lines.items() if key not in near}
        unit, words = (
            volume_unit(np.abs(np.concatenate([*apart.values()]))) if indicator.unit == "shares" else (1.0, "")
        )
        if apart:
            told = words or (f", {indicator.unit}" if indicator.unit and not near else "")
            below.append(Panel(f"{name}: {indicator.title}{told}", told_apart((k, v / unit) for k, v in apart.items())))
    days = _days(bars)[part]
    above = (ChartPanel("", tuple((key, key) for key in over)),)
    columns: dict[str | IndicatorSpec, Column] = dict(over.items())
    panels = (*market_panels(bars.symbol, Line("close", bars.close[part]), above, columns, words={}), *below)
    told = ", ".join(f"{key} {number(value)}" for key, value in newest if not np.isnan(value))
    return Chart("indicators", days, panels, f"{bars.symbol}, {timeframe}, {span(days)}: {told}.")


def _days(bars: Bars) -> Days:
    if not isinstance(bars, IntradayBars):
        return bars.days
    # Each bar at its end, by the exchange's clock.
    ends = [end.astimezone(NEW_YORK).replace(tzinfo=None) for end in bars.ended]
    return np.array(ends, dtype="datetime64[m]")
