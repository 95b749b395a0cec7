"""Every version and every change of the database has its lines in the changelog."""

import re

import mtum
from mtum.adapters.store.schema import SCHEMA_VERSION
from support.source_tree import ROOT

TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASE = re.compile(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d{2}-\d{2})$", re.MULTILINE)
NOTE = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def test_the_newest_release_is_the_version_of_the_program() -> None:
    releases = RELEASE.findall(TEXT)
    assert releases[0][0] == mtum.__version__
    numbers = [tuple(int(part) for part in version.split(".")) for version, _ in releases]
    assert numbers == sorted(numbers, reverse=True)
    assert [day for _, day in releases] == sorted((day for _, day in releases), reverse=True)


def test_what_is_not_released_stands_first() -> None:
    heads = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    assert heads[0] == "Unreleased"
    assert all(RELEASE.fullmatch(f"## {head}") for head in heads[1:])


def test_every_schema_version_has_its_upgrade_note() -> None:
    noted = sorted(int(number) for number, _, _ in NOTE.findall(TEXT))
    assert noted == list(range(1, SCHEMA_VERSION + 1)), "add a row to the upgrade notes of CHANGELOG.md"


def test_the_notes_of_a_release_continue_where_the_one_before_it_ended() -> None:
    parts = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    numbers = [[int(number) for number, _, _ in NOTE.findall(part)] for part in reversed(parts)]
    assert [number for part in numbers for number in part] == list(range(1, SCHEMA_VERSION + 1))
