"""The dashboard attacked from outside its process, over sockets."""

import http.client
import re
import shutil
import sqlite3
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from mtum.web.actions import ACTIONS
from mtum.web.guard import HEADERS
from mtum.web.registry import PAGES
from support.commands import call, call_json
from support.recorded import recorded
from support.served import Served, served

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
LONG = "<b>" + "W" * 300
PASSWORD = "correct horse battery"
LIVE = 'mode = "live"\n[broker]\naccount = "U1234567"\nlive_account = "U1234567"\n[market]\nsource = "ib"\n'
UNREADABLE = ("/etc/passwd", "root:", "mtum.db", "Traceback")


def told_evil(folder: Path) -> None:
    """Put what a broker, a file or a hand could bring into the records: script, long symbols, negative equity."""
    recorded(folder)
    with closing(sqlite3.connect(folder / "mtum.db")) as connection, connection:
        connection.execute("UPDATE orders SET text = ?", (EVIL,))
        connection.execute("UPDATE order_intents SET reasons = ?", (f'["{LONG}", "<i>"]',))
        connection.execute(
            "INSERT INTO halts (restriction, why, halted_by, since) VALUES ('reduce_only', ?, ?, "
            "'2018-01-02T20:00:00.000000Z')",
            (EVIL, EVIL),
        )
        connection.execute("UPDATE bars SET symbol = ?", (LONG,))
        connection.execute("UPDATE equity SET equity_usd = -equity_usd WHERE session > '2017-12-29'")
        connection.execute("UPDATE runs SET slot = ? WHERE id = 1", (EVIL,))
        connection.execute(
            "INSERT INTO notes (session, symbol, words, at) VALUES ('2018-01-02', ?, ?, '2018-01-02T20:00:00.000000Z')",
            (LONG, EVIL),
        )


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("evil")
    told_evil(folder / "data")
    with served(folder) as server:
        yield server


def halts(server_folder: Path) -> int:
    with closing(sqlite3.connect(f"file:{server_folder}/data/mtum.db?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM halts").fetchone()[0])


@pytest.mark.parametrize("path", [f"/{one}" for one in PAGES])
def test_no_text_of_the_records_becomes_markup(evil: Served, path: str) -> None:
    found = evil.ask(path)
    assert found.status == 200, found.text[-800:]
    page = found.text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<b>W" not in page
    assert "style=" not in page  # its policy would refuse it
    assert re.findall(r"<script[^>]*>", page) == ['<script src="/static/site.js" defer>']
    assert not [one for one in re.findall(r"<[^>]*>", page) if re.search(r"\bon\w+=", re.sub(r'"[^"]*"', "", one))]


def test_what_was_told_is_shown_as_text(evil: Served) -> None:
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in evil.ask("/").text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "0.0.0.0"])
def test_a_name_that_is_not_its_own_is_refused(evil: Served, host: str) -> None:
    found = evil.ask("/", headers={"Host": host})
    assert found.status in (400, 421)
    assert "Account" not in found.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:8080"])
def test_its_own_names_are_believed(evil: Served, host: str) -> None:
    assert evil.ask("/api/v1/token", headers={"Host": host}).status == 200


def test_two_hosts_are_one_too_many(evil: Served) -> None:
    with evil.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n") as line:
        assert int(line.recv(4096).split()[1]) in (400, 421)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://127.0.0.1.evil.example:{port}"])
def test_a_form_from_elsewhere_does_nothing(evil: Served, action: str, origin: str | None) -> None:
    told = {} if origin is None else {"Origin": origin.format(port=evil.port)}
    body = f"token={evil.token()}&confirmed=yes&typed={action}".encode()
    found = evil.ask(f"/api/v1/{action}", "POST", body, told)
    assert (found.status, found.text) == (403, "The form was sent from elsewhere.")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_a_form_of_no_origin_is_believed_only_if_the_browser_calls_it_its_own(evil: Served, site: str) -> None:
    body = f"token={evil.token()}&typed=no".encode()
    told = {"Origin": "null", "Sec-Fetch-Site": site}
    assert evil.ask("/api/v1/resume", "POST", body, told).text == "The form was sent from elsewhere."
    found = evil.ask("/api/v1/resume", "POST", body, {**told, "Sec-Fetch-Site": "same-origin"})
    assert "type &quot;resume&quot;" in found.text or 'type \\"resume\\"' in found.text


@pytest.mark.parametrize("action", [*(f"/api/v1/{one}" for one in ACTIONS), "/login", "/logout"])
@pytest.mark.parametrize("token", ["", "0" * 64, "\N{SNOWMAN}"])
def test_a_form_without_its_token_does_nothing(evil: Served, action: str, token: str) -> None:
    body = f"token={token}&confirmed=yes&why=x&typed=resume".encode()
    assert evil.ask(action, "POST", body, {"Origin": evil.origin}).status == 403


