"""The account at its closes, where sleeves began, ended and were corrected at different times."""

from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

from mtum.adapters.store.reading import SqliteReader, open_read_only
from mtum.app.queries.performance import account_performance, closes_of
from mtum.ports.records import CashMovement, EquityPoint
from support.store import FRIDAY, MONDAY, THURSDAY, TUESDAY, opened
from support.values import replace


def closed(day: date, sleeve: str, usd: int, benchmark_usd: int | None) -> EquityPoint:
    none, worth = Decimal(0), Decimal(usd)
    held = None if benchmark_usd is None else Decimal(benchmark_usd)
    return EquityPoint(day, sleeve, worth, none, none, worth, none, held, None, 0)


def test_the_account_has_every_close_that_a_sleeve_has(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        store.ledger.move_cash(
            [CashMovement(f"capital:{name}", name, MONDAY, "capital", Decimal(1000)) for name in ("late", "early")]
        )
        # Written newest first, as corrections and sessions taken up later are.
        for point in (
            closed(FRIDAY, "late", 1100, 1010),
            closed(THURSDAY, "late", 1050, 1000),
            closed(THURSDAY, "early", 990, None),
            closed(TUESDAY, "early", 980, 1020),
            closed(MONDAY, "early", 1000, 1000),
        ):
            store.ledger.write_equity(point)
        store.ledger.write_equity(replace(closed(TUESDAY, "early", 985, 1020)))
    with closing(open_read_only(tmp_path / "mtum.db")) as connection:
        reader = SqliteReader(connection)
        found = account_performance(reader, ("late", "early", "not yet"))
        assert [len(one.curve) for one in closes_of(reader, ("late", "early", "not yet")).values()] == [2, 3, 0]
    assert [(row.session, row.equity_usd, row.benchmark_usd, dict(row.gained_usd)) for row in found.rows] == [
        (f"{MONDAY}", 1000, 1000, {"early": 0}),
        (f"{TUESDAY}", 985, 1020, {"early": -15}),
        (f"{THURSDAY}", 2040, None, {"late": 50, "early": 5}),
        (f"{FRIDAY}", 2090, None, {"late": 50}),
    ]
    assert found.last == found.rows[-1]
    assert [row.return_frac for row in found.rows] == found.returns


def test_an_account_without_a_close_has_no_newest_one(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with closing(open_read_only(tmp_path / "mtum.db")) as connection:
        found = account_performance(SqliteReader(connection), ("one",))
    assert (found.rows, found.last, found.returns) == ([], None, [])
