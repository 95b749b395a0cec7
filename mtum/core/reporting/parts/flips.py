"""Flips: where would each condition change? Asked of the strategy itself, for today's decision or the next one.

The averages move with the value that is asked for, so the level is not the threshold: a close x
beats a 50-session mean that includes x exactly when it beats the mean of the 49 closes before it.
"""

import dataclasses
from collections.abc import Callable, Sequence
from math import isnan

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.indicators import column_of
from mtum.core.market.bars import Column
from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Block, Cell, Section, Sentence, Tone, table_of
from mtum.core.reporting.stated import rounded
from mtum.core.strategies.answers import verdicts_of
from mtum.core.strategies.contract import Condition, Own, Strategy, SymbolVerdict
from mtum.core.strategies.description import ConditionSpec, Role
from mtum.core.view import Asked, MarketView

MARGIN_DUST = 2e-6
"""A margin within this of 0 is 0: values are rounded to 1e-6 before they are compared."""
STEPS = (1.05, 1.2, 2.0, 4.0, 8.0)
"""How far from one look to the next a change of sign is looked for, up and down, as factors."""
ROUNDS = 60
NUDGE = 1e-5
"""How far beyond a level the strategy is asked, as a fraction of it."""


class FlipLine(Struct, frozen=True):
    """Where one condition changes, and whether that alone changes the decision.

    `when` is "session" (what would have changed this decision) or "next"; `input` is close, vix or
    volume; the condition changes when the input goes `direction` ("above", "below") `level`;
    `now` is the present value and `distance` level less now, both in the input's unit.
    """

    when: str
    condition: str
    role: str
    input: str
    direction: str
    level: float
    now: float | None
    distance: float | None
    distance_frac: float | None
    holds_now: bool
    alone: bool
    symbol: str = ""


class Situation(Struct, frozen=True):
    """A decision that is asked about.

    Parameters
    ----------
    view : MarketView
        Ends at the session asked about; its newest bars and series are the present values.
    own : Own
        What the strategy holds and remembers when it decides.
    forced : bool
        Whether something other than the conditions decides (an exit carried over, a halt).
    """

    when: str
    strategy: Strategy
    view: MarketView
    own: Own
    forced: bool = False

    def held(self, symbol: str) -> bool:
        """Whether the strategy holds shares of the symbol."""
        return self.own.of(symbol).shares != 0


def flips(asked: Situation, symbol: str) -> tuple[FlipLine, ...]:
    """Return where each condition that matters now changes: exits while long, entries while flat.

    `alone` is true when that change by itself, everything else as it is now, changes the decision.
    """
    view = asked.view
    if symbol not in view.bars or (view.unfit and not asked.strategy.EACH_BY_ITSELF):
        return ()  # it cannot be asked
    role = Role.EXIT if asked.held(symbol) else Role.ENTRY
    questions = Questions(asked, symbol)
    now = questions.now
    specs = [spec for spec in asked.strategy.CONDITIONS if spec.role is role and spec.name in now]
    lines = []
    for spec in specs:
        if not spec.input:
            continue
        present = questions.present(spec.input)
        start = present if present is not None and present > 0 else now[spec.name].threshold
        found = zero_of(questions.margin(spec), start if start is not None and start > 0 else 1.0)
        if found is None:
            continue
        level, holds = found[0], now[spec.name].passed
        above = found[1] != holds
        distance = None if present is None else level - present
        act = questions.act_at(spec.input, level * (1.0 + NUDGE if above else 1.0 - NUDGE))
        lines.append(
            FlipLine(
                when=asked.when,
                condition=spec.name,
                role=spec.role.value,
                input=spec.input,
                direction="above" if above else "below",
                level=round(level, 6),
                now=present,
                distance=rounded(distance),
                distance_frac=round(distance / present, 6) if distance is not None and present else None,
                holds_now=holds,
                alone=not asked.forced and act != questions.act,
                symbol=symbol,
            )
        )
    return tuple(lines)


