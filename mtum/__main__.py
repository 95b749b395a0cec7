"""`python -m mtum` and the `mtum` command."""

import gc
import sys

_YOUNG_OBJECTS = 100_000


def main() -> None:
    """Run the command line and leave with its exit code."""
    # What a command loads lives as long as it does: looking through it again and again was a tenth of a short one.
    gc.set_threshold(_YOUNG_OBJECTS)
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
