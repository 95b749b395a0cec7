"""Members vote on virtual positions of their own; every number by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

import pytest

from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import (
    Abstain,
    Holding,
    Keep,
    Memory,
    Own,
    Price,
    Shares,
    Strategy,
    SymbolVerdict,
    Target,
    Verdict,
)
from mtum.core.strategies.ensemble import Ensemble, Member, Vote
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.core.view import MarketView
from support.bars import bars_of, weekdays
from support.values import replace

DAYS = tuple(weekdays(date(2024, 1, 1), 10))


@dataclass(frozen=True, slots=True)
class Says(Strategy):
    """Says of each symbol what it was told to; `heard` keeps what it was told of itself."""

    name: ClassVar[str] = "says"
    EACH_BY_ITSELF: ClassVar[bool] = True

    says: Mapping[str, Verdict] = field(default_factory=dict)
    keeps: Mapping[str, float] = field(default_factory=dict)
    recalls: Mapping[str, float | str | None] = field(default_factory=dict)
    heard: list[Own] = field(default_factory=list)

    def universe(self) -> tuple[str, ...]:
        return tuple(self.says)

    def history_sessions(self) -> int:
        return 1

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        self.heard.append(own)
        return tuple(
            SymbolVerdict(symbol, verdict, ("said",), (), {}, self.keeps, self.recalls)
            for symbol, verdict in self.says.items()
            if symbol in view.bars
        )


@dataclass(frozen=True, slots=True)
class SaysTogether(Says):
    """The same of a strategy that weighs its symbols against each other."""

    EACH_BY_ITSELF: ClassVar[bool] = False


def view(day: int = 0, unfit: tuple[str, ...] = (), **closes: float) -> MarketView:
    """A market of these closes, that day."""
    bars = {symbol: bars_of([close], first=DAYS[day], symbol=symbol) for symbol, close in closes.items()}
    return MarketView(DAYS[day], bars, {}, {}, calendar=DAYS, unfit=dict.fromkeys(unfit, 10.0))


def members(*rules: Strategy, weights: tuple[float, ...] = ()) -> tuple[Member, ...]:
    return tuple(
        Member(one.name, weight, one) for one, weight in zip(rules, weights or (1.0,) * len(rules), strict=True)
    )


def asked(ensemble: Ensemble, at: MarketView, memory: Memory | None = None) -> dict[str, SymbolVerdict]:
    return {one.symbol: one for one in ensemble.verdicts(at, Own(memory=memory or {}))}


def after(found: Mapping[str, SymbolVerdict], memory: Memory | None = None) -> Memory:
    """What is remembered after these verdicts."""
    said = {name: value for one in found.values() for name, value in one.memory.items()}
    return {name: value for name, value in {**(memory or {}), **said}.items() if value is not None}


FULL, HALF, NONE = Target(1.0), Target(0.5), Target(0.0)


@pytest.mark.parametrize(
    ("rule", "wants", "weights", "expected"),
    [
        (Vote.MEAN, (FULL, NONE), (3.0, 1.0), Target(0.75)),
        (Vote.MEAN, (HALF, Keep()), (1.0, 1.0), Target(0.25)),
        (Vote.MEAN, (FULL, Abstain()), (1.0, 3.0), FULL),
        (Vote.MEAN, (NONE, Keep()), (1.0, 1.0), Keep()),
        (Vote.MEAN, (Abstain(), Abstain()), (1.0, 1.0), Abstain()),
        (Vote.MAJORITY, (FULL, HALF, NONE), (1.0, 1.0, 1.0), Target(0.75)),
        (Vote.MAJORITY, (FULL, HALF, NONE), (2.0, 1.0, 1.0), Target(0.833333)),
        (Vote.MAJORITY, (FULL, NONE), (1.0, 1.0), Keep()),
        (Vote.MAJORITY, (FULL, NONE), (1.1, 1.0), FULL),
        (Vote.MAJORITY, (FULL, NONE, Abstain()), (1.1, 1.0, 9.0), FULL),
        (Vote.UNANIMOUS, (FULL, HALF), (1.0, 1.0), HALF),
        (Vote.UNANIMOUS, (FULL, HALF, NONE), (9.0, 9.0, 0.1), Keep()),
        (Vote.UNANIMOUS, (FULL, HALF, Abstain()), (1.0, 1.0, 1.0), HALF),
    ],
)
def test_votes_become_one_weight(
    rule: Vote, wants: tuple[Verdict, ...], weights: tuple[float, ...], expected: Verdict
) -> None:
    voters = members(*(Says({"AAA": one}) for one in wants), weights=weights)
    assert asked(Ensemble(members=voters, rule=rule), view(AAA=10.0))["AAA"].verdict == expected


def test_a_member_that_does_not_trade_a_symbol_counts_nothing_in_the_mean_and_has_no_vote_else() -> None:
    voters = members(Says({"AAA": FULL}), Says({"BBB": HALF}))
    at = view(AAA=10.0, BBB=20.0)
    mean = asked(Ensemble(members=voters), at)
    assert (mean["AAA"].verdict, mean["BBB"].verdict) == (HALF, Target(0.25))
    for rule in (Vote.MAJORITY, Vote.UNANIMOUS):
        found = asked(Ensemble(members=voters, rule=rule), at)
        assert (found["AAA"].verdict, found["BBB"].verdict) == (FULL, HALF)
        assert not found["AAA"].conflict


def test_a_symbol_that_only_abstaining_members_trade_is_left_alone() -> None:
    voters = members(Says({"AAA": Abstain()}), Says({"BBB": FULL}))
    found = asked(Ensemble(members=voters), view(AAA=10.0, BBB=20.0), {"w:AAA": 0.5})["AAA"]
    assert (found.verdict, found.reasons) == (Abstain(), ("members_abstain",))
    assert [one.value for one in found.conditions] == [None, None, None]


@pytest.mark.parametrize(
    ("wants", "last", "verdict", "reason"),
    [
        (HALF, None, HALF, "members_for"),
        (HALF, 0.25, HALF, "members_want_more"),
        (HALF, 0.75, HALF, "members_want_less"),
        (NONE, 0.5, NONE, "members_against"),
        (HALF, 0.5, Keep(), "hold"),
        (NONE, None, Keep(), "hold"),
    ],
)
def test_a_target_is_given_only_when_it_differs_from_the_last_one_decided(
    wants: Verdict, last: float | None, verdict: Verdict, reason: str
) -> None:
    ensemble = Ensemble(members=members(Says({"AAA": wants})))
    before: Memory = {} if last is None else {"w:AAA": last}
    found = asked(ensemble, view(AAA=10.0), before)
    assert (found["AAA"].verdict, found["AAA"].reasons) == (verdict, (reason,))
    expected = verdict.weight if isinstance(verdict, Target) else last
    assert after(found, before).get("w:AAA") == expected


def test_conditions_carry_the_part_of_the_votes_in_percent() -> None:
    voters = members(Says({"AAA": FULL}), Says({"AAA": NONE}))
    mean = asked(Ensemble(members=voters), view(AAA=10.0))["AAA"]
    told = [(one.name, one.value, one.threshold, one.margin, one.passed) for one in mean.conditions]
    assert told == [
        ("members_for", 50.0, 0.0, 50.0, True),
        ("members_want_more", 0.5, 0.0, 0.5, True),
        ("members_against", 50.0, 100.0, -50.0, False),
    ]
    tie = asked(Ensemble(members=voters, rule=Vote.MAJORITY), view(AAA=10.0))["AAA"]
    assert [(one.threshold, one.passed) for one in tie.conditions] == [(50.0, False), (0.0, False), (50.0, True)]
    one_against = asked(Ensemble(members=voters, rule=Vote.UNANIMOUS), view(AAA=10.0))["AAA"]
    assert [(one.threshold, one.passed) for one in one_against.conditions] == [
        (100.0, False),
        (0.0, False),
        (0.0, True),
    ]


def test_disagreement_is_recorded_with_who_wanted_what() -> None:
    voters = members(Says({"AAA": FULL}), Says({"AAA": NONE}), Says({"AAA": Abstain()}))
    found = asked(Ensemble(members=voters), view(AAA=10.0))["AAA"]
    assert found.conflict == {"says": 1.0, "says 2": 0.0}
    assert found.indicators == {"close": 10.0, "members_weight": 0.5, "says": 1.0, "says 2": 0.0, "says 3": None}


def test_those_who_want_different_weights_do_not_disagree() -> None:
    voters = members(Says({"AAA": FULL}), Says({"AAA": HALF}))
    assert asked(Ensemble(members=voters), view(AAA=10.0))["AAA"].conflict == {}


def test_exits_come_first_then_purchases_in_the_order_of_the_members_symbols() -> None:
    voters = members(Says({"BBB": FULL, "CCC": NONE}), Says({"AAA": FULL}))
    found = asked(Ensemble(members=voters), view(AAA=1.0, BBB=1.0, CCC=1.0), {"w:CCC": 0.5})
    assert [*found] == ["CCC", "BBB", "AAA"]


def test_a_virtual_position_is_entered_at_the_decisions_price_and_does_not_drift() -> None:
    first = Says({"AAA": HALF}, keeps={"atr": 2.0})
    memory = after(asked(Ensemble(members=members(first)), view(0, AAA=100.0)))
    later = Says({"AAA": Keep()})
    found = asked(Ensemble(members=members(later)), view(3, AAA=200.0), memory)
    (own,) = later.heard
    held = own.of("AAA")
    assert (held.entry_price, held.entry_session, held.remembered, held.purchases) == (100.0, DAYS[0], {"atr": 2.0}, 1)
    assert held.sessions_since_exit is None
    # Twice the price, and still half of what there is.
    assert (held.shares * 200.0 / own.equity_usd, own.cash_usd / own.equity_usd) == (0.5, 0.5)
    assert own.last_fill == DAYS[0]
    assert (found["AAA"].verdict, found["AAA"].indicators["says"]) == (Keep(), 0.5)
    assert after(found, memory) == memory


def test_additions_average_the_price_and_reductions_leave_it() -> None:
    memory: Memory = {}
    for day, price, weight in ((0, 100.0, 0.25), (1, 200.0, 0.5), (2, 300.0, 0.25)):
        ensemble = Ensemble(members=members(Says({"AAA": Target(weight)})))
        memory = after(asked(ensemble, view(day, AAA=price), memory), memory)
    last = Says({"AAA": Keep()})
    asked(Ensemble(members=members(last)), view(4, AAA=10.0), memory)
    held = last.heard[0].of("AAA")
    # A quarter at 100 and a quarter at 200: 0.5 / (0.25 / 100 + 0.25 / 200).
    assert (held.entry_price, held.entry_session) == (133.333333, DAYS[0])
    assert (held.purchases, held.last_price, held.sessions_since_exit) == (2, 200.0, 2)
    assert last.heard[0].last_fill == DAYS[2]


def test_what_was_left_is_flat_with_the_sessions_since() -> None:
    memory = after(asked(Ensemble(members=members(Says({"AAA": FULL}))), view(0, AAA=100.0)))
    memory = after(asked(Ensemble(members=members(Says({"AAA": NONE}))), view(1, AAA=90.0), memory), memory)
    assert memory == {"says:AAA:sold": DAYS[1].isoformat(), "w:AAA": 0.0}
    last = Says({"AAA": Keep()})
    asked(Ensemble(members=members(last)), view(4, AAA=10.0), memory)
    assert last.heard[0].of("AAA") == Holding("AAA", sessions_since_exit=3)


def test_everything_in_usd_is_remembered_as_a_price_so_that_splits_rebase_it() -> None:
    said = Says({"AAA": FULL}, keeps={"atr": 2.0})
    memory = after(asked(Ensemble(members=members(said)), view(0, AAA=100.0)))
    assert {name: one.usd for name, one in memory.items() if isinstance(one, Price)} == {
        "says:AAA:entry": 100.0, "says:AAA:last": 100.0, "says:AAA:kept:atr": 2.0
    }  # fmt: skip
    halved = {name: replace(one, usd=one.usd / 2) if isinstance(one, Price) else one for name, one in memory.items()}
    later = Says({"AAA": Keep()})
    asked(Ensemble(members=members(later)), view(1, AAA=50.0), halved)
    held = later.heard[0].of("AAA")
    assert (held.entry_price, held.remembered) == (50.0, {"atr": 1.0})
    assert held.shares * 50.0 == later.heard[0].equity_usd


def test_each_member_has_a_memory_of_its_own() -> None:
    first, second = Says({"AAA": Keep()}, recalls={"month": "2024-01"}), Says({"AAA": Keep()}, recalls={"month": None})
    ensemble = Ensemble(members=members(first, second))
    before: Memory = {"says:memory:other": 3.0, "says 2:memory:month": "2023-12"}
    memory = after(asked(ensemble, view(0, AAA=1.0), before), before)
    assert memory == {"says:memory:other": 3.0, "says:memory:month": "2024-01"}
    assert first.heard[0].memory == {"other": 3.0}
    assert second.heard[0].memory == {"month": "2023-12"}


def test_what_members_that_are_gone_remembered_is_forgotten() -> None:
    memory: Memory = {"gone:AAA:weight": 1.0, "w:AAA": 0.5, "w:ZZZ": 0.5}
    found = asked(Ensemble(members=members(Says({"AAA": HALF}))), view(AAA=10.0), memory)
    assert [name for name in after(found, memory) if name.startswith(("gone", "w:"))] == ["w:AAA"]


def test_an_unfit_symbol_is_left_alone_and_its_position_remembered() -> None:
    first = asked(Ensemble(members=members(Says({"AAA": HALF, "BBB": HALF}))), view(0, AAA=10.0, BBB=10.0))
    memory, voter = after(first), Says({"AAA": NONE, "BBB": NONE})
    found = asked(Ensemble(members=members(voter)), view(1, unfit=("BBB",), AAA=10.0), memory)
    assert [*found] == ["AAA"]
    assert after(found, memory)["says:BBB:weight"] == 0.5
    assert voter.heard[0].of("BBB").shares > 0


def test_a_member_that_weighs_its_symbols_against_each_other_abstains_as_a_whole() -> None:
    together, other = SaysTogether({"AAA": FULL, "BBB": FULL}), Says({"AAA": HALF})
    found = asked(Ensemble(members=members(together, other)), view(unfit=("BBB",), AAA=10.0))
    assert found["AAA"].indicators["says"] is None
    assert found["AAA"].verdict == HALF
    # What is unfit is no matter of a member that does not look at it.
    alone = members(SaysTogether({"AAA": FULL}), Says({"BBB": FULL}))
    assert asked(Ensemble(members=alone), view(unfit=("BBB",), AAA=10.0))["AAA"].verdict == HALF


def test_a_members_targets_are_scaled_down_together_as_those_of_a_sleeve() -> None:
    found = asked(Ensemble(members=members(Says({"AAA": FULL, "BBB": FULL}))), view(AAA=1.0, BBB=1.0))
    assert [one.verdict for one in found.values()] == [HALF, HALF]


def test_shares_that_a_member_wants_are_a_weight_of_what_it_believes_to_own() -> None:
    found = asked(Ensemble(members=members(Says({"AAA": Shares(25 * 10**9)}))), view(AAA=10.0))
    assert found["AAA"].verdict == Target(0.25)
    memory = after(found)
    assert asked(Ensemble(members=members(Says({"AAA": Shares(0)}))), view(AAA=9.0), memory)["AAA"].verdict == NONE


def test_a_member_that_judges_what_it_does_not_trade_is_a_bug_named() -> None:
    @dataclass(frozen=True, slots=True)
    class Wrong(Says):
        def universe(self) -> tuple[str, ...]:
            return ("BBB",)

        def reads(self) -> tuple[str, ...]:
            return ("AAA",)

    with pytest.raises(
        ValueError, match=r"says owes at most one verdict for each symbol it trades, none for \['AAA'\]"
    ):
        asked(Ensemble(members=members(Wrong({"AAA": FULL}))), view(AAA=1.0, BBB=1.0))


def test_it_asks_for_what_its_members_ask_for() -> None:
    @dataclass(frozen=True, slots=True)
    class Greedy(Says):
        TOTAL_RETURNS: ClassVar[bool] = True
        SERIES_SESSIONS: ClassVar[int] = 7
        CAUTIONS: ClassVar[tuple[str, ...]] = ("greed is not modelled",)

        @property
        def intraday_bars(self) -> Mapping[Timeframe, int]:
            return {Timeframe.HOUR: 40}

        def reads(self) -> tuple[str, ...]:
            return ("BIL", "SPY")

    pair, confluence = PairReversal(("SPY", "IEF")), MtumConfluence(symbol="SPY")
    plain = Ensemble(members=members(pair, confluence))
    assert (plain.universe(), plain.reads(), plain.series()) == (("SPY", "IEF"), (), ("VIX",))
    assert (plain.history_sessions(), plain.bar_columns) == (60, ("high", "low", "volume"))
    assert (plain.TOTAL_RETURNS, plain.SERIES_SESSIONS, plain.CALENDAR, plain.STANDING_PURCHASES) == (
        False,
        1,
        True,
        True,
    )
    assert plain.indicators() == confluence.indicators()
    more = Ensemble(members=(*plain.members, *members(Greedy({"AAA": Keep()}))))
    assert (more.universe(), more.reads()) == (("SPY", "IEF", "AAA"), ("BIL",))
    assert (more.TOTAL_RETURNS, more.SERIES_SESSIONS) == (True, 7)
    assert (more.CAUTIONS, plain.CAUTIONS) == (("greed is not modelled",), ())
    assert (more.intraday_bars, plain.intraday_bars) == ({Timeframe.HOUR: 40}, {})
    assert plain.least_trade_usd(10_000.0) == 100.0


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"members": ()}, "members holds 0 strategies; list one or more"),
        (
            {"members": (Member("ensemble"),)},
            'members.0.strategy is "ensemble"; use one that says of each symbol when to hold it',
        ),
        (
            {"members": (Member("band_rebalance"),)},
            'members.0.strategy is "band_rebalance"; use one that says of each symbol when to hold it',
        ),
        ({"members": (Member("says"),)}, "members.0.rules is None; use the parameters of says"),
        (
            {"members": (Member("buy_and_hold", 0.0, BuyAndHold()),)},
            "members.0.weight is 0; use a number above 0, up to 1000",
        ),
        (
            {"members": (Member("buy_and_hold", 1000.5, BuyAndHold()),)},
            "members.0.weight is 1000.5; use a number above 0, up to 1000",
        ),
        (
            {"members": (Member("buy_and_hold", 1.0, BuyAndHold("spy")),)},
            'members.0.rules.symbol is "spy"; use an upper-case ticker such as "MTUM"',
        ),
        ({"min_trade_usd": -1.0}, "min_trade_usd is -1; use a number from 0 to 1e+12"),
    ],
)
def test_impossible_parameters_are_named_with_their_range(changed: Mapping[str, object], problem: str) -> None:
    given: dict[str, object] = {"members": members(BuyAndHold("SPY")), **changed}
    assert Ensemble(**given).problems() == (problem,)  # type: ignore[arg-type]


def test_what_contradicts_itself_within_a_member_is_named() -> None:
    (line,) = Ensemble(members=members(MtumConfluence(vix_entry_below=40.0))).contradictions()
    assert line.startswith("members.0.rules.vix_entry_below: 40 is over vix_exit_above (30)")


def test_what_a_strategy_may_say_of_itself_an_ensemble_says_of_its_members() -> None:
    may_say = {name for name in vars(Strategy) if not name.startswith("_")}
    left_as_it_is = {
        "NEVER_SELLS",  # what never sells may not be a member
        "REMEMBERED",  # a member's own values are in the ensemble's memory
        "CONFIDENCE",
        "CASH_SECURED",
        "OPTIONS",  # what trades options may not be a member either
        "LEAST_TRADE_FRAC",  # how small a trade may be is asked of the ensemble, never of a member
        "benchmark",  # equal parts of all it trades
        "least_fit",
        "panels",  # members may call different lines by one name
    }
    assert may_say - vars(Ensemble).keys() - {"least_trade_usd"} == left_as_it_is
