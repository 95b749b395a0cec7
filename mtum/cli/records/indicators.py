"""`mtum indicators`: what the indicators say of a symbol."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtum.app.queries.plain import plain
from mtum.cli.arguments import Limit, symbol_of, word_of
from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer, Listing
from mtum.cli.stored import stand_in
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.timeframes import DAILY, INTRADAY, Timeframe
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.app.queries.indicators import Frame, Readings
    from mtum.app.queries.intraday import Told
    from mtum.core.market.bars import Bars
    from mtum.core.market.intraday import Frame as WithinFrame

Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="A symbol with cached bars.", parser=symbol_of)]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Only these; ta:NAME is one of pandas-ta. Default: every one of ours."),
]
Only = Annotated[
    str | None,
    typer.Option(
        "--timeframe",
        metavar="F",
        help=f"{', '.join(Timeframe)}; default: each that has bars.",
        parser=partial(word_of, "--timeframe", tuple(Timeframe)),
    ),
]
CHART_KINDS = (".svg", ".png", ".html")


def _chart_place(text: str) -> Path:
    path = Path(text)
    if path.suffix not in CHART_KINDS:
        raise UsageError(f"--chart {text}: name a file that ends in {', '.join(CHART_KINDS[:-1])} or {CHART_KINDS[-1]}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--chart {text}: there is no folder {path.absolute().parent}; create it first")
    return path


ChartFile = Annotated[
    Path | None,
    typer.Option("--chart", metavar="FILE", help="Draw the named ones: .svg, .png or .html.", parser=_chart_place),
]


def indicators(
    context: typer.Context,
    symbol: Symbol,
    names: Names = None,
    timeframe: Only = None,
    limit: Limit = None,
    chart: ChartFile = None,
) -> Answer:
    """Every indicator's newest values with what they say, their votes by group, and how far timeframes agree."""
    from mtum.app.queries.bars import cached_bars
    from mtum.app.queries.indicators import readings_of
    from mtum.app.queries.intraday import cached_within
    from mtum.core.indicators import INDICATORS, NAMES
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    settings = call.settings()
    if chart and not names:
        raise UsageError("--chart draws the indicators that are named, for instance `mtum indicators SPY ema rsi`")
    for name in names or ():
        if name not in INDICATORS and not _in_library(name):
            raise UsageError(_unknown(name))
    source = settings.market.source
    only = Timeframe(timeframe) if timeframe else None
    with opened_reader(settings, call.database()) as reader:
        bars = None if reader is None else cached_bars(reader, symbol, source)
        wanted = INTRADAY if only is None else tuple({only}.intersection(INTRADAY))
        known = {} if reader is None or not wanted else cached_within(reader, symbol, source)
    if bars is None or not len(bars):
        raise UsageError(
            f"no bars of {symbol} from {settings.market.source} are cached; `mtum bars sync {symbol}` reads them"
        )
    within = _within(call, bars, known, wanted)
    timeframes = (only,) if only else (*(one for one in INTRADAY if len(within[one].bars)), *DAILY)
    if chart:
        _draw(call, chart, names or [], _shown_bars(bars, within, only or Timeframe.DAY), limit)
    found = readings_of(bars, names or NAMES, timeframes, limit or 2, within)
    return Answer(plain(found), [*_shown(found), *stand_in(call)])


def _within(
    call: CommandCall, bars: "Bars", known: "Told", wanted: Sequence[Timeframe]
) -> "dict[Timeframe, WithinFrame]":
    """Return the bars within the sessions: of files all up to the last session that is cached, else the cache's."""
    from mtum.app.queries.intraday import frames_within, told_within
    from mtum.wiring.resources import calendar_of, is_replay, source_of, system_clock

    settings, folder = call.settings(), call.data_folder()
    calendar, until = calendar_of(settings, folder), system_clock().now()
    files = settings.market.source == "csv" and bool(wanted)
    if (
        (known or files)
        and is_replay(settings)
        and (last := calendar.sessions(*[bars.last_day] * 2).get(bars.last_day))
    ):
        until = last.close
    if files:
        known = told_within(source_of(settings, folder), bars.symbol, wanted, (bars.day(0), until.date()))
    return frames_within((bars.symbol, bars.source), known, wanted, calendar, until)


def _shown_bars(bars: "Bars", within: "dict[Timeframe, WithinFrame]", timeframe: Timeframe) -> "tuple[Bars, Timeframe]":
    from mtum.core.market.bars import in_timeframe

    of = within[timeframe].bars if timeframe in within else in_timeframe(bars, timeframe)
    if len(of) < 2:
        why = within[timeframe].why if timeframe in within else ""
        raise UsageError(f"{bars.symbol}, {timeframe}: {why or 'too few bars are cached'}; there is nothing to draw")
    return of, timeframe


def _draw(call: CommandCall, path: Path, names: Sequence[str], of: "tuple[Bars, Timeframe]", limit: int | None) -> None:
    from mtum.app.queries.indicator_chart import SHOWN_BARS, indicator_chart
    from mtum.wiring.reports import write_chart

    chart = indicator_chart(of[0], names, of[1], max(2, limit or SHOWN_BARS))
    try:
        write_chart(chart, path, call.settings().mode, stand_in(call))
    except OSError as error:
        raise UsageError(f"--chart {path} cannot be written: {error.strerror}") from error
    call.tell(f"{path} written")


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
            lines += [f"{found.symbol}, {frame.timeframe}: {frame.why or 'not one whole period is cached'}", ""]
            continue
        local = [end.astimezone(NEW_YORK) for end in frame.ends]
        earlier = [f"{end:%m-%d %H:%M}" for end in local[1:]] or [f"{day:%m-%d}" for day in frame.days[1:]]
        columns = ["indicator", "line", "now", *earlier, "vote", "says"]
        newest = f"{local[0]:%Y-%m-%d %H:%M} New York" if local else f"{frame.days[0]}"
        running = "" if frame.running is None else f"; the running bar stands at {frame.running:,.2f}"
        lines += [
            f"{found.symbol}, {frame.timeframe}: {frame.bars} bars to {newest}, close {frame.close:,.2f} USD{running}",
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
