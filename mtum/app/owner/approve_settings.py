"""The live guard: settings that change what is traded stop entries until a person approves them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mtum.app.desk import Provenance
from mtum.config import Settings
from mtum.ports.records import CONTRACT_KEY
from mtum.ports.store import ControlStore

GUARDED = ("strategy", "portfolio", "risk")
"""Sections that need approval in live."""
_KEY = "approved_settings"
_CODE_KEY = "approved_code"


def approve_settings(control: ControlStore, settings: Settings, code: Provenance | None = None) -> tuple[str, ...]:
    """Approve the settings in force; return what differs from the ones approved before.

    With `code`, the code that decides and the contracts traded are kept beside them: reports say
    what has become different since. Only settings stop entries.
    """
    changed = changes(control, settings)
    control.set_meta(_KEY, json.dumps(_guarded(settings), sort_keys=True, allow_nan=False))
    if code is not None:
        approved = _approved_with(control, settings, code)
        control.set_meta(_CODE_KEY, json.dumps(approved, sort_keys=True, allow_nan=False))
    return changed


def changes(control: ControlStore, settings: Settings) -> tuple[str, ...]:
    """Return one line per guarded setting that differs from its approved value."""
    text = control.meta(_KEY)
    approved: Mapping[str, Any] = dict(_leaves(json.loads(text))) if text else {}
    now = dict(_leaves(_guarded(settings)))
    return tuple(
        f"{name}: approved {_told(approved, name, 'never')}, now {_told(now, name, 'gone')}"
        for name in sorted({*approved, *now})
        if approved.get(name) != now.get(name) or name not in approved
    )


def approved_settings(control: ControlStore) -> Mapping[str, Any] | None:
    """Return the sections as they were last approved, None before any approval."""
    text = control.meta(_KEY)
    found: Mapping[str, Any] | None = json.loads(text) if text else None
    return found


def approved_code(control: ControlStore) -> Mapping[str, Any] | None:
    """Return code version, code hash, libraries and contracts of the last approval, None if it kept none."""
    text = control.meta(_CODE_KEY)
    found: Mapping[str, Any] | None = json.loads(text) if text else None
    return found


def pinned_contracts(control: ControlStore, settings: Settings) -> dict[str, str]:
    """Return the contract pinned for each symbol of the strategy; symbols never looked up are left out."""
    found = {symbol: control.meta(CONTRACT_KEY + symbol) for symbol in settings.active_strategy().universe()}
    return {symbol: contract for symbol, contract in found.items() if contract}


def entries_stopped(control: ControlStore, settings: Settings) -> str | None:
    """Return why entries are stopped by unapproved settings, None if they are not; live only."""
    if settings.mode != "live":
        return None
    changed = changes(control, settings)
    if not changed:
        return None
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"settings not approved: {changed[0]}{more}; `mtum config approve` lets entries through"


def _told(values: Mapping[str, Any], name: str, absent: str) -> str:
    # As a person writes it in config.toml.
    value = values.get(name, absent)
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _approved_with(control: ControlStore, settings: Settings, code: Provenance) -> dict[str, Any]:
    return {
        "code_version": code.code_version,
        "code_hash": code.code_hash,
        "libraries": dict(code.libraries),
        "contracts": pinned_contracts(control, settings),
    }


def _guarded(settings: Settings) -> dict[str, Any]:
    document = settings.document()
    return {section: document[section] for section in GUARDED}


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, leaf in tree.items():
        if isinstance(leaf, Mapping):
            yield from _leaves(leaf, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", leaf
