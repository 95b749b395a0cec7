"""What the indicators say of a symbol, worked out by hand on prices that only rise or only fall."""

import math
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mtum.adapters.store.opening import open_store
from mtum.app.queries.indicator_chart import indicator_chart
from mtum.app.queries.indicators import readings_of
from mtum.core.indicators import INDICATORS, NAMES, lines_of
from mtum.core.indicators.indicator import Group
from mtum.core.indicators.wide import wide_names
from mtum.core.market.bars import PRICE_COLUMNS, Bar, Bars
from mtum.core.market.intraday import regular_hours
from mtum.core.market.timeframes import DAILY, Timeframe
from support.commands import call, call_json
from support.exchange_sessions import xnys
from support.markets import made_up_bars, weekdays

DAYS = weekdays(200, date(2020, 1, 1))


def along(path: list[float]) -> Bars:
    rows = [Bar(day, 300 + n, 301 + n, 299 + n, 300 + n, 100.0) for day, n in zip(DAYS, path, strict=True)]
    return Bars.of("X", "test", rows)


@pytest.mark.parametrize(("step", "vote", "words"), [(1.0, 1, "above"), (-1.0, -1, "below")])
def test_values_readings_and_votes_of_a_price_that_moves_one_way(step: float, vote: int, words: str) -> None:
    bars = along([step * n for n in range(200)])
    (frame,) = readings_of(bars, ["sma", "roc", "rsi", "atr"], [Timeframe.DAY], limit=2).frames
    average, change, strength, reach = frame.readings
    # The mean of the last twenty lies nine and a half steps back, of the day before ten and a half.
    assert average.values == ({"sma": 300 + step * 189.5}, {"sma": 300 + step * 188.5})
    assert (average.vote, average.words) == (vote, f"close {words} its average")
    assert change.vote == vote
    assert (strength.values[0], strength.vote) == ({"rsi": 100.0 if step > 0 else 0.0}, -vote)
    assert (reach.vote, reach.words) == (0, "tells no direction")
    # The true range tells no direction, so it is not part of a mean.
    assert frame.groups == {Group.TREND: vote, Group.MOMENTUM: 0.0}
    assert frame.vote == round(vote / 3, 6)
    assert (frame.days, frame.close, frame.bars) == ((DAYS[-1], DAYS[-2]), 300 + step * 199, 200)


def test_timeframes_agree_where_their_mean_votes_point_the_same_way() -> None:
    """Up for 160 sessions, then down for eight weeks; of the ten months there is one change over ten, and it is up."""
    found = readings_of(along([n if n < 160 else 320 - n for n in range(200)]), ["roc"], DAILY)
    assert [frame.vote for frame in found.frames] == [-1.0, -1.0, None]
    assert found.frames[2].readings[0].words == "too short a history"
    assert (found.direction, found.agreement) == (-1, 1.0)
    # Down for eight sessions only: lower than ten sessions ago, higher than ten weeks ago.
    apart = readings_of(along([n if n < 192 else 382 - n for n in range(200)]), ["roc"], DAILY[:2])
    assert [frame.vote for frame in apart.frames] == [-1.0, 1.0]
    assert (apart.direction, apart.agreement) == (0, 0.0)


def test_a_year_has_fewer_weeks_than_sessions() -> None:
    bars = made_up_bars(400, 3)
    ends = [at for at in range(len(bars) - 1) if bars.day(at).weekday() > bars.day(at + 1).weekday()]
    closes = [bars.close[at] for at in (*ends, len(bars) - 1)][-21:]
    moves = [math.log(later / earlier) for earlier, later in pairwise(closes)]
    middle = math.fsum(moves) / 20
    frames = readings_of(bars, ["volatility"], [Timeframe.WEEK]).frames
    expected = math.sqrt(math.fsum((one - middle) ** 2 for one in moves) / 19 * 52)
    assert frames[0].readings[0].values[0]["volatility"] == pytest.approx(expected, abs=1e-6)


def test_no_indicator_that_is_offered_of_the_wide_library_looks_ahead() -> None:
    names = wide_names()
    assert len(names) > 100
    assert not {"ta:dpo", "ta:ichimoku", "ta:zigzag"} & {*names}
    bars = made_up_bars(260, 5)
    for name in ("ta:supertrend", "ta:aroon", "ta:kama", "ta:obv", "ta:cci"):
        whole, cut = (lines_of(one, name, {}) for one in (bars, bars.until(bars.day(200))))
        for line, column in cut.items():
            assert whole[line][:201] == pytest.approx(column, abs=1e-6, nan_ok=True), (name, line)
    assert INDICATORS["ta:aroon"].group is Group.TREND


def test_the_command_tells_every_indicator_of_a_cached_symbol(tmp_path: Path) -> None:
    assert call(tmp_path, "bars", "sync").code == 0
    frames = call_json(tmp_path, "indicators", "MTUM").document["frames"]
    assert [frame["timeframe"] for frame in frames] == ["1d", "1w", "1mo"]
    assert [one["name"] for one in frames[0]["readings"]] == list(NAMES)
    assert "between 30 and 70" in call(tmp_path, "indicators", "MTUM", "rsi", "--timeframe", "1d").out
    for words, said in (
        (("NONE",), "no bars of NONE from sample are cached; `mtum bars sync NONE` reads them"),
        (("MTUM", "rsii"), "is no indicator; did you mean rsi"),
        (("MTUM", "ta:ichimoku"), "changes its values of earlier sessions"),
        (("MTUM", "--timeframe", "5h"), "is not known; use 1m, 5m, 15m, 30m, 1h, 4h, 1d, 1w or 1mo"),
    ):
        wrong = call_json(tmp_path, "indicators", *words)
        assert (wrong.code, said in wrong.err) == (2, True), wrong.err


