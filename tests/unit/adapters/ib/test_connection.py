"""Which client library is used, and what is said when it cannot be."""

from importlib import metadata

import pytest

from mtum.adapters.ib.connection import client_library
from mtum.errors import ConfigError


def test_the_configured_library_gives_its_wire_client() -> None:
    found = client_library("ib_insync")
    assert (found.name, found.version) == ("ib_insync", "0.9.86")
    assert found.order().tif == ""  # so that the adapter has to say DAY


def test_a_library_that_is_not_installed_is_named() -> None:
    with pytest.raises(ConfigError, match='"ib_async" is not installed in this environment'):
        client_library("ib_async")


def test_both_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = metadata.version
    # Asked once for each process, and so before this test.
    monkeypatch.setattr(
        "mtum.adapters.ib.connection._version", lambda name: "2.1.0" if name == "ib_async" else plain(name)
    )
    with pytest.raises(ConfigError, match="overwrite each other's eventkit"):
        client_library("ib_insync")
