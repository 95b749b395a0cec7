"""Risk of the account as it stands at its last closes."""

from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.adapters.store.reading import SqliteReader, open_read_only
from mtum.app.queries.performance import account_performance
from mtum.app.queries.risk import AccountRisk, account_risk
from mtum.config import load
from mtum.ports.records import CashMovement, EquityPoint
from support.store import MONDAY, STRATEGY, TUESDAY, opened


def closed(day: date, usd: int, flow: int) -> EquityPoint:
    none, worth = Decimal(0), Decimal(usd)
    return EquityPoint(day, STRATEGY, worth, none, none, worth, Decimal(flow), None, None, 0)


def risk_and_sleeves(folder: Path) -> tuple[AccountRisk, float]:
    """Risk of the account, and what its sleeves are worth at the last close by their own records."""
    with closing(open_read_only(folder / "mtum.db")) as connection:
        reader = SqliteReader(connection)
        closes = account_performance(reader, [STRATEGY])
        return account_risk(load(None, {}), reader), closes.rows[-1].equity_usd


@pytest.mark.parametrize(("kind", "usd", "after"), [("deposit", 5000, 15_000), ("withdrawal", -4000, 6000)])
def test_money_stated_for_a_coming_session_counts_once_that_has_closed(
    tmp_path: Path, kind: str, usd: int, after: int
) -> None:
    with closing(opened(tmp_path)) as store:
        begun = CashMovement("capital", STRATEGY, MONDAY, "capital", Decimal(10_000))
        store.ledger.move_cash([begun, CashMovement(kind, STRATEGY, TUESDAY, kind, Decimal(usd))])
        store.ledger.write_equity(closed(MONDAY, 10_000, 0))
        before, told = risk_and_sleeves(tmp_path)
        store.ledger.write_equity(closed(TUESDAY, after, usd))
        now, told_now = risk_and_sleeves(tmp_path)
    assert (before.equity_usd, told) == (10_000, 10_000)
    assert (now.equity_usd, told_now) == (after, after)
    fallen = {one.limit: one.value for one in before.limits}
    assert fallen.get("max_drawdown_frac") in (None, 0)
