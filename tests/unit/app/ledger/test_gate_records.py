"""What our own records say to the last gate for options, from a real database."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.adapters.store.opening import SqliteStore, open_store
from mtum.app.ledger.gate_records import gate_records, intent_named, with_own_orders
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.options.gate_facts import OwnRecords
from mtum.core.portfolio.options.orders import Attempt
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.ports.broker import BrokerAccount, BrokerLists, OtherInstrument
from mtum.ports.options import OptionLists
from mtum.ports.records import CashMovement
from support.option_orders import DAY, SESSION, STRATEGY, call, put
from support.option_store import AT, C105, P90, P95, attempt, leg_fill, planned
from support.practice import settings_of
from support.store import ACCOUNT

LISTS = OptionLists(
    AT, BrokerAccount(ACCOUNT, AccountKind.CASH, Decimal(90_000), Decimal(90_000), Decimal(100_000)), {}
)
FIRST = planned()
SECOND = planned((Side.SELL, P90), group="g2")
CLOSING = planned((Side.BUY, C105), group="g3", purpose=OptionPurpose.CLOSE)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "mtum.db", "practice", ACCOUNT)
    opened.ledger.move_cash([CashMovement(f"capital:{STRATEGY}", STRATEGY, DAY, "capital", Decimal(40_000))])
    opened.options.commit_intents([FIRST, SECOND, CLOSING], SESSION.before_close(17))
    yield opened
    opened.close()


def told(store: SqliteStore, one: Attempt) -> OwnRecords:
    return gate_records(store, settings_of(), one, LISTS, lambda _, __: None)


def test_limits_are_parts_of_the_sleeve_and_of_the_account(store: SqliteStore) -> None:
    rules = told(store, attempt(FIRST)).rules
    assert (rules.strategy_loss_usd, rules.account_loss_usd) == (Decimal(40_000), Decimal(100_000))
    assert rules.account == ACCOUNT


def test_what_is_about_to_leave_does_not_count_against_itself(store: SqliteStore) -> None:
    store.options.claim_attempt(attempt(FIRST), AT)
    records = told(store, attempt(FIRST))
    assert (records.unresolved, records.changes, records.orders) == ((), 0, 0)
    assert records.intents[FIRST.id] == FIRST


def test_another_order_in_doubt_stands_beside_it_with_its_group(store: SqliteStore) -> None:
    store.options.claim_attempt(attempt(SECOND), AT)
    (doubt,) = told(store, attempt(FIRST)).unresolved
    assert (doubt.ref, doubt.group, doubt.unresolved) == (attempt(SECOND).ref, "g2", True)
    assert doubt.legs == SECOND.legs
    store.options.move_attempt(attempt(SECOND).ref, OrderStatus.ACCEPTED, AT)
    assert told(store, attempt(FIRST)).unresolved == ()


def test_changes_and_orders_are_counted_without_closings_and_without_what_never_left(store: SqliteStore) -> None:
    options = store.options
    for one in (attempt(CLOSING, price="1.00"), attempt(SECOND)):
        options.claim_attempt(one, AT)
        options.move_attempt(one.ref, OrderStatus.ACCEPTED, AT)
    options.claim_attempt(attempt(FIRST), AT)
    options.move_attempt(attempt(FIRST).ref, OrderStatus.DENIED, AT)
    again = attempt(FIRST, 2)
    options.claim_attempt(again, AT)
    records = told(store, again)
    assert (records.changes, records.orders) == (0, 1)
    options.move_attempt(again.ref, OrderStatus.ACCEPTED, AT)
    changed = attempt(FIRST, 2, "-1.15", in_place=True)
    options.claim_attempt(changed, AT)
    assert told(store, changed).changes == 0  # the first change is judged
    third = attempt(FIRST, 2, "-1.10", in_place=True)
    options.claim_attempt(third, AT)
    assert told(store, third).changes == 1


@pytest.mark.parametrize(
    ("restriction", "halted", "altogether"),
    [(Restriction.NONE, False, False), (Restriction.REDUCE_ONLY, True, False), (Restriction.FULL, True, True)],
)
def test_a_halt_is_told_in_words(
    store: SqliteStore, restriction: Restriction, *, halted: bool, altogether: bool
) -> None:
    if restriction is not Restriction.NONE:
        store.control.halt(restriction, "a test", "person", AT, None)
    records = told(store, attempt(FIRST))
    assert (bool(records.halt), bool(records.full_halt)) == (halted, altogether)


def test_lots_of_every_strategy_are_told(store: SqliteStore) -> None:
    store.options.claim_attempt(attempt(SECOND), AT)
    store.options.record_fills([leg_fill(SECOND, "0001.aa.01.01", P90, -1, "1.20")])
    (lot,) = told(store, attempt(FIRST)).lots
    assert (lot.contract, lot.quantity, lot.group) == (P90, -1, "g2")


def test_an_intent_is_found_by_the_reference_of_any_of_its_offers(store: SqliteStore) -> None:
    assert intent_named(store.options, f"{FIRST.id}-7") == FIRST
    assert intent_named(store.options, "m260710-AAAAAAAAAAAA-1") is None
    assert intent_named(store.options, "no reference") is None


def test_dividends_are_asked_where_a_call_is_sold_and_nowhere_else(store: SqliteStore) -> None:
    asked: list[tuple[str, object]] = []
    call_sold = planned((Side.SELL, C105), group="g4")
    for one in (FIRST, CLOSING, call_sold):
        gate_records(store, settings_of(), attempt(one), LISTS, lambda *what: asked.append(what))
    assert asked == [("SPY", DAY)]


def listed(ref: str, kind: str = "BAG") -> OtherInstrument:
    return OtherInstrument("SPY", "SPY BAG (order)", kind, Decimal(1), working=True, ref=ref)


def explained(store: SqliteStore, *others: OtherInstrument) -> tuple[OtherInstrument, ...]:
    return with_own_orders(store, BrokerLists(AT, LISTS.account, {}, (), (), others=others)).others


def at_work(store: SqliteStore, *parts: tuple[Side, OptionContract], group: str = "g9", quantity: int = 1) -> str:
    """The reference of an order of ours that the broker has accepted."""
    intent = planned(*parts, quantity=quantity, group=group)
    store.options.commit_intents([intent], AT)
    offer = attempt(intent)
    store.options.claim_attempt(offer, AT)
    store.options.move_attempt(offer.ref, OrderStatus.ACCEPTED, AT)
    return offer.ref


def test_a_combination_of_ours_is_known_and_pins_what_its_legs_do(store: SqliteStore) -> None:
    ref = at_work(store, (Side.SELL, P95), (Side.BUY, P90))
    strangers = listed("by hand"), listed("m180102-AAAAAAAAAAAA-1"), listed("")
    mine, *unknown = explained(store, listed(ref), *strangers)
    # 95 less 90 for 100 shares; sold for a credit it costs nothing beyond.
    assert (mine.known, mine.cost_usd, mine.pledged) == (True, Decimal(500), 0)
    assert tuple(unknown) == strangers
    assert [(one.known, one.cost_usd) for one in unknown] == [(False, None)] * 3


def test_a_roll_pins_no_more_than_its_group_does_already(store: SqliteStore) -> None:
    first = planned((Side.SELL, C105), group="g9")
    store.options.commit_intents([first], AT)
    store.options.record_fills([leg_fill(first, "0001.01.01", C105, -1, "1.20")])
    (roll,) = explained(store, listed(at_work(store, (Side.BUY, C105), (Side.SELL, call(110)))))
    (alone,) = explained(store, listed(at_work(store, (Side.SELL, call(110)), group="g8"), "OPT"))[:1]
    assert (roll.pins, alone.pins) == ((Decimal(0), 0), (Decimal(0), 100))


def test_an_order_that_may_work_though_no_list_shows_it_is_counted_once(store: SqliteStore) -> None:
    ref = at_work(store, (Side.SELL, put(85)), quantity=2)
    (unlisted,) = explained(store)
    (shown,) = explained(store, listed(ref, "OPT"))
    # Two puts at 85 may call for 17,000; of the one that is listed as left 8,500 count.
    assert (unlisted.cost_usd, shown.cost_usd) == (Decimal(17_000), Decimal(8_500))
    store.options.move_attempt(ref, OrderStatus.CANCELED, AT)
    assert explained(store) == ()
    # A list that shows it yet outweighs our own record.
    assert explained(store, listed(ref, "OPT"))[0].cost_usd == Decimal(8_500)


def test_an_order_of_ours_is_nothing_foreign_in_the_account(store: SqliteStore) -> None:
    lists = BrokerLists(AT, LISTS.account, {}, (), (), others=(listed(at_work(store)), listed("by hand")))
    store.ledger.write_account(DAY, AT, with_own_orders(store, lists))
    assert store.ledger.others(DAY) == ("1 SPY BAG (order)",)


def test_calls_of_a_spread_call_for_no_shares_as_long_as_its_longs_are_listed(store: SqliteStore) -> None:
    spread = planned((Side.SELL, C105), (Side.BUY, call(110)), quantity=2, group="g9")
    alone = planned((Side.SELL, call(115)), group="g8")
    store.options.commit_intents([spread, alone], AT)
    store.options.record_fills([leg_fill(spread, "0001.01.01", C105, -2, "1.20")])
    store.options.record_fills([leg_fill(spread, "0001.02.01", call(110), 2, "0.50")])
    store.options.record_fills([leg_fill(alone, "0002.01.01", call(115), -1, "0.30")])

    def positions(*numbers: int) -> list[OtherInstrument]:
        return [OtherInstrument("SPY", "SPY C", "OPT", Decimal(n), call=True, multiplier=Decimal(100)) for n in numbers]

    assert sum(one.pledged for one in explained(store, *positions(-2, 2, -1))) == 100
    # Where the broker lists one long only, the other short may call for shares.
    assert sum(one.pledged for one in explained(store, *positions(-2, 1, -1))) == 200
    assert sum(one.pledged for one in explained(store, *positions(-2, -1))) == 300
