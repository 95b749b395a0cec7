"""`mtum backtest --check`: the honest-use checks of a backtest."""

from dataclasses import asdict
from typing import Any

from mtum.app.research.run_backtest import Backtested, Tell, tell_compiling
from mtum.core.research.checks import Checks, Question, run_checks
from mtum.core.simulation.backtest import run
from mtum.core.simulation.kernel.near_close import play_seen
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import UsageError


def checks_of(found: Backtested, tell: Tell) -> Checks:
    """Run the checks on official bars.

    Raises
    ------
    UsageError
        If the strategy has no compiled form.
    """
    if not isinstance(found.strategy, MtumConfluence):
        raise UsageError(f"--check is made for mtum_confluence, not for {found.strategy.name}")
    tell_compiling(tell, play_seen)
    terms = found.asked.terms()
    question = Question(found.history, found.strategy, terms, found.span)
    official = run(found.history, found.strategy, terms, found.span)
    return run_checks(question, official, found.held.reinvested)


def checks_document(checks: Checks) -> dict[str, Any]:
    """Return the checks as plain values."""
    plain = asdict(checks)
    plain["variants"] = [{**row, "cagr_frac": round(row["cagr_frac"], 6)} for row in plain["variants"]]
    return plain
