"""A call on the VIX over the week in which it ends: settled by opening prices that a person states."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mtum import config
from mtum.app.desk import Desk
from mtum.app.ledger.gate_records import gate_records
from mtum.app.ledger.option_worth import options_at
from mtum.app.options.decide_sleeve import OptionSleeve, gather_chains
from mtum.app.options.overnight import Overnight, look_overnight, others_seen, remember
from mtum.app.owner.option_statements import state_ended
from mtum.app.owner.statement import Statement
from mtum.core.options.asking import ChainRequest, OptionGroup, OwnOptions
from mtum.core.options.contracts import Delivery
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.options.lots import EventKind
from mtum.core.portfolio.options.own import groups_in, still_held
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.reporting.option_groups import group_line
from mtum.core.strategies.vix_hedge import VixHedge
from mtum.core.view import MarketView
from mtum.errors import ExitCode, UsageError
from mtum.ports.options import OptionBroker
from support.desks import ShelfSource
from support.option_days import CALENDAR, Day
from support.option_orders import STRATEGY, call
from support.option_store import AT, attempt, leg_fill, planned
from support.small_option_exchange import Exchange
from support.store import opened
from support.values import replace

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 7, day) for day in (20, 21, 22, 23))
VIX = replace(call(20, TUESDAY, underlying="VIX"), settles=WEDNESDAY, delivery=Delivery.CASH_AM)
LATER = date(2026, 8, 18)
NAME = "VIX260721C00020000"
CLOSES = {MONDAY: 22.0, TUESDAY: 24.5, WEDNESDAY: 31.0}
D = Decimal


@contextmanager
def morning(of: Day, day: date, mode: str = "paper") -> Iterator[Desk]:
    """The desk of a session, before anything was asked of a source."""
    session = next(one for one in CALENDAR.known if one.day == day)
    source = ShelfSource({}, closes={on: points for on, points in CLOSES.items() if on < day})
    with of.desk(at=session.open) as desk:
        settings = config.load(None, {}, {"mode": mode, "market.source": "yahoo", "broker.account": desk.account})
        yield replace(desk, source=source, settings=settings)


def look(desk: Desk) -> Overnight:
    day = desk.clock.now().date()
    session = next(one for one in CALENDAR.known if one.day == day)
    sessions = CALENDAR.sessions(date(2026, 1, 1), day)
    return look_overnight(desk, session, sessions, desk.broker.lists(), asked_again=True)


@pytest.fixture
def held(tmp_path: Path) -> Day:
    """Two calls bought on Monday at 3, listed at the broker on Tuesday."""
    found = Day(tmp_path)
    found.keep(Exchange(positions={VIX: 2}))
    one = replace(planned((Side.BUY, VIX), underlying="VIX", quantity=2), session=MONDAY)
    with closing(opened(tmp_path)) as store:
        store.options.commit_intents([one], AT)
        store.options.record_fills([replace(leg_fill(one, "e.01", VIX, 2, "3.00"), session=MONDAY)])
    with morning(found, TUESDAY) as desk:
        assert isinstance(desk.broker, OptionBroker)
        remember(desk, desk.broker.option_lists())
        desk.store.options.record_marks(TUESDAY, {VIX: D("4.80")}, "quotes", desk.clock.now())
        assert look(desk) == Overnight()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchful(VixHedge):
    """Keeps which groups it is asked to decide on."""

    seen: list[tuple[OptionGroup, ...]] = field(default_factory=list)

    def wants(self, view: MarketView, own: OwnOptions) -> tuple[ChainRequest, ...]:
        self.seen.append(own.groups)
        return ()


def groups_decided_on(desk: Desk, day: date) -> tuple[OptionGroup, ...]:
    watchful, rules = Watchful(), PortfolioRules(SizingRules(1.0, 1e9, 0.0, PercentCosts(D(0))), LossRules(None))
    sleeve = Sleeve(STRATEGY, watchful, 1.0, SleeveState.ON, 0.0, "", rules)
    nothing = cast(Any, SimpleNamespace(lots=(), available_usd=D(0)))
    session = next(one for one in CALENDAR.known if one.day == day)
    of = OptionSleeve(sleeve, MarketView(day, {}, {}, {}), nothing, nothing)
    found = gather_chains(desk, session, of, desk.store.options.book(), session.open, {})
    assert found.failed is None
    return watchful.seen[0]


def gone(of: Day, paid: int) -> None:
    of.keep(replace(of.exchange, positions={}, cash_usd=of.exchange.cash_usd + paid))


def test_a_settlement_that_nobody_tells_is_awaited_counted_and_in_no_ones_way(held: Day) -> None:
    with morning(held, WEDNESDAY) as desk:
        # The broker lists it until the settlement is worked out.
        assert look(desk) == Overnight()
    gone(held, 2_704)
    with morning(held, THURSDAY) as desk:
        for _ in range(2):
            found = look(desk)
            assert (found.events, found.barred) == ((), {})
            (problem,) = found.problems
            assert problem.exit_code is ExitCode.PERSON
            assert problem.text == (
                "VIX: 2 contracts of VIX 2026-07-21 20 call awaiting the settlement of 2026-07-22, and counted at "
                "4.5 USD a share, by the close of 24.5 before; state what a share was paid (0 for nothing): "
                f"`mtum reconcile --accept settled {NAME} 2 PRICE`"
            )
            # It is nobody else's, and no call that somebody sold.
            assert others_seen(desk) == {}
        lots = desk.store.options.book().lots
        assert still_held(lots, {}, THURSDAY) == ()
        order = attempt(replace(planned((Side.BUY, call(25, LATER, "VIX")), underlying="VIX"), session=THURSDAY))
        lists = desk.broker.option_lists()  # type: ignore[attr-defined]  # it trades options too
        assert gate_records(desk.store, desk.settings, order, lists, lambda _, __: None).lots == ()
        assert groups_decided_on(desk, THURSDAY) == ()
        assert len(groups_decided_on(desk, TUESDAY)) == 1
        assert still_held(lots, {VIX: 2}, THURSDAY) == still_held(lots, {}, TUESDAY) == lots
        source = desk.source.name
        assert options_at(desk.store, source, STRATEGY, TUESDAY) == (D(960), True)
        assert options_at(desk.store, source, STRATEGY, THURSDAY) == (D(900), False)
        marks = {one: price for one, (price, _) in desk.store.options.marks(THURSDAY).items()}
        (group,) = groups_in(desk.store.options.book())
        line = group_line(STRATEGY, group, THURSDAY, None, marks, ())
        assert line.next is not None
        assert (line.worth_usd, line.days, line.next.name) == (D(900), -2, "awaiting_settlement")
        assert line.next.text.startswith(f"awaiting the settlement of {VIX.words} of 2026-07-22, counted at 4.5 USD")
        assert group_line(STRATEGY, group, TUESDAY, None, marks, ()).next is None


def test_what_it_was_paid_is_stated_and_booked_on_the_day_that_settled_it(held: Day) -> None:
    def state(desk: Desk, *words: str) -> str:
        return state_ended(desk, Statement("settled", words), desk.clock.now().date())

    with morning(held, WEDNESDAY) as desk, pytest.raises(UsageError, match="none can have ended, not 2"):
        state(desk, NAME, "2", "13.52")
    gone(held, 2_704)
    with morning(held, THURSDAY) as desk:
        look(desk)
        with pytest.raises(UsageError, match="181 USD per share is no price"):
            state(desk, NAME, "2", "181")  # nine times the strike are 180
        told = state(desk, NAME, "2", "13.52")
        assert told == f"2 {VIX.words} settled on {WEDNESDAY}, +2704.00 USD, that is VIX settled at 33.52"
        (event,) = desk.store.options.events()
        assert (event.kind, event.effective, event.provisional) == (EventKind.CASH_SETTLED, WEDNESDAY, False)
        # 600 and a fee of 0.70 paid for them on Monday.
        assert desk.store.books.cash(STRATEGY) == D("2103.30")
        assert desk.store.options.book(day=TUESDAY).contracts() == {VIX: 2}
        assert options_at(desk.store, desk.source.name, STRATEGY, WEDNESDAY) == (D(0), True)
        # The cash that came is explained by it: the next look starts from nothing else.
        assert look(desk) == Overnight()
        assert others_seen(desk) == {}


def test_in_practice_the_close_before_settles_it_on_its_day(held: Day) -> None:
    gone(held, 900)
    with morning(held, WEDNESDAY, mode="practice") as desk:
        (event,) = look(desk).events
        assert (event.effective, event.price, event.provisional) == (WEDNESDAY, D("4.5"), False)
