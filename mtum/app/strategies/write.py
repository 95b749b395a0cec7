"""A file to begin a strategy with, and the line of the settings that names it."""

import keyword
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from mtum.config import SLEEVE_NAME, read_toml
from mtum.config.names import RESERVED
from mtum.core.strategies import ALIASES, STRATEGIES
from mtum.errors import UsageError

TEMPLATE = '''\
"""{title}: hold a share while it closes above its average. Change it, then `mtum strategy check {name}`."""

from dataclasses import dataclass, field
from typing import ClassVar

from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target, above
from mtum.core.strategies.description import ConditionSpec, IndicatorSpec, Role


@dataclass(frozen=True)
class {title}(Strategy):
    """Long above the average of the last sessions, else in cash."""

    name: ClassVar[str] = "{name}"  # in the settings: [strategy.{name}], or a sleeve with strategy = "{name}"
    # Every condition and every reason, in a trader's words; an empty text takes the condition's.
    CONDITIONS: ClassVar = (ConditionSpec("{name}_above", Role.ENTRY, "close above its average", "not above it"),)
    REASONS: ClassVar = {{"{name}_above": "", "{name}_left": "it closed below its average", "hold": ""}}

    # The parameters: each is a setting. Yours are refused where problems() says so.
    symbol: str = field(default="MTUM", metadata={{"doc": "what is traded"}})
    sessions: int = field(default=50, metadata={{"doc": "sessions of the average"}})

    def universe(self):
        return (self.symbol,)

    def history_sessions(self):
        return self.sessions  # bars that are needed, today's included

    def problems(self):
        wrong = () if self.symbol and self.symbol == self.symbol.upper() else ("symbol is no upper-case ticker",)
        return wrong if 2 <= self.sessions <= 500 else (*wrong, "sessions: use a whole number from 2 to 500")

    def indicators(self):
        return (IndicatorSpec("{name}_average", "sma", (("sessions", self.sessions),), "USD", "average"),)

    def verdicts(self, view, own: Own):
        close = round(float(view.bars[self.symbol].close[-1]), 6)  # today's, as it stands at the decision
        average = view.newest(self.symbol, self.indicators()[0])
        rule = above("{name}_above", close, average)
        held = own.of(self.symbol).shares > 0
        wish = Keep() if rule.passed == held else Target(1.0 if rule.passed else 0.0)
        reason = "hold" if rule.passed == held else "{name}_above" if rule.passed else "{name}_left"
        return (SymbolVerdict(self.symbol, wish, (reason,), (rule,), {{"close": close, "{name}_average": average}}),)


def test_impossible_parameters_are_refused():  # `mtum strategy check {name}` runs every test_ function of the file
    assert {title}(sessions=1).problems()
    assert not {title}().problems()
'''
SETTINGS = """\
# Settings of mtum; what is left out has its default. `mtum config show` lists everything.
"""
_SECTION = re.compile(r"^\[plugins\][^\[]*?^strategies\s*=\s*\[(?P<files>[^\]#]*)\]", re.MULTILINE)


class Written(Struct, frozen=True):
    """What `new` did: the files it wrote or changed, and what is left for a person to do."""

    strategy: Path
    settings: Path
    changed: str
    left: str = ""


def new_strategy(name: str, settings_file: Path | None) -> Written:
    """Write a strategy to begin with beside the settings, and name it there.

    Parameters
    ----------
    settings_file : Path or None
        The settings in force; None where there are none yet: then a config.toml is written too.

    Raises
    ------
    UsageError
        If the name cannot be used, or the file exists or cannot be written.
    """
    settings = (settings_file or Path("config.toml")).absolute()
    wrong = _wrong_name(name, settings.parent)
    if wrong:
        raise UsageError(f'"{name}" {wrong}')
    if settings_file is not None:
        read_toml(settings)  # what is no settings file is told before anything is written
    file = settings.parent / f"{name}.py"
    text = TEMPLATE.format(name=name, title=name.title().replace("_", ""))
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError as error:
        raise UsageError(f"{file} exists and stays as it is; choose another name, or check it as it is") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    line = f'strategies = ["{file.name}"]'
    if settings_file is None:
        return _begun(file, settings, line)
    before = settings.read_bytes().decode("utf-8-sig")
    after = _extended(before, file.name)
    if after is None:
        told = f'add "{file.name}" to the list strategies under [plugins] in {settings}'
        return Written(file, settings, "", told)
    if after != before:
        try:
            settings.write_text(after, encoding="utf-8")
        except OSError as error:
            return Written(file, settings, "", f"write [plugins] {line} into {settings}: {error.strerror}")
    return Written(file, settings, f"{settings} names it under [plugins]")


def _wrong_name(name: str, folder: Path) -> str | None:
    # In words that follow the name.
    if not SLEEVE_NAME.fullmatch(name):
        return "is no name: use a small letter and up to 23 more small letters, digits or underscores"
    if name in STRATEGIES or name in ALIASES or name in RESERVED:
        return "is taken; `mtum strategy list` shows the names there are"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a word of Python; choose another name"
    # Its file would stand in the way of that module where a command is started in its folder.
    known = find_spec(name)
    if known is not None and (not known.origin or Path(known.origin).parent != folder):
        return "is the name of a Python module; choose another name"
    return None


def _begun(file: Path, settings: Path, line: str) -> Written:
    try:
        with settings.open("x", encoding="utf-8") as opened:
            opened.write(f"{SETTINGS}[plugins]\n{line}\n")
    except OSError as error:
        return Written(file, settings, "", f"write [plugins] {line} into {settings}: {error.strerror}")
    return Written(file, settings, f"{settings} is new and names it under [plugins]")


def _extended(text: str, file: str) -> str | None:
    """Return the settings with one more file of strategies; None where that cannot be done without doubt."""
    given = tomllib.loads(text)
    plugins = given.get("plugins", {})
    files = plugins.get("strategies", []) if isinstance(plugins, dict) else None
    if not isinstance(files, list):
        return None
    if file in files:
        return text
    if "plugins" not in given:
        after = f'{text.rstrip()}\n\n[plugins]\nstrategies = ["{file}"]\n'
    elif found := _SECTION.search(text):
        before = found["files"].rstrip().rstrip(",")
        listed = f'{before}, "{file}"' if before.strip() else f'"{file}"'
        after = text[: found.start("files")] + listed + text[found.end("files") :]
    else:
        return None
    try:
        now = tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        return None
    return after if now == {**given, "plugins": {**plugins, "strategies": [*files, file]}} else None
