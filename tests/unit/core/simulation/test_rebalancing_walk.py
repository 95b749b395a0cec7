"""Weights that are traded back, in the walker: its numbers are those of the strategies, and a form is checked."""

import numpy as np
import pytest

from mtum.core.simulation.walker.forms import form_problem
from mtum.core.simulation.walker.money import rounded_at, summed
from mtum.core.simulation.walker.rebalancing import sold_today
from mtum.core.strategies.rebalancing import Goal, Measure, Rebalancing, Trigger
from support.values import replace

ALL_BACK = Trigger(Measure.DRIFT, 0.1, Goal.WEIGHT, (0, 0, 0), of_all=True)
FORM = Rebalancing(np.zeros(30, dtype=np.int64), np.full((1, 2), 0.5), (ALL_BACK,), (("outside_band",),))


def test_what_lies_half_way_is_rounded_by_its_last_bit() -> None:
    drawn = np.random.default_rng(5)
    grid = drawn.integers(-2_000_000, 2_000_000, (4_000, 2)) / 1e6
    for one, other in grid.tolist():
        for value in ((one + other) / 2.0, one / 0.4, 0.7 * one, one + 0.5 * (other - one)):
            assert rounded_at(value, 1e6) == round(value, 6)
    for value in (drawn.random(4_000) * 10.0 ** drawn.integers(-7, 7, 4_000)).tolist():
        assert rounded_at(value, 1e6) == round(value, 6)
        assert rounded_at(-value / 1e4, 1e9) == round(-value / 1e4, 9)


def test_a_sum_loses_nothing_that_sum_keeps() -> None:
    drawn = np.random.default_rng(6)
    for _ in range(500):
        values = (drawn.standard_normal(9) * 10.0 ** drawn.integers(-3, 12, 9)).tolist()
        assert summed(values) == sum(values)


@pytest.mark.parametrize(
    ("shares", "sold"),
    [(100, 25), (101, 26), (5, 5), (8, 4), (7, 7)],  # at 30 USD an order is worth 100 USD from 4 shares on
)
def test_a_part_is_sold_that_is_worth_an_order_and_leaves_one(shares: int, sold: int) -> None:
    assert sold_today(shares, 30.0, 0.25, 100.0) == sold


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (replace(FORM, weights=np.full((1, 3), 0.1)), "weights of shape (1, 3); (1, 2) is needed"),
        (replace(FORM, weights=np.array([[0.5, np.nan]])), "no trigger, or a weight that is no number"),
        (replace(FORM, triggers=()), "no trigger, or a weight that is no number"),
        (replace(FORM, widths=np.zeros(3)), "widths of shape (3,); (2,) is needed"),
        (replace(FORM, flat_word=1), "words from 0 to 1; 0 to 0 is possible"),
        (replace(FORM, triggers=(replace(ALL_BACK, words=(0, 1, 0)),)), "words from 0 to 1; 0 to 0 is possible"),
        (
            replace(FORM, triggers=(ALL_BACK, replace(ALL_BACK, least=np.zeros(3)))),
            "triggers.1.least of shape (3,); (2,) is needed",
        ),
    ],
)
def test_a_form_that_cannot_be_played_is_told(form: Rebalancing, told: str) -> None:
    assert form_problem(FORM, 30, 2) is None
    assert form_problem(form, 30, 2) == told
