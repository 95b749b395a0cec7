"""Write the defaults of our strategies to the file that stands for them: mtum/config/defaults.json.

    uv run python tests/tools/strategy_defaults.py

Run it when a parameter of a strategy, or its default, has changed. A stale file fails the tests.
"""

import json
from dataclasses import fields
from typing import Any

from mtum.config.defaults import FILE
from mtum.config.names import required_of
from mtum.core.canonical import plain
from mtum.core.strategies import OURS, STRATEGIES


def defaults_of(name: str) -> dict[str, Any]:
    """Parameters of a strategy as its class declares them."""
    cls: Any = STRATEGIES[name]
    required = required_of(name)
    made = cls(**{key: STRATEGIES[name].EXAMPLE.settings[key] for key in required})
    names = [one.name for one in fields(cls)]
    return {
        "required": [*required],
        "defaults": {key: None if key in required else plain(getattr(made, key)) for key in names},
    }


def text() -> str:
    """What the file should hold."""
    rows = (f"{json.dumps(name)}: {json.dumps(defaults_of(name))}" for name in OURS)
    return "{\n" + ",\n".join(rows) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text())
