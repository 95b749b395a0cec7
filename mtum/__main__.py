"""`python -m mtum` and the `mtum` command."""

import gc
import os
import sys

_YOUNG_OBJECTS = 300_000
_ZONES = "/usr/share/zoneinfo"


def main() -> None:
    """Run the command line and leave with its exit code."""
    # What a command loads lives as long as it does: looking through it again and again was a tenth of a short one.
    gc.set_threshold(_YOUNG_OBJECTS)
    # Threads for products of large matrices, of which there are none, take a third of what loading numpy does.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Plugins of pydantic are looked for in every package that is installed, and none is wanted.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    # Python asks the record of how it was built for this folder, which takes as long to load as the zones themselves.
    if os.path.exists(f"{_ZONES}/America/New_York"):
        os.environ.setdefault("PYTHONTZPATH", _ZONES)
    try:
        from mtum.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Outside of a command: while it was being loaded or its answer printed.
        sys.stderr.write("mtum: interrupted\n")
        code = 130
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
