"""Make a grid ready to play: every value checked, one combination per row, the histories they share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mtum.app.research.backtest_request import PLAYED, BacktestRequest
from mtum.app.research.grid_file import Grid
from mtum.app.research.load import Loaded, load
from mtum.app.research.sweep import Ground, PreparedSweep
from mtum.config import Settings, setting_names
from mtum.core.market.bars import Days
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.research.grid import Combination
from mtum.core.research.session_grid import AccountCombination
from mtum.core.simulation.history import history
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import PlayTerms
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import BarsMissingError, ConfigError, UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

STRATEGY = "strategy.mtum_confluence."
_SWEPT = ("strategy.", "sleeve.", "group.", "portfolio.", "risk.")
"""What may vary: whatever of it changes what is played."""
_CHOOSING = "market."
"""What [base] may choose once for every combination: the source of the bars."""

type LoadSettings = Callable[[Mapping[str, Any]], Settings]
"""Gives the settings with single changes put over them; raises ConfigError."""


def prepare(
    grid: Grid, asked: BacktestRequest, settings: LoadSettings, source: BarSource, calendar: Calendar, code: str
) -> PreparedSweep:
    """Check every value of the grid and load the histories its combinations share.

    Parameters
    ----------
    code : str
        Hash of the code that plays: what other code has played is not taken over.

    Raises
    ------
    ConfigError, UsageError, DataError
        Before anything is written.
    """
    _refuse_unplayed(grid)
    if asked.symbol is not None and any(name.endswith(".symbol") for name in grid.names()):
        raise UsageError(f"--symbol {asked.symbol} and a grid of symbols: leave out one of them")
    compiled = _compiled(grid, asked, settings)
    combinations: tuple[Combination | AccountCombination, ...] = compiled or tuple(_each(grid, asked, settings))
    _refuse_without_effect(grid, combinations)
    keys = [_key(one) for one in combinations]
    distinct = list(dict.fromkeys(keys))
    members = [[one for one, own in zip(combinations, keys, strict=True) if own == key] for key in distinct]
    loaded = [_loaded(asked, own, source, calendar) for own in members]
    grounds = []
    for (one, strategy), span in zip(loaded, _spans([one for one, _ in loaded]), strict=True):
        columns = history(one.bars, one.vix, asked.settlement) if compiled else None
        weights = asked.compared_with(strategy)
        grounds.append(Ground(strategy.universe(), one.market, columns, span, weights, one.notes))
    places = {key: place for place, key in enumerate(distinct)}
    return PreparedSweep(
        grid=grid,
        asked=asked,
        grounds=tuple(grounds),
        at=tuple(places[key] for key in keys),
        changes=tuple(grid.combinations()),
        combinations=combinations,
        code=code,
    )


def _compiled(grid: Grid, asked: BacktestRequest, settings: LoadSettings) -> tuple[Combination, ...]:
    # For `mtum_confluence` alone on terms that the compiled grid knows; empty for whatever else.
    # A value is validated once, and terms are made once per distinct set of them: both cost far more than a row.
    base = settings(grid.base)
    strategy = None if base.sleeve and asked.strategy is None else _alone(base, asked)
    if not isinstance(strategy, MtumConfluence):
        return ()
    if not all(name in PLAYED or name.startswith(STRATEGY) for name in grid.names()):
        return ()
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
            if not made[key].fits_fast_path:
                return ()
        own = {
            name.removeprefix(STRATEGY): fields[name, repr(value)] for name, value in change.items() if name not in rest
        }
        found.append(Combination(replace(strategy, **own), made[key]))
    return tuple(found)


def _each(grid: Grid, asked: BacktestRequest, settings: LoadSettings) -> Iterator[AccountCombination]:
    for change in grid.combinations():
        try:
            own = settings({**grid.base, **change})
        except ConfigError as error:
            which = ", ".join(f"{name} = {value}" for name, value in change.items())
            raise ConfigError([f"{line} (with {which})" for line in error.problems]) from error
        terms = replace(asked, settings=own).terms()
        strategy = _alone(own, asked)
        named = ("", strategy, 1.0, SleeveState.ON, 0.0, asked.benchmark or "")
        alone = Sleeve(*named, terms.rules, terms.loss_pause_sessions)
        yield AccountCombination((alone,), terms)


def _alone(settings: Settings, asked: BacktestRequest) -> Strategy:
    return replace(asked, settings=settings).active_strategy()


def _key(one: Combination | AccountCombination) -> tuple[object, ...]:
    # Combinations that look at the same symbols with the same strategies share a history.
    if isinstance(one, Combination):
        return (one.strategy.symbol,)
    return tuple((type(sleeve.strategy), sleeve.symbols, sleeve.looks_at) for sleeve in one.sleeves)


def _loaded(
    asked: BacktestRequest, own: Sequence[Combination | AccountCombination], source: BarSource, calendar: Calendar
) -> tuple[Loaded, Strategy]:
    strategies = [one.strategy if isinstance(one, Combination) else one.sleeves[0].strategy for one in own]
    longest = max(strategies, key=lambda strategy: strategy.history_sessions())
    return load(asked, longest, source, calendar), longest


def _refuse_unplayed(grid: Grid) -> None:
    # A name that is no setting at all is left to the settings, which know the nearest one.
    varied = [name for name in grid.names() if not name.startswith(_SWEPT)]
    fixed = [name for name in grid.base if not name.startswith((*_SWEPT, _CHOOSING))]
    unplayed = [name for name in (*varied, *fixed) if name in setting_names()]
    if unplayed:
        said = f"{', '.join(unplayed)}: no backtest of a sweep plays {'it' if len(unplayed) == 1 else 'them'}"
        raise ConfigError([f"{said}; what can be swept: {', '.join(f'{name}*' for name in _SWEPT)}"])


def _refuse_without_effect(grid: Grid, combinations: Sequence[Combination | AccountCombination]) -> None:
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


def _spans(loaded: Sequence[Loaded]) -> Iterator[Span]:
    # All are decided on the same sessions: from the last first one to the earliest last one.
    first = max(one.market.days[one.first] for one in loaded)
    last = min(one.market.days[-1] for one in loaded)
    if first > last:
        late = max(loaded, key=lambda one: one.market.days[one.first])
        names = ", ".join("+".join(one.market.bars) for one in loaded)
        raise BarsMissingError(
            f"{names} have no session in common: {'+'.join(late.market.bars)} is fit from {first} on only"
        )
    for one in loaded:
        days: Days = one.market.days
        yield Span(int(days.searchsorted(first)), int(days.searchsorted(last, "right")))
