"""What became of options overnight: each row of the table by hand, and a question wherever a doubt is left."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.options.contracts import Delivery, OptionContract
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.options.life_cycle import Doubt, Morning, Night, inferred
from mtum.core.portfolio.options.lots import Book, happened
from support.option_orders import ACCOUNT, call, lot, put
from support.values import replace

FRIDAY, MONDAY = date(2026, 8, 21), date(2026, 8, 24)  # the last day of every contract here, and the morning after
BEFORE = date(2026, 8, 12)


def morning(
    *lots: OptionLot, close: str | None = "100", moved: int = 0, day: date = MONDAY, **changed: object
) -> Morning:
    """All that was ours is gone; so many shares came."""
    closes = {} if close is None else {(name, FRIDAY): Decimal(close) for name in ("SPY", "XSP")}
    sound = Morning(ACCOUNT, day, lots, {}, {"SPY": 500}, {"SPY": 500 + moved}, closes=closes)
    return replace(sound, **changed)


def told(night: Night) -> list[tuple[str, int, str]]:
    assert not night.questions
    return [(one.kind.value, one.quantity, str(one.price)) for one in night.events]


def doubts(night: Night) -> list[Doubt]:
    assert not night.events
    return [one.doubt for one in night.questions]


@pytest.mark.parametrize(
    ("one", "quantity", "moved", "kind", "strike"),
    [
        (put(105), -1, 100, "assigned", "105"),
        (call(95), -2, -200, "assigned", "95"),
        (call(95), 1, 100, "exercised", "95"),
        (put(105), 1, -100, "exercised", "105"),
    ],
)
def test_shares_that_fit_are_an_assignment_or_an_exercise(
    one: OptionContract, quantity: int, moved: int, kind: str, strike: str
) -> None:
    ended = inferred(morning(lot(one, quantity), moved=moved))
    assert told(ended) == [(kind, quantity, strike)]
    assert [event.effective for event in ended.events] == [FRIDAY]
    early = inferred(morning(lot(one, quantity), moved=moved, day=BEFORE))
    assert told(early) == [(kind, quantity, strike)]
    assert [event.effective for event in early.events] == [BEFORE]


def test_a_part_that_was_assigned_leaves_the_rest() -> None:
    night = inferred(morning(lot(put(105), -3), moved=100, day=BEFORE, positions={put(105): -2}))
    assert told(night) == [("assigned", -1, "105")]
    assert night.events[0].evidence == ("SPY 2026-08-21 105 put was -3, is -2", "shares of SPY +100")
    assert night.events[0].key == f"{ACCOUNT}:{put(105).con_id}:assigned:2026-08-12:-3"


def test_out_of_the_money_by_more_than_half_a_percent_it_expired() -> None:
    assert told(inferred(morning(lot(put(95), -2), lot(call(105), 1)))) == [("expired", -2, "0"), ("expired", 1, "0")]
    assert told(inferred(morning(lot(put(100), -1), close="100.51"))) == [("expired", -1, "0")]


def test_a_condor_that_ends_between_its_shorts_expired_as_a_whole() -> None:
    condor = morning(lot(put(90), 2), lot(put(95), -2), lot(call(105), -2), lot(call(110), 2))
    assert [one.kind.value for one in inferred(condor).events] == ["expired"] * 4


def test_near_the_strike_the_broker_is_asked_again_and_then_believed() -> None:
    near = morning(lot(put(100), -1), close="100.50")
    assert doubts(inferred(near)) == [Doubt.UNDECIDED]
    assert told(inferred(replace(near, asked_again=True))) == [("expired", -1, "0")]
    assert told(inferred(morning(lot(put(100), -1), close="100.50", moved=100))) == [("assigned", -1, "100")]


def test_a_holder_may_exercise_out_of_the_money_on_the_news_of_the_evening() -> None:
    assert told(inferred(morning(lot(put(95), -2), moved=100))) == [("assigned", -1, "95"), ("expired", -1, "0")]


def test_both_legs_of_a_spread_in_the_money_need_the_cash_of_its_width() -> None:
    spread = morning(lot(put(110), -1), lot(put(105), 1), cash_change_usd=Decimal(-500))
    assert told(inferred(spread)) == [("exercised", 1, "105"), ("assigned", -1, "110")]
    assert told(inferred(replace(spread, cash_change_usd=Decimal("-501")))) != []
    assert doubts(inferred(replace(spread, cash_change_usd=Decimal("-501.01")))) == [Doubt.UNEXPLAINED]
    assert doubts(inferred(replace(spread, cash_change_usd=None))) == [Doubt.UNEXPLAINED]


def test_a_spread_between_whose_strikes_it_closed_is_assigned_and_expires() -> None:
    assert told(inferred(morning(lot(put(105), -1), lot(put(95), 1), moved=100))) == [
        ("expired", 1, "0"),
        ("assigned", -1, "105"),
    ]


def test_what_settles_in_cash_stays_provisional_until_the_cash_agrees() -> None:
    index = morning(lot(put(105, underlying="XSP"), -2))
    assert told(inferred(index)) == [("cash_settled", -2, "5")]
    assert inferred(index).events[0].provisional
    agreed = inferred(replace(index, cash_change_usd=Decimal("-999.50")))
    assert not agreed.events[0].provisional
    assert inferred(replace(index, cash_change_usd=Decimal("-998.99"))).events[0].provisional
    value = replace(index, settlements={put(105, underlying="XSP").con_id: Decimal("101.25")})
    assert told(inferred(value)) == [("cash_settled", -2, "3.75")]
    assert told(inferred(morning(lot(call(105, underlying="XSP"), 1)))) == [("cash_settled", 1, "0")]


def test_what_settles_in_the_morning_needs_its_own_settlement() -> None:
    vix = replace(call(20, underlying="XSP"), settles=MONDAY, delivery=Delivery.CASH_AM)
    untold = inferred(morning(lot(vix, 1), lot(put(95, underlying="XSP"), -1)))
    # What is not told is awaited, and holds nothing else of the underlying up.
    assert (told(untold), untold.awaiting) == ([("cash_settled", -1, "0")], (vix,))
    known = inferred(morning(lot(vix, 1), settlements={vix.con_id: Decimal("32.5")}))
    assert (told(known), known.awaiting) == ([("cash_settled", 1, "12.5")], ())
    assert [one.effective for one in known.events] == [MONDAY]
    assert inferred(morning(lot(vix, 1), positions={vix: 1})) == Night()
    later = replace(vix, settles=date(2026, 8, 25))
    assert doubts(inferred(morning(lot(later, 1)))) == [Doubt.TRADED]


def test_gone_before_its_last_day_without_shares_somebody_traded_it() -> None:
    assert doubts(inferred(morning(lot(put(95), -1), day=BEFORE))) == [Doubt.TRADED]
    assert doubts(inferred(morning(lot(put(95), -1), day=FRIDAY))) == [Doubt.TRADED]
    assert doubts(inferred(morning(lot(put(95, underlying="XSP"), -1), day=BEFORE))) == [Doubt.TRADED]
    assert doubts(inferred(morning(lot(put(95), -1), positions={put(95): -2}))) == [Doubt.TRADED]
    assert doubts(inferred(morning(lot(put(95), -1), positions={put(95): 1}))) == [Doubt.TRADED]


def test_a_contract_that_is_not_known_halts_the_symbol() -> None:
    changed = replace(put(95), multiplier=10, trading_class="SPY1")
    for strange in (put(96), changed):
        night = inferred(morning(lot(put(95), -1), positions={strange: -1}, day=BEFORE))
        assert doubts(night) == [Doubt.ADJUSTED]
        assert night.questions[0].contracts == (strange,)
    assert inferred(morning(positions={put(96): -1})) == Night()


@pytest.mark.parametrize(
    "found",
    [
        morning(lot(put(95), -1), lot(put(96), -1), moved=100, day=BEFORE),
        morning(lot(put(95), -1), lot(call(105), -1), day=BEFORE),
        morning(lot(put(100), -1), lot(put("99.5"), 1), close="99.75", asked_again=True),
        morning(lot(put(105), -1), moved=100, unexplained={"SPY": 100}),
        morning(lot(put(105), -1), moved=150),
        morning(lot(put(105), -1), foreign={put(105): -1}, positions={put(105): -1}, moved=100, day=BEFORE),
        morning(lot(put(95), -1), foreign={put(95): -1}, moved=100),
    ],
    ids=["which put", "put and call", "near spread", "somebody bought", "odd shares", "whose", "whose part"],
)
def test_numbers_that_fit_two_explanations_are_a_question(found: Morning) -> None:
    assert doubts(inferred(found)) == [Doubt.AMBIGUOUS]


@pytest.mark.parametrize(
    "found",
    [
        morning(lot(put(105), -1)),
        morning(lot(call(95), 1)),
        morning(lot(put(105), -1), moved=-100),
        morning(lot(call(105), 1), moved=100),
    ],
    ids=["no shares for a put", "no shares for a call", "the wrong way", "exercised at a loss"],
)
def test_numbers_that_fit_none_are_a_question(found: Morning) -> None:
    assert doubts(inferred(found)) == [Doubt.UNEXPLAINED]


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        (morning(lot(put(105), -1)), True),
        (morning(lot(put(95), -1), close=None), True),
        (morning(lot(put(95), -1), day=BEFORE), True),
        (morning(lot(put(95), -1), unresolved={"SPY"}), True),
        (morning(lot(put(110), -1), lot(put(105), 1)), True),
        (morning(lot(put(95), -1), positions={put(95): -1, put(96): -1}), False),
        (morning(lot(put(95), -1), positions={put(95): -2}), False),
        (morning(lot(put(105), -1), moved=100, unexplained={"SPY": 100}), False),
        (morning(lot(put(95), -1), lot(put(96), -1), moved=100, day=BEFORE), False),
    ],
    ids=["shares", "price", "early", "order", "cash", "stranger", "grown", "bought", "which put"],
)
def test_what_may_only_not_be_told_yet_waits_for_the_second_look(found: Morning, waits: bool) -> None:
    assert [one.waits for one in inferred(found).questions] == [waits]
    assert not any(one.waits for one in inferred(replace(found, asked_again=True)).questions)


def test_a_missing_close_decides_nothing() -> None:
    night = inferred(morning(lot(put(95), -1), close=None))
    assert doubts(night) == [Doubt.UNDECIDED]
    assert night.questions[0].text == (
        "the price that decides is missing: SPY 2026-08-21 95 put was -1, is 0; shares of SPY +0"
    )


def test_what_others_hold_ends_with_ours_and_only_ours_is_booked() -> None:
    assert told(inferred(morning(lot(put(105), -1), foreign={put(105): -2}, moved=300))) == [("assigned", -1, "105")]
    assert inferred(morning(foreign={put(105): -2}, moved=200)) == Night()


def test_a_second_look_finds_nothing_more() -> None:
    found = morning(lot(put(105), -3), moved=100, day=BEFORE, positions={put(105): -2})
    events = inferred(found).events
    assert inferred(found).events == events
    after = happened(Book(found.lots), events)
    assert inferred(replace(found, lots=after.lots, shares_before=found.shares)) == Night()


def test_one_underlying_in_doubt_does_not_hold_up_another() -> None:
    night = inferred(morning(lot(put(105), -1), lot(put(95, underlying="XSP"), -1)))
    assert [one.doubt for one in night.questions] == [Doubt.UNEXPLAINED]
    assert [one.contract.underlying for one in night.events] == ["XSP"]
