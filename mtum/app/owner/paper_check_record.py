"""The record of a paper check: what its steps came to, and whether an order of it is left at the broker."""

from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from mtum.core.canonical import decode, parsed

FIRST_ORDER, CANCELED = "order on the close, one share", "cancel it"
SECOND_ORDER, FILLED = "a second one, left to fill", "execution and fee"


class Result(Struct, frozen=True):
    """What a step came to."""

    name: str
    passed: bool
    found: str
    at: str


def record_path(folder: Path, day: date) -> Path:
    """Return where the record of that session is kept."""
    return folder / f"paper-check-{day}.json"


def read_results(path: Path) -> list[Result]:
    """Return what the steps of a record came to; none before the first."""
    return decode(list[Result], _read(path).get("steps", []), str(path))


def interrupted_check(folder: Path, day: date | None = None) -> str | None:
    """Return how far the newest check (or that session's) came if it did not end, else None.

    An order that has been sent and neither canceled nor found filled is named: no other command knows it.
    """
    records = sorted(folder.glob("paper-check-*.json")) if day is None else [record_path(folder, day)]
    found = _read(records[-1]) if records else {}
    passed = [step["name"] for step in found.get("steps", []) if step["passed"]]
    if not found or len(passed) >= found.get("all_steps", len(passed)):
        return None
    sent = {*passed, found.get("at_work")}
    working = (FIRST_ORDER in sent and CANCELED not in passed) or (SECOND_ORDER in sent and FILLED not in passed)
    order = (
        "; its order for one share may be working at the broker, and `mtum cancel` does not know it: "
        "go on with `mtum paper-check` on the same day, or cancel it on the broker's screen"
        if working
        else "; `mtum paper-check` on the same day goes on"
    )
    return f"of {found['session']} not ended ({len(passed)} of {found['all_steps']} steps){order}"


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    return parsed(dict[str, Any], path.read_bytes(), f"{path}, which tells whether an order is left at the broker,")
