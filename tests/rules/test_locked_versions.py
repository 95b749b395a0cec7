"""What is installed is what pyproject.toml and requirements.lock fix alike, and both answer to the ranges."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.source_tree import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINS = {str(Requirement(line)) for line in PROJECT["tool"]["uv"]["constraint-dependencies"]}
NOT_LOCKED = {"bench", "cluster", "keyring"}
LIGHT_MB = 430
"""Size of what `uv run` installs, bytecode apart: some 130 MB of downloads, of which llvmlite alone is a third."""


def lock_lines() -> set[str]:
    lines = (line.split(" \\")[0] for line in LOCK.splitlines() if re.match(r"[a-z0-9]", line, re.IGNORECASE))
    return {str(Requirement(line)) for line in lines}


def here(lines: set[str]) -> dict[str, Requirement]:
    """Pinned requirements that apply to this interpreter, by name."""
    pins = (Requirement(line) for line in lines)
    return {canonicalize_name(pin.name): pin for pin in pins if pin.marker is None or pin.marker.evaluate()}


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def direct() -> dict[str, list[str]]:
    groups = {name: lines for name, lines in PROJECT["dependency-groups"].items() if name not in NOT_LOCKED}
    return {"project": PROJECT["project"]["dependencies"], **groups}


def test_every_installed_package_has_its_locked_version() -> None:
    pins = here(PINS)
    versions = {name: installed(name) for name in pins}
    assert {
        name: (found, str(pins[name]))
        for name, found in versions.items()
        if found and found not in pins[name].specifier
    } == {}


def test_what_uv_run_resolves_is_what_the_lock_says() -> None:
    # Without its own lock file, `uv run` resolves anew on every fresh clone: only these pins keep it where CI was.
    assert lock_lines() - PINS == set(), "run bash .ci/lock"
    assert [pin for pin in sorted(PINS) if [one.operator for one in Requirement(pin).specifier] != ["=="]] == []


def test_every_package_that_the_program_needs_is_installed() -> None:
    names = [Requirement(line).name for line in direct()["project"] + direct()["dev"]]
    assert [name for name in names if installed(name) is None] == []


@pytest.mark.parametrize("group", ["project", *sorted(PROJECT["dependency-groups"])])
def test_the_pins_meet_every_direct_requirement(group: str) -> None:
    # A group outside of requirements.lock is pinned too: `uv run` resolves all of them together.
    pins = here(PINS if group in NOT_LOCKED else lock_lines())
    for line in [*PROJECT["project"]["dependencies"]] if group == "project" else PROJECT["dependency-groups"][group]:
        need = Requirement(line)
        pin = pins.get(canonicalize_name(need.name))
        assert pin is not None, f"{need} is not fixed: run bash .ci/lock"
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert exact.version in need.specifier, f"{pin} does not meet {need}: run bash .ci/lock"


def installed_mb(lines: list[str]) -> float:
    """Size of requirements with everything they need, as their own lists of files tell it."""
    todo, sizes = [Requirement(line) for line in lines], dict[str, int]()
    while todo:
        need = todo.pop()
        name = canonicalize_name(need.name)
        if name in sizes:
            continue
        found = distribution(name)
        sizes[name] = sum(file.size or 0 for file in found.files or () if file.suffix != ".pyc")
        further = [Requirement(line) for line in found.requires or ()]
        asked = ("", *need.extras)
        todo += [one for one in further if not one.marker or any(one.marker.evaluate({"extra": e}) for e in asked)]
    return sum(sizes.values()) / 1e6


def test_the_default_groups_stay_light() -> None:
    groups = direct()
    default = groups["project"] + groups["dev"]
    assert PROJECT["tool"]["uv"]["default-groups"] == ["dev"]
    assert installed_mb(default) < LIGHT_MB


def test_every_locked_package_has_a_hash() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", LOCK, flags=re.IGNORECASE)[1:]
    assert len(entries) > 50
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_build_requirements_are_pinned() -> None:
    assert all("==" in line for line in PROJECT["build-system"]["requires"])
    assert PROJECT["build-system"]["requires"] == PROJECT["dependency-groups"]["build"]


def test_the_version_is_the_same_in_the_package_and_in_its_description() -> None:
    import mtum

    assert mtum.__version__ == PROJECT["project"]["version"] == installed("mtum")
