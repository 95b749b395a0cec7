"""What an installed scanner (pip-audit) says of the libraries in use."""

import json
import shutil
import subprocess
from typing import Any

TOOL = "pip-audit"
TIMEOUT_SECONDS = 120.0
_NAMED = 5


def known_vulnerabilities() -> str | None:
    """Return the known vulnerabilities in one line, empty for none, None where no scanner is installed."""
    program = shutil.which(TOOL)
    if program is None:
        return None
    try:
        ended = subprocess.run(
            [program, "--format", "json", "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        found: dict[str, Any] = json.loads(ended.stdout)
        return _line(found["dependencies"])
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return f"{TOOL} did not answer usefully; run it by hand"


def _line(dependencies: list[dict[str, Any]]) -> str:
    hit = [
        f"{one['name']} {one.get('version', '')} ({one['vulns'][0]['id']})" for one in dependencies if one.get("vulns")
    ]
    more = f" and {len(hit) - _NAMED} more" if len(hit) > _NAMED else ""
    return ", ".join(hit[:_NAMED]) + more
