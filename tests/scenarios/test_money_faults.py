"""What a broker may do with an order that costs money, on the wire: never sold twice, nothing hidden."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from mtum.app.ledger.sleeve_records import held_lots
from mtum.app.owner.accept import accept
from mtum.app.owner.flatten import flatten_now
from mtum.app.owner.reconcile import reconcile
from mtum.app.owner.statement import Statement
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode
from support.commands import call, call_json
from support.gateway import ACCOUNT
from support.live_days import Installation, installation, market
from support.practice import ENTRY_DAY, EXIT_DAY

SHARES = 18
"""What USD 5,000 buy at 271.306 with 0.1 % cost and 0.5 % buffer: floor(18.32)."""
HELD_DAYS = [one.day for one in market().sessions if ENTRY_DAY < one.day < EXIT_DAY]
NEXT_DAY = next(one.day for one in market().sessions if one.day > EXIT_DAY)


@contextmanager
def margin(folder: Path, **changes: Any) -> Iterator[Installation]:
    """An account where nobody but us prevents a second order."""
    with installation(folder, kind=AccountKind.MARGIN, cash=Decimal(20000), **changes) as ours:
        yield ours


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Our folder and what the exchange saved, on the evening before the exit: played once, copied by each test."""
    folder = tmp_path_factory.mktemp("eve")
    with margin(folder) as ours:
        assert ours.run().exit_code == 0
        assert ours.settle().exit_code == 0
        for day in HELD_DAYS:
            ours.run(day)
            ours.settle(day)
        return folder, ours.gateway.saved[-1]


@contextmanager
def held_until_the_exit(eve: tuple[Path, bytes], folder: Path, **changes: Any) -> Iterator[Installation]:
    played, exchange = eve
    copytree(played, folder, dirs_exist_ok=True)
    with margin(folder, stored=(EXIT_DAY, exchange), **changes) as ours:
        yield ours


def at_the_broker(ours: Installation) -> int:
    return int(Decimal(ours.gateway.tell("state")["accounts"][ACCOUNT]["positions"].get("MTUM", "0")))


def lots(ours: Installation) -> int:
    with ours.desk() as desk:
        return sum(lot.shares for lot in held_lots(desk.store))


def texts(result: Any) -> str:
    return " | ".join(str(problem["text"]) for problem in result.document["problems"])


def at_home(ours: Installation) -> tuple[str, ...]:
    """The options that name the installation's folder and settings."""
    lines = ['mode = "paper"', "[market]", 'source = "ib"', 'volume_mode = "raw"', "[broker]", f'account = "{ACCOUNT}"']
    config = ours.folder.parent / "config.toml"
    config.write_text("\n".join([*lines, f"port = {ours.settings.broker.port}", ""]), encoding="utf-8")
    return ("--config", str(config), "--data-dir", str(ours.folder))


def every_command(ours: Installation) -> dict[str, int]:
    """Exit codes of every command that looks at the books, called as a person does."""
    day = ("--session", EXIT_DAY.isoformat())
    commands = [
        ("status",), ("reconcile",), ("report", *day), ("settle", *day), ("explain", *day), ("verify", "--all"),
        ("doctor",), ("review", "week", "--end", EXIT_DAY.isoformat()), ("export", "tax"), ("export", "trades"),
        ("export", "performance"),
        *(("show", what) for what in ("trades", "orders", "fills", "decisions", "equity", "runs")),
    ]  # fmt: skip
    codes = {}
    for words in commands:
        ended = call_json(ours.folder.parent, *at_home(ours), *words)
        codes[" ".join(words[:2])] = ended.code
    return codes


