"""The trial orders of the rehearsal: only what the account could place, and never an order that stays."""

from decimal import Decimal
from pathlib import Path

from mtum.app.service.rehearse import Rehearsal
from mtum.app.service.rehearse_market import Check, CheckState
from mtum.errors import ExitCode
from mtum.wiring.rehearsals import rehearsed
from support.ib_clients import MTUM, client, codes, order, refs, until
from support.live_days import Installation, installation
from support.practice import EXIT_DAY


def looked_at(ours: Installation) -> Rehearsal:
    with ours.desk() as desk:
        clock = desk.clock
    return rehearsed(ours.settings, ours.folder, clock)


def trials(found: Rehearsal) -> dict[str, Check]:
    return {check.name.removeprefix("trial order "): check for check in found.checks if "trial order" in check.name}


def test_a_flat_account_tries_one_share_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        tried = trials(looked_at(ours))
        assert {name: check.state for name, check in tried.items()} == {"BUY 1 MTUM": CheckState.OK}
        with client(ours.gateway) as ib:
            assert ib.reqAllOpenOrders() == []


def test_a_full_position_tries_its_sale_and_no_purchase_that_nobody_plans(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        assert (ours.run().exit_code, ours.settle().exit_code) == (0, 0)
        ours.at(90, EXIT_DAY)
        found = looked_at(ours)
        # 18 shares at 271.306 and 4.88 of fees leave 111.61 USD: no further share.
        assert {name: check.state for name, check in trials(found).items()} == {"SELL 18 MTUM": CheckState.OK}
        assert found.exit_code == 0


def test_an_account_too_poor_for_one_share_is_no_alarm(tmp_path: Path) -> None:
    with installation(tmp_path, cash=Decimal(200)) as ours:
        found = looked_at(ours)
        (check,) = trials(found).values()
        assert (check.state, check.found) == (CheckState.SKIPPED, "200.00 USD do not buy one share of MTUM")
        assert found.exit_code == 0


def test_a_refusal_of_what_the_cash_allows_stops_the_day(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "reject", when={"whatIf": "1"}, code=460, text="No trading permissions.")
        found = looked_at(ours)
        check = trials(found)["BUY 1 MTUM"]
        assert (check.state, check.found) == (CheckState.NO_GO, "460: No trading permissions.")
        assert found.exit_code == ExitCode.ORDER


def test_a_trial_that_becomes_a_real_order_is_canceled_and_a_person_is_told(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "alter", count=0, when={"whatIf": "1"}, fields={"whatIf": "0"})
        found = looked_at(ours)
        check = trials(found)["BUY 1 MTUM"]
        assert (check.state, found.exit_code) == (CheckState.NO_GO, ExitCode.PERSON)
        assert "became a real one" in check.found
        assert "it was canceled" in check.remedy
        assert len(ours.gateway.entries("canceled")) == 1
        with client(ours.gateway) as ib:
            assert ib.reqAllOpenOrders() == []


def test_a_trial_that_became_real_and_cannot_be_canceled_is_for_a_person_now(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "alter", count=0, when={"whatIf": "1"}, fields={"whatIf": "0"})
        ours.gateway.fault("cancelOrder", "swallow", count=0)
        found = looked_at(ours)
        assert found.exit_code == ExitCode.PERSON
        assert "cancel it by hand NOW" in trials(found)["BUY 1 MTUM"].remedy


def test_between_the_last_moment_to_send_and_the_close_nothing_is_tried(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.at(12)
        found = trials(looked_at(ours))
        assert [check.state for check in found.values()] == [CheckState.SKIPPED]
        assert ours.gateway.entries("order") == []


def test_the_practice_gateway_refuses_a_trial_for_funds_and_changes_working_orders(tmp_path: Path) -> None:
    with installation(tmp_path) as ours, client(ours.gateway) as ib:
        ib.whatIfOrder(MTUM, order("trial", shares=19))
        assert until(ib, lambda: 201 in codes(ib))
        trade = ib.placeOrder(MTUM, order(shares=3))
        assert until(ib, lambda: trade.orderStatus.permId)
        trade.order.totalQuantity = 4
        ib.placeOrder(MTUM, trade.order)
        assert until(ib, lambda: len(ours.gateway.entries("changed")) == 1)
        listed = next(one for one in ib.reqAllOpenOrders() if one.order.orderRef == "r-1")
        assert (listed.order.totalQuantity, listed.order.permId) == (4, trade.order.permId)
        lower = order("r-2", shares=1, orderId=trade.order.orderId - 1)
        ib.placeOrder(MTUM, lower)
        assert until(ib, lambda: 103 in codes(ib))
        assert "r-2" not in refs(ib.reqAllOpenOrders())
