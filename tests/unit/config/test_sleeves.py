"""Sleeves and groups as settings: what may stand in them, and what is wrong told all at once."""

from pathlib import Path
from typing import Any

import pytest

from mtum import config
from mtum.app.owner.settings_catalog import schema, values_in_force
from mtum.config import digest_of
from mtum.core.portfolio.sleeves import SleeveState
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import ConfigError

TWO = """
[strategy.mtum_confluence]
ma_sessions = 40
[sleeve.core]
strategy = "buy_and_hold"
weight = 0.6
[sleeve.core.rules]
symbol = "SPY"
[sleeve.timing]
strategy = "mtum_confluence"
weight = 0.4
state = "reduce_only"
benchmark = "SPY"
[sleeve.timing.rules]
rsi_sessions = 10
[sleeve.timing.risk]
max_drawdown_frac = 0.2
max_position_usd = 900
[group.tech]
symbols = ["QQQ", "XLK"]
max_frac = 0.4
[risk]
max_gross_frac = 0.9
daily_loss_pause_sessions = 3
"""


def loaded(
    folder: Path, text: str = TWO, environment: dict[str, str] | None = None, changes: dict[str, Any] | None = None
) -> config.Settings:
    file = folder / "config.toml"
    file.write_text(text)
    return config.load(file, environment or {}, changes or {})


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        loaded(folder, text)
    return list(refused.value.problems)


def test_without_sleeves_there_is_one_with_all_the_money() -> None:
    settings = config.load(None, {})
    (only,) = settings.sleeves()
    assert (only.name, only.strategy, only.weight, only.state) == (
        "mtum_confluence",
        MtumConfluence(),
        1.0,
        SleeveState.ON,
    )
    assert (only.rules.losses.max_daily_loss_usd, only.rules.losses.max_daily_loss_frac) == (500.0, None)
    assert only.rules.sizing.max_position_usd == 5000.0
    assert "sleeve" not in settings.document()
    assert config.load(None, {}, {"portfolio.strategy": "buy_and_hold"}).sleeves()[0].strategy == BuyAndHold()


def test_a_sleeve_overrides_the_parameters_and_the_limits_that_all_share(tmp_path: Path) -> None:
    core, timing = loaded(tmp_path).sleeves()
    assert (core.name, core.strategy, core.weight) == ("core", BuyAndHold(symbol="SPY"), 0.6)
    assert timing.strategy == MtumConfluence(ma_sessions=40, rsi_sessions=10)
    assert (timing.state, timing.benchmark) == (SleeveState.REDUCE_ONLY, "SPY")
    assert timing.rules.losses.max_drawdown_frac == 0.2
    assert core.rules.losses.max_drawdown_frac is None
    assert loaded(tmp_path).risk_of("timing").daily_loss_pause_sessions == 3


