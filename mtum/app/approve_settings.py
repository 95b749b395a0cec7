"""The live guard: settings that change what is traded stop entries until a person approves them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mtum.config import Settings
from mtum.ports.store import ControlStore

GUARDED = ("strategy", "portfolio", "risk")
"""Sections that need approval in live."""
_KEY = "approved_settings"


def approve_settings(control: ControlStore, settings: Settings) -> tuple[str, ...]:
    """Approve the settings in force; return what differs from the ones approved before."""
    changed = changes(control, settings)
    control.set_meta(_KEY, json.dumps(_guarded(settings), sort_keys=True))
    return changed


def changes(control: ControlStore, settings: Settings) -> tuple[str, ...]:
    """Return one line per guarded setting that differs from its approved value."""
    text = control.meta(_KEY)
    approved: Mapping[str, Any] = dict(_leaves(json.loads(text))) if text else {}
    now = dict(_leaves(_guarded(settings)))
    return tuple(
        f"{name}: approved {approved.get(name, 'never')}, now {now.get(name, 'gone')}"
        for name in sorted({*approved, *now})
        if approved.get(name) != now.get(name) or name not in approved
    )


def approved_settings(control: ControlStore) -> Mapping[str, Any] | None:
    """Return the sections as they were last approved, None before any approval."""
    text = control.meta(_KEY)
    found: Mapping[str, Any] | None = json.loads(text) if text else None
    return found


def entries_stopped(control: ControlStore, settings: Settings) -> str | None:
    """Return why entries are stopped by unapproved settings, None if they are not; live only."""
    if settings.mode != "live":
        return None
    changed = changes(control, settings)
    if not changed:
        return None
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"settings not approved: {changed[0]}{more}; `mtum config approve` lets entries through"


def _guarded(settings: Settings) -> dict[str, Any]:
    document = settings.document()
    return {section: document[section] for section in GUARDED}


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, leaf in tree.items():
        if isinstance(leaf, Mapping):
            yield from _leaves(leaf, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", leaf
