"""The settings as a file, as a schema and as rows with their origin."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mtum.app.owner.settings_catalog import allowed_text, catalog, schema, settings_text, values_in_force
from mtum.config import SECRETS, load, setting_names
from support.source_tree import ROOT

REQUIRED = [setting.name for setting in catalog() if setting.required]


def leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        deeper = isinstance(value, dict) and f"{prefix}{key}" not in setting_names()
        found |= leaves(value, f"{prefix}{key}.") if deeper else {f"{prefix}{key}": value}
    return found


def test_the_committed_settings_file_is_what_init_writes() -> None:
    # The file in the folder may hold the user's own settings by now.
    line = ["git", "-C", str(ROOT), "show", ":config.toml"]
    if shutil.which("git") is None or (shown := subprocess.run(line, capture_output=True, check=False)).returncode:
        pytest.skip("no git that knows what was committed")
    assert shown.stdout.decode() == settings_text()


def test_the_settings_file_says_every_default_and_nothing_else(tmp_path: Path) -> None:
    assert set(leaves(tomllib.loads(settings_text()))) == set(setting_names()) - set(REQUIRED)
    file = tmp_path / "config.toml"
    file.write_text(settings_text(), encoding="utf-8")
    assert load(file, {}).document() == load(None, {}).document()


def test_every_setting_is_explained() -> None:
    assert [setting.name for setting in catalog() if not setting.doc] == []


def test_documented_defaults_are_those_of_the_rules() -> None:
    written = leaves(tomllib.loads(settings_text()))
    expected = {
        "strategy.mtum_confluence.symbol": "MTUM",
        "strategy.mtum_confluence.ma_sessions": 50,
        "strategy.mtum_confluence.vix_entry_below": 25,
        "strategy.mtum_confluence.vix_exit_above": 30,
        "strategy.mtum_confluence.atr_target_multiple": 4,
        "portfolio.capital_usd": 5000,
        "risk.max_daily_loss_usd": 500,
        "risk.max_drawdown_frac": "none",
        "broker.port": 4002,
    }
    assert {name: written[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"enum": ["a", "b", "c"]}, '"a", "b" or "c"'),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1e12}, "above 0 up to 1e12"),
        ({"anyOf": [{"minimum": 0, "exclusiveMaximum": 1}, {"const": "none"}]}, 'from 0 below 1 or "none"'),
        ({"anyOf": [{"type": "boolean"}, {"const": "all"}]}, 'true, false or "all"'),
        ({"type": "string"}, ""),
    ],
)  # fmt: skip
def test_what_is_allowed_is_told_in_words(found: dict[str, Any], words: str) -> None:
    assert allowed_text(found) == words


def test_the_schema_knows_every_setting_and_refuses_others() -> None:
    document = schema()
    assert json.loads(json.dumps(document)) == document

    def names(node: dict[str, Any], prefix: str = "") -> set[str]:
        if node.get("type") != "object" or prefix in setting_names():
            return {prefix}
        assert node["additionalProperties"] is False
        return {
            name for key, below in node["properties"].items() for name in names(below, f"{prefix}.{key}".lstrip("."))
        }

    assert names(document) == set(setting_names())


def test_the_schema_has_the_word_none_where_toml_has_no_null() -> None:
    limit = schema()["properties"]["risk"]["properties"]["max_drawdown_frac"]
    assert {"const": "none"} in limit["anyOf"]
    assert '"null"' not in json.dumps(schema())


def test_every_value_names_its_origin(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[risk]\nmax_daily_loss_usd = 400\nmax_position_usd = 900\n")
    environment = {"MTUM_RISK__MAX_POSITION_USD": "800"}
    rows = {row.name: row for row in values_in_force(load(file, environment), file, environment)}
    assert set(rows) == {*setting_names(), *SECRETS}
    assert all(row.origin == "not set" for row in rows.values() if row.name in REQUIRED)
    assert (rows["risk.max_daily_loss_usd"].value, rows["risk.max_daily_loss_usd"].origin) == (400, "file")
    position = rows["risk.max_position_usd"]
    assert (position.value, position.origin) == (800, "environment MTUM_RISK__MAX_POSITION_USD")
    assert (rows["mode"].value, rows["mode"].origin) == ("practice", "default")


def test_a_secret_shows_only_that_it_is_set(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("ntfy://planted-one")
    environment = {"MTUM_MAIL__PASSWORD": "planted-two", "MTUM_NOTIFY__URLS_FILE": str(tmp_path / "urls")}
    rows = {row.name: row for row in values_in_force(load(None, environment), None, environment)}
    assert "planted" not in repr(rows)
    assert (rows["mail.password"].value, rows["mail.password"].origin) == ("***", "environment MTUM_MAIL__PASSWORD")
    assert rows["notify.urls"].origin == "environment MTUM_NOTIFY__URLS_FILE"
    assert (rows["notify.ping_url"].value, rows["notify.ping_url"].origin) == ("", "not set")
