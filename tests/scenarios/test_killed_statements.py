"""`kill -9` while a person states what became of a symbol, at every write: the books are as before or as after."""

import os
import signal
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from mtum.adapters.store.reading import open_read_only
from mtum.app.ledger.book_problems import book_problems
from mtum.app.ledger.equity import restate_equity
from mtum.app.owner.accept import accept
from mtum.app.owner.reconcile import settle_first
from mtum.app.owner.statement import Statement
from mtum.app.session.starting_capital import ensure_capital
from mtum.ports.broker import BrokerLists
from mtum.wiring.resources import DATABASE_NAME
from support.fakes import SENT_AT, SESSION, FakeBroker, fake_desk
from support.killed_jobs import around_what_lasts
from support.practice import in_child
from support.store import MONDAY, TUESDAY
from unit.app.owner.test_change_symbol import NEXT, held, showing

D = Decimal
OTHERS = ("events", "order_events", "meta")
"""Tables that tell what was tried and when."""
KINDS: dict[str, tuple[BrokerLists, Statement]] = {
    "renamed": (showing(NEW="13"), Statement("renamed", ("MTUM", "NEW"), first_session=TUESDAY)),
    # 7 + 4 of ours and 2 external at 0.5 are 6.5.
    "merged": (
        showing(BUYER="6"),
        Statement(
            "merged",
            ("MTUM",),
            first_session=TUESDAY,
            cash=D("2.50"),
            into="BUYER",
            ratio=D("0.5"),
            cash_in_lieu=D("60"),
        ),
    ),
    "spun-off": (
        showing(MTUM="13", CHILD="13"),
        Statement("spun-off", ("MTUM", "CHILD"), first_session=TUESDAY, ratio=D(1), basis_frac=D("0.25")),
    ),
}


def told(folder: Path, lists: BrokerLists, statement: Statement, watch: Callable[[str], None] | None = None) -> int:
    if watch is not None:
        around_what_lasts(watch)
    with fake_desk(folder, FakeBroker([lists]), NEXT) as desk:
        accept(desk, statement)
    return 0


def books(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    connection = open_read_only(folder / DATABASE_NAME)
    connection.row_factory = None
    try:
        sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        names = [name for (name,) in connection.execute(sql) if name not in OTHERS]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    finally:
        connection.close()


@pytest.mark.parametrize(
    "kind", ["merged", "undone", *(pytest.param(kind, marks=pytest.mark.full) for kind in ("renamed", "spun-off"))]
)
def test_killed_at_any_write_the_books_are_as_before_or_as_after(tmp_path: Path, kind: str) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    lists, statement = KINDS["merged" if kind == "undone" else kind]
    with fake_desk(begun, FakeBroker([lists]), SENT_AT) as desk:
        ensure_capital(desk, SESSION)
        held(desk, 7)
        held(desk, 4, "other", "110")
        desk.store.statements.state_external("MTUM", D(2), SENT_AT, "test")
        bars = desk.source.history("MTUM", MONDAY, TUESDAY)
        desk.store.bars.accept(bars, SENT_AT, bars.last_day)
        restate_equity(desk, MONDAY)
        settle_first(desk, lists)
        assert len(desk.store.ledger.equity(desk.sleeves[0].name)) == 1
    if kind == "undone":
        told(begun, lists, statement)
        statement = Statement("undone", ("BUYER",), first_session=TUESDAY)
    whole, points = tmp_path / "whole", tmp_path / "points"
    copytree(begun, whole)

    def note(label: str) -> None:
        with points.open("a", encoding="utf-8") as file:
            file.write(label + "\n")

    assert in_child(partial(told, whole, lists, statement, note)) == 0
    before, after = books(begun), books(whole)
    assert before != after
    passed = len(points.read_text().split())
    assert passed >= 6
    for number in range(passed):
        folder = tmp_path / f"killed-{number}"
        copytree(begun, folder)
        assert in_child(partial(told, folder, lists, statement, dying(number))) == -signal.SIGKILL
        left = books(folder)
        halves = [name for name in left if left[name] not in (before[name], after[name])]
        assert left in (before, after), (number, halves)
        with fake_desk(folder, FakeBroker([lists]), NEXT) as desk:
            assert book_problems(desk.store) == (), number
        if kind != "undone" or left == before:
            told(folder, lists, statement)
        assert books(folder) == after, number


def dying(number: int) -> Callable[[str], None]:
    left = [number]

    def point(label: str) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    return point
