"""What stands beside the best of a grid."""

from itertools import product

from mtum.core.research.neighbors import move_together, neighbors, steps, varying

GRID = [{"fast": fast, "slow": slow, "mode": "a"} for fast, slow in product((5, 10, 20), (50, 100))]
SHARPES = [0.1, 0.2, 0.3, 0.9, None, 0.4]


def test_one_step_of_one_setting_away() -> None:
    """The best is fast 10, slow 100: beside it stand fast 5 and 20 with slow 100, and slow 50 with fast 10."""
    found = neighbors(GRID, SHARPES, 3)
    assert [(dict(one.settings), one.sharpe) for one in found] == [
        ({"fast": 5}, 0.2),
        ({"fast": 20}, 0.4),
        ({"slow": 50}, 0.3),
    ]


def test_at_an_edge_there_is_one_neighbor_and_what_never_varies_has_none() -> None:
    assert [dict(one.settings) for one in neighbors(GRID, SHARPES, 0)] == [{"fast": 10}, {"slow": 100}]
    assert varying(GRID) == ["fast", "slow"]
    assert neighbors([{"fast": 5}], [0.1], 0) == ()


def test_linked_settings_step_together_and_are_one_neighbor() -> None:
    grid = [
        {"low": low, "high": high, "weights": weights}
        for (low, high), weights in product(((20, 30), (25, 35), (30, 40)), ({"A": 1.0}, {"A": 0.5, "B": 0.5}))
    ]
    assert move_together(grid, "low", "high")
    assert not move_together(grid, "low", "weights")
    found = neighbors(grid, [0.0, 0.0, 1.0, 0.5, 0.2, 0.0], 2)
    assert [dict(one.settings) for one in found] == [
        {"low": 20, "high": 30},
        {"low": 30, "high": 40},
        {"weights": {"A": 0.5, "B": 0.5}},
    ]


def test_numbers_go_by_size_and_lists_as_they_came() -> None:
    assert steps([20, 5, 10, 5]) == [5, 10, 20]
    assert steps([["B"], ["A"], ["B"]]) == [["B"], ["A"]]
    assert steps([True, False]) == [True, False]
