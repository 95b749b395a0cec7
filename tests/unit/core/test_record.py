"""The decision record: plain JSON, the same text always, and the way back."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from mtum.core import record
from mtum.core.canonical import canonical, plain
from mtum.core.decide import decide
from mtum.core.market.bars import PRICE_COLUMNS, Bars, ProvisionalBar
from mtum.core.market.intraday import VALUES, IntradayBars
from mtum.core.market.timeframes import Timeframe
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import Book, PortfolioRules
from mtum.core.portfolio.limits import LossRules, LossState, Restriction
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Condition, Holding
from mtum.core.view import MarketView
from support.bars import bars_of, changed
from support.values import replace

NAN = float("nan")
RULES = PortfolioRules(SizingRules(1.0, 5000.0, 0.005, PercentCosts(Decimal("0.001"))), LossRules(500.0))
BARS = changed(bars_of([100.0, 101.0, 102.1]), volume={2: NAN})
SEEN = ProvisionalBar(BARS.bar(2), 870.0, None, datetime(2024, 1, 3, 20, 39, 30, tzinfo=UTC), 102.05)
VIEW = MarketView(BARS.last_day, {"MTUM": BARS}, {"VIX": 14.25, "NONE": None}, {"MTUM": SEEN})
BOOK = Book(
    holdings={"MTUM": Holding("MTUM", 19, 105.25, date(2024, 1, 2), {"atr": 1.5}, 4), "SPY": Holding("SPY")},
    cash_usd=12.34,
    available_usd=10.0,
    exit_pending={"MTUM": "rsi_low"},
    forced_exits={"MTUM": "flatten"},
    unsettled_usd=2.34,
    receivable_usd=0.5,
    losses=LossState(-1.5, 2.5, paused=True, peak_equity_usd=5000.25, flows_since_usd=-3.75),
    restriction=Restriction.REDUCE_ONLY,
    entries_barred={"MTUM": "mismatch"},
    exits_barred={"SPY": "unresolved"},
    unsellable_shares={"MTUM": 7},
)


def stored(view: MarketView = VIEW, book: Book = BOOK) -> Mapping[str, Any]:
    """The frame as it comes back from the database: through its text."""
    frame: Mapping[str, Any] = json.loads(canonical(record.frame_of(view, book, BuyAndHold("MTUM"))))
    return frame


@dataclass(frozen=True, slots=True)
class _Hourly(BuyAndHold):
    @property
    def intraday_bars(self) -> Mapping[Timeframe, int]:
        return {Timeframe.HOUR: 2}


def test_bars_within_the_session_come_back_cut_to_what_the_strategy_asks_for() -> None:
    begins = ["2024-01-03T18:30", "2024-01-03T19:30", "2024-01-03T20:30"]
    ends = ["2024-01-03T19:30", "2024-01-03T20:30", "2024-01-03T21:00"]
    columns = dict.fromkeys(VALUES, (100.0, 100.25, 100.1)) | {"volume": (7.0, NAN, 9.0)}
    hours = IntradayBars.within("MTUM", "yahoo", (["2024-01-03"] * 3, begins, ends), columns)
    view = replace(VIEW, intraday={("MTUM", Timeframe.HOUR): hours, ("MTUM", Timeframe.MINUTE): hours})
    frame = json.loads(canonical(record.frame_of(view, BOOK, _Hourly(symbol="MTUM"))))
    assert frame["intraday"] == {
        "1h": {
            "MTUM": {
                "source": "yahoo 1h",
                "days": ["2024-01-03T19:30/60", "2024-01-03T20:30/30"],
                **{name: [100.25, 100.1] for name in PRICE_COLUMNS},
                "volume": [None, 9.0],
            }
        }
    }
    ((key, back),) = record.view_of(frame).intraday.items()
    assert (key, back.source, back.symbol) == (("MTUM", Timeframe.HOUR), "yahoo", "MTUM")
    for name in ("days", "begins", "ends", *VALUES):
        assert np.array_equal(getattr(back, name), getattr(hours, name)[1:], equal_nan=name == "volume")
    # One that asks for none has no word of them in its frame.
    assert "intraday" not in record.frame_of(view, BOOK, BuyAndHold("MTUM"))


def test_a_book_comes_back_as_it_was() -> None:
    assert record.book_of(stored()) == BOOK


def test_a_view_comes_back_cut_to_the_history_the_strategy_asks_for() -> None:
    back = record.view_of(stored())
    assert (back.session, dict(back.series)) == (VIEW.session, {"VIX": 14.25, "NONE": None})
    assert len(back.bars["MTUM"]) == 1
    assert back.bars["MTUM"].source == "yahoo"
    assert back.bars["MTUM"].close.tolist() == [102.1]


def test_an_unproven_volume_is_null_in_the_text_and_comes_back_as_no_number() -> None:
    frame = stored()
    assert frame["bars"]["MTUM"]["volume"] == [None]
    back = record.view_of(frame)
    assert back.bars["MTUM"].volume[0] != back.bars["MTUM"].volume[0]
    bar = back.provisional["MTUM"].bar
    assert bar.volume != bar.volume
    assert replace(back.provisional["MTUM"], bar=SEEN.bar) == SEEN


def test_a_document_of_bars_makes_the_numbers_of_a_column_when_it_is_asked_for() -> None:
    bars = VIEW.bars["MTUM"].tail(1)
    document = record.BarsDocument(bars, ("close", "volume"))
    assert ("close" in document, "volume" in document, "dividend" in document) == (True, True, False)
    assert [*document] == ["source", "days", "close", "volume"]
    assert document == {"source": "yahoo", "days": [bars.last_day.isoformat()], "close": [102.1], "volume": [None]}
    assert document["close"] is not document["close"]
    with pytest.raises(KeyError, match="dividend"):
        document["dividend"]
    assert canonical({"MTUM": document}) == canonical({"MTUM": dict(document)})


@pytest.mark.parametrize("values", [[math.inf, -math.inf, 1e200], [0.0, NAN, math.inf], [NAN], []])
def test_what_is_no_number_is_null_in_a_document_and_nothing_else_is(values: list[float]) -> None:
    days = [f"2024-01-0{number + 2}" for number in range(len(values))]
    bars = Bars.from_columns("MTUM", "yahoo", days, dict.fromkeys(VALUES, values))
    expected = [None if math.isnan(value) else value for value in values]
    assert record.BarsDocument(bars, ("close",))["close"] == expected


def test_a_frame_of_a_frame_is_the_same_text() -> None:
    frame = stored()
    again = record.frame_of(record.view_of(frame), record.book_of(frame), BuyAndHold("MTUM"))
    assert canonical(again) == canonical(frame)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [("bars", []), ("provisional", 3), ("series", {"VIX": "14"}), ("session", 3), ("series", {"VIX": True})],
)
def test_a_frame_of_the_wrong_shape_is_refused(place: str, wrong: object) -> None:
    with pytest.raises(ValueError, match=r"(?i)expected"):
        record.view_of({**stored(), place: wrong})


def test_a_replay_is_the_first_decisions_document() -> None:
    entering = replace(BOOK, holdings={}, exit_pending={}, forced_exits={}, restriction=Restriction.NONE)
    entering = replace(entering, cash_usd=5000.0, available_usd=5000.0, entries_barred={}, losses=LossState())
    decision = record.decision_document(decide(VIEW, BuyAndHold("MTUM"), entering, RULES))
    # 5000 / (102.1 * 1.006) = 48.68
    assert decision["planned"] == [
        {"symbol": "MTUM", "side": "BUY", "purpose": "enter", "shares": 48, "reasons": ["flat"]}
    ]
    assert record.replayed(stored(VIEW, entering), BuyAndHold("MTUM"), RULES) == decision


def test_a_condition_is_its_five_values() -> None:
    assert plain(Condition("rsi_high", 51.5, 50.0, 1.5, passed=True)) == {
        "name": "rsi_high",
        "value": 51.5,
        "threshold": 50.0,
        "margin": 1.5,
        "passed": True,
    }


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: stored 1, found 2"]),
        ({"a": 1}, {}, ["a: stored 1, found None"]),
        ({}, {"a": 1}, ["a: stored None, found 1"]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ["a[1].b: stored 2, found 3"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a: stored [1, 2], found [1]"]),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, ["a: stored 1, found 2", "b: stored 1, found 2"]),
    ],
)
def test_differences_name_the_place_and_both_values(old: object, new: object, lines: list[str]) -> None:
    assert record.differences(old, new) == lines
