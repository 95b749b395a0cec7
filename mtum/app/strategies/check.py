"""Does a strategy keep the rules that ours keep? Asked in a process of its own, which ends with the answer."""

import dataclasses
import json
import os
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import date
from functools import partial
from inspect import signature
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import asdict

from mtum.app.strategies.trial import SESSIONS, Finding, Tell, Trial, made_up, played, view_at
from mtum.app.strategies.watch import Watch, clocks_in, quietly
from mtum.config import own_strategies, told_where, use_strategies
from mtum.config.names import required_of
from mtum.config.plugins import problems_of
from mtum.config.validation import strategy_from
from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.answers import verdicts_of
from mtum.core.strategies.contract import Own, Strategy
from mtum.core.view import MarketView
from mtum.errors import ConfigError, StrategyError

RULES: Mapping[str, str] = {
    "loading": "can be loaded, and touches nothing while it is",
    "parameters": "can be made of its parameters",
    "problems": "refuses impossible parameters, each by its name",
    "look-ahead": "decides the same whatever comes after",
    "purity": "same input, same answer; no clock, file, network, randomness or hidden memory",
    "mutation": "leaves alone what it is shown",
    "history": "needs no more bars than history_sessions says",
    "reasons": "has a reason for everything, and REASONS has its words",
    "paths": "decides in a backtest as in the daily job and its replay",
    "raising": "never ends in an error",
    "own tests": "passes the tests in its own file",
}
"""Every rule, in the order they are told."""
SEEDS = (1, 2)
"""Of the made-up markets."""


def check(
    name: str, parameters: Mapping[str, Any], watch: Watch, tell: Tell, sessions: int = SESSIONS
) -> dict[str, Any]:
    """Return what is wrong with a strategy of the registry, as plain JSON values.

    Parameters
    ----------
    name : str
        Name of the strategy.
    parameters : mapping
        Those of the settings; where one without a default is left out, the example has the others too.
    watch : Watch
        Tells what is touched while it is armed: files, network, other processes, clock, randomness, environment.
    tell : callable
        Told each session before the strategy is asked for it.
    sessions : int
        Of each made-up market.
    """
    try:
        # One that lacks a parameter is checked as its example has it.
        lent = {} if required_of(name).keys() <= parameters.keys() else STRATEGIES[name].EXAMPLE.settings
        strategy = strategy_from(name, {**lent, **parameters})
    except ValueError as error:
        return _result([Finding("parameters", None, " ".join(str(error).split()))], [])
    wrong = problems_of(strategy)
    if wrong:
        return _result([Finding("parameters", None, line) for line in wrong], [])
    trials: list[Trial] = []
    findings = [*_impossible(strategy), *_own_tests(name)]
    for seed in SEEDS:
        trials.append(quietly(partial(played, strategy, seed, watch, tell, sessions)))
        findings += trials[-1].findings
    # What was seen in a session tells more than what would be.
    return _result([*findings, *_odd_markets(strategy, tell), *_static(name)], trials)


def main() -> None:
    """Check what standard input asks for; each session begun and, last, the result are lines on standard output."""
    line = os.dup(1)
    os.dup2(2, 1)  # what a strategy prints is no answer of ours

    def say(document: object) -> None:
        os.write(line, json.dumps(document, allow_nan=False).encode() + b"\n")

    request = json.load(sys.stdin)
    sources = {Path(path): b64decode(text) for path, text in request["sources"].items()}
    watch = Watch()
    try:
        with watch.armed(own_code_only=True) as touched:
            use_strategies(tuple(sources), sources)
    except ConfigError as error:
        say(_result([Finding("loading", None, text) for text in error.problems], []))
        return
    if request["name"] not in STRATEGIES:
        say(_result([Finding("loading", None, f"it holds no strategy {request['name']} any more")], []))
        return
    result = check(request["name"], request["parameters"], watch, lambda day: say({"at": day.isoformat()}))
    if touched:
        found = asdict(Finding("loading", None, f"while it is loaded it {touched[0]}"))
        result["findings"] = [found, *result["findings"]]
    say(result)


