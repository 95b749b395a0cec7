"""What a gateway keeps between runs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mtum.errors import RunLockedError, StoreError
from mtum.gateway.start import GatewayFiles


def test_state_and_market_time_come_back(tmp_path: Path) -> None:
    files = GatewayFiles(tmp_path / "gateway")
    assert (files.load(), files.market_time()) == (None, None)
    files.save(b"one")
    files.save(b"two")
    files.note_market_time(datetime(2018, 3, 1, 20, 38, 5, tzinfo=UTC))
    files.write_journal('{"n": 1}')
    files.close()
    again = GatewayFiles(tmp_path / "gateway")
    assert again.load() == b"two"
    assert again.market_time() == datetime(2018, 3, 1, 20, 38, 5, tzinfo=UTC)
    again.write_journal('{"n": 2}')
    again.close()
    assert again.journal_path.read_text().splitlines() == ['{"n": 1}', '{"n": 2}']


def test_forgetting_keeps_the_journal(tmp_path: Path) -> None:
    files = GatewayFiles(tmp_path)
    files.save(b"one")
    files.note_market_time(datetime(2018, 3, 1, tzinfo=UTC))
    files.write_journal("{}")
    files.forget()
    files.close()
    assert (files.load(), files.market_time()) == (None, None)
    assert files.journal_path.exists()


def test_two_gateways_never_share_a_folder(tmp_path: Path) -> None:
    first = GatewayFiles(tmp_path)
    with pytest.raises(RunLockedError, match="another practice gateway uses"):
        GatewayFiles(tmp_path)
    first.close()
    GatewayFiles(tmp_path).close()


@pytest.mark.parametrize("noted", ["", "{}", '{"now": "x"}', '{"now": 5}'])
def test_a_damaged_note_of_the_market_time_is_named(tmp_path: Path, noted: str) -> None:
    files = GatewayFiles(tmp_path)
    (tmp_path / "clock.json").write_text(noted)
    with pytest.raises(StoreError, match=r"clock\.json is damaged; restore it, or start over with --fresh"):
        files.market_time()
    files.close()
