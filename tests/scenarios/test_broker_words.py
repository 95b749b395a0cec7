"""What a broker may say that nobody expects: no command breaks on it, and none takes it for good news."""

from pathlib import Path
from typing import Any

import pytest

from mtum.app.owner.accept import accept
from mtum.app.owner.reconcile import reconcile
from mtum.app.owner.statement import Statement
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode, UsageError
from support.gateway import ACCOUNT
from support.ib_clients import MTUM, client, order
from support.live_days import Installation, installation, market
from support.practice import ENTRY_DAY, EXIT_DAY

EXEC_ID, TIME, OWNER, SIDE, SHARES, PRICE, NUMBER, REF = "14", "15", "16", "18", "19", "20", "21", "26"
"""Places in an execution: its id, time, account, side, shares, price, the order's permanent id and reference."""
KIND, SYMBOL = "5", "4"


def states(ours: Installation) -> list[OrderStatus]:
    with ours.desk() as desk:
        return [state.status for state in desk.store.orders.states()]


def compared(ours: Installation) -> dict[str, Any]:
    with ours.desk() as desk:
        return reconcile(desk)


def texts(document: dict[str, Any]) -> str:
    return " / ".join(one["text"] for one in document["problems"])


def test_an_order_whose_status_word_nobody_knows_needs_a_person_until_a_known_word_comes(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("behavior", resting_status="Routed")
        run = ours.run()
        assert (run.exit_code, states(ours)) == (ExitCode.PERSON, [OrderStatus.UNKNOWN])
        assert "the broker calls it 'Routed', a word this program does not know" in texts(run.document)
        assert ours.run(minutes=18).exit_code == ExitCode.PERSON
        watched = ours.watch(9)
        assert (watched.exit_code, texts(watched.document).count("Routed")) == (ExitCode.PERSON, 1)
        assert compared(ours)["exit_code"] == ExitCode.PERSON
        assert len(ours.accepted()) == 1
        settled = ours.settle()
        assert (settled.exit_code, states(ours)) == (0, [OrderStatus.FILLED])


def test_an_accepted_order_that_changes_to_an_unknown_word_is_told_by_all_who_look(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        assert ours.run().exit_code == 0
        ours.gateway.tell("behavior", resting_status="Routed")
        watched = ours.watch(9)
        assert (watched.exit_code, texts(watched.document).count("'Routed'")) == (ExitCode.PERSON, 1)
        assert "'Routed'" in texts(compared(ours))


def also(fields: dict[str, str], told: str) -> Any:
    """A further case of a kind, for the long run."""
    return pytest.param(fields, told, marks=pytest.mark.full)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({SIDE: "ODD"}, "side 'ODD', shares 18.0"),
        also({SIDE: ""}, "side '', shares 18.0"),
        also({SHARES: "nan"}, "side 'BOT', shares nan"),
        also({SHARES: "eighteen"}, "BOT eighteen"),
        also({SHARES: "1.8"}, "shares 1.8"),
        ({SHARES: "180"}, "shares 180.0"),  # more than was filled so far
        also({PRICE: "27130.6"}, "price 27130.6"),  # the average of the only execution is another
        ({EXEC_ID: "BAD"}, "execution 'BAD'"),
        also({EXEC_ID: ""}, "execution ''"),
        also({EXEC_ID: "0000e0d5-000f4241-01-01"}, "execution '0000e0d5-"),
        also({EXEC_ID: "0000e0d5.000f4241.01.BAD"}, "01.BAD'"),
        ({TIME: "BAD"}, "BOT 18 271.306"),
        also({TIME: "20190103 16:00:00 US/Eastern"}, "time '2019-01-03"),
        also({TIME: "20170103 16:00:00 US/Eastern"}, "time '2017-01-03"),
        also({OWNER: ""}, "account ''"),
        ({OWNER: "DUP9"}, "account 'DUP9'"),
        ({NUMBER: "7"}, "order 7"),
        also({NUMBER: ""}, "order 0"),
        also({NUMBER: "BAD"}, "BOT 18 271.306 BAD"),
        ({REF: "BAD"}, "reference 'BAD'"),
        also({REF: "m180103-AAAAAAAAAAAA-1"}, "reference 'm180103-AAAAAAAAAAAA-1'"),
        also({SIDE: "SLD"}, "side 'SLD'"),
        ({KIND: "BAD"}, "execution of MTUM"),
        also({SYMBOL: "SPY"}, "execution of SPY"),
    ],
)
def test_an_execution_of_ours_that_cannot_be_read_needs_a_person_and_breaks_no_command(
    tmp_path: Path, fields: dict[str, str], told: str
) -> None:
    with installation(tmp_path) as ours:
        assert ours.run().exit_code == 0
        ours.gateway.fault("execDetails", "alter", count=0, fields=fields)
        settled = ours.settle()
        assert settled.exit_code == ExitCode.PERSON
        assert told in texts(settled.document)
        assert settled.document["fills"] == []
        found = compared(ours)
        assert told in texts(found)
        assert not [way for one in found["differences"] for way in one["ways"] if "flatten" in way]
        # Told rightly, it is booked as if nothing had happened.
        ours.gateway.tell("clear_faults")
        settled = ours.settle(minutes=-130)
        assert (settled.exit_code, [fill["shares"] for fill in settled.document["fills"]]) == (0, [18])


