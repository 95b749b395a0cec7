"""What a person does to a symbol that several sleeves hold: flatten it, halt one of them, state the position."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum.app.ledger.book_problems import book_problems
from mtum.app.ledger.sleeve_records import held_shares
from mtum.app.owner.accept import accept
from mtum.app.owner.cancel import cancel
from mtum.app.owner.flatten import request_flatten
from mtum.app.owner.statement import Statement
from mtum.app.session.decide_and_order import decide_and_order
from mtum.app.session.play_session import Replay, play_session
from mtum.core.portfolio.limits import Restriction
from mtum.core.simulation.exchange_codec import to_bytes
from mtum.errors import UsageError
from mtum.wiring.resources import EXCHANGE_NAME
from scenarios.test_coordination import DAYS, account, decided_on, row, sleeve
from support.practice import exchange_in
from support.values import replace

BOTH = (
    sleeve("core", 0.5, row(DAYS[0], "AAA", 1.0), row(DAYS[2], "BBB", 0.5)),
    sleeve("timing", 0.3, row(DAYS[0], "AAA", 0.5), row(DAYS[2], "BBB", 0.5)),
    sleeve("switch", 0.2, row(DAYS[1], "AAA", 1.0)),
)


def orders(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(name, one["side"], one["symbol"]) for name, own in document["sleeves"].items() for one in own["orders"]]


def play_to(replay: Replay, day: date) -> dict[str, Any]:
    """Play until that session is over; its document."""
    document: dict[str, Any] = {}
    while (session := replay.upcoming()) and session.day <= day:
        document = play_session(replay.desk, session).document
    return document


def test_a_flatten_without_a_name_sells_what_every_sleeve_has_and_none_enters_any_more(tmp_path: Path) -> None:
    with account(tmp_path, *BOTH) as replay:
        play_to(replay, DAYS[0])
        desk = replay.desk
        assert {name for name, symbol in held_shares(desk.store) if symbol == "AAA"} == {"core", "timing"}
        request_flatten(desk, "AAA", "enough")
        assert {desk.store.control.restriction(name) for name in ("core", "timing", "switch")} == {
            Restriction.REDUCE_ONLY
        }
        # Nothing changes sleeves: the purchase of switch is an entry.
        assert orders(play_to(replay, DAYS[1])) == [("core", "SELL", "AAA"), ("timing", "SELL", "AAA")]
        assert held_shares(desk.store) == {}
        assert orders(play_to(replay, DAYS[2])) == []


def test_a_flatten_of_one_sleeve_stops_its_entries_alone(tmp_path: Path) -> None:
    with account(tmp_path, *BOTH) as replay:
        play_to(replay, DAYS[0])
        desk = replay.desk
        core, timing = (held_shares(desk.store)[name, "AAA"] for name in ("core", "timing"))
        request_flatten(desk, "AAA", "enough", "core")
        play_to(replay, DAYS[1])
        after = held_shares(desk.store)
        bought = after["switch", "AAA"]
        # What switch buys changes sleeves, the rest of core's goes out.
        assert after == {("timing", "AAA"): timing, ("switch", "AAA"): bought}
        (sold,) = [one for one in desk.store.orders.states(DAYS[1]) if not one.intent.purpose.internal]
        assert (sold.intent.strategy, sold.intent.shares) == ("core", core - bought)
        assert orders(play_to(replay, DAYS[2])) == [("timing", "BUY", "BBB")]
        assert desk.store.control.resume(desk.clock.now(), "timing") == 0
        assert desk.store.control.resume(desk.clock.now(), "core") == 1
        assert desk.store.control.restriction("core") is Restriction.NONE


def test_a_halt_after_the_decision_stops_that_sleeves_order_and_no_others(tmp_path: Path) -> None:
    with account(tmp_path, *BOTH) as replay:
        desk = replay.desk
        while (session := replay.upcoming()) and session.day < DAYS[0]:
            play_session(desk, session)
        assert session is not None
        desk.store.control.halt(Restriction.FULL, "look", "person", desk.clock.now(), "core")
        document = decide_and_order(desk, session).document
        assert orders(document) == [("timing", "BUY", "AAA")]
        assert document["exit_code"] == 7


def stated(replay: Replay, shares: int, name: str) -> str:
    told = Statement("position", ("AAA", str(shares)), name, entry_session=DAYS[0], entry_price=Decimal(50))
    return str(accept(replay.desk, told)["accepted"])


def test_a_stated_position_is_that_of_all_sleeves_and_no_sleeve_has_less_than_nothing(tmp_path: Path) -> None:
    with account(tmp_path, *BOTH) as replay:
        play_to(replay, DAYS[0])
        before = held_shares(replay.desk.store)
        core, timing = before["core", "AAA"], before["timing", "AAA"]
        (found,) = exchange_in(tmp_path).accounts
        assert [int(one.shares) for one in found.positions] == [core + timing]
        with pytest.raises(UsageError, match=f"our lots already hold {core + timing} AAA"):
            stated(replay, core + timing, "core")
        with pytest.raises(UsageError, match=rf"timing has {timing} AAA, {timing + 5} fewer"):
            stated(replay, core - 5, "timing")
        said = stated(replay, core + timing - 5, "timing")
        assert said.startswith(f"our lots of AAA are {core + timing - 5} shares")
        assert held_shares(replay.desk.store) == {("core", "AAA"): core, ("timing", "AAA"): timing - 5}
        assert not book_problems(replay.desk.store)


def test_no_position_is_stated_while_shares_of_it_change_sleeves(tmp_path: Path) -> None:
    sleeves = (sleeve("core", 0.5, row(DAYS[0], "AAA", 1.0), row(DAYS[1], "AAA", 0.0)), BOTH[2])
    with account(tmp_path, *sleeves) as replay:
        session = decided_on(replay, DAYS[1])
        (inside,) = {one.shares for one in replay.desk.store.crosses.crosses_of(DAYS[1])}
        assert len(cancel(replay.desk, session)["canceled"]) == 1
        with pytest.raises(UsageError, match=f"{inside} AAA change sleeves at the close of {DAYS[1]}"):
            stated(replay, inside, "core")


def test_a_split_leaves_the_sleeves_together_what_the_broker_holds(tmp_path: Path) -> None:
    with account(tmp_path, *BOTH) as replay:
        play_to(replay, DAYS[0])
        before = held_shares(replay.desk.store)
        # One at which each for itself would come to a share less.
        (ratio, *_) = (
            ratio
            for ratio in (Decimal(hundredths) / 100 for hundredths in range(150, 200))
            if sum(int(shares * ratio) for shares in before.values()) == int(sum(before.values()) * ratio) - 1
        )
        whole = int(sum(before.values()) * ratio)
        state = exchange_in(tmp_path)
        (owner,) = state.accounts
        split = replace(owner, positions=(replace(owner.positions[0], shares=Decimal(whole)),))
        (tmp_path / EXCHANGE_NAME).write_bytes(to_bytes(replace(state, accounts=(split,))))
        told = Statement("corporate-action", ("AAA", str(ratio)), entry_session=DAYS[1])
        found = accept(replay.desk, told)
        assert (found["differences"], found["exit_code"]) == ([], 0)
        after = held_shares(replay.desk.store)
        assert sum(after.values()) == whole
        assert all(abs(after[place] - before[place] * ratio) < 1 for place in before)
        assert not book_problems(replay.desk.store)
