"""Options beside a cash fund: their cash is raised by selling it, they wait until it is there, and never without it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum.app.records.verify import verify
from mtum.app.session.play_session import play_session
from mtum.core.portfolio.options.own import all_pinned_usd
from support.commands import call
from support.practice import desk_in

PUTS: dict[str, Any] = {
    "market__sample": "multi",
    "portfolio__capital_usd": 400_000.0,
    "portfolio__cash_symbol": "BILL",
    "sleeve__puts__strategy": "wheel",
    "sleeve__puts__weight": 1.0,
    "sleeve__puts__rules__write_on": "any",
    "risk__max_position_usd": None,
    "risk__max_daily_loss_usd": None,
}
SESSIONS = 4


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[date, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """By session what was done in options and what in the fund; on every one the pinned cash is beside the fund."""
    folder = tmp_path_factory.mktemp("fund")
    found: dict[date, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
    with desk_in(folder, sleeve__puts__rules__symbols={"SP500": 1.0}, **PUTS) as replay:
        desk = replay.desk
        for _ in range(SESSIONS):
            session = replay.upcoming()
            assert session is not None
            document = play_session(desk, session).document
            day = session.day
            decision, plan = desk.store.decisions.decision_of(day, "puts"), desk.store.plans.plan_of(day)
            assert decision is not None
            assert plan is not None
            found[day] = ({**document, **decision.document["options"]}, plan.document)
            # The fund owes what it cost: what is left is cash at the broker.
            there = desk.store.books.cash("puts") + desk.store.books.cash("cash")
            assert there >= all_pinned_usd(desk.store.options.book().lots) >= Decimal(26_000)
        checked = verify(desk.store, desk.settings, desk.provenance)
        assert (checked.exit_code, checked.document["failed"]) == (0, 0)
    return found


def fund_orders(plan: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    return [(row["side"], row["reasons"]) for row in plan["orders"] if row["sleeve"] == "cash"]


def test_a_put_waits_until_the_fund_sold_for_it_has_settled(played: dict[date, Any]) -> None:
    first, second, third, last = played.values()
    # The first put is sold before anything is in the fund; what it pins stays out of it.
    assert [one["purpose"] for one in first[0]["option_orders"]] == ["open"]
    assert fund_orders(first[1]) == [("BUY", ["idle_cash"])]
    (told,) = second[0]["held_back"]
    assert (told["reason"], second[0]["exit_code"], second[0]["option_orders"]) == ("cash_in_fund", 0, [])
    assert "USD are needed and" in told["text"]
    assert fund_orders(second[1]) == [("SELL", ["cash_lacking"])]
    # In January 2018 a sale settles two sessions later; nothing is sold for it once more.
    assert ([one["reason"] for one in third[0]["held_back"]], fund_orders(third[1])) == (["cash_in_fund"], [])
    assert [one["filled"] for one in last[0]["option_orders"]] == [1]
    assert fund_orders(last[1]) == []


def test_the_backtest_waits_and_sells_as_the_daily_job_does(played: dict[date, Any], tmp_path: Path) -> None:
    days = [*played]
    given = {name.replace("__", "."): value for name, value in PUTS.items()}
    given["sleeve.puts.rules.symbols"] = "{SP500=1.0}"
    words = [
        word for name, value in given.items() for word in ("--set", f"{name}={'none' if value is None else value}")
    ]
    span = ("--start", str(days[0]), "--end", str(days[-1]), "--settlement", "calendar")
    found = call(tmp_path, "backtest", *words, *span, "--json", "--quiet").document
    (own,) = found["options"]["sleeves"].values()
    opened = [day.isoformat() for day, (done, _) in played.items() if done["option_orders"]]
    assert [one["session"] for one in own["orders"]] == opened
    ours = [(str(day), row["side"], row["shares"]) for day, (_, plan) in played.items() for row in plan["orders"]]
    theirs = [(row["session"], row["side"], row["shares"]) for row in found["orders"]]
    assert [one[:2] for one in theirs] == [one[:2] for one in ours]
    # The ladder and the model fill a put a few cents apart, which is a share of the fund.
    assert [one[2] for one in theirs] == pytest.approx([one[2] for one in ours], abs=2)
