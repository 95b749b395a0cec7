"""A strategy is asked for its verdicts: what it may be asked about, what follows, and what is its own error."""

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mtum.core.strategies.contract import (
    Abstain,
    Condition,
    Keep,
    Memory,
    Own,
    Price,
    Shares,
    Strategy,
    SymbolVerdict,
    Target,
)
from mtum.errors import StrategyError

if TYPE_CHECKING:
    from mtum.core.view import MarketView


UNFIT = "unfit"
"""Reason word: nothing is ordered in a symbol whose bars cannot be decided on."""
OTHERS_UNFIT = "others_unfit"
"""Reason word: the strategy weighs its symbols against each other and abstains unless all are fit."""
SCALE_DUST = 1e-9
"""Weights that are above 1 together by no more than this are 1."""


def asked(view: "MarketView", strategy: Strategy, own: Own) -> tuple[SymbolVerdict, ...]:
    """Return a strategy's verdicts, an unfit symbol among them as one it has no opinion on.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    own : Own
        What a strategy knows of its own sleeve; changed by fills, cash and its own decisions.

    Raises
    ------
    ValueError
        If it judges a symbol twice, or one that it does not trade.
    StrategyError
        If it ends in an error, or does not answer with verdicts.
    """
    # An unfit symbol is never asked about, whatever else was wanted of it.
    universe = strategy.universe()
    if view.unfit and not strategy.EACH_BY_ITSELF:
        return tuple(
            SymbolVerdict(symbol, Abstain(), (UNFIT if symbol in view.unfit else OTHERS_UNFIT,), (), {})
            for symbol in universe
        )
    given = tuple(verdict for verdict in verdicts_of(strategy, view, own) if verdict.symbol not in view.unfit)
    wrong = sorted({one.symbol for one in given} - {*universe})
    if wrong or len({one.symbol for one in given}) < len(given):
        raise ValueError(f"{strategy.name} owes at most one verdict for each symbol it trades, none for {wrong}")
    return (
        *given,
        *(SymbolVerdict(symbol, Abstain(), (UNFIT,), (), {}) for symbol in universe if symbol in view.unfit),
    )


def scaled(verdicts: tuple[SymbolVerdict, ...]) -> tuple[SymbolVerdict, ...]:
    """Return the verdicts with targets that are above 1 together scaled down together: nobody has leverage."""
    total = sum(verdict.verdict.weight for verdict in verdicts if isinstance(verdict.verdict, Target))
    if total <= 1 + SCALE_DUST:
        return verdicts
    return tuple(
        replace(one, verdict=Target(round(one.verdict.weight / total, 9))) if isinstance(one.verdict, Target) else one
        for one in verdicts
    )


def remembered(before: Memory, verdicts: tuple[SymbolVerdict, ...]) -> Memory:
    """Return what is remembered after verdicts: what they say, and what they leave as it was."""
    said = {name: value for verdict in verdicts for name, value in verdict.memory.items()}
    return {name: value for name, value in {**before, **said}.items() if value is not None}


