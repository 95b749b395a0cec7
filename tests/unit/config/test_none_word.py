"""The word "none" in settings that may be left open."""

import pytest
from msgspec import structs

from mtum import config
from mtum.errors import ConfigError

OPEN = [
    f"{section}.{field.name}"
    for section, model in config.SECTIONS.items()
    for field in structs.fields(model)
    if field.default is None
]


@pytest.mark.parametrize("name", OPEN)
def test_none_is_what_a_setting_without_limit_is_left_at(name: str) -> None:
    section, _, key = name.partition(".")
    assert getattr(getattr(config.load(None, {}, {name: "none"}), section), key) is None


@pytest.mark.parametrize(("name", "given"), [("risk.max_drawdown_frac", 1), ("broker.resolve_seconds", -1)])
def test_a_number_outside_the_range_is_refused_by_name(name: str, given: float) -> None:
    with pytest.raises(ConfigError, match=name):
        config.load(None, {}, {name: given})
