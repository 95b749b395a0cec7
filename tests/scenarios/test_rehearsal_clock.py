"""Whose clock counts: the practice gateway's own word decides, not how an account number begins."""

import re
from datetime import date
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from mtum.app.owner.capital import CapitalChange, Purse, change_capital
from mtum.app.reporting.daily_report import daily_report
from mtum.core.market.calendars import NEW_YORK
from mtum.errors import BrokerUnavailableError, ExitCode
from mtum.wiring import resources
from mtum.wiring.installation import Installation
from mtum.wiring.rehearsals import rehearsed
from mtum.wiring.reports import writer_of
from support.commands import call, call_json
from support.live_days import Installation as Rehearsal
from support.live_days import installation
from support.practice import ENTRY_DAY
from support.values import replace


def real(ours: Rehearsal) -> None:
    """Let the gateway pass for the broker's own: the account number begins with DUP all the same."""
    ours.gateway.tell("behavior", farm="usfarm")


def test_a_real_account_that_begins_like_a_practice_one_is_held_to_this_computers_clock(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        real(ours)
        with pytest.raises(BrokerUnavailableError, match="set this computer's clock"), ours.desk():
            pass
        found = rehearsed(ours.settings, ours.folder, _wall())
        assert found.exit_code == ExitCode.BROKER
        assert "set this computer's clock" in found.checks[0].found


def test_a_gateway_that_has_said_that_it_is_real_is_connected_just_in_time(tmp_path: Path) -> None:
    with installation(tmp_path) as begun:
        real(begun)
        # As if this computer stood in 2018 too.
        broker = structs.replace(begun.settings.broker, max_clock_skew_seconds=inf)
        ours = replace(begun, settings=structs.replace(begun.settings, broker=broker))
        with ours.desk() as desk:
            assert not resources.is_rehearsal(ours.settings, desk.store)
            # A real broker's missing VIX is asked of Yahoo.
            assert desk.vix_fallback is not None
            desk.broker.connect()
        logins = len(ours.gateway.entries("login"))
        with ours.desk():
            pass
        assert len(ours.gateway.entries("login")) == logins


def test_a_practice_gateway_is_known_by_its_word_and_its_time_is_the_markets(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        with ours.desk() as desk:
            assert desk.clock.now().astimezone(NEW_YORK).date() == ENTRY_DAY
            assert desk.vix_fallback is None
            assert resources.is_rehearsal(ours.settings, desk.store)
        with resources.opened_store(ours.settings, tmp_path) as store:
            assert not resources.is_rehearsal(structs.replace(ours.settings, mode="live"), store)


def test_in_a_rehearsal_money_and_the_report_go_by_the_markets_clock(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        assert (ours.run().exit_code, ours.settle().exit_code) == (0, 0)
        calendar = resources.calendar_of(ours.settings, tmp_path)
        with resources.opened_store(ours.settings, tmp_path) as store:
            now = resources.market_now(ours.settings, store)
            assert now.astimezone(NEW_YORK).date() == ENTRY_DAY
            purse = Purse("mtum_confluence", store.ledger, lambda _: None, calendar, _wall(), ENTRY_DAY)
            told = change_capital(purse, CapitalChange(adds=True, amount_usd=Decimal(100), why="more"))
            # The entry session is closed and settled: the money is the next session's.
            assert told["session"] == date(2018, 1, 4)
            writer = writer_of(ours.settings, tmp_path, store, calendar, html=False)
            daily_report(writer, ENTRY_DAY, resources.market_now(ours.settings, store, ENTRY_DAY))
            (written,) = [run for run in store.runs.runs_between(ENTRY_DAY, ENTRY_DAY) if run.job == "daily_report"]
            assert written.started_at.date() == ENTRY_DAY


def test_the_commands_of_a_rehearsal_date_money_and_report_by_the_market(tmp_path: Path) -> None:
    with installation(tmp_path / "data") as ours:
        assert (ours.run().exit_code, ours.settle().exit_code) == (0, 0)
        settings = written(ours, tmp_path)
        added = call_json(tmp_path, "capital", "add", "50", "--why", "more", "--config", str(settings))
        assert (added.code, added.document["session"]) == (0, "2018-01-04")
        report = call_json(tmp_path, "report", "--config", str(settings)).document
        assert str(_wall().now().year) not in str(report["timings"])
        # A practice gateway shows the closes of stored bars before the close: what they cost was not measured.
        text = call(tmp_path, "report", "--config", str(settings)).out
        assert re.findall(r", cost +(.+)", text) == ["not simulated"] * 3
        assert "bps" not in text


def test_status_and_halts_of_a_rehearsal_go_by_the_markets_clock(tmp_path: Path) -> None:
    with installation(tmp_path / "data") as ours:
        assert ours.run().exit_code == 0
        settings = str(written(ours, tmp_path))

        def told(*words: str) -> dict[str, Any]:
            called = call_json(tmp_path, *words, "--config", settings)
            assert called.code == 0, called.err
            return called.document

        before = told("status")
        assert (before["replayed"], before["next_session"]["session"]) == (True, ENTRY_DAY.isoformat())
        assert before["unsettled"] == []  # the auction of the day at work is still to come
        assert {wake["session"] for wake in before["next_wakes"]} == {"2018-01-03", "2018-01-04"}
        (halted,) = told("halt", "--why", "on holiday")["halts"]
        assert halted["since"][:10] == ENTRY_DAY.isoformat()
        assert told("resume")["decided"] == ENTRY_DAY.isoformat()
        assert ours.settle().exit_code == 0
        assert told("status")["next_session"]["session"] == "2018-01-04"


def test_what_is_due_in_a_rehearsal_is_due_by_the_markets_clock(tmp_path: Path) -> None:
    with installation(tmp_path / "data") as ours:
        entry = Installation(ours.settings, ours.folder)
        (decided,) = [run for run in entry.run_due().runs if run.wake.job == "decide_and_order"]
        assert (decided.wake.session, decided.outcome, decided.exit_code) == (ENTRY_DAY, "finished", 0)
    # The market's time is the gateway's alone: without it nothing can be due, and that is said.
    found = entry.run_due()
    assert (found.exit_code, found.runs) == (ExitCode.BROKER, ())
    assert found.text


def written(ours: Rehearsal, folder: Path) -> Path:
    """The settings of an installation as a file."""
    settings = folder / "config.toml"
    settings.write_text(
        f'mode = "paper"\n[market]\nsource = "ib"\n[broker]\naccount = "{ours.settings.broker.account}"\n'
        f"port = {ours.gateway.port}\n",
        encoding="utf-8",
    )
    return settings


def _wall() -> Any:
    from mtum.adapters.clock import SystemClock

    return SystemClock()
