"""What became of options overnight: booked once, traded back where it broke a spread, or asked of a person."""

from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum.app.desk import Desk
from mtum.app.ledger.sleeve_records import held_lots
from mtum.app.options.overnight import UNDECIDED, Overnight, look_overnight, others_seen, remember
from mtum.app.owner.accept import accept
from mtum.app.owner.statement import Statement
from mtum.core.market.bars import Bars
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.options.lots import EventKind
from mtum.core.portfolio.orders import OrderIntent, OrderType, Purpose, Side, intent_id
from mtum.errors import ExitCode
from mtum.ports.options import OptionBroker
from support.bars import bars_of
from support.option_days import CALENDAR, Day
from support.option_orders import DAY, SESSION, SPOT, call, put
from support.option_store import attempt, leg_fill, planned
from support.small_option_exchange import Exchange
from support.store import ACCOUNT, opened
from support.values import replace

YESTERDAY = date(2026, 7, 9)
MORNING = SESSION.open
P95, P90 = put(95), put(90)
ENDED = put(95, expiry=YESTERDAY)


def holding(folder: Path, *parts: tuple[OptionContract, int], **exchange: object) -> Day:
    """Books and exchange that agree on contracts bought or sold yesterday, and on the cash."""
    found = Day(folder)
    positions = dict(parts)
    found.keep(Exchange(positions=positions, **exchange))  # type: ignore[arg-type]
    legs = [(Side.BUY if number > 0 else Side.SELL, contract) for contract, number in parts]
    intent = replace(planned(*legs), session=YESTERDAY)
    fills = [
        replace(leg_fill(intent, f"F{place}.01", contract, number, "1.00"), session=YESTERDAY)
        for place, (contract, number) in enumerate(parts)
    ]
    with closing(opened(folder)) as store:
        store.options.commit_intents([intent], MORNING)
        store.options.record_fills(fills)
    with found.desk(at=MORNING) as desk:
        assert isinstance(desk.broker, OptionBroker)
        remember(desk, desk.broker.option_lists())
    return found


def look(desk: Desk, *, asked_again: bool = False) -> Overnight:
    return look_overnight(
        desk, SESSION, CALENDAR.sessions(date(2026, 1, 1), DAY), desk.broker.lists(), asked_again=asked_again
    )


def changed(of: Day, **seen: object) -> Day:
    of.keep(replace(of.exchange, **seen))
    return of


def closed_at(price: float) -> dict[str, Bars]:
    count = sum(1 for one in CALENDAR.known if one.day <= YESTERDAY)
    first = next(iter(CALENDAR.known)).day
    bars = bars_of([float(SPOT)] * (count - 1) + [price], first=first, symbol="SPY", source="yahoo")
    return {"SPY": bars}


def test_an_assigned_put_becomes_shares_at_the_strike_once(tmp_path: Path) -> None:
    one = changed(holding(tmp_path, (P95, -1)), positions={}, shares={"SPY": 100}, cash_usd=Decimal(20_500))
    with one.desk(at=MORNING) as desk:
        found = look(desk)
        assert [(event.kind, event.quantity, event.provisional) for event in found.events] == [
            (EventKind.ASSIGNED, -1, False)
        ]
        assert [problem.exit_code for problem in found.problems] == [ExitCode.DONE]
        assert "+100 SPY at 95" in found.problems[0].text
        lots = [(lot.symbol, lot.shares, lot.entry_price) for lot in held_lots(desk.store)]
        assert lots == [("SPY", 100, Decimal(95))]
        assert look(desk) == Overnight()


def test_one_assigned_leg_of_a_spread_breaks_it_and_a_person_is_told_with_the_numbers(tmp_path: Path) -> None:
    one = holding(tmp_path, (P95, -1), (P90, 1))
    changed(one, positions={P90: 1}, shares={"SPY": 100}, cash_usd=Decimal(20_500))
    with one.desk(at=MORNING) as desk:
        found = look(desk)
        assert [event.kind for event in found.events] == [EventKind.ASSIGNED]
        (lot,) = desk.store.options.book().lots
        assert (lot.contract, lot.broken) == (P90, True)
        assert [problem.exit_code for problem in found.problems] == [ExitCode.DONE, ExitCode.ORDER]
        assert "+100 SPY came of it" in found.problems[1].text
        assert look(desk) == Overnight()


