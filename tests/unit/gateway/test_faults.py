"""Which message a fault rule strikes."""

from typing import Any

import pytest

from mtum.gateway.faults import Fault, FaultRule, Faults, altered, fault_rule


def test_a_rule_lets_some_pass_strikes_some_and_is_spent() -> None:
    faults = Faults([FaultRule("placeOrder", Fault.DROP, skip=1, count=2)])
    struck = [faults.take("placeOrder", 1) is not None for _ in range(5)]
    assert struck == [False, True, True, False, False]


def test_a_count_of_zero_strikes_for_ever() -> None:
    faults = Faults([FaultRule("openOrder", Fault.SWALLOW, count=0)])
    assert all(faults.take("openOrder", 1) for _ in range(5))


def test_other_messages_and_other_clients_pass_and_do_not_count() -> None:
    faults = Faults([FaultRule("placeOrder", Fault.DROP, client=7)])
    assert faults.take("cancelOrder", 7) is None
    assert faults.take("placeOrder", 8) is None
    assert faults.take("placeOrder", 7) is not None


def test_cleared_rules_strike_no_more() -> None:
    faults = Faults([FaultRule("placeOrder", Fault.DROP)])
    faults.clear()
    assert faults.take("placeOrder", 1) is None


def test_a_rule_is_read_from_json() -> None:
    rule = fault_rule({"on": "placeOrder", "do": "partial", "shares": 12, "skip": 1})
    assert rule == FaultRule("placeOrder", Fault.PARTIAL, shares=12, skip=1)


@pytest.mark.parametrize(
    ("described", "complaint"),
    [
        ({"on": "placeOrder"}, "do is missing"),
        ({"on": "placeOrder", "do": "drop", "when": 1}, "when is 1: input should be a JSON object"),
        ({"on": "placeOrder", "do": "alter"}, "'alter' needs 'fields'"),
        ({"on": "placeOrder", "do": "drop", "fields": {"whatIf": "0"}}, "nothing else takes them"),
        ({"on": "openOrder", "do": "alter", "fields": {"status": "Odd"}}, "'status' is no position"),
        ({"on": "placeOrder", "do": "drop", "whne": {}}, "whne"),
        ({"on": "placeorder", "do": "drop"}, "no message is called 'placeorder'"),
        ({"on": "placeOrder", "do": "explode"}, "explode"),
        ({"on": "openOrder", "do": "partial"}, "does not go with"),
        ({"on": "placeOrder", "do": "correct"}, "does not go with"),
    ],
)
def test_a_wrong_rule_is_refused(described: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        fault_rule(described)


def test_any_request_and_any_answer_can_be_meant() -> None:
    faults = Faults([FaultRule("request", Fault.SWALLOW, skip=1)])
    assert [faults.take(name, 1) is not None for name in ("reqIds", "openOrder", "reqPnL")] == [False, False, True]
    faults = Faults([fault_rule({"on": "answer", "do": "drop"})])
    assert [faults.take(name, 1) is not None for name in ("reqIds", "openOrder")] == [False, True]


def test_a_rule_strikes_only_messages_with_the_texts_it_names() -> None:
    faults = Faults([fault_rule({"on": "reqContractDetails", "do": "swallow", "when": {"symbol": "VIX"}})])
    asked = [faults.take("reqContractDetails", 1, {"symbol": symbol}) for symbol in ("MTUM", "VIX", "VIX")]
    assert [rule is not None for rule in asked] == [False, True, False]
    faults = Faults([fault_rule({"on": "acctValue", "do": "swallow", "when": {"2": "CashBalance", "-1": "DU1"}})])
    told = [("6", "2", "NetLiquidation", "1", "DU1"), ("6", "2", "CashBalance", "1", "DU1"), ("6", "2")]
    assert [faults.take("acctValue", 1, fields) is not None for fields in told] == [False, True, False]


def test_an_altered_answer_has_the_texts_of_the_rule_in_their_places_and_no_new_ones() -> None:
    rule = fault_rule({"on": "orderStatus", "do": "alter", "fields": {"2": "Routed", "-1": "x", "9": "y"}})
    assert altered(rule, ("3", "7", "Filled", "10")) == ("3", "7", "Routed", "x")