def _result(findings: list[Finding], trials: list[Trial]) -> dict[str, Any]:
    first: dict[str, Finding] = {}
    for one in sorted(findings, key=lambda one: [*RULES].index(one.rule)):
        first.setdefault(one.rule, one)
    notes = []
    if trials and not any(one.wanted for one in trials):
        notes.append("it wanted no position in the made-up markets: little was tried")
    told = [{**asdict(one), "session": one.session and one.session.isoformat()} for one in first.values()]
    return {"findings": told, "decisions": sum(len(one.asked_for) for one in trials), "notes": notes}


def _static(name: str) -> Iterator[Finding]:
    own = own_strategies().get(name)
    for line in clocks_in(own.source) if own else ():
        yield Finding("purity", None, line)


def _impossible(strategy: Strategy) -> Iterator[Finding]:
    for one in fields(strategy):  # type: ignore[arg-type]  # strategies are dataclasses
        for bad in _impossible_for(getattr(strategy, one.name)):
            place = f"{one.name} = {bad!r}"
            try:
                told = dataclasses.replace(strategy, **{one.name: bad}).problems()  # type: ignore[type-var]  # as above
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a person's method may raise anything
                yield Finding("problems", None, f"{place}: problems() ended in an error, {told_where(error)}")
                continue
            if not any(one.name in str(line) for line in told):
                yield Finding("problems", None, f"{place} is not refused; problems() is to name it and its range")


def _impossible_for(value: object) -> tuple[object, ...]:
    if isinstance(value, bool) or value is None:
        return ()
    if isinstance(value, float):
        return nan, inf, -inf
    if isinstance(value, int):
        return -(10**9), 10**9
    if isinstance(value, str):
        return ("", value.lower()) if value.isupper() else ()
    if isinstance(value, tuple) and value and all(isinstance(one, str) and one.isupper() for one in value):
        return (value[0].lower(), *value[1:]), (value[0], *value)
    if isinstance(value, Mapping) and value and all(isinstance(one, float | int) for one in value.values()):
        first = next(iter(value))
        return tuple({**value, first: bad} for bad in (nan, -1.0, 2.0))
    return ()


def _own_tests(name: str) -> Iterator[Finding]:
    own = own_strategies().get(name)
    module = vars(sys.modules[own.cls.__module__]) if own and own.file else {}
    for test, work in module.items():
        if not test.startswith("test_") or not callable(work) or signature(work).parameters:
            continue
        try:
            quietly(work)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a test fails in any way
            yield Finding("own tests", None, f"{test}: {told_where(error, str(own.file) if own else '')}")


def _odd_markets(strategy: Strategy, tell: Callable[[date], None]) -> Iterator[Finding]:
    """Ask in markets that never move, without volume, without a series, and without the bars of one symbol."""
    history, needed = made_up(strategy, SEEDS[0]), strategy.history_sessions()
    day = next(iter(history.bars.values())).day(needed + 5)
    tell(day)
    usual = view_at(history, strategy, day)
    views = [("a market that never moves", _still(usual, volume)) for volume in (0.0, 1.0, nan)]
    views.append(("a session without its series", dataclasses.replace(usual, series=dict.fromkeys(usual.series))))
    symbols = strategy.universe()
    if strategy.EACH_BY_ITSELF and len(symbols) > 1:
        rest = {symbol: bars for symbol, bars in usual.bars.items() if symbol != symbols[-1]}
        unfit = {symbols[-1]: float(usual.bars[symbols[-1]].close[-1])}
        views.append(
            (f"a session without the bars of {symbols[-1]}", dataclasses.replace(usual, bars=rest, unfit=unfit))
        )
    for what, view in views:
        try:
            quietly(partial(verdicts_of, strategy, view, Own(cash_usd=10_000.0, equity_usd=10_000.0)))
        except StrategyError as error:
            yield Finding("raising", day, f"in {what}: {error}")


def _still(view: MarketView, volume: float) -> MarketView:
    bars = {}
    for symbol, one in view.bars.items():
        columns = {name: np.full(len(one), {"volume": volume}.get(name, 10.0)) for name in COLUMNS[:5]}
        bars[symbol] = Bars.from_columns(symbol, one.source, one.days, columns)
    return dataclasses.replace(view, bars=bars, columns={})


if __name__ == "__main__":
    main()
