"""The settings with which one strategy is shown on an embedded market."""

from collections.abc import Iterator, Mapping
from typing import Any

from mtum.app.owner.settings_catalog import catalog, toml_text
from mtum.config import Settings, own_strategies
from mtum.core.strategies import STRATEGIES
from mtum.errors import UsageError

FREE = {"risk.max_daily_loss_usd": "none", "risk.max_position_usd": "none", "risk.max_daily_loss_frac": 0.10}
"""An example has the limits of a sleeve, which know no fixed amounts."""
OF_OPTIONS = {"options.max_contracts": 100, "portfolio.account_kind": "margin"}
"""What an example of options needs: a hedge of its capital takes more than ten contracts in one order, and no spread of
options on shares is taken in a cash account."""
_KEPT = ("portfolio", "risk", "market", "options")
"""Sections of a person's own settings that an example keeps, beside the strategy's."""


def example_changes(settings: Settings, name: str, market: str | None) -> dict[str, Any]:
    """Return by name what the settings of a strategy's example are beside the defaults.

    Whatever a person set otherwise than its default wins.

    Parameters
    ----------
    settings : Settings
        The person's own.
    name : str
        Of the strategy.
    market : str or None
        Embedded market to play on instead of the example's.

    Raises
    ------
    UsageError
        If there is no strategy of that name.
    """
    if name not in STRATEGIES:
        raise UsageError(f'there is no strategy "{name}"; use one of {", ".join(sorted(STRATEGIES))}')
    example = STRATEGIES[name].EXAMPLE
    own = {str(one.file) for one in own_strategies().values() if one.file is not None}
    chosen: dict[str, Any] = {
        **({"plugins.strategies": tuple(sorted(own))} if own else {}),
        "market.sample": example.market,
        "portfolio.capital_usd": example.capital_usd,
        **FREE,
        **(OF_OPTIONS if STRATEGIES[name].OPTIONS else {}),
        **{f"strategy.{name}.{key}": value for key, value in example.settings.items()},
        **dict(_own(settings, (*_KEPT, f"strategy.{name}"))),
        "market.source": "sample",
        "portfolio.strategy": name,
    }
    return {**chosen, "market.sample": market} if market is not None else chosen


def settings_file(name: str, chosen: Mapping[str, Any]) -> str:
    """Return the text of the settings file of a strategy's example."""
    lines = [f"# What `mtum demo --strategy {name}` plays.", 'mode = "practice"']
    for section in dict.fromkeys(key.rpartition(".")[0] for key in chosen):
        values = {key.rpartition(".")[2]: value for key, value in chosen.items() if key.rpartition(".")[0] == section}
        lines += ["", f"[{section}]", *(f"{key} = {toml_text(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def _own(settings: Settings, sections: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    document = settings.document()
    for setting in catalog():
        part: Any = document
        for step in setting.name.split("."):
            part = part.get(step) if isinstance(part, Mapping) else None
        default = toml_text(setting.default)
        if setting.section in sections and part is not None and (setting.required or toml_text(part) != default):
            yield setting.name, part
