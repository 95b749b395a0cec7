"""Our adapter on ib_async, in an environment without ib_insync: the very same suite, unchanged.

The environment is made by `python tests/tools/client_environments.py`; TEST_CLIENTS names another
folder than build/clients.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACE = Path(os.environ.get("TEST_CLIENTS", ROOT / "build" / "clients")) / "ib_async_adapter" / "bin" / "python"
SUITE = (
    "tests/contracts/test_ib_adapter.py",
    "tests/contracts/test_ib_refusals.py",
    "tests/contracts/test_option_chains_on_the_gateway.py",
    "tests/contracts/test_option_chains_on_the_wire.py",
    "tests/contracts/test_option_gate_on_the_wire.py",
    "tests/contracts/test_option_lists_on_the_wire.py",
    "tests/contracts/test_option_orders_on_the_gateway.py",
    "tests/contracts/test_option_orders_on_the_wire.py",
    "tests/contracts/test_gate_clearing.py",
    "tests/unit/adapters/ib/test_codes.py",
    "tests/unit/adapters/sources/test_ib_ahead.py",
    "tests/unit/adapters/sources/test_ib_dividends.py",
)


def test_the_adapters_suite_passes_on_ib_async() -> None:
    if not PLACE.exists():
        pytest.skip("no environment for ib_async_adapter: run python tests/tools/client_environments.py")
    # An installed checkout's paths come from the environment's own pythonpath, not from ours.
    environment = {**os.environ, "TEST_LIBRARY": "ib_async", "PYTHONPATH": str(ROOT)}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [str(PLACE), "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *SUITE]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:]
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None
    assert int(passed[1]) >= 250
