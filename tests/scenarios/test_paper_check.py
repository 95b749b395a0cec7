"""The check-list for a paper account, carried out on the practice gateway, a market minute per pause."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from mtum.adapters.clock import BrokerClock
from mtum.app.desk import Desk
from mtum.app.owner.paper_check import STEPS, WINDOW_MINUTES, paper_check
from mtum.app.owner.paper_check_record import interrupted_check
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import BrokerUnavailableError, UsageError
from mtum.wiring.rehearsals import checked_on_paper
from support.gateway import ACCOUNT
from support.live_days import Installation, installation
from support.ports import closed_port

WIDE: dict[str, Any] = {"schedule__window_opens_minutes": WINDOW_MINUTES}


def minute_by_minute(desk: Desk, ours: Installation) -> None:
    clock = cast("BrokerClock", desk.clock)

    def pause(_: float) -> None:
        ours.gateway.tell("clock", at=(desk.clock.now() + timedelta(minutes=1)).isoformat())
        desk.broker.server_time()

    clock.pause = pause


def checked(ours: Installation, told: list[str] | None = None) -> dict[str, Any]:
    heard: list[str] = [] if told is None else told
    with ours.desk() as desk:
        minute_by_minute(desk, ours)
        return checked_on_paper(desk, ours.session(), heard.append)


def test_every_step_passes_on_a_sound_gateway_and_the_record_is_kept(tmp_path: Path) -> None:
    with installation(tmp_path, **WIDE) as ours:
        ours.at(35)
        ours.gateway.tell("behavior", commission_seconds=0)
        told: list[str] = []
        document = checked(ours, told)
        assert [one["passed"] for one in document["steps"]] == [True] * len(STEPS), document
        assert document["exit_code"] == 0
        assert told[0].startswith("pass  login and account: DUP100001")
        assert "waiting until 15:40 New York time: cancel it" in told
        found = {one["name"]: one["found"] for one in document["steps"]}
        assert found["late cancel"].endswith("is refused; the order lives")
        assert found["execution and fee"].startswith("1.0 at 271.306, fee 0.27 USD")
        assert any(line.startswith("10148 ") for line in document["codes"])
        assert len(ours.accepted()) == 2
        record = json.loads(Path(document["record"]).read_text())
        assert record["steps"] == document["steps"]
        assert interrupted_check(ours.folder) is None
        with ours.desk() as desk:
            desk.broker.connect()
            lists = desk.broker.lists()
            # One share stays, stated as the owner's own; no run takes it for another installation's.
            assert dict(lists.positions) == {"MTUM": Decimal(1)}
            assert desk.store.statements.external_shares() == {"MTUM": Decimal(1)}
            assert sorted(order.status.value for order in lists.orders) == [
                OrderStatus.CANCELED.value,
                OrderStatus.FILLED.value,
            ]


def test_a_step_that_fails_is_named_and_tried_again_by_the_next_start(tmp_path: Path) -> None:
    with installation(tmp_path, **WIDE) as ours:
        ours.at(35)
        ours.gateway.tell("behavior", no_data=["VIX"], commission_seconds=0)
        first = checked(ours)
        assert first["exit_code"] == 6
        assert [one["name"] for one in first["steps"] if not one["passed"]] == ["volatility index"]
        ours.gateway.tell("behavior", no_data=[])
        again = checked(ours)
        assert again["exit_code"] == 0
        assert len(ours.accepted()) == 2


@pytest.mark.parametrize(
    ("stopped_at", "words"),
    [
        ("trial order", "(4 of 12 steps); `mtum paper-check` on the same day goes on"),
        ("read back by reference", "(6 of 12 steps); its order for one share may be working at the broker"),
        ("late cancel", "(9 of 12 steps); its order for one share may be working at the broker"),
    ],
)
def test_an_interrupt_says_what_is_left_at_the_broker_and_how_to_go_on(
    tmp_path: Path, stopped_at: str, words: str
) -> None:
    with installation(tmp_path, **WIDE) as ours:
        ours.at(35)

        def stop(line: str) -> None:
            after = [step.name for step in STEPS]
            place = next(index for index, name in enumerate(after) if name.startswith(stopped_at))
            if line.startswith(f"pass  {after[place - 1]}"):
                raise KeyboardInterrupt

        with ours.desk() as desk:
            minute_by_minute(desk, ours)
            with pytest.raises(KeyboardInterrupt):
                paper_check(desk, ours.session(), list, stop)
        told = interrupted_check(ours.folder)
        assert told is not None
        assert words in told
        assert interrupted_check(ours.folder, ours.session().day) == told


def test_it_must_begin_early_enough_and_in_paper_mode(tmp_path: Path) -> None:
    with installation(tmp_path, **WIDE) as ours:
        ours.at(24)
        with pytest.raises(UsageError, match="start paper-check 25 minutes before the close"):
            checked(ours)
    assert ACCOUNT.startswith("DUP")


def test_a_gateway_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with installation(tmp_path, **WIDE, broker__port=closed_port()) as ours, pytest.raises(BrokerUnavailableError):
        checked(ours)
