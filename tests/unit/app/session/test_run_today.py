"""Which session is it, and may it act now?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mtum.app.session.run_today import check_window, run_today, todays_session
from mtum.errors import BrokerUnavailableError, DeadlineMissedError, ExitCode, UsageError
from support.fakes import SESSION, FakeBroker, fake_desk
from support.store import MONDAY, TUESDAY, decision

SATURDAY = datetime(2018, 12, 1, 20, 43, tzinfo=UTC)


@pytest.mark.parametrize("minutes", [22.0, 17.0, 15.0])
def test_inside_the_window_it_may_act(tmp_path: Path, minutes: float) -> None:
    with fake_desk(tmp_path, FakeBroker(), SESSION.before_close(minutes)) as desk:
        check_window(desk, SESSION)


def test_before_the_window_it_is_told_when_it_opens(tmp_path: Path) -> None:
    early = SESSION.before_close(22) - timedelta(seconds=1)
    with (
        fake_desk(tmp_path, FakeBroker(), early) as desk,
        pytest.raises(UsageError, match="window opens 15:38 New York time; use"),
    ):
        run_today(desk, None)


def test_after_the_window_nothing_is_decided(tmp_path: Path) -> None:
    late = SESSION.before_close(15) + timedelta(seconds=1)
    broker = FakeBroker()
    with (
        fake_desk(tmp_path, broker, late) as desk,
        pytest.raises(DeadlineMissedError, match="window closed 15:45 New York"),
    ):
        run_today(desk, None)
    assert broker.asked == 0


def test_a_session_that_was_decided_is_taken_up_again_after_the_window(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker(), SESSION.before_close(5)) as desk:
        desk.store.decisions.commit_decisions([decision()], [])
        check_window(desk, SESSION)


@pytest.mark.parametrize(("minutes", "opens", "last"), [(45.0, 60, 15), (12.0, 22, 11)])
def test_the_windows_edges_follow_the_settings(tmp_path: Path, minutes: float, opens: int, last: int) -> None:
    at = SESSION.before_close(minutes)
    with fake_desk(
        tmp_path, FakeBroker(), at, schedule__window_opens_minutes=opens, schedule__last_send_minutes=last
    ) as desk:
        check_window(desk, SESSION)


def test_another_session_than_todays_cannot_be_traded(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk, pytest.raises(UsageError, match="today's session is 2018-12-03"):
        run_today(desk, TUESDAY)


def test_on_a_day_without_session_nothing_is_done(tmp_path: Path) -> None:
    broker = FakeBroker()
    with fake_desk(tmp_path, broker, SATURDAY) as desk:
        assert todays_session(desk) is None
        result = run_today(desk, None)
    assert (result.exit_code, result.document["session"], broker.asked) == (ExitCode.DONE, None, 0)
    assert result.document["note"] == "the exchange is shut on 2018-12-01"


class OutOfReach(FakeBroker):
    def connect(self) -> None:
        raise BrokerUnavailableError("nobody answers")


@pytest.mark.parametrize("broker", [FakeBroker(hours=None), OutOfReach()], ids=["shut there too", "out of reach"])
def test_a_working_day_without_session_is_quiet_unless_the_broker_is_open(tmp_path: Path, broker: FakeBroker) -> None:
    paper: dict[str, Any] = {"mode": "paper", "broker__account": "DU1", "market__source": "ib"}
    with fake_desk(tmp_path, broker, datetime(2019, 6, 3, 19, 40, tzinfo=UTC), **paper) as desk:
        assert run_today(desk, None).exit_code == ExitCode.DONE


def test_todays_session_is_that_of_new_yorks_date(tmp_path: Path) -> None:
    midnight = SESSION.close - timedelta(hours=16)
    # Four hours after the close it is Tuesday in London, and still Monday in New York.
    found = {timedelta(seconds=-1): None, timedelta(0): MONDAY, timedelta(hours=20): MONDAY}
    for since, day in found.items():
        with fake_desk(tmp_path / str(since.total_seconds()), FakeBroker(), midnight + since) as desk:
            session = todays_session(desk)
            assert (session.day if session else None) == day
