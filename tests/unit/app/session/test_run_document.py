"""The document of a run, as `--json` gives it."""

from mtum.app.desk import Problem
from mtum.app.session.run_document import empty_document, order_document, run_document
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode
from mtum.ports.records import IntentState
from support.store import decision, intent
from support.values import replace

BUY = intent()
STATE = IntentState(BUY, OrderStatus.PARTIALLY_FILLED, 8, "9001", None, "8 of 19")
PART = {"conditions": [{"name": "rsi_high"}], "indicators": {"close": 105.25, "ma": 100.0, "momentum": 3.0}}
RECORD = decision(
    document={
        "symbols": {"MTUM": PART, "SPY": {"conditions": [], "indicators": {"close": 1.0}}},
        "seen": {"MTUM": {"bar_time": "2018-12-03T20:40:00Z", "volume_so_far": 870.0}},
        "degraded": ["vix"],
        "provisional": True,
        "source": "yahoo",
    }
)


def test_an_order_is_told_with_what_became_of_it() -> None:
    assert order_document(STATE) == {
        "id": BUY.id,
        "ref": BUY.id + "-1",
        "symbol": "MTUM",
        "side": "BUY",
        "shares": 19,
        "type": "MOC",
        "status": "PARTIALLY_FILLED",
        "broker_id": "9001",
        "purpose": "enter",
        "filled": 8,
        "reasons": ["close_above_ma"],
        "text": "8 of 19",
    }


def test_the_first_symbol_stands_at_the_top_with_what_was_seen() -> None:
    document = run_document([RECORD], [STATE], "paper", ())
    assert (document["mode"], document["action"], document["exit_code"]) == ("paper", "enter", 0)
    assert document["conditions"] == PART["conditions"]
    top = document["indicators"]
    assert top == {
        "close": 105.25,
        "ma": 100.0,
        "momentum": 3.0,
        "volume_so_far": 870.0,
        "volume_share": None,
        "bar_time": "2018-12-03T20:40:00Z",
    }
    assert document["symbols"]["SPY"]["indicators"]["close"] == 1.0
    assert (document["degraded"], document["provisional"], document["source"]) == (["vix"], True, "yahoo")
    assert document["decided_at"] == "2018-12-03T20:43:00Z"
    assert document["order"] == document["orders"][0] == order_document(STATE)


def test_the_worst_problem_gives_the_exit_code() -> None:
    problems = (Problem(ExitCode.ORDER, "rejected"), Problem(ExitCode.PERSON, "unknown"), Problem(ExitCode.DATA, "vix"))
    document = run_document([RECORD], [], "paper", problems)
    assert document["exit_code"] == 6
    assert document["problems"][0] == {"code": 5, "text": "rejected"}
    assert (document["order"], document["orders"]) == (None, [])


def test_a_session_without_decision_has_the_same_fields() -> None:
    problems = (Problem(ExitCode.DATA, "stale"),)
    empty = empty_document("2018-12-03", "paper", "DU1", "s", problems)
    full = run_document([replace(RECORD, reasons=())], [], "paper", ())
    assert set(full) - set(empty) == {"decided_at", "source"}
    assert (empty["action"], empty["exit_code"], empty["order"]) == ("none", 3, None)
