"""What is open in options, and the chain that was decided on, as a person asks for them."""

import json
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from shutil import copytree
from sqlite3 import Row, connect
from typing import Any

import pytest

from mtum.adapters.store.options.books import write_option_lots
from mtum.app.queries.option_groups import option_chain, option_groups
from mtum.app.session.play_session import play_session
from mtum.config import Settings
from mtum.core.portfolio.fills import stem_of
from mtum.errors import UsageError
from mtum.wiring.resources import DATABASE_NAME, opened_reader
from support.commands import call
from support.practice import desk_in, settings_of

WHEEL: dict[str, Any] = {
    "market__sample": "multi",
    "portfolio__strategy": "wheel",
    "portfolio__capital_usd": 100_000.0,
    "strategy__wheel__symbols": {"SP500": 1.0},
    "strategy__wheel__write_on": "any",
    "risk__max_position_usd": None,
    "risk__max_daily_loss_usd": None,
}

OWN = '[portfolio]\nstrategy = "wheel"\n[strategy.wheel]\nsymbols = {SP500 = 1.0}\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after two sessions of a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    for _ in range(2):
        with desk_in(folder, **WHEEL) as replay:
            session = replay.upcoming()
            assert session is not None
            assert play_session(replay.desk, session).document["exit_code"] == 0
    return folder


@pytest.fixture(scope="module")
def settings() -> Settings:
    return settings_of(**WHEEL)


def test_an_open_group_says_what_it_earns_risks_and_waits_for(folder: Path, settings: Settings) -> None:
    with opened_reader(settings, folder / DATABASE_NAME) as reader:
        document = option_groups(settings, reader)
    assert document["model_priced"] is True
    first, *_ = document["groups"]
    (leg,) = first["legs"]
    strike = Decimal(leg["contract"].split()[2])
    credit = Decimal(str(leg["premium"])) * 100
    assert (leg["quantity"], first["underlying"], first["broken"]) == (-1, "SP500", False)
    assert (first["collateral_usd"], first["pledged_shares"]) == (float(strike * 100), 0)
    assert first["max_loss_usd"] == pytest.approx(float(strike * 100 - credit))
    assert -0.35 < leg["delta"] < -0.2  # a put of 0.30 at most, a session later
    assert first["delta_shares"] == pytest.approx(-100 * leg["delta"])
    # 1.00 of commission: the least that an order pays.
    assert first["pnl_usd"] == pytest.approx(float(credit) - leg["mark"] * 100 - 1.0)
    following = first["next"]
    assert (following["action"], following["due"]) == ("roll", False)
    assert following["name"] in ("roll_dte", "roll_pnl")
    assert following["text"].startswith("it is rolled once this holds: ")


def test_risk_counts_what_options_are_worth_in_the_equity_that_status_shows(folder: Path) -> None:
    (folder / "wheel.toml").write_text('[market]\nsample = "multi"\n' + OWN)
    own = ("--json", "--quiet", "--config", str(folder / "wheel.toml"), "--data-dir", str(folder))
    groups = call(folder, "options", *own).document["groups"]
    worth = sum(one["worth_usd"] for one in groups)
    risk = call(folder, "risk", *own).document
    last = call(folder, "show", "equity", *own).document["equity"][-1]
    assert worth < 0
    assert risk["options_usd"] == pytest.approx(worth)
    assert risk["equity_usd"] == pytest.approx(last["equity_usd"])
    # In the limits of the account the put counts with its strike, and there are no shares beside it.
    counted = {one["limit"]: one["value"] for one in risk["limits"] if one["limit"].startswith("max_")}
    strikes = sum(one["collateral_usd"] for one in groups) / risk["equity_usd"]
    assert counted["max_symbol_frac"] == counted["max_gross_frac"] == pytest.approx(strikes, abs=1e-5)


def test_lists_show_what_was_offered_and_what_filled(folder: Path) -> None:
    (folder / "wheel.toml").write_text('[market]\nsample = "multi"\n' + OWN)
    own = ("--quiet", "--config", str(folder / "wheel.toml"), "--data-dir", str(folder))
    orders = call(folder, "show", "option-orders", "--json", *own).document["option_orders"]
    fills = call(folder, "show", "option-fills", "--json", *own).document["option_fills"]
    group, *_ = call(folder, "options", "--json", *own).document["groups"]
    (leg,) = group["legs"]
    opened = [one for one in orders if one["structure"] == group["group"]]
    assert [one["status"] for one in opened][-1] == "FILLED"
    assert opened[-1]["legs"] == f"SELL 1 {leg['contract']}"
    assert opened[-1]["price"] < 0, "what is sold brings a credit"
    filled = [one for one in fills if one["structure"] == group["group"]]
    assert [(one["contract"], one["quantity"], one["price"]) for one in filled] == [
        (leg["contract"], leg["quantity"], leg["premium"])
    ]
    assert call(folder, "show", "option-trades", *own).out.startswith("no option trades")
    for kind in ("trades", "orders", "fills"):
        assert f"{kind.capitalize()} in options: mtum show option-{kind}" in call(folder, "show", kind, *own).out


