"""Splits that vendor and broker tell alike, and those that only one tells."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from mtum.app.session.our_books import agree_splits
from mtum.core.market.bars import Bars
from mtum.core.portfolio.fills import Fill, Split
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import Side
from mtum.ports.market_data import Quote
from support.bars import bars_of, changed, weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar, market_desk
from support.store import intent
from support.values import replace

SESSIONS = weekday_sessions(date(2024, 1, 1), 30)
TODAY = SESSIONS.known[-1]
AT = TODAY.before_close(22)
BOUGHT = SESSIONS.known[10]


def fill(shares: int) -> Fill:
    return Fill(
        exec_id="1.2.3.01",
        intent_id="m1",
        account="PRACTICE",
        strategy="mtum_confluence",
        symbol="MTUM",
        side=Side.BUY,
        session=BOUGHT.day,
        instant=BOUGHT.close,
        shares=shares,
        price=Decimal(100),
        commission_usd=Decimal(1),
    )


def agreed(
    folder: Path, cached: Bars, held: int, *, shares: int = 20, today: float = 0.0, source: str = "yahoo"
) -> tuple[dict[str, str], list[Split]]:
    quote = Quote("MTUM", source, TODAY.day, 1, 1, 1, 1, 1, AT, split=today)
    shelf = ShelfSource({"MTUM": cached}, name=source, quotes={"MTUM": quote})
    with market_desk(folder, shelf, AT, calendar=WeekdayCalendar(SESSIONS)) as desk:
        desk.store.bars.accept(replace(cached, source=source), AT, cached.last_day)
        fills = (fill(shares),)
        expected = {"MTUM": (Decimal(shares), Decimal(held))}
        return agree_splits(desk, TODAY, lots_of(fills), (), lambda: fills, expected)[0], [
            one for one in desk.store.bars.actions() if isinstance(one, Split)
        ]


PLAIN = bars_of([100.0] * 29)
LISTED = changed(PLAIN, split={15: 2.0})


def test_a_listed_split_that_the_broker_has_carried_out_is_agreed(tmp_path: Path) -> None:
    alone, splits = agreed(tmp_path, LISTED, held=40)
    assert (alone, splits) == ({}, [Split("MTUM", LISTED.day(15), Decimal(2))])


def test_a_split_effective_today_is_agreed_from_the_quote(tmp_path: Path) -> None:
    alone, splits = agreed(tmp_path, PLAIN, held=60, today=3.0)
    assert (alone, splits) == ({}, [Split("MTUM", TODAY.day, Decimal(3))])


def test_a_difference_of_one_share_is_agreement_and_of_two_is_none(tmp_path: Path) -> None:
    assert agreed(tmp_path / "one", LISTED, held=41)[0] == {}
    alone, splits = agreed(tmp_path / "two", LISTED, held=42)
    assert splits == []
    assert "the broker should hold 40" in alone["MTUM"]


def test_a_split_only_the_vendor_tells_is_named(tmp_path: Path) -> None:
    alone, splits = agreed(tmp_path, LISTED, held=20)
    assert splits == []
    assert f"2.0:1 on {LISTED.day(15)}" in alone["MTUM"]


def test_a_split_before_the_purchase_concerns_no_lot(tmp_path: Path) -> None:
    assert agreed(tmp_path, changed(PLAIN, split={5: 2.0}), held=20) == ({}, [])


def test_a_reverse_split_that_leaves_fractions_is_for_a_person(tmp_path: Path) -> None:
    alone, splits = agreed(tmp_path, changed(PLAIN, split={15: 0.5}), held=10, shares=21)
    assert splits == []
    assert "MTUM" in alone


def test_a_split_in_a_file_changes_no_lot(tmp_path: Path) -> None:
    assert agreed(tmp_path, LISTED, held=20, source="csv") == ({}, [])


def test_the_owners_own_shares_follow_a_split_that_is_agreed(tmp_path: Path) -> None:
    """20 of ours and 3 of the owner's, two for one."""
    shelf = ShelfSource({"MTUM": LISTED}, quotes={"MTUM": Quote("MTUM", "yahoo", TODAY.day, 1, 1, 1, 1, 1, AT)})
    with market_desk(tmp_path, shelf, AT, calendar=WeekdayCalendar(SESSIONS)) as desk:
        store = desk.store
        store.bars.accept(replace(LISTED, source="yahoo"), AT, LISTED.last_day)
        order = intent(BOUGHT.day, shares=20, strategy="mtum_confluence")
        store.orders.add_intent(order, AT)
        store.orders.add_fills([replace(fill(20), intent_id=order.id, account=order.account)])
        store.statements.state_external("MTUM", Decimal(3), AT, "test")
        expected, fills = {"MTUM": (Decimal(23), Decimal(46))}, store.orders.fills()
        assert agree_splits(desk, TODAY, lots_of(fills), (), lambda: fills, expected) == ({}, True)
        assert [lot.shares for lot in store.ledger.lots("mtum_confluence")] == [40]
        assert store.statements.external_shares() == {"MTUM": 6}
