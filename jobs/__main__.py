"""`python -m jobs`: the scheduler process; `--list` shows when it will wake."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mtum.config import Settings, current_environment, find, load
from mtum.errors import ConfigError, MtumError

if TYPE_CHECKING:
    from mtum.app.service.schedule import Wake

LISTED_SESSIONS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command line and return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        environment = current_environment()
        settings = load(find(given.config, environment), environment)
        folder = (given.data_dir or Path(environment.get("MTUM_DATA_DIR") or "data")).absolute()
        if given.list:
            return _list(settings, folder, given.as_of, as_json=given.json)
        return _serve(settings, folder, verbose=given.verbose)
    except MtumError as error:
        texts = error.problems if isinstance(error, ConfigError) else (str(error),)
        if given.json:
            problems = [{"code": int(error.exit_code), "text": text} for text in texts]
            print(json.dumps({"problems": problems, "exit_code": int(error.exit_code)}))
        sys.stderr.write(f"mtum jobs: {'; '.join(' '.join(text.split()) for text in texts)}\n")
        return int(error.exit_code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs", description="Wake every job of the trading day.")
    parser.add_argument("--list", action="store_true", help="print the wake times of the next ten sessions and end")
    parser.add_argument("--as-of", type=_instant, metavar="TIME", help="with --list: as seen at this instant")
    parser.add_argument("--json", action="store_true", help="with --list: one JSON document")
    parser.add_argument("--config", type=Path, metavar="PATH", help="settings file (default ./config.toml)")
    parser.add_argument("--data-dir", type=Path, metavar="PATH", help="data folder (default ./data)")
    parser.add_argument("--verbose", "-v", action="store_true", help="log every step to the terminal")
    return parser


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no instant; write it as 2026-01-30T20:40:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _list(settings: Settings, folder: Path, as_of: datetime | None, *, as_json: bool) -> int:
    from mtum import duties

    rows = [wake_document(wake) for wake in duties.wakes_after(settings, folder, as_of, LISTED_SESSIONS)]
    if as_json:
        print(json.dumps(rows, indent=2))
        return 0
    print(f"{'New York':22} {'UTC':17} {'session':10}  job")
    for row in rows:
        at = f"{datetime.fromisoformat(row['at_utc']):%Y-%m-%d %H:%M}"
        name = f"{row['job']} ({row['slot']})" if row["slot"] else row["job"]
        print(f"{datetime.fromisoformat(row['at_new_york']):%a %Y-%m-%d %H:%M}   {at}  {row['session']}  {name}")
    return 0


def wake_document(wake: "Wake") -> dict[str, str]:
    """Return one wake time as plain JSON values."""
    from mtum.app.service.schedule import NEW_YORK

    return {
        "job": wake.job,
        "slot": wake.slot,
        "session": wake.session.isoformat(),
        "at_utc": wake.at.isoformat().replace("+00:00", "Z"),
        "at_new_york": wake.at.astimezone(NEW_YORK).isoformat(),
    }


def _serve(settings: Settings, folder: Path, *, verbose: bool) -> int:
    from jobs.scheduler import Alarms
    from mtum import duties

    with duties.only_scheduler(folder):
        duties.set_up_logs(settings, folder, terminal="info" if verbose else "warning")
        office = duties.Office(settings, folder)
        office.check()
        alarms = Alarms(
            clock=office.clock,
            calendar=office.calendar,
            slots=office.slots,
            run_due=office.run_due,
            beat=office.beat,
        )
        print(duties.greeting(settings, folder), file=sys.stderr)
        return alarms.serve()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        sys.exit(0)  # the reader of a listing went away