def test_an_option_that_left_without_a_trade_or_shares_is_asked_of_a_person(tmp_path: Path) -> None:
    one = changed(holding(tmp_path, (P95, -1)), positions={})
    with one.desk(at=MORNING) as desk:
        found = look(desk, asked_again=True)
        assert (found.events, found.barred) == ((), {"SPY": UNDECIDED})
        (problem,) = found.problems
        assert problem.exit_code is ExitCode.PERSON
        assert "`mtum reconcile --accept traded SPY260821P00095000 1 PRICE`" in problem.text
        # Nothing was booked: the question stands until it is answered.
        assert look(desk, asked_again=True) == found


def test_an_option_that_ended_far_out_of_the_money_has_expired(tmp_path: Path) -> None:
    one = changed(holding(tmp_path, (ENDED, -1)), positions={})
    with one.desk(at=MORNING, shelf=closed_at(100.0)) as desk:
        (event,) = look(desk).events
        assert (event.kind, event.effective, event.cash_usd) == (EventKind.EXPIRED, YESTERDAY, Decimal(0))
        assert desk.store.options.book().lots == ()


def test_an_option_that_ended_at_the_strike_is_asked_again_before_it_is_booked(tmp_path: Path) -> None:
    one = changed(holding(tmp_path, (ENDED, -1)), positions={})
    with one.desk(at=MORNING, shelf=closed_at(95.2)) as desk:
        first = look(desk)
        assert (first.events, [problem.exit_code for problem in first.problems]) == ((), [ExitCode.DONE])
        assert "10:15" in first.problems[0].text
        second = look(desk, asked_again=True)
        assert [event.kind for event in second.events] == [EventKind.EXPIRED]


def test_an_option_that_left_before_its_shares_are_listed_waits_for_the_second_look(tmp_path: Path) -> None:
    one = changed(holding(tmp_path, (P95, -1)), positions={})
    with one.desk(at=MORNING) as desk:
        first = look(desk)
        # Nothing is traded in it until then, and nobody is called for what may be told in half an hour.
        assert (first.events, first.barred) == ((), {"SPY": UNDECIDED})
        assert [problem.exit_code for problem in first.problems] == [ExitCode.DONE]
        assert "asked again at 10:15" in first.problems[0].text
    changed(one, shares={"SPY": 100})
    with one.desk(at=MORNING) as desk:
        (event,) = look(desk, asked_again=True).events
        assert (event.kind, event.shares) == (EventKind.ASSIGNED, 100)


@pytest.mark.parametrize(
    ("held", "seen", "kind"),
    [
        (P95, {"positions": {}, "shares": {"SPY": 100}, "cash_usd": Decimal(20_500)}, EventKind.ASSIGNED),
        (ENDED, {"positions": {}}, EventKind.EXPIRED),
    ],
    ids=["assigned", "expired"],
)
def test_what_left_before_the_evenings_fills_were_confirmed_is_still_booked(
    tmp_path: Path, held: OptionContract, seen: dict[str, Any], kind: EventKind
) -> None:
    # The program slept over the night: the fills of the day before are confirmed in the morning, before the look.
    one = changed(holding(tmp_path, (held, -1)), **seen)
    with one.desk(at=MORNING, shelf=closed_at(100.0)) as desk:
        assert isinstance(desk.broker, OptionBroker)
        for _ in range(2):
            remember(desk, desk.broker.option_lists())
        found = look(desk)
        assert ([(event.kind, event.provisional) for event in found.events], found.barred) == ([(kind, False)], {})


def test_what_the_owner_holds_on_an_underlying_is_kept_while_ours_is_missing_there(tmp_path: Path) -> None:
    one = holding(tmp_path, (P95, -1))
    own, late = call(120), put(80, underlying="QQQ")
    changed(one, positions={P95: -1, own: 2})
    with one.desk(at=MORNING) as desk:
        assert isinstance(desk.broker, OptionBroker)
        remember(desk, desk.broker.option_lists())
        assert others_seen(desk) == {own: 2}
    changed(one, positions={own: 2, call(125): 1, late: 3})
    with one.desk(at=MORNING) as desk:
        assert isinstance(desk.broker, OptionBroker)
        remember(desk, desk.broker.option_lists())
        assert others_seen(desk) == {own: 2, late: 3}
        assert look(desk, asked_again=True).barred == {"SPY": UNDECIDED}


