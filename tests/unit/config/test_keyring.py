"""Secrets from the system keyring: optional, last in order, and never a reason to crash or to wait."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import ModuleType

import pytest

from mtum.config import secret
from mtum.config.loading import kept_secret
from mtum.wiring.secrets import secret_days

KEPT = {("mtum", "mail.password"): "from the keyring", ("mtum", "notify.urls"): ""}


class NoKeyringError(RuntimeError):
    """What the library raises on a machine without a desktop."""


def install(monkeypatch: pytest.MonkeyPatch, get_password: Callable[[str, str], str | None]) -> None:
    library = ModuleType("keyring")
    library.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", library)


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, lambda service, name: KEPT.get((service, name)))


@pytest.mark.usefixtures("keyring")
def test_a_secret_that_is_nowhere_else_comes_from_the_keyring() -> None:
    assert secret("mail.password", {}) == "from the keyring"
    assert secret("notify.ping_url", {}) is None
    assert secret("notify.urls", {}) is None


@pytest.mark.usefixtures("keyring")
def test_variable_and_file_come_before_the_keyring(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n")
    assert secret("mail.password", {"MTUM_MAIL__PASSWORD": "from the variable"}) == "from the variable"
    assert secret("mail.password", {"MTUM_MAIL__PASSWORD_FILE": str(file)}) == "from the file"


@pytest.mark.usefixtures("keyring")
def test_an_empty_file_stands_for_none_and_the_keyring_is_not_asked(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.touch()
    assert not secret("mail.password", {"MTUM_MAIL__PASSWORD_FILE": str(file)})


@pytest.mark.usefixtures("keyring")
def test_a_kept_secret_is_in_use_and_its_age_unknown() -> None:
    assert secret_days({}) == {"mail.password": None}


@pytest.mark.parametrize("error", [NoKeyringError("no recommended backend"), OSError("no bus"), ValueError("plugin")])
def test_a_keyring_that_fails_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(service: str, name: str) -> str:
        raise error

    install(monkeypatch, fails)
    assert secret("mail.password", {}) is None


def test_a_keyring_that_waits_for_a_person_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = Event()
    install(monkeypatch, lambda service, name: str(over.wait(20)))
    try:
        assert kept_secret("mail.password", wait_seconds=0.05) is None
        assert not over.is_set()
    finally:
        over.set()


def test_without_the_package_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)  # what makes an import fail
    assert secret("mail.password", {}) is None


@pytest.mark.parametrize(
    ("library", "said"),
    [
        ("def get_password(service, name):\n    return f'{service}/{name}'\n", "mtum/mail.password"),
        ("def get_password(service, name):\n    raise RuntimeError('no keyring')\n", "None"),
    ],
)
def test_a_process_of_its_own_finds_the_package_on_its_path(tmp_path: Path, library: str, said: str) -> None:
    (tmp_path / "keyring.py").write_text(library)
    code = "from mtum.config import secret; print(secret('mail.password', {}))"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ended.stdout.strip(), ended.stderr) == (said, "")
