"""What the form of a backtest asks for, as words of the command; what is wrong is told of its field."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from mtum.config import Settings
from mtum.errors import UsageError

MOST_LINES, LONGEST_CHANGE = 40, 200
CHANGED = ("strategy", "sleeve", "group", "portfolio", "risk")
"""Sections of the settings that a page may change for a backtest: none of them names a file or an address."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "source": ("", "sample"),
    "decision": ("official", "near_close"),
    "fill": ("same_close", "next_open"),
    "settlement": ("none", "calendar"),
}
"""Field -> words it may have, the first of them when nothing is given."""
TICKS = ("skip_unfit", "check")
_OPTIONS = (
    {"skip_unfit": "--skip-unfit"}
    | {"slippage": "--slippage-bps", "changes": "--set", "play": "--strategy"}
    | {name: f"--{name}" for name in ("symbol", "start", "end", *CHOICES)}
)
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9. -]{0,14}")

type Form = Mapping[str, str]


class FormError(UsageError):
    """Fields of a form that are not right, each with what is wrong with it."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        self.wrong = dict(wrong)
        super().__init__("; ".join(self.wrong.values()))


def asked_words(settings: Settings, form: Form) -> list[str]:
    """Return the words of the command that a form asks for.

    Raises
    ------
    FormError
        Naming every field that is not right.
    """
    wrong: dict[str, str] = {}
    words: list[str] = []

    def given(name: str) -> str:
        return form.get(name, "").strip()

    kind, _, name = given("play").partition(":")
    if kind in ("strategy", "sleeve") and name in plays(settings)[kind]:
        words += [f"--{kind}", name]
    elif given("play"):
        wrong["play"] = f'there is no "{given("play")[:60]}" to play; choose one of the list'
    symbol = given("symbol").upper()
    if symbol and not _SYMBOL.fullmatch(symbol):
        wrong["symbol"] = f'"{symbol[:40]}" is no symbol; write one such as SPY'
    elif symbol:
        words += ["--symbol", symbol]
    words += _days(given("start"), given("end"), wrong)
    for name, possible in CHOICES.items():
        chosen = given(name) or possible[0]
        if chosen not in possible:
            wrong[name] = f'"{chosen[:40]}" is not possible; choose one of {", ".join(filter(None, possible))}'
        elif chosen != possible[0]:
            words += [f"--{name}", chosen]
    words += _slippage(given("slippage"), wrong)
    words += _changes(form.get("changes", ""), wrong)
    words += [f"--{name.replace('_', '-')}" for name in TICKS if given(name) == "yes"]
    if wrong:
        raise FormError(wrong)
    return words


def plays(settings: Settings) -> Mapping[str, Sequence[str]]:
    """Return what can be played beside the whole account: sleeves and strategies by name."""
    from mtum.core.strategies import STRATEGIES

    return {"sleeve": list(settings.sleeve), "strategy": sorted(STRATEGIES)}


def field_of(text: str, form: Form) -> str:
    """Return the field that a problem of the command is about; "" for the form as a whole."""
    names = [line.partition("=")[0].strip() for line in form.get("changes", "").splitlines() if "=" in line]
    if any(name in text for name in names):
        return "changes"
    symbol = form.get("symbol", "").strip().upper()
    if symbol and text.startswith(f"{symbol}:") and "no session from" not in text:
        return "symbol"
    if "no session from" in text:
        return "start"
    if "strategy." in text or "there is no strategy" in text:
        return "play"
    places = {name: text.find(option) for name, option in _OPTIONS.items() if option in text}
    return min(places, key=lambda name: places[name]) if places else ""


def _days(first: str, last: str, wrong: dict[str, str]) -> list[str]:
    start, end = _day(first, "start", wrong), _day(last, "end", wrong)
    if start and end and start > end:
        wrong["end"] = f"the last session, {end}, is before the first, {start}"
    return [word for name, day in (("--start", start), ("--end", end)) if day for word in (name, day.isoformat())]


def _slippage(text: str, wrong: dict[str, str]) -> list[str]:
    try:
        points = float(text or 0)
    except ValueError:
        points = -1.0
    if not 0 <= points <= 1000:
        wrong["slippage"] = f'"{text[:40]}" is no number of basis points from 0 to 1000'
        return []
    return ["--slippage-bps", f"{points:g}"] if points else []


def _changes(text: str, wrong: dict[str, str]) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        wrong["changes"] = f"{len(lines)} settings are too many; the form takes {MOST_LINES}"
        return []
    words = []
    for line in lines:
        name, equals, _ = line.partition("=")
        if not equals or len(line) > LONGEST_CHANGE:
            wrong["changes"] = f'"{line[:60]}" is not KEY=VALUE, such as portfolio.cost_frac=0.002'
            break
        if name.strip().partition(".")[0] not in CHANGED:
            wrong["changes"] = (
                f'"{name.strip()[:60]}" cannot be changed here, only settings of {", ".join(CHANGED)}; '
                "for others type the command"
            )
            break
        words += ["--set", line]
    return words


def _day(text: str, name: str, wrong: dict[str, str]) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        wrong[name] = f'"{text[:40]}" is no day; write it as 2018-01-31'
        return None
