"""The control port."""

# mypy: disable-error-code="no-untyped-call"

import json
from typing import Any

import pytest

from mtum.core.market.bars import Bar
from mtum.gateway.control import ControlPort
from mtum.gateway.server import PracticeGateway
from support.gateway import ACCOUNT, TODAY, Running, market, running_gateway, setup
from support.ib_clients import MTUM, client, codes, order, until


def told(line: bytes) -> dict[str, object]:
    return ControlPort(PracticeGateway(setup()).shared).carry_out(line)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"not json", "a command is a JSON object"),
        (b"{}", 'a JSON object with a "do"'),
        (b"[1]", 'a JSON object with a "do"'),
        (b'{"do": 5}', 'a JSON object with a "do"'),
        (b'{"do": "clock", "at": "1990-01-03T15:00:00+00:00"}', "outside this market, which runs from 2015-04-01 to"),
        (b'{"do": "clock", "at": "2090-01-03T15:00:00"}', "outside this market"),
        (b'{"do": "clock", "session": "2015-06-10", "minutes_to_close": "nan"}', "minutes_to_close is 'nan'"),
        (b'{"do": "clock", "speed": -1}', "speed is -1: input should be greater than or equal to 0"),
        (b'{"do": "clock", "speed": Infinity}', "speed is inf"),
        (b'{"do": "fault"}', "rule is missing"),
        (b'{"do": "fault", "rule": {"on": "placeOrder", "do": "delay", "seconds": -5}}', "seconds is -5"),
        (b'{"do": "fault", "rule": {"on": "placeOrder", "do": "drop", "count": "many"}}', "count is 'many'"),
        (b'{"do": "fault", "rule": {"on": "placeOrder", "do": "restart", "carry_out": "no"}}', "true or false"),
        (b'{"do": "behavior", "base_rate": "0"}', "base_rate is '0'"),
        (
            b'{"do": "behavior", "server_version": 201}',
            "server_version is 201: input should be less than or equal to 178",
        ),
        (b'{"do": "hold", "account": "DUP100001", "symbol": "MTUM", "shares": "nan"}', "shares is 'nan'"),
        (b'{"do": "hold", "account": "DUP100001", "symbol": "MTUM"}', "shares is missing"),
        (b'{"do": "trade", "account": "DUP100001", "symbol": "ZZZ", "side": "BUY", "shares": 1}', "ZZZ is not traded"),
        (b'{"do": "trade", "account": "DUP100001", "symbol": "MTUM", "side": "BUY", "shares": 1.5}', "a whole number"),
        (b'{"do": "notice"}', "code is missing"),
        (b'{"do": "restart", "seconds": NaN}', "seconds is nan"),
        (b'{"do": "explode"}', "no command 'explode'"),
        (b'{"do": "clock", "session": "2015-06-13"}', "2015-06-13 is not a session"),
        (b'{"do": "fault", "rule": {"on": "x", "do": "drop"}}', "no message is called 'x'"),
        (b'{"do": "behavior", "speed": 1}', "'speed' is not known here; known: after_close, bar_order, base_cash"),
        (b'{"do": "change", "account": "DUP100001", "symbol": "MTUM", "into": "NEW"}', "DUP100001 holds no MTUM"),
        (b'{"do": "deposit", "account": "DUP9", "usd": 1}', "no account 'DUP9'"),
        (b'{"do": "deposit", "account": "DUP100001", "usd": "x"}', "usd is 'x'"),
        (b'{"do": "deposit", "account": "DUP100001", "usd": 1e13}', "usd is 10000000000000.0: input should be less"),
        (b'{"do": "deposit", "account": "DUP100001", "usd": 1, "cents": 2}', "'cents' is not known here"),
        (
            b'{"do": "hold", "account": "DUP100001", "symbol": "MTUM", "shares": 1, "kind": "OPT"}',
            "an option has right",
        ),
        (b'{"do": "state", "of": "me"}', "'of' is not known here"),
        (b'{"do": "trade", "shared": 1}', "symbol is missing"),
        (b'{"do": "correct", "exec_id": "1.2.3.4", "price": 1}', "no execution"),
    ],
)
def test_a_wrong_command_is_answered_in_words(line: bytes, complaint: str) -> None:
    answer = told(line)
    assert answer["ok"] is False
    assert complaint in str(answer["error"])


def test_the_clock_is_set_by_session_and_distance_to_the_close() -> None:
    line = {"do": "clock", "session": "2015-06-12", "minutes_to_close": 20, "speed": 0}
    answer = told(json.dumps(line).encode())
    # A half day: it closes at 17:00 UTC.
    assert answer == {"ok": True, "now": "2015-06-12T16:40:00+00:00", "speed": 0.0}


