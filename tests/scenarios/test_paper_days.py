"""Days of a paper account on the wire: what the broker does, and what the program makes of it."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from mtum.adapters.calendar import ExchangeCalendar
from mtum.app.bars.refresh_bars import refresh_bars
from mtum.app.ledger.book_problems import book_problems
from mtum.app.ledger.sleeve_records import read_sleeve
from mtum.app.owner.accept import accept
from mtum.app.owner.cancel import cancel
from mtum.app.owner.flatten import flatten_now, request_flatten
from mtum.app.owner.reconcile import reconcile
from mtum.app.owner.statement import Statement
from mtum.app.session.decide_and_order import sessions_around
from mtum.app.session.run_today import run_today
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderStatus
from mtum.core.portfolio.tax import tax_record
from mtum.errors import BrokerUnavailableError, CalendarMismatchError, DeadlineMissedError, ExitCode, UsageError
from mtum.wiring import desks
from support.commands import call
from support.gateway import ACCOUNT
from support.live_days import Installation, installation, market
from support.ports import closed_port
from support.practice import ENTRY_DAY, EXIT_DAY
from support.yahoo import CHICAGO, Chart, Row, yahoo_server

CALENDAR = ExchangeCalendar()
SHARES = 18
"""What USD 5,000 buy at 271.306 with 0.1 % cost and 0.5 % buffer: floor(18.32)."""


def states(ours: Installation) -> list[OrderStatus]:
    with ours.desk() as desk:
        return [state.status for state in desk.store.orders.states()]


def stated(ours: Installation, kind: str, *words: str, **options: Any) -> dict[str, Any]:
    with ours.desk() as desk:
        return accept(desk, Statement(kind, words, **options))


def compared(ours: Installation) -> dict[str, Any]:
    with ours.desk() as desk:
        return reconcile(desk)


def held_days() -> list[Any]:
    return [one.day for one in market().sessions if ENTRY_DAY < one.day < EXIT_DAY]


def entered(ours: Installation) -> None:
    assert ours.run().exit_code == 0
    assert ours.settle().exit_code == 0


def test_an_entry_is_ordered_filled_and_settled(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        run = ours.run()
        assert (run.exit_code, run.document["action"]) == (0, "enter")
        assert (run.document["order"]["shares"], run.document["order"]["status"]) == (SHARES, "ACCEPTED")
        settled = ours.settle()
    assert settled.exit_code == 0
    (fill,) = settled.document["fills"]
    # 18 shares at 271.306 are 4,883.51 USD; 0.1 % of it 4.88.
    assert (fill["shares"], fill["price"], fill["commission_usd"]) == (SHARES, 271.306, 4.88)
    assert settled.document["official_close"] == 271.306


@pytest.mark.parametrize("shown", ["no_data", "delayed"])
def test_without_a_live_vix_nothing_is_bought_and_the_run_says_so(tmp_path: Path, shown: str) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("behavior", **{shown: ["VIX"]})
        run = ours.run()
        assert (run.exit_code, run.document["action"], run.document["degraded"]) == (0, "hold", ["vix"])
        assert ours.accepted() == []


def test_a_day_our_calendar_calls_shut_and_the_broker_does_not_is_an_alarm(tmp_path: Path) -> None:
    (tmp_path / "late.toml").write_text(f"closed = [{ENTRY_DAY}]\n", encoding="utf-8")
    with installation(tmp_path, market__calendar_overrides="late.toml") as ours:
        with pytest.raises(CalendarMismatchError, match="open by the broker's calendar, shut by our one"):
            ours.run()
        assert ours.accepted() == []


def test_yahoo_stands_in_for_a_vix_the_broker_does_not_show(tmp_path: Path) -> None:
    with yahoo_server() as yahoo, installation(tmp_path, market__yahoo_url=yahoo.url) as ours:
        session = CALENDAR.sessions(ENTRY_DAY, ENTRY_DAY).known[0]
        row = Row(datetime.combine(ENTRY_DAY, time(2, 15), tzinfo=CHICAGO), 9.0, 9.6, 8.9, 9.15, 0.0)
        seen = session.before_close(21)
        yahoo.charts["^VIX"] = Chart([row], symbol="^VIX", zone=CHICAGO, kind="INDEX", traded_at=seen)
        ours.gateway.tell("behavior", no_data=["VIX"])
        run = ours.run()
    assert (run.exit_code, run.document["action"], run.document["degraded"]) == (0, "enter", [])
    assert run.document["indicators"]["vix"] == 9.15


def test_without_permission_for_the_symbol_nothing_is_decided(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("behavior", no_data=["MTUM"])
        run = ours.run()
        assert run.exit_code == ExitCode.DATA
        assert "subscribe to its market data" in run.document["problems"][0]["text"]
        assert ours.gateway.entries("order") == []


def test_a_delayed_quote_is_no_ground_for_an_order(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("behavior", delayed=["MTUM"])
        assert ours.run().exit_code == ExitCode.DATA
        assert ours.accepted() == []


def test_a_read_only_interface_ends_with_one_line_and_the_order_leaves_once_it_is_put_right(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("behavior", read_only=True)
        first = ours.run()
        assert first.exit_code == ExitCode.BROKER
        assert "untick Read-Only API" in first.document["problems"][0]["text"]
        assert ours.accepted() == []
        ours.gateway.tell("behavior", read_only=False)
        assert ours.run(minutes=18).exit_code == 0
        assert len(ours.accepted()) == 1


@pytest.mark.parametrize("minutes", [200.0, 20.0])
def test_a_dry_run_decides_at_any_time_and_can_send_nothing(tmp_path: Path, minutes: float) -> None:
    with installation(tmp_path) as ours:
        run = ours.run(minutes=minutes, dry_run=True)
        assert (run.exit_code, run.document["planned"][0]["shares"]) == (0, SHARES)
        assert ours.gateway.entries("order") == []
        assert states(ours) == []


def test_clocks_too_far_apart_stop_the_run_before_anything_is_read(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        as_of = ours.session().before_close(20) + timedelta(seconds=90)
        with desks.live_desk(ours.settings, ours.folder, as_of) as desk:
            run = run_today(desk, None)
        assert run.exit_code == ExitCode.BROKER
        assert "more than 60 s apart" in run.document["problems"][0]["text"]


def test_hours_that_differ_from_the_brokers_mean_no_order(tmp_path: Path) -> None:
    tmp_path.joinpath("days.toml").write_text(f"[early_close]\n{ENTRY_DAY} = 15:50:00\n")
    with installation(tmp_path, market__calendar_overrides="days.toml") as ours:
        run = ours.run(minutes=30)  # 20 minutes before the close of our calendar
        assert run.exit_code == ExitCode.DATA
        assert "closes 15:50 by our calendar, 16:00 by the broker's" in run.document["problems"][0]["text"]
        assert ours.accepted() == []


def test_outside_the_window_nothing_is_done(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        with pytest.raises(UsageError, match="window opens 15:38"):
            ours.run(minutes=40)
        with pytest.raises(DeadlineMissedError, match="nothing was sent"):
            ours.run(minutes=14)
        assert ours.gateway.entries("order") == []


def test_a_margin_account_buys_with_its_own_cash_only(tmp_path: Path) -> None:
    with installation(tmp_path, kind=AccountKind.MARGIN, cash=Decimal(2000)) as ours:
        # floor(2,000 / (271.306 x 1.006)) = 7: no borrowing, whatever the buying power.
        assert ours.run().document["order"]["shares"] == 7


def test_cash_that_has_not_settled_is_not_spent(tmp_path: Path) -> None:
    with installation(tmp_path, unsettled=Decimal(4900)) as ours:
        run = ours.run()
        assert (run.exit_code, run.document["action"]) == (0, "hold")
        assert "cash_not_settled" in run.document["reasons"]
        assert ours.accepted() == []
        # Wednesday's sales settle on Friday: two days after the trade in 2018.
        assert run.document["cash_settles_by"] == "2018-01-05"
        ours.settle()
        with ours.desk() as desk:
            record = desk.store.decisions.decision_of(ENTRY_DAY, desk.sleeves[0].name)
        assert record is not None
        assert record.frame["book"]["settles_by"] == "2018-01-05"
        settings = f"mode = 'paper'\nbroker.account = '{ACCOUNT}'\nmarket.source = 'ib'\n"
        (tmp_path / "config.toml").write_text(settings, encoding="utf-8")
        for command in ("explain", "report", "status"):
            told = call(tmp_path, command, "--data-dir", str(ours.folder))
            assert "by 2018-01-05" in " ".join(told.out.split()), told


LOST_IN = (("reqPositions", "restart"), ("reqHistoricalData", "drop"))  # books and bars, each lost in another way


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        pytest.param(name, fault, marks=() if (name, fault) in LOST_IN else pytest.mark.full)
        for name in ("reqPositions", "reqHistoricalData", "reqMktData", "reqContractDetails")
        for fault in ("drop", "restart")
    ],
)
def test_a_connection_lost_in_the_window_is_made_again_and_the_run_goes_on(
    tmp_path: Path, name: str, fault: str
) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault(name, fault, seconds=0.3)
        run = ours.run()
        assert (run.exit_code, run.document["order"]["status"]) == (0, "ACCEPTED")
        assert len(ours.accepted()) == 1


def test_another_base_currency_leaves_its_cash_alone(tmp_path: Path) -> None:
    with installation(tmp_path, cash=Decimal(2000)) as ours:
        ours.gateway.tell("behavior", base_currency="EUR", base_rate="1.25", base_cash="50000", ledger_prefix=True)
        assert ours.run().document["order"]["shares"] == 7


def test_dust_is_no_position(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="0.4")
        run = ours.run()
        assert (run.exit_code, run.document["action"]) == (0, "enter")


def test_two_accounts_under_one_login_only_ours_is_looked_at(tmp_path: Path) -> None:
    with installation(tmp_path, accounts=("DUP900009", ACCOUNT)) as ours:
        ours.gateway.tell("hold", account="DUP900009", symbol="MTUM", shares="50")
        run = ours.run()
        assert run.exit_code == 0
        (order,) = [entry for entry in ours.gateway.entries("order") if not entry["what_if"]]
        assert order["ref"] == run.document["order"]["ref"]
        ours.settle()
        with ours.desk() as desk:
            desk.broker.connect()
            assert dict(desk.broker.lists().positions) == {"MTUM": Decimal(SHARES)}


def test_a_holding_of_the_owner_stops_the_first_run_until_it_is_stated_as_external(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="10")
        assert ours.run().exit_code == ExitCode.PERSON
        told = compared(ours)
        assert told["exit_code"] == ExitCode.PERSON
        assert told["differences"][0]["ways"][0] == "mtum reconcile --accept external MTUM 10"
        assert stated(ours, "external", "MTUM", "10")["exit_code"] == 0
        again = ours.run(minutes=18)
        assert (again.exit_code, again.document["action"]) == (0, "enter")
        assert ours.settle().exit_code == 0


def test_shares_sold_by_hand_during_the_day_alarm_and_the_exit_sells_what_is_there(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        entered(ours)
        for day in held_days():
            ours.run(day)
            ours.settle(day)
        ours.at(60, EXIT_DAY)
        ours.gateway.tell("trade", account=ACCOUNT, symbol="MTUM", side="SELL", shares=5)
        run = ours.run(EXIT_DAY)
        assert run.exit_code == ExitCode.PERSON
        assert (run.document["action"], run.document["order"]["shares"]) == ("exit", SHARES - 5)


def test_another_installation_stops_entries_until_it_is_acknowledged(tmp_path: Path) -> None:
    with installation(tmp_path / "theirs", broker__client_id=18) as theirs:
        foreign = theirs.run().document["order"]["ref"]
        other = structs.replace(theirs.settings, broker=structs.replace(theirs.settings.broker, client_id=17))
        ours = Installation(tmp_path / "ours", theirs.gateway, other)
        ours.folder.mkdir()
        run = ours.run(minutes=19)
        assert run.exit_code == ExitCode.PERSON
        assert foreign in run.document["problems"][0]["text"]
        assert theirs.accepted() == [foreign]
        assert stated(ours, "foreign", foreign)["differences"] == []


def test_an_order_held_for_tomorrow_is_canceled_at_once_and_alarms(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        text = "Warning: your order will not be placed at the exchange until 20180104 09:30:00 US/Eastern"
        ours.gateway.fault("placeOrder", "notice", code=399, text=text)
        run = ours.run()
        assert run.exit_code == ExitCode.PERSON
        assert "holds the order for 2018-01-04; it was canceled" in run.document["problems"][0]["text"]
        assert states(ours) == [OrderStatus.CANCELED]
        assert len(ours.gateway.entries("canceled")) == 1


def test_an_order_that_the_broker_wants_to_turn_the_position_is_canceled_and_told(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "notice", code=2137, text="would turn the position")
        run = ours.run()
        assert run.exit_code == ExitCode.ORDER
        assert "canceled right after it was sent: 2137" in run.document["problems"][0]["text"]
        assert states(ours) == [OrderStatus.CANCELED]


def test_a_request_that_got_lost_is_unknown_until_a_person_says_it_was_never_sent(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "swallow")
        lost = ours.run()
        assert lost.exit_code == ExitCode.PERSON
        key = lost.document["order"]["id"]
        assert ours.run(minutes=19).exit_code == ExitCode.PERSON
        assert compared(ours)["differences"][0]["ways"] == (f"mtum reconcile --accept not-sent {key}",)
        stated(ours, "not-sent", key)
        sent = ours.run(minutes=18)
        assert (sent.exit_code, sent.document["order"]["ref"]) == (0, f"{key}-2")
        assert ours.accepted() == [f"{key}-2"]


def test_an_order_at_the_broker_cannot_be_stated_as_never_sent(tmp_path: Path) -> None:
    with installation(tmp_path, broker__request_seconds=1.0) as ours:
        ours.gateway.fault("placeOrder", "suppress")
        # Asked before the decision, before the claim and by the last gate; silent ever after.
        ours.gateway.fault("openOrderEnd", "swallow", skip=3, count=0)
        lost = ours.run()
        assert lost.exit_code == ExitCode.PERSON
        ours.gateway.tell("clear_faults")
        with pytest.raises(UsageError, match="its lists show it"):
            stated(ours, "not-sent", lost.document["order"]["id"])
        assert ours.run(minutes=18).exit_code == 0
        assert len(ours.accepted()) == 1


def test_an_order_stated_as_never_sent_that_turns_up_after_all_is_adopted_and_no_second_one_sent(
    tmp_path: Path,
) -> None:
    # A margin account with enough for two orders: nobody but us prevents the second.
    with installation(tmp_path, kind=AccountKind.MARGIN, cash=Decimal(20000)) as ours:
        ours.gateway.fault("placeOrder", "suppress")
        ours.gateway.fault("openOrder", "swallow", count=0)
        lost = ours.run()
        assert lost.exit_code == ExitCode.PERSON
        key = lost.document["order"]["id"]
        stated(ours, "not-sent", key)
        ours.gateway.tell("clear_faults")
        assert [one["kind"] for one in compared(ours)["differences"]] == ["contradiction"]
        assert ours.run(minutes=18).exit_code == 0
        assert ours.accepted() == [f"{key}-1"]
        (fill,) = ours.settle().document["fills"]
        assert fill["shares"] == SHARES
        assert compared(ours)["differences"] == []


LATE: dict[str, Any] = {
    "schedule__data_deadline_minutes": 5.0,
    "schedule__decision_deadline_minutes": 4.5,
    "schedule__last_send_minutes": 4.0,
    "schedule__allow_late_send": True,
}


@pytest.mark.parametrize("settled", [True, False])
def test_an_order_the_broker_keeps_for_tomorrow_is_canceled_before_tomorrow(tmp_path: Path, *, settled: bool) -> None:
    with installation(tmp_path, **LATE) as ours:
        ours.gateway.tell("behavior", late_on_close="next_session")
        # Its answer is lost, and with it the notice (399) that says for which session it is.
        ours.gateway.fault("placeOrder", "suppress")
        assert ours.run(minutes=5.5).exit_code == 0
        assert states(ours) == [OrderStatus.ACCEPTED]
        after = ours.settle() if settled else ours.run(held_days()[0], minutes=20)
        assert after.exit_code == ExitCode.PERSON
        assert "still works though 2018-01-03 has closed; it was canceled" in after.document["problems"][0]["text"]
        assert states(ours)[0] is OrderStatus.CANCELED
        assert [entry["ref"] for entry in ours.gateway.entries("canceled")] == ours.accepted()[:1]


def test_an_unknown_order_lapses_the_next_session_when_the_position_agrees(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "swallow")
        ours.run()
        ours.at(0)
        second = held_days()[0]
        assert ours.run(second).exit_code == 0
        assert states(ours)[0] is OrderStatus.LAPSED


def test_a_working_order_can_be_canceled_until_ten_minutes_before_the_close(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ref = ours.run().document["order"]["ref"]
        ours.at(11)
        with ours.desk() as desk:
            document = cancel(desk, ours.session())
        assert (document["canceled"], document["exit_code"]) == ([ref], 0)
        # Not sent again this session, whatever is asked.
        ours.run(minutes=16)
        assert len(ours.accepted()) == 1


def test_after_the_cut_off_a_cancel_is_not_even_tried(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.run()
        ours.at(9)
        with ours.desk() as desk, pytest.raises(DeadlineMissedError, match="they fill"):
            cancel(desk, ours.session())
        assert states(ours) == [OrderStatus.ACCEPTED]


def test_a_correction_takes_the_place_of_the_fill(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.run()
        ours.settle(minutes=-15)
        first = ours.gateway.tell("state")["fills"][0]["exec_id"]
        ours.gateway.tell("correct", exec_id=first, price="271.400")
        ours.settle(minutes=-30)
        with ours.desk() as desk:
            (lot,) = read_sleeve(desk.store, desk.sleeves[0].name).lots
    assert (lot.shares, lot.entry_price) == (SHARES, Decimal("271.4"))


def test_a_late_fee_is_asked_for_again(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.tell("behavior", commission_seconds=1.5)
        ours.run()
        (fill,) = ours.settle().document["fills"]
    assert fill["commission_usd"] == 4.88


def test_flatten_sells_at_this_close_beside_the_decision(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        entered(ours)
        day = held_days()[0]
        assert ours.run(day).document["action"] == "hold"
        with ours.desk() as desk:
            result = flatten_now(desk, "MTUM", "test")
        assert result.exit_code == 0
        assert [(one["side"], one["shares"]) for one in result.document["orders"]] == [("SELL", SHARES)]
        assert ours.settle(day).exit_code == 0
        with ours.desk() as desk:
            assert desk.store.control.restriction().value == "reduce_only"


def rejected_exit(ours: Installation, fallback: Callable[[], None]) -> None:
    entered(ours)
    for day in held_days():
        ours.run(day)
        ours.settle(day)
    ours.gateway.fault("placeOrder", "reject_later", minutes=12, code=201, text="too late")
    run = ours.run(EXIT_DAY)
    assert (run.exit_code, run.document["action"]) == (0, "exit")
    fallback()


@pytest.mark.parametrize(("setting", "code"), [("none", ExitCode.ORDER), ("market", ExitCode.PERSON)])
def test_an_exit_rejected_after_it_was_accepted_alarms_and_is_left_to_a_person(
    tmp_path: Path, setting: str, code: ExitCode
) -> None:
    with installation(tmp_path, risk__exit_fallback=setting) as ours:
        rejected_exit(ours, lambda: None)
        assert ours.watch(9, EXIT_DAY).exit_code == code
        accounts = ours.gateway.tell("state")["accounts"][ACCOUNT]
        assert int(float(accounts["positions"].get("MTUM", 0))) == SHARES
        assert ours.watch(4, EXIT_DAY).exit_code in (0, code)
        assert len(ours.accepted()) == 2


def test_a_lost_database_rebuilds_its_lot_from_a_statement(tmp_path: Path) -> None:
    with installation(tmp_path / "first") as ours:
        entered(ours)
        second = Installation(tmp_path / "second", ours.gateway, ours.settings)
        second.folder.mkdir()
        day = held_days()[0]
        assert second.run(day).exit_code == ExitCode.PERSON
        with second.desk() as desk:
            session = second.session(day)
            refresh_bars(desk, "MTUM", session, sessions_around(desk, session))
        words = {"strategy": "mtum_confluence", "entry_session": ENTRY_DAY, "entry_price": Decimal("271.306")}
        assert stated(second, "position", "MTUM", str(SHARES), **words)["differences"] == []
        held = second.run(day, minutes=18)
        assert (held.exit_code, held.document["action"]) == (0, "hold")
        target = [one for one in held.document["conditions"] if one["name"] == "atr_target"]
        assert target[0]["threshold"] is not None


def test_no_gateway_is_one_line_and_nothing_sent(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        broker = structs.replace(ours.settings.broker, port=closed_port())
        away = structs.replace(ours.settings, broker=broker)
        as_of = ours.session().before_close(20)
        with desks.live_desk(away, ours.folder, as_of) as desk:
            run = run_today(desk, None)
        assert run.exit_code == ExitCode.BROKER
        assert run.document["problems"][0]["text"].startswith(f"no gateway listens at 127.0.0.1:{closed_port()}")
        with pytest.raises(BrokerUnavailableError), desks.live_desk(away, ours.folder, None):
            pass


def test_an_unknown_order_stays_unknown_while_the_position_says_otherwise(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "swallow")
        ours.run()
        ours.at(0)
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares=str(SHARES))
        run = ours.run(held_days()[0])
        assert run.exit_code == ExitCode.PERSON
        assert states(ours)[0] is OrderStatus.UNKNOWN
        assert ours.accepted() == []


def test_a_split_is_followed_only_when_the_brokers_position_agrees(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        entered(ours)
        day = held_days()[0]
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares=str(2 * SHARES))
        assert compared(ours)["differences"][0]["ways"][-1].startswith("mtum reconcile --accept corporate-action MTUM")
        with pytest.raises(UsageError, match="18 of ours and 0 external times 3 is not the broker's 36"):
            stated(ours, "corporate-action", "MTUM", "3", entry_session=day)
        assert stated(ours, "corporate-action", "MTUM", "2", entry_session=day)["differences"] == []
        with ours.desk() as desk:
            (lot,) = read_sleeve(desk.store, desk.sleeves[0].name).lots
        assert (lot.shares, lot.entry_price) == (2 * SHARES, Decimal("135.653"))


def test_a_split_that_leaves_a_fraction_keeps_the_basis_and_books_the_cash_in_lieu(tmp_path: Path) -> None:
    """18 x 1.25 = 22.5: the broker holds 22 and pays half a share in cash."""
    with installation(tmp_path) as ours:
        entered(ours)
        day = held_days()[0]
        ours.at(20, day)
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="22")
        with ours.desk() as desk:
            before = read_sleeve(desk.store, desk.sleeves[0].name).cash_usd
        first = stated(ours, "corporate-action", "MTUM", "1.25", entry_session=day)
        assert first["differences"] == []
        assert first["accepted"].endswith("0.5 of a share was paid in cash: say it again with --cash-in-lieu USD")
        paid = {"entry_session": day, "cash_in_lieu": Decimal("108.60")}
        assert stated(ours, "corporate-action", "MTUM", "1.25", **paid)["differences"] == []
        assert stated(ours, "corporate-action", "MTUM", "1.25", **paid)["differences"] == []
        with pytest.raises(UsageError, match="another amount of cash in lieu"):
            stated(ours, "corporate-action", "MTUM", "1.25", entry_session=day, cash_in_lieu=Decimal(1))
        with ours.desk() as desk:
            sleeve, splits = read_sleeve(desk.store, desk.sleeves[0].name), desk.store.bars.actions()
            (row,) = tax_record(desk.store.orders.fills(), splits).closed
            assert book_problems(desk.store) == ()
        (lot,) = sleeve.lots
        # 271.306 / 1.25 = 217.0448 a share.
        assert (lot.shares, round(lot.entry_price, 4), sleeve.cash_usd) == (
            22,
            Decimal("217.0448"),
            before + Decimal("108.60"),
        )
        # 18 x 271.306 and the fee of 4.88 are 4888.39 for 22.5 shares; half a share of that is 108.63.
        assert (row.shares, row.proceeds_usd, row.basis_usd) == (Decimal("0.5"), Decimal("108.60"), Decimal("108.63"))


def test_after_the_deadline_nobody_can_have_it_sent_any_more(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "swallow")
        key = ours.run().document["order"]["id"]
        ours.at(14)
        with pytest.raises(UsageError, match="its last moment has passed"):
            stated(ours, "not-sent", key)
        assert states(ours) == [OrderStatus.UNKNOWN]


@pytest.mark.parametrize(
    ("kind", "words", "day", "says"),
    [
        ("position", ("MTUM", "0"), date(2018, 1, 2), "18 MTUM would have left us on 2018-01-02 that we did not hold"),
        ("position", ("MTUM", "0"), date(2018, 1, 6), "2018-01-06 is no session"),
        ("position", ("MTUM", "17"), date(2030, 1, 2), "2030-01-02 is not over yet"),
        ("corporate-action", ("MTUM", "1.0001"), date(2018, 1, 4), "18 shares again: that is no split"),
    ],
)
def test_a_statement_that_our_records_cannot_hold_is_refused_and_nothing_is_written(
    tmp_path: Path, kind: str, words: tuple[str, ...], day: date, says: str
) -> None:
    with installation(tmp_path) as ours:
        entered(ours)
        ours.at(60, date(2018, 1, 8))
        with pytest.raises(UsageError, match=says):
            stated(ours, kind, *words, entry_session=day, entry_price=Decimal(270))
        assert len(states(ours)) == 1
        assert compared(ours)["exit_code"] == 0


def test_a_position_partly_sold_by_hand_is_restated(tmp_path: Path) -> None:
    with installation(tmp_path) as ours:
        entered(ours)
        day = held_days()[0]
        ours.at(60, day)
        ours.gateway.tell("trade", account=ACCOUNT, symbol="MTUM", side="SELL", shares=5)
        words: dict[str, Any] = {"entry_session": day, "entry_price": Decimal("272.5")}
        assert stated(ours, "position", "MTUM", str(SHARES - 5), **words)["differences"] == []
        with ours.desk() as desk:
            (lot,) = read_sleeve(desk.store, desk.sleeves[0].name).lots
        assert (lot.shares, lot.entry_price) == (SHARES - 5, Decimal("271.306"))
        # Once more for the same session, and the day's own decision is as free as without.
        ours.gateway.tell("trade", account=ACCOUNT, symbol="MTUM", side="SELL", shares=2)
        assert stated(ours, "position", "MTUM", str(SHARES - 7), **words)["differences"] == []
        with ours.desk() as desk:
            request_flatten(desk, "MTUM", "test")
        sold = ours.run(day)
        assert (sold.exit_code, sold.document["action"]) == (0, "exit")
        assert [(one["side"], one["shares"]) for one in sold.document["orders"]] == [("SELL", SHARES - 7)]
