"""`python -m jobs`: the scheduler process; `--list` shows when it will wake."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NoReturn

from mtum.config import Settings, current_environment, find
from mtum.core.canonical import utc_text
from mtum.core.market.instants import instant_named
from mtum.errors import ConfigError, ExitCode, MtumError, UsageError
from mtum.wiring.resources import DATABASE_NAME, settings_whatever_happens

if TYPE_CHECKING:
    from jobs.dashboard import Dashboard
    from mtum.app.service.schedule import Wake

LISTED_SESSIONS = 10
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command line and return the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    environment = current_environment()
    folder = Path(environment.get("MTUM_DATA_DIR") or "data").absolute()
    try:
        given = _parser().parse_args(words)
        folder = (given.data_dir or folder).absolute()
        if given.list and given.serve:
            raise UsageError("--serve goes with the scheduler, not with --list")
        if not given.list and (given.as_of is not None or given.json):
            raise UsageError(
                "--as-of and --json go with --list; the scheduler itself runs by the clock until it is stopped"
            )
        told: list[str] = []
        database = folder / DATABASE_NAME
        settings = settings_whatever_happens(find(given.config, environment), environment, database, told.append)
        if told:
            sys.stderr.write(f"mtum jobs: {'; '.join(told)}\n")
        if given.list:
            return _list(settings, folder, given.as_of, as_json=given.json)
        terminal = "info" if given.verbose else "error" if given.quiet else "warning"
        return _serve(settings, folder, terminal, dashboard=_dashboard(given, folder) if given.serve else None)
    except ConfigError as error:
        return _failed(error.exit_code, error.problems, as_json="--json" in words)
    except MtumError as error:
        return _failed(error.exit_code, [str(error)], as_json="--json" in words)
    except KeyboardInterrupt:
        return _failed(INTERRUPTED, ["interrupted"], as_json="--json" in words)
    except BrokenPipeError:
        sys.stdout = None  # the reader of a listing went away; nothing may be flushed to it at exit
        return 0
    except Exception as error:  # noqa: BLE001  # the last resort: whatever is left is a bug of ours
        from mtum.wiring.secrets import crash_line

        line = crash_line(error, f"python -m jobs {' '.join(words)}", folder, environment)
        return _failed(ExitCode.BUG, [line], as_json="--json" in words)


def _failed(code: int, texts: Sequence[str], *, as_json: bool) -> int:
    if as_json:
        problems = [{"code": int(code), "text": text} for text in texts]
        print(json.dumps({"problems": problems, "exit_code": int(code)}, allow_nan=False))
    sys.stderr.write(f"mtum jobs: {'; '.join(' '.join(text.split()) for text in texts)}\n")
    return int(code)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `python -m jobs --help`")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m jobs", description="Wake every job of the trading day.")
    parser.add_argument("--list", action="store_true", help="print the wake times of the next ten sessions and end")
    parser.add_argument("--as-of", metavar="TIME", help="with --list: as seen at this instant")
    parser.add_argument("--json", action="store_true", help="with --list: one JSON document")
    parser.add_argument("--config", type=Path, metavar="PATH", help="settings file (default ./config.toml)")
    parser.add_argument("--data-dir", type=Path, metavar="PATH", help="data folder (default ./data)")
    parser.add_argument("--serve", action="store_true", help="also serve the dashboard (mtum serve) beside it")
    parser.add_argument("--quiet", "-q", action="store_true", help="only errors on the terminal")
    parser.add_argument("--verbose", "-v", action="store_true", help="log every step to the terminal")
    return parser


def _list(settings: Settings, folder: Path, as_of: str | None, *, as_json: bool) -> int:
    from mtum.wiring import installation

    instant = None if as_of is None else instant_named(as_of)
    rows = [wake_document(wake) for wake in installation.wakes_after(settings, folder, instant, LISTED_SESSIONS)]
    if as_json:
        print(json.dumps(rows, indent=2, allow_nan=False), flush=True)
        return 0
    print(f"{'New York':22} {'UTC':17} {'session':10}  job")
    for row in rows:
        at = f"{datetime.fromisoformat(row['at_utc']):%Y-%m-%d %H:%M}"
        name = f"{row['job']} ({row['slot']})" if row["slot"] else row["job"]
        print(f"{datetime.fromisoformat(row['at_new_york']):%a %Y-%m-%d %H:%M}   {at}  {row['session']}  {name}")
    return 0


def wake_document(wake: "Wake") -> dict[str, str]:
    """Return one wake time as plain JSON values."""
    from mtum.core.market.calendars import NEW_YORK

    return {
        "job": wake.job,
        "slot": wake.slot,
        "session": wake.session.isoformat(),
        "at_utc": utc_text(wake.at),
        "at_new_york": wake.at.astimezone(NEW_YORK).isoformat(),
    }


def _dashboard(given: argparse.Namespace, folder: Path) -> "Dashboard":
    from jobs.dashboard import Dashboard

    config = ("--config", str(given.config)) if given.config else ()
    return Dashboard((*config, "--data-dir", str(folder)))


def _serve(settings: Settings, folder: Path, terminal: str, dashboard: "Dashboard | None") -> int:
    from jobs.scheduler import JobScheduler
    from mtum.wiring import installation, secrets

    with installation.only_scheduler(folder):
        secrets.set_up_logs(settings, folder, terminal=terminal)
        stopping = Event()
        served = installation.Installation(settings, folder, stopping=stopping.is_set)
        served.check()

        def beat(at: datetime) -> None:
            served.beat(at)
            if dashboard is not None:
                dashboard.look(at)

        alarms = JobScheduler(
            clock=served.clock,
            calendar=served.calendar,
            slots=served.slots,
            run_due=served.run_due,
            beat=beat,
            changed=served.changed,
            stopping=stopping,
        )
        if terminal != "error":
            print(installation.greeting(settings, folder), file=sys.stderr)
        try:
            return alarms.serve()
        finally:
            if dashboard is not None:
                dashboard.stop()


if __name__ == "__main__":
    sys.exit(main())
