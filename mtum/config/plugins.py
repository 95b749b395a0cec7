"""A person's own strategies: what their files and installed packages hold joins the registry of this process."""

import builtins
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import MISSING, fields
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mtum.config.kinds import parts_of, readable
from mtum.config.named_files import why_unreadable
from mtum.config.names import RESERVED, SLEEVE_NAME
from mtum.core.market.timeframes import INTRADAY
from mtum.core.strategies import ALIASES, STRATEGIES
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.description import Example
from mtum.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "mtum.strategies"
"""Entry points of installed packages that name a strategy."""
_MODULE = "mtum_own_"
_MOST_SESSIONS = 10_000
_ANSWERS = {
    "problems": "a tuple of texts",
    "universe": "a tuple of tickers, one at least,",
    "reads": "a tuple of tickers",
    "series": "a tuple of names",
    "history_sessions": f"a whole number from 1 to {_MOST_SESSIONS}",
    "bar_columns": "a tuple of names",
    "intraday_bars": "a mapping of timeframes within the session to whole numbers from 1",
    "indicators": "a tuple of IndicatorSpec",
    "panels": "a tuple of ChartPanel",
    "contradictions": "a tuple of texts",
    "benchmark": "a mapping of tickers to weights",
    "least_trade_usd": "a number from 0",
}
"""What every strategy answers of itself."""
_OWED = ("universe", "history_sessions", "verdicts")


class OwnStrategy(Struct, frozen=True):
    """A strategy that does not come with this program.

    Parameters
    ----------
    origin : str
        The file, or the entry point of an installed package.
    file : Path or None
        The file; None for a package.
    source : bytes
        What the file was when it was read.
    digest : str
        Short hash of the code it was read from.
    """

    name: str
    cls: type[Strategy]
    origin: str
    file: Path | None
    source: bytes
    digest: str


_own: dict[str, OwnStrategy] = {}
_read: dict[tuple[Path, bytes], tuple[OwnStrategy, ...]] = {}


def own_strategies() -> Mapping[str, OwnStrategy]:
    """Return the strategies of this process that are not ours, by name."""
    return dict(_own)


def use_strategies(files: Sequence[Path], sources: Mapping[Path, bytes] | None = None) -> None:
    """Make the strategies of these files and of installed packages those of this process, beside ours.

    Parameters
    ----------
    sources : mapping of Path to bytes
        What to take for a file in place of what it holds now.

    Raises
    ------
    ConfigError
        Naming every file that cannot be used, and why; the registry stays as it was.
    """
    found: dict[str, OwnStrategy] = {}
    problems: list[str] = []
    ours = (STRATEGIES.keys() | ALIASES.keys()) - _own.keys()
    for each in (*(_of_file(path, (sources or {}).get(path)) for path in files), *map(_of_package, _installed())):
        if isinstance(each, str):
            problems.append(each)
            continue
        for one in each:
            if one.name in ours or one.name in RESERVED or one.name in found:
                by = found[one.name].origin if one.name in found else "this program"
                problems.append(f'{one.origin}: the name "{one.name}" is taken by {by}; give the strategy another')
            else:
                found[one.name] = one
    if problems:
        raise ConfigError(problems)
    # Whoever reads the registry meanwhile finds one version of each or the other.
    STRATEGIES.update({name: one.cls for name, one in found.items()})
    gone = _own.keys() - found.keys()
    _own.update(found)
    for name in gone:
        del _own[name]
        STRATEGIES.pop(name, None)


def listed_files(given: object, beside: Path | None) -> tuple[Path, ...]:
    """Return the files that `plugins.strategies` names, relative to the folder of the settings file.

    Something else than a list of names is left to validation.
    """
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) and one for one in given):
        return ()
    folder = (beside.parent if beside else Path()).absolute()
    return tuple(folder / Path(one).expanduser() for one in dict.fromkeys(given))