class Questions:
    """The strategy asked again and again about one session with one input of a symbol changed."""

    def __init__(self, asked: Situation, symbol: str) -> None:
        self._asked = asked
        self._symbol = symbol
        # Of weeks, months and total returns the view makes its own bars.
        specs = [spec for spec in asked.strategy.indicators() if spec.by_day]
        # The other symbols stay as they are, whatever this one does.
        columns: dict[tuple[str, Asked], Column] = {
            (one, spec): column_of(bars, spec.indicator, dict(spec.parameters))
            for one, bars in asked.view.bars.items()
            for spec in specs
        }
        self._view = dataclasses.replace(asked.view, columns={**asked.view.columns, **columns})
        # An indicator of one column alone stays what it is while another column moves.
        self._of: dict[tuple[str, Asked], object] = {(symbol, spec): dict(spec.parameters).get("of") for spec in specs}
        self._known: dict[tuple[str, float], SymbolVerdict | None] = {}
        said = self._verdict(self._view)
        self.act, self.now = self._act(said), _conditions(said)
        for name in {spec.input for spec in asked.strategy.CONDITIONS}:
            value = self.present(name)
            if value is not None:
                self._known[name, value] = said

    def present(self, name: str) -> float | None:
        """Value of an input now; None when unknown."""
        if name in ("close", "volume"):
            value = float(getattr(self._view.bars[self._symbol], name)[-1])
            return None if isnan(value) else value
        return next((value for series, value in self._view.series.items() if series.lower() == name), None)

    def margin(self, spec: ConditionSpec) -> Callable[[float], float | None]:
        """Return the condition's margin as a function of its input."""

        def asked(value: float) -> float | None:
            found = _conditions(self._at(spec.input, value))
            return found[spec.name].margin if spec.name in found else None

        return asked

    def act_at(self, name: str, value: float) -> str:
        """Return what the strategy would do with that value of an input: enter, exit or hold."""
        return self._act(self._at(name, value))

    def _act(self, said: SymbolVerdict | None) -> str:
        held = self._asked.held(self._symbol)
        if said is not None and held and said.sells_all:
            return "exit"
        return "enter" if said is not None and not held and said.enters else "hold"

    def _at(self, name: str, value: float) -> SymbolVerdict | None:
        if (name, value) not in self._known:
            self._known[name, value] = self._verdict(self._with_input(name, value))
        return self._known[name, value]

    def _verdict(self, view: MarketView) -> SymbolVerdict | None:
        verdicts = verdicts_of(self._asked.strategy, view, self._asked.own)
        return next((one for one in verdicts if one.symbol == self._symbol), None)

    def _with_input(self, name: str, value: float) -> MarketView:
        view, bars = self._view, self._view.bars[self._symbol]
        if name not in ("close", "volume"):
            series = {one: value if one.lower() == name else old for one, old in view.series.items()}
            return dataclasses.replace(view, series=series)
        if name == "volume":
            changed = replace(bars, volume=_ending(bars.volume, value))
        else:
            changed = replace(
                bars,
                close=_ending(bars.close, value),
                high=_ending(bars.high, max(float(bars.high[-1]), value)),
                low=_ending(bars.low, min(float(bars.low[-1]), value)),
            )
        # Another close may be a new high or low.
        moved = (None, "close", "high", "low") if name == "close" else (None, name)
        kept = {
            key: column
            for key, column in view.columns.items()
            if key[0] != self._symbol or self._of.get(key) not in moved
        }
        return dataclasses.replace(view, bars={**view.bars, self._symbol: changed}, columns=kept)


def _conditions(said: SymbolVerdict | None) -> dict[str, Condition]:
    return {} if said is None else {one.name: one for one in said.conditions}


def _ending(column: Column, value: float) -> Column:
    found = column.copy()
    found[-1] = value
    return found


