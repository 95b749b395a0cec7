"""The ledger of missed signals: what was missed, why, and what it cost."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mtum.app.reporting.period import Kind
from mtum.app.reporting.review import write_review
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus
from mtum.core.reporting.parts.missed import MissedSignal
from support.report_days import ENTRY, ORDINARY, Market, history_of
from support.report_history import Day, History

AT = datetime(2026, 6, 1, tzinfo=UTC)


def missed(history: History, day: date) -> tuple[MissedSignal, ...]:
    return write_review(history.writer(), Kind.WEEK, day, AT).review.missed


def test_halted_entry_is_missed_at_the_cost_of_the_next_move(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    history.play(ENTRY, Day(restriction=Restriction.REDUCE_ONLY))
    (line,) = missed(history, history.play(ENTRY + 1))
    assert (line.session, line.signal, line.cause) == (history.bars.day(ENTRY), "entry", "trading is halted")
    # 106.5 falls to 105.6: not being in it saved money.
    assert line.cost_frac == pytest.approx(105.6 / 106.5 - 1, abs=1e-6)
    assert line.shares == 46  # 5000 / 106.5
    assert line.cost_usd == pytest.approx(46 * (105.6 - 106.5), abs=1e-3)


def test_rejected_entry_is_missed_with_the_broker_s_words(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    history.play(ENTRY, Day(ended=OrderStatus.REJECTED, text="201 no permission"))
    (line,) = missed(history, history.play(ENTRY + 1))
    assert line.cause == "order rejected, 0 of 46 filled: 201 no permission"


def test_exit_that_was_filled_in_part_is_missed_for_the_rest(tmp_path: Path) -> None:
    history = history_of(tmp_path, Market({61: 103.2}))
    history.play(ENTRY)
    history.play(ENTRY + 1, Day(filled=12))
    (line,) = missed(history, history.play(ENTRY + 2))
    assert (line.signal, line.shares) == ("exit", 34)
    # 103.2 rises to 106.7: holding on brought a gain, so the cost is negative.
    assert line.cost_frac == pytest.approx(-(106.7 / 103.2 - 1), abs=1e-6)


def test_failed_session_misses_the_signal_of_its_final_bar(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    history.play(ENTRY - 1)
    history.play(ENTRY, Day(broken=(4, "no connection to the broker")))
    lines = missed(history, history.play(ENTRY + 1))
    assert [(line.signal, line.cause) for line in lines] == [("entry", "no connection to the broker")]


def test_signal_seen_on_final_bars_only_names_the_condition(tmp_path: Path) -> None:
    # Seen 5 % lower at the decision, the price was below its mean; the close was not.
    history = history_of(tmp_path, ORDINARY)
    history.play(ENTRY, Day(price_seen=0.95))
    (line,) = missed(history, history.play(ENTRY + 1))
    assert line.cause.startswith("seen on final bars only (close_above_ma")


def test_newest_missed_signal_has_no_cost_yet(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    (line,) = missed(history, history.play(ENTRY, Day(restriction=Restriction.FULL)))
    assert line.cost_usd is None


def test_a_full_entry_misses_nothing(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    assert missed(history, history.play(ENTRY)) == ()
