"""Cash that goes from sleeve to sleeve at the end of a month, through the whole daily job."""

from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from math import prod
from pathlib import Path
from shutil import copytree
from statistics import stdev
from typing import Any

import pytest

from mtum.app.ledger.book_problems import book_problems
from mtum.app.queries.performance import account_performance
from mtum.app.records.verify import verify
from mtum.app.session.decide_and_order import decide_and_order
from mtum.app.session.play_session import Replay, play_session
from mtum.core.portfolio.limits import Restriction
from mtum.core.reporting.parts.coordination import coordination_lines
from mtum.core.simulation.exchange_codec import to_bytes
from mtum.core.strategies import STRATEGIES
from mtum.wiring.resources import EXCHANGE_NAME, opened_reader
from scenarios.test_benchmarks import closes
from scenarios.test_coordination import account, row, sleeve
from support.commands import call, call_json
from support.practice import KillAt, Steps, exchange_in, in_child
from support.scripted import Scripted
from support.three_sleeves import played
from support.values import replace

FIRST, LAST = date(2017, 9, 5), date(2017, 9, 29)
REBALANCE = 'sleeve_rebalance = "month"\nsleeve_band_frac = 0.01'
SLEEVES = (
    sleeve("core", 0.5, row(FIRST, "AAA", 0.5)),
    sleeve("timing", 0.3, row(FIRST, "AAA", 1.0), row(LAST, "BBB", 0.2)),
    sleeve("idle", 0.2),
)


def until(replay: Replay, day: date) -> list[dict[str, Any]]:
    documents = played(replay, 1)
    while documents[-1]["session"] < str(day):
        documents += played(replay, 1)
    return documents


