"""`mtum indicators`: what the indicators say of a symbol."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from mtum.cli.arguments import Limit, symbol_of, word_of
from mtum.cli.context import call_of
from mtum.cli.output import Answer, Listing, plain
from mtum.cli.stored import stand_in
from mtum.core.market.timeframes import DAILY, Timeframe
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.app.queries.indicators import Frame, Readings

Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="A symbol with cached bars.", parser=symbol_of)]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Only these; ta:NAME is one of pandas-ta. Default: every one of ours."),
]
Only = Annotated[
    str | None,
    typer.Option(
        "--timeframe",
        metavar="F",
        help=f"{', '.join(Timeframe)}; default: all of them.",
        parser=partial(word_of, "--timeframe", tuple(Timeframe)),
    ),
]


def indicators(
    context: typer.Context, symbol: Symbol, names: Names = None, timeframe: Only = None, limit: Limit = None
) -> Answer:
    """Every indicator's newest values with what they say, their votes by group, and how far timeframes agree."""
    from mtum.app.queries.bars import cached_bars
    from mtum.app.queries.indicators import readings_of
    from mtum.core.indicators import INDICATORS, NAMES
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    settings = call.settings()
    for name in names or ():
        if name not in INDICATORS and not _in_library(name):
            raise UsageError(_unknown(name))
    with opened_reader(settings, call.database()) as reader:
        bars = None if reader is None else cached_bars(reader, symbol, settings.market.source)
    if bars is None or not len(bars):
        raise UsageError(
            f"no bars of {symbol} from {settings.market.source} are cached; `mtum bars sync {symbol}` reads them"
        )
    timeframes = [Timeframe(timeframe)] if timeframe else DAILY
    found = readings_of(bars, names or NAMES, timeframes, limit or 2)
    return Answer(plain(found), [*_shown(found), *stand_in(call)])


def _in_library(name: str) -> bool:
    from mtum.core.indicators.wide import PREFIX, wide_names

    return name.startswith(PREFIX) and name in wide_names()


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    from mtum.core.indicators import NAMES
    from mtum.core.indicators.wide import LOOKS_AHEAD, PREFIX, wide_names

    if name.removeprefix(PREFIX) in LOOKS_AHEAD:
        return f'"{name}" changes its values of earlier sessions by what comes after them, so it is not offered'
    known = wide_names() if name.startswith(PREFIX) else NAMES
    near = get_close_matches(name, known, 3, 0.5)
    return f'"{name}" is no indicator; ' + (f"did you mean {' or '.join(near)}?" if near else f"use {', '.join(NAMES)}")


def _shown(found: "Readings") -> list[str | Listing]:
    lines: list[str | Listing] = []
    for frame in found.frames:
        if not frame.bars:
            lines += [f"{found.symbol}, {frame.timeframe}: not one whole period is cached", ""]
            continue
        columns = ["indicator", "line", "now", *[f"{day:%m-%d}" for day in frame.days[1:]], "vote", "says"]
        lines += [
            f"{found.symbol}, {frame.timeframe}: {frame.bars} bars to {frame.days[0]}, close {frame.close:,.2f} USD",
            Listing(columns, _rows(frame)),
        ]
        means = [f"{group} {vote:+.2f}" for group, vote in frame.groups.items()]
        lines += [f"mean vote: {', '.join(means)}; all {frame.vote:+.2f}" if frame.vote is not None else "no votes", ""]
    if len(found.frames) > 1 and found.agreement is not None:
        where = {-1: "down", 0: "neither up nor down", 1: "up"}[found.direction]
        voting = sum(frame.vote is not None for frame in found.frames)
        lines.append(f"{round(found.agreement * voting)} of {voting} timeframes point {where}.")
    return lines


def _rows(frame: "Frame") -> list[list[object]]:
    rows: list[list[object]] = []
    for one in frame.readings:
        for place, line in enumerate(one.values[0]):
            numbers = [_number(values[line]) for values in one.values]
            first = place == 0
            rows.append(
                [
                    one.name if first else None,
                    None if line == one.name else line,
                    *numbers,
                    f"{one.vote:+d}" if first and one.vote else None,
                    one.words if first else None,
                ]
            )
    return rows


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:,.0f}" if abs(value) >= 1e6 else f"{value:,.2f}" if abs(value) >= 1 else f"{value:.4f}"