def verdicts_of(strategy: Strategy, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
    """Return a strategy's verdicts.

    Parameters
    ----------
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    view : MarketView
        Everything a strategy may look at for one session.
    own : Own
        What a strategy knows of its own sleeve; changed by fills, cash and its own decisions.

    Raises
    ------
    StrategyError
        If it ends in an error of any kind, or answers something else than verdicts that can be recorded.
    """
    given = answers_of(strategy, view, lambda: strategy.verdicts(view, own))
    for one in given:
        wrong = _wrong(one)
        if wrong:
            raise StrategyError(f"{strategy.name} at {view.session}: {wrong}")
    return given


def answers_of[T](strategy: Strategy, view: "MarketView", ask: Callable[[], Iterable[T]]) -> tuple[T, ...]:
    """Return what a strategy answers to a question.

    Parameters
    ----------
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    view : MarketView
        Everything a strategy may look at for one session.
    ask : callable
        Asks the strategy its question.

    Raises
    ------
    StrategyError
        If it ends in an error of any kind.
    """
    try:
        return tuple(ask())
    except StrategyError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not _raised_itself(error.__traceback__):
            raise  # a person's Ctrl-C
        text = " ".join(str(error).split())
        where = _where(error.__traceback__)
        told = f"{type(error).__name__}{': ' if text else ''}{text}{where}"
        raise StrategyError(f"{strategy.name} at {view.session}: {told}") from error


def _where(trace: TracebackType | None) -> str:
    # The deepest line of a person's own file tells where to look.
    found = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if trace.tb_frame.f_globals.get("__name__", "").startswith("mtum_own_"):
            found = f" ({code.co_filename.rpartition('/')[2]}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return found


def _raised_itself(trace: TracebackType | None) -> bool:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    # A signal is raised at any instruction, an error of the strategy's own by a `raise`.
    return trace is not None and _instruction(trace) == _RAISE


def _instruction(trace: TracebackType) -> int:
    return trace.tb_frame.f_code.co_code[trace.tb_lasti]


def _of_raise() -> int:
    try:
        raise ValueError
    except ValueError as error:
        trace = error.__traceback__
        return -1 if trace is None else _instruction(trace)


_RAISE = _of_raise()


def _wrong(one: object) -> str | None:
    """Return why an answer is no verdict that can be ordered from and recorded."""
    if not isinstance(one, SymbolVerdict) or not isinstance(one.symbol, str):
        return f"answered {one!r}; a tuple of SymbolVerdict is needed"
    verdict: object = one.verdict
    match verdict:
        case Target(weight) if not is_number(weight) or weight < 0:
            return f"{one.symbol}: Target({weight!r}); a number from 0 to 1 is needed"
        case Shares(count) if type(count) is not int or count < 0:
            return f"{one.symbol}: Shares({count!r}); a whole number from 0 is needed"
        case Target() | Shares() | Keep() | Abstain():
            pass
        case other:
            return f"{one.symbol}: verdict {other!r}; Target, Shares, Keep or Abstain is needed"
    reasons: object = one.reasons
    if not isinstance(reasons, tuple) or not reasons or not all(map(is_word, reasons)):
        return f"{one.symbol}: reasons are {reasons!r}; a tuple of words is needed, one at least"
    return _wrong_beside(one)


def _wrong_beside(one: SymbolVerdict) -> str | None:
    if (wrong := wrong_conditions(one.conditions)) is not None:
        return f"{one.symbol}: {wrong}"
    places: dict[str, object] = {"indicators": one.indicators, "remember": one.remember, "memory": one.memory}
    for place, values in places.items():
        # What is usual is told at once: this is asked of every number of every session.
        if type(values) is not dict and not isinstance(values, Mapping):
            return f"{one.symbol}: {place} are {values!r}; a mapping is needed"
        for name, value in values.items():
            if type(value) is float and isfinite(value) and type(name) is str and name:
                continue
            fine = value is None and place != "remember"
            fine = fine or is_number(value) or (place == "memory" and isinstance(value, str | Price))
            if not fine or not is_word(name):
                return f"{one.symbol}: {place} {name!r} is {value!r}; a number is needed"
    if one.confidence is not None and not (is_number(one.confidence) and 0 <= one.confidence <= 1):
        return f"{one.symbol}: confidence is {one.confidence!r}; a number from 0 to 1 is needed"
    return None


def wrong_conditions(conditions: object) -> str | None:
    """Return why these are no conditions that can be recorded."""
    if not isinstance(conditions, tuple):
        return f"conditions are {conditions!r}; a tuple of Condition is needed"
    for condition in conditions:
        if not isinstance(condition, Condition) or not _is_truth(condition.passed) or not is_word(condition.name):
            return f"{condition!r} is no Condition with a name, and True or False for passed"
        for said in (condition.value, condition.threshold, condition.margin):
            if not (said is None or (type(said) is float and isfinite(said)) or is_number(said)):
                return f"condition {condition.name} holds {said!r}; a number or None is needed"
    return None


def is_number(value: object) -> bool:
    """Return whether a value is a finite number that a record can hold."""
    # A true or false is none, nor is a number of a library that no record can hold.
    return (isinstance(value, float) or type(value) is int) and isfinite(value)


def _is_truth(value: object) -> bool:
    # A library's own true or false cannot be recorded.
    return value is True or value is False


def is_word(value: object) -> bool:
    """Return whether a value is a text that says something."""
    return isinstance(value, str) and bool(value)