def moved(replay: Replay) -> dict[str, Decimal]:
    return dict(replay.desk.store.plans.transfers().get(LAST, {}))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The account on the eve of the last session of its first month."""
    folder = tmp_path_factory.mktemp("month")
    with account(folder, *SLEEVES, extra=REBALANCE) as replay:
        until(replay, date(2017, 9, 28))
    return folder


@pytest.fixture
def folder(before: Path, tmp_path: Path) -> Path:
    copytree(before, tmp_path, dirs_exist_ok=True)
    return tmp_path


def month_end(folder: Path, extra: str = REBALANCE, sleeves: tuple[str, ...] = SLEEVES) -> dict[str, Any]:
    with account(folder, *sleeves, extra=extra) as replay:
        (document,) = played(replay, 1)
    assert document["session"] == str(LAST)
    return document


def test_at_the_end_of_the_month_cash_goes_from_the_sleeve_above_its_share_to_the_one_below(folder: Path) -> None:
    document = month_end(folder)
    with account(folder, *SLEEVES, extra=REBALANCE) as replay:
        desk = replay.desk
        rows = {one["sleeve"]: one for one in document["coordination"]["transfers"]["sleeves"]}
        equity = {name: Decimal(str(rows[name]["equity_usd"])) for name in rows}
        total = sum(equity.values())
        gives = (equity["idle"] - total * Decimal("0.2")).quantize(Decimal("0.01"), "ROUND_DOWN")

        # core stands within 1 % of its half; idle holds 6,000 in cash; timing's shares have lost most.
        assert moved(replay) == {"idle": -gives, "timing": gives}
        assert document["exit_code"] == 0, document["problems"]
        # timing spends it in the same session, as far as it reaches, and no other purchase is cut for it.
        (bought,) = document["sleeves"]["timing"]["orders"]
        record = desk.store.decisions.decision_of(LAST, "timing")
        assert record is not None
        cash = sum(one.amount_usd for one in desk.store.ledger.movements("timing") if one.session < LAST)
        assert record.frame["book"]["available_usd"] == pytest.approx(float(cash + gives))
        assert bought["shares"] == int(float(cash + gives) / (52.25 * 1.006))
        assert not document["sleeves"]["idle"]["orders"]


def test_what_moved_is_no_gain_and_no_loss_of_anybody(folder: Path) -> None:
    month_end(folder)
    with account(folder, *SLEEVES, extra=REBALANCE) as replay:
        store = replay.desk.store
        usd = moved(replay)
        for name in ("core", "timing", "idle"):
            before, after = store.ledger.equity(name)[-2:]
            assert after.flows_usd == usd.get(name, 0)
            assert (name != "idle") or after.equity_usd - after.flows_usd == before.equity_usd
            record = store.decisions.decision_of(LAST, name)
            assert record is not None
            book = record.frame["book"]
            assert book["losses"]["flows_since_usd"] == float(usd.get(name, 0))
            if name == "idle":
                assert book["losses"]["change_since_usd"] == 0
        (exchange,) = exchange_in(folder).accounts
        cash = sum(one.amount_usd for name in ("core", "timing", "idle") for one in store.ledger.movements(name))
        assert float(exchange.cash) == pytest.approx(float(cash), abs=1e-6)
        assert not book_problems(store)
        # The account as the exchange has it: cash and shares at the close, less what was paid in.
        shares = sum(float(one.shares) * closes(folder, one.symbol)[str(LAST)] for one in exchange.positions)
        with opened_reader(replay.desk.settings, folder / "mtum.db") as reader:
            assert reader is not None
            rows = account_performance(reader, ("core", "timing", "idle")).rows
    gained = sum(usd for one in rows for usd in one.gained_usd.values())
    assert gained == pytest.approx(float(exchange.cash) + shares - 30000, abs=0.005)
    assert gained == pytest.approx(rows[-1].equity_usd - 30000, abs=0.005)
    assert (rows[-1].flows_usd, rows[0].flows_usd) == (0, 30000)
    assert prod(1 + one.return_frac for one in rows) == pytest.approx(rows[-1].equity_usd / 30000)


def test_a_person_sees_what_moved_and_why(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    document = month_end(folder)
    told = coordination_lines(document["coordination"])
    given = f"{document['coordination']['transfers']['sleeves'][1]['usd']:,.2f}"
    assert told[0].startswith(f"timing receives {given} USD: it had ")
    assert told[1].startswith(f"idle gives {given} USD: it had 6,000.00 USD, above its share of ")
    above = tmp_path_factory.mktemp("above")
    copytree(folder, above / "data")
    (above / "config.toml").write_text((folder / "config.toml").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Scripted.name, Scripted)
        rows = call_json(above, "show", "movements", "--sleeve", "idle").document["movements"]
        assert [(one["kind"], one["note"]) for one in rows] == [("capital", ""), ("transfer", "to timing")]
        lines = {one["sleeve"]: one["transferred_usd"] for one in call_json(above, "sleeves").document["sleeves"]}
        assert lines == {"core": 0, "timing": -rows[-1]["amount_usd"], "idle": rows[-1]["amount_usd"]}
        assert f"-{given}" in call(above, "sleeves").out
        assert f"idle gives {given} USD" in call(above, "explain").out


def test_a_transfer_changed_by_hand_is_noticed(folder: Path) -> None:
    month_end(folder)
    with account(folder, *SLEEVES, extra=REBALANCE) as replay:
        desk = replay.desk
        assert verify(desk.store, desk.settings, desk.provenance).exit_code == 0
        database = desk.store.database  # type: ignore[attr-defined] # the store of SQLite has it
        with database.write() as connection:
            connection.execute(
                "UPDATE cash_movements SET amount_usd = amount_usd - 1 WHERE kind = 'transfer' AND amount_usd < 0"
            )
        found = verify(desk.store, desk.settings, desk.provenance)
        assert found.exit_code == 6
        assert any("together they are -1.00 USD, not 0" in line for line in found.document["books"])
        with database.write() as connection:
            connection.execute("UPDATE plans SET document = json_remove(document, '$.transfers')")
        assert any("transfers" in line for line in verify(desk.store, desk.settings, desk.provenance).document["books"])


@pytest.mark.parametrize(
    ("extra", "receives"),
    [
        ('sleeve_rebalance = "none"', None),
        ('sleeve_rebalance = "month"\nsleeve_band_frac = 0.2', None),
        ('sleeve_rebalance = "quarter"\nsleeve_band_frac = 0.01', "timing"),
        (f'{REBALANCE}\nweighting = "inverse_volatility"', "timing"),  # too young for it: the weights stay
    ],
)
def test_period_and_band_say_whether_anything_moves(folder: Path, extra: str, receives: str | None) -> None:
    month_end(folder, extra)
    with account(folder, *SLEEVES, extra=extra) as replay:
        assert [name for name, usd in moved(replay).items() if usd > 0] == ([receives] if receives else [])
        assert verify(replay.desk.store, replay.desk.settings, replay.desk.provenance).exit_code == 0


@pytest.mark.parametrize("state", ["reduce_only", "close", "off", "watch"])
def test_only_a_sleeve_that_is_on_receives_and_a_watched_one_has_no_part_in_it(folder: Path, state: str) -> None:
    sleeves: tuple[str, ...] = (
        SLEEVES[0],
        SLEEVES[1].replace("weight = 0.3", f'weight = 0.3\nstate = "{state}"'),
        SLEEVES[2],
    )
    if state == "watch":
        sleeves = (*SLEEVES, sleeve("seen", 0.9).replace("weight = 0.9", 'weight = 0.9\nstate = "watch"'))
    document = month_end(folder, sleeves=sleeves)
    rows = [one["sleeve"] for one in document["coordination"]["transfers"]["sleeves"]]
    assert rows == ["core", "timing", "idle"]
    with account(folder, *sleeves, extra=REBALANCE) as replay:
        assert bool(moved(replay)) is (state == "watch")


def test_nothing_moves_while_trading_is_halted_and_the_plan_says_so(folder: Path) -> None:
    with account(folder, *SLEEVES, extra=REBALANCE) as replay:
        replay.desk.store.control.halt(Restriction.FULL, "look", "a person", replay.desk.clock.now())
    document = month_end(folder)
    assert document["coordination"]["transfers"] == {"barred": "halted", "weighting": "fixed", "sleeves": []}
    assert any("no cash moved between the sleeves: trading is halted" in one["text"] for one in document["problems"])


def test_nothing_moves_while_it_is_not_certain_what_the_sleeves_own(folder: Path) -> None:
    state = exchange_in(folder)
    (account_there,) = state.accounts
    positions = tuple(replace(one, shares=one.shares - 3) for one in account_there.positions)
    short = replace(state, accounts=(replace(account_there, positions=positions),))
    (folder / EXCHANGE_NAME).write_bytes(to_bytes(short))
    document = month_end(folder)
    assert document["coordination"]["transfers"]["barred"] == "mismatch"
    assert any("our books and the broker's differ" in one["text"] for one in document["problems"])
    assert document["exit_code"] == 6


def test_weights_follow_what_the_sleeves_have_earned_and_lost(folder: Path) -> None:
    extra = f'{REBALANCE}\nweighting = "inverse_volatility"'
    swings = {"core": 0.01, "timing": 0.03, "idle": 0.0}
    with account(folder, *SLEEVES, extra=extra) as replay:
        ledger = replay.desk.store.ledger
        for name, swing in swings.items():
            first = ledger.equity(name)[0]
            for number in range(120):
                # Up and down by turns, back at what it began with after every second session.
                usd = Decimal(str(round(float(first.equity_usd) * (1 + swing * (number % 2)), 2)))
                day = date(2017, 3, 1) + timedelta(days=number)
                ledger.write_equity(replace(first, session=day, equity_usd=usd, flows_usd=Decimal(0)))
    month_end(folder, extra)
    with account(folder, *SLEEVES, extra=extra) as replay:
        plan = replay.desk.store.plans.plan_of(LAST)
        assert plan is not None
        earned = {one["name"]: one["returns"] for one in plan.frame["transfers"]["sleeves"]}
        assert {len(values) for values in earned.values()} == {126}
        spread = {name: stdev(values) for name, values in earned.items() if name != "idle"}
        usual = sum(spread.values()) / 2
        raw = {"core": 0.5 * usual / spread["core"], "timing": 0.3 * usual / spread["timing"], "idle": 0.2}
        weights = {one["sleeve"]: one["weight"] for one in plan.document["transfers"]["sleeves"]}
        assert weights == pytest.approx({name: one / sum(raw.values()) for name, one in raw.items()})
        assert weights["core"] > 0.6
        found = verify(replay.desk.store, replay.desk.settings, replay.desk.provenance).document["books"]
        assert not [line for line in found if "plan" in line or "transfer" in line]


def test_a_sleeve_that_is_off_counts_with_the_last_close_of_what_nobody_else_looks_at(tmp_path: Path) -> None:
    own = sleeve("core", 0.5).replace('"AAA", "BBB"', '"BBB"')
    off = sleeve("timing", 0.5, row(FIRST, "AAA", 1.0)).replace('"AAA", "BBB"', '"AAA"')
    with account(tmp_path, own, off) as replay:
        until(replay, FIRST)
    with account(tmp_path, own, off.replace("weight = 0.5", 'weight = 0.5\nstate = "off"')) as replay:
        (document,) = played(replay, 1)
        ledger = replay.desk.store.ledger
        plan = replay.desk.store.plans.plan_of(date.fromisoformat(document["session"]))
        assert plan is not None
        last = next(one for one in ledger.equity("timing") if one.session == FIRST)
        assert last.market_usd > 14000
        assert plan.frame["equity_usd"] == pytest.approx(float(last.equity_usd) + 15000)


def test_a_dry_run_moves_nothing_and_shows_what_would(folder: Path) -> None:
    with account(folder, *SLEEVES, extra=REBALANCE) as replay:
        session = replay.upcoming()
        assert session is not None
        document = decide_and_order(replay.desk, session, dry_run=True).document
        assert any(one["usd"] for one in document["coordination"]["transfers"]["sleeves"])
        assert moved(replay) == {}


def _played(folder: Path, number: int | None) -> int:
    with account(folder, *SLEEVES, extra=REBALANCE, journal=KillAt(number) if number is not None else None) as replay:
        session = replay.upcoming()
        assert session is not None
        return int(play_session(replay.desk, session).exit_code)


def _books(folder: Path) -> Any:
    with account(folder, *SLEEVES, extra=REBALANCE) as replay:
        store = replay.desk.store
        names = ("core", "timing", "idle")
        return (
            {name: (store.ledger.movements(name), store.ledger.equity(name)) for name in names},
            [(one.strategy, one.document) for one in store.decisions.final_decisions()],
        )


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.full)])
def test_a_session_killed_at_any_step_moves_cash_once(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, every: bool
) -> None:
    whole, steps = tmp_path_factory.mktemp("whole"), Steps()
    copytree(folder, whole, dirs_exist_ok=True)
    with account(whole, *SLEEVES, extra=REBALANCE, journal=steps) as replay:
        session = replay.upcoming()
        assert session is not None
        play_session(replay.desk, session)
    expected = _books(whole)
    for number, step in enumerate(steps.seen[:-1]):
        if not every and step not in ("deciding", "decided"):
            continue
        killed = tmp_path_factory.mktemp("killed")
        copytree(folder, killed, dirs_exist_ok=True)
        assert in_child(partial(_played, killed, number)) == -9, step
        assert in_child(partial(_played, killed, None)) == 0, step
        assert _books(killed) == expected, step