@pytest.mark.parametrize("name", NAMES)
def test_every_indicator_can_be_drawn(name: str) -> None:
    bars = made_up_bars(300, 7)
    chart = indicator_chart(bars, [name], Timeframe.DAY, 120)
    drawn = [line for panel in chart.panels for line in panel.lines]
    assert len(drawn) == 1 + len(lines_of(bars, name, {}))
    assert {len(line.values) for line in drawn} == {len(chart.days)} == {120}
    assert len({(panel.title, line.hue, line.dash) for panel in chart.panels for line in panel.lines}) == len(drawn)


def test_what_lies_near_the_price_is_drawn_over_it_and_the_rest_below() -> None:
    chart = indicator_chart(made_up_bars(300, 7), ["ema", "bollinger", "atr", "obv", "rsi"], Timeframe.DAY)
    over, *below = chart.panels
    assert [line.name for line in over.lines] == ["close", "ema", "middle", "upper", "lower"]
    assert [panel.title.partition(":")[0] for panel in below] == ["bollinger", "atr", "obv", "rsi"]
    assert below[1].title == "atr: average true range, USD"
    assert "thousands" in below[2].title or "millions" in below[2].title
    assert chart.words.startswith("AAA, 1d, ")


def test_a_chart_is_written_as_a_picture_or_a_page_of_its_own(tmp_path: Path) -> None:
    assert call(tmp_path, "bars", "sync").code == 0
    svg, png, page = (tmp_path / f"chart.{kind}" for kind in ("svg", "png", "html"))
    for file in (svg, png, page):
        assert call(tmp_path, "indicators", "MTUM", "ema", "rsi", "--chart", str(file)).code == 0
    document = ET.fromstring(svg.read_text(encoding="utf-8"))
    texts = {"".join(one.itertext()) for one in document.iter("{http://www.w3.org/2000/svg}text")}
    assert {"MTUM close and its ema, USD", "rsi: relative strength index"} <= texts
    assert "prefers-color-scheme:dark" in svg.read_text(encoding="utf-8")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in page.read_text(encoding="utf-8")
    assert "everything is simulated" in page.read_text(encoding="utf-8")
    for words, said in (
        (("MTUM", "--chart", str(svg)), "--chart draws the indicators that are named"),
        (("MTUM", "rsi", "--chart", "chart.pdf"), "--chart chart.pdf: name a file that ends in .svg, .png or .html"),
        (("MTUM", "rsi", "--chart", "nowhere/chart.svg"), "there is no folder"),
        (("MTUM", "rsi", "--timeframe", "5m", "--chart", str(svg)), "MTUM, 5m: no bars of 5m from sample"),
    ):
        wrong = call(tmp_path, "indicators", *words)
        assert (wrong.code, said in wrong.err) == (2, True), wrong.err


def test_bars_within_the_session_come_from_the_cache_where_there_is_no_file(tmp_path: Path) -> None:
    """What was read last of a bar counts; of Monday more than a twentieth is missing, so that it is not used."""
    monday, tuesday = xnys("2024-07-01", "2024-07-02")
    (tmp_path / "config.toml").write_text('[market]\nsource = "yahoo"\n')
    begins = [one.open + timedelta(minutes=30 * n) for one in (monday, tuesday) for n in range(13)]
    prices = [100.0 + n for n in range(26)]
    store = open_store(tmp_path / "data" / "mtum.db", "practice", "PRACTICE")
    for shift, kept in ((1.0, range(26)), (0.0, [n for n in range(26) if n != 20])):
        columns = {name: [prices[n] + shift for n in kept] for name in (*PRICE_COLUMNS, "volume")}
        rows: dict[str, object] = {"begins": [begins[n].replace(tzinfo=None) for n in kept if n not in (3, 4)]}
        rows |= {
            name: [one for n, one in zip(kept, column, strict=True) if n not in (3, 4)]
            for name, column in columns.items()
        }
        bars = regular_hours(("AAA", "yahoo"), 30, rows, (monday, tuesday))
        store.intraday.accept(bars, 30, tuesday.close, [monday.day, tuesday.day])
    days = [monday.day, tuesday.day]
    daily = Bars.from_columns("AAA", "yahoo", days, {name: [110.0, 120.0] for name in (*PRICE_COLUMNS, "volume")})
    store.bars.accept(daily, tuesday.close, tuesday.day)
    store.close()

    found = call_json(tmp_path, "indicators", "AAA", "sma", "--timeframe", "30m").document["frames"][0]
    assert (found["bars"], found["close"], found["ends"][0]) == (13, 125.0, "2024-07-02T20:00:00Z")
    every = call_json(tmp_path, "indicators", "AAA", "sma").document["frames"]
    assert [one["timeframe"] for one in every] == ["30m", "1h", "4h", "1d", "1w", "1mo"]
    hours = every[1]
    # Six hours and the last half; the bar that was read once alone keeps its value.
    assert (hours["bars"], hours["close"]) == (7, 125.0)
    assert call(tmp_path, "indicators", "AAA", "--timeframe", "5m").out.startswith("AAA, 5m: no bars of 5m from yahoo")
