"""The record of a paper check tells of an order at the broker: damaged, it is never taken for an empty one."""

from datetime import date
from pathlib import Path

import pytest

from mtum.app.owner.paper_check_record import interrupted_check, read_results, record_path
from mtum.errors import DocumentError

DAY = date(2024, 1, 3)


@pytest.mark.parametrize("content", ['{"steps": [', "[]"])
def test_a_damaged_record_is_named_with_what_it_tells(tmp_path: Path, content: str) -> None:
    record_path(tmp_path, DAY).write_text(content, encoding="utf-8")
    with pytest.raises(DocumentError, match=r"paper-check-2024-01-03\.json, which tells whether an order is left"):
        interrupted_check(tmp_path)


def test_a_step_of_another_form_is_named(tmp_path: Path) -> None:
    record_path(tmp_path, DAY).write_text('{"steps": [{"name": "cancel it", "passed": 1}]}', encoding="utf-8")
    with pytest.raises(DocumentError, match=r"paper-check-2024-01-03\.json cannot be read: .* at `\$\[0\]\.passed`"):
        read_results(record_path(tmp_path, DAY))
    assert read_results(record_path(tmp_path, date(2024, 1, 4))) == []
