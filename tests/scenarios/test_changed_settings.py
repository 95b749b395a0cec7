"""The settings change while shares are held: told and refused, the shares valued, and the way out works."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.app.owner.flatten import flatten_now, request_flatten
from mtum.app.service.rehearse import Surroundings, rehearse
from mtum.errors import ExitCode
from support.commands import call_json
from support.gateway import ACCOUNT
from support.live_days import Installation, installation
from support.practice import ENTRY_DAY, desk_in, exchange_in, play_until

NEXT_DAY, DAY_AFTER = date(2018, 1, 4), date(2018, 1, 5)
SPY = {"strategy__mtum_confluence__symbol": "SPY"}
OTHER = {"portfolio__strategy": "buy_and_hold"}
HOUSE = Surroundings(free_bytes=lambda: 10**12, damage=tuple, unreachable=tuple)


def shares(folder: Path) -> int:
    return sum(int(one.shares) for account in exchange_in(folder / "data").accounts for one in account.positions)


def write(folder: Path, text: str) -> None:
    (folder / "config.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "now"),
    [
        ('[strategy.mtum_confluence]\nsymbol = "SPY"\n', "SPY with mtum_confluence"),
        ('[portfolio]\nstrategy = "buy_and_hold"\n', "with buy_and_hold"),
    ],
)
def test_changed_settings_are_refused_while_shares_are_held_and_a_flatten_closes_them(
    tmp_path: Path, settings: str, now: str
) -> None:
    play_until(tmp_path / "data", ENTRY_DAY)
    write(tmp_path, settings)
    told = "18 MTUM of mtum_confluence are held, but the settings trade"
    for words in (("config", "check"), ("doctor",), ("run", "--dry-run"), ("run",)):
        refused = call_json(tmp_path, *words)
        assert (refused.code, told in refused.texts, now in refused.texts) == (ExitCode.USAGE, True, True), words
    with desk_in(tmp_path / "data") as replay:
        kinds = [one.kind for one in replay.desk.store.ledger.movements("buy_and_hold")]
    assert (kinds, shares(tmp_path)) == ([], 18)
    sold = call_json(tmp_path, "flatten", "MTUM", "--why", "another symbol")
    assert sold.code == 0, sold.err
    assert [(one["side"], one["shares"], one["status"]) for one in sold.document["orders"]] == [("SELL", 18, "FILLED")]
    assert shares(tmp_path) == 0
    assert call_json(tmp_path, "config", "check").code == 0
    call_json(tmp_path, "resume")
    assert call_json(tmp_path, "run").code == 0


def test_changed_back_it_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    play_until(tmp_path / "data", ENTRY_DAY)
    write(tmp_path, '[strategy.mtum_confluence]\nsymbol = "SPY"\n')
    assert call_json(tmp_path, "run").code == ExitCode.USAGE
    write(tmp_path, "")
    held = call_json(tmp_path, "run")
    assert (held.code, held.document["session"], held.document["action"]) == (0, str(NEXT_DAY), "hold")


def changed(ours: Installation, **changes: str) -> Installation:
    """The same folder and gateway with other settings."""
    from support.live_days import paper_settings

    return Installation(ours.folder, ours.gateway, paper_settings(ours.gateway.port, **changes))


@pytest.mark.parametrize("changes", [SPY, OTHER])
def test_on_the_wire_the_held_shares_are_explained_valued_and_sold(tmp_path: Path, changes: dict[str, str]) -> None:
    with installation(tmp_path) as ours:
        assert ours.run().exit_code == 0
        assert ours.settle().exit_code == 0
        other = changed(ours, **changes)
        run = other.run(NEXT_DAY)
        assert (run.exit_code, run.document["orders"]) == (ExitCode.USAGE, [])
        assert "18 MTUM of mtum_confluence are held" in run.document["problems"][0]["text"]
        with other.desk() as desk:
            rehearsed = rehearse(desk, other.session(NEXT_DAY), HOUSE)
        assert rehearsed.exit_code == ExitCode.USAGE
        other.settle(NEXT_DAY)
        with other.desk() as desk:
            points = desk.store.ledger.equity("mtum_confluence")
            assert [movement.kind for movement in desk.store.ledger.movements("buy_and_hold")] == []
        assert [(point.session, point.shares) for point in points] == [(ENTRY_DAY, 18), (NEXT_DAY, 18)]
        assert points[-1].market_usd == 18 * (points[-1].close or Decimal(0))
        other.at(20, DAY_AFTER)
        with other.desk() as desk:
            sold = flatten_now(desk, "MTUM", "another symbol")
        assert sold.exit_code == 0, sold.document["problems"]
        assert [(one["side"], one["shares"]) for one in sold.document["orders"]] == [("SELL", 18)]
        settled = other.settle(DAY_AFTER)
        assert [(one["side"], one["shares"]) for one in settled.document["fills"]] == [("SELL", 18)]
        with other.desk() as desk:
            last = desk.store.ledger.equity("mtum_confluence")[-1]
        assert (last.session, last.shares, last.market_usd) == (DAY_AFTER, 0, Decimal(0))
        assert other.gateway.tell("state")["accounts"][ACCOUNT]["positions"] in ({}, {"MTUM": "0"})


def test_a_flatten_asked_for_in_the_morning_sells_at_that_close(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        assert ours.run().exit_code == 0
        assert ours.settle().exit_code == 0
        other = changed(ours, **SPY)
        other.at(200, NEXT_DAY)
        with other.desk() as desk:
            request_flatten(desk, "MTUM", "another symbol")
        run = other.run(NEXT_DAY)
        assert (run.exit_code, [one["side"] for one in run.document["orders"]]) == (0, ["SELL"])


def test_a_finished_session_answers_with_its_orders_as_they_are_now_and_old_problems_as_past(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "notice", code=404, text="shares are being located")
        ours.gateway.fault("cancelOrder", "reject", code=10148, text="cannot be canceled")
        first = ours.run()
        assert (first.exit_code, first.document["order"]["status"]) == (ExitCode.PERSON, "ACCEPTED")
        ours.settle()
        ours.at(-130)
        again = ours.run(minutes=-140)
        assert (again.exit_code, again.document["rerun"]) == (ExitCode.PERSON, True)
        assert (again.document["order"]["status"], again.document["orders"][0]["filled"]) == ("FILLED", 18)
        assert all(one["text"].startswith("then: ") for one in again.document["problems"])
