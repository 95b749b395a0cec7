"""`mtum backtest` over a folder in which some files are broken: named, or left out and listed."""

import shutil
from pathlib import Path

import pytest

from support.bar_folders import write_market
from support.commands import Called, call


def folder_of(tmp_path: Path, count: int, sessions: int = 40) -> list[str]:
    """So many files with the same bars; returns their symbols."""
    symbols = [f"S{number:02}" for number in range(count)]
    write_market(tmp_path / "bars", symbols[0], sessions)
    for symbol in symbols[1:]:
        shutil.copy(tmp_path / "bars" / f"{symbols[0]}.csv", tmp_path / "bars" / f"{symbol}.csv")
    return symbols


def asked(tmp_path: Path, symbols: list[str], *words: str, strategy: str = "buy_and_hold") -> Called:
    listed = ", ".join(f'"{symbol}"' for symbol in symbols)
    chosen = ("--strategy", strategy, "--set", f"strategy.{strategy}.symbols=[{listed}]")
    money = ("--set", "portfolio.capital_usd=1e6", "--set", "risk.max_position_usd=none")
    return call(tmp_path, "backtest", "--source", f"csv:{tmp_path / 'bars'}", *chosen, *money, "--quiet", *words)


def test_one_broken_file_among_a_hundred_is_named_or_left_out(tmp_path: Path) -> None:
    symbols = folder_of(tmp_path, 100, sessions=10)
    file = tmp_path / "bars" / "S57.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[8] = lines[8].replace(lines[8].split(",")[2], "n/a", 1)
    file.write_text("\n".join(lines), encoding="utf-8")
    refused = asked(tmp_path, symbols, "--out", str(tmp_path / "out"))
    assert refused.code == 3
    (line,) = refused.err.splitlines()
    assert "S57.csv, line 9" in line
    assert line.endswith("; --skip-unfit leaves out what is not fit")
    assert not (tmp_path / "out").exists(), "nothing is written"
    found = asked(tmp_path, symbols, "--skip-unfit", "--json").document
    assert [*found["left_out"]] == ["S57"]
    assert "S57.csv, line 9" in found["left_out"]["S57"]
    assert found["symbols"] == [symbol for symbol in symbols if symbol != "S57"]
    assert len(found["orders"]) == 99
    (told,) = [one for one in found["metrics"]["cautions"] if one.startswith("left out, because it is not fit: ")]
    assert "S57.csv, line 9" in told


def broken(file: Path, how: str) -> None:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    match how:
        case "missing":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
        case "header alone":
            file.write_text(lines[0], encoding="utf-8")
        case "cut off":
            file.write_text("".join(lines)[:-9], encoding="utf-8")
        case "no text":
            file.write_bytes(bytes(range(256)) * 8)
        case "a high below its low":
            cells = lines[20].split(",")
            lines[20] = ",".join([*cells[:2], "0.5", *cells[3:]])
            file.write_text("".join(lines), encoding="utf-8")
        case _:  # a folder
            file.unlink()
            file.mkdir()


@pytest.mark.parametrize(
    "how",
    ["missing", "empty", "header alone", "cut off", "no text", "a high below its low", "a folder"],
)
def test_whatever_is_wrong_with_a_file_its_symbol_is_named_and_the_rest_can_go_on(tmp_path: Path, how: str) -> None:
    symbols = folder_of(tmp_path, 3)
    broken(tmp_path / "bars" / "S01.csv", how)
    refused = asked(tmp_path, symbols)
    assert refused.code == 3, (refused.out, refused.err)
    (line,) = refused.err.splitlines()
    assert "S01" in line
    assert line.endswith("; --skip-unfit leaves out what is not fit")
    found = asked(tmp_path, symbols, "--skip-unfit", "--json")
    assert found.code == 0, found.err
    assert (found.document["symbols"], [*found.document["left_out"]]) == (["S00", "S02"], ["S01"])


def test_a_session_that_one_symbol_lacks_is_played_without_it_and_told(tmp_path: Path) -> None:
    symbols = folder_of(tmp_path, 3)
    whole = asked(tmp_path, symbols, "--json").document
    paths = [tmp_path / "bars" / f"{symbol}.csv" for symbol in symbols]
    lines = paths[1].read_text(encoding="utf-8").splitlines(keepends=True)
    paths[1].write_text("".join(lines[:20] + lines[21:30] + lines[31:]), encoding="utf-8")
    found = asked(tmp_path, symbols, "--json").document
    day = lines[20].split(",")[0]
    assert f"S01: no bar on 2 sessions, the first {day}: it is not decided on there" in found["metrics"]["cautions"]
    assert (found["sessions"], found["left_out"]) == (whole["sessions"], {})
    for path in (paths[0], paths[2]):
        path.write_text("".join(lines[:20] + lines[21:]), encoding="utf-8")
    refused = asked(tmp_path, symbols)
    assert refused.code == 3, "a session that none of them has is no gap of one"
    assert f"{day}" in refused.err


