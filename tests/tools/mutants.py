"""Change what decides about money in small ways, one at a time, and see whether the tests near it notice.

Run by hand and nightly, not by the suite. Nothing is changed in the checkout: each job works in a copy of it.
Every mutant is one change of one place: a comparison, operator, number, condition, argument or statement.
A survivor is a change that no test near it notices: write the test, or, where no test can notice it because
nothing that is promised changes, state it with the reason in mutants.toml. Verdicts are kept in build/mutants.jsonl;
a killed mutant is judged again when its function changes, a survivor when its file or a test near it does.

Usage: python tests/tools/mutants.py [--only FILE ...] [--named] [--lived] [--sample N --seed S] [--jobs N] [--fresh]
Ends with 1 when a named mutant lives, fewer than 90 % of the others die, or mutants.toml is out of date.
"""

import argparse
import ast
import contextlib
import hashlib
import importlib
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import count, pairwise, product
from math import ceil
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

ROOT = Path(__file__).parents[2]
STATED = Path(__file__).with_suffix(".toml")
KEPT = ROOT / "build" / "mutants.jsonl"
GOAL = 0.9
MEMORY = 8 << 30
"""Bytes of addresses at most: a mutant that fills a list for ever must not take the machine with it."""
HANGS = 600
"""Seconds by the clock after which tests are waiting for ever; those that compute for ever end by their CPU time."""
UNIT = "tests/unit/core"
_COORDINATED = (f"{UNIT}/coordination", f"{UNIT}/test_plans.py", "tests/properties/test_coordination_properties.py")
NEAR = {
    "mtum/core/decide.py": (
        f"{UNIT}/test_decide.py",
        f"{UNIT}/test_decide_several.py",
        f"{UNIT}/test_decide_stops.py",
        f"{UNIT}/test_contracts_of_many_shares.py",
        "tests/properties/test_what_blocks_an_order.py",
    ),
    "mtum/core/portfolio/sizing.py": (f"{UNIT}/portfolio/test_sizing.py", f"{UNIT}/test_decide.py"),
    "mtum/core/portfolio/limits.py": (f"{UNIT}/portfolio/test_limits.py", f"{UNIT}/test_decide.py"),
    "mtum/core/portfolio/gate.py": (f"{UNIT}/portfolio/test_gate.py", f"{UNIT}/portfolio/test_gate_mutations.py"),
    "mtum/core/portfolio/options/gate.py": (
        f"{UNIT}/portfolio/options/test_option_gate.py",
        f"{UNIT}/portfolio/options/test_option_gate_edges.py",
    ),
    "mtum/adapters/brokers/gate.py": ("tests/unit/adapters/brokers/test_gate.py",),
    "mtum/core/portfolio/lots.py": (f"{UNIT}/portfolio/test_lots.py",),
    "mtum/core/portfolio/fills.py": (
        f"{UNIT}/portfolio/test_fills.py",
        f"{UNIT}/portfolio/test_lots.py",
        f"{UNIT}/portfolio/test_symbol_changes.py",
        f"{UNIT}/portfolio/test_changed_fills.py",
    ),
    "mtum/core/portfolio/costs.py": (f"{UNIT}/portfolio/test_costs.py",),
    "mtum/core/portfolio/equity_points.py": (f"{UNIT}/portfolio/test_equity_points.py",),
    "mtum/core/portfolio/returns.py": (f"{UNIT}/portfolio/test_returns.py", f"{UNIT}/portfolio/test_equity_points.py"),
    "mtum/core/portfolio/tax.py": (
        f"{UNIT}/portfolio/test_tax.py",
        f"{UNIT}/portfolio/test_symbol_changes.py",
        "tests/properties/test_tax_properties.py",
    ),
    "mtum/core/coordination/account.py": _COORDINATED,
    "mtum/core/coordination/transfers.py": (f"{UNIT}/coordination/test_cash_and_transfers.py",),
    "mtum/core/coordination/coordinate.py": (*_COORDINATED, "tests/properties/test_fund_properties.py"),
    "mtum/core/coordination/limits.py": _COORDINATED,
    "mtum/core/coordination/risk.py": (f"{UNIT}/coordination/test_risk.py",),
    "mtum/core/plans.py": (f"{UNIT}/test_plans.py", "tests/scenarios/test_coordination.py"),
    "mtum/app/ledger/sleeve_records.py": ("tests/unit/app/ledger/test_sleeve_records.py",),
    "mtum/app/ledger/dividends.py": (
        "tests/unit/app/ledger/test_dividends.py",
        "tests/unit/app/session/test_confirm_fills.py",
    ),
    "mtum/core/market/settlement.py": (f"{UNIT}/market/test_settlement.py",),
    "mtum/core/market/merging.py": (f"{UNIT}/market/test_merging.py", "tests/properties/test_merging_properties.py"),
    "mtum/core/market/sessions.py": (f"{UNIT}/market/test_sessions.py",),
    "mtum/core/market/calendars.py": (f"{UNIT}/market/test_calendars.py", "tests/unit/adapters/test_calendar.py"),
    "mtum/core/market/holiday_rules.py": (f"{UNIT}/market/test_holiday_rules.py",),
}
"""Tests that must notice a change of a file, the quickest first."""
HEAVY = ("numpy", "pandas", "hypothesis", "pydantic", "exchange_calendars", "ib_insync", "pytest", "xdist", "execnet")
"""Imported once, before the first fork; nothing of the project is."""
OPTIONS = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "-W", "ignore:Module already imported")