def test_an_exit_shown_as_inactive_is_not_sold_a_second_time_and_its_fill_counts(
    eve: tuple[Path, bytes], tmp_path: Path
) -> None:
    with held_until_the_exit(eve, tmp_path, risk__exit_fallback="market") as ours:
        ours.gateway.fault("placeOrder", "inactive", minutes=12)
        assert ours.run(EXIT_DAY).exit_code == 0
        for minutes in (9, 4):
            watched = ours.watch(minutes, EXIT_DAY)
            assert watched.exit_code == ExitCode.PERSON
            assert "still listed as open" in texts(watched)
        assert len(ours.accepted()) == 1
        settled = ours.settle(EXIT_DAY)
        assert (settled.exit_code, at_the_broker(ours), lots(ours)) == (ExitCode.PERSON, 0, 0)
        assert f"is REJECTED here, but the broker filled {SHARES} of it" in texts(settled)
        assert settled.document["orders"][0]["status"] == "FILLED"
        assert ours.settle(EXIT_DAY).exit_code == 0  # told once


def test_an_exit_rejected_by_a_code_is_sold_once_by_a_market_order(eve: tuple[Path, bytes], tmp_path: Path) -> None:
    with held_until_the_exit(eve, tmp_path, risk__exit_fallback="market") as ours:
        ours.gateway.fault("placeOrder", "reject_later", minutes=30, code=201, text="no MOC today")
        run = ours.run(EXIT_DAY)
        assert run.exit_code == ExitCode.ORDER
        assert "201" in texts(run)
        assert [(one["type"], one["shares"]) for one in run.document["orders"]] == [("MOC", SHARES), ("MKT", SHARES)]
        ours.watch(9, EXIT_DAY)
        ours.settle(EXIT_DAY)
        assert (len(ours.accepted()), at_the_broker(ours), lots(ours)) == (2, 0, 0)


def test_an_entry_placed_twice_at_the_broker_is_in_the_books_and_stops_entries(tmp_path: Path) -> None:
    with margin(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "twice")
        ours.run()
        assert ours.watch(9).exit_code == ExitCode.PERSON
        settled = ours.settle()
        assert settled.exit_code == ExitCode.PERSON
        assert f"{2 * SHARES} shares were executed, {SHARES} more than ordered" in texts(settled)
        assert (at_the_broker(ours), lots(ours)) == (2 * SHARES, 2 * SHARES)
        held = ours.run(HELD_DAYS[0])
        assert held.exit_code == ExitCode.PERSON
        with ours.desk() as desk:
            assert desk.store.control.restriction() is Restriction.REDUCE_ONLY
            (difference,) = reconcile(desk)["differences"]
            assert difference["ways"] == ("mtum flatten MTUM --why TEXT", "mtum resume")
            # The way out: too much of it is sold, and the person says that it is known.
            assert flatten_now(desk, "MTUM", "twice").exit_code == ExitCode.PERSON
        ours.settle(HELD_DAYS[0])
        with ours.desk() as desk:
            desk.store.control.resume(desk.clock.now())
        again = ours.run(HELD_DAYS[1])
        assert (again.exit_code, at_the_broker(ours), lots(ours)) == (0, 0, 0)


def test_both_attempts_filled_after_a_statement_that_nothing_was_sent_are_both_in_the_books(tmp_path: Path) -> None:
    with margin(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "suppress")
        ours.gateway.fault("openOrder", "swallow", count=0)
        key = ours.run().document["order"]["id"]
        with ours.desk() as desk:
            accept(desk, Statement("not-sent", (key,)))
        ours.run(minutes=18)
        ours.gateway.tell("clear_faults")
        assert ours.accepted() == [f"{key}-1", f"{key}-2"]
        settled = ours.settle()
        assert settled.exit_code == ExitCode.PERSON
        assert "more than ordered" in texts(settled)
        assert (at_the_broker(ours), lots(ours)) == (2 * SHARES, 2 * SHARES)


