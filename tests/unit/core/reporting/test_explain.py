"""Why a session was decided so; the smallest flip is checked by deciding again."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from mtum.adapters.store.reading import SqliteReader, open_read_only
from mtum.config import restored_strategy
from mtum.core.canonical import table_in
from mtum.core.market.bars import Bars
from mtum.core.portfolio.decision import Book
from mtum.core.record import frame_of, replayed
from mtum.core.reporting.explain import Explanation, SmallestFlip, explanation_of, explanation_text
from mtum.core.strategies.contract import Holding
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.tsmom import Tsmom
from mtum.core.view import MarketView
from support.markets import weekdays
from support.report_history import RULES, sample_history
from support.values import replace

NUDGE = 2e-6
"""Just beyond the 1e-6 to which values are rounded before they are compared."""


def stored(
    close: float, *, vix: float | None = 20.0, volume: float = 1500.0, shares: int = 0, target: float = 200.0
) -> dict[str, Any]:
    """A decision after 59 closes of 100 and volumes of 1,000; shares, if any, were bought at 100."""
    days, closes = weekdays(60, date(2018, 1, 1)), [100.0] * 59 + [close]
    high, low = [max(100.0, price) for price in closes], [min(100.0, price) for price in closes]
    columns = {"open": closes, "high": high, "low": low, "close": closes, "volume": [1000.0] * 59 + [volume]}
    view = MarketView(days[-1], {"MTUM": Bars.from_columns("MTUM", "sample", days, columns)}, {"VIX": vix}, {})
    holding = Holding("MTUM", shares, 100.0, days[0], {"atr": (target - 100.0) / 4}) if shares else Holding("MTUM")
    frame = frame_of(view, Book({"MTUM": holding}, cash_usd=5000.0, available_usd=5000.0), MtumConfluence())
    document: Any = replayed(frame, MtumConfluence(), RULES)
    return {
        "session": days[-1].isoformat(),
        "strategy": "mtum_confluence",
        "action": document["action"],
        "reasons": document["reasons"],
        "document": document,
        "frame": frame,
        "settings": {"strategy": {"mtum_confluence": {}}},
        "decided_at": "2018-03-23T19:41:00Z",
        "code_version": "0.1.0",
    }


class Monthly(Tsmom):
    """The rule of months with as little history as the test has."""

    def history_sessions(self) -> int:
        """What there is."""
        return 43


def explained(row: dict[str, Any]) -> Explanation:
    return explanation_of(row, restored_strategy(row["strategy"], row["settings"]))


def flip_of(told: Explanation) -> SmallestFlip:
    assert told.flip is not None, told.flip_note
    return told.flip


def test_an_entry_flips_where_the_nearest_condition_fails() -> None:
    # All four hold at 102; the mean of the 49 closes before is 100, and so is the close 14 sessions ago.
    # Close 2 of 102 away (2.0 %), VIX 5 of 20 (25 %), volume 500 of 1,500 (33 %).
    told = explained(stored(102.0))
    assert told.action == "enter"
    flip = flip_of(told)
    assert (flip.input, flip.direction, flip.level, flip.becomes) == ("close", "below", 100.0, "hold")
    assert flip.distance == pytest.approx(-2.0)
    assert flip.distance_frac == pytest.approx(-2.0 / 102.0, abs=1e-6)


def test_two_failing_conditions_on_one_input_flip_together() -> None:
    told = explained(stored(98.0))
    assert (told.action, sum(not line.passed for line in told.conditions if line.role == "entry")) == ("hold", 2)
    flip = flip_of(told)
    assert (flip.input, flip.direction, flip.level, flip.becomes) == ("close", "above", 100.0, "enter")


def test_two_failing_conditions_on_two_inputs_cannot_be_flipped_by_one() -> None:
    told = explained(stored(98.0, vix=26.0))
    assert told.flip is None
    assert told.flip_note == "no single input would have: more than one thing stood in the way"


def test_a_position_flips_at_its_nearest_exit() -> None:
    # At 102 the mean is 2 away, the target of 103 is 1 away.
    flip = flip_of(explained(stored(102.0, shares=10, target=103.0)))
    assert (flip.input, flip.direction, flip.level, flip.becomes) == ("close", "above", 103.0, "exit")


def test_an_exit_flips_where_its_last_reason_goes() -> None:
    told = explained(stored(99.0, shares=10, target=120.0))
    assert (told.action, told.reasons[0]) == ("exit", "close_below_ma")
    flip = flip_of(told)
    assert (flip.input, flip.direction, flip.level, flip.becomes) == ("close", "above", 100.0, "hold")


def test_of_several_symbols_the_flip_names_its_own() -> None:
    told = explained(stored(102.0))
    several = replace(told, inputs={**told.inputs, "AAA": {"held": {"shares": 0}}})
    assert "  close below 100 instead of 102 (-1.96%): hold" in explanation_text(told)
    assert "  MTUM: close below 100 instead of 102 (-1.96%): hold" in explanation_text(several)


def test_a_missing_vix_decides_whatever_the_market_did() -> None:
    told = explained(stored(102.0, vix=None))
    assert told.flip is None
    assert told.flip_note == "no change of the market would have: the VIX is missing, so nothing may be bought"


@pytest.mark.parametrize(("sessions", "flips"), [(43, False), (44, True)])
def test_within_a_month_no_close_would_have_changed_a_decision_of_months(sessions: int, flips: bool) -> None:
    days = weekdays(90, date(2024, 1, 1))  # position 43 is the last of February
    closes = ([100.0] * 23 + [110.0] * 21)[:sessions]
    columns = {**dict.fromkeys(("open", "high", "low", "close"), closes), "volume": [1000.0] * sessions}
    bars = {"AAA": Bars.from_columns("AAA", "sample", days[:sessions], columns)}
    rules = Monthly(symbols=("AAA",), lookback_months=1)
    view = MarketView(days[sessions - 1], bars, {}, {}, calendar=tuple(days))
    book = Book({"AAA": Holding("AAA", 5, 100.0, days[22])}, 1000.0, 1000.0, memory={"month": "2024-01"})
    frame = frame_of(view, book, rules)
    document: Any = replayed(frame, rules, RULES)
    told = explanation_of(
        {**stored(102.0), "action": document["action"], "reasons": document["reasons"], "document": document,
         "frame": frame},
        rules,
    )  # fmt: skip
    assert (told.flip is not None) == flips
    if told.flip is None:
        assert told.flip_note == "no single input would have: more than one thing stood in the way"
    else:
        assert (told.flip.direction, told.flip.becomes) == ("below", "exit")
        assert told.flip.level == pytest.approx(100.0, abs=1e-4)


def test_every_input_is_told() -> None:
    told = explained(stored(102.0))
    assert told.inputs["MTUM"]["close"] == 102.0
    assert told.inputs["MTUM"]["ma"] == 100.04  # (49 x 100 + 102) / 50
    assert told.inputs["MTUM"]["volume_average"] == 1025.0  # (19 x 1,000 + 1,500) / 20
    assert told.inputs["MTUM"]["sessions"] == 60
    assert told.book["available_usd"] == 5000.0
    margins = {line.name: line.margin for line in told.conditions}
    assert (margins["close_above_ma"], margins["vix_calm"], margins["volume_high"]) == (1.96, 5.0, 475.0)


def test_the_text_answers_by_itself() -> None:
    text = explanation_text(explained(stored(102.0)))
    lines = text.splitlines()
    assert lines[0].endswith("mtum_confluence: ENTER")
    assert "order: BUY 48 MTUM (enter)" in lines  # floor(5,000 / (102 x 1.006))
    assert "  close below 100 instead of 102 (-1.96%): hold" in lines
    assert any(line.startswith("entry: close above its moving") and line.split()[-2] == "1.96" for line in lines)
    assert max(len(line) for line in lines) <= 100


def moved(frame: Mapping[str, Any], name: str, value: float) -> dict[str, Any]:
    changed: dict[str, Any] = deepcopy(dict(frame))
    if name == "vix":
        changed["series"]["VIX"] = value
        return changed
    (bars,) = changed["bars"].values()
    bars[name][-1] = value
    if name == "close":
        bars["high"][-1], bars["low"][-1] = max(bars["high"][-1], value), min(bars["low"][-1], value)
    return changed


def test_deciding_again_at_the_flip_gives_the_other_action_and_before_it_the_same(tmp_path: Path) -> None:
    history = sample_history(tmp_path)
    days = [history.play(index) for index in range(1000, 1040)]
    history.store.close()
    connection = open_read_only(tmp_path / "mtum.db")
    flipped = 0
    for day in days:
        found = SqliteReader(connection).decision(day)
        assert found is not None
        row = asdict(found)
        told = explained(row)
        if told.flip is None:
            continue
        step = NUDGE if told.flip.direction == "above" else -NUDGE
        action = {}
        for side in (1, -1):
            frame = moved(row["frame"], told.flip.input, told.flip.level + side * step)
            action[side] = replayed(frame, MtumConfluence(), RULES)["action"]
        assert (day, action[1], action[-1]) == (day, told.flip.becomes, told.action)
        flipped += 1
    connection.close()
    assert flipped >= 20


@pytest.mark.parametrize(("shares", "word"), [(0, "STAY OUT"), (5, "HOLD")])
def test_nothing_is_held_by_who_stays_out(shares: int, word: str) -> None:
    """A close at its mean neither enters nor leaves."""
    first = explanation_text(explained(stored(100.0, shares=shares))).splitlines()[0]
    assert first == f"2018-03-23  mtum_confluence: {word}"


def test_the_conditions_of_a_share_fit_a_terminal_of_80_columns() -> None:
    text = explanation_text(explained(stored(101.12, volume=2_001_000.0, shares=10)))
    lines = text.split("Condition", 1)[1].split("\n\n", 1)[0].splitlines()
    assert len(lines) == 9
    assert max(len(line) for line in lines[1:]) <= 80


def test_words_give_way_to_numbers_of_ten_digits_on_a_terminal_of_80_columns() -> None:
    text = explanation_text(explained(stored(101.12, volume=4_415_848_250.0, shares=10)))
    lines = text.split("Condition", 1)[1].split("\n\n", 1)[0].splitlines()
    assert any("4,415,848,250" in line for line in lines)
    assert len(lines) > 9  # some conditions take two lines
    assert max(len(line) for line in lines[1:]) <= 80


def test_shares_that_calls_may_call_for_are_shown_as_held_and_pledged() -> None:
    row = stored(100.0, shares=5)
    row["frame"] = {**row["frame"], "options": {}}
    row["frame"]["book"] = {**row["frame"]["book"], "unsellable_shares": {"MTUM": 100}}
    held = table_in(explained(row).inputs["MTUM"]["held"])
    assert (held["shares"], held["pledged"]) == (105, 100)
