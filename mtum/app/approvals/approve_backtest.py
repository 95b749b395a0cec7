"""The backtest a person approved: what was expected, and what it was expected with. Reports compare with it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mtum.app.approvals.approve_settings import pinned_contracts
from mtum.app.desk import Provenance
from mtum.config import Settings
from mtum.core.canonical import plain
from mtum.errors import UsageError
from mtum.ports.owner_store import ApprovalStore

_ASKED = ("symbol", "strategy", "source", "start", "end", "sessions", "decision_model", "fill_model", "settings")
_FIGURES = (
    "total_return_frac",
    "volatility_frac",
    "max_drawdown_frac",
    "exposure_frac",
    "win_rate_frac",
    "closed_trades",
)


def approve_backtest(
    approvals: ApprovalStore, settings: Settings, backtest: Mapping[str, Any], code: Provenance, at: datetime
) -> Mapping[str, Any]:
    """Keep a backtest as the one that live results are compared with; return what was kept.

    Parameters
    ----------
    approvals : ApprovalStore
        What a person approved, and the contracts that were pinned; every change is kept, and the newest counts.
    settings : Settings
        Settings the daily job runs with.
    backtest : mapping
        The document of `mtum backtest`; it counts from now on instead of the one approved before.
    code : Provenance
        Which code decided: version, hash of the core's source, versions of the libraries it uses.
    at : datetime
        Instant of the approval.

    Raises
    ------
    UsageError
        If it played another strategy than the daily job runs.
    """
    check_approvable(settings, backtest["strategy"])
    kept = {
        **{name: plain(backtest[name]) for name in _ASKED},
        "metrics": {name: backtest["metrics"][name] for name in _FIGURES},
        "code_version": code.code_version,
        "code_hash": code.code_hash,
        "libraries": dict(code.libraries),
        "contracts": pinned_contracts(approvals, settings),
    }
    approvals.approve_document("backtest", kept, at)
    return kept


def check_approvable(settings: Settings, strategy: str) -> None:
    """Refuse a backtest of another strategy than the daily job runs.

    Raises
    ------
    UsageError
        If it is another one.
    """
    if strategy != settings.portfolio.strategy:
        raise UsageError(
            f"--approve is for the strategy of the daily job, {settings.portfolio.strategy}; "
            f"this backtest plays {strategy}"
        )
