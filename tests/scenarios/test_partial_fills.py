"""Orders filled in part or not at all: what is carried to the next session and what is not."""

from datetime import date
from pathlib import Path

from mtum.app.reporting.facts import Setup, session_facts
from mtum.app.reporting.trading import trade_lines
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.simulation.exchange_state import FillPlan, PlanEffect
from support.practice import ENTRY_DAY, EXIT_DAY, desk_in, exchange_in, instruct, play_next, play_until

DAY_BEFORE_EXIT = date(2018, 1, 11)
AFTER_EXIT, TWO_AFTER_EXIT = date(2018, 1, 16), date(2018, 1, 17)


def filled(day: date, shares: int) -> FillPlan:
    return FillPlan(PlanEffect.PARTIAL_FILL, session=day, shares=shares)


def held(folder: Path) -> int:
    return sum(int(position.shares) for account in exchange_in(folder).accounts for position in account.positions)


def test_a_partly_filled_entry_is_kept_and_not_topped_up(tmp_path: Path) -> None:
    instruct(tmp_path, filled(ENTRY_DAY, 12))
    entry = play_next(tmp_path)
    assert entry.exit_code == 5
    assert (entry.document["order"]["shares"], entry.document["order"]["filled"]) == (18, 12)
    for _ in range(3):
        following = play_next(tmp_path)
        assert (following.exit_code, following.document["action"], following.document["orders"]) == (0, "hold", [])
    assert held(tmp_path) == 12


def test_an_unfilled_entry_is_not_carried(tmp_path: Path) -> None:
    instruct(tmp_path, filled(ENTRY_DAY, 0))
    entry = play_next(tmp_path)
    assert (entry.exit_code, entry.document["order"]["status"]) == (5, OrderStatus.EXPIRED.value)
    assert held(tmp_path) == 0
    with desk_in(tmp_path) as replay:
        assert replay.desk.store.decisions.decision_of(ENTRY_DAY, "mtum_confluence") is not None
    again = play_next(tmp_path)
    # The next session decides afresh: no holding, so only entry conditions can order.
    assert again.document["reasons"][0] != "exit_carried"
    assert {order["side"] for order in again.document["orders"]} <= {Side.BUY.value}


def test_shares_left_from_an_exit_are_sold_the_next_session_for_the_first_reason(tmp_path: Path) -> None:
    play_until(tmp_path, DAY_BEFORE_EXIT)
    assert held(tmp_path) == 18
    instruct(tmp_path, filled(EXIT_DAY, 12))
    partly = play_next(tmp_path)
    assert (partly.exit_code, partly.document["reasons"][0], held(tmp_path)) == (5, "atr_target", 6)
    carried = play_next(tmp_path)
    assert carried.document["session"] == str(AFTER_EXIT)
    assert (carried.exit_code, carried.document["action"]) == (0, "exit")
    assert carried.document["reasons"] == ["exit_carried", "atr_target"]
    assert (carried.document["order"]["shares"], held(tmp_path)) == (6, 0)


def test_an_exit_is_carried_twice_when_it_fails_twice(tmp_path: Path) -> None:
    play_until(tmp_path, DAY_BEFORE_EXIT)
    instruct(tmp_path, filled(EXIT_DAY, 0), filled(AFTER_EXIT, 7))
    assert play_next(tmp_path).exit_code == 5
    second = play_next(tmp_path)
    assert (second.exit_code, second.document["reasons"], held(tmp_path)) == (5, ["exit_carried", "atr_target"], 11)
    third = play_next(tmp_path)
    assert third.document["session"] == str(TWO_AFTER_EXIT)
    assert (third.exit_code, third.document["reasons"], held(tmp_path)) == (0, ["exit_carried", "atr_target"], 0)


def test_the_trade_of_a_carried_exit_ends_on_its_last_session_with_the_first_reason(tmp_path: Path) -> None:
    play_until(tmp_path, DAY_BEFORE_EXIT)
    instruct(tmp_path, filled(EXIT_DAY, 12))
    play_next(tmp_path)
    play_next(tmp_path)
    with desk_in(tmp_path) as replay:
        desk = replay.desk
        facts = session_facts(desk.store, desk.calendar, Setup(desk.settings, desk.account), AFTER_EXIT)
        (trade,) = trade_lines(desk.store, facts)
    assert (trade.exit_session, trade.reason, trade.shares) == (AFTER_EXIT, "atr_target", 18)


def test_a_rejected_exit_raises_an_alarm_and_is_sold_the_next_session(tmp_path: Path) -> None:
    play_until(tmp_path, DAY_BEFORE_EXIT)
    instruct(tmp_path, FillPlan(PlanEffect.REJECT, session=EXIT_DAY, text="Order rejected - reason: no"))
    rejected = play_next(tmp_path)
    assert (rejected.exit_code, rejected.document["order"]["status"], held(tmp_path)) == (5, "REJECTED", 18)
    assert "rejected by the broker" in rejected.document["problems"][0]["text"]
    carried = play_next(tmp_path)
    assert (carried.document["reasons"], held(tmp_path)) == (["exit_carried", "atr_target"], 0)


def test_a_rejected_entry_is_given_up(tmp_path: Path) -> None:
    instruct(tmp_path, FillPlan(PlanEffect.REJECT, session=ENTRY_DAY))
    rejected = play_next(tmp_path)
    assert (rejected.exit_code, rejected.document["order"]["status"], held(tmp_path)) == (5, "REJECTED", 0)
    assert len(exchange_in(tmp_path).orders) == 0
