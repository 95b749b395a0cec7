"""What a trader reads as one number is worked out in one place: each has its sign, and a list of where it may stand.

A compiled twin of the fast backtest stands beside its definition where a test proves both equal.
"""

import ast
from collections.abc import Callable

from support.source_tree import modules

KERNEL = "mtum/core/simulation/kernel/"
TWINS = (KERNEL, "mtum/core/simulation/walker/")
"""Folders of compiled twins, named like the first."""


def named(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
        case _:
            return ""


def defines(*names: str) -> Callable[[ast.AST], bool]:
    return lambda node: isinstance(node, ast.FunctionDef) and node.name in names


def makes(*names: str) -> Callable[[ast.AST], bool]:
    return lambda node: named(node) in names


def running_peak(node: ast.AST) -> bool:
    return named(node) == "accumulate" and "max" in ast.unparse(node)


def over_peak(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and "peak" in ast.unparse(node.right)


def relative_strength(node: ast.AST) -> bool:
    """Whether it reads x * up / (up + down)."""
    match node:
        case ast.BinOp(
            left=ast.BinOp(op=ast.Mult(), right=up), op=ast.Div(), right=ast.BinOp(left=whole, op=ast.Add())
        ):
            return ast.unparse(up) == ast.unparse(whole)
        case _:
            return False


def counts_down(node: ast.AST) -> bool:
    """Whether a loop over what is held takes the smaller of two and counts one of them down by it."""
    if not isinstance(node, ast.For | ast.While):
        return False
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    if not names & {"book", "held", "lot", "lots", "shares", "fill"}:
        return False
    inside = [one for part in node.body for one in ast.walk(part)]
    smaller = {ast.unparse(given) for one in inside if named(one) == "min" for given in one.args}  # type: ignore[attr-defined]
    return any(
        isinstance(one, ast.AugAssign) and isinstance(one.op, ast.Sub) and ast.unparse(one.target) in smaller
        for one in inside
    )


def whole_shares_of_cash(node: ast.AST) -> bool:
    return named(node) == "floor" and "cash" in ast.unparse(node) and "/" in ast.unparse(node)


def tried_again(node: ast.AST) -> bool:
    """Whether a loop catches what failed and sleeps before the next time."""
    inside = list(ast.walk(node)) if isinstance(node, ast.For | ast.While) else []
    return any(isinstance(one, ast.Try) for one in inside) and any(named(one) in ("pause", "sleep") for one in inside)


def waits_for_thread(node: ast.AST) -> bool:
    return named(node) == "Thread"


ONCE: dict[str, tuple[Callable[[ast.AST], bool], set[str]]] = {
    "running peak": (running_peak, {"mtum/core/portfolio/returns.py", "mtum/core/research/bootstrap.py"}),
    "fall from a peak": (over_peak, {"mtum/core/portfolio/limits.py", KERNEL}),
    "buy and hold": (whole_shares_of_cash, {"mtum/core/portfolio/benchmark.py", KERNEL}),
    "first in, first out": (counts_down, {"mtum/core/portfolio/fills.py"}),
    "round trip": (makes("Trade"), {"mtum/core/portfolio/lots.py"}),
    "RSI": (
        relative_strength,
        {
            "mtum/core/indicators/rsi.py",
            "mtum/core/indicators/second_opinion.py",
            "mtum/core/indicators/twins/averages.py",
            KERNEL,
        },
    ),
    "commission": (defines("commission"), {"mtum/core/portfolio/costs.py", KERNEL}),
    "shares of a budget": (defines("shares_for"), {"mtum/core/portfolio/sizing.py", KERNEL}),
    "interval of a rate": (defines("wilson"), {"mtum/core/portfolio/returns.py"}),
    "retry": (tried_again, {"mtum/adapters/clock.py"}),
    # Settings, which may not know an adapter, wait for the desktop's keyring by themselves; the thread of a worker
    # waits for no work: it ends with who started it. So do those that look for what the pages
    # show, and for how far a backtest is that one of them started, and for last prices.
    "time limit": (
        waits_for_thread,
        {
            "mtum/adapters/clock.py",
            "mtum/config/loading.py",
            "mtum/adapters/worker_processes.py",
            "mtum/web/stream.py",
            "mtum/web/backtests.py",
            "mtum/web/quotes.py",
            "mtum/cli/background.py",
        },
    ),
}
"""What is worked out -> how its code is known, and where it stands."""


def test_everything_is_worked_out_in_one_place() -> None:
    found: dict[str, set[str]] = {what: set() for what in ONCE}
    for module in modules("mtum", "jobs"):
        for node in ast.walk(module.tree):
            for what, (known, _) in ONCE.items():
                if known(node):
                    found[what].add(KERNEL if module.path.startswith(TWINS) else module.path)
    assert found == {what: places for what, (_, places) in ONCE.items()}
