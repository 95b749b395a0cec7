"""Fill the results into the pages of the strategies, or say which are stale.

    uv run python tests/tools/strategy_pages.py --write [NAME ...]
    uv run python tests/tools/strategy_pages.py --check [NAME ...]

What stands between `<!-- result -->` and `<!-- /result -->` of docs/reference/strategies/NAME.md is what
`mtum demo --strategy NAME --sessions N` comes to, where N is the number that the page gives in its command. What the
pages came to stands once more between `<!-- results -->` and `<!-- /results -->` of docs/explanation/past.md.

A strategy of options is priced by a model: its page shows what `mtum backtest` with the example's settings comes to
over one year, labeled so and with its band, and it stands in no table beside results that were traded.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mtum import config
from mtum.app.owner.settings_catalog import toml_text
from mtum.core.strategies import STRATEGIES
from mtum.wiring.examples import example_changes

YEAR = ("2018-01-03", "2018-12-31")
"""Sessions that the strategies of options are priced over: two calm quarters, a fall before them and one after."""
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


def priced(name: str) -> dict[str, Any]:
    """What a backtest of a strategy's example comes to, at prices of the model."""
    chosen = example_changes(config.load(None, {}, {}), name, None)
    del chosen["portfolio.strategy"]
    words = [f"{key}={value if isinstance(value, str) else toml_text(value)}" for key, value in chosen.items()]
    sets = [word for one in words for word in ("--set", one)]
    with tempfile.TemporaryDirectory() as folder:
        line = [
            sys.executable,
            "-m",
            "mtum",
            "backtest",
            "--strategy",
            name,
            *sets,
            "--start",
            YEAR[0],
            "--end",
            YEAR[1],
        ]
        done = subprocess.run([*line, "--json", "--quiet"], capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(line)} ended with {done.returncode}: {done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def priced_block(document: dict[str, Any]) -> str:
    """The result at prices of the model, with its band and what writes options by rule; none of an illustration."""
    options, label = document["options"], document["options"]["label"]
    start: float = document["settings"]["portfolio"]["capital_usd"]
    low, here, high = options["band"]
    (own,) = options["sleeves"].values()

    def usd(found: dict[str, Any]) -> str:
        worth = found["final_equity_usd"]
        return f"{worth:,.2f} USD ({100 * (worth / start - 1):+.1f} %)"

    rows = [
        ("Sessions", f"{document['sessions']}, {document['start']} to {document['end']}"),
        ("Orders in options", f"{here['filled']} of {here['orders']} filled"),
        ("Contracts that expired or were assigned", f"{len(own['events'])}"),
        ("Fees of options", f"{own['fees_usd']:,.2f} USD"),
    ]
    if label == "model-priced":
        rows += [
            ("Equity", f"{start:,.2f} → {usd(here)}"),
            ("Band: volatility a point lower, higher", f"{usd(low)}, {usd(high)}"),
            *((name, usd(found)) for name, found in options["writing"].items()),
            ("Buy and hold", usd(document["benchmark"])),
        ]
    table = "".join(f"| {name} | {text} |\n" for name, text in rows)
    told = (
        "What calls on the VIX would have cost no model tells well enough for a result: this is an illustration."
        if label != "model-priced"
        else "No exchange quoted these options: a model priced them, in `mtum backtest` with the example's settings."
    )
    return f"| What | Result, {label} |\n| --- | --- |\n{table}\n{told}\n"


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
    words = command_in(name, page)
    text = priced_block(priced(name)) if STRATEGIES[name].OPTIONS else block(played(words))
    return BLOCK.sub(lambda found: found[1] + text + found[2], page)


def past() -> str:
    """The page about the past, with a row for the result on each strategy's page."""
    rows = ["| Strategy | Sessions | Orders | Equity, USD | Buy and hold, USD |\n| --- | --- | --- | --- | --- |\n"]
    for page in sorted(PAGES.glob("*.md")):
        cells = re.findall(
            r"^\| (?:Sessions|Orders|Equity|Buy and hold) \| (.*) \|$", page.read_text("utf-8"), re.MULTILINE
        )
        if cells and not STRATEGIES[page.stem].OPTIONS:
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
