"""Reports of every kind of day against stored files; `make.py` beside them writes them anew."""

import importlib.util
from pathlib import Path

import pytest

from support.report_days import KINDS

HERE = Path(__file__).parent


def made(kind: str, folder: Path) -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("make_golden_reports", HERE / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, str] = module.reports(kind, folder)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_report_equals_its_golden_file(tmp_path: Path, kind: str) -> None:
    for name, content in made(kind, tmp_path).items():
        assert content == (HERE / name).read_text(encoding="utf-8"), name


def test_every_golden_file_belongs_to_a_kind_of_day() -> None:
    stored = {path.stem for path in HERE.glob("*.txt")} | {path.stem for path in HERE.glob("*.json")}
    assert stored == set(KINDS)
