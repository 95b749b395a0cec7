"""What holds for every test: nothing of the user's, no network, no setting of the machine, the same examples."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from support.guard import sitecustomize as guard

MEMORY = "/dev/shm"
KEPT = ("MTUM_REAL_", "MTUM_TEST_")
WARM_UP = pytest.StashKey["subprocess.Popen[bytes]"]()


def pytest_configure(config: pytest.Config) -> None:
    # Reproducible and patient: a busy machine must not turn a property into a failure.
    hypothesis.settings.register_profile("mtum", deadline=None, derandomize=True)
    hypothesis.settings.load_profile("mtum")
    for name in [name for name in os.environ if name.startswith("MTUM_") and not name.startswith(KEPT)]:
        del os.environ[name]
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(config.rootpath / ".hypothesis")
    # A process that compiles all its libraries anew takes seconds to start, and tests start hundreds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # Every commit waits for the disk; where memory can be a folder, thousands of them take no time.
    if os.access(MEMORY, os.W_OK) and "PYTEST_DEBUG_TEMPROOT" not in os.environ:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = MEMORY
    # Each worker has notes of its own; what it starts inherits them, and the guard with them.
    os.environ[guard.FOLDER] = tempfile.mkdtemp(prefix="mtum-guard-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [os.path.dirname(guard.__file__), *filter(None, [os.environ.get("PYTHONPATH")])]
    )

    if _is_whole_suite_on_workers(config):
        _read_once(Path(__file__).parent)
        script = str(Path(__file__).parent / "tools" / "warm_up.py")
        config.stash[WARM_UP] = subprocess.Popen(
            [sys.executable, script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def _read_once(tests: Path) -> None:
    # Every worker of a fresh clone would rewrite the assertions of all files: 25 s of computing each.
    if any(tests.glob("unit/**/__pycache__/*-pytest-*.pyc")):
        return
    files, parts = sorted(str(path) for path in tests.rglob("test_*.py")), os.cpu_count() or 1
    line = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-n0", "-p", "no:cacheprovider"]
    begun = [
        subprocess.Popen([*line, *files[part::parts]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for part in range(parts)
    ]
    for reading in begun:
        reading.wait()  # what it could not read, a worker says


def _is_whole_suite_on_workers(config: pytest.Config) -> bool:
    # Every worker would compile the same loops for itself, 20 s of computing each.
    leads = not hasattr(config, "workerinput") and bool(config.getoption("tx", None))
    return leads and config.args_source is pytest.Config.ArgsSource.TESTPATHS


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # Every worker would read the measurements to leave all of them out.
    unwanted = "not bench" in config.getoption("markexpr")
    return True if unwanted and collection_path == Path(__file__).parent / "bench" else None


def pytest_unconfigure(config: pytest.Config) -> None:
    if (warm_up := config.stash.get(WARM_UP, None)) is not None:
        warm_up.kill()
        warm_up.wait()
    shutil.rmtree(os.environ[guard.FOLDER], ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    # Where to write which tests were skipped, so that they can run in an environment that has more.
    if listed := os.environ.get("TEST_SKIPPED_FILE"):
        names = {report.nodeid.split("[")[0] for report in terminalreporter.stats.get("skipped", ())}
        Path(listed).write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    # A test on the practice gateway waits for answers and deadlines for more than half of its time: two workers
    # keep one processor busy. A measurement runs alone.
    return 0 if config.getoption("markexpr") == "bench" else 2 * (os.cpu_count() or 1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    # A fixture of the module is made again in every worker that runs a test of it: a portfolio played for it costs
    # more than all that looks at it. The mark for groups does not serve, as pytest 9.2 lets no plugin write node ids.
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = lambda nodeid: shared(nodeid.partition("::")[0]) or nodeid
    return scheduler


@cache
def shared(path: str) -> str:
    """What the tests of a file share and one worker should make once: a fixture of the module, the parsed source."""
    text = (Path(__file__).parents[1] / path).read_text(encoding="utf-8")
    return path if 'scope="module"' in text else "source" if "modules(" in text else ""


@pytest.fixture(scope="session", autouse=True)
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Stand in an empty folder: `./config.toml` and `./data` are the user's own where the run was started."""
    folder = tmp_path_factory.mktemp("standing")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(autouse=True)
def own_log_handlers() -> Iterator[None]:
    """What a test sets up for logging ends with it: a later test's error stream is another one."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def own_strategies_only_of_the_test() -> Iterator[None]:
    """A strategy of a person's own that a command registered in this process ends with the test."""
    yield
    plugins = sys.modules.get("mtum.config.plugins")
    if plugins is not None and plugins.own_strategies():
        plugins.use_strategies(())


@pytest.fixture(autouse=True)
def nothing_of_the_user(standing: Path) -> Iterator[None]:
    """A test fails that any process of it had to be kept from something, or that wrote where it stood."""
    yield
    left = sorted(path.name for path in standing.iterdir())
    for name in left:
        shutil.rmtree(standing / name) if (standing / name).is_dir() else (standing / name).unlink()
    assert (guard.kept_from(), left) == ([], [])
