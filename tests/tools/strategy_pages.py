"""Fill the results into the pages of the strategies, or say which are stale.

    uv run python tests/tools/strategy_pages.py --write [NAME ...]
    uv run python tests/tools/strategy_pages.py --check [NAME ...]

What stands between `<!-- result -->` and `<!-- /result -->` of docs/reference/strategies/NAME.md is what
`mtum demo --strategy NAME --sessions N` comes to, where N is the number that the page gives in its command. What the
pages came to stands once more between `<!-- results -->` and `<!-- /results -->` of docs/explanation/past.md.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PAST = Path(__file__).parents[2] / "docs" / "explanation" / "past.md"
PAGES = Path(__file__).parents[2] / "docs" / "reference" / "strategies"
ROWS = re.compile(r"(<!-- results -->\n).*?(<!-- /results -->)", re.DOTALL)
BLOCK = re.compile(r"(<!-- result -->\n).*?(<!-- /result -->)", re.DOTALL)


def command_in(name: str, page: str) -> list[str]:
    """The words of the command that the page shows."""
    found = re.search(rf"mtum (demo --strategy {name}(?: --[a-z]+ \S+)*)", page)
    if found is None:
        raise SystemExit(f"{name}.md does not show mtum demo --strategy {name}")
    return found[1].split()


def played(words: list[str]) -> dict[str, Any]:
    """What the command comes to, played in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, "-m", "mtum", *words, "--json", "--out", f"{folder}/demo"]
        done = subprocess.run(line, capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(line)} ended with {done.returncode}: {done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def block(document: dict[str, Any]) -> str:
    """The result as a small table."""
    start = document["equity_start_usd"]
    rows = [
        ("Sessions", f"{document['sessions']}, {document['start']} to {document['end']}"),
        ("Orders", f"{document['orders']:,}"),
        ("Equity", f"{start:,.2f} → {document['equity_end_usd']:,.2f} USD ({_change(document, 'equity_end_usd')})"),
        ("Buy and hold", f"{document['benchmark_end_usd']:,.2f} USD ({_change(document, 'benchmark_end_usd')})"),
    ]
    notes = "".join(f"\n{note[0].upper()}{note[1:]}.\n" for note in document["notes"])
    return "".join(["| What | Result |\n| --- | --- |\n", *(f"| {name} | {text} |\n" for name, text in rows), notes])


def _change(document: dict[str, Any], which: str) -> str:
    return f"{100 * (document[which] / document['equity_start_usd'] - 1):+.1f} %"


def filled(name: str) -> str:
    """The page with its result as it is now."""
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    text = block(played(command_in(name, page)))
    return BLOCK.sub(lambda found: found[1] + text + found[2], page)


def past() -> str:
    """The page about the past, with a row for the result on each strategy's page."""
    rows = ["| Strategy | Sessions | Orders | Equity, USD | Buy and hold, USD |\n| --- | --- | --- | --- | --- |\n"]
    for page in sorted(PAGES.glob("*.md")):
        cells = re.findall(
            r"^\| (?:Sessions|Orders|Equity|Buy and hold) \| (.*) \|$", page.read_text("utf-8"), re.MULTILINE
        )
        if cells:
            told = " | ".join(cell.replace(" USD", "") for cell in cells)
            rows.append(f"| [`{page.stem}`](../reference/strategies/{page.name}) | {told} |\n")
    block = "".join(rows)
    return ROWS.sub(lambda found: found[1] + "\n" + block + "\n" + found[2], PAST.read_text(encoding="utf-8"))


def main() -> int:
    """Write or check the pages named; all of them without a name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--write", action="store_true")
    asked.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    stale = []
    for name in given.names or sorted(path.stem for path in PAGES.glob("*.md")):
        page, text = PAGES / f"{name}.md", filled(name)
        if given.write:
            page.write_text(text, encoding="utf-8")
        elif page.read_text(encoding="utf-8") != text:
            stale.append(name)
    if given.write:
        PAST.write_text(past(), encoding="utf-8")
    elif PAST.read_text(encoding="utf-8") != past():
        stale.append("past")
    if stale:
        print(f"stale: {', '.join(stale)}; run tests/tools/strategy_pages.py --write")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