def _of_file(path: Path, source: bytes | None) -> tuple[OwnStrategy, ...] | str:
    wrong = why_unreadable(path) if source is None else None
    if wrong:
        return f"plugins.strategies: {path} {wrong}; correct the name, or write it with `mtum strategy new`"
    source = path.read_bytes() if source is None else source
    if (path, source) not in _read:
        made = _made(path, source)
        if isinstance(made, str):
            return made
        _read[path, source] = made
    return _read[path, source]


def _made(path: Path, source: bytes) -> tuple[OwnStrategy, ...] | str:
    digest = sha256(source).hexdigest()[:16]
    # Two versions of a file may be in memory: each is a module of its own.
    module = ModuleType(f"{_MODULE}{path.stem}_{digest}")
    module.__file__ = str(path)
    vars(module)["print"] = _to_stderr
    before = {*sys.modules}
    sys.modules[module.__name__] = module
    try:
        with redirect_stdout(sys.stderr):
            exec(compile(source, str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a person's file may raise anything
        del sys.modules[module.__name__]
        return f"{path}: cannot be loaded: {told_where(error, str(path))}"
    beside = [name for name in {*sys.modules} - before if _folder(sys.modules[name]) == path.parent]
    if beside := [name for name in beside if name != module.__name__]:
        return f"{path}: it imports {beside[0]}.py, which stands beside it; a strategy stands in one file by itself"
    held: list[Any] = list(vars(module).values())
    classes = [one for one in held if isinstance(one, type) and one.__module__ == module.__name__]
    strategies: list[Any] = [one for one in classes if hasattr(one, "verdicts") and not one.__name__.startswith("_")]
    if not strategies:
        return f"{path}: it defines no strategy; `mtum strategy new NAME` writes one to begin with"
    wrong = [f"{path}: {line}" for one in strategies if (line := _wrong(one))]
    if wrong:
        return "; ".join(wrong)
    return tuple(OwnStrategy(one.name, one, str(path), path, source, digest) for one in strategies)


def _of_package(entry: "EntryPoint") -> tuple[OwnStrategy, ...] | str:
    origin = f"entry point {entry.name} = {entry.value}"
    try:
        with redirect_stdout(sys.stderr):
            cls = entry.load()
        wrong = _wrong(cls)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - so may a package
        return f"{origin}: cannot be loaded: {told_where(error)}"
    if wrong:
        return f"{origin}: {wrong}"
    return (OwnStrategy(cls.name, cls, origin, None, b"", _digest_of_package(cls)),)


@cache
def _installed() -> "tuple[EntryPoint, ...]":
    # The library that reads entry points is slow to load, and hardly any installation has one of these.
    folders = {Path(one or ".") for one in sys.path}
    files = (file for folder in folders for file in folder.glob("*-info/entry_points.txt"))
    if not any(f"[{GROUP}]".encode() in file.read_bytes() for file in files):
        return ()
    from importlib.metadata import entry_points

    return tuple(sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)))