@pytest.mark.parametrize(
    ("fault", "more", "short"),
    [("twice", {}, SHARES), pytest.param("extra", {"shares": 3}, 3, marks=pytest.mark.full)],
)
def test_an_exit_executed_beyond_what_was_held_is_short_said_every_session_and_bought_back_by_a_person(
    eve: tuple[Path, bytes], tmp_path: Path, fault: str, more: dict[str, int], short: int
) -> None:
    with held_until_the_exit(eve, tmp_path / "data") as ours:
        ours.gateway.fault("placeOrder", fault, **more)
        ours.run(EXIT_DAY)
        settled = ours.settle(EXIT_DAY)
        assert settled.exit_code == ExitCode.PERSON
        assert f"MTUM is SHORT {short} shares" in texts(settled)
        assert (at_the_broker(ours), lots(ours)) == (-short, -short)
        codes = every_command(ours)
        assert ExitCode.BUG not in codes.values()
        assert {codes[name] for name in ("reconcile", "settle --session", "doctor")} == {ExitCode.PERSON}
        at = ("--config", str(ours.folder.parent / "config.toml"), "--data-dir", str(ours.folder))
        assert f"SHORT {short} MTUM since {EXIT_DAY}" in call(ours.folder.parent, *at, "status").out
        assert f"SHORT {short}" in call(ours.folder.parent, *at, "report", "--session", str(EXIT_DAY)).out
        with ours.desk() as desk:
            found = {one["kind"]: one for one in reconcile(desk)["differences"]}
            assert found["short"]["ways"] == ("mtum flatten MTUM --why TEXT",)
        # Every session says it again, buys nothing, and sells nothing more.
        run = ours.run(NEXT_DAY)
        # Whoever says what flatten does says the same of it; a halt tells its cause alone.
        for said in (texts(settled), texts(run), call(ours.folder.parent, *at, "doctor").out):
            assert f"`mtum flatten MTUM --why TEXT` buys {short} back at the close" in " ".join(said.split())
            assert "sell" not in said.replace("SELL", "")
        status = call(ours.folder.parent, *at, "status").out
        assert f"{short} more than ordered" in " ".join(status.split())
        told = call(ours.folder.parent, *at, "status", "--json").document["halts"]
        assert [f"{short} more than ordered" in one["why"] and "flatten" not in one["why"] for one in told] == [True]
        assert (run.exit_code, run.document["orders"]) == (ExitCode.PERSON, [])
        assert f"MTUM is SHORT {short} shares; entries are stopped" in texts(run)
        with ours.desk() as desk:
            covered = flatten_now(desk, "MTUM", "short by mistake")
        assert [(one["side"], one["shares"], one["purpose"]) for one in covered.document["orders"]] == [
            ("BUY", short, "cover")
        ]
        settled = ours.settle(NEXT_DAY)
        assert (at_the_broker(ours), lots(ours)) == (0, 0)
        with ours.desk() as desk:
            assert settled.exit_code == ExitCode.PERSON  # until a person has resumed
            desk.store.control.resume(desk.clock.now())
        assert ours.settle(NEXT_DAY).exit_code == 0
        trades = call(ours.folder.parent, "--data-dir", str(ours.folder), "show", "trades", "--json")
        assert [one["shares"] for one in trades.document["trades"]] == [SHARES, -short]


def test_a_short_position_is_bought_back_by_the_next_decision_when_it_is_asked_for_in_time(
    eve: tuple[Path, bytes], tmp_path: Path
) -> None:
    with held_until_the_exit(eve, tmp_path) as ours:
        ours.gateway.fault("placeOrder", "extra", shares=3)
        ours.run(EXIT_DAY)
        ours.settle(EXIT_DAY)
        with ours.desk() as desk:
            note = flatten_now(desk, "MTUM", "short by mistake").document["note"]
        assert note == "MTUM is closed by the next decision; entries are stopped"
        shown = call(tmp_path.parent, "flatten", "MTUM", "--why", "again", *at_home(ours))
        assert (shown.code, shown.out) == (0, f"{note}\n")
        run = ours.run(NEXT_DAY)
        assert (run.document["action"], run.document["reasons"]) == ("exit", ["flatten"])
        assert [(one["side"], one["shares"]) for one in run.document["orders"]] == [("BUY", 3)]
        ours.settle(NEXT_DAY)
        assert (at_the_broker(ours), lots(ours)) == (0, 0)


