"""Every command that is offered as a way out is carried out as it is printed, and is not refused."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.app.ledger.book_problems import book_problems
from mtum.app.owner.accept import accept
from mtum.app.owner.statement import Statement
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode, UsageError
from support.commands import Called, call
from support.gateway import ACCOUNT
from support.live_days import Installation, installation
from support.practice import ENTRY_DAY

CONFIG = """mode = "paper"
[market]
source = "ib"
volume_mode = "raw"
[broker]
account = "{account}"
port = {port}
acknowledge_seconds = 0.3
resolve_seconds = 0.4
"""
REFUSED = (ExitCode.BUG, ExitCode.USAGE)
ACCEPT, SETTLE = "mtum reconcile --accept", "mtum settle --session"
NOT_SENT, FILLED, EXTERNAL, POSITION = (f"{ACCEPT} {kind}" for kind in ("not-sent", "filled", "external", "position"))


@contextmanager
def house(folder: Path) -> Iterator[Installation]:
    """An installation whose commands are typed in its folder."""
    with installation(folder / "data") as ours:
        (folder / "config.toml").write_text(CONFIG.format(account=ACCOUNT, port=ours.gateway.port), encoding="utf-8")
        yield ours


def offered(*called: Called) -> list[str]:
    """The commands between backticks and in the column of ways out, PRICE filled in as a person would."""
    said = " ".join(one.out + one.err for one in called)
    found = re.findall(r"mtum (?:reconcile --accept|settle --session)(?: [A-Za-z0-9._-]+)+", said)
    filled_in = {way.replace("PRICE", "271.306").replace("DATE", ENTRY_DAY.isoformat()) for way in found}
    return sorted(way for way in filled_in if "RATIO" not in way)


def looks(folder: Path) -> list[str]:
    """What run, doctor and reconcile offer at this moment."""
    return offered(call(folder, "run"), call(folder, "doctor", "--json"), call(folder, "reconcile", "--json"))


# The session closes at 21:00 UTC; the last moment to send is 20:44:55.
@pytest.mark.parametrize(
    ("minutes", "held", "begins", "ended"),
    [
        (16.0, 0, [NOT_SENT], OrderStatus.PLANNED),
        (14.0, 0, [], OrderStatus.UNKNOWN),
        (-20.0, 0, [SETTLE], OrderStatus.LAPSED),
        (14.0, 18, [EXTERNAL, FILLED], OrderStatus.FILLED),
        (-20.0, 18, [EXTERNAL, FILLED], OrderStatus.FILLED),
        (-1440.0, 18, [EXTERNAL, FILLED, POSITION], OrderStatus.UNKNOWN),  # ended by the next look
    ],
)
def test_what_is_offered_for_an_order_that_no_list_shows_is_accepted_at_that_moment(
    tmp_path: Path, minutes: float, held: int, begins: list[str], ended: OrderStatus
) -> None:
    with house(tmp_path) as ours:
        ours.gateway.fault("placeOrder", "swallow")
        assert ours.run().exit_code == ExitCode.PERSON
        if held:
            ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares=held)
        ours.at(minutes)
        ways = looks(tmp_path)
        assert [way[: len(begin)] for way, begin in zip(ways, begins, strict=True)] == begins, ways
        shutil.copytree(tmp_path / "data", tmp_path / "before")
        for way in ways:
            shutil.rmtree(tmp_path / "data")
            shutil.copytree(tmp_path / "before", tmp_path / "data")
            told = call(tmp_path, *way.split()[1:])
            assert told.code not in REFUSED, (way, told.err)
        with ours.desk() as desk:
            (state, *_) = desk.store.orders.states(ENTRY_DAY)
    assert state.status is ended


def test_a_fill_whose_execution_was_never_told_is_stated_as_it_is_offered(tmp_path: Path) -> None:
    with house(tmp_path) as ours:
        assert ours.run().exit_code == 0
        ours.gateway.fault("execDetails", "swallow", count=0)
        settled = ours.settle()  # the broker's word is that the order is filled
        assert (settled.exit_code, settled.document["fills"]) == (ExitCode.PERSON, [])
        ours.gateway.tell("clear_faults")
        ours.at(-1440)
        stated = next(way for way in looks(tmp_path) if way.startswith(FILLED))
        assert call(tmp_path, *stated.split()[1:]).code == 0
        with ours.desk() as desk:
            assert [fill.shares for fill in desk.store.orders.fills()] == [18]
        assert looks(tmp_path) == []


def stated(ours: Installation, *words: str) -> str:
    """What is said of the statement of a commission."""
    with ours.desk() as desk:
        return str(accept(desk, Statement("commission", words))["accepted"])


def test_a_commission_that_the_broker_never_tells_is_stated_and_its_own_word_outweighs_it(tmp_path: Path) -> None:
    with house(tmp_path) as ours:
        ours.run()
        ours.gateway.fault("commissionReport", "swallow", count=0)
        (fill,) = ours.settle().document["fills"]
        assert fill["commission_usd"] is None
        key = fill["exec_id"]
        for words, says in (
            (("nothing", "4.88"), "no execution has the id nothing"),
            ((key, "-1"), "is no commission of BUY 18 MTUM"),
            ((key, "488.36"), "is no commission of BUY 18 MTUM"),  # a tenth of 18 x 271.306 is 488.35
            ((key,), "commission EXECUTION USD"),
        ):
            with pytest.raises(UsageError, match=says):
                stated(ours, *words)
        for amount in ("5.50", "5.00"):  # a slip of the pen can be corrected
            assert f"is {amount} USD" in stated(ours, key, amount)
        with ours.desk() as desk:
            (known,), (*_, point) = desk.store.orders.fills(), desk.store.ledger.equity(desk.sleeves[0].name)
            assert known.commission_usd == Decimal("5.00")
            assert point.equity_usd == Decimal("4995.00")  # bought and valued at the official close
            assert book_problems(desk.store) == ()
        ours.settle(minutes=-130)  # the broker tells none: what was stated stays
        ours.gateway.tell("clear_faults")
        (fill,) = ours.settle(minutes=-135).document["fills"]
        assert fill["commission_usd"] == 4.88
        with pytest.raises(UsageError, match="the broker told the commission of"):
            stated(ours, key, "5.00")
