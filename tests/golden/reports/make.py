"""Write the golden reports anew: ``python tests/golden/reports/make.py`` from the project's folder.

Each kind of day of `support.report_days` gives ``KIND.txt`` and ``KIND.json``, the account of `support.account_days`
those of ACCOUNTS. Look at the differences before you commit them.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
ACCOUNTS = ("three-sleeves", "three-sleeves-month")


def reports(kind: str, folder: Path) -> dict[str, str]:
    """Return the golden files of one kind of day by name."""
    from support.report_days import KINDS

    history, day = KINDS[kind](folder)
    history.report(day)
    return {
        f"{kind}.{ending}": (folder / "reports" / f"{day}.{ending}").read_text(encoding="utf-8")
        for ending in ("txt", "json")
    }


def account_reports(folder: Path) -> dict[str, str]:
    """Return the golden files of the account of several sleeves, which has been played into a folder."""
    from support.account_days import BUSY_DAY, MONTH_END, without_hash

    stored = dict(zip(ACCOUNTS, (str(BUSY_DAY), f"month-{MONTH_END}"), strict=True))
    return {
        f"{kind}.{ending}": without_hash((folder / "reports" / f"{name}.{ending}").read_text(encoding="utf-8"))
        for kind, name in stored.items()
        for ending in ("txt", "json")
    }


def main() -> None:
    """Write all of them."""
    sys.path.insert(0, str(HERE.parents[1]))
    from support.account_days import play_account
    from support.report_days import KINDS

    made: dict[str, str] = {}
    for kind in KINDS:
        with TemporaryDirectory() as folder:
            made |= reports(kind, Path(folder))
    with TemporaryDirectory() as folder:
        play_account(Path(folder))
        made |= account_reports(Path(folder))
    for name, content in made.items():
        (HERE / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
