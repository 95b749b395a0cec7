"""Play trading days in this process under a clock set by hand; print sizes and reports as JSON.

Run by tests/scenarios/test_soak.py in a process of its own, so that the test runner's memory is not counted.
Usage: python tests/tools/soak.py FOLDER SESSIONS [KILOBYTES FORGOTTEN PER SESSION]
"""

import ctypes
import gc
import json
import os
import re
import sys
from datetime import date
from pathlib import Path

from mtum.app.service.schedule import upcoming
from mtum.wiring.installation import Installation
from mtum.wiring.jobs import jobs_of
from support.practice import settings_of
from support.run_contexts import Wall, new_york


def resident_kilobytes() -> float:
    """Memory in use: the C library keeps the buffers of the largest page for its next one, now and then."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def main(folder: Path, count: int, leak_kilobytes: int = 0) -> None:
    settings, wall = settings_of(), Wall(new_york("2026-03-09 09:00"))
    installation = Installation(settings, folder)
    installation.clock, installation.jobs = wall, jobs_of(settings, folder, wall)
    installation.run_due()
    codes: list[int] = []
    sizes: dict[str, float] = {}
    objects: dict[str, int] = {}
    forgotten: list[bytes] = []
    sessions = installation.calendar.sessions(date(2026, 3, 1), date(2027, 1, 31))
    for wake in upcoming(wall.at, sessions, count, installation.slots):
        wall.wait_until(wake.at)
        codes.append(int(installation.run_due().exit_code))
        if wake.session.isoformat() not in sizes:
            forgotten.append(b"x" * (1024 * leak_kilobytes))
        sizes[wake.session.isoformat()] = resident_kilobytes()
        objects[wake.session.isoformat()] = len(gc.get_objects())
    names = [path.stem for path in (folder / "reports").glob("*.html")]
    reports = [name for name in names if re.fullmatch(r"\d{4}-\d\d-\d\d", name)]
    found = {"codes": codes, "kilobytes": list(sizes.values()), "objects": list(objects.values())}
    print(json.dumps({**found, "reports": len(reports)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *(int(word) for word in sys.argv[3:]))
