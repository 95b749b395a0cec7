"""System: when each job is due, which ran and which did not, how fresh the data is, copies, versions, the log."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mtum import __version__
from mtum.core.market.calendars import NEW_YORK
from mtum.core.reporting import words
from mtum.ports.reading import Reader
from mtum.ports.rows import BarRow
from mtum.web import documents
from mtum.web.frame import Ask
from mtum.web.html import NOTHING, Child, Html, card, empty, facts, new_york, table, tag
from mtum.web.paging import Part

type Table = Mapping[str, Any]

RUNS, LINES, SESSIONS = 20, 40, 10
FIRST_JOBS = 6
"""Jobs shown at once: those of two sessions."""
_TAIL_BYTES = 200_000


def page(ask: Ask) -> Child:
    """Return the page."""
    status = documents.status(ask.records)
    runs = documents.listed(ask.records, "runs", Part(None, RUNS))["runs"]
    return [_health(ask, status), _versions(ask), _ledger(runs), _timetable(ask), _log(ask)]


def _health(ask: Ask, status: Table) -> Html:
    alive, backup = _alive(ask), _newest(ask.records.folder / "backups", "mtum-*.db")
    last = status["last_run"]
    return card(
        "Health",
        facts(
            [
                ("scheduler", alive),
                (
                    "last job",
                    f"{last['job'].replace('_', ' ')} of {last['session']}, {last['outcome'] or 'at work'}"
                    if last
                    else "none yet",
                ),
                ("broker", _broker(documents.broker(ask.records)["broker"])),
                ("newest bar", ask.records.read("newest bar", _newest_bar)),
                ("newest copy", backup or "none yet: mtum backup"),
                ("messages waiting", str(status["undelivered"])),
                ("market", status["source"] + (", replayed" if status["replayed"] else "")),
            ]
        ),
        class_="half",
    )


def _broker(found: Table | None) -> str:
    if found is None:
        return "not asked yet"
    return f"showed the {found['kind']} account {found['account']} at {new_york(found['at'])}"


def _newest_bar(reader: Reader | None) -> str:
    rows = reader.rows(BarRow, None, 1) if reader else ()
    return rows[-1].session if rows else "none yet"


def _alive(ask: Ask) -> str:
    at = ask.records.heard_scheduler()
    if at is None:
        return "not started here: python -m jobs"
    silent = ask.records.silent_scheduler()
    return silent or f"alive, heard at {new_york(at)}"


def _newest(folder: Path, pattern: str) -> str:
    names = sorted(path.name for path in folder.glob(pattern)) if folder.is_dir() else []
    return names[-1] if names else ""


def _versions(ask: Ask) -> Html:
    from importlib.metadata import version
    from platform import python_version

    from mtum.wiring.provenance import LIBRARIES, code_hash

    return card(
        "Versions",
        facts(
            [
                ("mtum", __version__),
                ("code", code_hash()),
                ("settings", ask.records.settings.digest()),
                ("Python", python_version()),
                *((name, version(name)) for name in LIBRARIES),
            ]
        ),
        class_="half",
    )


def _ledger(runs: Sequence[Table]) -> Html:
    rows = []
    for one in reversed(runs):
        began = datetime.fromisoformat(one["started_at"])
        lasted = (datetime.fromisoformat(one["finished_at"]) - began).total_seconds() if one["finished_at"] else None
        outcome: Child = one["outcome"] or "at work"
        if one["outcome"] in ("failed", "missed"):
            outcome = tag("strong", f"! {one['outcome'].upper()}", class_="down")
        job = one["job"].replace("_", " ") + (f" ({one['slot']})" if one["slot"] else "")
        code = NOTHING if one["exit_code"] is None else str(one["exit_code"])
        rows.append(
            [
                one["session"] or NOTHING,
                job,
                f"{began.astimezone(NEW_YORK):%Y-%m-%d %H:%M}",
                "" if lasted is None else f"{lasted:,.1f} s",
                outcome,
                code,
            ]
        )
    heads = ("session", "job", "began, New York", "took", "ended", "exit code")
    if not rows:
        return card("Jobs", empty("No job has run: ", "mtum run"))
    rest = tag("details", tag("summary", f"{len(rows) - FIRST_JOBS} more"), table(heads, rows[FIRST_JOBS:]))
    return card(f"Newest {len(rows)} jobs", table(heads, rows[:FIRST_JOBS]), rest if len(rows) > FIRST_JOBS else None)


def _timetable(ask: Ask) -> Html:
    wakes = documents.jobs(ask.records, SESSIONS)["wakes"]
    rows = [[one["at_new_york"], one["session"], one["job"].replace("_", " "), one["slot"] or NOTHING] for one in wakes]
    told = table(("New York", "session", "job", "slot"), rows[:8])
    rest = tag(
        "details", tag("summary", f"{len(rows) - 8} more"), table(("New York", "session", "job", "slot"), rows[8:])
    )
    # A replayed market may know fewer.
    known = words.count(len({one["session"] for one in wakes}), "session")
    return card(f"Timetable of the next {known}", told if rows else empty("Nothing is due."),
                rest if len(rows) > 8 else None, class_="half")  # fmt: skip


def _log(ask: Ask) -> Html:
    run = ask.query.get("run", "")
    lines = [
        line for line in _tail(ask.records.folder / "logs" / "mtum.jsonl") if not run or str(line.get("run")) == run
    ]
    rows = [
        [str(line.get("at", ""))[:19].replace("T", " "), str(line.get("level", "")), _run_link(line.get("run")),
         ask.records.without_paths(_event(line))]
        for line in reversed(lines[-LINES:])
    ]  # fmt: skip
    chosen = tag("p", f"Only run {run[:12]}. ", tag("a", "all", href="/system")) if run else None
    heads = ("UTC", "level", "run", "event")
    return card(
        "Log",
        chosen,
        tag("details", tag("summary", f"Newest {words.count(len(rows), 'line')}"), table(heads, rows), open=bool(run))
        if rows
        else empty("The log has no line."),
        class_="half",
    )


def _run_link(run: object) -> Child:
    return NOTHING if run is None else tag("a", str(run), href=f"/system?run={run}")


def _event(line: Table) -> str:
    known = {"at", "level", "logger", "run", "session", "event", "traceback"}
    more = " ".join(f"{name}={told}" for name, told in line.items() if name not in known)
    return f"{line.get('event', '')} {more}"[:300].strip()


def _tail(path: Path) -> list[Table]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    found: list[Table] = []
    for line in text.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue  # the first one may be cut
        if isinstance(told, dict):
            found.append(told)
    return found
