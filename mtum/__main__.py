"""`python -m mtum` and the `mtum` command."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from mtum.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Outside of a command: while it was being loaded or its answer printed.
        sys.stderr.write("mtum: interrupted\n")
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
