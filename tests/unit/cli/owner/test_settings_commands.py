"""`mtum init` and `mtum config`."""

import json
from pathlib import Path
from typing import Any

import pytest

from mtum.app.owner.settings_catalog import settings_text


def test_init_writes_the_settings_and_the_data_folder(mtum: Any, tmp_path: Path) -> None:
    called = mtum("init", "--json")
    assert called.document == {"files": [str(tmp_path / "config.toml")], "data_dir": str(tmp_path / "data")}
    assert (tmp_path / "config.toml").read_text() == settings_text()
    assert (tmp_path / "data").is_dir()
    assert mtum("config", "check").code == 0


def test_init_never_overwrites_without_force(mtum: Any, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('mode = "practice"\n')
    called = mtum("init")
    assert called.code == 2
    assert called.err == f"mtum: {tmp_path}/config.toml exists; keep it, or replace it with `mtum init --force`\n"
    assert (tmp_path / "config.toml").read_text() == 'mode = "practice"\n'
    assert mtum("init", "--force").code == 0
    assert (tmp_path / "config.toml").read_text() == settings_text()


def test_init_writes_where_it_is_told(mtum: Any, tmp_path: Path) -> None:
    mtum("init", "--config", "mine.toml", "--data-dir", "there")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.toml", "there"]


def test_init_into_a_file_for_a_folder_is_one_line(mtum: Any, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    called = mtum("init")
    assert called.code == 2
    assert called.err == f"mtum: {tmp_path}/data cannot be written: File exists\n"


def test_check_names_every_mistake_at_once(mtum: Any, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[strategy.mtum_confluence]\nma_sesions = 40\nvix_entry_below = "low"\n[risk]\nmax_daily_loss_usd = -1\n'
    )
    called = mtum("config", "check", "--json")
    assert called.code == 2
    texts = [problem["text"] for problem in called.document["problems"]]
    assert len(texts) == 3
    assert "strategy.mtum_confluence.ma_sesions: unknown setting" in texts[1]
    assert "did you mean strategy.mtum_confluence.ma_sessions?" in texts[1]
    assert called.document["ok"] is False
    assert mtum("config", "check").out.splitlines() == texts


def test_check_reads_the_files_of_secrets(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTUM_MAIL__PASSWORD_FILE", "/nowhere/password")
    called = mtum("config", "check", "--json")
    assert (called.code, called.document["ok"]) == (2, False)
    assert "MTUM_MAIL__PASSWORD_FILE: /nowhere/password cannot be read" in called.err


def test_check_names_every_secret_and_every_path_that_cannot_work(
    mtum: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(
        '[market]\nsource = "csv"\nchain_dir = "chains"\ncalendar_overrides = "closed.toml"\n'
    )
    monkeypatch.setenv("MTUM_NOTIFY__PING_URL", "notaurl")
    called = mtum("config", "check", "--json")
    assert called.code == 2
    assert [problem["text"].split(":")[0] for problem in called.document["problems"]] == [
        "notify.ping_url (MTUM_NOTIFY__PING_URL)",
        "market.csv_dir",
        "market.chain_dir",
        "market.calendar_overrides",
    ]


def test_check_of_sound_settings_names_the_file(mtum: Any, tmp_path: Path) -> None:
    assert mtum("config", "check").out == "defaults: settings are sound, mode practice\n"
    (tmp_path / "config.toml").write_text('mode = "practice"\n')
    assert mtum("config", "check").out.startswith(f"{tmp_path}/config.toml: settings are sound")


def test_check_warns_of_what_a_sleeve_cannot_buy_a_share_of(mtum: Any, tmp_path: Path) -> None:
    text = '[portfolio]\nstrategy = "buy_and_hold"\ncapital_usd = {}\n[strategy.buy_and_hold]\nsymbol = "SP500"\n'
    (tmp_path / "config.toml").write_text(text.format(200))
    called = mtum("config", "check", "--json")
    assert (called.code, called.document["ok"]) == (0, True)
    (line,) = called.document["warnings"]
    # The embedded index ends at 2,506.85; a tenth of it is a share.
    assert line.startswith(
        "buy_and_hold: SP500 usually gets 100.0% of 200.00 USD, 200.00 USD, and a share costs 250.69"
    )
    assert f"warning: {line}" in mtum("config", "check").out
    (tmp_path / "config.toml").write_text(text.format(251))
    assert mtum("config", "check", "--json").document["warnings"] == []


def test_show_masks_planted_secrets(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTUM_MAIL__PASSWORD", "planted-secret")
    for words in (("config", "show"), ("config", "show", "--json")):
        called = mtum(*words)
        assert called.code == 0
        assert "planted-secret" not in called.out + called.err
        assert "***" in called.out


def test_the_schema_is_the_whole_output(mtum: Any) -> None:
    plain, document = mtum("config", "schema"), mtum("config", "schema", "--json")
    assert json.loads(plain.out) == document.document
    assert document.document["properties"]["mode"]["enum"] == ["practice", "paper", "live"]
