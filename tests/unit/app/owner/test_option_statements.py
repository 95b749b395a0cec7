"""A person's statements on options: booked once where the broker's positions do not contradict."""

from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum.app.owner.accept import accept
from mtum.app.owner.reconcile import reconcile
from mtum.app.owner.statement import Statement
from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.options.lots import LegFill
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import UsageError
from support.option_days import Day
from support.option_orders import DAY, STRATEGY, put
from support.option_store import AT, C105, P95, attempt, leg_fill, planned
from support.small_option_exchange import Exchange, Listed
from support.store import opened

MONDAY = DAY + timedelta(days=3)
MORNING = AT + timedelta(days=3)
EXPIRED = put(94, DAY)
XSP = put(600, DAY, underlying="XSP")


def sold(folder: Path, contract: OptionContract, quantity: int = -2, broker: int = 0, shares: int = 0) -> Day:
    """Contracts of ours, and what the broker lists of them and of the underlying's shares."""
    folder.mkdir(exist_ok=True)
    day = Day(folder)
    positions = {contract: broker} if broker else {}
    day.keep(Exchange(positions=positions, shares={"SPY": shares} if shares else {}, now=MORNING))
    one = planned((planned().legs[0].side, contract), quantity=abs(quantity), underlying=contract.underlying)
    with closing(opened(folder)) as store:
        store.options.commit_intents([one], AT)
        fills = [leg_fill(one, "e.01", contract, quantity, "1.20")]
        store.options.record_fills(fills)
        store.ledger.write_lots(STRATEGY, (), {})
    return day


def stated(day: Day, kind: str, *words: str, **options: Any) -> dict[str, Any]:
    with day.desk() as desk:
        return accept(desk, Statement(kind, words, **options))


def books(day: Day) -> tuple[Decimal, dict[OptionContract, int], list[tuple[str, int, Decimal, date]]]:
    with closing(opened(day.folder)) as store:
        shares = [(fill.symbol, fill.signed_shares, fill.price, fill.session) for fill in store.orders.fills()]
        return store.books.cash(STRATEGY), store.options.book().contracts(), shares


def name(contract: OptionContract) -> str:
    return contract.local_symbol.replace(" ", "")


def test_an_assignment_is_booked_with_its_shares_and_once(tmp_path: Path) -> None:
    day = sold(tmp_path, P95, broker=-1, shares=100)
    with day.desk() as desk:
        (told,) = [one for one in reconcile(desk)["differences"] if one["kind"] == "option"]
    words = "SPY 2026-08-21 95 put: the broker lists -1, we expect -2 of ours and 0 external"
    ways = ["assigned NAME 1", "expired NAME 1", "traded NAME 1 PRICE", "external NAME 1"]
    assert told["text"] == words
    assert list(told["ways"]) == [f"mtum reconcile --accept {way.replace('NAME', name(P95))}" for way in ways]
    document = stated(day, "assigned", name(P95), "1")
    assert document["accepted"] == "1 SPY 2026-08-21 95 put assigned on 2026-07-13, +100 SPY at 95"
    assert [one for one in document["differences"] if one["kind"] in ("option", "books")] == []
    # 240 less 0.70, less 9,500.
    assert books(day) == (Decimal("-9260.70"), {P95: -1}, [("SPY", 100, P95.strike, MONDAY)])
    with pytest.raises(UsageError, match="none can have ended, not 1"):
        stated(day, "assigned", name(P95), "1")


def test_what_expired_was_settled_or_traded_has_its_own_statement(tmp_path: Path) -> None:
    day = sold(tmp_path / "a", EXPIRED)
    assert stated(day, "expired", name(EXPIRED), "2")["accepted"].endswith("2026-07-10 94 put expired on 2026-07-10")
    assert books(day) == (Decimal("239.30"), {}, [])
    day = sold(tmp_path / "b", XSP)
    said = stated(day, "settled", name(XSP), "2", "3.50")["accepted"]
    assert said == "2 XSP 2026-07-10 600 put settled on 2026-07-10, -700.00 USD, that is XSP settled at 596.5"
    assert books(day) == (Decimal("239.30") - 700, {}, [])
    day = sold(tmp_path / "c", P95, broker=-1)
    said = stated(day, "traded", str(P95.con_id), "1", "0.80", first_session=DAY)["accepted"]
    assert said == "1 SPY 2026-08-21 95 put traded on 2026-07-10, -80.00 USD"
    assert books(day) == (Decimal("159.30"), {P95: -1}, [])


