"""What strategies there are, and what each says of itself."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from inspect import getdoc
from typing import Any

from mtum.config import Settings, own_strategies
from mtum.core.canonical import plain
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Strategy
from mtum.errors import UsageError


def listed(settings: Settings) -> list[dict[str, Any]]:
    """Return one line for each strategy of the registry, as plain JSON values."""
    own, used = own_strategies(), _used(settings)
    return [
        {
            "name": name,
            "from": own[name].origin if name in own else "mtum",
            "code_hash": own[name].digest if name in own else None,
            "sleeves": used.get(name, []),
            "about": _about(cls).split("\n")[0],
        }
        for name, cls in STRATEGIES.items()
    ]


def shown(settings: Settings, name: str) -> dict[str, Any]:
    """Return what a strategy says of itself, with the parameters in force, as plain JSON values.

    Raises
    ------
    UsageError
        If there is no strategy of that name.
    """
    cls = known(name)
    made = settings.general(name)
    (line,) = (one for one in listed(settings) if one["name"] == name)
    rules = [{"name": spec.name, "role": spec.role.value, "words": spec.words} for spec in cls.CONDITIONS]
    return {
        **line,
        "doc": _about(cls),
        "parameters": [
            {
                "name": one.name,
                "value": None if made is None else plain(getattr(made, one.name)),
                "default": None if one.default is MISSING else plain(one.default),
                "doc": str(one.metadata.get("doc", "")),
            }
            for one in fields(cls)  # type: ignore[arg-type]  # the registry holds dataclasses
        ],
        "conditions": rules,
        "reasons": {word: words for word, words in cls.REASONS.items() if words},
        "needs": {} if made is None else _needs(made),
    }


def known(name: str) -> type[Strategy]:
    """Return the strategy of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in STRATEGIES:
        raise UsageError(
            f'there is no strategy "{name}"; there are {", ".join(sorted(STRATEGIES))}. A file of your own is named '
            f"under [plugins] in the settings; `mtum strategy new {name}` writes one"
        )
    return STRATEGIES[name]


def _needs(made: Strategy) -> Mapping[str, Any]:
    return {
        "symbols": list(made.universe()),
        "reads": list(made.reads()),
        "series": list(made.series()),
        "sessions": made.history_sessions(),
        "calendar": made.CALENDAR,
        "dividends": made.TOTAL_RETURNS,
    }


def _used(settings: Settings) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for sleeve, one in settings.configured().items():
        found.setdefault(one.strategy, []).append(sleeve)
    return found


def _about(cls: type[Strategy]) -> str:
    return (getdoc(cls) or "").strip()
