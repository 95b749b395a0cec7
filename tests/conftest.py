"""What holds for every test: no network but loopback, no setting of the machine, the same examples each time."""

import logging
import os
import socket
from collections.abc import Iterator

import hypothesis
import pytest

LOOPBACK = ("127.", "::1", "localhost")
MEMORY = "/dev/shm"
KEPT = ("MTUM_REAL_", "MTUM_TEST_")


def pytest_configure() -> None:
    # Reproducible and patient: a busy machine must not turn a property into a failure.
    hypothesis.settings.register_profile("mtum", deadline=None, derandomize=True)
    hypothesis.settings.load_profile("mtum")
    for name in [name for name in os.environ if name.startswith("MTUM_") and not name.startswith(KEPT)]:
        del os.environ[name]
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    # Every commit waits for the disk; where memory can be a folder, thousands of them take no time.
    if os.access(MEMORY, os.W_OK) and "PYTEST_DEBUG_TEMPROOT" not in os.environ:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = MEMORY


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    # Much of the suite waits for processes and deadlines: one worker more than processors. A measurement runs alone.
    return 0 if config.getoption("markexpr") == "bench" else (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """A test that reaches for the network fails with the address it wanted."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: tuple[str, int] | str) -> None:
        internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if internet and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(autouse=True)
def own_log_handlers() -> Iterator[None]:
    """What a test sets up for logging ends with it: a later test's error stream is another one."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
