"""`kill -9` in a session of three sleeves over the wire, at every step and message, then started again and settled.

One order goes out each way, shares change sleeves, and one order is filled in part. The quick part kills once the
decision is committed and with the second order sent; everywhere: `pytest -m full` on this file.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest

from mtum.app.ledger.book_problems import book_problems
from mtum.app.records.verify import verify
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.strategies import STRATEGIES
from mtum.wiring import desks
from scenarios.test_coordination import row, sleeve
from support.crash import EXCHANGE, Fault, Running, Scene, market_gateway, points_of, run_mtum, settings_in, settle
from support.live_days import market
from support.practice import ENTRY_DAY
from support.scripted import Scripted
from support.values import replace

BEFORE, DAY = [session.day for session in market().sessions if session.day >= ENTRY_DAY][:2]
NAMES = ("core", "timing", "switch")
PART = 5
"""Shares of QQQ that are filled of those ordered."""
SLEEVES = (
    "".join(
        (
            "[portfolio]\ncapital_usd = 20000\n",
            sleeve("core", 0.4, row(BEFORE, "SPY", 1.0), row(DAY, "SPY", 0.0)),
            sleeve("timing", 0.3, row(DAY, "SPY", 1.0)),
            sleeve("switch", 0.3, row(BEFORE, "QQQ", 0.5), row(DAY, "QQQ", 1.0)),
        )
    )
    .replace("AAA", "SPY")
    .replace("BBB", "QQQ")
)
SCENE = Scene(DAY, ("SPY", "QQQ"), SLEEVES)
PARTLY: Fault = {"on": "placeOrder", "do": "partial", "shares": PART, "when": {"symbol": "QQQ"}}


@pytest.fixture(scope="module", autouse=True)
def scripted() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Scripted.name, Scripted)
        yield


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installation and its exchange after the session before."""
    folder = tmp_path_factory.mktemp("wire") / "eve"
    with market_gateway(folder, scene=replace(SCENE, day=BEFORE)) as gateway:
        assert (run_mtum(gateway), settle(gateway)) == (0, 0)
    return folder


def played(eve: Path, folder: Path, kill_at: int | None = None) -> tuple[int, int, dict[str, Any], list[str]]:
    """Exit codes of run and settling, what is recorded, and the points that the first run passed."""
    copytree(eve, folder)
    scene = replace(SCENE, stored=(folder / EXCHANGE).read_bytes())
    with market_gateway(folder, (PARTLY,), scene=scene) as gateway:
        code = run_mtum(gateway, kill_at=kill_at, points=kill_at is None)
        if kill_at is not None:
            # How many messages come at the very end differs by a few: a run that ends before its point is a whole one.
            assert code in (-9, 0), f"exit {code} at point {kill_at}"
            code = run_mtum(gateway) if code == -9 else code
        points = points_of(gateway) if kill_at is None else []
        return code, settle(gateway), recorded(gateway), points


def recorded(gateway: Running) -> dict[str, Any]:
    with desks.live_desk(settings_in(gateway.folder), gateway.folder, None) as desk:
        store = desk.store
        assert verify(store, desk.settings, desk.provenance).exit_code == 0
        assert book_problems(store) == ()
        return {
            "decisions": [
                (one.session, one.strategy, one.document, one.frame) for one in store.decisions.final_decisions()
            ],
            "orders": [(one.intent, one.status, one.filled) for one in store.orders.states()],
            "crosses": store.crosses.crosses_of(DAY),
            "fills": sorted((one.intent_id, one.shares, one.price, one.commission_usd) for one in store.orders.fills()),
            "lots": {name: store.ledger.lots(name) for name in NAMES},
            "equity": {name: store.ledger.equity(name) for name in NAMES},
            "at the broker": sorted(gateway.accepted()),
        }


def wrong_after(eve: Path, folder: Path, cells: Sequence[tuple[int, str]], whole: dict[str, Any]) -> Counter[str]:
    """Kill at each of these points, start again, settle; say what is not as it would have been."""
    found: Counter[str] = Counter()
    for number, label in cells:
        code, _, books, _ = played(eve, folder, number)
        rmtree(folder)
        if code == 0:
            found += Counter(f"{part} after {number} ({label})" for part in whole if books[part] != whole[part])
            continue
        # In doubt is one order alone, which the broker never had: it is given up, all else is as it would have been.
        sent = {ref: books["at the broker"].count(ref) for ref in whole["at the broker"]}
        lost = [ref for ref, times in sent.items() if not times]
        lapsed = [intent.ref for intent, status, _ in books["orders"] if status is OrderStatus.LAPSED]
        if (code, len(lost), max(sent.values())) != (6, 1, 1) or lapsed != lost:
            found[f"exit {code}, lost {lost}, given up {lapsed} after {number} ({label})"] += 1
        kept = [one for one in whole["orders"] if one[0].ref not in lost]
        same = [one for one in books["orders"] if one[0].ref not in lost] == kept
        if not same or books["decisions"] != whole["decisions"] or books["crosses"] != whole["crosses"]:
            found[f"other books in doubt after {number} ({label})"] += 1
    return found


def test_killed_after_the_decision_and_between_the_orders_the_books_are_the_same(eve: Path, tmp_path: Path) -> None:
    code, settled, whole, points = played(eve, tmp_path / "whole")
    assert (code, settled) == (0, 5)  # QQQ is filled in part
    today = [(one, filled) for one, _, filled in whole["orders"] if one.session == DAY and not one.purpose.internal]
    sent = [(one.strategy, one.side, one.symbol) for one, _ in today]
    assert sent == [("core", Side.SELL, "SPY"), ("switch", Side.BUY, "QQQ")]
    assert [filled < one.shares for one, filled in today] == [False, True]
    inside = {(one.strategy, one.side.value) for one in whole["crosses"]}
    assert inside == {("core", "SELL"), ("timing", "BUY")}
    _, second = (place for place, label in enumerate(points) if label == "sent:placeOrder")
    around = [points.index("step:decided"), second]
    assert not wrong_after(eve, tmp_path / "cell", [(number, points[number]) for number in around], whole)


PARTS = 4


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))  # side by side where there are processors for it
def test_killed_anywhere_the_books_are_the_same(eve: Path, tmp_path: Path, part: int) -> None:
    _, _, whole, points = played(eve, tmp_path / "whole")
    assert len(points) > 60
    assert not wrong_after(eve, tmp_path / "cell", [*enumerate(points)][part::PARTS], whole)
