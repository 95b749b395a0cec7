"""What a person may say between runs: halt, resume, flatten, add and take capital."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus
from mtum.wiring import resources
from support.commands import call_json
from support.practice import ENTRY_DAY, EXIT_DAY, Steps, desk_in, exchange_in, play_next, play_until

DAY_BEFORE_EXIT, NEXT_ENTRY = date(2018, 1, 11), date(2018, 1, 16)


def run(folder: Path, code: int = 0) -> dict[str, Any]:
    called = call_json(folder, "run")
    assert called.code == code, called.err
    return called.document


def say(folder: Path, *words: str) -> dict[str, Any]:
    called = call_json(folder, *words)
    assert called.code == 0, called.err
    return called.document


def shares(folder: Path) -> int:
    return sum(int(one.shares) for account in exchange_in(folder / "data").accounts for one in account.positions)


def cash(folder: Path) -> Decimal:
    return exchange_in(folder / "data").accounts[0].cash


@pytest.mark.parametrize("words", [("--reduce-only",), ()])
def test_a_halt_holds_an_entry_back_until_resumed(tmp_path: Path, words: tuple[str, ...]) -> None:
    say(tmp_path, "halt", *words, "--why", "on holiday")
    held = run(tmp_path, 7)
    assert (held["action"], held["reasons"], held["orders"]) == ("hold", ["halted"], [])
    assert "on holiday" in held["problems"][0]["text"]
    assert shares(tmp_path) == 0
    assert say(tmp_path, "resume")["lifted"] == 1
    assert run(tmp_path)["reasons"] != ["halted"]


def test_a_full_halt_holds_an_exit_back_and_a_reduce_only_one_does_not(tmp_path: Path) -> None:
    play_until(tmp_path / "data", DAY_BEFORE_EXIT)
    say(tmp_path, "halt", "--why", "stop everything")
    held = run(tmp_path, 7)
    assert (held["session"], held["reasons"], held["orders"]) == (str(EXIT_DAY), ["halted"], [])
    assert shares(tmp_path) == 18
    say(tmp_path, "resume")
    say(tmp_path, "halt", "--reduce-only", "--why", "no entries")
    assert run(tmp_path)["reasons"] == ["atr_target"]
    assert shares(tmp_path) == 0


class HaltWhen(Steps):
    """A person who halts, from another process, at the moment a step is reached."""

    def __init__(self, folder: Path, step: str) -> None:
        super().__init__()
        self._folder, self._step = folder, step

    def reached(self, step: str) -> None:
        super().reached(step)
        if step == self._step:
            say(self._folder, "halt", "--why", "wait")


def test_a_halt_between_decision_and_sending_stops_the_order(tmp_path: Path) -> None:
    held = play_next(tmp_path / "data", HaltWhen(tmp_path, "decided"))
    assert (held.exit_code, held.document["order"]["status"]) == (7, OrderStatus.LAPSED.value)
    assert "halted" in held.document["problems"][0]["text"]
    assert exchange_in(tmp_path / "data").orders == ()


def test_a_halt_after_sending_leaves_the_order_alone(tmp_path: Path) -> None:
    sent = play_next(tmp_path / "data", HaltWhen(tmp_path, "sent"))
    assert (sent.exit_code, sent.document["order"]["status"], shares(tmp_path)) == (0, "FILLED", 18)


def test_flatten_sells_at_the_next_close_and_entries_wait_for_resume(tmp_path: Path) -> None:
    play_until(tmp_path / "data", date(2018, 1, 8))
    sold = say(tmp_path, "flatten", "MTUM", "--why", "need the money")
    assert (sold["session"], sold["action"], sold["reasons"]) == ("2018-01-09", "exit", ["flatten"])
    assert (sold["order"]["side"], sold["order"]["shares"], sold["order"]["type"]) == ("SELL", 18, "MOC")
    assert shares(tmp_path) == 0
    with desk_in(tmp_path / "data") as replay:
        assert replay.desk.store.control.restriction() is Restriction.REDUCE_ONLY
        assert [halt.why for halt in replay.desk.store.control.halts(in_force=True)] == ["flatten MTUM: need the money"]
    followed = [call_json(tmp_path, "run") for _ in range(4)]
    assert not any(called.document["orders"] for called in followed)
    barred = [called for called in followed if called.document["reasons"] == ["halted"]]
    assert barred
    assert {called.code for called in barred} == {7}
    say(tmp_path, "resume")
    with desk_in(tmp_path / "data") as replay:
        session = replay.upcoming()
        assert session is not None
    while not run(tmp_path)["orders"]:
        pass
    assert shares(tmp_path) > 0


def test_flatten_of_a_symbol_not_traded_is_refused_and_of_nothing_held_sells_nothing(tmp_path: Path) -> None:
    refused = call_json(tmp_path, "flatten", "AAPL", "--why", "x")
    assert refused.code == 2
    assert "MTUM" in refused.texts
    flat = call_json(tmp_path, "flatten", "MTUM", "--why", "x")
    assert flat.document["orders"] == []
    assert shares(tmp_path) == 0


def test_capital_added_is_spent_by_the_next_entry_and_is_no_profit(tmp_path: Path) -> None:
    # A margin account: the proceeds of the exit need not settle before the next entry.
    (tmp_path / "config.toml").write_text("[risk]\nmax_position_usd = 20000.0\n[portfolio]\naccount_kind = 'margin'\n")
    play_until(tmp_path / "data", DAY_BEFORE_EXIT, risk__max_position_usd=20000.0, portfolio__account_kind="margin")
    before = cash(tmp_path)
    added = say(tmp_path, "capital", "add", "5000", "--why", "savings")
    assert (added["session"], cash(tmp_path)) == (str(EXIT_DAY), before + 5000)
    sold = run(tmp_path)
    assert (sold["reasons"], sold["equity_usd"]) == (["atr_target"], 10121.824)  # 5,121.824 without the deposit
    entered = run(tmp_path)
    # 10,121.824 / (277.64 x 1.006): 36 shares instead of 18
    assert (entered["session"], entered["order"]["shares"], entered["exit_code"]) == (str(NEXT_ENTRY), 36, 0)
    points = {point.session: point for point in equity(tmp_path)}
    assert points[EXIT_DAY].flows_usd == 5000
    assert points[NEXT_ENTRY].flows_usd == 0
    assert call_json(tmp_path, "verify", "--all").code == 0


def equity(folder: Path) -> Any:
    with desk_in(folder / "data") as replay:
        return replay.desk.store.ledger.equity("mtum_confluence")


def test_capital_taken_is_no_loss_and_leaves_the_account(tmp_path: Path) -> None:
    limits = "[risk]\nmax_daily_loss_usd = 40.0\nmax_drawdown_frac = 0.05\n"
    (tmp_path / "config.toml").write_text(f"{limits}[portfolio]\naccount_kind = 'margin'\n")
    changes: dict[str, Any] = {
        "risk__max_daily_loss_usd": 40.0,
        "risk__max_drawdown_frac": 0.05,
        "portfolio__account_kind": "margin",
    }
    play_until(tmp_path / "data", EXIT_DAY, **changes)
    before = cash(tmp_path)
    say(tmp_path, "capital", "withdraw", "2000", "--why", "a holiday")
    assert cash(tmp_path) == before - 2000
    entered = run(tmp_path)
    # (5,121.824 - 2,000) / (277.64 x 1.006) = 11.2
    assert (entered["session"], entered["action"], entered["order"]["shares"]) == (str(NEXT_ENTRY), "enter", 11)
    with desk_in(tmp_path / "data", **changes) as replay:
        decided = replay.desk.store.decisions.decision_of(NEXT_ENTRY, "mtum_confluence")
        assert decided is not None
        assert (decided.document["daily_loss_hit"], decided.document["drawdown_hit"]) == (False, False)


def test_more_than_there_is_cannot_be_taken_and_nothing_can_be_added_before_the_start(tmp_path: Path) -> None:
    assert call_json(tmp_path, "capital", "add", "100", "--why", "x").code == 2
    play_until(tmp_path / "data", ENTRY_DAY)
    before = cash(tmp_path)
    refused = call_json(tmp_path, "capital", "withdraw", "4000", "--why", "x")
    assert refused.code == 2
    assert "cannot be taken" in refused.texts
    assert cash(tmp_path) == before


def test_capital_waits_for_a_run_that_is_on_its_way(tmp_path: Path) -> None:
    play_until(tmp_path / "data", ENTRY_DAY)
    with desk_in(tmp_path / "data"):
        locked = call_json(tmp_path, "capital", "add", "100", "--why", "x")
    assert (locked.code, "holds the lock" in locked.texts) == (9, True)
    assert (tmp_path / "data" / resources.EXCHANGE_NAME).exists()
