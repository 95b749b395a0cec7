"""The tree holds nothing of the machine it was written on, and no secret."""

import re

from support.source_tree import texts

# Written in halves, so that this file does not find itself.
HOSTS = [".".join(halves) for halves in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))]
FOLDERS = (("root",), ("home", "[a-z]+"), ("work",), ("opt",), ("Users", "[a-z]+"))
PLACES = ["/".join(["", *parts, ""]) for parts in FOLDERS]
MACHINE = re.compile("|".join([*(re.escape(host) for host in HOSTS), *(r"(?<![\w.}/])" + place for place in PLACES)]))
SECRET = re.compile("|".join(["-----BEGIN" + " [A-Z ]*PRIVATE KEY", "(gh[pous]|xox[abp])[_-]" + "[A-Za-z0-9]{20,}"]))
INDEX = re.compile(r"(^|\s)--?(extra-)?index-url|^\s*\[\[tool\.uv\.index|find-links", re.MULTILINE)


def found(pattern: re.Pattern[str]) -> list[str]:
    hits = ((path, pattern.search(text)) for path, text in texts() if path != "tests/rules/test_clean_tree.py")
    return [f"{path}: {hit.group(0)}" for path, hit in hits if hit]


def test_no_file_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    assert found(MACHINE) == []


def test_no_file_names_a_package_index() -> None:
    assert found(INDEX) == []


def test_no_file_holds_a_key_or_a_token() -> None:
    assert found(SECRET) == []


def test_text_files_end_with_one_line_end_and_use_no_other() -> None:
    assert [path for path, text in texts() if "\r" in text] == []
    assert [path for path, text in texts() if text and not text.endswith("\n") and not path.startswith(".git")] == []