def test_the_state_shows_orders_fills_and_accounts() -> None:
    with running_gateway() as gateway:
        gateway.tell("trade", account=ACCOUNT, symbol="MTUM", side="BUY", shares=3)
        shown = gateway.tell("state")
        assert [o["status"] for o in shown["orders"]] == ["filled"]
        # 3 x 75.00 = 225.00 and a fee of 0.23
        assert shown["accounts"][ACCOUNT] == {"cash": "4774.77", "positions": {"MTUM": "3"}}
        assert [(f["shares"], f["price"]) for f in shown["fills"]] == [(3, "75.0")]


def test_a_refused_trade_by_hand_names_the_brokers_code() -> None:
    line = {"do": "trade", "account": ACCOUNT, "symbol": "MTUM", "side": "BUY", "shares": 1000}
    assert "201" in str(told(json.dumps(line).encode())["error"])


def heard(gateway: Running, code: int) -> bool:
    with client(gateway) as ib:
        gateway.tell("notice", code=code, text="a notice")
        return until(ib, lambda: codes(ib) == [code])


@pytest.mark.parametrize("code", [1100, 1101, 1102, 2110])
def test_notices_reach_every_client(code: int) -> None:
    with running_gateway() as gateway:
        assert heard(gateway, code)


def test_dropped_clients_are_counted_and_gone() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        assert gateway.tell("drop") == {"dropped": 1}
        with pytest.raises(ConnectionError):
            ib.sleep(2)


def test_policies_change_while_it_runs() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.tell("behavior", late_on_close="next_session")
        gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=5)
        ib.placeOrder(MTUM, order())
        assert until(ib, lambda: codes(ib) == [399])


def test_a_jump_over_several_sessions_plays_every_close() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        ib.placeOrder(MTUM, order("today"))
        ib.reqCurrentTime()
        gateway.tell("clock", session="2015-06-17", minutes_to_close=100)
        assert until(ib, lambda: len(ib.fills()) == 1)
        # Filled at the close of 10 June, not at that of 17 June.
        assert ib.fills()[0].execution.price == 75.0
        assert f"{ib.fills()[0].execution.time:%Y-%m-%d %H:%M}" == "2015-06-10 20:00"


def test_a_dividend_is_paid_on_the_ex_date() -> None:
    source = market()
    bars = dict(source.bars["MTUM"])
    day = sorted(bars)[sorted(bars).index(TODAY) + 1]
    whole = bars[day]
    bars[day] = Bar(day, whole.open, whole.high, whole.low, whole.close, whole.volume, dividend=0.5)
    source.bars["MTUM"].update(bars)  # type: ignore[attr-defined]
    with running_gateway(source=source) as gateway:
        gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares=10)
        gateway.tell("clock", session=day.isoformat())
        assert gateway.tell("state")["accounts"][ACCOUNT]["cash"] == "5005.00"


def test_shares_become_others_overnight_and_pay_cash() -> None:
    def account() -> Any:
        return gateway.tell("state")["accounts"][ACCOUNT]

    with running_gateway() as gateway:
        gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares=11)
        gateway.tell("change", account=ACCOUNT, symbol="MTUM", into="NEW")
        assert account()["positions"] == {"NEW": "11"}
        gateway.tell("change", account=ACCOUNT, symbol="NEW", into="CHILD", ratio="0.5", keep=True)
        assert account()["positions"] == {"CHILD": "5", "NEW": "11"}
        gateway.tell("change", account=ACCOUNT, symbol="NEW", into="CHILD", ratio="2", usd="10")
        # 11 x 10 beside the 5,000 it began with
        assert account() == {"cash": "5110", "positions": {"CHILD": "27"}}


def test_nothing_is_answered_before_it_is_saved() -> None:
    def full(state: bytes) -> None:
        if b"r-1" in state:
            raise OSError("disk full")

    with running_gateway(save=full) as gateway, client(gateway) as ib:
        ib.RequestTimeout = 0.3
        trade = ib.placeOrder(MTUM, order())
        with pytest.raises((TimeoutError, ConnectionError)):
            ib.reqCurrentTime()
        assert trade.orderStatus.permId == 0
        assert gateway.entries("accepted") == []
        assert gateway.tell("state")["orders"] == []


def test_cleared_faults_do_not_wait_for_the_close_either() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("placeOrder", "partial", shares=4)
        ib.placeOrder(MTUM, order())
        ib.reqCurrentTime()
        gateway.tell("clear_faults")
        gateway.close_session()
        assert until(ib, lambda: [fill.execution.shares for fill in ib.fills()] == [10])
