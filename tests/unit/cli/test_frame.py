"""Options of every command, failures in one line, one document with --json."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from mtum import errors
from mtum.cli.app import COMMANDS, loaded, main_command
from mtum.cli.context import CommandCall
from mtum.cli.frame import answer_of
from mtum.cli.output import Answer
from mtum.errors import ExitCode, MtumError


def is_written(name: str) -> bool:
    module, _, attribute = COMMANDS[name][0].partition(":")
    return hasattr(import_module(module), attribute)


SHARED = {"--config", "--data-dir", "--json", "--quiet", "-q", "--verbose", "-v"}


def leaves(command: TyperCommand | TyperGroup, path: str) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from leaves(cast("TyperCommand | TyperGroup", below), f"{path} {name}")


def group_of(body: Callable[[], Answer | None]) -> TyperGroup:
    """A command line with the one command `go`."""
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command("go")(body)
    return cast("TyperGroup", get_command(app))


def outcome(body: Callable[[], Answer | None], data_dir: Path) -> Answer | None:
    return answer_of(group_of(body), ["go"], CommandCall(data_dir=data_dir))


def test_every_listed_command_exists() -> None:
    assert [name for name in COMMANDS if not is_written(name)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_all_below_it_take_the_shared_options(name: str) -> None:
    for path, command in leaves(loaded(name), name):
        given = [option for parameter in command.params for option in parameter.opts]
        assert set(given) >= SHARED, path
        assert len(given) == len(set(given)), f"{path} declares one of the shared options itself"


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "show", "trades"),
        ("show", "--json", "trades"),
        ("show", "trades", "--json"),
        ("--json", "show", "trades", "--limit", "3"),
        ("show", "trades", "--limit", "3", "--json"),
    ],
)
def test_json_is_taken_before_and_after_the_command(mtum: Any, words: tuple[str, ...]) -> None:
    assert mtum(*words).document == {"trades": [], "count": 0, "source": "sample"}


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_data_folder_is_taken_before_and_after_the_command(mtum: Any, tmp_path: Path, place: str) -> None:
    option = ("--data-dir", str(tmp_path / "there"))
    words = (*option, "init") if place == "before" else ("init", *option)
    assert mtum(*words, "--json").document["data_dir"] == str(tmp_path / "there")


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_settings_file_is_taken_before_and_after_the_command(mtum: Any, tmp_path: Path, place: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[market]\nsource = "csv"\n')
    option = ("--config", str(file))
    words = (*option, "status") if place == "before" else ("status", *option)
    assert mtum(*words, "--json").document["source"] == "csv"


def test_the_last_of_two_data_folders_counts(mtum: Any, tmp_path: Path) -> None:
    called = mtum("--data-dir", str(tmp_path / "a"), "init", "--data-dir", str(tmp_path / "b"), "--json")
    assert called.document["data_dir"] == str(tmp_path / "b")


def test_an_unknown_option_is_wrong_usage_in_one_line(mtum: Any) -> None:
    called = mtum("status", "--bogus")
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith("mtum: no such option: --bogus")
    assert called.err.count("\n") == 1


def test_an_unknown_command_names_the_nearest(mtum: Any) -> None:
    called = mtum("statsu")
    assert called.code == 2
    assert "did you mean 'status'" in called.err.lower()


def test_a_failure_with_json_is_a_document_and_a_line(mtum: Any) -> None:
    called = mtum("show", "trades", "--since", "yesterday", "--json")
    text = '--since "yesterday" is no date; write it as 2026-01-31'
    assert called.document == {"problems": [{"code": 2, "text": text}], "exit_code": 2}
    assert (called.code, called.err) == (2, f"mtum: {text}\n")


def test_wrong_usage_with_json_is_a_document_too(mtum: Any) -> None:
    called = mtum("status", "--bogus", "--json")
    assert called.document["exit_code"] == called.code == 2
    assert called.err.count("\n") == 1


def test_a_named_settings_file_that_does_not_exist_is_wrong_usage(mtum: Any) -> None:
    called = mtum("status", "--config", "nowhere.toml")
    assert called.code == 2
    assert "nowhere.toml does not exist" in called.err


def test_no_command_shows_the_help_and_is_wrong_usage(mtum: Any) -> None:
    called = mtum()
    assert called.code == 2
    assert "Commands:" in called.out
    assert called.err == "mtum: missing command; see `mtum --help`\n"


@pytest.mark.parametrize("words", [(), ("show",), ("status",), ("export", "trades")])
def test_both_spellings_of_help_say_the_same(mtum: Any, words: tuple[str, ...]) -> None:
    short, long = mtum(*words, "-h"), mtum(*words, "--help")
    assert (short.code, short.err) == (0, "")
    assert short.out == long.out
    assert "--data-dir" in short.out


def test_piped_help_has_no_frames_and_no_colors(mtum: Any) -> None:
    assert mtum("--help").out.isascii()


def test_help_lists_what_exists_and_nothing_else(mtum: Any) -> None:
    text = mtum("--help").out
    listed = {line.split()[0] for line in text[text.index("Commands:") :].splitlines()[1:] if line.startswith("  ")}
    assert listed >= set(COMMANDS)


def test_help_of_the_program_loads_no_command() -> None:
    assert list(main_command().commands) == list(COMMANDS)
    assert all(command.callback is None for command in main_command().commands.values())


def error_types() -> list[type[MtumError]]:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MtumError)]
    return [kind for kind in found if kind is not errors.ConfigError]


@pytest.mark.parametrize("kind", error_types())
def test_every_error_ends_with_its_own_code_and_one_line(kind: type[MtumError], tmp_path: Path) -> None:
    def body() -> None:
        raise kind("first line\n  second line")

    answer = outcome(body, tmp_path)
    assert answer is not None
    assert answer.exit_code == kind.exit_code
    assert [problem.text for problem in answer.problems] == ["first line second line"]


def test_wrong_settings_are_listed_one_by_one(tmp_path: Path) -> None:
    def body() -> None:
        raise errors.ConfigError(["a: wrong", "b: wrong"])

    answer = outcome(body, tmp_path)
    assert answer is not None
    assert [problem.text for problem in answer.problems] == ["a: wrong", "b: wrong"]


def test_a_bug_is_one_line_and_a_file_with_the_details(tmp_path: Path) -> None:
    def body() -> None:
        raise RuntimeError("the sky\nfell")

    answer = outcome(body, tmp_path)
    assert answer is not None
    assert answer.exit_code == ExitCode.BUG
    (file,) = (tmp_path / "logs").glob("crash-*.txt")
    assert answer.problems[0].text == f"an error in the program: RuntimeError: the sky fell; details in {file}"
    assert "Traceback" in file.read_text()
    assert 'raise RuntimeError("the sky\\nfell")' in file.read_text()


def test_the_details_of_a_bug_are_kept_whatever_its_words_are(tmp_path: Path) -> None:
    def body() -> None:
        raise RuntimeError("no text: \udcf6")

    answer = outcome(body, tmp_path)
    assert answer is not None
    (file,) = (tmp_path / "logs").glob("crash-*.txt")
    assert "no text: \\udcf6" in file.read_text()


def test_a_bug_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTUM_MAIL__PASSWORD", "open-sesame")

    def body() -> None:
        raise RuntimeError("login with open-sesame refused")

    answer = outcome(body, tmp_path)
    assert answer is not None
    (file,) = (tmp_path / "logs").glob("crash-*.txt")
    assert "open-sesame" not in answer.problems[0].text + file.read_text()


def test_ctrl_c_ends_with_130(tmp_path: Path) -> None:
    def body() -> None:
        raise KeyboardInterrupt

    answer = outcome(body, tmp_path)
    assert answer is not None
    assert (answer.exit_code, answer.problems[0].text) == (130, "interrupted")
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("words", "faults"),
    [
        (
            ("capital", "add", "-5"),
            (
                '"-5" is no amount in USD above zero with whole cents',
                "missing option '--why'; see `mtum capital --help`",
            ),
        ),
        (
            ("capital", "up", "five", "--why", " "),
            (
                "--why is empty; say why in a few words, it is kept with the record",
                'capital "up" is not known; use add or withdraw',
                '"five" is no amount in USD; write it as 2500 or 2500.50',
            ),
        ),
        (
            ("backtest", "--start", "soon", "--fill", "never", "--slippage-bps", "-1"),
            (
                '--start "soon" is no date; write it as 2026-01-31',
                '--fill "never" is not known; use same_close or next_open',
                "invalid value for '--slippage-bps': -1.0 is out of range; use 0 to 1000; see `mtum backtest --help`",
            ),
        ),
        (
            ("status", "extra", "--data-dir", "elsewhere"),
            ("got unexpected extra argument(s) (extra); see `mtum status --help`",),
        ),
        (
            ("review", "year", "--end", "soon", "more"),
            (
                '--end "soon" is no date; write it as 2026-01-31',
                'review "year" is not known; use week, month or quarter',
                "got unexpected extra argument(s) (more); see `mtum review --help`",
            ),
        ),
    ],
)
def test_all_faults_of_a_line_are_told_at_once(mtum: Any, words: tuple[str, ...], faults: tuple[str, ...]) -> None:
    called = mtum(*words, "--json")
    assert called.document == {"problems": [{"code": 2, "text": text} for text in faults], "exit_code": 2}
    assert called.err == f"mtum: {'; '.join(faults)}\n"


OUTS = [
    ("demo", "--sessions", "1"),
    ("backtest",),
    ("sweep", "grid.toml"),
    ("walkforward", "grid.toml"),
    *(("export", kind) for kind in ("trades", "signals", "performance", "tax")),
]


@pytest.mark.parametrize("words", OUTS, ids=" ".join)
def test_results_go_only_where_the_folder_above_stands(mtum: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    called = mtum(*words, "--out", "mispelled/results")
    above = tmp_path / "mispelled"
    said = f"--out mispelled/results: there is no folder {above}; create it first, or name another place"
    assert (called.code, called.err) == (2, f"mtum: {said}\n")
    assert not above.exists()


@pytest.mark.parametrize("words", OUTS, ids=" ".join)
def test_results_never_go_where_something_else_stands(mtum: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    file = words[0] == "export"
    stands = tmp_path / "results"
    stands.mkdir() if file else stands.touch()
    called = mtum(*words, "--out", "results")
    wanted = "is a folder; name a file" if file else "is a file; name a folder"
    assert (called.code, called.err) == (2, f"mtum: --out results {wanted}\n")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("serve", "--port", "x"), "invalid value for '--port': 'x' is no whole number"),
        (("serve", "--port", "1.5"), "invalid value for '--port': '1.5' is no whole number"),
        (("serve", "--port", "70000"), "invalid value for '--port': 70000 is out of range; use 0 to 65535"),
        (("show", "trades", "--limit", "0"), "invalid value for '--limit': 0 is out of range; use 1 or more"),
        (("backtest", "--slippage-bps", "x"), "invalid value for '--slippage-bps': 'x' is no number"),
        (("backtest", "--slippage-bps", "nan"), "invalid value for '--slippage-bps': nan is no number"),
        (("gateway", "--speed", "NaN"), "invalid value for '--speed': nan is no number"),
        (
            ("gateway", "--speed", "inf"),
            "invalid value for '--speed': inf is out of range; use 0 to 1000000.0",
        ),
    ],
)
def test_a_number_that_is_none_or_out_of_its_range_is_refused_in_words(
    mtum: Any, words: tuple[str, ...], fault: str
) -> None:
    called = mtum(*words)
    assert (called.code, called.out) == (2, "")
    command = " ".join(word for word in words[:-2])
    assert called.err == f"mtum: {fault}; see `mtum {command} --help`\n"
