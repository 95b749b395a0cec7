"""Make a grid ready to play: every value checked, one combination per row, the histories they share."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mtum.app.research.backtest_request import PLAYED, BacktestRequest
from mtum.app.research.grid_file import Grid
from mtum.app.research.load import Loaded, doing_without, load
from mtum.app.research.load_account import LoadedAccount, load_account
from mtum.app.research.prepared_sweep import Ground, PreparedSweep
from mtum.config import Settings, setting_names
from mtum.core.market.bars import Days
from mtum.core.plans import sessions_looked_at
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.research.grid import Combination
from mtum.core.research.session_grid import AccountCombination
from mtum.core.simulation.history import history
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_views import looked_at
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import BarsMissingError, ConfigError, DataError, UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

if TYPE_CHECKING:
    from mtum.app.research.option_backtest import ModelPlayer

STRATEGY = "strategy.mtum_confluence."
_SWEPT = ("strategy.", "sleeve.", "group.", "portfolio.", "risk.")
"""What may vary: whatever of it changes what is played."""
_CHOOSING = "market."
"""What [base] may choose once for every combination: the source of the bars."""

type Unfit = Mapping[str, DataError]
"""Symbols that a sleeve does without, and what is wrong with each."""
type LoadSettings = Callable[[Mapping[str, Any]], Settings]
"""Gives the settings with single changes put over them; raises ConfigError."""


def prepare(
    grid: Grid, asked: BacktestRequest, settings: LoadSettings, source: BarSource, calendar: Calendar, code: str
) -> PreparedSweep:
    """Check every value of the grid and load the histories its combinations share.

    Parameters
    ----------
    grid : Grid
        Settings that vary alone, groups that move together, and settings fixed for all.
    asked : BacktestRequest
        One question to history.
    settings : LoadSettings
        Gives the settings with single changes put over them; raises ConfigError.
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    calendar : Calendar
        The exchange's trading sessions.
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
    combinations: tuple[Combination | AccountCombination, ...] = compiled or tuple(
        _with_options(_each(grid, asked, settings), source, calendar)
    )
    _refuse_without_effect(grid, combinations)
    keys = [_key(one) for one in combinations]
    distinct = list(dict.fromkeys(keys))
    members = [[one for one, own in zip(combinations, keys, strict=True) if own == key] for key in distinct]
    found = [_ground(asked, own, source, calendar) for own in members]
    grounds = [ground for ground, _ in found]
    places = {key: place for place, key in enumerate(distinct)}
    return PreparedSweep(
        grid=grid,
        asked=asked,
        grounds=tuple(replace(one, span=span) for one, span in zip(grounds, _spans(grounds), strict=True)),
        at=tuple(places[key] for key in keys),
        changes=tuple(grid.combinations()),
        combinations=tuple(
            _fit(asked, one, found[places[key]][1]) for one, key in zip(combinations, keys, strict=True)
        ),
        code=code,
    )


