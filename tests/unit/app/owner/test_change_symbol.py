"""What a person says of a symbol is held against the broker's positions, for every holder at once."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum.app.desk import Desk
from mtum.app.ledger.book_problems import book_problems
from mtum.app.ledger.sleeve_records import held_lots, read_records, read_sleeves, write_lots
from mtum.app.owner.accept import accept
from mtum.app.owner.statement import Statement
from mtum.app.session.check_book import BookCheck
from mtum.app.session.close_untraded import untraded_problems, without_children
from mtum.core.portfolio.fills import ChangeKind, SymbolChange
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.portfolio.tax import tax_record
from mtum.errors import UsageError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import ChangeRecord
from support.fakes import SENT_AT, FakeBroker, fake_desk, shown
from support.store import MONDAY, STRATEGY, TUESDAY, fill, intent, later
from support.values import replace

D = Decimal
NEXT = SENT_AT + timedelta(days=1)


def showing(**positions: str) -> BrokerLists:
    return replace(shown(), at=NEXT, positions={symbol: D(shares) for symbol, shares in positions.items()})


def held(desk: Desk, shares: int, strategy: str = STRATEGY, price: str = "100") -> None:
    order = intent(MONDAY, shares=shares, strategy=strategy)
    desk.store.orders.add_intent(order, later(0))
    desk.store.orders.add_fills([fill(order, f"{strategy}.01", shares, price, "0")])
    write_lots(desk.store)


def told(desk: Desk, kind: str, *words: str, **options: Any) -> str:
    return str(accept(desk, Statement(kind, words, first_session=TUESDAY, **options))["accepted"])


def lots(desk: Desk) -> list[tuple[str, str, int, Decimal]]:
    assert book_problems(desk.store) == ()
    return [(lot.strategy, lot.symbol, lot.shares, lot.entry_price) for lot in held_lots(desk.store)]


def test_a_merger_for_shares_and_cash_reaches_every_holder_and_is_taken_back_whole(tmp_path: Path) -> None:
    # 7 + 4 of ours and 9 external at 0.5: the account has 10, of which 5 are ours (11 x 0.5 = 5.5).
    with fake_desk(tmp_path, FakeBroker([showing(BUYER="10")]), NEXT) as desk:
        held(desk, 7)
        held(desk, 4, "other", "110")
        desk.store.statements.state_external("MTUM", D(9), SENT_AT, "test")
        before = lots(desk)
        merged = {"cash": D("2.50"), "into": "BUYER", "ratio": D("0.5")}
        said = told(desk, "merged", "MTUM", **merged)
        assert said.startswith("MTUM was merged on 2018-12-04 for 2.50 USD and 0.5 BUYER per share; 0.5 of a share")
        # 7 x 100 = 3 x 233.33 and 4 x 110 = 2 x 220: the largest fraction gets the share that is left.
        parts = {strategy: (symbol, shares, shares * price) for strategy, symbol, shares, price in lots(desk)}
        assert sum(shares for _, shares, _ in parts.values()) == 5
        assert {strategy: round(cost, 6) for strategy, (_, _, cost) in parts.items()} == {STRATEGY: 700, "other": 440}
        assert desk.store.statements.external_shares() == {"MTUM": 0, "BUYER": 5}
        paid = [one for name in (STRATEGY, "other") for one in desk.store.ledger.movements(name) if not one.paid]
        assert [(one.kind, one.amount_usd) for one in paid] == [("adjustment", D("17.5")), ("adjustment", D(10))]
        told(desk, "merged", "MTUM", **merged, cash_in_lieu=D("60"))
        record = tax_record(desk.store.orders.fills(), desk.store.bars.actions())
        assert sum(lot.shares for lot in record.held) == 5
        assert {row.proceeds_usd for row in record.closed if row.symbol == "BUYER"} == {D(60)}
        assert told(desk, "undone", "BUYER").startswith("taken back: MTUM was merged on 2018-12-04")
        assert lots(desk) == before
        assert desk.store.statements.external_shares() == {"MTUM": 9, "BUYER": 0}
        kept = [one.kind for name in (STRATEGY, "other") for one in desk.store.ledger.movements(name)]
        assert "adjustment" not in kept


@pytest.mark.parametrize(
    ("lists", "kind", "words", "options", "why"),
    [
        (
            showing(MTUM="7"),
            "renamed",
            ("MTUM", "NEW"),
            {},
            "then the broker holds 0 MTUM and shows 7, 7 NEW and shows 0",
        ),
        (showing(NEW="8"), "renamed", ("MTUM", "NEW"), {}, "then the broker holds 7 NEW and shows 8; say it once"),
        (showing(NEW="7"), "renamed", ("MTUM", "MTUM"), {}, "nothing changes by that"),
        (showing(NEW="7"), "renamed", ("MTUM",), {}, "renamed OLD NEW --from DATE"),
        (showing(NEW="7"), "renamed", ("GONE", "NEW"), {}, "GONE is neither traded nor held here"),
        (showing(), "merged", ("MTUM",), {}, r"merged OLD --cash USD \[--into NEW --ratio R\]"),
        (showing(), "merged", ("MTUM",), {"into": "NEW"}, "merged OLD --cash USD"),
        (showing(MTUM="7", NEW="7"), "spun-off", ("MTUM", "NEW"), {"ratio": D(1)}, "spun-off PARENT CHILD"),
        (
            showing(MTUM="7", NEW="7"),
            "spun-off",
            ("MTUM", "NEW"),
            {"ratio": D(1), "basis_frac": D(1)},
            "lies between 0 and 1",
        ),
        (showing(MTUM="7"), "undone", ("MTUM",), {}, "no new name, merger or spin-off of MTUM is recorded"),
    ],
)
def test_what_the_positions_contradict_or_nobody_can_mean_is_refused(
    tmp_path: Path, lists: BrokerLists, kind: str, words: tuple[str, ...], options: dict[str, Any], why: str
) -> None:
    with fake_desk(tmp_path, FakeBroker([lists]), NEXT) as desk:
        held(desk, 7)
        with pytest.raises(UsageError, match=why):
            told(desk, kind, *words, **options)
        assert lots(desk) == [(STRATEGY, "MTUM", 7, D(100))]


def test_a_change_waits_for_orders_that_may_still_fill_and_is_told_once(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker([showing(NEW="7")]), NEXT) as desk:
        held(desk, 7)
        order = intent(TUESDAY, Side.SELL, 7)
        desk.store.orders.add_intent(order, later(0))
        desk.store.orders.claim_order(order.id, later(0))
        desk.store.orders.move_order(order.id, OrderStatus.UNKNOWN, later(0))
        with pytest.raises(UsageError, match="is UNKNOWN: say it again once that has ended"):
            told(desk, "renamed", "MTUM", "NEW")
    with fake_desk(tmp_path / "again", FakeBroker([showing(NEW="7")]), NEXT) as desk:
        held(desk, 7)
        told(desk, "renamed", "MTUM", "NEW")
        with pytest.raises(
            UsageError, match=r"is called NEW since .* that is stated already; `mtum reconcile --accept"
        ):
            told(desk, "renamed", "MTUM", "OTHER")


def test_a_flat_symbol_takes_its_bars_and_wishes_along_and_gives_them_back(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker([showing()]), NEXT) as desk:
        bars = desk.source.history("MTUM", MONDAY.replace(month=11), TUESDAY)
        desk.store.bars.accept(bars, SENT_AT, bars.last_day)
        desk.store.statements.request_flatten("MTUM", "test", SENT_AT)
        told(desk, "renamed", "MTUM", "NEW")
        taken = desk.store.bars.bars("NEW", bars.source)
        assert (taken.last_day, taken.close.tolist()) == (MONDAY, bars.until(MONDAY).close.tolist())
        assert desk.store.bars.bars("MTUM", bars.source).last_day == TUESDAY
        assert desk.store.quarantine.altered_bars() == ()
        assert desk.store.statements.flatten_requests() == ("NEW",)
        told(desk, "undone", "MTUM")
        assert len(desk.store.bars.bars("NEW", bars.source)) == 0
        assert desk.store.statements.flatten_requests() == ("MTUM",)


def test_the_owners_own_shares_explain_no_more_than_they_became(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker([showing(NEW="12")]), NEXT) as desk:
        held(desk, 7)
        desk.store.statements.state_external("MTUM", D(2), SENT_AT, "test")
        with pytest.raises(UsageError, match="then the broker holds 9 NEW and shows 12; say it once"):
            told(desk, "renamed", "MTUM", "NEW")
        assert desk.store.statements.external_shares() == {"MTUM": 2}


def test_a_child_that_is_sold_counts_as_money_and_is_bought_by_no_other_sleeve(tmp_path: Path) -> None:
    sleeves: dict[str, Any] = {
        "sleeve__one__strategy": "buy_and_hold",
        "sleeve__one__weight": 0.5,
        "sleeve__one__rules__symbol": "MTUM",
        "sleeve__two__strategy": "buy_and_hold",
        "sleeve__two__weight": 0.5,
        "sleeve__two__rules__symbol": "CHILD",
    }
    with fake_desk(tmp_path, FakeBroker([showing(MTUM="8", CHILD="2")]), NEXT, **sleeves) as desk:
        held(desk, 8, "one")
        told(desk, "spun-off", "MTUM", "CHILD", ratio=D("0.25"), basis_frac=D("0.2"))
        assert lots(desk) == [("one", "MTUM", 8, D(80)), ("one", "CHILD", 2, D(80))]
        known = read_records(desk.store)
        before = read_sleeves(desk.store, desk.sleeves, TUESDAY, known)
        records, check = without_children(desk, known, before, BookCheck())
    # 2 x 100, the broker's price
    assert records["one"].receivable_usd == before["one"].receivable_usd + 200
    assert [lot.symbol for lot in records["one"].lots] == ["MTUM"]
    assert records["two"] == before["two"]
    assert check.entries_barred == {"CHILD": "other_side"}


def test_settings_that_compare_with_or_limit_an_ended_symbol_are_named_too(tmp_path: Path) -> None:
    named: dict[str, Any] = {
        "sleeve__one__strategy": "buy_and_hold",
        "sleeve__one__weight": 1.0,
        "sleeve__one__benchmark": "MTUM",
        "sleeve__one__rules__symbol": "NEW",
        "group__momentum__symbols": ["MTUM", "QQQ"],
        "group__momentum__max_frac": 0.5,
    }
    with fake_desk(tmp_path, FakeBroker([showing(NEW="8")]), NEXT, **named) as desk:
        held(desk, 8, "one")
        told(desk, "renamed", "MTUM", "NEW")
        texts = untraded_problems(desk)
    assert [text.partition(", which")[0] for text in texts] == [
        "the settings of one name MTUM",
        "the settings of group momentum name MTUM",
    ]


def test_a_change_whose_lots_were_never_written_is_made_whole_by_saying_it_again(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker([showing(NEW="7")]), NEXT) as desk:
        held(desk, 7)
        change = SymbolChange(ChangeKind.RENAMED, "MTUM", TUESDAY, "NEW", given={STRATEGY: 7})
        desk.store.changes.state_change(ChangeRecord(change, NEXT, {}, {}, {}), [])
        assert "stored is 7 MTUM" in book_problems(desk.store)[-1]
        told(desk, "renamed", "MTUM", "NEW")
        assert lots(desk) == [(STRATEGY, "NEW", 7, D(100))]
        assert len(desk.store.changes.stated_changes()) == 1


def test_cash_in_lieu_goes_to_the_sleeves_by_the_fractions_they_lost(tmp_path: Path) -> None:
    # At 1.25 the 7, 5 and 2 shares are 8.75, 6.25 and 2.5, together 17.5: the largest fraction is made whole, and of
    # 75.01 USD for the half share the 0.25 get a third (25.0033) and the 0.5 two (50.0067).
    with fake_desk(tmp_path, FakeBroker([showing(MTUM="17")]), NEXT) as desk:
        for shares, strategy in ((7, STRATEGY), (5, "other"), (2, "third")):
            held(desk, shares, strategy)
        options: dict[str, Any] = {"entry_session": TUESDAY, "cash_in_lieu": D("75.01")}
        for _ in range(2):
            accept(desk, Statement("corporate-action", ("MTUM", "1.25"), **options))
        assert {name: shares for name, _, shares, _ in lots(desk)} == {STRATEGY: 9, "other": 6, "third": 2}
        moved = {name: desk.store.ledger.movements(name) for name in (STRATEGY, "other", "third")}
        paid = {name: sum(one.amount_usd for one in own if one.kind == "adjustment") for name, own in moved.items()}
        assert paid == {STRATEGY: 0, "other": D("25.00"), "third": D("50.01")}
        (split,) = desk.store.bars.actions()
        assert split.in_lieu_usd == D("75.01")
        with pytest.raises(UsageError, match="another amount of cash in lieu is recorded"):
            accept(desk, Statement("corporate-action", ("MTUM", "1.25"), **{**options, "cash_in_lieu": D("75")}))


def test_the_owners_own_shares_split_with_ours_and_saying_it_again_does_nothing(tmp_path: Path) -> None:
    # 7 of ours and 3 external, two for one.
    with fake_desk(tmp_path, FakeBroker([showing(MTUM="20")]), NEXT) as desk:
        held(desk, 7)
        desk.store.statements.state_external("MTUM", D(3), SENT_AT, "test")
        for _ in range(2):
            found = accept(desk, Statement("corporate-action", ("MTUM", "2"), entry_session=TUESDAY))
            assert (found["differences"], found["exit_code"]) == ([], 0)
            assert [shares for *_, shares, _ in lots(desk)] == [14]
            assert desk.store.statements.external_shares() == {"MTUM": 6}
