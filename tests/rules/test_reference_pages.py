"""The pages of the reference say what the code says."""

from pathlib import Path

import pytest

from mtum.cli.app import COMMANDS, loaded
from support.source_tree import ROOT
from tools import reference_pages
from tools.json_fields import JSON_FIELDS, undocumented
from tools.reference_words import EXIT_CODES


@pytest.mark.parametrize("name", reference_pages.PAGES)
def test_a_page_says_what_the_code_says(name: str) -> None:
    assert reference_pages.stale([name]) == [], f"run python tests/tools/reference_pages.py --write {name}"


def test_a_changed_page_is_noticed_and_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_pages, "FOLDER", tmp_path)
    assert reference_pages.stale(["errors"]) == ["errors"], "a page that is not there is stale too"
    assert reference_pages.main(["--write", "errors"]) == 0
    assert reference_pages.main(["--check", "errors"]) == 0
    (tmp_path / "errors.md").write_text("# Errors\n")
    assert reference_pages.main(["--check", "errors"]) == 1


def test_the_folder_holds_no_other_page() -> None:
    assert {path.stem for path in (ROOT / "docs" / "reference").glob("*.md")} == set(reference_pages.PAGES)


def test_every_setting_has_a_row_with_a_meaning() -> None:
    from mtum import config

    rows = {
        f"{section}.{row[0].strip('`')}": row[1] for section, _, found in reference_pages.sections() for row in found
    }
    named: dict[str, object] = {"sleeve": {"NAME": {}}, "group": {"NAME": {}}}
    limits = {name for name in config.setting_names(named) if name.startswith("sleeve.NAME.risk.")}
    expected = {*config.setting_names(named)} - limits - {"mode"}
    assert set(rows) == expected, "those limits have a row as [risk]"
    assert [name for name, meaning in rows.items() if not meaning] == []


def test_every_column_of_the_database_has_a_meaning() -> None:
    from mtum.adapters.store.schema.statements import columns_documentation

    columns = columns_documentation()
    assert columns
    assert [(table, name) for table, found in columns.items() for name, text in found.items() if not text] == []


def test_every_column_of_the_research_file_has_a_meaning() -> None:
    from mtum.adapters.research_file import _COLUMNS

    text = reference_pages.tables().split("### studies\n")[1].split("## ")[0]
    assert [name for name in _COLUMNS if f"| `{name}` |" not in text] == []


def test_every_error_and_exit_code_says_what_to_do() -> None:
    from mtum.errors import ExitCode

    assert [
        one.__name__ for one in reference_pages.error_classes() if not reference_pages.told(one.__doc__ or "")[1]
    ] == []
    docs = reference_pages.attribute_docs(ExitCode)
    assert [code.name for code in ExitCode if not reference_pages.told(docs[code.name])[1]] == []


def test_every_command_names_its_exit_codes_and_fields() -> None:
    names = [whole for name in COMMANDS for whole, _ in reference_pages.leaves(name, loaded(name))]
    assert sorted(names) == sorted(EXIT_CODES)
    assert sorted(names) == sorted(JSON_FIELDS)


def test_every_option_says_what_it_does() -> None:
    silent = [
        f"{whole} {one.name}"
        for name in COMMANDS
        for whole, command in reference_pages.leaves(name, loaded(name))
        for one in command.params
        if not one.help
    ]
    assert silent == []


def test_a_field_that_is_not_listed_is_noticed() -> None:
    assert undocumented("backup", {"path": "a", "kept": 1, "removed": [], "exit_code": 0}) == []
    assert undocumented("backup", {"path": "a", "size": 3}) == ["size"]
    assert undocumented("show fills", {"fills": [{"exec_id": "1", "venue": "X"}], "count": 1}) == ["fills.venue"]