@pytest.mark.parametrize(
    "exec_id",
    ["BAD", *(pytest.param(one, marks=pytest.mark.full) for one in ("", "0000e0d5.1")), "0000e0d5.ffffffff.01.01"],
)
def test_an_execution_told_again_under_another_id_is_not_booked_twice(tmp_path: Path, exec_id: str) -> None:
    with installation(tmp_path) as ours:
        assert ours.run().exit_code == 0
        assert ours.settle().exit_code == 0
        ours.gateway.fault("execDetails", "alter", count=0, fields={EXEC_ID: exec_id})
        settled = ours.settle(minutes=-130)
        assert settled.exit_code == ExitCode.PERSON
        assert f"'{exec_id}'" in texts(settled.document)
        assert [fill["shares"] for fill in settled.document["fills"]] == [18]
        found = compared(ours)
        assert f"'{exec_id}'" in texts(found)
        assert [way for one in found["differences"] for way in one["ways"]] == []


def test_an_execution_told_under_two_ids_at_once_is_believed_under_neither(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        assert ours.run().exit_code == 0
        ours.at(0)
        ours.gateway.fault("execDetails", "alter", count=1, fields={EXEC_ID: "0000e0d5.ffffffff.01.01"})
        found = compared(ours)
        assert "'0000e0d5.ffffffff.01.01'" in texts(found)
        with ours.desk() as desk:
            assert desk.store.orders.fills() == ()
        assert [fill["shares"] for fill in ours.settle().document["fills"]] == [18]


@pytest.mark.parametrize("fields", [{SIDE: ""}, {SHARES: "many"}])
def test_an_execution_of_somebody_else_that_cannot_be_read_is_passed_over_and_counted(
    tmp_path: Path, fields: dict[str, str]
) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("execDetails", "alter", count=0, when={REF: ""}, fields=fields)
        ours.gateway.tell("trade", account=ACCOUNT, symbol="MTUM", side="BUY", shares=1)
        ours.gateway.tell("trade", account=ACCOUNT, symbol="MTUM", side="SELL", shares=1)
        assert ours.run().exit_code == 0
        found = compared(ours)
        assert (found["exit_code"], found["skipped"]) == (0, 2)
        assert ours.settle().exit_code == 0


def test_nothing_is_sent_while_an_execution_of_ours_cannot_be_read(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        assert ours.run().exit_code == 0
        assert ours.settle().exit_code == 0
        following = market().sessions.after(ENTRY_DAY)
        assert following is not None
        ours.gateway.fault("position", "alter", count=0, fields={"-2": "nan"})
        run = ours.run(following.day)
        assert run.exit_code == ExitCode.PERSON
        assert "position of MTUM: shares nan" in texts(run.document)
        assert len(ours.accepted()) == 1


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"on": "contractData", "do": "alter", "when": {"2": "VIX"}, "fields": {"12": "99"}}, "names contract 99@"),
        pytest.param(
            {"on": "reqContractDetails", "do": "reject", "when": {"symbol": "VIX"}, "code": 200},
            "knows 0 contracts",
            marks=pytest.mark.full,
        ),
        ({"on": "reqContractDetails", "do": "swallow", "when": {"symbol": "VIX"}}, "did not answer within 1 s"),
    ],
)
def test_no_trouble_with_the_vix_contract_stops_an_exit_by_the_other_rules(
    tmp_path: Path, rule: dict[str, Any], told: str
) -> None:
    with installation(tmp_path, broker__request_seconds=1.0) as ours:
        assert (ours.run().exit_code, ours.settle().exit_code) == (0, 0)
        ours.gateway.fault(**{"count": 0, **rule})
        run = ours.run(EXIT_DAY)
        assert (run.exit_code, run.document["action"], run.document["degraded"]) == (0, "exit", ["vix"])
        with ours.desk() as desk:
            record = desk.store.decisions.decision_of(EXIT_DAY, desk.sleeves[0].name)
        assert record is not None
        assert told in " ".join(record.document["notes"])
        assert len(ours.accepted()) == 2