def test_with_sleeves_a_fraction_takes_the_place_of_the_limits_in_usd(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    core, timing = settings.sleeves()
    assert (core.rules.losses.max_daily_loss_usd, core.rules.losses.max_daily_loss_frac) == (None, 0.10)
    assert (core.rules.sizing.max_position_usd, timing.rules.sizing.max_position_usd) == (float("inf"), 900)
    assert (settings.risk.max_daily_loss_usd, settings.risk.max_position_usd) == (None, None)


def test_sleeves_are_set_from_outside_as_every_setting(tmp_path: Path) -> None:
    environment = {"MTUM_SLEEVE__CORE__WEIGHT": "0.5", "MTUM_SLEEVE__TIMING__RULES__MA_SESSIONS": "30"}
    settings = loaded(tmp_path, environment=environment, changes={"sleeve.timing.risk.max_position_usd": "none"})
    core, timing = settings.sleeves()
    assert (core.weight, timing.strategy.history_sessions()) == (0.5, 60)
    assert timing.rules.sizing.max_position_usd == float("inf")


def test_every_setting_of_a_sleeve_is_shown_with_its_origin(tmp_path: Path) -> None:
    environment = {"MTUM_SLEEVE__CORE__WEIGHT": "0.5"}
    settings = loaded(tmp_path, environment=environment)
    rows = {row.name: row for row in values_in_force(settings, tmp_path / "config.toml", environment)}
    assert (rows["sleeve.core.weight"].value, rows["sleeve.core.weight"].origin) == (
        0.5,
        "environment MTUM_SLEEVE__CORE__WEIGHT",
    )
    origins = {
        name: rows[f"sleeve.timing.{name}"].origin
        for name in ("rules.ma_sessions", "rules.rsi_sessions", "rules.atr_sessions", "virtual_usd")
    }
    assert origins == {
        "rules.ma_sessions": "[strategy.mtum_confluence]",
        "rules.rsi_sessions": "file",
        "rules.atr_sessions": "default",
        "virtual_usd": "default",
    }
    assert rows["sleeve.timing.risk.daily_loss_pause_sessions"].origin == "[risk]"


def test_the_schema_knows_sleeves_and_groups() -> None:
    described = schema()["properties"]["sleeve"]["patternProperties"]["^[a-z][a-z0-9_]{0,23}$"]
    assert described["required"] == ["strategy", "weight"]
    assert set(described["properties"]) == set(config.SleeveSettings.__struct_fields__)
    assert described["properties"]["state"]["enum"] == ["on", "watch", "reduce_only", "close", "off"]


def test_the_document_restores_the_same_sleeves_and_the_digest_follows_them(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    document = settings.document()
    assert document["sleeve"]["timing"]["rules"]["ma_sessions"] == 40
    assert config.restored(document) == settings
    assert config.restored(document).digest() == settings.digest() == digest_of(document)
    assert loaded(tmp_path, changes={"sleeve.core.weight": 0.5}).digest() != settings.digest()
    assert loaded(tmp_path, changes={"group.tech.max_frac": 0.5}).digest() != settings.digest()
    assert config.restored_strategy("timing", document) == MtumConfluence(ma_sessions=40, rsi_sessions=10)


def test_a_document_stored_before_there_were_sleeves_keeps_its_digest() -> None:
    assert digest_of({"market": {}, "strategy": {}, "portfolio": {}, "risk": {}}) == "4b76e7f3ed21ec59"


def test_every_mistake_in_sleeves_is_named_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
[sleeve.Core]
strategy = "buy_and_hold"
weight = 0.7
[sleeve.two]
strategy = "buy_and_hald"
weight = 0.4
[sleeve.three]
strategy = "mtum_confluence"
weight = 0.4
stat = "on"
[sleeve.three.rules]
ma_sesions = 3
rsi_sessions = 0
[sleeve.three.risk]
max_drawdown_frac = 3
account_drawdown_frac = 0.1
[sleeve.four]
weight = 2
strategy = "mtum_confluence"
[sleeve.cash]
strategy = "buy_and_hold"
weight = 0
[group.tech]
max_frac = 0.5
""",
    )
    for told in (
        "sleeve.Core: a name is a small letter",
        "sleeve.two.strategy: no strategy 'buy_and_hald'; did you mean buy_and_hold?",
        "sleeve.three.stat: unknown setting; did you mean sleeve.three.state?",
        "sleeve.three.rules.ma_sesions: unknown setting; did you mean sleeve.three.rules.ma_sessions?",
        "sleeve.three.rules.rsi_sessions",
        "sleeve.three.risk.max_drawdown_frac",
        "sleeve.three.risk.account_drawdown_frac: unknown setting",
        "sleeve.four.weight: input should be less than or equal to 1, found 2",
        "sleeve.cash: the name cash is taken",
        "group.tech.symbols: it has no default; set it",
    ):
        assert any(line.startswith(told) for line in found), (told, found)


def test_all_weights_together_are_at_most_one_and_a_watched_sleeve_has_none(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, TWO.replace("weight = 0.6", "weight = 0.7"))
    assert told == "sleeve: the weights are 0.7 (core) + 0.4 (timing) = 1.1; together they may be 1 at most"
    watched = TWO.replace("weight = 0.6", 'weight = 0.7\nstate = "watch"')
    assert loaded(tmp_path, watched).sleeves()[0].owns_money is False
    (told,) = problems(tmp_path, TWO.replace("weight = 0.6", "weight = 0"))
    assert told.startswith("sleeve.core.weight: 0 is no money")


def test_what_is_wrong_for_all_is_told_once(tmp_path: Path) -> None:
    found = problems(tmp_path, TWO.replace("max_gross_frac = 0.9", "max_drawdown_frac = 7"))
    assert [line for line in found if "max_drawdown_frac" in line] == [
        "risk.max_drawdown_frac: input should be less than 1, found 7"
    ]


@pytest.mark.parametrize("section", ["sleeve", "group"])
def test_a_section_of_which_there_may_be_several_needs_a_name(tmp_path: Path, section: str) -> None:
    assert any(line.startswith(f"{section}") for line in problems(tmp_path, f"{section} = 3\n"))
    assert any(line.startswith(f"{section}.weigth") for line in problems(tmp_path, f"[{section}]\nweigth = 3\n"))


def test_a_value_of_the_wrong_kind_hides_no_other_mistake_of_a_sleeve(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[sleeve.a]\nstrategy = "wheel"\nweight = 0.4\n'
        '[sleeve.a.rules]\ndte = "soon"\nput_delta = 4\nroll_dte = 15\nfoo = 1\n'
        '[sleeve.b]\nstrategi = "wheel"\nweight = 2\n'
    )
    with pytest.raises(ConfigError) as caught:
        config.load(path, {})
    kind, unknown, delta, misspelt, missing, weight = caught.value.problems
    assert kind.startswith("sleeve.a.rules.dte: input should be a valid integer")
    assert unknown.startswith("sleeve.a.rules.foo: unknown setting")
    assert delta == "sleeve.a.rules.put_delta is 4; use a number from 0.01 to 0.6"
    assert misspelt == "sleeve.b.strategi: unknown setting; did you mean sleeve.b.strategy?"
    assert missing == "sleeve.b.strategy: it has no default; set it"
    assert weight.startswith("sleeve.b.weight: ")
