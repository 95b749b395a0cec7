"""What a person has closed: every group of an underlying, to the far side, and the request stands until it is gone."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from mtum.app.options.closings import plan_closings
from mtum.app.options.manage_options import manage_options
from mtum.app.owner.flatten import request_flatten
from mtum.app.session.confirm_fills import forget_flatten
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.orders import OrderStatus, Side
from support.option_days import Day
from support.option_orders import DAY, SESSION, call, put
from support.option_store import leg_fill, planned
from support.small_option_exchange import Exchange
from support.store import opened
from support.values import replace

P95, P90, C105 = put(95), put(90), call(105)
SIDES = {P95.con_id: (1.00, 1.30), P90.con_id: (0.40, 0.50), C105.con_id: (0.90, 1.00)}


def holding(folder: Path, *groups: tuple[str, dict[OptionContract, int]]) -> Day:
    one = Day(folder)
    held = {contract: number for _, parts in groups for contract, number in parts.items()}
    one.keep(Exchange(sides=SIDES, positions=held))
    with closing(opened(folder)) as store:
        for name, parts in groups:
            legs = [(Side.BUY if number > 0 else Side.SELL, contract) for contract, number in parts.items()]
            intent = replace(planned(*legs, group=name), session=DAY - timedelta(days=1))
            store.options.commit_intents([intent], SESSION.open)
            store.options.record_fills(
                leg_fill(intent, f"{name}{place}.01", contract, number, "1.00")
                for place, (contract, number) in enumerate(parts.items())
            )
    return one


def test_every_group_of_an_underlying_is_closed_in_one_order_each_down_to_the_far_side(tmp_path: Path) -> None:
    one = holding(tmp_path, ("g1", {P95: -2, P90: 2}), ("g2", {C105: -1}))
    with one.desk() as desk:
        plan_closings(desk, SESSION, "SPY", None)
        plan_closings(desk, SESSION, "SPY", None)
        states = desk.store.options.states(DAY)
        assert [
            (state.intent.group, state.intent.quantity, [leg.words for leg in state.intent.legs]) for state in states
        ] == [
            ("g1", 2, ["BUY 1 SPY 2026-08-21 95 put", "SELL 1 SPY 2026-08-21 90 put"]),
            ("g2", 1, ["BUY 1 SPY 2026-08-21 105 call"]),
        ]
        assert all(state.intent.envelope.to_far_side for state in states)
        manage_options(desk, SESSION)
    # The spread's mid is 0.70 and its far side 0.90; the call's are 0.95 and 1.00.
    assert [line for line in one.exchange.log if "cancel" not in line] == [
        "place 1 2 0.7",
        "place 1 1 0.95",
        "place 2 2 0.76",
        "change 1 0.96",
        "place 3 2 0.9",
        "change 1 1.00",
    ]


def test_a_group_that_the_decision_closes_already_is_left_to_it(tmp_path: Path) -> None:
    one = holding(tmp_path, ("g2", {C105: -1}))
    one.plan(planned((Side.BUY, C105), purpose=OptionPurpose.CLOSE, group="g2"))
    with one.desk() as desk:
        plan_closings(desk, SESSION, "SPY", None)
        assert [state.status for state in desk.store.options.states(DAY)] == [OrderStatus.PLANNED]


def test_a_request_to_close_stands_while_an_option_on_the_symbol_is_open(tmp_path: Path) -> None:
    one = holding(tmp_path, ("g2", {C105: -1}))
    with one.desk(strategy="wheel") as desk:
        request_flatten(desk, "SPY", "enough")
        forget_flatten(desk, {})
        assert desk.store.statements.flatten_requests() == ("SPY",)
    with one.desk() as desk:
        # Where no sleeve trades options, shares alone count.
        forget_flatten(desk, {})
        assert desk.store.statements.flatten_requests() == ()