@pytest.mark.parametrize(
    ("contract", "quantity", "words", "told"),
    [
        (P95, -2, ("assigned", name(P95), "3"), "2 can have ended, not 3"),
        (P95, -2, ("assigned", name(P95), "0.5"), "2 can have ended, not 0.5"),
        (P95, 2, ("assigned", name(P95), "1"), "only what was sold"),
        (P95, -2, ("exercised", name(P95), "1"), "only what was bought"),
        (XSP, -2, ("assigned", name(XSP), "1"), "only what was sold, and delivers shares"),
        (P95, -2, ("settled", name(P95), "1", "2"), "delivers shares"),
        (P95, -2, ("expired", name(P95), "1"), "trades until 2026-08-21"),
        (P95, -2, ("traded", name(P95), "1", "-1"), "no price"),
        (P95, -2, ("traded", name(P95), "1"), "write it as"),
        (P95, -2, ("assigned", name(C105), "1"), "is no contract"),
    ],
)
def test_a_statement_that_does_not_fit_is_refused(
    tmp_path: Path, contract: OptionContract, quantity: int, words: tuple[str, ...], told: str
) -> None:
    day = sold(tmp_path, contract, quantity)
    before = books(day)
    with pytest.raises(UsageError, match=told):
        stated(day, *words)
    assert books(day) == before


def test_contracts_that_were_not_ours_are_external(tmp_path: Path) -> None:
    day = sold(tmp_path, P95, broker=-3)
    with pytest.raises(UsageError, match="lists -3, -2 are ours"):
        stated(day, "external", name(P95), "-2")
    document = stated(day, "external", name(P95), "-1")
    assert [one for one in document["differences"] if one["kind"] == "option"] == []
    exchange = day.exchange
    exchange.positions[C105] = 4
    day.keep(exchange)
    with day.desk() as desk:
        told = reconcile(desk)
    assert told["others"] == ["4 SPY 2026-08-21 105 call"]
    assert [one for one in told["differences"] if one["kind"] == "option"] == []


def in_doubt(folder: Path, broker: int) -> Day:
    day = Day(folder)
    day.keep(Exchange(positions={P95: broker} if broker else {}, now=MORNING))
    one = planned(quantity=2)
    with closing(opened(folder)) as store:
        store.options.commit_intents([one], AT)
        store.options.claim_attempt(attempt(one), AT)
        store.options.move_attempt(attempt(one).ref, OrderStatus.UNKNOWN, AT)
        other = planned((planned().legs[0].side, C105), group="g2")
        store.options.commit_intents([other], AT)
        store.options.record_fills([LegFill("x.01", other.account, STRATEGY, "g2", other.id, C105, DAY, 1, Decimal(1))])
    exchange = day.exchange
    exchange.positions[C105] = 1
    day.keep(exchange)
    return day


def test_an_order_in_doubt_is_stated_as_filled_as_far_as_its_legs_tell(tmp_path: Path) -> None:
    day, ref = in_doubt(tmp_path, -1), attempt(planned()).ref
    with pytest.raises(UsageError, match="it may have been filled"):
        stated(day, "not-sent", ref)
    assert stated(day, "filled", ref, "1.15", "0.70")["accepted"] == f"{ref}: 1 filled at 1.15, fee 0.70 USD"
    assert books(day)[1] == {P95: -1, C105: 1}
    with pytest.raises(UsageError, match="no doubt about it"):
        stated(day, "filled", ref, "1.15", "0.70")


def test_an_order_in_doubt_whose_legs_did_not_move_was_not_sent(tmp_path: Path) -> None:
    day, ref = in_doubt(tmp_path, 0), attempt(planned()).ref
    with pytest.raises(UsageError, match="do not tell that it was filled"):
        stated(day, "filled", ref, "1.15", "0.70")
    assert stated(day, "not-sent", planned().id)["accepted"] == f"{ref} was never sent"
    assert [one.status for one in day.states()[0].attempts] == [OrderStatus.LAPSED]


def test_an_order_in_doubt_that_the_broker_lists_is_stated_neither_way(tmp_path: Path) -> None:
    day, offer = in_doubt(tmp_path, 0), attempt(planned(quantity=2))
    exchange = day.exchange
    exchange.orders[offer.ref] = Listed(offer, offer.price)
    day.keep(exchange)
    for words in (("not-sent", offer.ref), ("filled", offer.ref, "1.15", "0.70")):
        with pytest.raises(UsageError, match="is at the broker: its lists show it"):
            stated(day, *words)
