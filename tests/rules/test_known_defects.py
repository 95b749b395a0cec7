"""What went wrong in other programs that trade options, and the tests by which it does not in this one.

Each row is a fault that people reported of a program of their own: orders at prices that were no numbers, legs sent one
by one, closings that were booked and never filled. The tests named beside it fail where it comes back.
"""

import ast
from functools import cache

import pytest

from support.source_tree import ROOT

CORE, UNIT = "tests/unit/core/options", "tests/unit"
WIRE, GATE = "tests/contracts/test_option_{}_on_the_wire.py", f"{UNIT}/core/portfolio/options/test_option_gate.py"
LIFE, LOTS = (f"{UNIT}/core/portfolio/options/test_{name}.py" for name in ("life_cycle", "option_lots"))
MANAGE, CHAINS = f"{UNIT}/app/options/test_manage_options.py", WIRE.format("chains")
ORDERS, LISTS = WIRE.format("orders"), WIRE.format("lists")

DEFECTS: dict[str, dict[str, tuple[str, ...]]] = {
    "a scan of chains asks more than the line carries, and the run ends without a contract": {
        CHAINS: (
            "test_a_put_near_its_delta_is_found_with_the_neighbors_of_the_modelled_strike",
            "test_no_more_lines_are_open_at_once_than_the_login_may_use",
        ),
        f"{CORE}/test_singles.py": ("test_a_record_names_the_filter_its_figure_and_its_bound",),
    },
    "prices or greeks that are no numbers enter arithmetic": {
        f"{CORE}/test_chain.py": (
            "test_a_quote_that_does_not_count_takes_its_contract_away",
            "test_a_price_that_no_volatility_explains_has_no_delta",
        ),
        CHAINS: ("test_silence_is_waited_for_once_and_is_no_price",),
    },
    "the wrong row of the chain is taken: doubled, adjusted, of another class": {
        LISTS: (
            "test_without_exactly_one_row_of_the_class_nothing_is_believed",
            "test_the_class_is_found_among_the_rows_of_all_exchanges",
        ),
        f"{CORE}/test_contracts.py": ("test_a_row_that_may_not_be_traded_says_why",),
    },
    "strikes of a union that is not listed are asked for one by one": {
        CHAINS: ("test_contracts_and_classes_are_asked_once_a_day",),
        LISTS: ("test_details_come_by_number_and_one_that_is_unknown_is_left_out",),
    },
    "greeks of the broker are missing although prices come": {
        f"{CORE}/test_chain.py": ("test_forward_volatility_and_delta_come_back",),
        CHAINS: ("test_prices_that_come_beside_a_word_on_permissions_count",),
    },
    "a combination is changed in place, or two of it live": {
        ORDERS: ("test_the_price_of_a_combination_is_never_changed_in_place",),
        MANAGE: (
            "test_a_combination_is_never_changed_but_canceled_proven_and_replaced",
            "test_a_kill_at_the_first_offer_never_makes_two_of_it",
        ),
    },
    "legs are sent one by one, and some of them fill": {
        ORDERS: ("test_a_combination_is_bought_at_the_signed_net_and_each_leg_has_its_side",),
        MANAGE: ("test_uneven_legs_are_never_taken_for_a_fill_and_nothing_is_sent_in_their_place",),
    },
    "a credit leaves with the sign of a debit": {
        ORDERS: ("test_a_sale_that_would_cost_has_no_form_and_does_not_leave",),
        f"{CORE}/test_ladder.py": ("test_a_credit_stays_a_credit_and_a_debit_a_debit",),
    },
    "a closing that the broker refused is booked": {
        GATE: ("test_each_clause_alone_refuses_its_violation",),
        MANAGE: (
            "test_a_refusal_of_our_own_gate_is_tried_again_at_the_next_step_and_the_brokers_is_not",
            "test_nothing_takes_the_place_of_an_offer_that_filled_while_it_was_canceled",
        ),
    },
    "the record of a combination counts beside its legs, or fills of nobody's order do": {
        LISTS: (
            "test_legs_that_do_not_come_to_the_price_of_their_combination_are_an_alarm",
            "test_an_execution_counts_only_with_our_reference_our_number_and_the_contract_of_the_order",
        ),
        LOTS: ("test_legs_that_are_no_whole_number_of_combinations_are_told",),
    },
    "an assignment goes unnoticed": {
        LIFE: (
            "test_shares_that_fit_are_an_assignment_or_an_exercise",
            "test_gone_before_its_last_day_without_shares_somebody_traded_it",
        ),
        LOTS: ("test_one_assigned_put_of_three_condors_breaks_one_and_leaves_two",),
    },
    "a simulation knows no early exercise, no dividend and no margin": {
        f"{UNIT}/core/simulation/options/test_played_options.py": (
            "test_a_call_is_assigned_on_the_eve_of_a_dividend_and_its_shares_get_none",
            "test_the_gate_refuses_what_cash_does_not_secure_and_what_nothing_covers",
        ),
        f"{UNIT}/adapters/brokers/test_simulated_options.py": (
            "test_a_covered_call_goes_the_night_before_the_dividend_and_its_shares_are_pledged_until_then",
        ),
    },
    "rolls that never happen and orders left at work, and nobody knows why": {
        f"{CORE}/test_exits.py": ("test_a_ruling_carries_every_condition_with_figure_and_bound",),
        MANAGE: ("test_a_single_leg_is_offered_at_the_mid_improved_in_place_twice_and_canceled",),
        f"{UNIT}/app/options/test_halted_ladder.py": (
            "test_an_opening_at_work_is_canceled_with_the_next_look_and_a_closing_goes_on",
        ),
    },
    "facts of a contract change under a program that kept them": {
        LIFE: ("test_a_contract_that_is_not_known_halts_the_symbol",),
        LISTS: (
            "test_a_step_is_that_of_the_rule_at_smarts_place",
            "test_details_of_a_combination_are_never_asked",
        ),
    },
    "the premium counts twice, in the cost of the shares and beside it": {
        LOTS: ("test_an_assigned_put_brings_shares_at_the_strike_and_the_premium_stands_beside",),
        f"{UNIT}/core/portfolio/options/test_option_taxes.py": (
            "test_the_premium_of_an_assigned_put_lowers_the_basis_of_its_shares",
        ),
    },
}


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_of_others_has_tests_that_it_is_none_of_ours(defect: str) -> None:
    lost = [
        f"{path}::{name}" for path, names in DEFECTS[defect].items() for name in names if name not in names_in(path)
    ]
    assert lost == []