def test_the_token_of_another_browser_is_none(evil: Served) -> None:
    other = Served(evil.port, evil.process)
    body = f"token={other.token()}&confirmed=yes".encode()
    assert evil.ask("/api/v1/halt", "POST", body, {"Origin": evil.origin}).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../etc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e/%2e%2e/mtum.db",
        "/static//etc/passwd",
        "/../data/mtum.db",
        "/api/v1/../../data/mtum.db",
        "/api/v1/explain?session=../../etc/passwd",
        "/api/v1/report?session=..%2f..%2f..%2fetc%2fpasswd",
        "/api/v1/indicators?symbol=../../../etc/passwd",
        "/api/v1/trades?sleeve=../../../etc/passwd",
        "/api/v1/trades?cursor=../../../etc/passwd",
        "/api/v1/trades?cursor=2018-01-02.99999999999999999999",
        "/market?symbol=../../../etc/passwd",
        "/system?run=../../../etc/passwd",
        "/research?of=../../../etc/passwd",
        "/trades?since=../../../etc/passwd&sleeve=../..&cursor=../..",
    ],
)
def test_no_parameter_is_a_path(evil: Served, path: str) -> None:
    found = evil.ask(path)
    assert found.status < 500
    assert not any(word in found.text.replace("../etc/passwd", "").replace("/etc/passwd", "") for word in UNREADABLE)


@pytest.mark.parametrize("path", ["/", "/no", "/api/v1/no", "/static/no", "/api/v1/trades?limit=x", "/docs"])
def test_every_answer_has_the_headers(evil: Served, path: str) -> None:
    found = evil.ask(path)
    assert {name: found.headers.get(name) for name in HEADERS} == HEADERS
    assert "unsafe" not in found.headers["content-security-policy"]
    assert "server" not in found.headers


def test_no_other_method_and_no_websocket_is_spoken(evil: Served) -> None:
    assert evil.ask("/", "DELETE").status == 405
    assert evil.ask("/", "OPTIONS", headers={"Origin": "http://evil.example"}).status == 405
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "eA==",
        "Sec-WebSocket-Version": "13",
    }
    assert evil.ask("/api/v1/stream?after=x", "POST", b"", upgrade).status == 403


def test_a_form_may_be_neither_long_nor_odd(evil: Served) -> None:
    assert evil.ask("/api/v1/halt", "POST", b"a=" + b"x" * 20_000, {"Origin": evil.origin}).status == 413
    odd = b"\xff\xfe&&&==&token=%ff%00"
    assert evil.ask("/api/v1/halt", "POST", odd, {"Origin": evil.origin}).status == 403
    many = b"&".join(b"a%d=1" % number for number in range(60))
    assert evil.ask("/api/v1/halt", "POST", many, {"Origin": evil.origin}).status == 400


@pytest.mark.parametrize(("action", "name"), [("backtest", "changes"), ("note", "words"), ("halt", "why")])
def test_a_form_holds_no_control_characters(evil: Served, action: str, name: str) -> None:
    # No command can be given a zero byte, and a terminal obeys an escape.
    for odd in ("\0", "\x1b[2J"):
        found = evil.post(f"/api/v1/{action}", {name: f"portfolio.cost_frac=0{odd}"})
        assert found.status == 400, found.text
        assert f"'{name}' holds a control character" in found.text