_SWAPS = {
    ast.Compare: {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "is": "is not", "is not": "is"}
    | {"in": "not in", "not in": "in"},
    ast.BinOp: {"+": "-", "-": "+", "*": "/", "/": "*", "//": "/", "%": "*", "&": "|", "|": "&", "**": "*"},
    ast.BoolOp: {"and": "or", "or": "and"},
}
_SWAPS[ast.AugAssign] = {f"{sign}=": f"{other}=" for sign, other in _SWAPS[ast.BinOp].items()}
_OPERATOR = re.compile(r"is not|not in|\bis\b|\bin\b|\band\b|\bor\b|(\*\*|//|[-+*/%&|<>=!])=?")
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}
_NAMES |= {"floor": "__import__('math').ceil", "bisect_left": "__import__('bisect').bisect_right"}
_NAMES |= {"ROUND_HALF_UP": "__import__('decimal').ROUND_HALF_EVEN"}
_LEFT_ALONE = ("annotation", "returns", "decorator_list", "pattern")

type Place = tuple[int, int]


@cache
def source_of(file: str) -> bytes:
    return (ROOT / file).read_bytes()


@cache
def digest(*paths: str) -> str:
    """Return what tells one state of these files and folders from another."""
    files = [one for path in paths for one in (ROOT / path, *sorted((ROOT / path).rglob("*.py"))) if one.is_file()]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


@dataclass(frozen=True)
class Mutant:
    """One change of one file: `text` instead of its bytes at `place`; `old` and `new` are the lines of it.

    `part` tells one state of the function or class it is in from another.
    """

    file: str
    scope: str
    place: Place
    text: str
    old: str
    new: str
    name: str = ""
    near: tuple[str, ...] = ()
    part: str = ""

    @property
    def key(self) -> str:
        """What it is known by, wherever in its function the lines stand."""
        return "\n".join((self.file, self.scope, self.name, self.old, self.new))

    @property
    def tests(self) -> tuple[str, ...]:
        return self.near or NEAR[self.file]

    def applied(self) -> bytes:
        source = source_of(self.file)
        return source[: self.place[0]] + self.text.encode() + source[self.place[1] :]


