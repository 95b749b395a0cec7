"""GRID.toml: combinations in order, and every mistake named."""

from pathlib import Path

import pytest

from mtum.app.research.grid_file import read_grid
from mtum.errors import ConfigError

MA = "strategy.mtum_confluence.ma_sessions"


def written(folder: Path, text: str) -> Path:
    path = folder / "grid.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_lists_ranges_and_linked_settings_are_combined(tmp_path: Path) -> None:
    grid = read_grid(
        written(
            tmp_path,
            f"""
            [grid]
            {MA} = {{ from = 20, to = 60, step = 20 }}
            [[linked]]
            a.low = [1, 2]
            a.high = [3, 4]
            [base]
            portfolio.cost_frac = 0.002
            """,
        )
    )
    assert len(grid) == 6
    assert list(grid.combinations()) == [
        {MA: ma, "a.low": low, "a.high": low + 2} for ma in (20, 40, 60) for low in (1, 2)
    ]
    assert grid.base == {"portfolio.cost_frac": 0.002}


def test_a_range_of_fractions_has_no_dust(tmp_path: Path) -> None:
    grid = read_grid(written(tmp_path, "[grid]\nx = { from = 0.1, to = 0.5, step = 0.1 }\n"))
    assert [change["x"] for change in grid.combinations()] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_quoted_names_are_the_same_settings(tmp_path: Path) -> None:
    grid = read_grid(written(tmp_path, f'[grid]\n"{MA}" = [20, 30]\n'))
    assert [change[MA] for change in grid.combinations()] == [20, 30]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[grid]\nx = 5\n", "use a list"),
        ("[grid]\nx = []\n", "use a list"),
        ("[grid]\nx = { from = 5, to = 1, step = 1 }\n", "from <= to"),
        ("[grid]\nx = { from = 1, to = 5, step = 0 }\n", "step > 0"),
        ("[grid]\nx = { from = 1, to = nan, step = 1 }\n", "from <= to"),
        ("[grid]\nx = { from = 1, to = 1e9, step = 1e-9 }\n", "larger step"),
        ("[[linked]]\nx = [1, 2]\ny = [1]\n", "equal length"),
        ("linked = 5\n", "linked = 5; write"),
        ("linked = [5]\n", "write"),
        ("grid = 3\n", "grid = 3; write"),
        ("base = [1]\n", "write"),
        ("[base]\nx = 1\n", "no setting varies"),
        ("[grids]\nx = [1]\n", "unknown section grids"),
        ("x = = 3", "not valid TOML"),
        ("[grid]\nx = { from = 1, to = 2000, step = 1 }\ny = { from = 1, to = 2000, step = 1 }\n", "at most 1,000,000"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_grid(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read"):
        read_grid(tmp_path / "nowhere.toml")