def test_open_sockets_and_slow_readers_keep_nobody_out(evil: Served) -> None:
    idle = [evil.raw(b"") for _ in range(120)]
    half = [evil.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n") for _ in range(40)]
    slow = [evil.raw(b"GET /trades HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 5) for _ in range(40)]
    try:
        began = time.monotonic()
        assert evil.ask("/api/v1/status").status == 200
        assert time.monotonic() - began < 5  # alone it takes milliseconds
    finally:
        for line in (*idle, *half, *slow):
            line.close()


@pytest.mark.full
def test_readers_and_writers_that_are_slow_for_twenty_seconds_hold_nobody_up(evil: Served) -> None:
    own = f"Host: 127.0.0.1:{evil.port}\r\nOrigin: {evil.origin}\r\n"
    forms = [evil.raw(f"POST /api/v1/halt HTTP/1.1\r\n{own}Content-Length: 500\r\n\r\n".encode()) for _ in range(20)]
    heads = [evil.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ") for _ in range(20)]
    # Nobody reads what these are sent.
    deaf = [evil.raw(b"GET /trades HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20) for _ in range(20)]
    longest, pause = 0.0, Event()
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for line in heads:
                line.sendall(b"x")
            began = time.monotonic()
            assert evil.ask("/api/v1/status").status == 200
            longest = max(longest, time.monotonic() - began)
            pause.wait(0.5)
        assert longest < 5  # alone it takes milliseconds
        # A form that does not come is given up.
        assert {line.recv(4096).split()[1] for line in forms} == {b"408"}
    finally:
        for line in (*forms, *heads, *deaf):
            line.close()


def test_a_name_that_others_can_reach_needs_password_and_tls(tmp_path: Path) -> None:
    found = call(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    assert found.code == 2
    assert "MTUM_WEB__PASSWORD" in found.err


@pytest.fixture(scope="module")
def live_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    (folder / "config.toml").write_text(LIVE)
    recorded(folder / "data", mode="live", account="U1234567")
    return folder


@pytest.fixture(scope="module")
def live(live_folder: Path) -> Iterator[Served]:
    with served(live_folder, environment={"MTUM_WEB__PASSWORD": PASSWORD}) as server:
        yield server


def test_nothing_of_the_account_is_shown_without_the_password(live: Served) -> None:
    stranger = Served(live.port, live.process)
    for page in PAGES:
        found = stranger.ask(f"/{page}")
        assert (found.status, found.headers["location"]) == (303, "/login")
    for name in ("status", "trades", "stream", "openapi.json", "token"):
        assert stranger.ask(f"/api/v1/{name}").status == 401
    for name in ("/docs", "/trades.csv", "/no"):
        assert stranger.ask(name).status == 303
    assert "U1234567" not in stranger.ask("/login").text


def test_halting_and_resuming_with_the_password_is_what_the_commands_do(live: Served, live_folder: Path) -> None:
    assert live.post("/login", {"password": PASSWORD}).status == 303
    refused = live.post("/api/v1/halt", {"why": "storm"})
    assert (refused.status, "tick the box" in refused.text) == (400, True)
    assert live.post("/api/v1/halt", {"why": "storm", "confirmed": "yes"}).status == 200
    told = call_json(live_folder, "status").document
    assert [(one["by"], one["why"], one["restriction"]) for one in told["halts"]] == [("person", "storm", "full")]
    assert "storm" in live.ask("/").text
    # In live the account's code is typed, not a word.
    assert live.post("/api/v1/resume", {"typed": "resume"}).status == 400
    assert live.post("/api/v1/resume", {"typed": "U1234567"}).status == 200
    assert call_json(live_folder, "status").document["halts"] == []
    log = (live_folder / "data" / "logs" / "mtum.jsonl").read_text()
    assert '"asked_from": "127.0.0.1"' in log
    assert PASSWORD not in log
    assert live.post("/logout").status == 303
    assert live.ask("/").status == 303


def test_in_live_a_dashboard_without_password_is_read_only(live_folder: Path) -> None:
    with served(live_folder) as server:
        assert "LIVE: real money" in server.ask("/").text
        before = halts(live_folder)
        for action in ACTIONS:
            fields = {"why": "x", "confirmed": "yes", "typed": "U1234567"}
            assert server.post(f"/api/v1/{action}", fields).status == 403
        assert halts(live_folder) == before
        assert '<form method="post" action="/api/v1' not in server.ask("/").text


def guessed(live_folder: Path, tries: int) -> None:
    with served(live_folder, environment={"MTUM_WEB__PASSWORD": PASSWORD}) as server:
        token = server.token()
        codes = []
        for number in range(tries):
            body = f"token={token}&password=guess{number}".encode()
            codes.append(server.ask("/login", "POST", body, {"Origin": server.origin}).status)
        assert codes[:5] == [403] * 5
        # From the sixth on it has to wait, twice as long after each one that was looked at.
        assert codes.count(403) <= 5 + 8
        assert codes[5] == 429
        assert server.post("/login", {"password": PASSWORD}).status in (303, 429)
        assert server.ask("/login").status == 200


@pytest.mark.full
def test_guessing_a_password_is_slowed_down(live_folder: Path) -> None:
    guessed(live_folder, 12)


@pytest.mark.full
def test_a_thousand_guesses_bring_nobody_in(live_folder: Path) -> None:
    guessed(live_folder, 1000)


@pytest.mark.full
def test_another_address_is_served_with_tls_and_password_alone(live_folder: Path, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run([openssl, *made, *files], check=True, capture_output=True)
    environment = {
        "MTUM_WEB__PASSWORD": PASSWORD,
        "MTUM_WEB__TLS_CERTIFICATE": str(tmp_path / "certificate.pem"),
        "MTUM_WEB__TLS_KEY": str(tmp_path / "key.pem"),
    }
    with served(live_folder, "--host", "0.0.0.0", environment=environment) as server:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
        line = http.client.HTTPSConnection("localhost", server.port, timeout=20, context=trusting)
        line.request("GET", "/")
        found = line.getresponse()
        assert (found.status, found.getheader("location")) == (303, "/login")
        assert "Secure" in str(found.getheader("set-cookie"))
        line.close()


@pytest.mark.full
def test_a_killed_server_leaves_no_lock(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        server.ask("/")
        server.process.kill()
        server.process.wait(5)
        assert call(tmp_path, "halt", "--why", "after").code == 0
    shutil.rmtree(tmp_path / "data")