def test_contracts_of_the_owners_own_are_remembered_and_are_no_question(tmp_path: Path) -> None:
    own = call(120)
    one = Day(tmp_path)
    one.keep(Exchange(positions={own: 2}))
    with one.desk(at=MORNING) as desk:
        assert look(desk) == Overnight()
    changed(one, positions={own: 1}, shares={})
    with one.desk(at=MORNING) as desk:
        assert look(desk) == Overnight()


def test_a_contract_nobody_knows_beside_ours_stops_the_underlying_until_it_is_stated(tmp_path: Path) -> None:
    stranger = call(120)
    one = changed(holding(tmp_path, (P95, -1)), positions={P95: -1, stranger: 2})
    with one.desk(at=MORNING) as desk:
        (problem,) = look(desk, asked_again=True).problems
        assert problem.exit_code is ExitCode.PERSON
        assert "`mtum reconcile --accept external SPY260821C00120000 2`" in problem.text
        desk.store.options.state_external(stranger, 2, MORNING, "stated by a person")
        assert look(desk, asked_again=True) == Overnight()


def test_an_adjusted_contract_in_the_place_of_ours_stops_the_underlying_until_both_are_stated(tmp_path: Path) -> None:
    # A special dividend or a spin-off gives it another class and another number over the night.
    adjusted = replace(P95, con_id=77, trading_class="SPY1")
    one = changed(holding(tmp_path, (P95, -1)), positions={adjusted: -1})
    with one.desk(at=MORNING) as desk:
        found = look(desk, asked_again=True)
        (problem,) = found.problems
        assert (problem.exit_code, found.events, found.barred) == (ExitCode.PERSON, (), {"SPY": UNDECIDED})
        seen = "SPY1 2026-08-21 95 put was 0, is -1; SPY 2026-08-21 95 put was -1, is 0; shares of SPY +0"
        assert seen in problem.text
        assert problem.text.endswith("`mtum reconcile --accept external SPY1260821P00095000 -1`")
        accept(desk, Statement("external", ("SPY1260821P00095000", "-1")))
        (problem,) = look(desk, asked_again=True).problems
        assert "`mtum reconcile --accept traded SPY260821P00095000 1 PRICE`" in problem.text
        accept(desk, Statement("traded", ("SPY260821P00095000", "1", "0.80")))
        assert look(desk, asked_again=True) == Overnight()
        assert desk.store.options.book().lots == ()


def test_an_earlier_order_in_shares_whose_fills_nobody_knows_is_no_assignment(tmp_path: Path) -> None:
    one = changed(holding(tmp_path, (ENDED, -1)), positions={}, shares={"SPY": 100})
    bought = OrderIntent(
        intent_id(ACCOUNT, YESTERDAY, "mtum_confluence", "SPY", Purpose.ENTER),
        ACCOUNT,
        YESTERDAY,
        "mtum_confluence",
        "SPY",
        Purpose.ENTER,
        Side.BUY,
        OrderType.MARKET_ON_CLOSE,
        100,
        SPOT,
        ("test",),
    )
    with one.desk(at=MORNING, shelf=closed_at(95.2)) as desk:
        desk.store.orders.add_intent(bought, MORNING)
        desk.store.orders.claim_order(bought.id, MORNING)
        found = look(desk, asked_again=True)
        # The put may have expired, and the hundred shares be those that were bought.
        assert (found.events, found.barred) == ((), {"SPY": UNDECIDED})
        assert "nobody knows yet what an earlier order in SPY filled" in found.problems[0].text
        assert found.problems[0].exit_code is ExitCode.PERSON


def test_a_purchase_that_may_have_filled_on_the_last_day_is_not_booked_as_an_expiry(tmp_path: Path) -> None:
    one = changed(holding(tmp_path, (ENDED, -1)), positions={})
    closes = replace(planned((Side.BUY, ENDED), purpose=OptionPurpose.CLOSE), session=YESTERDAY)
    with one.desk(at=MORNING, shelf=closed_at(100.0)) as desk:
        desk.store.options.commit_intents([closes], MORNING)
        desk.store.options.claim_attempt(attempt(closes, price="0.10"), MORNING)
        assert look(desk, asked_again=True).barred == {"SPY": UNDECIDED}
        assert desk.store.options.book().contracts() == {ENDED: -1}
