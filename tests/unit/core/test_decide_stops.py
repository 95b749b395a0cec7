"""Stops on the entry price, and what keeps a symbol out after one, worked out by hand."""

import pytest

from mtum.core.decide import decide
from mtum.core.portfolio.decision import Action, Book, StopRules
from mtum.core.portfolio.orders import Purpose
from mtum.core.record import book_of, frame_of
from mtum.core.strategies.contract import Holding, Keep, Target
from support.values import replace
from unit.core.test_decide_several import RULES, EachSays, book, seen

STOPS = replace(RULES, stops=StopRules(take_profit_frac=0.2, stop_loss_frac=0.1))
HELD = Holding("A", 10, 100.0)


def held(**stopped: str) -> Book:
    return replace(book(1000.0), holdings={"A": HELD}, stopped=stopped)


@pytest.mark.parametrize(
    ("price", "word"), [(90.0, "stop_loss"), (90.01, None), (120.0, "take_profit"), (119.99, None)]
)
def test_a_position_is_sold_at_exactly_its_stop(price: float, word: str | None) -> None:
    decision = decide(seen(A=price), EachSays({"A": Keep()}), held(), STOPS)

    assert decision.stopped == ({"A": word} if word else {})
    assert [(one.purpose, one.shares, one.reasons) for one in decision.orders] == (
        [(Purpose.EXIT, 10, (word,))] if word else []
    )


def test_without_stops_nothing_is_sold_at_any_loss() -> None:
    assert decide(seen(A=1.0), EachSays({"A": Keep()}), held(), RULES).action is Action.HOLD


def test_a_strategy_that_sells_by_itself_keeps_its_own_words_and_is_stopped_all_the_same() -> None:
    decision = decide(seen(A=80.0), EachSays({"A": Target(0.0)}), held(), STOPS)

    assert decision.orders[0].reasons != ("stop_loss",)
    assert decision.stopped == {"A": "stop_loss"}


def test_after_a_stop_nothing_is_bought_until_the_strategy_has_once_not_wanted_to() -> None:
    stopped = replace(book(1000.0), stopped={"A": "stop_loss"})
    wanting = decide(seen(A=80.0), EachSays({"A": Target(0.5)}), stopped, STOPS)
    assert (wanting.orders, wanting.reasons, wanting.stopped) == ((), ("stop_loss",), {"A": "stop_loss"})

    quiet = decide(seen(A=80.0), EachSays({"A": Keep()}), stopped, STOPS)
    assert quiet.stopped == {}
    again = decide(seen(A=80.0), EachSays({"A": Target(0.5)}), replace(book(1000.0), stopped=quiet.stopped), STOPS)
    assert [one.purpose for one in again.orders] == [Purpose.ENTER]


def test_what_a_stop_has_not_sold_yet_stays_stopped_and_is_sold() -> None:
    left = held(A="stop_loss")
    decision = decide(seen(A=100.0), EachSays({"A": Keep()}), left, STOPS)

    assert (decision.orders[0].shares, decision.stopped) == (10, {"A": "stop_loss"})


def test_a_stop_passes_through_the_record() -> None:
    view, strategy = seen(A=80.0), EachSays({"A": Target(0.5)})
    stopped = replace(book(1000.0), stopped={"A": "take_profit"})

    assert book_of(frame_of(view, stopped, strategy)).stopped == {"A": "take_profit"}
