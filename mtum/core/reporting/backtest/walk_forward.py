"""The page of a walk forward: what was chosen beforehand against the best with hindsight, and against holding."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtum.core.reporting.backtest.checks import luck_section
from mtum.core.reporting.backtest.settings import named, ratio_words, setting_words, terms_words
from mtum.core.reporting.charts import Chart, Panel, span, told_apart
from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Page, Section, Sentence, Table, table_of


def walk_forward_page(found: Mapping[str, Any]) -> Page:
    """Return the page.

    Parameters
    ----------
    found : mapping
        The result as `mtum walkforward --json` gives it.
    """
    cautions = (Sentence(f"{line}.") for line in found["cautions"])
    ahead, behind = (number(found[way]["final_equity_usd"]) for way in ("out_of_sample", "in_sample_best"))
    return Page(
        subject="Walk forward",
        verdict=f"Chosen beforehand {ahead} USD, best with hindsight {behind} USD",
        lead=(
            f"{found['combinations']:,} combinations on {found['symbol']}, {found['start']} to {found['end']}. Each "
            "fold was chosen on the sessions before it; the second curve could only be known afterwards. "
            f"{terms_words(found['terms'])}"
        ),
        mode="walk forward",
        first_screen=(Section("result", "Result", (walked_table(found), *cautions)),),
        further=(luck_section(found), Section("folds", "Folds", (_folds(found),))),
        footer=("A past, not a promise.",),
        charts=(_chart(found),),
        wide=True,
    )


def walked_table(found: Mapping[str, Any]) -> Table:
    """Return what was chosen beforehand, the best with hindsight and holding beside each other."""
    held = found["benchmarks"]
    names = ("chosen beforehand", "best with hindsight", *(f"buy and hold {one['symbol']}" for one in held))
    ways = (found["out_of_sample"], found["in_sample_best"], *held)
    rows = [
        ("final equity, USD", *(number(one["final_equity_usd"]) for one in ways)),
        ("return a year, %", *(number(100 * one["cagr_frac"]) for one in ways)),
        ("Sharpe ratio a year", *(ratio_words(one["sharpe"]) for one in ways)),
        ("max drawdown, %", *(number(100 * one["max_drawdown_frac"]) for one in ways)),
    ]
    return table_of(("", *names), rows)


def _chart(found: Mapping[str, Any]) -> Chart:
    curves, held = found["curves"], [one["symbol"] for one in found["benchmarks"]]
    names = ("beforehand", "hindsight", *(f"hold {symbol}" for symbol in held))
    keys = ("out_of_sample_usd", "in_sample_best_usd", *(f"buy_and_hold_{symbol}_usd" for symbol in held))
    lines = told_apart((name, np.array(curves[key])) for name, key in zip(names, keys, strict=True))
    days = np.array(curves["session"], dtype="datetime64[D]")
    ends = ", ".join(f"{line.name} {number(float(line.values[-1]))}" for line in lines)
    panel = Panel("Equity, USD, logarithmic", lines, log=True, height=3.0)
    return Chart("equity", days, (panel,), f"Equity, {span(days)}, at the end: {ends} USD.")


def _folds(found: Mapping[str, Any]) -> Table:
    settings = [named(name) for name in found["folds"][0]["settings"]]
    rows = [
        (
            *(str(fold["tried_from"]), str(fold["tried_to"]), number(100 * fold["tried_return_frac"])),
            *(
                f"{fold['trades']:,}",
                ratio_words(fold["fitted_sharpe"]),
                *map(setting_words, fold["settings"].values()),
            ),
        )
        for fold in found["folds"]
    ]
    return table_of(("tried from", "to", "return, %", "trades", "Sharpe when fitted", *settings), rows, left=(0, 1))