@dataclass(frozen=True)
class Source:
    """A file whose small changes are told; words (messages, docstrings), types and decorators are left alone."""

    file: str
    bytes: bytes

    def place(self, node: ast.expr | ast.stmt | ast.keyword) -> Place:
        lines = self.bytes.splitlines(keepends=True)
        begin, end = (sum(map(len, lines[: (line or 0) - 1])) for line in (node.lineno, node.end_lineno))
        return begin + node.col_offset, end + (node.end_col_offset or 0)

    def text(self, node: ast.expr) -> str:
        return f"({self.bytes[slice(*self.place(node))].decode()})"

    def mutant(self, place: Place, text: str, scope: str, name: str = "") -> Mutant:
        begin = self.bytes.rfind(b"\n", 0, place[0]) + 1
        end = self.bytes.find(b"\n", place[1]) % (len(self.bytes) + 1)
        lines = self.bytes[begin:end], self.bytes[begin : place[0]] + text.encode() + self.bytes[place[1] : end]
        old, new = (" ".join(one.decode().split()) for one in lines)
        return Mutant(self.file, scope, place, text, old, new, name)

    def walk(self, node: ast.AST, scope: str = "") -> Iterator[tuple[str, Place, str]]:
        """Yield every change below a node: the function it is in, its place and the text there."""
        if isinstance(node, ast.JoinedStr | ast.TypeAlias):
            return
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            scope = f"{scope}.{node.name}".lstrip(".")
        for told in (self.operators, self.values, self.calls, self.statements):
            yield from ((scope, place, text) for place, text in told(node))
        for name, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and name not in _LEFT_ALONE:
                    yield from self.walk(child, scope)

    def operators(self, node: ast.AST) -> Iterator[tuple[Place, str]]:
        operands: list[ast.expr] = []
        match node:
            case ast.Compare():
                operands = [node.left, *node.comparators]
            case ast.BinOp():
                operands = [node.left, node.right]
            case ast.AugAssign():
                operands = [node.target, node.value]
            case ast.BoolOp():
                operands = node.values
                for left_out in operands:
                    rest = [self.text(one) for one in operands if one is not left_out]
                    yield self.place(node), f"({(' and ' if isinstance(node.op, ast.And) else ' or ').join(rest)})"
            case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
                yield self.place(node), self.text(node.operand)
            case _:
                pass
        for first, second in pairwise(operands):
            begin, end = self.place(first)[1], self.place(second)[0]
            sign = _OPERATOR.search(gap := self.bytes[begin:end].decode())
            if sign and (other := _SWAPS[type(node)].get(sign[0])):
                begin += len(gap[: sign.start()].encode())
                yield (begin, begin + len(sign[0])), other

    def values(self, node: ast.AST) -> Iterator[tuple[Place, str]]:
        if not isinstance(node, ast.expr):
            return
        match node:
            case ast.Constant(bool(value)):
                yield self.place(node), str(not value)
            case ast.Constant(int(value)):
                yield from ((self.place(node), f"({value + step})") for step in (1, -1))
            case ast.Constant(float(value)):
                yield from ((self.place(node), repr(number)) for number in (value * 2 or 1.0, value / 2 or -1.0))
            case ast.Constant(str(value)) if re.fullmatch(r"[12]\d{3}-\d\d-\d\d", value):
                day = date.fromisoformat(value)
                yield from ((self.place(node), f'"{day + timedelta(days=step)}"') for step in (1, -1))
            case ast.Name(word, ast.Load()) if word in _NAMES:
                yield self.place(node), _NAMES[word]
            case ast.Attribute(of, word) if word in _NAMES:
                yield self.place(node), f"{self.text(of)}.{_NAMES[word]}"
            case ast.IfExp():
                yield from ((self.place(node), self.text(arm)) for arm in (node.body, node.orelse))
            case _:
                pass

    def calls(self, node: ast.AST) -> Iterator[tuple[Place, str]]:
        """Leave out a named argument, or the last of several others; double a decimal."""
        if not isinstance(node, ast.Call):
            return
        given: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
        for index, one in enumerate(given):
            begin, end = self.place(one)
            if index:
                before = self.place(given[index - 1])[1]
                begin = before + self.bytes[before:begin].index(b",")
            elif len(given) > 1:
                end = self.place(given[1])[0]
            if isinstance(one, ast.keyword) or 0 < index == len(node.args) - 1:
                yield (begin, end), ""
        if isinstance(node.func, ast.Name) and node.func.id == "Decimal":
            for one in node.args:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield self.place(one), f'"{Decimal(one.value) * 2 or 1}"'

    def statements(self, node: ast.AST) -> Iterator[tuple[Place, str]]:
        match node:
            case ast.If():
                yield from ((self.place(node.test), text) for text in ("True", "False"))
            case ast.comprehension():
                yield from ((self.place(condition), "True") for condition in node.ifs)
            case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and not value.value):
                yield self.place(node), "return None"
            case ast.Continue():
                yield self.place(node), "break"
            case ast.Break():
                yield self.place(node), "continue"
            case ast.Raise() | ast.AugAssign() | ast.Delete() | ast.Expr(value=ast.Call()):
                yield self.place(node), "pass"
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
                yield self.place(node), "pass"
            case _:
                pass