def _digest_of_package(cls: type) -> str:
    # A package is several files, and which of them decide nobody knows: all of them count.
    top = sys.modules[cls.__module__.partition(".")[0]]
    file = Path(top.__file__ or "")
    files = sorted(file.parent.rglob("*.py")) if hasattr(top, "__path__") else [file]
    found = sha256()
    for path in files:
        found.update(path.relative_to(file.parent).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def _wrong(given: object) -> str | None:
    """Return what keeps a class from being a strategy, in words that follow its file."""
    cls: Any = given
    if not isinstance(given, type) or not hasattr(cls, "verdicts"):
        return f"{given!r} is no strategy: a frozen dataclass with a method verdicts is needed"
    about = f"class {cls.__name__}"
    parameters = getattr(cls, "__dataclass_params__", None)
    if "__dataclass_fields__" not in vars(cls) or not getattr(parameters, "frozen", False):
        return f"{about} is not a frozen dataclass; write @dataclass(frozen=True) above it"
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not SLEEVE_NAME.fullmatch(name):
        return (
            f'{about} has name = {name!r}; write name: ClassVar[str] = "...", a small letter and up to 23 more '
            "small letters, digits or underscores"
        )
    if Strategy not in cls.__mro__:
        return f"{about} does not build on Strategy; write class {cls.__name__}(Strategy)"
    if not isinstance(cls.EXAMPLE, Example):
        return f"{about}: EXAMPLE is {cls.EXAMPLE!r}; write EXAMPLE: ClassVar[Example] = Example()"
    owed = (one.name for one in fields(cls) if one.default is MISSING and one.default_factory is MISSING)
    unset = next((one for one in owed if one not in cls.EXAMPLE.settings), None)
    if unset:
        return f"{about}: the parameter {unset} has neither a default nor a value in EXAMPLE; give it one of both"
    try:
        unreadable = next((part.kind for part in parts_of(cls).values() if not readable(part.kind)), None)
    except Exception as error:  # noqa: BLE001 - an annotation in quotes may say anything
        return f"{about}: a parameter has a type that no setting can have: {error}"
    if unreadable is not None:
        return f"{about}: a parameter has a type that no setting can have: {unreadable}"
    missing = [method for method in _OWED if getattr(cls, method) is getattr(Strategy, method)]
    if missing:
        return f"{about} lacks the method {' and '.join(missing)}"
    return None


def told_where(error: BaseException, file: str = "") -> str:
    """Return an error in one line, with the line of the file where it arose."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not file or frame.filename == file]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
    text = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    where = f" (line {line})" if file and line else ""
    return f"{type(error).__name__}{': ' if text else ''}{text}{where}"


def problems_of(strategy: Strategy) -> tuple[str, ...]:
    """Return what is wrong with a strategy's parameters; of one that is not ours, also what it cannot say of itself."""
    if strategy.name not in _own:
        return strategy.problems()
    for name, wish in _ANSWERS.items():
        try:
            answer = getattr(strategy, name)
            answer = answer(1000.0) if name == "least_trade_usd" else answer() if callable(answer) else answer
            if name == "problems" and answer:
                return tuple(str(line) for line in answer)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a person's method may raise anything
            file = str(_own[strategy.name].file or "")
            return (f"{name} ended in an error: {told_where(error, file)}",)
        if not _fits(name, answer):
            return (f"{name} answered {answer!r}; {wish} is needed",)
    if not strategy.panels():
        return ()
    from mtum.core.strategies.history import panel_problems  # loads numpy

    try:
        return panel_problems(strategy)
    except AttributeError as error:
        return (f"panels answered what is no ChartPanel: {error}",)


def _fits(name: str, answer: object) -> bool:
    match name, answer:
        case "history_sessions", int():
            return 1 <= answer <= _MOST_SESSIONS
        case "least_trade_usd", float() | int():
            return answer >= 0
        case "benchmark", Mapping():
            return True
        case "intraday_bars", Mapping():
            return all(one in INTRADAY and isinstance(count, int) and count >= 1 for one, count in answer.items())
        case "universe" | "reads" | "series", tuple():
            return all(isinstance(one, str) and one for one in answer) and (name != "universe" or bool(answer))
        case _:
            others = ("history_sessions", "least_trade_usd", "benchmark", "intraday_bars")
            return name not in others and isinstance(answer, tuple)


def _folder(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).parent if file else None


def _to_stderr(*words: object, **options: Any) -> None:
    # Standard output is the command's own: with --json it holds one document and nothing else.
    builtins.print(*words, **{"file": sys.stderr, **options})  # noqa: T201 - a person's own print


def own_of(names: Sequence[str]) -> Iterator[OwnStrategy]:
    """Yield those of these strategies that are not ours."""
    yield from (_own[name] for name in dict.fromkeys(names) if name in _own)
