"""Make a grid ready to play: every value checked, one combination per row, the histories they share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mtum.app.research.backtest_request import PLAYED, BacktestRequest, on_symbol
from mtum.app.research.grid_file import Grid
from mtum.app.research.load import Loaded, load
from mtum.app.research.sweep import PreparedSweep
from mtum.config import Settings, setting_names
from mtum.core.research.grid import Combination
from mtum.core.simulation.history import history
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import BarsMissingError, ConfigError, UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

STRATEGY = "strategy.mtum_confluence."
SYMBOL = STRATEGY + "symbol"
_CHOOSING = ("market.", "portfolio.strategy")
"""What [base] may choose once for every combination: the source of the bars, the strategy."""

type LoadSettings = Callable[[Mapping[str, Any]], Settings]
"""Gives the settings with single changes put over them; raises ConfigError."""


def prepare(
    grid: Grid, asked: BacktestRequest, settings: LoadSettings, source: BarSource, calendar: Calendar
) -> PreparedSweep:
    """Check every value of the grid and load the histories its combinations share.

    Raises
    ------
    ConfigError, UsageError, DataError
        Before anything is written.
    """
    _refuse_unplayed(grid)
    if asked.symbol is not None and SYMBOL in grid.names():
        raise UsageError(f"--symbol {asked.symbol} and a grid of symbols: leave out one of them")
    combinations = _combinations(grid, asked, settings)
    _refuse_without_effect(grid, combinations)
    symbols = tuple(dict.fromkeys(one.strategy.symbol for one in combinations))
    longest = max((one.strategy for one in combinations), key=lambda strategy: strategy.history_sessions())
    loaded = {symbol: load(asked, replace(longest, symbol=symbol), source, calendar) for symbol in symbols}
    return PreparedSweep(
        grid=grid,
        asked=asked,
        histories={symbol: history(one.bars, one.vix, asked.settlement) for symbol, one in loaded.items()},
        spans=_spans(loaded),
        changes=tuple(grid.combinations()),
        combinations=combinations,
    )


def _combinations(grid: Grid, asked: BacktestRequest, settings: LoadSettings) -> tuple[Combination, ...]:
    # A value is validated once, and terms are made once per distinct set of them: both cost far more than a row.
    base = settings(grid.base)
    strategy = _confluence(base, asked)
    fields = {
        (name, repr(value)): getattr(
            settings({**grid.base, name: value}).strategy["mtum_confluence"], name.removeprefix(STRATEGY)
        )
        for name, value in grid.distinct()
        if name.startswith(STRATEGY)
    }
    made: dict[tuple[tuple[str, str], ...], PlayTerms] = {}
    found = []
    for change in grid.combinations():
        rest = {name: value for name, value in change.items() if not name.startswith(STRATEGY)}
        key = tuple((name, repr(value)) for name, value in rest.items())
        if key not in made:
            made[key] = replace(asked, settings=settings({**grid.base, **rest}) if rest else base).terms()
        own = {
            name.removeprefix(STRATEGY): fields[name, repr(value)] for name, value in change.items() if name not in rest
        }
        found.append(Combination(replace(strategy, **own), made[key]))
    return tuple(found)


def _confluence(base: Settings, asked: BacktestRequest) -> MtumConfluence:
    strategy = on_symbol(base.active_strategy(asked.strategy), asked.symbol)
    if not isinstance(strategy, MtumConfluence):
        raise UsageError(f"sweeps are made for mtum_confluence, not for {strategy.name}")
    return strategy


def _refuse_unplayed(grid: Grid) -> None:
    # A name that is no setting at all is left to the settings, which know the nearest one.
    varied = [name for name in grid.names() if name not in PLAYED and not name.startswith(STRATEGY)]
    fixed = [name for name in grid.base if name not in PLAYED and not name.startswith((STRATEGY, *_CHOOSING))]
    unplayed = [name for name in (*varied, *fixed) if name in setting_names()]
    if unplayed:
        said = f"{', '.join(unplayed)}: no backtest of a sweep plays {'it' if len(unplayed) == 1 else 'them'}"
        raise ConfigError([f"{said}; what can be swept: {STRATEGY}*, {', '.join(PLAYED)}"])


def _refuse_without_effect(grid: Grid, combinations: Sequence[Combination]) -> None:
    # Rows that are bound to be equal would be taken for a robust result.
    stride, idle = len(combinations), []
    for axis in grid.axes:
        stride //= len(axis)
        # Along an axis, with all else at its first values and at its last: one may switch another off.
        reach = (len(axis) - 1) * stride
        ways = [combinations[first : first + reach + 1 : stride] for first in (0, len(combinations) - 1 - reach)]
        if reach and all(one == way[0] for way in ways for one in way):
            idle += list(axis[0])
    if idle:
        raise ConfigError([f"{name}: changes nothing that a backtest plays; take it out of the grid" for name in idle])


def _spans(loaded: Mapping[str, Loaded]) -> dict[str, Span]:
    first = max(one.bars.day(one.first) for one in loaded.values())
    last = min(one.bars.last_day for one in loaded.values())
    if first > last:
        late = max(loaded, key=lambda symbol: loaded[symbol].bars.day(loaded[symbol].first))
        raise BarsMissingError(f"{', '.join(loaded)} have no session in common: {late} is fit from {first} on only")
    return {symbol: Span(len(one.bars.until(first)) - 1, len(one.bars.until(last))) for symbol, one in loaded.items()}
