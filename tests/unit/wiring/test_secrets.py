"""What commands of a moment show of a log."""

import logging

import pytest

from mtum.wiring.secrets import log_to_terminal


def test_a_log_on_the_terminal_hides_each_address_of_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_terminal("info", {"MTUM_NOTIFY__URLS": "json://user:first@one.example, json://user:second@two.example"})
    logging.getLogger("mtum").info("asked json://user:second@two.example")
    assert "asked" in (told := capsys.readouterr().err)
    assert "second" not in told
