"""The project's own source, parsed: what the rule tests look at."""

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_OURS = {".git", ".venv", "build", "dist", "data", "node_modules", "__pycache__", ".hypothesis"}

type Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """One Python file: path below the project's top, lines of text, syntax tree."""

    path: str
    lines: tuple[str, ...]
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class with the place where it stands and the names of the classes and functions around it."""

    module: Module
    node: Function | ast.ClassDef
    parents: tuple[Function | ast.ClassDef, ...]

    @property
    def place(self) -> str:
        names = ".".join([*(parent.name for parent in self.parents), self.node.name])
        return f"{self.module.path}:{self.node.lineno} {names}"

    @property
    def is_public(self) -> bool:
        return not any(node.name.startswith("_") for node in (*self.parents, self.node)) and not any(
            isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef) for parent in self.parents
        )


@cache
def modules(top: str, *others: str) -> tuple[Module, ...]:
    """Every Python file below the named top folders, in order of path."""
    if others:
        return tuple(module for one in (top, *others) for module in modules(one))
    found = []
    for path in sorted((ROOT / top).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        found.append(Module(name, tuple(text.splitlines()), ast.parse(text, filename=name)))
    # Millions of nodes that stay: each later collection of garbage would walk through all of them for a second.
    gc.freeze()
    return tuple(found)


@cache
def definitions(module: Module) -> tuple[Definition, ...]:
    """Every function, method and class of a module, the nested ones too."""
    found: list[Definition] = []

    def below(node: ast.AST, parents: tuple[Function | ast.ClassDef, ...]) -> None:
        for child in ast.iter_child_nodes(node):
            # An expression holds no definition that has a name.
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.append(Definition(module, child, parents))
                below(child, (*parents, child))
            elif not isinstance(child, ast.expr):
                below(child, parents)

    below(module.tree, ())
    return tuple(found)


def body_lines(node: Function) -> int:
    """Lines of a function's body without its docstring and without empty lines at either end."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def arguments(node: Function) -> list[str]:
    """Parameter names, self and cls left out."""
    spec = node.args
    named = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *(extra for extra in (spec.vararg, spec.kwarg) if extra)]
    return [argument.arg for argument in named if argument.arg not in ("self", "cls")]


def texts() -> Iterator[tuple[str, str]]:
    """Path and text of every text file of the project, whatever its kind; caches, builds and data left out."""
    for folder, inner, names in ROOT.walk():
        inner[:] = sorted(name for name in inner if name not in NOT_OURS and not name.endswith(("_cache", ".egg-info")))
        for name in sorted(names):
            # `config.toml` may be the user's own by now; in a worktree `.git` is a file that names its folder.
            if name in ("config.toml", "uv.lock", ".git") or name.endswith(".pyc"):
                continue
            try:
                yield (folder / name).relative_to(ROOT).as_posix(), (folder / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