def test_how_many_more_are_not_fit_is_said(tmp_path: Path) -> None:
    symbols = folder_of(tmp_path, 4)
    for symbol in ("S01", "S02", "S03"):
        broken(tmp_path / "bars" / f"{symbol}.csv", "empty")
    assert "S01.csv" in (told := asked(tmp_path, symbols).err)
    assert "; 2 more of its symbols are not fit; --skip-unfit" in told
    found = asked(tmp_path, symbols, "--skip-unfit", "--json").document
    assert (found["symbols"], [*found["left_out"]]) == (["S00"], ["S01", "S02", "S03"])


def test_what_a_strategy_cannot_do_without_is_not_left_out(tmp_path: Path) -> None:
    symbols = folder_of(tmp_path, 2)
    for symbol in symbols:
        broken(tmp_path / "bars" / f"{symbol}.csv", "empty")
    refused = asked(tmp_path, symbols, "--skip-unfit")
    assert refused.code == 3
    assert refused.err.rstrip().endswith("buy_and_hold cannot do without S01"), "no symbol would be left"
    held = asked(tmp_path, symbols, "--skip-unfit", "--holding", "S00=5")
    assert held.code == 3
    assert held.err.rstrip().endswith("it is held at the start")


def test_a_result_without_some_symbols_is_not_approved(tmp_path: Path) -> None:
    symbols = folder_of(tmp_path, 2)
    refused = asked(tmp_path, symbols, "--skip-unfit", "--approve")
    assert refused.code == 2
    assert "leave out --skip-unfit" in refused.err


def test_every_sleeve_of_an_account_does_without_what_is_not_fit(tmp_path: Path) -> None:
    symbols = folder_of(tmp_path, 3)
    broken(tmp_path / "bars" / "S01.csv", "empty")
    sleeves = (
        f'[sleeve.{name}]\nstrategy = "buy_and_hold"\nweight = 0.5\n[sleeve.{name}.rules]\nsymbols = {listed}\n'
        for name, listed in (("one", symbols[:2]), ("two", symbols[1:]))
    )
    (tmp_path / "account.toml").write_text("\n".join(sleeves).replace("'", '"'), encoding="utf-8")
    words = ("backtest", "--portfolio", "account.toml", "--source", f"csv:{tmp_path / 'bars'}", "--quiet")
    refused = call(tmp_path, *words)
    assert refused.code == 3
    assert "S01.csv" in refused.err
    found = call(tmp_path, *words, "--skip-unfit", "--json").document
    assert [*found["left_out"]] == ["S01"]
    assert {(one["sleeve"], one["symbol"]) for one in found["orders"]} == {("one", "S00"), ("two", "S02")}


def test_a_session_that_one_sleeve_lacks_is_played_by_the_others(tmp_path: Path) -> None:
    folder_of(tmp_path, 2)
    file = tmp_path / "bars" / "S01.csv"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:20] + lines[21:]), encoding="utf-8")
    sleeves = (
        f'[sleeve.{name}]\nstrategy = "buy_and_hold"\nweight = 0.5\n[sleeve.{name}.rules]\nsymbols = ["{symbol}"]\n'
        for name, symbol in (("one", "S00"), ("two", "S01"))
    )
    (tmp_path / "account.toml").write_text("\n".join(sleeves), encoding="utf-8")
    words = ("backtest", "--source", f"csv:{tmp_path / 'bars'}", "--quiet", "--json")
    found = call(tmp_path, *words, "--portfolio", "account.toml").document
    day = lines[20].split(",")[0]
    assert f"S01: no bar on 1 session {day}: it is not decided on there" in found["metrics"]["cautions"]
    assert found["sessions"] == 40
    chosen = ("--strategy", "buy_and_hold", "--set", 'strategy.buy_and_hold.symbols=["S01"]')
    alone = call(tmp_path, *words, *chosen)
    assert alone.code == 3, "a symbol alone has nobody to tell that there was a session"
    assert day in alone.texts
