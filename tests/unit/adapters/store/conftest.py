"""A practice database of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtum.adapters.store.opening import SqliteStore
from support.store import opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = opened(tmp_path)
    yield made
    made.close()


@pytest.fixture
def path(store: SqliteStore) -> Path:
    return store.database.path
