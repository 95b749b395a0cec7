"""Decide what a sleeve trades in options: order of work, halts, and what a strategy may not propose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from mtum.core.decide_options import OptionDecision, OptionSessionRules, chains_wanted, decide_options
from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest, OptionGroup, OptionVerdict, OwnOptions, Proposal
from mtum.core.options.chain import Chain, ReadChain, Row
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import Envelope
from mtum.core.options.legs import OptionPurpose
from mtum.core.options.selecting import Window
from mtum.core.portfolio.decision import Action
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.options.orders import at_work
from mtum.core.portfolio.orders import Side
from mtum.core.record_options import options_frame, options_of
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.view import MarketView
from mtum.errors import StrategyError
from support.option_orders import (
    ACCOUNT,
    BUY,
    DAY,
    NOW,
    RULES,
    SELL,
    SESSION,
    STRATEGY,
    call,
    legs,
    lot,
    net,
    put,
    quoted,
)
from support.values import replace

ROWS = (put(95), put(90), call(105), call(110), put(95, date(2026, 9, 18)), call(105, date(2026, 9, 18)))
SOUND = OptionSessionRules(
    account=ACCOUNT, sleeve=STRATEGY, session=SESSION, deadline=SESSION.before_close(5), gate=RULES
)
VIEW = MarketView(DAY, {}, {}, {})


def chain_of(*contracts: OptionContract, spot: float = 100.0) -> ReadChain:
    quotes = quoted(*contracts)
    rows = tuple(Row(one, quotes[one.con_id], 500) for one in contracts)
    return ReadChain(Chain("SPY", DAY, spot, NOW, 0.04, rows), {}, {}, {})


@dataclass(frozen=True)
class Scripted(OptionStrategy):
    """Proposes what a test tells it."""

    name: ClassVar[str] = "scripted"
    EACH_BY_ITSELF: ClassVar[bool] = True
    said: Any = ()
    asks: Any = ()

    def universe(self) -> tuple[str, ...]:
        return ("SPY",)

    def history_sessions(self) -> int:
        return 1

    def wants(self, view: MarketView, own: OwnOptions) -> Any:
        return self.asks

    def option_verdicts(self, view: MarketView, own: OwnOptions, chains: Mapping[str, ReadChain]) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def verdict(purpose: OptionPurpose, *parts: tuple[Side, OptionContract], **changed: Any) -> OptionVerdict:
    """A sound proposal for 1.15 a put and 0.95 a call; what closes pays it."""
    group = changed.pop("group", "" if purpose is OptionPurpose.OPEN else "g1")
    start = net(changed.pop("start", "-1.15"))
    bounds = Envelope(start, net(str(start + Decimal("0.10"))))
    sound = Proposal(purpose, group, legs(*parts), 1, bounds, Decimal(20_000))
    return OptionVerdict("SPY", group, replace(sound, **changed), (f"why_{purpose.value}",), ())


OPENS = verdict(OptionPurpose.OPEN, (SELL, put(95)))
SHORT_PUT = OptionGroup("g1", "SPY", (lot(put(90), -1),), DAY - timedelta(30))
CASH = OwnOptions(equity=Decimal(30_000), free_cash=Decimal(30_000))


def decided(
    *said: OptionVerdict, own: OwnOptions = CASH, chain: ReadChain | None = None, **rules: Any
) -> OptionDecision:
    return decide_options(VIEW, Scripted(said), own, {"SPY": chain or chain_of(*ROWS)}, replace(SOUND, **rules))


def test_a_sound_put_becomes_an_order_with_the_group_of_its_underlying_and_session() -> None:
    found = decided(OPENS)
    (intent,) = found.intents
    assert found.notes == ()
    assert (intent.group, intent.quantity, intent.strategy, intent.spot) == ("SPY-260710", 1, STRATEGY, Decimal(100))
    assert (intent.deadline, intent.envelope) == (SESSION.before_close(5), Envelope(net("-1.15"), net("-1.05")))
    assert found.action(CASH) is Action.ENTER
    assert found.reasons == ("why_open",)


def test_an_order_on_the_vix_keeps_the_index_and_not_the_future_its_options_are_priced_on() -> None:
    bought = call(30, underlying="VIX")
    chain = ReadChain(
        Chain("VIX", DAY, 22.5, NOW, 0.04, (Row(bought, quoted(bought)[bought.con_id], 500),)), {}, {}, {}
    )
    opens = verdict(OptionPurpose.OPEN, (BUY, bought), start="0.95")
    view = MarketView(DAY, {}, {"VIX": 30.11}, {})
    found = decide_options(view, Scripted((replace(opens, underlying="VIX"),)), CASH, {"VIX": chain}, SOUND)
    assert [intent.spot for intent in found.intents] == [Decimal("30.11")]


def test_closings_come_before_rolls_and_rolls_before_openings() -> None:
    september = date(2026, 9, 18)
    own = OwnOptions(
        groups=(
            SHORT_PUT,
            OptionGroup("g2", "SPY", (lot(call(105), -1, group="g2"),), DAY - timedelta(30)),
        ),
        free_cash=Decimal(30_000),
        shares={"SPY": 100},
    )
    closes = verdict(OptionPurpose.CLOSE, (BUY, put(90)), start="0.45")
    rolls = verdict(OptionPurpose.ROLL, (BUY, call(105)), (SELL, call(105, september)), group="g2", start="0")
    found = decided(OPENS, rolls, closes, own=own)
    assert found.notes == ()
    assert [one.purpose.value for one in found.intents] == ["close", "roll", "open"]
    assert [one.group for one in found.intents] == ["g1", "g2", "SPY-260710"]


def test_a_second_opening_of_an_underlying_is_not_made_in_the_same_session() -> None:
    second = verdict(OptionPurpose.OPEN, (SELL, put(90)), start="-0.45")
    found = decided(OPENS, second)
    assert [one.legs for one in found.intents] == [OPENS.proposal.legs if OPENS.proposal else ()]
    assert [(one.purpose, one.reason) for one in found.notes] == [("open", "one_opening")]


def test_of_an_opening_no_more_is_ordered_than_one_order_may_have() -> None:
    wanted = verdict(OptionPurpose.OPEN, (BUY, put(95)), start="1.15", quantity=29, most_loss_usd=Decimal(3_625))
    found = decided(wanted)
    (intent,) = found.intents
    # 125 USD each.
    assert (intent.quantity, intent.most_loss_usd) == (5, Decimal(625))
    assert [(one.reason, one.text) for one in found.notes] == [
        ("max_contracts", "29 are wanted, 5 are the most in one order")
    ]


NAKED = verdict(OptionPurpose.OPEN, (SELL, call(105)), start="-0.95")
MINI = replace(put(95), multiplier=10)
ADJUSTED = replace(put(95), con_id=77, trading_class="SPY1")
CROSSING = verdict(OptionPurpose.OPEN, (SELL, put(95)), (BUY, put(95)), start="0")


@pytest.mark.parametrize(
    ("proposed", "clause"),
    [
        (NAKED, "uncovered_calls"),
        (verdict(OptionPurpose.OPEN, (SELL, MINI)), "contract"),
        (verdict(OptionPurpose.OPEN, (SELL, replace(MINI, con_id=78))), "listing"),
        (verdict(OptionPurpose.OPEN, (SELL, ADJUSTED)), "listing"),
        (verdict(OptionPurpose.OPEN, (SELL, put(95)), quantity=0), "quantity"),
        (verdict(OptionPurpose.OPEN, (SELL, put(95)), quantity=-1), "quantity"),
        (verdict(OptionPurpose.OPEN), "legs"),
        (CROSSING, "legs"),
        (verdict(OptionPurpose.OPEN, (SELL, put(95)), quantity=4), "cash"),
        (verdict(OptionPurpose.OPEN, (SELL, put(80))), "contract"),
        (verdict(OptionPurpose.OPEN, (SELL, put(95)), most_loss_usd=Decimal(100)), "loss"),
        (verdict(OptionPurpose.OPEN, (SELL, put(95)), start="-1.25"), "market"),
        (verdict(OptionPurpose.CLOSE, (BUY, put(95)), start="1.15"), "own"),
        (verdict(OptionPurpose.CLOSE, (BUY, put(90)), start="0.45", group="g9"), "no_such_group"),
        (verdict(OptionPurpose.OPEN, (SELL, put(95)), group="g1"), "no_such_group"),
        (verdict(OptionPurpose.CLOSE, (SELL, put(90)), start="-0.45"), "own"),
    ],
)
def test_what_a_misbehaving_strategy_asks_for_is_refused_with_the_clause_that_forbids_it(
    proposed: OptionVerdict, clause: str
) -> None:
    # 20,000 USD free: the put at 90 pins 9,000, another at 95 9,500.
    own = OwnOptions(groups=(SHORT_PUT,), equity=Decimal(30_000), free_cash=Decimal(21_000))
    listed = chain_of(*ROWS, replace(MINI, con_id=78), ADJUSTED)
    found = decided(proposed, own=own, chain=listed)
    assert found.intents == ()
    assert [one.reason for one in found.notes] == [clause]


def test_cash_that_an_accepted_order_pins_is_gone_for_the_next() -> None:
    other = replace(put(90), underlying="QQQ", con_id=90, trading_class="QQQ")
    second = replace(verdict(OptionPurpose.OPEN, (SELL, other), start="-0.45"), underlying="QQQ")
    qqq = replace(chain_of(other), chain=replace(chain_of(other).chain, underlying="QQQ"))
    chains = {"SPY": chain_of(*ROWS), "QQQ": qqq}
    for free, expected in ((Decimal("18500.70"), 2), (Decimal("18500.60"), 1)):
        # 9,500 and 9,000 USD of strikes, 0.70 USD of fees of the second.
        own = OwnOptions(free_cash=free)
        found = decide_options(VIEW, Scripted((OPENS, second)), own, chains, SOUND)
        assert len(found.intents) == expected, free


def test_a_call_is_sold_against_own_shares_and_not_against_those_of_another_sleeve() -> None:
    theirs = (lot(call(110), -1, strategy="other", group="x1"),)
    assert decided(NAKED, own=replace(CASH, shares={"SPY": 100}), lots=theirs).notes == ()
    assert [one.reason for one in decided(NAKED, own=CASH, lots=theirs).notes] == ["uncovered_calls"]


def test_nothing_crosses_what_another_sleeve_decided_in_the_session() -> None:
    first = decided(OPENS)
    buys = verdict(OptionPurpose.OPEN, (BUY, put(95)), start="1.15")
    found = decided(buys, sleeve="other", working=at_work(first.intents))
    assert [one.reason for one in found.notes] == ["collision"]


def test_a_full_halt_sends_nothing_and_names_every_short_option_that_is_near() -> None:
    soon = date(2026, 7, 15)
    own = OwnOptions(
        groups=(
            OptionGroup("g1", "SPY", (lot(put(95, soon), -2),), DAY),
            OptionGroup("g2", "SPY", (lot(put(90), -1, group="g2"), lot(put(95), 1, group="g2")), DAY),
            OptionGroup("g3", "SPY", (lot(put(110), -1, group="g3"),), DAY),
            OptionGroup("g4", "SPY", (lot(call(98, soon), -1, group="g4"),), DAY),
        ),
    )
    closes = verdict(OptionPurpose.CLOSE, (BUY, put(95, soon)), start="1.15")
    found = decided(closes, own=own, restriction=Restriction.FULL)
    assert found.intents == ()
    assert [one.reason for one in found.notes] == ["halted"]
    assert found.alarms == (
        "2 short SPY 2026-07-15 95 put (g1): 5 days left",
        "1 short SPY 2026-08-21 110 put (g3): 10.00 USD in the money at 100.00",
        "1 short SPY 2026-07-15 98 call (g4): 5 days left, 2.00 USD in the money at 100.00",
    )


def test_reduce_only_closes_and_neither_opens_nor_rolls() -> None:
    own = OwnOptions(groups=(SHORT_PUT,), free_cash=Decimal(30_000))
    rolls = verdict(OptionPurpose.ROLL, (BUY, put(90)), (SELL, put(95)), start="-0.70")
    for said, done, reasons in (
        (OPENS, 0, ["halted"]),
        (rolls, 0, ["halted"]),
        (verdict(OptionPurpose.CLOSE, (BUY, put(90)), start="0.45"), 1, []),
    ):
        found = decided(said, own=own, restriction=Restriction.REDUCE_ONLY)
        assert (len(found.intents), [one.reason for one in found.notes]) == (done, reasons)


@pytest.mark.parametrize("place", ["entry_bar", "barred", "closed"])
def test_what_bars_entries_bars_openings_with_its_reason(place: str) -> None:
    changed: dict[str, Any] = {place: "daily_loss" if place == "entry_bar" else {"SPY": "daily_loss"}}
    found = decided(OPENS, **changed)
    assert [one.reason for one in found.notes] == ["daily_loss"]
    assert found.intents == ()


def test_a_closed_underlying_is_bought_back_to_the_far_side_whatever_its_strategy_says() -> None:
    condor = (lot(put(90), 2), lot(put(95), -2), lot(call(105), -2), lot(call(110), 2))
    own = OwnOptions(groups=(OptionGroup("g1", "SPY", condor, DAY),))
    keeps = OptionVerdict("SPY", "g1", None, ("hold",), ())
    found = decided(keeps, own=own, closed={"SPY": "flatten"})
    (intent,) = found.intents
    assert found.verdicts == (OptionVerdict("SPY", "g1", found.verdicts[0].proposal, ("flatten",), ()),)
    assert intent.quantity == 2
    assert [(leg.side, leg.contract.strike) for leg in intent.legs] == [
        (BUY, Decimal(95)), (BUY, Decimal(105)), (SELL, Decimal(90)), (SELL, Decimal(110)),
    ]  # fmt: skip
    # 1.15 + 0.95 for the shorts less twice 0.45 for the wings.
    assert intent.envelope == Envelope(net("1.20"), None, to_far_side=True)
    assert found.action(own) is Action.EXIT


def test_a_broken_group_is_closed_leg_by_leg_the_shorts_first_while_nothing_is_opened() -> None:
    left = tuple(replace(one, broken=True) for one in (lot(put(90), 1), lot(call(105), -1), lot(call(110), 1)))
    own = OwnOptions(
        groups=(
            OptionGroup("g1!260710", "SPY", tuple(replace(one, group="g1!260710") for one in left), DAY, broken=True),
        )
    )
    found = decided(own=own, restriction=Restriction.REDUCE_ONLY)
    assert found.notes == ()
    assert [(one.legs[0].side, one.legs[0].contract.strike) for one in found.intents] == [
        (BUY, Decimal(105)), (SELL, Decimal(90)), (SELL, Decimal(110)),
    ]  # fmt: skip
    assert {one.reasons for one in found.intents} == {("broken_group",)}


def test_two_groups_in_one_contract_are_closed_one_a_session() -> None:
    # An order is known by its legs: a second one would be taken for the first, and never sent.
    groups = tuple(OptionGroup(name, "SPY", (lot(put(90), -1, group=name),), DAY) for name in ("g1", "g2"))
    found = decided(own=OwnOptions(groups=groups), closed={"SPY": "flatten"})
    assert [one.group for one in found.intents] == ["g1"]
    assert [(one.group, one.reason) for one in found.notes] == [("g2", "same_order")]


def test_what_is_held_is_closed_without_a_quote_from_what_exercise_would_be_worth() -> None:
    own = OwnOptions(groups=(OptionGroup("g1", "SPY", (lot(put(120), -1),), DAY),))
    found = decided(own=own, closed={"SPY": "flatten"})
    assert [one.envelope.start for one in found.intents] == [Decimal(20)]


def test_nothing_is_traded_where_nobody_knows_what_became_of_an_order() -> None:
    own = OwnOptions(groups=(SHORT_PUT,))
    found = decided(OPENS, own=own, closed={"SPY": "flatten"}, exits_barred={"SPY": "unresolved"})
    assert found.intents == ()
    assert {one.reason for one in found.notes} == {"unresolved"}


NO_NUMBER: Any = {"iv_rank": "high"}


@pytest.mark.parametrize(
    "said",
    [
        ZeroDivisionError("division by zero"),
        ("nonsense",),
        (replace(OPENS, reasons=()),),
        (verdict(OptionPurpose.OPEN, (SELL, put(95)), quantity=1.0),),
        (verdict(OptionPurpose.OPEN, (SELL, put(95)), most_loss_usd=Decimal("NaN")),),
        (replace(OPENS, indicators=NO_NUMBER),),
    ],
)
def test_an_answer_that_is_no_verdict_is_the_strategys_error(said: Any) -> None:
    with pytest.raises(StrategyError, match="scripted at 2026-07-10"):
        decide_options(VIEW, Scripted(said), CASH, {}, SOUND)


def test_what_is_held_is_asked_for_beside_what_the_strategy_wants() -> None:
    own = OwnOptions(groups=(SHORT_PUT, OptionGroup("g2", "QQQ", (lot(put(95), -1),), DAY)))
    wanted = ChainRequest("SPY", Window(30, 60, 45), frozenset({Right.PUT}), (0.1, 0.5))
    assert chains_wanted(VIEW, Scripted(asks=(wanted,)), own) == (
        replace(wanted, held=(put(90),)),
        ChainRequest("QQQ", Window(0, 0, 0), frozenset(), (0.0, 0.0), (put(95),)),
    )


def test_a_frame_gives_back_what_was_decided_on_to_the_last_bit() -> None:
    own = OwnOptions(groups=(SHORT_PUT,), equity=Decimal("30000.10"), shares={"SPY": 100}, last_opened={"SPY": DAY})
    rules = replace(SOUND, lots=(lot(call(110), -1, strategy="other"),), working=at_work(decided(OPENS).intents))
    chain = chain_of(*ROWS).chain
    chain = replace(chain, rows=(*chain.rows, Row(put(85), replace(chain.rows[0].quote, bid=None, at=None), None)))
    stored = options_frame(own, {"SPY": chain}, rules, "model", model_priced=True)
    assert options_of(stored, DAY) == (own, {"SPY": chain}, rules)


def test_two_groups_never_trade_the_same_legs_in_one_session() -> None:
    # An order is known by its legs: the second one would be the first one again.
    september = put(95, date(2026, 9, 18))
    groups = tuple(
        OptionGroup(name, "SPY", (lot(put(90), -1, group=name),), DAY - timedelta(30)) for name in ("g1", "g2")
    )
    own = OwnOptions(groups=groups, free_cash=Decimal(30_000))
    legs = ((BUY, put(90)), (SELL, september))
    first, second = (verdict(OptionPurpose.ROLL, *legs, group=name, start="-0.70") for name in ("g1", "g2"))
    found = decided(first, second, own=own)
    assert [(one.group, one.reason) for one in found.notes] == [("g2", "same_order")]
    assert [one.group for one in found.intents] == ["g1"]


def test_what_only_the_cash_fund_can_pay_waits_and_what_closes_does_not() -> None:
    own = replace(CASH, groups=(SHORT_PUT,))
    closes = verdict(OptionPurpose.CLOSE, (BUY, put(90)), start="0.45")
    # The put pins 9,500 and its fee; the purchase may take 55 and a fee of what is there first.
    fee = SOUND.gate.fee_usd
    there = Decimal(9_555) + 2 * fee
    found = decided(OPENS, closes, own=own, there_usd=there)
    assert [one.purpose.value for one in found.intents] == ["close", "open"]
    assert found.waiting_usd == 0
    found = decided(OPENS, closes, own=own, there_usd=there - Decimal("0.01"))
    assert [one.purpose.value for one in found.intents] == ["close"]
    assert [(one.purpose, one.reason) for one in found.notes] == [("open", "cash_in_fund")]
    assert found.waiting_usd == 9_500 + fee
    found = decided(OPENS, closes, own=own, there_usd=Decimal(0))
    assert [one.purpose.value for one in found.intents] == ["close"]
