"""Print the part of requirements.lock that running needs: the program's dependencies and theirs.

The lock covers tests and tools too. Its own "# via" notes say who asks for a package; everything
asked for by the program, directly or not, is kept with its hashes.
"""

import re
import sys
from pathlib import Path

PROGRAM = "mtum"


def blocks(lock: str) -> dict[str, str]:
    """Return each package's lines of the lock, by name."""
    found: dict[str, str] = {}
    name = ""
    for line in lock.splitlines():
        start = re.match(r"([A-Za-z0-9._-]+)==", line)
        name = start.group(1).lower() if start else name
        if name:
            found[name] = found.get(name, "") + line + "\n"
    return found


def askers(block: str) -> set[str]:
    """Return who asks for a package, as its "# via" notes say."""
    notes = re.findall(r"^    # +(?:via *)?(\S.*)?$", block, re.MULTILINE)
    return {note.strip().lower() for note in notes if note.strip()}


def needed(lock: str, roots: set[str]) -> list[str]:
    """Return the lines of every package that a root asks for, directly or not, and of the roots in the lock."""
    known = blocks(lock)
    kept = set(roots)
    while more := {name for name, block in known.items() if name not in kept and askers(block) & kept}:
        kept |= more
    return [known[name] for name in sorted(kept) if name in known]


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    sys.stdout.write("".join(needed(text, {PROGRAM, *sys.argv[2:]})))
