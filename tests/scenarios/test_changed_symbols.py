"""A new name, a merger and a spin-off over the wire: believed when the broker shows them, followed by everything."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum.app.desk import RunResult
from mtum.app.ledger.book_problems import book_problems
from mtum.app.ledger.sleeve_records import held_lots
from mtum.app.owner.accept import accept
from mtum.app.owner.reconcile import reconcile
from mtum.app.owner.statement import Statement
from mtum.app.records.verify import verify
from mtum.core.portfolio.tax import tax_record
from mtum.errors import ExitCode, UsageError
from mtum.ports.rows import TradeRow
from mtum.wiring.resources import opened_reader
from support.exchange_sessions import xnys
from support.gateway import ACCOUNT
from support.live_days import Installation, installation, market, paper_settings
from support.practice import ENTRY_DAY
from support.values import replace

PATIENT: dict[str, Any] = {f"broker__{limit}_seconds": 15.0 for limit in ("connect", "request", "acknowledge")}
SYMBOLS = ("MTUM", "SPY", "QQQ")
DAYS = [session.day for session in xnys(ENTRY_DAY.isoformat(), "2019-12-31")][:4]
CLOSES = [Decimal("271.306"), Decimal("272.399"), Decimal("274.315"), Decimal("274.771")]
"""Of MTUM and SPY, for which the embedded S&P 500 stands in."""
CHILD_CLOSE = Decimal("142.7312")
"""Of QQQ on the third day."""
RATIO, CHILD_FRAC = Decimal("0.05"), Decimal("0.026")
"""Of QQQ for each share, and what it is worth of it: on the eve 0.05 x 141.558 of 272.399 USD."""
CASH: dict[str, Any] = {"portfolio__capital_usd": 22_000.0}
EXTERNAL = 2


def sleeves(symbol: str) -> dict[str, Any]:
    return {
        "sleeve__core__strategy": "buy_and_hold",
        "sleeve__core__weight": 0.5,
        "sleeve__core__rules__symbol": symbol,
        "sleeve__timing__strategy": "mtum_confluence",
        "sleeve__timing__weight": 0.5,
        "sleeve__timing__rules__symbol": symbol,
    }


def stated(ours: Installation, kind: str, *words: str, **options: Any) -> dict[str, Any]:
    with ours.desk() as desk:
        return accept(desk, Statement(kind, words, **options))


def lots(ours: Installation) -> list[tuple[str, str, date, int]]:
    with ours.desk() as desk:
        assert book_problems(desk.store) == ()
        return [(lot.strategy, lot.symbol, lot.session, lot.shares) for lot in held_lots(desk.store)]


def traded(ours: Installation, day: date) -> RunResult:
    """Run and settle a day without any problem."""
    decided, settled = ours.run(day), ours.settle(day)
    assert decided.document["problems"] + settled.document["problems"] == []
    assert {line["action"] for line in decided.document["sleeves"].values()} == {"hold"}
    return decided


def grown(ours: Installation, number: int, per_share: Decimal) -> None:
    """Equity and benchmark of each sleeve grew by the price of their shares, and by nothing else."""
    with ours.desk() as desk:
        for sleeve in desk.sleeves:
            before, after = desk.store.ledger.equity(sleeve.name)[number - 1 : number + 1]
            assert (before.session, after.session) == (DAYS[number - 1], DAYS[number])
            assert after.benchmark_usd is not None
            assert before.benchmark_usd is not None
            shares = round((after.benchmark_usd - before.benchmark_usd) / per_share)
            assert shares == before.shares
            assert abs(after.benchmark_usd - before.benchmark_usd - shares * per_share) < Decimal("1e-5")
            if number == 1:
                assert after.equity_usd - before.equity_usd == before.shares * per_share
        found = verify(desk.store, desk.settings, desk.provenance)
        assert found.document["problems"] == []


def test_a_new_name_a_spin_off_and_a_merger_are_followed_by_all_that_hangs_on_the_symbol(tmp_path: Path) -> None:
    with installation(tmp_path, symbols=SYMBOLS, cash=Decimal(22_000), **PATIENT, **CASH, **sleeves("MTUM")) as before:
        before.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares=str(EXTERNAL))
        stated(before, "external", "MTUM", str(EXTERNAL))
        assert (before.run().exit_code, before.settle().exit_code) == (0, 0)
        before.at(20, DAYS[1])
        _renamed(before)
        after = replace(before, settings=paper_settings(before.gateway.port, **PATIENT, **CASH, **sleeves("SPY")))
        traded(after, DAYS[1])
        grown(after, 1, CLOSES[1] - CLOSES[0])
        after.at(20, DAYS[2])
        _spun_off(after)
        eve = market(SYMBOLS).history("QQQ", DAYS[1], DAYS[1]).close[0]
        parent = Decimal(str(round(float(CLOSES[2]) * (1 - float(RATIO) * eve / float(CLOSES[1])), 3)))
        assert CLOSES[2] - parent > 7  # a real market takes the child off the parent's price
        grown(after, 2, parent - CLOSES[1] + CHILD_CLOSE * RATIO)
        after.at(20, DAYS[3])
        _merged_for_cash(after)


def _renamed(ours: Installation) -> None:
    held = lots(ours)
    ours.gateway.tell("change", account=ACCOUNT, symbol="MTUM", into="SPY")
    # A run tells it, with the command that states it.
    run = ours.run(DAYS[1], dry_run=True)
    command = f"mtum reconcile --accept renamed MTUM SPY --from {DAYS[1]}"
    assert run.exit_code == ExitCode.PERSON
    assert any(f"`{command}`" in problem["text"] for problem in run.document["problems"])
    with ours.desk() as desk:
        assert reconcile(desk)["differences"][0]["ways"][0] == command
    with pytest.raises(UsageError, match=r"then the broker holds .* QQQ and shows 0; say it once"):
        stated(ours, "renamed", "MTUM", "QQQ")
    with pytest.raises(UsageError, match="was traded under that name"):
        stated(ours, "renamed", "MTUM", "SPY", first_session=DAYS[0])
    for _ in range(2):
        told = stated(ours, "renamed", "MTUM", "SPY", first_session=DAYS[1])
        assert (told["differences"], told["accepted"]) == ([], f"MTUM is called SPY since {DAYS[1]}")
    stated(ours, "undone", "SPY")
    assert lots(ours) == held
    stated(ours, "renamed", "MTUM", "SPY", first_session=DAYS[1])
    assert lots(ours) == [(sleeve, "SPY", day, shares) for sleeve, _, day, shares in held]
    # The settings still say MTUM: nothing is decided, and the way out is told.
    refused = ours.run(DAYS[1])
    assert (refused.exit_code, refused.document["orders"]) == (ExitCode.USAGE, [])
    assert f"which is called SPY since {DAYS[1]}: write SPY in its place" in refused.document["problems"][0]["text"]
    with ours.desk() as desk:
        assert desk.store.statements.external_shares() == {"MTUM": 0, "SPY": EXTERNAL}


def _spun_off(ours: Installation) -> None:
    held, sent = sum(shares for *_, shares in lots(ours)), len(ours.accepted())
    ours.gateway.tell("change", account=ACCOUNT, symbol="SPY", into="QQQ", ratio=str(RATIO), keep=True)
    with pytest.raises(UsageError, match="then the broker holds"):
        stated(ours, "spun-off", "SPY", "QQQ", ratio=Decimal(2), basis_frac=Decimal("0.1"))
    told = stated(ours, "spun-off", "SPY", "QQQ", ratio=RATIO, basis_frac=CHILD_FRAC)
    assert told["differences"] == []
    children = [one for one in lots(ours) if one[1] == "QQQ"]
    assert sum(shares for *_, shares in children) == int(held * RATIO)
    assert {day for *_, day, _ in children} == {ENTRY_DAY}
    decided = traded(ours, DAYS[2])
    # No sleeve trades it: each that got some of it sells it, once.
    sold = [(one["side"], one["symbol"], one["shares"]) for one in decided.document["orders"]]
    assert sorted(sold) == sorted(("SELL", "QQQ", shares) for *_, shares in children)
    ours.run(DAYS[2])
    assert len(ours.accepted()) == sent + len(children)
    assert [symbol for _, symbol, *_ in lots(ours)] == ["SPY", "SPY"]
    with pytest.raises(UsageError, match="its shares were traded since"):
        stated(ours, "undone", "QQQ")


def _merged_for_cash(ours: Installation) -> None:
    held = sum(shares for *_, shares in lots(ours))
    with pytest.raises(UsageError, match=r"then the broker holds 0 SPY and shows \d+"):
        stated(ours, "merged", "SPY", cash=Decimal(280))
    ours.gateway.tell("change", account=ACCOUNT, symbol="SPY", usd="280")
    assert stated(ours, "merged", "SPY", cash=Decimal(280))["differences"] == []
    assert lots(ours) == []
    refused = ours.run(DAYS[3])
    assert refused.exit_code == ExitCode.USAGE
    assert "was merged for cash" in refused.document["problems"][0]["text"]
    assert ours.settle(DAYS[3]).exit_code == 0
    with ours.desk() as desk:
        rows = tax_record(desk.store.orders.fills(), desk.store.bars.actions()).closed
        names = [sleeve.name for sleeve in desk.sleeves]
        moved = [one for name in names for one in desk.store.ledger.movements(name) if one.symbol == "SPY"]
        paid = [one for one in moved if one.kind == "sell"]
        assert verify(desk.store, desk.settings, desk.provenance).document["problems"] == []
    with opened_reader(ours.settings, ours.folder / "mtum.db") as reader:
        assert reader is not None
        trades = [(row.symbol, row.entry_session, row.exit_session, row.reason) for row in reader.rows(TradeRow)]
    out = ("SPY", str(ENTRY_DAY), str(DAYS[3]), "merged")
    child = ("QQQ", str(ENTRY_DAY), str(DAYS[2]), "spun_off")
    assert trades == [child, child, out, out]
    sold = [row for row in rows if row.symbol == "SPY"]
    assert sum(row.proceeds_usd for row in sold) == sum(one.amount_usd for one in paid) == held * 280
    assert {(row.acquired, row.sold) for row in sold} == {(ENTRY_DAY, DAYS[3])}
    assert all(one.paid for one in paid)
