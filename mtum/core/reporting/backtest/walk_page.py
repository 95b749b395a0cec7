"""The page of a walk forward: what was chosen beforehand against the best with hindsight, and against holding."""

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from mtum.core.reporting.backtest.figure import chart, lines_of
from mtum.core.reporting.backtest.page import named, page, section, setting_words, table, terms_words


def walk_page(found: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    found : mapping
        The result as `mtum walkforward --json` gives it.
    """
    curves, held = found["curves"], found["benchmarks"]
    names = ("chosen beforehand", "best with hindsight", *(f"buy and hold {one['symbol']}" for one in held))
    keys = ("out_of_sample_usd", "in_sample_best_usd", *(f"buy_and_hold_{one['symbol']}_usd" for one in held))
    ways = (found["out_of_sample"], found["in_sample_best"], *held)
    figures = [
        ("final equity, USD", *(float(one["final_equity_usd"]) for one in ways)),
        ("return a year, %", *(100 * one["cagr_frac"] for one in ways)),
        ("Sharpe ratio a year", *(_ratio(one["sharpe"]) for one in ways)),
        ("deepest fall, %", *(100 * one["max_drawdown_frac"] for one in ways)),
    ]
    folds = [
        (
            *(str(fold["tried_from"]), str(fold["tried_to"]), *map(setting_words, fold["settings"].values())),
            *(_ratio(fold["fitted_sharpe"]), 100 * fold["tried_return_frac"], fold["trades"]),
        )
        for fold in found["folds"]
    ]
    settings = [named(name) for name in found["folds"][0]["settings"]]
    cautions = "".join(f"<p>{escape(line)}.</p>" for line in found["cautions"])
    sections = [
        section("Result", table(("", *names), figures) + cautions),
        section(
            "Equity, USD, logarithmic",
            chart(
                [str(day) for day in curves["session"]],
                lines_of(names, [np.array(curves[key]) for key in keys]),
                log=True,
            ),
        ),
        section("Folds", table(("tried from", "to", *settings, "Sharpe when fitted", "return, %", "trades"), folds)),
    ]
    words = (
        f"{found['combinations']:,} combinations on {found['symbol']}, {found['start']} to {found['end']}. Each fold "
        "was chosen on the sessions before it; the second curve could only be known afterwards. "
        f"{terms_words(found['terms'])}"
    )
    return page("Walk forward", words, sections)


def _ratio(ratio: float | None) -> object:
    return "undefined" if ratio is None else float(ratio)
