"""The names of all settings, in the file and in the environment, and the likeliest one for a misspelt name."""

import difflib
from collections.abc import Iterable
from dataclasses import fields

from mtum.config.sections import SECTIONS
from mtum.core.strategies import STRATEGIES

ENVIRONMENT_PREFIX = "MTUM_"
SECRETS = ("mail.password", "notify.urls", "notify.ping_url")
"""Settings that come from the environment, a `_FILE` or the keyring only and are never shown."""
TABLES = (*SECTIONS, "strategy", *(f"strategy.{name}" for name in STRATEGIES))
"""Names that hold settings and are none themselves."""


def variable_of(name: str) -> str:
    """Return the environment variable of a setting or secret."""
    return ENVIRONMENT_PREFIX + name.upper().replace(".", "__")


KNOWN_ENVIRONMENT = {"MTUM_CONFIG", "MTUM_DATA_DIR", "MTUM_REAL_BARS"} | {
    variable_of(name) + suffix for name in SECRETS for suffix in ("", "_FILE")
}
"""Variables of this program that are no settings."""


def setting_names() -> tuple[str, ...]:
    """Return the dotted name of every setting."""
    plain = [f"{section}.{name}" for section, model in SECTIONS.items() for name in model.model_fields]
    strategy = [f"strategy.{key}.{field.name}" for key, cls in STRATEGIES.items() for field in fields(cls)]  # type: ignore[arg-type]  # the registry holds dataclasses
    return ("mode", *plain, *strategy)


def unknown_setting(name: str) -> str:
    """Return what is wrong with a name that is no setting, and what to do."""
    if name in SECRETS:
        return f"{name}: a secret never stands in the settings; put it into the environment as {variable_of(name)}"
    if name in TABLES:
        return f"{name}: a section; write [{name}] and its settings below"
    return f"{name}: unknown setting{nearest(name, setting_names())}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return words that name the likeliest right name: the last part first, then the whole."""
    candidates = list(known)
    ends = [candidate.rpartition(".")[2] for candidate in candidates]
    likely = difflib.get_close_matches(name.rpartition(".")[2], ends, n=1, cutoff=0.8)
    # Several sections have a port or a symbol: among those the section decides.
    alike = [candidate for candidate, end in zip(candidates, ends, strict=True) if end in likely]
    close = difflib.get_close_matches(name, alike or candidates, n=1, cutoff=0.0 if alike else 0.6)
    return f"; did you mean {close[0]}?" if close else "; see `mtum config schema`"
