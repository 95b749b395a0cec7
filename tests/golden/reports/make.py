"""Write the golden reports anew: ``python tests/golden/reports/make.py`` from the project's folder.

Each kind of day of `support.report_days` gives ``KIND.txt`` and ``KIND.json``. Look at the
differences before you commit them.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent


def reports(kind: str, folder: Path) -> dict[str, str]:
    """Return the golden files of one kind of day by name."""
    from support.report_days import KINDS

    history, day = KINDS[kind](folder)
    history.report(day)
    return {
        f"{kind}.{ending}": (folder / "reports" / f"{day}.{ending}").read_text(encoding="utf-8")
        for ending in ("txt", "json")
    }


def main() -> None:
    """Write all of them."""
    sys.path.insert(0, str(HERE.parents[1]))
    from support.report_days import KINDS

    for kind in KINDS:
        with TemporaryDirectory() as folder:
            for name, content in reports(kind, Path(folder)).items():
                (HERE / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
