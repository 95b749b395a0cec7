"""The live guard: settings that change what is traded stop entries until a person approves them."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from mtum.app.desk import Provenance
from mtum.app.ledger.virtual import virtual_records
from mtum.config import MANY, Settings, own_of
from mtum.core.portfolio.returns import drawdown, from_capital
from mtum.core.portfolio.sleeves import symbols_of
from mtum.ports.owner_store import ApprovalStore
from mtum.ports.store import Store

GUARDED = ("strategy", "portfolio", "risk", *MANY)
"""Sections that need approval in live."""


def approve_settings(
    approvals: ApprovalStore, settings: Settings, at: datetime, code: Provenance | None = None
) -> tuple[str, ...]:
    """Approve the settings in force; return what differs from the ones approved before.

    With `code`, the code that decides and the contracts traded are kept beside them: reports say
    what has become different since. Only settings stop entries.

    Parameters
    ----------
    approvals : ApprovalStore
        What a person approved, and the contracts that were pinned; every change is kept, and the newest counts.
    settings : Settings
        Settings in force.
    at : datetime
        Instant of it, UTC.
    code : Provenance or None
        Which code decided: version, hash of the core's source, versions of the libraries it uses; None for none.
    """
    changed = changes(approvals, settings)
    approvals.approve_document("settings", _guarded(settings), at)
    if code is not None:
        approvals.approve_document("code", _approved_with(approvals, settings, code), at)
    return changed


def changes(approvals: ApprovalStore, settings: Settings) -> tuple[str, ...]:
    """Return one line per guarded setting that differs from its approved value."""
    approved: Mapping[str, Any] = dict(_leaves(approvals.approved_document("settings") or {}))
    now = dict(_leaves(_guarded(settings)))
    return tuple(
        f"{name}: approved {_told(approved, name, 'never')}, now {_told(now, name, 'gone')}"
        for name in sorted({*approved, *now})
        if approved.get(name) != now.get(name) or name not in approved
    )


def watched(store: Store, settings: Settings, account: str) -> list[dict[str, Any]]:
    """Return how the sleeves that are about to trade real money did while they were watched, as plain JSON values.

    Beside each stands the approved backtest of its strategy, None where none is.

    Parameters
    ----------
    store : Store
        The program's records.
    settings : Settings
        Settings in force.
    account : str
        Code of the account.
    """
    found = []
    backtest = store.approvals.approved_document("backtest")
    for sleeve in settings.sleeves():
        last = store.decisions.memory_before(sleeve.name, date.max)
        if not sleeve.owns_money or last is None or not last[1].get("virtual"):
            continue
        end = last[0] + timedelta(days=1)
        days = [day for day, _ in store.plans.virtual_orders(sleeve.name, end)]
        records = virtual_records(store, settings.market.source, account, sleeve, end)
        curve = np.array([sleeve.virtual_usd, *(float(point.equity_usd) for point in records.points)])
        fall = abs(float(drawdown(from_capital(curve, sleeve.virtual_usd)).min()))
        expected = backtest if backtest and backtest["strategy"] == sleeve.strategy.name else None
        row = {
            "sleeve": sleeve.name,
            "start": days[0].isoformat(),
            "end": days[-1].isoformat(),
            "sessions": len(days),
            "start_usd": sleeve.virtual_usd,
            "equity_usd": round(float(curve[-1]), 2),
            "return_frac": round(float(curve[-1]) / sleeve.virtual_usd - 1.0, 6),
            "max_drawdown_frac": round(fall, 6),
        }
        found.append({**row, "backtest": expected and {**_span(expected), **expected["metrics"]}})
    return found


def watched_line(row: Mapping[str, Any]) -> str:
    """Return how a sleeve did while it was watched, beside its backtest, in a sentence."""
    expected = row["backtest"]
    beside = "no backtest of its strategy has been approved"
    if expected:
        beside = (
            f"its approved backtest, {expected['start']} to {expected['end']}: {expected['total_return_frac']:+.1%}, "
            f"max drawdown {expected['max_drawdown_frac']:.1%}"
        )
    return (
        f"{row['sleeve']} begins with real money. VIRTUAL from {row['start']} to {row['end']} ({row['sessions']} "
        f"sessions): {row['start_usd']:,.2f} became {row['equity_usd']:,.2f} USD, {row['return_frac']:+.1%}, largest "
        f"fall {row['max_drawdown_frac']:.1%}; {beside}"
    )


def pinned_contracts(approvals: ApprovalStore, settings: Settings) -> dict[str, str]:
    """Return the contract pinned for each symbol of the strategy; symbols never looked up are left out."""
    found = {symbol: approvals.pinned_contract(symbol) for symbol in symbols_of(settings.sleeves())}
    return {symbol: contract for symbol, contract in found.items() if contract}


def entries_stopped(approvals: ApprovalStore, settings: Settings) -> str | None:
    """Return why entries are stopped by unapproved settings, None if they are not; live only."""
    if settings.mode != "live":
        return None
    changed = changes(approvals, settings)
    if not changed:
        return None
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"settings not approved: {changed[0]}{more}; `mtum config approve` lets entries through"


def _span(backtest: Mapping[str, Any]) -> dict[str, Any]:
    return {name: backtest[name] for name in ("start", "end", "sessions")}


def _told(values: Mapping[str, Any], name: str, absent: str) -> str:
    # As a person writes it in config.toml.
    value = values.get(name, absent)
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _approved_with(approvals: ApprovalStore, settings: Settings, code: Provenance) -> dict[str, Any]:
    return {
        "code_version": code.code_version,
        "code_hash": code.code_hash,
        "libraries": dict(code.libraries),
        "contracts": pinned_contracts(approvals, settings),
    }


def _guarded(settings: Settings) -> dict[str, Any]:
    document = settings.document()
    guarded = {section: document[section] for section in GUARDED if section in document}
    # The code of a person's own strategy is as much a setting as its parameters.
    sleeves = settings.configured().values()
    voters = [member.strategy for one in sleeves for member in getattr(one.rules, "members", ())]
    own = {one.name: one.digest for one in own_of([*(one.strategy for one in sleeves), *voters])}
    return {**guarded, **({"own_strategy": own} if own else {})}


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, leaf in tree.items():
        if isinstance(leaf, Mapping):
            yield from _leaves(leaf, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", leaf