def _compiled(grid: Grid, asked: BacktestRequest, settings: LoadSettings) -> tuple[Combination, ...]:
    # For `mtum_confluence` alone on terms that the compiled grid knows; empty for whatever else.
    # A value is validated once, and terms are made once per distinct set of them: both cost far more than a row.
    base = settings(grid.base)
    whole = replace(asked, settings=base)
    strategy = None if whole.whole_account else whole.active_strategy()
    if not isinstance(strategy, MtumConfluence):
        return ()
    if not all(name in PLAYED or name.startswith(STRATEGY) for name in grid.names()):
        return ()
    fields = {
        (name, repr(value)): getattr(
            settings({**grid.base, name: value}).active_strategy("mtum_confluence"), name.removeprefix(STRATEGY)
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
        found.append(Combination(dataclasses.replace(strategy, **own), made[key]))
    return tuple(found)


def _each(
    grid: Grid, asked: BacktestRequest, settings: LoadSettings
) -> Iterator[tuple[BacktestRequest, AccountCombination]]:
    for change in grid.combinations():
        try:
            own = replace(asked, settings=settings({**grid.base, **change}))
        except ConfigError as error:
            which = ", ".join(f"{name} = {value}" for name, value in change.items())
            raise ConfigError([f"{line} (with {which})" for line in error.problems]) from error
        terms = own.terms()
        if own.whole_account:
            yield own, AccountCombination(own.sleeves(), terms)
        else:
            named = ("", own.active_strategy(), 1.0, SleeveState.ON, 0.0, asked.benchmark or "")
            yield own, AccountCombination((Sleeve(*named, terms.rules, terms.loss_pause_sessions),), terms)


def _with_options(
    each: Iterator[tuple[BacktestRequest, AccountCombination]], source: BarSource, calendar: Calendar
) -> Iterator[AccountCombination]:
    player: ModelPlayer | None = None
    for own, one in each:
        traded = [sleeve for sleeve in one.sleeves if sleeve.decides and sleeve.strategy.OPTIONS]
        if not traded:
            yield one
            continue
        from mtum.app.research.option_backtest import player_of  # what shares do without

        player = player_of(own, traded, source, calendar, player)
        yield dataclasses.replace(one, options=player)


def _key(one: Combination | AccountCombination) -> tuple[object, ...]:
    # Combinations that look at the same symbols with the same strategies, and at as much of them, share a history.
    if isinstance(one, Combination):
        return (one.strategy.symbol,)
    rules = one.terms.account
    sleeves = ((own.name, own.decides, type(own.strategy), own.symbols, own.looks_at) for own in one.sleeves)
    return (sessions_looked_at(rules), rules.transfers.period, *sleeves)


def _ground(
    asked: BacktestRequest, own: Sequence[Combination | AccountCombination], source: BarSource, calendar: Calendar
) -> tuple[Ground, Sequence[Unfit]]:
    """Return the history of combinations that share one, and what each of their sleeves does without.

    It begins where the one that needs most can decide.
    """
    first = own[0]
    if isinstance(first, Combination):
        compiled = [one.strategy for one in own if isinstance(one, Combination)]
        longest = max(compiled, key=lambda strategy: strategy.history_sessions())
        one = load(asked, longest, source, calendar)
        columns = history(one.bars, one.vix, asked.settlement)
        return Ground(longest.universe(), one.market, columns, Span(one.first, 0), one.notes), ()
    each = zip(*(one.sleeves for one in own if isinstance(one, AccountCombination)), strict=True)
    sleeves = [max(same, key=lambda one: one.strategy.history_sessions()) for same in each]
    found: Loaded | LoadedAccount
    if first.alone is not None:
        found = load(asked, sleeves[0].strategy, source, calendar)
        kept: Sequence[Sleeve] = [replace(sleeves[0], strategy=found.strategy)]
    else:
        found = load_account(asked, sleeves, first.terms.account, source, calendar)
        kept = found.sleeves
    lost = []
    for before, after in zip(sleeves, kept, strict=True):
        without = {*looked_at(before.strategy)} - {*looked_at(after.strategy)}
        lost.append({symbol: BarsMissingError(found.left_out[symbol]) for symbol in sorted(without)})
    symbols = tuple(dict.fromkeys(symbol for one in kept if one.decides for symbol in one.symbols))
    return Ground(symbols, found.market, None, Span(found.first, 0), found.notes, found.left_out), lost


def _fit(
    asked: BacktestRequest, one: Combination | AccountCombination, lost: Sequence[Unfit]
) -> Combination | AccountCombination:
    # The one that needs most says what is left out, for all that share its history.
    if not any(lost) or isinstance(one, Combination):
        return one
    each = zip(one.sleeves, lost, strict=True)
    return dataclasses.replace(
        one, sleeves=tuple(replace(own, strategy=doing_without(asked, own.strategy, those)) for own, those in each)
    )


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


def _spans(grounds: Sequence[Ground]) -> Iterator[Span]:
    # All are decided on the same sessions: from the last first one to the earliest last one.
    first = max(one.market.days[one.span.first] for one in grounds)
    last = min(one.market.days[-1] for one in grounds)
    if first > last:
        late = max(grounds, key=lambda one: one.market.days[one.span.first])
        names = ", ".join(one.name for one in grounds)
        raise BarsMissingError(f"{names} have no session in common: {late.name} is fit from {first} on only")
    for one in grounds:
        days: Days = one.market.days
        yield Span(int(days.searchsorted(first)), int(days.searchsorted(last, "right")))