def test_a_chain_says_of_every_contract_why_it_is_out(folder: Path, settings: Settings) -> None:
    with opened_reader(settings, folder / DATABASE_NAME) as reader:
        document = option_chain(settings, reader, "SP500")
        with pytest.raises(UsageError, match="SPY: no decision read a chain of it; there is SP500"):
            option_chain(settings, reader, "SPY")
    assert (document["model_priced"], document["refused"]) == (True, None)
    rows = document["contracts"]
    assert all(row["out"] is None or row["out"] or row["bid"] for row in rows)
    dear = next(row for row in rows if row["contract"].endswith("put") and (row["delta"] or 0) < -0.4)
    assert "delta" in dear["out"] or "days" in dear["out"]
    assert all(abs(row["delta"]) <= 1 for row in rows if row["delta"] is not None)


def test_the_commands_answer_in_words_and_as_json(folder: Path) -> None:
    (folder / "own.toml").write_text(OWN, encoding="utf-8")
    own = ("--config", str(folder / "own.toml"), "--data-dir", str(folder))
    shown = call(folder, *own, "options")
    assert shown.code == 0, shown.err
    assert "MODEL-PRICED" in shown.out
    assert "it is rolled once this holds: " in shown.out
    chain = json.loads(call(folder, *own, "options", "chain", "sp500", "--json").out)
    assert chain["symbol"] == "SP500"
    near, every = (call(folder, *own, "options", "chain", "SP500", *more).out.splitlines() for more in ((), ("--all",)))
    rows = [line for line in near if line.startswith("SP500 20")]
    assert len(rows) <= 3 * 2 * 8 + 2
    (left,) = [line for line in near if line.endswith("are not shown; --all lists them.")]
    assert len(rows) + int(left.split()[0]) == len(chain["contracts"])
    assert len([line for line in every if line.startswith("SP500 20")]) == len(chain["contracts"])
    wrong = call(folder, *own, "options", "chian")
    assert (wrong.code, "mtum options chain SYMBOL" in wrong.err) == (2, True)
    without = call(folder, "--data-dir", str(folder), "options")
    assert "no sleeve trades options" in without.out


def test_the_report_says_what_each_group_earns_risks_and_waits_for(folder: Path) -> None:
    own = ("--config", str(folder / "own.toml"), "--data-dir", str(folder))
    (folder / "own.toml").write_text(OWN, encoding="utf-8")
    told = " ".join(call(folder, *own, "report").out.split())
    assert "2 options" in told
    assert "MODEL-PRICED: a model made the prices of these options" in told
    assert "1 of 1 unit filled at" in told
    for name in ("Days to expiry", "Received", "Earned so far", "Cash pinned", "Most it can lose"):
        assert told.count(name) == 2, name
    assert told.count("Next: it is rolled once this holds: ") == 2
    assert "No order was sent" not in told
    document = json.loads(call(folder, *own, "report", "--json").out)
    assert [one["days"] for one in document["options"]["groups"]] == [50, 50]


def test_a_fee_that_is_not_told_is_said_wherever_it_counts_and_can_be_stated(folder: Path, tmp_path: Path) -> None:
    copytree(folder, tmp_path / "copy")
    (tmp_path / "own.toml").write_text('[market]\nsample = "multi"\n' + OWN)
    own = ("--config", str(tmp_path / "own.toml"), "--data-dir", str(tmp_path / "copy"))
    with closing(connect(tmp_path / "copy" / DATABASE_NAME)) as connection, connection:
        connection.row_factory = Row
        key = connection.execute("SELECT exec_id FROM option_fills").fetchone()[0]
        connection.execute("UPDATE option_fills SET fee_usd = NULL WHERE exec_id = ?", (key,))
        connection.execute("DELETE FROM cash_movements WHERE key = ?", (f"option_fee:{stem_of(key)}",))
        write_option_lots(connection)
    assert "fee not told yet" in call(tmp_path, *own, "options").out
    shown = call(tmp_path, *own, "show", "option-fills")
    assert "not known yet" in shown.out
    assert f"1 execution has no commission yet: {key} (-1 " in shown.out
    exported = call(tmp_path, *own, "export", "tax", "--out", str(tmp_path / "tax.csv"))
    assert (exported.code, "no commission yet" in exported.err) == (3, True)
    stated = call(tmp_path, *own, "reconcile", "--accept", "commission", key, "11")
    assert (stated.code, "11 USD is no commission of -1 " in stated.err) == (2, True)
    assert call(tmp_path, *own, "reconcile", "--accept", "commission", key, "1.00").code == 0
    assert "fee not told yet" not in call(tmp_path, *own, "options").out
    assert call(tmp_path, *own, "export", "tax", "--out", str(tmp_path / "tax.csv")).code == 0


def test_decisions_in_options_are_listed_as_what_they_do(folder: Path) -> None:
    (folder / "wheel.toml").write_text('[market]\nsample = "multi"\n' + OWN)
    own = ("--quiet", "--config", str(folder / "wheel.toml"), "--data-dir", str(folder))
    shown = call(folder, "show", "decisions", *own).out.split()
    assert "write_put" in shown
    assert "open" in shown
    assert "enter" not in shown
    document = call(folder, "show", "decisions", "--json", *own).document
    assert {row["action"] for row in document["decisions"] if row["reason"] == "write_put"} == {"enter"}
