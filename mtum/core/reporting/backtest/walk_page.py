"""The page of a walk forward: what was chosen beforehand against the best with hindsight."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtum.core.reporting.backtest.figure import chart, lines_of
from mtum.core.reporting.backtest.page import page, section, table


def walk_page(found: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    found : mapping
        The result as `mtum walkforward --json` gives it.
    """
    curves, names = found["curves"], ("chosen beforehand", "best with hindsight")
    columns = [np.array(curves["out_of_sample_usd"]), np.array(curves["in_sample_best_usd"])]
    both = (found["out_of_sample"], found["in_sample_best"])
    figures = [
        ("final equity, USD", *(float(one["final_equity_usd"]) for one in both)),
        ("return a year, %", *(100 * one["cagr_frac"] for one in both)),
        ("deepest fall, %", *(100 * one["max_drawdown_frac"] for one in both)),
    ]
    folds = [
        (
            *(str(fold["tried_from"]), str(fold["tried_to"]), *fold["settings"].values()),
            *(float(fold["fitted_sharpe"]), 100 * fold["tried_return_frac"], fold["trades"]),
        )
        for fold in found["folds"]
    ]
    settings = [name.rpartition(".")[2] for name in found["folds"][0]["settings"]]
    sections = [
        section("Result", table(("", *names), figures)),
        section(
            "Equity, USD, logarithmic",
            chart([str(day) for day in curves["session"]], lines_of(names, columns), log=True),
        ),
        section("Folds", table(("tried from", "to", *settings, "Sharpe when fitted", "return, %", "trades"), folds)),
    ]
    words = (
        f"{found['combinations']} combinations on {found['symbol']}, {found['start']} to {found['end']}. Each fold was "
        "chosen on the sessions before it; the second curve could only be known afterwards."
    )
    return page("Walk forward", words, sections)
