"""The maps of a sweep: one for any two settings, whatever their values are."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from mtum.core.reporting.backtest.heat_map import heat_map_page
from mtum.core.reporting.layout import Section, Sentence, Table

ROW = {"sharpe": 0.5, "cagr_frac": 0.04, "max_drawdown_frac": -0.1, "final_equity_usd": 5500.0, "trades": 7}


def found(changes: list[Mapping[str, Any]]) -> dict[str, Any]:
    row = {**ROW, "settings": changes[0]}
    return {
        "symbol": "AAA",
        "start": "2014-01-02",
        "end": "2014-12-31",
        "sessions": 252,
        "combinations": len(changes),
        "terms": {"portfolio.capital_usd": 5000.0, "slippage_bps": 0.0, "fill": "same_close", "settlement": "none"},
        "best": row,
        "top": [row],
        "neighbors": [],
        "deflated_sharpe_probability": 0.6,
        "overfitting_probability": 0.3,
        "median_final_equity_usd": 5100.0,
        "benchmarks": [{**ROW, "symbol": "AAA"}],
        "cautions": [],
    }


def maps(changes: list[Mapping[str, Any]], sharpes: list[float | None]) -> tuple[Section, ...]:
    (section,) = heat_map_page(changes, sharpes, found(changes)).further
    return section.parts


def table(section: Section) -> Table:
    (first, *_) = section.blocks
    assert isinstance(first, Table)
    return first


def test_any_two_settings_have_a_map_of_their_own() -> None:
    changes: list[Mapping[str, Any]] = [
        {"s.fast": fast, "s.slow": slow, "s.symbols": symbols}
        for fast, slow, symbols in product((5, 10), (50, 100), (["AAA"], ["AAA", "BBB"]))
    ]
    drawn = maps(changes, [0.1 * row for row in range(8)])
    assert [one.title for one in drawn] == ["fast by slow", "fast by symbols", "slow by symbols"]
    first = table(drawn[0])
    assert first.head[1:] == ("50", "100")
    # The mean over both lists of symbols: rows 0 and 1 for 5 and 50, rows 6 and 7 for 10 and 100.
    assert [[cell.text for cell in row] for row in first.rows] == [["5", "0.05", "0.25"], ["10", "0.45", "0.65"]]
    assert table(drawn[1]).head[1:] == ("AAA", "AAA, BBB"), "a list is a value like any other"


def test_settings_that_move_together_have_no_map_of_a_diagonal() -> None:
    changes: list[Mapping[str, Any]] = [
        {"s.low": low, "s.high": high, "s.fast": fast} for (low, high), fast in product(((20, 30), (25, 35)), (5, 10))
    ]
    assert [one.title for one in maps(changes, [0.1, 0.2, 0.3, 0.4])] == ["low by fast", "high by fast"]
    linked: list[Mapping[str, Any]] = [{"s.low": 20, "s.high": 30}, {"s.low": 25, "s.high": 35}]
    assert [one.title for one in maps(linked, [0.1, 0.2])] == ["low"]


def test_what_stands_beside_the_best_is_told() -> None:
    changes: list[Mapping[str, Any]] = [{"s.fast": fast} for fast in (5, 10, 20)]
    best = {**ROW, "sharpe": 1.2, "settings": changes[1]}
    beside = [{"settings": changes[0], "sharpe": 0.1}, {"settings": changes[2], "sharpe": 0.3}]
    page = heat_map_page(changes, [0.1, 1.2, 0.3], {**found(changes), "best": best, "neighbors": beside})
    luck = page.first_screen[1]
    (sentence,) = [block for block in luck.blocks if isinstance(block, Sentence)]
    assert sentence.text == (
        "The best has a Sharpe ratio of 1.20; the combinations one step of one setting away, 2 of them, have 0.20 in "
        "the middle."
    )
    *_, rows = [block for block in luck.blocks if isinstance(block, Table)]
    assert [[cell.text for cell in row] for row in rows.rows] == [["fast 5", "0.10"], ["fast 20", "0.30"]]