def mutants_of(file: str) -> list[Mutant]:
    """Return every mutant of a file, in the order of its text; of several that read the same, the first."""
    source = Source(file, source_of(file))
    found: dict[bytes, Mutant] = {source.bytes: source.mutant((0, 0), "", "")}
    seen = Counter[str]()
    for top in ast.parse(source.bytes).body:
        part = hashlib.sha256(source.bytes[slice(*source.place(top))]).hexdigest()[:16]
        for scope, place, text in source.walk(top):
            mutant = source.mutant(place, text, scope)
            with contextlib.suppress(SyntaxError):
                compile(mutant.applied(), file, "exec")
                if mutant.applied() not in found:
                    seen[mutant.key] += 1
                    again = f"again {seen[mutant.key]}" if seen[mutant.key] > 1 else ""
                    found[mutant.applied()] = replace(mutant, name=again, part=part)
    return sorted(list(found.values())[1:], key=lambda mutant: mutant.place)


def named_mutants(rows: Iterable[dict[str, str]]) -> list[Mutant]:
    """Return the mutants that are stated by name; the text of each must stand in its file exactly once."""
    found = []
    for row in rows:
        source, old = Source(row["file"], source_of(row["file"])), row["old"].encode()
        if source.bytes.count(old) != 1:
            sys.exit(f"{row['name']} of {STATED.name} is not once in {row['file']}: {row['old']}; state it anew")
        at = source.bytes.index(old)
        mutant = source.mutant((at, at + len(old)), row["new"], "", row["name"])
        found.append(replace(mutant, near=tuple(row.get("near", "").split()), part=digest(row["file"])))
    return found


