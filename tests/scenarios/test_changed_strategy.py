"""Another strategy while flat: the money that is there goes on in it, and none is added."""

from pathlib import Path

import pytest

from support.commands import call, call_json

TO_HOLD = ("--config", "hold.toml")


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """A folder whose strategy has traded, is flat again and has paid 3,000 USD out."""
    margin = '[portfolio]\naccount_kind = "margin"\n'  # nothing waits for settlement
    (tmp_path / "config.toml").write_text(margin)
    (tmp_path / "hold.toml").write_text(margin + 'strategy = "buy_and_hold"\n')
    assert call(tmp_path, "run", "--quiet").code == 0
    assert call(tmp_path, "flatten", "MTUM", "--why", "a change").code == 0
    assert call(tmp_path, "resume").code == 0
    assert call(tmp_path, "capital", "withdraw", "3000", "--why", "rent").code == 0
    return tmp_path


def cash_of(folder: Path) -> dict[str, float]:
    found: dict[str, float] = call_json(folder, *TO_HOLD, "status").document["cash_usd"]
    return found


def test_a_new_strategy_begins_with_what_the_old_one_left(flat: Path) -> None:
    before = sum(cash_of(flat).values())
    assert 1900 < before < 2100
    run = call_json(flat, *TO_HOLD, "run")
    assert run.code == 0, run.texts
    assert run.document["strategy"] == "buy_and_hold"
    equity = call_json(flat, *TO_HOLD, "show", "equity", "--limit", "1").document["equity"][-1]
    assert equity["strategy"] == "buy_and_hold"
    # What the purchase cost is all that is missing: 0.1 % of not more than everything.
    assert before - 0.002 * before < equity["equity_usd"] < before
    left = {name: round(usd, 2) for name, usd in cash_of(flat).items() if name != "buy_and_hold"}
    assert set(left.values()) <= {0.0}
    assert call_json(flat, *TO_HOLD, "verify", "--all").code == 0


def test_going_back_takes_the_money_along(flat: Path) -> None:
    assert call(flat, *TO_HOLD, "run").code == 0
    assert call(flat, *TO_HOLD, "flatten", "MTUM", "--why", "back").code == 0
    assert call(flat, "resume").code == 0
    before = sum(cash_of(flat).values())
    run = call_json(flat, "run")
    assert run.code == 0, run.texts
    after = cash_of(flat)
    held = call_json(flat, "show", "equity", "--limit", "1").document["equity"][-1]
    assert held["strategy"] == "mtum_confluence"
    assert held["equity_usd"] == pytest.approx(before, rel=0.002)
    assert round(after.get("buy_and_hold", 0.0), 2) == 0.0