def test_a_person_can_state_that_the_new_contract_is_the_right_one(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        assert (ours.run().exit_code, ours.settle().exit_code) == (0, 0)
        with ours.desk() as desk:
            now = desk.store.approvals.pinned_contract("VIX")
            # As if another had been pinned until today.
            desk.store.approvals.pin_contract("VIX", "99@", desk.clock.now())
            with pytest.raises(UsageError, match=f"names contract {now} for VIX, not 98@"):
                accept(desk, Statement("contract", ("VIX", "98@")))
            assert desk.store.approvals.pinned_contract("VIX") == "99@"
        assert ours.run(EXIT_DAY, dry_run=True).document["degraded"] == ["vix"]
        with ours.desk() as desk:
            assert accept(desk, Statement("contract", ("VIX", now)))["exit_code"] == 0
        assert ours.run(EXIT_DAY).document["degraded"] == []


@pytest.mark.parametrize(("order", "exit_code", "accepted"), [("backward", 0, 1), ("twice", 0, 1), ("apart", 3, 0)])
def test_history_in_any_order_is_read_and_a_day_with_two_prices_is_named(
    tmp_path: Path, order: str, exit_code: int, accepted: int
) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("behavior", bar_order=order)
        run = ours.run()
        assert (run.exit_code, len(ours.accepted())) == (exit_code, accepted)
        if exit_code:
            assert "MTUM 2018-01-02: the broker tells two bars of this day" in texts(run.document)


def test_an_account_that_is_not_ready_is_waited_for_and_never_taken_for_no_money(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("behavior", ready_seconds=1.5)
        run = ours.run()
        assert (run.exit_code, run.document["action"], len(ours.accepted())) == (0, "enter", 1)


@pytest.mark.parametrize(
    ("ready", "told"),
    [("true", "tells every amount as 0 while 18 MTUM are held"), ("false", "are not ready (AccountReady false)")],
)
def test_an_account_that_never_becomes_ready_ends_with_code_4_and_nothing_decided(
    tmp_path: Path, ready: str, told: str
) -> None:
    with installation(tmp_path, broker__connect_seconds=1.0) as ours:
        assert (ours.run().exit_code, ours.settle().exit_code) == (0, 0)
        ours.gateway.tell("behavior", ready_seconds=60)
        ours.gateway.fault("acctValue", "alter", count=0, when={"2": "AccountReady"}, fields={"3": ready})
        run = ours.run(EXIT_DAY)
        assert (run.exit_code, run.document["action"]) == (ExitCode.BROKER, "none")
        assert told in texts(run.document)
        # The next evening's run finds it ready.
        ours.gateway.tell("behavior", ready_seconds=0)
        ours.gateway.tell("clear_faults")
        assert ours.run(EXIT_DAY, minutes=18).document["action"] == "exit"


@pytest.mark.parametrize("key", ["CashBalance", "SettledCash"])
def test_cash_that_is_no_number_bars_purchases_and_says_so_and_no_sale(tmp_path: Path, key: str) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("acctValue", "alter", count=0, when={"2": key}, fields={"3": "NaN"})
        ours.gateway.fault("acctValue", "alter", count=0, when={"2": "TotalCashBalance"}, fields={"3": "NaN"})
        ours.gateway.fault("acctValue", "alter", count=0, when={"2": "TotalCashValue"}, fields={"3": "NaN"})
        run = ours.run()
        assert (run.exit_code, run.document["action"]) == (ExitCode.BROKER, "hold")
        assert "as 'NaN'" in texts(run.document)
        assert ours.accepted() == []
        ours.gateway.tell("clear_faults")


def test_a_sale_by_somebody_else_of_shares_we_hold_is_told_with_the_reason(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        assert (ours.run().exit_code, ours.settle().exit_code) == (0, 0)
        ours.at(30, EXIT_DAY)
        with client(ours.gateway, 5) as ib:
            ib.placeOrder(MTUM, order(side="SELL", shares=18, ref="by hand"))
            ib.sleep(0.3)
        run = ours.run(EXIT_DAY)
        assert run.exit_code == ExitCode.PERSON
        assert "somebody else's order sells 18 MTUM" in texts(run.document)