def zero_of(margin: Callable[[float], float | None], start: float) -> tuple[float, bool] | None:
    """Return the value above 0 at which a monotone margin is 0, to about 1e-6, and whether it rises there.

    Parameters
    ----------
    margin : callable
        Value in, margin out; None where it is undefined, which counts as no answer.
    start : float
        Value above 0 from which the search goes up and down, at most some eightyfold.
    """
    first, far = margin(start), margin(start * 2.0)
    if first is None or far is None:
        return None
    if far != first:
        # Most margins are straight lines: a look twice as far away gives the slope without the dust of rounding.
        guess = start - first * start / (far - first)
        there = margin(guess) if guess > 0 else None
        if there is not None and abs(there) <= MARGIN_DUST:
            return guess, far > first
    for upwards in (True, False):
        bracket = _bracket(margin, start, first, upwards=upwards)
        if bracket is not None:
            return _refined(margin, *bracket), (bracket[3] > bracket[1]) == upwards
    return None


def _bracket(
    margin: Callable[[float], float | None], start: float, first: float, *, upwards: bool
) -> tuple[float, float, float, float] | None:
    near, at_near = start, first
    for step in STEPS:
        far = start * step if upwards else start / step
        at_far = margin(far)
        if at_far is None:
            return None
        if (at_far > 0) != (at_near > 0):
            return near, at_near, far, at_far
        near, at_near = far, at_far
    return None


def _refined(margin: Callable[[float], float | None], low: float, at_low: float, high: float, at_high: float) -> float:
    # Illinois form of false position: it needs a handful of looks on a smooth margin and never leaves the bracket.
    for _ in range(ROUNDS):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        found = margin(middle)
        if found is None:
            return middle  # undefined just where it changes sides, as an RSI is where nothing moved
        if abs(found) <= MARGIN_DUST / 4 or abs(high - low) <= 1e-9 * abs(high):
            return middle
        if (found > 0) == (at_high > 0):
            high, at_high, at_low = middle, found, at_low / 2
        else:
            low, at_low, high, at_high = high, at_high, middle, found
    return high


def nearest(lines: Sequence[FlipLine]) -> FlipLine | None:
    """Return the smallest relative move that alone changes the next decision; None if there is none."""
    alone = [line for line in lines if line.when == "next" and line.alone and line.distance_frac is not None]
    return min(alone, key=lambda line: abs(line.distance_frac or 0.0), default=None)


def flip_words(line: FlipLine, universe: Sequence[str]) -> str:
    """Return a flip as a sentence names it; of several symbols it says which."""
    name, unit = _input(line)
    own, whose = line.input in ("close", "volume"), line.symbol if len(universe) > 1 else ""
    of, for_ = (f" of {whose}" if whose and own else "", f" for {whose}" if whose and not own else "")
    away = f" ({figures.percent(line.distance_frac)} from now)" if line.distance_frac is not None else ""
    return f"a {name}{of} {line.direction} {figures.in_unit(line.level, unit)} {unit}{for_}{away}"


def _input(line: FlipLine) -> tuple[str, str]:
    # What turns the condition, as a sentence names it, and its unit.
    names = {"close": ("close", "USD"), "volume": ("volume", "shares"), "vix": ("VIX", "points")}
    return names.get(line.input) or (line.input.upper(), words.condition(line.condition).unit)


def section(flip_lines: Sequence[FlipLine], universe: Sequence[str]) -> Section:
    """Return what would change the decision, next session first."""
    blocks: list[Block] = []
    for when, title in (("next", "Next session"), ("session", "This decision")):
        for symbol in universe:
            rows = [_row(line) for line in flip_lines if line.when == when and line.symbol in ("", symbol)]
            if rows:
                name = f"{title}, {symbol}" if len(universe) > 1 else title
                blocks.append(table_of((name, "turns with", "level", "unit", "away", "alone"), rows, (0, 1, 3)))
    if blocks:
        note = "Alone: that change by itself, everything else as it is, changes the decision."
        blocks.append(Sentence(note, Tone.QUIET))
    return Section("flips", "What would change it", tuple(blocks))


def _row(line: FlipLine) -> tuple[Cell | str, ...]:
    name, unit = _input(line)
    return (
        words.condition(line.condition).words,
        f"{name} {line.direction}",
        figures.in_unit(line.level, unit),
        Cell(unit, Tone.QUIET),
        figures.percent(line.distance_frac, 1),
        Cell("yes" if line.alone else "no", Tone.PLAIN if line.alone else Tone.QUIET),
    )
