"""`mtum doctor`, `notify test`, `backup`, `restore`, `approve`, `config approve`, `run --if-due`."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mtum.config import load
from mtum.core.canonical import canonical
from mtum.wiring.resources import opened_store
from support.mail_servers import PASSWORD, USER, mail_server

pytestmark = pytest.mark.filterwarnings(
    "ignore:Requiring AUTH:UserWarning",
    "ignore:unclosed:ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


@pytest.fixture
def folder(mtum: Any, tmp_path: Path) -> Path:
    mtum("run")
    return tmp_path / "data"


def with_mail(monkeypatch: pytest.MonkeyPatch, port: int, password: str = PASSWORD) -> None:
    mail = {"HOST": "127.0.0.1", "PORT": str(port), "SECURITY": "none", "USER": USER, "SENDER": "mtum@example.org"}
    for name, text in mail.items():
        monkeypatch.setenv(f"MTUM_MAIL__{name}", text)
    monkeypatch.setenv("MTUM_MAIL__RECIPIENTS", '["owner@example.org"]')
    monkeypatch.setenv("MTUM_MAIL__PASSWORD", password)


def test_doctor_says_go_with_one_line_per_check(mtum: Any) -> None:
    called = mtum("doctor", "--json")
    assert called.code == 0
    assert called.document["go"] is True
    assert {"name", "state", "found", "remedy"} == set(called.document["checks"][0])


def test_doctor_after_the_last_session_says_that_all_have_been_played(mtum: Any) -> None:
    assert mtum("run", "--session", "2018-12-31").code == 0
    called = mtum("doctor", "--json")
    assert (called.code, called.document["session"], called.document["go"]) == (0, None, True)
    assert called.document["checks"][0]["found"] == "every session of the replayed market has been played"
    assert "every session has been played: go" in mtum("doctor").out


def test_doctor_exits_as_the_run_would_and_says_what_to_do(mtum: Any) -> None:
    mtum("halt", "--why", "on holiday")
    called = mtum("doctor", "--json")
    assert called.code == 7
    assert called.document["problems"][0]["code"] == 7
    assert "mtum resume" in called.err


def test_doctor_tries_the_mail_servers_login_and_sends_nothing(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(login=True) as inbox:
        with_mail(monkeypatch, inbox.port)
        assert mtum("doctor").code == 0
        monkeypatch.setenv("MTUM_MAIL__PASSWORD", "wrong secret")
        called = mtum("doctor", "--json")
    assert called.code == 8
    assert "refused the login of owner" in called.err
    assert "wrong secret" not in called.err + called.out
    assert inbox.mails == []


def test_a_test_message_reaches_the_recipient(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(login=True) as inbox:
        with_mail(monkeypatch, inbox.port)
        called = mtum("notify", "test", "--json")
    assert called.code == 0
    assert called.document["channels"] == [{"name": "mail:owner@example.org", "delivered": True, "error": None}]
    ((recipient, mail),) = inbox.mails
    assert recipient == "owner@example.org"
    assert mail["Subject"] == "mtum test message [PRACTICE]"


def test_a_test_message_that_fails_is_exit_8_and_names_the_reason(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(refuse="550 no such box") as inbox:
        with_mail(monkeypatch, inbox.port)
        monkeypatch.setenv("MTUM_MAIL__USER", "")
        called = mtum("notify", "test")
    assert called.code == 8
    assert "550 no such box" in called.err


def test_mail_without_a_sender_is_a_settings_mistake(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTUM_MAIL__HOST", "127.0.0.1")
    monkeypatch.setenv("MTUM_MAIL__RECIPIENTS", '["owner@example.org"]')
    called = mtum("notify", "test")
    assert called.code == 2
    assert "mail.sender" in called.err


def test_a_test_that_reaches_the_terminal_alone_says_so(mtum: Any) -> None:
    called = mtum("notify", "test")
    assert called.code == 0
    assert "nobody away from this terminal hears of anything" in called.out
    assert mtum("notify", "test", "--json").document["reaches_somebody"] is False


def test_a_test_with_a_ping_address_that_is_none_is_a_settings_mistake(
    mtum: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTUM_NOTIFY__PING_URL", "notaurl")
    assert mtum("notify", "test").code == 2


def test_a_copy_is_verified_kept_and_put_back(mtum: Any, folder: Path) -> None:
    made = mtum("backup", "--json")
    assert made.code == 0
    copy = Path(made.document["path"])
    assert copy.parent == folder / "backups"
    checked = mtum("restore", str(copy), "--check", "--json")
    assert (checked.code, checked.document["restored"]) == (0, False)
    with closing(sqlite3.connect(folder / "mtum.db")) as connection, connection:
        connection.execute("DELETE FROM notifications")
        connection.execute("INSERT INTO meta VALUES ('mark', 'after the copy')")
    assert mtum("restore", str(copy)).code == 0
    with closing(sqlite3.connect(folder / "mtum.db")) as connection:
        assert connection.execute("SELECT count(*) FROM meta WHERE key = 'mark'").fetchone() == (0,)


def test_a_number_of_one_reads_as_well_as_any_other(mtum: Any) -> None:
    assert mtum("run").code == 0
    made = mtum("backup")
    assert "copies kept: 1" in made.out
    assert "decisions: 1, to 20" in mtum("restore", made.out.split()[0], "--check").out


def test_a_copy_of_another_account_is_put_back_only_when_forced(
    mtum: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = mtum("backup", "--json").document["path"]
    before = (folder / "mtum.db").read_bytes()
    for name, told in {"MODE": "paper", "MARKET__SOURCE": "ib", "BROKER__ACCOUNT": "DU1234567"}.items():
        monkeypatch.setenv(f"MTUM_{name}", told)
    refused = mtum("restore", copy)
    assert (refused.code, (folder / "mtum.db").read_bytes()) == (2, before)
    assert "is a copy of mode practice, account PRACTICE; the settings say mode paper, account DU1234567" in refused.err
    assert "--force" in refused.err
    checked = mtum("restore", copy, "--check")
    assert checked.code == 0
    assert "not this installation's" in checked.out
    assert mtum("restore", copy, "--force").code == 0
    assert len(list(folder.glob("mtum.db.replaced-*Z"))) == 1


def test_a_damaged_copy_is_refused_and_the_database_stays(mtum: Any, folder: Path, tmp_path: Path) -> None:
    before = (folder / "mtum.db").read_bytes()
    damaged = tmp_path / "copy.db"
    damaged.write_bytes(before[:5000])
    called = mtum("restore", str(damaged))
    assert called.code == 3
    assert (folder / "mtum.db").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("nowhere", "nowhere does not exist"),
        ("folder", "folder is a folder, not a file"),
        ("dangling", "dangling is a link to gone, which leads to no file"),
    ],
)
def test_what_stands_in_the_place_of_a_copy_is_named(mtum: Any, folder: Path, name: str, found: str) -> None:
    (folder / "folder").mkdir()
    (folder / "dangling").symlink_to("gone")
    called = mtum("restore", str(folder / name))
    assert called.code == 2
    assert f"{found}; `ls " in called.err


def test_records_behind_a_link_that_leads_nowhere_are_not_taken_for_none(mtum: Any, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("unmounted")
    called = mtum("status")
    assert called.code == 3
    assert "data is a link to unmounted, which leads to no file" in called.err


def test_nothing_to_copy_is_a_usage_mistake(mtum: Any) -> None:
    assert mtum("backup").code == 2


def test_an_approval_names_its_session_and_its_way(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTUM_RISK__REQUIRE_CONFIRMATION", "true")
    assert mtum("approve", "--session", "2018-01-03", "--enter", "--json").document["new"] is True
    assert mtum("approve", "--session", "2018-01-03", "--enter", "--json").document["new"] is False
    assert mtum("run", "--json").document["orders"][0]["status"] == "FILLED"


def test_an_approval_says_what_it_covers(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTUM_RISK__REQUIRE_CONFIRMATION", "all")
    words = ("approve", "--session", "2018-01-03")
    assert mtum(*words, "--enter").out.endswith(
        "It covers what the notice before the decision lists, all orders if there is none.\n"
    )
    assert "It covers" not in mtum(*words, "--enter", "--symbol", "MTUM").out


def test_an_approval_of_exits_covers_what_buys_a_short_back(
    mtum: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTUM_RISK__REQUIRE_CONFIRMATION", "all")
    words, day = ("approve", "--session", "2018-01-03"), date(2018, 1, 3)
    mtum(*words, "--enter")
    rows = [("AAA", "BUY", 7, "exit"), ("BBB", "SELL", 3, "exit"), ("CCC", "BUY", 2, "enter")]
    with opened_store(load(None, {}), tmp_path / "data") as store:
        listed = [
            {"sleeve": "core", **dict(zip(("symbol", "side", "shares", "way"), row, strict=True))} for row in rows
        ]
        store.control.set_meta("noticed_orders", canonical({"session": day.isoformat(), "orders": listed}))
    assert mtum(*words, "--exit").out.endswith("It covers BUY 7 AAA, SELL 3 BBB.\n")
    assert mtum(*words, "--enter").out.endswith("It covers BUY 2 CCC.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("--enter",),
        ("--session", "2018-01-03"),
        ("--session", "2018-01-03", "--enter", "--exit"),
        ("--session", "2018-01-06", "--enter"),  # a Saturday
    ],
)
def test_a_vague_approval_is_a_usage_mistake(mtum: Any, words: tuple[str, ...]) -> None:
    assert mtum("approve", *words).code == 2


def test_an_approval_is_for_a_session_to_come(mtum: Any) -> None:
    mtum("run")
    over = mtum("approve", "--session", "2018-01-03", "--enter")
    assert (over.code, "2018-01-03 has been run already" in over.err) == (2, True)


def test_settings_are_approved_once_and_changes_are_named(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mtum("config", "approve")
    assert mtum("config", "approve", "--json").document["changed"] == []
    monkeypatch.setenv("MTUM_RISK__MAX_POSITION_USD", "4000")
    changed = mtum("config", "approve", "--json").document["changed"]
    assert changed == ["risk.max_position_usd: approved 5000.0, now 4000.0"]
    monkeypatch.setenv("MTUM_RISK__REQUIRE_CONFIRMATION", "true")
    monkeypatch.setenv("MTUM_RISK__MAX_DRAWDOWN_FRAC", "0.2")
    assert mtum("config", "approve").out.splitlines()[:2] == [
        "risk.max_drawdown_frac: approved none, now 0.2",
        "risk.require_confirmation: approved false, now true",
    ]


def test_what_is_due_is_run_once(mtum: Any) -> None:
    mtum("run", "--if-due", "--as-of", "2026-11-23T14:00:00Z")
    called = mtum("run", "--if-due", "--as-of", "2026-11-23T20:40:00Z", "--json")
    assert [(run["job"], run["outcome"]) for run in called.document["runs"] if run["job"] != "rehearse"] == [
        ("decide_and_order", "finished")
    ]
    again = mtum("run", "--if-due", "--as-of", "2026-11-23T20:41:00Z", "--json")
    assert (again.code, again.document["runs"]) == (0, [])


@pytest.mark.parametrize("words", [("--dry-run",), ("--wait",), ("--session", "2018-01-03")])
def test_options_of_one_run_are_refused_where_every_due_job_is_asked_for(
    mtum: Any, tmp_path: Path, words: tuple[str, ...]
) -> None:
    called = mtum("run", "--if-due", *words)
    assert called.code == 2
    assert called.err.startswith("mtum: --if-due runs every job at its own time")
    assert list(tmp_path.iterdir()) == []


def test_a_message_that_could_not_leave_is_sent_later_once(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(login=True) as inbox:
        with_mail(monkeypatch, inbox.port, "wrong")
        mtum("run", "--if-due", "--as-of", "2026-11-23T14:00:00Z")
        mtum("run", "--if-due", "--as-of", "2026-11-23T19:31:00Z")
        failed = mtum("run", "--if-due", "--as-of", "2026-11-23T20:40:00Z")
        monkeypatch.setenv("MTUM_MAIL__PASSWORD", PASSWORD)
        worked = [mtum("run", "--if-due", "--as-of", "2026-11-23T20:41:00Z").code for _ in range(2)]
    assert failed.code == 8
    assert worked == [0, 0]
    subjects = [mail["Subject"] for _, mail in inbox.mails if "ORDER" in mail["Subject"]]
    assert subjects == ["ORDER: BUY 18 MTUM for 2018-01-03 [PRACTICE]"]
