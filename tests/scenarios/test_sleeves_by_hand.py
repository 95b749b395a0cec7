"""What a person sees of three sleeves and can do to one of them."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from support.commands import Called, call, call_json
from support.three_sleeves import NAMES, with_rotation, write_three


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    with with_rotation():
        yield


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An account after its first session."""
    folder = tmp_path_factory.mktemp("hand")
    write_three(folder / "data")
    (folder / "config.toml").write_text((folder / "data" / "config.toml").read_text())
    with with_rotation():
        assert call(folder, "run", "--quiet").code == 0
    return folder


@pytest.fixture
def folder(begun: Path, tmp_path: Path) -> Path:
    """A copy of it to do something with."""
    copytree(begun, tmp_path, dirs_exist_ok=True)
    return tmp_path


def orders(called: Called, sleeve: str) -> list[tuple[str, str]]:
    return [(one["side"], one["symbol"]) for one in called.document["sleeves"][sleeve]["orders"]]


def test_sleeves_lists_each_with_its_money_and_its_last_reason(begun: Path) -> None:
    document = call_json(begun, "sleeves").document
    assert [line["sleeve"] for line in document["sleeves"]] == [*NAMES]
    core = document["sleeves"][0]
    assert (core["strategy"], core["weight"], core["state"], core["reasons"]) == ("buy_and_hold", 0.5, "on", ["flat"])
    assert core["positions"][0]["symbol"] == "AAA"
    assert document["equity_usd"] == pytest.approx(sum(line["equity_usd"] for line in document["sleeves"]))
    told = call(begun, "sleeves").out
    assert "timing" in told
    assert "mtum_confluence" in told


@pytest.mark.parametrize("kind", ["orders", "fills", "decisions", "equity", "trades"])
def test_a_listing_is_of_all_sleeves_or_of_one(begun: Path, kind: str) -> None:
    every = call_json(begun, "show", kind).document[kind]
    own = call_json(begun, "show", kind, "--sleeve", "core").document[kind]
    assert {row["strategy"] for row in own} == {"core"}
    assert len({row["strategy"] for row in every}) > 1
    refused = call_json(begun, "show", kind, "--sleeve", "cor")
    assert refused.code == 2
    assert "use core or timing or switch" in refused.texts


def test_a_decision_is_explained_for_each_sleeve_or_for_one(begun: Path) -> None:
    document = call_json(begun, "explain").document
    assert list(document["sleeves"]) == [*NAMES]
    one = call_json(begun, "explain", "--sleeve", "timing").document
    assert one["strategy"] == "timing"
    assert "sleeves" not in one
    assert call(begun, "explain").out.count("timing") >= 1


def test_a_report_and_an_export_are_of_one_sleeve(begun: Path) -> None:
    assert call_json(begun, "report", "--sleeve", "switch").document["strategy"] == "switch"
    assert call_json(begun, "export", "performance", "--sleeve", "core").document["rows"] == 1


def test_verify_is_of_every_sleeves_decision(begun: Path) -> None:
    found = call_json(begun, "verify").document
    assert (found["verified"], found["failed"], found["drift"]) == (3, 0, [])


def test_a_halt_of_one_sleeve_leaves_the_others_alone(folder: Path) -> None:
    for _ in range(2):
        assert call(folder, "run", "--quiet").code == 0
    assert call_json(folder, "halt", "--why", "look", "--sleeve", "switch").code == 0
    halted = list(call_json(folder, "status").document["halts"])
    assert [(one["sleeve"], one["restriction"]) for one in halted] == [("switch", "full")]
    for _ in range(12):
        run = call_json(folder, "run")
        assert orders(run, "switch") == []
        if "halted" in run.document["sleeves"]["switch"]["reasons"]:
            assert run.code == 7
            assert "halted" not in run.document["sleeves"]["timing"]["reasons"]
            break
    else:
        pytest.fail("the halted sleeve never wanted anything")
    assert call_json(folder, "resume", "--sleeve", "core").document["lifted"] == 0
    assert call_json(folder, "resume", "--sleeve", "switch").document["lifted"] == 1


def test_flatten_sells_one_sleeves_shares_and_stops_its_entries_alone(folder: Path) -> None:
    run = call_json(folder, "flatten", "AAA", "--sleeve", "core", "--why", "enough")
    assert run.code == 0, run.texts
    assert orders(run, "core") == [("SELL", "AAA")]
    halts = call_json(folder, "status").document["halts"]
    assert [(one["sleeve"], one["restriction"]) for one in halts] == [("core", "reduce_only")]
    again = call_json(folder, "run")
    assert orders(again, "core") == []


def test_money_needs_an_addressee_and_never_leaves_unsettled(folder: Path) -> None:
    refused = call_json(folder, "capital", "add", "100", "--why", "more")
    assert refused.code == 2
    for name in NAMES:
        assert name in refused.texts
    added = call_json(folder, "capital", "add", "100", "--why", "more", "--sleeve", "timing")
    assert (added.code, added.document["strategy"]) == (0, "timing")
    taken = call_json(folder, "capital", "withdraw", "100", "--why", "less", "--sleeve", "timing")
    assert taken.code == 0
    assert call_json(folder, "capital", "withdraw", "9999999", "--why", "all", "--sleeve", "core").code == 2
    # What was moved is nobody's gain or loss: the next session goes on, entries and all.
    assert call(folder, "run", "--quiet").code == 0


@pytest.mark.parametrize(("watched", "says"), [(("timing",), "use core or switch"), (NAMES, "set one on first")])
def test_what_is_only_watched_is_given_no_money(folder: Path, watched: tuple[str, ...], says: str) -> None:
    text = (folder / "config.toml").read_text()
    for name in watched:
        text = text.replace(f"[sleeve.{name}]\n", f'[sleeve.{name}]\nstate = "watch"\n')
    (folder / "config.toml").write_text(text)
    for named in (("--sleeve", "timing"), *(((),) if len(watched) > 1 else ())):
        refused = call_json(folder, "capital", "add", "100", "--why", "more", *named)
        assert refused.code == 2
        assert says in refused.texts


def test_proceeds_that_have_not_settled_cannot_be_taken_out(folder: Path) -> None:
    assert call_json(folder, "flatten", "AAA", "--sleeve", "core", "--why", "enough").code == 0
    refused = call_json(folder, "capital", "withdraw", "10000", "--why", "rent", "--sleeve", "core")
    assert refused.code == 2
    assert "have settled" in refused.texts


def test_an_approval_may_be_for_one_sleeve_and_one_symbol(folder: Path) -> None:
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text + "[risk]\nrequire_confirmation = true\n")
    first = call_json(folder, "show", "decisions").document["decisions"][0]["session"]
    day = "2017-11-28"
    assert first < day
    said = call_json(folder, "approve", "--session", day, "--enter", "--sleeve", "core", "--symbol", "AAA").document
    assert (said["sleeve"], said["symbol"], said["new"]) == ("core", "AAA", True)
    assert call_json(folder, "approve", "--session", day, "--enter", "--sleeve", "no").code == 2


def test_doctor_and_config_speak_of_the_sleeves(folder: Path) -> None:
    shown = call_json(folder, "config", "show").document["settings"]
    assert shown["sleeve.core.weight"] == {"value": 0.5, "origin": "file"}
    assert call_json(folder, "config", "check").code == 0
    assert "sleeves core, timing, switch" in call(folder, "doctor").out
