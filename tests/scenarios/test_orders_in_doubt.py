"""While an order may be at the broker, no command ends with a code or a text that means nothing was sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtum.adapters.clock import SystemClock
from mtum.app.owner.cancel import cancel
from mtum.app.owner.reconcile import reconcile
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode, OrderUnconfirmedError
from mtum.wiring.rehearsals import rehearsed
from support.live_days import Installation, installation

MAY_BE = "may be at the broker: a run was cut short while it was being sent"


@contextmanager
def cut_short(folder: Path) -> Iterator[Installation]:
    """An installation whose run was killed between the claim of an order and the broker's answer."""
    with installation(folder, broker__connect_seconds=3.0, broker__request_seconds=3.0) as ours:
        ours.gateway.tell("behavior", read_only=True)
        assert ours.run().exit_code == ExitCode.BROKER
        ours.gateway.tell("behavior", read_only=False)
        with ours.desk() as desk:
            (state,) = desk.store.orders.states()
            desk.store.orders.claim_order(state.intent.id, desk.clock.now())
        yield ours


def reconciled(ours: Installation) -> object:
    with ours.desk() as desk:
        return reconcile(desk)


def canceled(ours: Installation) -> object:
    with ours.desk() as desk:
        return cancel(desk, ours.session())


@pytest.mark.parametrize("command", [Installation.run, reconciled, canceled])
def test_a_gateway_that_is_down_hides_no_order_in_doubt(
    tmp_path: Path, command: Callable[[Installation], object]
) -> None:
    with cut_short(tmp_path) as ours:
        ours.gateway.tell("restart", seconds=60)
        tell, ours.gateway.tell = ours.gateway.tell, lambda *_, **__: {}  # type: ignore[method-assign]
        with pytest.raises(OrderUnconfirmedError, match=MAY_BE) as told:
            command(ours)
        ours.gateway.tell = tell  # type: ignore[method-assign]
        assert told.value.exit_code == ExitCode.PERSON
        assert "no gateway listens" in str(told.value)
        assert "nothing was sent" not in str(told.value)
        found = rehearsed(ours.settings, ours.folder, SystemClock())
        assert found.exit_code == ExitCode.PERSON


def test_lists_that_do_not_come_hide_no_order_in_doubt(tmp_path: Path) -> None:
    with cut_short(tmp_path) as ours:
        ours.gateway.fault("reqAllOpenOrders", "swallow", count=0)
        for found in (ours.run(minutes=18), ours.settle()):
            assert found.exit_code == ExitCode.PERSON
            texts = " / ".join(one["text"] for one in found.document["problems"])
            assert MAY_BE in texts
            assert "open orders: the gateway did not answer" in texts


def test_once_the_lists_come_again_the_same_run_finds_out(tmp_path: Path) -> None:
    with cut_short(tmp_path) as ours:
        ours.gateway.fault("reqAllOpenOrders", "swallow", count=0)
        assert ours.run(minutes=18).exit_code == ExitCode.PERSON
        ours.gateway.tell("clear_faults")
        run = ours.run(minutes=17)
        assert run.exit_code == ExitCode.PERSON
        assert "no list shows it" in run.document["problems"][0]["text"]
        with ours.desk() as desk:
            assert [state.status for state in desk.store.orders.states()] == [OrderStatus.UNKNOWN]
        assert ours.accepted() == []


def test_an_order_listed_without_a_permanent_id_stays_in_doubt_until_it_has_one(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("openOrder", "alter", count=0, fields={"25": "0"})
        ours.gateway.fault("orderStatus", "alter", count=0, fields={"6": "0"})
        for minutes in (20, 18):
            run = ours.run(minutes=minutes)
            assert run.exit_code == ExitCode.PERSON
            assert "mtum run" not in " ".join(one["text"] for one in run.document["problems"])
        ours.gateway.tell("clear_faults")
        assert ours.run(minutes=17).exit_code == 0
        assert len(ours.accepted()) == 1
