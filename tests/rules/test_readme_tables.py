"""Tables of the README say what the code says."""

import pytest

from support.source_tree import ROOT
from tools import readme_tables

README = (ROOT / "README.md").read_text(encoding="utf-8")


def marked(name: str, inside: str = "") -> str:
    return f"before\n<!-- table: {name} -->\n{inside}<!-- end of table -->\nafter\n"


def test_no_table_of_the_readme_is_stale() -> None:
    assert readme_tables.stale(README) == []


@pytest.mark.parametrize("name", sorted(readme_tables.TABLES))
def test_the_readme_shows_every_table(name: str) -> None:
    assert f"<!-- table: {name} -->\n" in README


@pytest.mark.parametrize("name", sorted(readme_tables.TABLES))
def test_a_changed_table_is_noticed_and_written_anew(name: str) -> None:
    wrong = marked(name, "| stale |\n")
    right = readme_tables.filled(wrong)
    assert readme_tables.stale(wrong) == [name]
    assert readme_tables.stale(right) == []
    assert right.startswith(f"before\n<!-- table: {name} -->\n| ")
    assert right.endswith("<!-- end of table -->\nafter\n")


def test_every_setting_has_a_row_with_a_meaning() -> None:
    from mtum import config

    rows = {row[0].strip("`"): row[3] for row in readme_tables.settings()[1:]}
    named: dict[str, object] = {"sleeve": {"NAME": {}}, "group": {"NAME": {}}}
    limits = {name for name in config.setting_names(named) if name.startswith("sleeve.NAME.risk.")}
    assert sorted(rows) == sorted({*config.setting_names(named)} - limits), "those limits have a row as [risk]"
    assert [name for name, meaning in rows.items() if not meaning] == []


def test_every_column_of_the_database_has_a_meaning() -> None:
    from mtum.adapters.store.schema import columns_documentation

    columns = columns_documentation()
    assert columns
    assert [(table, name) for table, found in columns.items() for name, text in found.items() if not text] == []


def test_a_marker_without_a_table_is_an_error() -> None:
    with pytest.raises(KeyError):
        readme_tables.filled(marked("unheard_of"))
