"""Our records and the broker's lists say different things: every look says so, and the books follow the executions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mtum.app.owner.accept import accept
from mtum.app.owner.reconcile import reconcile
from mtum.app.owner.statement import Statement
from mtum.app.service.rehearse import Surroundings, rehearse
from mtum.app.session.confirm_fills import confirm_fills
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode, UsageError
from support.gateway import ACCOUNT
from support.ib_clients import client
from support.live_days import Installation, installation, market, paper_settings
from support.practice import ENTRY_DAY, EXIT_DAY

SHARES = 18
"""What USD 5,000 buy at 271.306 with 0.1 % cost and 0.5 % buffer: floor(18.32)."""
NEXT_DAY = date(2018, 1, 4)
HOUSE = Surroundings(free_bytes=lambda: 10**12, damage=tuple, unreachable=tuple)


def compared(ours: Installation) -> dict[str, Any]:
    with ours.desk() as desk:
        return reconcile(desk)


def stated(ours: Installation, kind: str, *words: str, **options: Any) -> dict[str, Any]:
    with ours.desk() as desk:
        return accept(desk, Statement(kind, words, **options))


def state(ours: Installation) -> tuple[OrderStatus, int]:
    with ours.desk() as desk:
        newest = desk.store.orders.states()[-1]
        return newest.status, newest.filled


def doctor(ours: Installation, day: date = ENTRY_DAY) -> tuple[int, str]:
    with ours.desk() as desk:
        found = rehearse(desk, ours.session(day), HOUSE)
    return int(found.exit_code), "\n".join(f"{one.name}: {one.found}" for one in found.checks)


def closed(ours: Installation, day: date = ENTRY_DAY) -> None:
    """The evening: the auction was, nobody has settled."""
    ours.at(0, day)
    ours.at(-125, day)


def texts(document: dict[str, Any]) -> str:
    return "\n".join(one["text"] for one in document["problems"])


def held_until_exit(ours: Installation) -> None:
    for day in [one.day for one in market().sessions if ENTRY_DAY <= one.day < EXIT_DAY]:
        assert ours.run(day).exit_code == 0
        assert ours.settle(day).exit_code == 0


# Reconcile before settle: an ordinary evening.


def test_reconcile_before_settle_takes_up_the_fill_and_offers_nothing(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.run()
        closed(ours)
        told = compared(ours)
        assert (told["exit_code"], told["differences"]) == (0, [])
        assert state(ours) == (OrderStatus.FILLED, SHARES)
        with pytest.raises(UsageError, match="the broker holds 18, 18 of which our own executions bought"):
            stated(ours, "external", "MTUM", "18")
        assert ours.settle().exit_code == 0


def test_on_an_exit_day_a_statement_against_our_own_executions_is_refused_and_every_command_goes_on(
    tmp_path: Path,
) -> None:
    with installation(tmp_path) as ours:
        held_until_exit(ours)
        assert ours.run(EXIT_DAY).document["action"] == "exit"
        words: dict[str, Any] = {"entry_session": ENTRY_DAY, "entry_price": Decimal(271)}
        with pytest.raises(UsageError, match="is ACCEPTED: state the position once it has ended"):
            stated(ours, "position", "MTUM", "0", **words)
        closed(ours, EXIT_DAY)
        with pytest.raises(UsageError, match="our lots already hold 0 MTUM"):
            stated(ours, "position", "MTUM", "0", **words)
        assert compared(ours)["exit_code"] == 0
        assert ours.settle(EXIT_DAY).exit_code == 0
        assert ours.run(date(2018, 1, 16)).exit_code == 0


# What the broker does to a working order.


def test_an_order_that_the_broker_reduced_is_told_and_ends_as_filled_short(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "alter", fields={"totalQuantity": "10"})
        ours.run()
        for look in (ours.watch(13), ours.watch(9)):
            assert look.exit_code == ExitCode.ORDER
            assert "the broker reduced it to 10 shares" in texts(look.document)
        assert compared(ours)["exit_code"] == ExitCode.ORDER
        assert doctor(ours)[0] == ExitCode.ORDER
        settled = ours.settle()
        assert (settled.exit_code, state(ours)) == (ExitCode.ORDER, (OrderStatus.FILLED, 10))
        assert "10 of 18 shares filled" in texts(settled.document)


@contextmanager
def rejected_in_words(folder: Path) -> Iterator[Installation]:
    """The broker says 201 and keeps the order; nothing of it is shown before the run has ended."""
    with installation(folder) as ours:
        ours.gateway.fault("placeOrder", "notice", code=201, text="Order rejected - reason: margin")
        for name in ("openOrder", "orderStatus"):
            ours.gateway.fault(name, "swallow", count=0)
        run = ours.run()
        assert (run.exit_code, state(ours)) == (ExitCode.ORDER, (OrderStatus.REJECTED, 0))
        ours.gateway.tell("clear_faults")
        yield ours


def test_an_order_rejected_in_words_that_works_is_seen_by_the_watch_and_its_fill_is_ours(tmp_path: Path) -> None:
    with rejected_in_words(tmp_path) as ours:
        first = ours.watch(13)
        assert first.exit_code == ExitCode.PERSON
        assert "is REJECTED here, but works at the broker" in texts(first.document)
        assert ours.watch(9).exit_code == 0
        settled = ours.settle()
        assert (settled.exit_code, state(ours)) == (0, (OrderStatus.FILLED, SHARES))


def test_an_order_rejected_in_words_that_was_filled_is_told_by_settle(tmp_path: Path) -> None:
    with rejected_in_words(tmp_path) as ours:
        settled = ours.settle()
        assert (settled.exit_code, state(ours)) == (ExitCode.PERSON, (OrderStatus.FILLED, SHARES))
        assert "is REJECTED here, but the broker filled 18 of it" in texts(settled.document)
        assert ours.settle().exit_code == 0


def test_shares_to_be_located_and_a_cancel_that_is_refused_are_told_by_every_look(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "notice", code=404, text="shares are being located")
        ours.gateway.fault("cancelOrder", "reject", code=10148, text="cannot be canceled")
        run = ours.run()
        assert run.exit_code == ExitCode.PERSON
        assert "404" in texts(run.document)
        assert "still works" in texts(run.document)


def test_an_accepted_order_that_the_broker_rejected_since_is_told_by_reconcile(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "reject_later", minutes=14, code=201, text="too late")
        assert ours.run().exit_code == 0
        ours.at(13)
        code, found = doctor(ours)
        assert (code, "was rejected by the broker before it was filled" in found) == (ExitCode.ORDER, True)
        told = compared(ours)
        assert (told["exit_code"], state(ours)[0]) == (ExitCode.ORDER, OrderStatus.REJECTED)
        assert "was rejected by the broker before it was filled" in texts(told)
        assert compared(ours)["exit_code"] == 0


def test_an_accepted_order_that_somebody_canceled_there_is_told_by_watch_or_reconcile(tmp_path: Path) -> None:
    for number, look in enumerate((lambda ours: ours.watch(11).document, compared)):
        with installation(tmp_path / str(number)) as ours:
            assert ours.run().exit_code == 0
            with client(ours.gateway, 5) as other:
                other.reqGlobalCancel()  # type: ignore[no-untyped-call]
                ours.gateway.wait_for("canceled")
            told = look(ours)
            assert told["exit_code"] == ExitCode.ORDER
            assert "was canceled by the broker before it was filled" in texts(told)


# Other clients of the account.


def test_as_master_client_the_order_of_another_client_under_our_number_is_not_taken_for_ours(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"kind": AccountKind.MARGIN, "cash": Decimal(20000), "broker__acknowledge_seconds": 2.0}
    with installation(tmp_path, **changes) as ours:
        ours.gateway.tell("behavior", master_client_id=17)
        ours.gateway.fault("placeOrder", "swallow")

        def cut_in() -> None:
            ours.gateway.wait_for("order")
            (lost,) = ours.gateway.entries("order")
            ours.gateway.tell(
                "trade", account=ACCOUNT, symbol="MTUM", side="BUY", shares=SHARES, type="MOC", client=5,
                order_id=lost["order_id"], ref="theirs",
            )  # fmt: skip

        other = Thread(target=cut_in)
        other.start()
        run = ours.run()
        other.join()
        assert (run.exit_code, state(ours)[0]) == (ExitCode.PERSON, OrderStatus.UNKNOWN)
        settled = ours.settle()
        assert settled.document["fills"] == []
        told = compared(ours)["differences"]
        assert [one["about"] for one in told if one["kind"] == "position"] == ["MTUM"]


# The machine was off over the close.


def off_over_the_close(ours: Installation) -> str:
    ref = str(ours.run().document["order"]["ref"])
    ours.at(0)
    ours.at(120, NEXT_DAY)
    return ref


def test_an_order_filled_while_the_machine_was_off_is_probably_filled_and_a_person_states_it(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ref = off_over_the_close(ours)
        told = compared(ours)
        (difference,) = [one for one in told["differences"] if one["kind"] == "position"]
        assert difference["ways"][0] == f"mtum reconcile --accept filled {ref} 271.306"
        assert "external" in difference["ways"][-1]
        # Whatever offers that way names the official close with it.
        ways = [way for one in told["differences"] for way in one["ways"] if "--accept filled" in way]
        assert ways == [f"mtum reconcile --accept filled {ref} 271.306"] * 2
        assert state(ours)[0] is OrderStatus.UNKNOWN
        run = ours.run(NEXT_DAY)
        assert (run.exit_code, run.document["orders"]) == (ExitCode.PERSON, [])
        assert "were probably filled while nobody looked" in texts(run.document)
        assert len(ours.accepted()) == 1
        assert ours.settle(NEXT_DAY).exit_code == ExitCode.PERSON
        with ours.desk() as desk:
            assert not any(point.final for point in desk.store.ledger.equity("mtum_confluence"))
        said = stated(ours, "filled", ref, "271.306")
        # IB's fixed schedule: 18 x 0.005 = 0.09, at least 1.00.
        assert (said["exit_code"], said["differences"]) == (0, [])
        assert said["accepted"].endswith("18 filled at 271.306, fee 1.00 USD")
        assert state(ours)[0] is OrderStatus.FILLED
        with ours.desk() as desk:
            points = desk.store.ledger.equity("mtum_confluence")
            (fill,) = desk.store.orders.fills()
        assert (fill.shares, fill.price, fill.session) == (SHARES, Decimal("271.306"), ENTRY_DAY)
        # 5,000 - 18 x 271.306 - 1.00 = 115.492 in cash; 18 x 271.306 = 4,883.508 in shares.
        first = points[0]
        assert (first.session, first.cash_usd, first.equity_usd, first.shares) == (
            ENTRY_DAY,
            Decimal("115.492"),
            Decimal("4999.0"),
            SHARES,
        )
        assert all(point.final and point.shares == SHARES for point in points)
        assert compared(ours)["exit_code"] == 0
        assert ours.run(date(2018, 1, 5)).exit_code == 0


def test_settling_that_session_a_day_later_keeps_the_order_unknown_and_its_equity_open(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        off_over_the_close(ours)
        with ours.desk() as desk:
            settled = confirm_fills(desk, ours.session())
            (point,) = desk.store.ledger.equity("mtum_confluence")
        assert (settled.exit_code, state(ours)) == (ExitCode.PERSON, (OrderStatus.UNKNOWN, 0))
        assert "18 of BUY 18 MTUM" in texts(settled.document)
        assert point.final is False


def test_a_fill_nobody_saw_is_found_though_the_settings_trade_another_symbol_since(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ref = off_over_the_close(ours)
        changed = paper_settings(ours.gateway.port, strategy__mtum_confluence__symbol="SPY")
        other = Installation(ours.folder, ours.gateway, changed)
        told = compared(other)
        assert told["exit_code"] == ExitCode.PERSON
        assert stated(other, "filled", ref, "271.306")["exit_code"] == 0


def test_an_order_not_filled_while_the_machine_was_off_expires(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "partial", shares=0)
        ref = off_over_the_close(ours)
        assert compared(ours)["exit_code"] == 0
        assert state(ours) == (OrderStatus.EXPIRED, 0)
        with pytest.raises(UsageError, match="the position does not tell that it was filled"):
            stated(ours, "filled", ref, "271.306")


@pytest.mark.full
def test_a_sale_filled_while_the_machine_was_off_is_stated_likewise(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        held_until_exit(ours)
        ref = ours.run(EXIT_DAY).document["order"]["ref"]
        ours.at(0, EXIT_DAY)
        ours.at(120, date(2018, 1, 16))
        (told,) = [one for one in compared(ours)["differences"] if one["kind"] == "position"]
        way = told["ways"][0].split()
        assert way[:5] == ["mtum", "reconcile", "--accept", "filled", ref]
        assert stated(ours, "filled", *way[4:])["differences"] == []
        assert compared(ours)["positions"] == {}


def test_a_price_that_was_never_one_is_no_fill(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ref = off_over_the_close(ours)
        with pytest.raises(UsageError, match=r"27\.13 USD is no price of MTUM on 2018-01-03: it closed at 271\.306"):
            stated(ours, "filled", ref, "27.13")
        assert state(ours)[0] is OrderStatus.UNKNOWN


def test_executions_that_are_told_after_the_statement_count_once(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ref = off_over_the_close(ours)
        compared(ours)
        stated(ours, "filled", ref, "271.306")
        ours.at(-125)  # the broker lists that day's executions after all
        assert compared(ours)["exit_code"] == 0
        with ours.desk() as desk:
            assert len(desk.store.orders.fills()) == 1


def test_half_of_an_order_filled_while_the_machine_was_off_is_stated_as_far_as_the_position_tells(
    tmp_path: Path,
) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "partial", shares=7)
        ref = off_over_the_close(ours)
        (told,) = [one for one in compared(ours)["differences"] if one["kind"] == "position"]
        assert "7 of BUY 18 MTUM" in told["text"]
        said = stated(ours, "filled", ref, "271.306")
        assert ("7 filled at 271.306" in said["accepted"], said["differences"]) == (True, [])
        assert state(ours) == (OrderStatus.EXPIRED, 7)


def test_a_position_that_differs_is_told_where_the_bars_are_unfit_too_and_the_run_is_tried_again(
    tmp_path: Path,
) -> None:
    """As after a split that a broker's bars do not name: twice the shares, and prices of another basis."""
    with installation(tmp_path) as ours:
        assert ours.run().exit_code == ours.settle().exit_code == 0
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares=str(2 * SHARES))
        ours.gateway.tell("behavior", no_data=["MTUM"])
        run = ours.run(NEXT_DAY)
        assert (run.exit_code, run.document["action"], run.document["orders"]) == (ExitCode.PERSON, "none", [])
        assert [problem["code"] for problem in run.document["problems"]] == [6, 3]
        assert run.document["problems"][0]["text"].startswith(
            f"MTUM: the broker holds {2 * SHARES}, we expect {SHARES}"
        )
        assert "subscribe to its market data" in run.document["problems"][1]["text"]
        ours.gateway.tell("behavior", no_data=[])
        # What differs bars entries; the exit rules are asked all the same once there are bars.
        again = ours.run(NEXT_DAY, minutes=18)
        assert (again.exit_code, again.document["action"]) == (ExitCode.PERSON, "hold")
