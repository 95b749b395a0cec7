"""Documents as plain JSON, tables for people."""

import io
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pytest

from mtum.cli.output import Answer, AnswerProblem, Listing, json_text, write


class Color(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Point:
    session: date
    worth: Decimal


def test_values_become_plain_json() -> None:
    eastern = timezone(timedelta(hours=-5))
    document = {
        "money": Decimal("12.50"),
        "whole": Decimal("12.00"),
        "session": date(2018, 3, 1),
        "instant": datetime(2018, 3, 1, 15, 38, tzinfo=eastern),
        "missing": float("nan"),
        "endless": Decimal("Infinity"),
        "color": Color.RED,
        "point": Point(date(2018, 3, 2), Decimal("0.1")),
        "rows": (1, 2.5, None, True),
        "path": Path("here"),
    }
    assert json.loads(json_text(document)) == {
        "money": 12.5,
        "whole": 12,
        "session": "2018-03-01",
        "instant": "2018-03-01T20:38:00Z",
        "missing": None,
        "endless": None,
        "color": "red",
        "point": {"session": "2018-03-02", "worth": 0.1},
        "rows": [1, 2.5, None, True],
        "path": str(Path.cwd() / "here"),
    }


def test_a_failure_keeps_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer({"session": date(2018, 3, 1)}, ["shown"], exit_code=6, problems=[AnswerProblem(6, "who knows?")])
    write(answer, as_json=True)
    streams = capsys.readouterr()
    expected = {"session": "2018-03-01", "problems": [{"code": 6, "text": "who knows?"}], "exit_code": 6}
    assert json.loads(streams.out) == expected
    assert streams.err == "mtum: who knows?\n"


def test_problems_of_the_document_stay_when_the_answer_names_none(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [{"code": 5, "text": "rejected"}]
    write(Answer({"problems": problems}, exit_code=5), as_json=True)
    streams = capsys.readouterr()
    assert json.loads(streams.out) == {"problems": problems, "exit_code": 5}
    assert streams.err == "mtum: rejected\n"


def test_hints_go_to_stderr_and_not_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer({}, ["done"], hints=["next: rest"])
    write(answer, as_json=False)
    assert capsys.readouterr() == ("done\n", "next: rest\n")
    write(answer, as_json=False, quiet=True)
    assert capsys.readouterr() == ("done\n", "")
    write(answer, as_json=True)
    assert capsys.readouterr() == ("{}\n", "")


def test_numbers_stand_right_and_words_left(capsys: pytest.CaptureFixture[str]) -> None:
    write(Answer({}, [Listing(["word", "USD"], [["a", 1234.5], ["bcdef", 7]])]), as_json=False)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "word         USD"
    assert lines[2:] == ["a       1,234.50", "bcdef          7"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (["ma_sesions: unknown", "mode: wrong"], "mtum: 2 problems, named above; exit code 2\n"),
        (
            [Listing(["", "check", "found"], [["no", "ma_sesions", "unknown"], ["no", "mode", "wrong"]])],
            "mtum: 2 problems",
        ),
        (["something else"], "mtum: ma_sesions: unknown; mode: wrong\n"),
    ],
)
def test_a_list_of_errors_on_a_terminal_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shown: list[str | Listing], line: str
) -> None:
    problems = [AnswerProblem(2, "ma_sesions: unknown"), AnswerProblem(2, "mode: wrong")]
    answer = Answer({}, shown, exit_code=2, problems=problems)
    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout", Terminal())
        write(answer, as_json=False)
    assert capsys.readouterr().err.startswith(line)
    write(answer, as_json=False)  # a pipe and a log each keep the whole
    assert capsys.readouterr().err == "mtum: ma_sesions: unknown; mode: wrong\n"


def test_a_list_of_errors_is_not_repeated_where_both_streams_are_one_pipe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = Answer({}, ["mode: wrong"], exit_code=2, problems=[AnswerProblem(2, "mode: wrong")])
    with (
        (tmp_path / "journal").open("w") as journal,
        open(os.dup(journal.fileno()), "w") as errors,
        monkeypatch.context() as patched,
    ):
        patched.setattr("sys.stdout", journal)
        patched.setattr("sys.stderr", errors)
        write(answer, as_json=False)
    assert (tmp_path / "journal").read_text() == "mode: wrong\nmtum: 1 problem, named above; exit code 2\n"


