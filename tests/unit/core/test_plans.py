"""What an account planned, stored and coordinated again."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mtum.core.canonical import canonical
from mtum.core.coordination.account import AccountRules, Returns, SymbolGroup
from mtum.core.coordination.coordinate import FundState, coordinate, with_fund
from mtum.core.coordination.limits import VAR_SESSIONS
from mtum.core.coordination.transfers import FundRules, SleeveMoney, Transfer, TransferRules
from mtum.core.plans import (
    cut_for_cash,
    fund_frame,
    plan_document,
    plan_frame,
    replayed_plan,
    returns_of,
    standing_after,
    transfers_document,
    transfers_frame,
    transfers_in,
)
from mtum.core.portfolio.decision import Standing
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.limits import LossState, Restriction
from support.bars import bars_of, changed
from support.values import replace
from unit.core.coordination.test_limits import ACCOUNT, SIZING, buys, sells, wants

RULES = AccountRules(
    daily_loss_usd=500.0,
    max_symbol_frac=0.5,
    groups=(SymbolGroup("all", ("AAA", "BBB"), 0.9),),
    correlation_penalty=0.3,
    max_var_frac=0.1,
)
HISTORIES = {
    "AAA": changed(bars_of([100.0 + day % 7 for day in range(400)], symbol="AAA"), dividend={30: 1.0}),
    "BBB": bars_of([50.0 + day % 5 for day in range(400)], symbol="BBB"),
}


def test_a_stored_plan_is_coordinated_again_to_the_last_digit() -> None:
    wanted = [
        wants("core", sells("AAA", 7), buys("BBB", 90), AAA=30, least_usd=100.0),
        wants("timing", buys("AAA", 40)),
    ]
    account = replace(
        ACCOUNT,
        losses=LossState(-1.5, 2.5, peak_equity_usd=11_000.0),
        returns=Returns.of(HISTORIES, VAR_SESSIONS),
        uncrossable={"CCC": "mismatch"},
        approved={"timing": {"AAA": 40}},
    )
    plan = coordinate(wanted, account, RULES)
    frame = json.loads(canonical(plan_frame(wanted, account, HISTORIES)))

    assert plan.cuts
    assert any(one.crossed for one in plan.orders)
    again = replayed_plan(frame, {"core": SIZING, "timing": SIZING}, RULES)
    assert again == json.loads(canonical(plan_document(plan)))


@pytest.mark.parametrize(
    ("differs", "rules"),
    [
        ({"cash_usd": 200.0}, AccountRules()),
        ({"equity_usd": 800.0}, AccountRules()),
        ({"losses": LossState(change_since_usd=-500.0)}, AccountRules(daily_loss_usd=500.0)),
        ({"restriction": Restriction.FULL}, AccountRules()),
        ({"uncrossable": {"AAA": "mismatch"}}, AccountRules()),
        ({"prices": {"AAA": 99.0, "BBB": 200.0}}, AccountRules(max_symbol_frac=0.02)),
        ({"returns": Returns.of(HISTORIES, VAR_SESSIONS)}, AccountRules(max_var_frac=0.00001)),
    ],
)
def test_whatever_changed_the_plan_is_in_its_record(differs: dict[str, Any], rules: AccountRules) -> None:
    """Each changes what the account does, and its replay does the same."""
    sells_some = wants("core", sells("AAA", 7), AAA=30)
    wanted = [sells_some, wants("timing", buys("AAA", 4), buys("BBB", 9), least_usd=150.0)]
    account = replace(ACCOUNT, **differs)
    plan = coordinate(wanted, account, rules)
    frame = json.loads(canonical(plan_frame(wanted, account, HISTORIES if "returns" in differs else {})))

    assert plan != coordinate(wanted, ACCOUNT, AccountRules())
    again = replayed_plan(frame, {"core": SIZING, "timing": SIZING}, rules)
    assert again == json.loads(canonical(plan_document(plan)))


def test_what_was_approved_is_replayed_and_an_older_plan_says_nothing_of_it() -> None:
    wanted = [wants("core", sells("AAA", 7), AAA=30), wants("timing", buys("AAA", 4))]
    sizing = {"core": SIZING, "timing": SIZING}
    account = replace(ACCOUNT, approved={"timing": {"AAA": 3}})
    frame = json.loads(canonical(plan_frame(wanted, account, {})))
    held_back = [{"sleeve": "timing", "symbol": "AAA", "reason": "not_approved"}]

    assert replayed_plan(frame, sizing, AccountRules())["held_back"] == held_back
    del frame["approved"]
    assert replayed_plan(frame, sizing, AccountRules())["held_back"] == []


def test_histories_are_kept_only_where_a_limit_looks_at_them() -> None:
    assert returns_of(HISTORIES, AccountRules(max_symbol_frac=0.5)) == {}
    long = {"AAA": bars_of([100.0] * 600, symbol="AAA")}
    looks_back = (
        AccountRules(correlation_penalty=0.5),
        AccountRules(target_volatility_frac=0.2),
        AccountRules(max_var_frac=0.1),
    )
    for rules in looks_back:
        # 500 returns are made of 501 closes.
        assert {name: len(bars) for name, bars in returns_of(long, rules).items()} == {"AAA": 501}


def test_a_plan_in_words_names_sleeve_and_session() -> None:
    frame = plan_frame([wants("core", buys("AAA", 1))], ACCOUNT, {})

    assert (frame["session"], frame["bars"]) == (date(2026, 1, 5).isoformat(), {})
    assert plan_document(coordinate([wants("core", buys("AAA", 1))], ACCOUNT, AccountRules()))["orders"] == [
        {
            "sleeve": "core",
            "symbol": "AAA",
            "side": "BUY",
            "purpose": "enter",
            "shares": 1,
            "reasons": ["wanted"],
            "crossed": 0,
            "sent": 1,
        }
    ]


def test_what_a_limit_took_does_not_stand_and_what_lacked_cash_does() -> None:
    rules = AccountRules(max_symbol_frac=0.5)
    poor = replace(ACCOUNT, cash_usd=2_000.0)
    plan = plan_document(coordinate([wants("core", buys("AAA", 80), buys("BBB", 40))], poor, rules))
    day = date(2026, 1, 5)
    standing = [Standing("AAA", 80, day, "x"), Standing("BBB", 40, day, "x")]

    # 30 of 80 AAA by the limit of the symbol; what the cash took of the other 50 and of BBB stands.
    assert standing_after(plan, "core", standing) == (Standing("AAA", 50, day, "x"), Standing("BBB", 40, day, "x"))
    assert standing_after(plan, "timing", standing) == tuple(standing)


def test_only_what_a_limit_left_too_small_of_this_sleeve_goes_whole() -> None:
    day = date(2026, 1, 5)
    cuts = [
        {"sleeve": sleeve, "symbol": symbol, "limit": "max_symbol_frac", "before": 9, "after": 8}
        for sleeve, symbol in (("a", "AAA"), ("a", "BBB"), ("b", "AAA"), ("a", "DDD"))
    ]
    held_back = [
        {"sleeve": sleeve, "symbol": symbol, "reason": reason}
        for sleeve, symbol, reason in (
            ("a", "BBB", "trade_too_small"),
            ("b", "AAA", "account_limit"),
            ("a", "CCC", "account_limit"),  # the cash took it
            ("a", "DDD", "other_side"),
        )
    ]
    standing = [Standing(symbol, 9, day, "x") for symbol in ("AAA", "BBB", "CCC", "DDD")]
    left = standing_after({"cuts": cuts, "held_back": held_back}, "a", standing)
    assert [(one.symbol, one.shares) for one in left] == [("AAA", 8), ("CCC", 9), ("DDD", 8)]


def test_what_a_limit_left_too_small_does_not_stand_at_all() -> None:
    rules = AccountRules(max_symbol_frac=0.05)
    plan = plan_document(coordinate([wants("core", buys("AAA", 80), least_usd=600.0)], ACCOUNT, rules))

    assert standing_after(plan, "core", [Standing("AAA", 80, date(2026, 1, 5), "x")]) == ()


def test_what_the_end_of_a_period_moves_is_recorded_with_its_inputs_and_replayed() -> None:
    """Weights 0.5 each by settings, 0.75 and 0.25 by their deviations: 7,500 and 2,500 of 10,000."""
    calm = [0.01, -0.01] * 63
    sleeves = [
        SleeveMoney("a", 0.5, Decimal(5000), Decimal(5000)),
        SleeveMoney("b", 0.5, Decimal(5000), Decimal(2000), receives=False),
        SleeveMoney("c", 0.0, Decimal(0), Decimal(0)),
    ]
    rules = TransferRules("month", 0.2, "inverse_volatility")
    frame = transfers_frame(sleeves, {"a": calm, "b": [3 * one for one in calm]}, "")
    assert frame == {
        "barred": "",
        "sleeves": [
            {
                "name": "a",
                "weight": 0.5,
                "equity_usd": 5000.0,
                "available_usd": 5000.0,
                "receives": True,
                "returns": calm,
            },
            {
                "name": "b",
                "weight": 0.5,
                "equity_usd": 5000.0,
                "available_usd": 2000.0,
                "receives": False,
                "returns": [3 * one for one in calm],
            },
            {"name": "c", "weight": 0.0, "equity_usd": 0.0, "available_usd": 0.0, "receives": True},
        ],
    }
    document = transfers_document(frame, rules)
    assert {name: document[name] for name in ("barred", "weighting")} == {
        "barred": "",
        "weighting": "inverse_volatility",
    }
    assert transfers_in(document) == (
        Transfer("a", 0.75, 5000.0, 7500.0, 2000.0, 0.0),
        Transfer("b", 0.25, 5000.0, 2500.0, -2000.0, 500.0),
        Transfer("c", 0.0, 0.0, 0.0, 0.0, 0.0),
    )
    assert transfers_in(transfers_document(transfers_frame(sleeves, {}, "halted"), rules)) == ()
    kept = json.loads(canonical({**plan_frame([], ACCOUNT, {}), "transfers": frame}))
    again = replayed_plan(kept, {}, AccountRules(transfers=rules))
    assert again["transfers"] == json.loads(canonical(document))


def test_a_record_says_who_may_not_be_given_money() -> None:
    sleeves = [
        SleeveMoney("a", 1.0, Decimal(900), Decimal(900)),
        SleeveMoney("b", 1.0, Decimal(100), Decimal(100), receives=False),
    ]
    document = transfers_document(transfers_frame(sleeves, {}, ""), TransferRules("month", 0.2))
    assert [one.usd for one in transfers_in(document)] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("fund", "ordered"),
    [
        # 5,000 lacks nothing: 4,000 above the 1,000 that are kept, less 500.50 spent, at 10.01 each.
        (FundState("CCC", 0, 5_000.0, 0.0, SIZING), [("enter", 349)]),
        (FundState("CCC", 0, 5_000.0, 0.0, SIZING, buys=False), []),
        # Kept small the cash cuts the purchase of 50 to 9, and 410.41 are raised, less what is on its way.
        (FundState("CCC", 100, 100.0, 0.0, SIZING), [("reduce", 42)]),
        (FundState("CCC", 100, 100.0, 200.0, SIZING), [("reduce", 22)]),
        (FundState("CCC", 30, 100.0, 0.0, SIZING), [("exit", 30)]),
        (FundState("CCC", 100, 100.0, 0.0, SIZING, sells=False), []),
    ],
)
def test_what_the_cash_fund_does_is_replayed_from_its_record(fund: FundState, ordered: list[tuple[str, int]]) -> None:
    rules = AccountRules(fund=FundRules(keep_usd=1_000.0, step_usd=100.0))
    account = replace(ACCOUNT, cash_usd=100.0 if fund.settled_usd < 1_000.0 else 5_000.0)
    wanted = [wants("core", buys("CCC", 50))]
    plan = with_fund(coordinate(wanted, account, rules), wanted, account, fund, FundRules(1_000.0, 100.0))
    assert [(one.order.purpose.value, one.order.shares) for one in plan.orders if one.sleeve == FUND] == ordered
    kept = json.loads(canonical({**plan_frame(wanted, account, {}), "fund": fund_frame(fund)}))
    sizing = {"core": SIZING, FUND: SIZING}
    assert replayed_plan(kept, sizing, rules) == json.loads(canonical(plan_document(plan)))
    del kept["fund"]
    assert all(row["sleeve"] == "core" for row in replayed_plan(kept, sizing, rules)["orders"])  # type: ignore[attr-defined]


def test_what_the_cash_of_the_account_cut_is_named_by_sleeve() -> None:
    cuts = [
        {"sleeve": sleeve, "symbol": symbol, "limit": limit}
        for sleeve, symbol, limit in (
            ("a", "AAA", "account_cash_usd"),
            ("a", "BBB", "max_symbol_frac"),
            ("b", "CCC", "account_cash_usd"),
        )
    ]
    assert cut_for_cash({"cuts": cuts}, "a") == {"AAA"}
