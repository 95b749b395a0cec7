"""Play trading days in this process under a clock set by hand; print sizes and reports as JSON.

Run by tests/scenarios/test_soak.py in a process of its own, so that the test runner's memory is not counted.
Usage: python tests/tools/soak.py FOLDER SESSIONS [KILOBYTES FORGOTTEN PER SESSION]
"""

import ctypes
import gc
import json
import re
import sys
from datetime import date
from pathlib import Path

from mtum.app.service.schedule import upcoming
from mtum.wiring.installation import Installation
from mtum.wiring.jobs import jobs_of
from support.practice import settings_of
from support.run_contexts import Wall, new_york


class _Allocated(ctypes.Structure):
    # `struct mallinfo2` of the C library.
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in [
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        ]
    )


def used_kilobytes() -> float:
    """Memory in use by everything in the process, if Python takes its own from the C library (PYTHONMALLOC=malloc).

    What the C library keeps free for later is not counted: it moves by megabytes with the largest page and chart.
    """
    gc.collect()
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = _Allocated
    found = library.mallinfo2()
    return float(found.uordblks + found.hblkhd) / 1024


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
        sizes[wake.session.isoformat()] = used_kilobytes()
        objects[wake.session.isoformat()] = len(gc.get_objects())
    names = [path.stem for path in (folder / "reports").glob("*.html")]
    reports = [name for name in names if re.fullmatch(r"\d{4}-\d\d-\d\d", name)]
    found = {"codes": codes, "kilobytes": list(sizes.values()), "objects": list(objects.values())}
    print(json.dumps({**found, "reports": len(reports)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *(int(word) for word in sys.argv[3:]))