def play(tree: Path, tests: tuple[str, ...], seconds: int) -> None:
    """Run tests in a copy of the checkout, for so much CPU time at most, and end this process with their code."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    # CPU time, as a busy machine must not turn a survivor into a timeout.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    written = os.open(tree.with_suffix(".log"), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for stream in (0, 1, 2):
        os.dup2(written, stream)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    os.environ |= {"PYTHONPATH": str(tree), "PYTEST_DEBUG_TEMPROOT": str(tree.parent)}
    os._exit(int(importlib.import_module("pytest").main([*OPTIONS, *tests])))


def cpu_of_children() -> float:
    """Return the CPU seconds of every run of tests that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Bench:
    """Plays tests against one mutant after the other, several at a time, each in a copy of its own."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self.free, self.stamps = [folder / f"copy{number}" for number in range(jobs)], count(1)
        self.playing: dict[int, tuple[ForkProcess, Path, Mutant | None, float]] = {}
        # With what is not committed yet, as it is now.
        listed = ["git", "ls-files", "-coz", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
        for tree, name in product(self.free, names):
            if name and (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, tree / name)

    def write(self, tree: Path, file: str, source: bytes) -> None:
        # A time that no version had before: compiled files of two mutants must not be taken for each other.
        (tree / file).write_bytes(source)
        os.utime(tree / file, (stamp := next(self.stamps), stamp))

    def start(self, mutant: Mutant | None, tests: tuple[str, ...], seconds: int) -> None:
        tree = self.free.pop()
        if mutant is not None:
            self.write(tree, mutant.file, mutant.applied())
        process = multiprocessing.get_context("fork").Process(target=play, args=(tree, tests, seconds))
        process.start()
        self.playing[process.sentinel] = (process, tree, mutant, time.monotonic() + HANGS)

    def ended(self) -> Iterator[tuple[Mutant | None, str]]:
        """Wait for a while; tell what has ended as "lived", "killed" or "timeout"."""
        wait(list(self.playing), timeout=0.2)
        for sentinel, (process, tree, mutant, until) in list(self.playing.items()):
            hangs = process.is_alive() and time.monotonic() > until
            if hangs or not process.is_alive():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid or 0, signal.SIGKILL)
                process.join()
                del self.playing[sentinel]
                if mutant is not None:
                    self.write(tree, mutant.file, source_of(mutant.file))
                self.free.append(tree)
                late = hangs or process.exitcode in (-signal.SIGXCPU, -signal.SIGKILL)
                yield mutant, "timeout" if late else "killed" if process.exitcode else "lived"


def judged(mutants: list[Mutant], jobs: int, kept: dict[str, list[str]]) -> Iterator[tuple[Mutant, str]]:
    """Tell of every mutant whether it lived, was killed or ran into its timeout; play tests where it is not kept."""
    states = {mutant: [mutant.part, digest(mutant.file, *mutant.tests)] for mutant in mutants}
    waiting = []
    for mutant in mutants:
        verdict, *seen = kept.get(mutant.key, ["", "", ""])
        if seen == states[mutant] or (verdict in ("killed", "timeout") and seen[0] == mutant.part):
            yield mutant, verdict
        else:
            waiting.append(mutant)
    for library in HEAVY if waiting else ():
        importlib.import_module(library)
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder, KEPT.open("a", encoding="utf-8") as told:
        bench = Bench(Path(folder), jobs)
        seconds = {}
        for tests in dict.fromkeys(mutant.tests for mutant in waiting):
            before = cpu_of_children()
            bench.start(None, tests, HANGS)
            while not (ended := list(bench.ended())):
                pass
            if ended[0][1] != "lived":
                sys.exit(f"{bench.free[-1].with_suffix('.log').read_text()}without any change: {ended[0][1]}")
            seconds[tests] = 5 + 4 * ceil(cpu_of_children() - before)
        waiting.reverse()
        while waiting or bench.playing:
            while waiting and bench.free:
                mutant = waiting.pop()
                bench.start(mutant, mutant.tests, seconds[mutant.tests])
            for one, verdict in bench.ended():
                if one is not None:
                    print(json.dumps([one.key, verdict, *states[one]]), file=told, flush=True)
                    yield one, verdict


def told(console: Console, verdicts: dict[Mutant, str], equivalent: set[str]) -> bool:
    """Print every survivor and the kills by file; return whether all is well."""
    table = Table("file", "mutants", "killed", "timeout", "lived", "equivalent", "died")
    counts, well = Counter[tuple[str, str]](), True
    for mutant in sorted(verdicts, key=lambda mutant: (mutant.file, mutant.place)):
        verdict = "equivalent" if mutant.key in equivalent else verdicts[mutant]
        counts.update((file, verdict) for file in (mutant.file, "all"))
        noticed = verdict == "equivalent" and verdicts[mutant] != "lived"
        well = well and not noticed and not (verdict == "lived" and mutant.name.startswith("M"))
        if verdict == "lived" or noticed:
            line = source_of(mutant.file)[: mutant.place[0]].count(b"\n") + 1
            words = "  stated as equivalent, but a test notices it" if noticed else ""
            place = f"{mutant.file}:{line} {mutant.scope} {mutant.name}{words}"
            console.print(f"{place}\n  - {mutant.old}\n  + {mutant.new}", markup=False, highlight=False, soft_wrap=True)
    died = 1.0
    for file in (*dict.fromkeys(mutant.file for mutant in verdicts), "all"):
        killed, late, lived, same = (counts[file, word] for word in ("killed", "timeout", "lived", "equivalent"))
        died = (killed + late) / max(1, killed + late + lived)
        table.add_row(file, *map(str, (killed + late + lived + same, killed, late, lived, same)), f"{died:.1%}")
    console.print(table)
    return well and died >= GOAL


def main(asked: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave no copy behind
    stated = tomllib.loads(STATED.read_text(encoding="utf-8"))
    console = Console(width=None if sys.stdout.isatty() else 160)
    KEPT.parent.mkdir(exist_ok=True)
    lines = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() and not asked.fresh else []
    kept = {key: told for key, *told in map(json.loads, lines)}
    mutants = named_mutants(stated["named"]) if asked.named else []
    rows = {
        "\n".join((row["file"], row["in"], row.get("again", ""), row["old"], row["new"])): row
        for row in stated.get("equivalent", [])
    }
    for file in () if asked.named else NEAR:
        if not asked.only or file.endswith(tuple(asked.only)):
            own = mutants_of(file)
            gone = [key for key, row in rows.items() if row["file"] == file and key not in {one.key for one in own}]
            if gone:
                sys.exit(f"{STATED.name} states what is no mutant (any more):\n" + "\n\n".join(gone))
            own = [one for one in own if not asked.lived or kept.get(one.key, [""])[0] == "lived"]
            mutants += random.Random(asked.seed).sample(own, min(asked.sample or len(own), len(own)))
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    verdicts: dict[Mutant, str] = {}
    with Progress(*columns, console=console, auto_refresh=False, disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task("mutants", total=len(mutants))
        for mutant, verdict in judged(mutants, asked.jobs, kept):
            verdicts[mutant] = verdict
            progress.update(task, advance=1, description=Path(mutant.file).stem, refresh=True)
    return 0 if told(console, verdicts, set(rows)) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="FILE", help="end of a path: sizing.py")
    parser.add_argument("--named", action="store_true", help="the mutants that mutants.toml names, and no others")
    parser.add_argument("--lived", action="store_true", help="those that lived when they were judged last")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="at most N mutants of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="judge again what has been judged")
    sys.exit(main(parser.parse_args()))