def test_shares_pledged_to_a_short_call_are_not_sold_and_a_person_is_told(
    eve: tuple[Path, bytes], tmp_path: Path
) -> None:
    call_option = {"kind": "OPT", "right": "C", "strike": 290, "expiry": "2018-02-16"}
    with held_until_the_exit(eve, tmp_path) as ours:
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="-1", **call_option)
        run = ours.run(EXIT_DAY)
        assert (run.exit_code, run.document["orders"]) == (ExitCode.PERSON, [])
        assert "-1 MTUM 20180216 290 C may call for 100 of the broker's 18 shares" in texts(run)
        # With a hundred more of the owner's own, ours are free.
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares=str(SHARES + 100))
        with ours.desk() as desk:
            accept(desk, Statement("external", ("MTUM", "100")))
            flat = flatten_now(desk, "MTUM", "test")
        assert [(one["side"], one["shares"]) for one in flat.document["orders"]] == [("SELL", SHARES)]


def test_whatever_else_the_account_holds_is_named_by_every_look_at_it(tmp_path: Path) -> None:
    put = {"kind": "OPT", "right": "P", "strike": 95, "expiry": "2018-02-16"}
    named = "-2 SPY 20180216 95 P"
    with margin(tmp_path) as ours:
        ours.gateway.tell("hold", account=ACCOUNT, symbol="SPY", shares="-2", **put)
        assert ours.run().exit_code == 0  # nothing of ours depends on it
        ours.settle()
        found = {
            word: call_json(ours.folder.parent, *at_home(ours), word, *more)
            for word, *more in (("status",), ("reconcile",), ("doctor",), ("report", "--session", str(ENTRY_DAY)))
        }
        words = call(ours.folder.parent, *at_home(ours), "status").out
    assert found["status"].document["others"] == found["reconcile"].document["others"] == [named]
    assert found["reconcile"].document["differences"] == []
    assert f"{named} (neither traded nor valued here)" in words
    told = [check["found"] for check in found["doctor"].document["checks"] if check["name"] == "positions"]
    assert told == [f"as recorded (18 MTUM); also in the account: {named}"]
    lines = [line for line in found["report"].document["problems"] if named in line["text"]]
    assert [line["code"] for line in lines] == [0]


def test_an_instrument_nobody_knows_on_the_symbol_stops_entries_and_is_named(tmp_path: Path) -> None:
    with margin(tmp_path) as ours:
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="5", kind="CFD")
        run = ours.run()
        assert (run.exit_code, run.document["reasons"]) == (ExitCode.PERSON, ["other_instrument"])
        assert "the account has 5 MTUM CFD" in texts(run)
        assert ours.gateway.entries("order") == []


def test_a_rejection_without_a_code_is_for_a_person(eve: tuple[Path, bytes], tmp_path: Path) -> None:
    with held_until_the_exit(eve, tmp_path, risk__exit_fallback="market") as ours:
        ours.gateway.fault("placeOrder", "reject_later", minutes=12)
        assert ours.run(EXIT_DAY).exit_code == 0
        watched = ours.watch(9, EXIT_DAY)
        assert watched.exit_code == ExitCode.PERSON
        assert "no market order in place of the rejected" in texts(watched)
        assert (len(ours.accepted()), at_the_broker(ours)) == (1, SHARES)
        with ours.desk() as desk:
            assert desk.store.orders.states(EXIT_DAY)[0].status is OrderStatus.REJECTED


@pytest.mark.parametrize("before", [2, 3, 4])
def test_no_order_is_at_the_wire_after_the_deadline_when_the_brokers_clock_jumps(tmp_path: Path, before: int) -> None:
    """The jump strikes after one of the last answers of the clock before the order leaves."""
    with installation(tmp_path / "plain") as plain:
        plain.run()
        journal = plain.gateway.journal
    sent = next(place for place, entry in enumerate(journal) if entry["kind"] == "order")
    asked = sum(entry.get("name") == "reqCurrentTime" for entry in journal[:sent] if entry["kind"] == "request")
    with installation(tmp_path / "jump") as ours:
        ours.gateway.fault("reqCurrentTime", "jump", skip=asked - before, minutes=5.1)
        run = ours.run()
        assert run.exit_code in (ExitCode.ORDER, ExitCode.BROKER)
        assert len(ours.gateway.entries("fault")) == 1
        assert ours.gateway.entries("order") == []