def test_a_piped_table_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 3000
    write(Answer({}, [Listing(["a", "b"], [[long, "end"]])]), as_json=False)
    row = capsys.readouterr().out.splitlines()[2]
    assert row.split() == [long, "end"]


def test_text_in_brackets_is_not_taken_for_a_style(capsys: pytest.CaptureFixture[str]) -> None:
    write(Answer({}, ["[bold]plain[/bold]", Listing(["a"], [["[red]x[/red]"]])]), as_json=False)
    assert "[red]x[/red]" in capsys.readouterr().out


def test_output_holds_no_escape_codes_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    write(Answer({}, [Listing(["a"], [["b"]], title="Title")]), as_json=False)
    assert "\x1b" not in capsys.readouterr().out


def test_an_instant_of_another_zone_is_shown_in_utc() -> None:
    text = json_text({"at": datetime(2018, 3, 1, 9, tzinfo=timezone(timedelta(hours=9)))})
    assert json.loads(text)["at"] == datetime(2018, 3, 1, 0, tzinfo=UTC).isoformat().replace("+00:00", "Z")


WIDE = Listing(
    ("session", "symbol", "at USD", "return", "reason", "shares", "reference", "P&L USD"),
    [
        [
            date(2018, 1, 3),
            "MTUM",
            271.3151,
            "+3.29%",
            "close_below_ma, rsi_low, vix_fear",
            17,
            "m180103-TE5RBX-1",
            -162.86,
        ]
    ],
    "Trades",
)
CELLS = ("2018-01-03", "MTUM", "271.32", "+3.29%", "close_below_ma, rsi_low, vix_fear", "17", "m180103-TE5RBX-1")


def test_a_pipe_gets_whole_rows_whatever_width_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    write(Answer({}, [WIDE]), as_json=False)
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "MTUM" in line]
    assert all(cell in row for cell in CELLS)


@pytest.mark.parametrize("columns", [40, 80, 104])
def test_a_narrow_terminal_breaks_no_number_date_or_reference(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    seen = Terminal()
    monkeypatch.setattr("sys.stdout", seen)
    write(Answer({}, [WIDE]), as_json=False)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", seen.getvalue()).splitlines()
    assert "Trades" in lines[0]
    assert all(any(word in line for line in lines) for cell in CELLS for word in cell.split())
    assert max(map(len, lines)) <= max(columns, 44)


def test_headings_go_on_in_the_next_line_before_rows_are_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    seen = Terminal()
    monkeypatch.setattr("sys.stdout", seen)
    columns = ("tried from", "return when tried, %", "Sharpe when fitted")
    write(Answer({}, [Listing(columns, [["2018-12-27", "4,679.40", "-0.10"]])]), as_json=False)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", seen.getvalue()).splitlines()
    (row,) = (line for line in lines if "2018-12-27" in line)
    assert row.split() == ["2018-12-27", "4,679.40", "-0.10"]
    assert max(map(len, lines)) <= 40
    # Formatted amounts stand right, under the ends of their headings.
    assert row.index("4,679.40") + len("4,679.40") == next(line for line in lines if "tried, %" in line).index("%") + 1


@pytest.mark.parametrize(
    "listing",
    [
        WIDE,
        Listing(("a", "b", "c"), [["x", 1.5, "two words"], [None, 20, "€ and 東京"], [True, "-3", "é\tf"]]),
        Listing(("one", "other"), [["first\nsecond", "x" * 60], ["", "control\x08 and bell\x07"]]),
        Listing(("nothing", "below"), []),
        Listing(("right", "left"), [[1, " stands as it is "], ["2 ", ""]]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_piped_table_is_what_an_endless_terminal_shows(
    monkeypatch: pytest.MonkeyPatch, listing: Listing, encoding: str
) -> None:
    monkeypatch.setenv("COLUMNS", "5000")
    shown = []
    for kind in (Terminal, io.StringIO):
        stream = type("Stream", (kind,), {"encoding": encoding})()
        monkeypatch.setattr("sys.stdout", stream)
        write(Answer({}, [listing]), as_json=False)
        lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
        # A title is filled up to the width of the terminal's table.
        shown.append([line.rstrip() if line.strip() == listing.title else line for line in lines])
    assert shown[0] == shown[1]
