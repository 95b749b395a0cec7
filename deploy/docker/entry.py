"""Start the scheduler in a container, and keep it down after an exit code that needs a person.

Docker's `on-failure` starts again after every code but 0, whatever it means, so these codes leave as 0.
"""

import sys
from collections.abc import Sequence

from jobs.__main__ import main
from mtum.errors import ExitCode

FOR_A_PERSON = (ExitCode.USAGE, ExitCode.DATA, ExitCode.PERSON, ExitCode.HALTED, ExitCode.LOCKED)


def code_for_docker(arguments: Sequence[str]) -> int:
    """Carry out `python -m jobs` and return the exit code that Docker's restart policy understands."""
    code = main(arguments)
    if code not in FOR_A_PERSON:
        return code
    sys.stderr.write(f"exit code {code}: a restart would say the same, so there is none; see `docker compose logs`\n")
    return 0


if __name__ == "__main__":
    sys.exit(code_for_docker(sys.argv[1:]))
