"""The winner against bills, month by month, numbers by hand."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from mtum.core.market.bars import Bars
from mtum.core.strategies.contract import Holding, Keep, Own, SymbolVerdict, Target
from mtum.core.strategies.dual_momentum import DualMomentum
from mtum.core.view import MarketView
from support.bars import bars_of, changed, weekdays

RULE = DualMomentum(risk_assets=("AAA", "BBB"), safe="BIL", bonds="AGG", lookback_months=1)
CALENDAR = tuple(weekdays(date(2023, 12, 1), 400))
JANUARY, FEBRUARY = 22, 43
"""Positions of the last sessions of the two months in bars that begin on 1 January 2024."""


def closing(symbol: str, january: float, february: float, march: tuple[float, ...] = ()) -> Bars:
    """Bars that close at these prices from the last session of each month on."""
    closes = [january] * (FEBRUARY) + [february, *march]
    return bars_of([january + 7.0] * JANUARY + closes[JANUARY:], symbol=symbol)


def market(aaa: float, bbb: float, bills: float, agg: float = 100.0, march: tuple[float, ...] = ()) -> list[Bars]:
    """Every symbol from 100 at the end of January to that at the end of February; then `march` for all."""
    ends = {"AAA": aaa, "BBB": bbb, "BIL": bills, "AGG": agg}
    return [closing(symbol, 100.0, end, march) for symbol, end in ends.items()]


def said(
    bars: list[Bars], memory: Mapping[str, Any] | None = None, rule: DualMomentum = RULE, **held: int
) -> dict[str, SymbolVerdict]:
    own = Own({one: Holding(one, shares, 90.0) for one, shares in held.items()}, 0.0, 1000.0, None, memory or {})
    view = MarketView(bars[0].last_day, {one.symbol: one for one in bars}, {}, {}, calendar=CALENDAR)
    return {one.symbol: one for one in rule.verdicts(view, own)}


def targets(found: Mapping[str, SymbolVerdict]) -> dict[str, float | None]:
    return {name: one.verdict.weight if isinstance(one.verdict, Target) else None for name, one in found.items()}


@pytest.mark.parametrize(
    ("aaa", "bbb", "bills", "chosen", "reasons"),
    [
        (110.0, 105.0, 101.0, "AAA", ("dual_best", "dual_beats_bills")),
        (105.0, 110.0, 101.0, "BBB", ("dual_best", "dual_beats_bills")),
        (110.0, 110.0, 101.0, "AAA", ("dual_best", "dual_beats_bills")),
        (100.5, 100.2, 101.0, "AGG", ("dual_bonds_in",)),
        (101.0, 100.2, 101.0, "AGG", ("dual_bonds_in",)),
        (101.0001, 100.2, 101.0, "AAA", ("dual_best", "dual_beats_bills")),
        # Less than a millionth above bills is a tie.
        (101.00004, 100.2, 101.0, "AGG", ("dual_bonds_in",)),
        (90.0, 80.0, 85.0, "AAA", ("dual_best", "dual_beats_bills")),
    ],
)
def test_the_first_best_risk_asset_is_held_if_it_beats_bills_else_bonds(
    aaa: float, bbb: float, bills: float, chosen: str, reasons: tuple[str, ...]
) -> None:
    found = said(market(aaa, bbb, bills))
    assert targets(found) == {name: float(name == chosen) for name in ("AAA", "BBB", "AGG")}
    assert [*found][-1] == chosen, "what is left comes before what is bought"
    assert found[chosen].reasons == reasons
    assert "BIL" not in found, "bills are only read"


def test_bonds_are_never_asked_how_they_did() -> None:
    assert said(market(102.0, 101.5, 101.0, agg=150.0))["AAA"].verdict == Target(1.0)


def test_every_reason_of_an_exit_is_told() -> None:
    beaten = said(market(100.2, 100.5, 101.0), AAA=5, AGG=2)
    assert beaten["AAA"].reasons == ("dual_overtaken", "dual_below_bills")
    assert beaten["BBB"].reasons == ("dual_below_bills",)
    assert said(market(105.0, 110.0, 101.0), AAA=5)["AAA"].reasons == ("dual_overtaken",)
    assert said(market(105.0, 110.0, 101.0), AGG=5)["AGG"].reasons == ("dual_bonds_out",)


def test_conditions_say_how_far_each_is_from_the_other_in_percent() -> None:
    found = said(market(110.0, 105.0, 101.0))
    best, beats, overtaken, below = found["BBB"].conditions
    assert [(one.value, one.threshold, one.margin, one.passed) for one in (best, overtaken)] == [
        (5.0, 10.0, -5.0, False),
        (5.0, 10.0, 5.0, True),
    ]
    assert [(one.value, one.threshold, one.margin, one.passed) for one in (beats, below)] == [
        (10.0, 1.0, 9.0, True),
        (10.0, 1.0, -9.0, False),
    ]
    assert [(one.name, one.passed) for one in found["AGG"].conditions] == [
        ("dual_bonds_in", False),
        ("dual_bonds_out", True),
    ]


def test_within_a_month_nothing_changes() -> None:
    bars = [one.until(date(2024, 2, 28)) for one in market(110.0, 105.0, 101.0)]
    found = said(bars, {"month": "2024-01"}, AGG=3)
    assert targets(found) == dict.fromkeys(("AAA", "BBB", "AGG"))
    assert {one.reasons for one in found.values()} == {("hold",)}
    assert found["AAA"].memory == {"month": "2024-01"}


def test_a_month_is_decided_once() -> None:
    first = said(market(110.0, 105.0, 101.0), {"month": "2024-01"})
    assert first["AAA"].memory == {"month": "2024-02"}
    assert targets(said(market(110.0, 105.0, 101.0), {"month": "2024-02"})) == dict.fromkeys(("AAA", "BBB", "AGG"))


def test_a_missed_month_is_decided_late_with_returns_up_to_then_since_the_month_end_before() -> None:
    # AAA is ahead at the end of February, BBB on 4 March: both from the end of January.
    bars = market(110.0, 105.0, 101.0, march=(100.0, 101.0))
    bars[1] = closing("BBB", 100.0, 105.0, (105.0, 120.0))
    late = said(bars, {"month": "2024-01"})
    assert (late["BBB"].verdict, late["BBB"].memory) == (Target(1.0), {"month": "2024-02"})
    assert late["BBB"].indicators["dual_return"] == 20.0
    after = said(bars, late["BBB"].memory)
    # Seen within March it is the return since the end of February.
    assert (after["BBB"].verdict, after["BBB"].indicators["dual_return"]) == (Keep(), 14.285700)


def test_a_new_sleeve_waits_for_its_first_month_end() -> None:
    found = said(market(110.0, 105.0, 101.0, march=(110.0,)))
    assert {one.reasons for one in found.values()} == {("hold",)}
    assert found["AAA"].memory == {"month": "2024-02"}


def test_without_the_close_of_a_month_ago_nothing_is_decided() -> None:
    bars = market(110.0, 105.0, 101.0)
    bars[2] = bars[2].since(date(2024, 2, 1))
    found = said(bars)
    assert targets(found) == dict.fromkeys(("AAA", "BBB", "AGG"))


def test_dividends_count_and_belong_to_the_return() -> None:
    bars = market(104.0, 105.0, 101.0)
    # 2 paid at 100: what was 100 at the end of January is 98 of today's.
    bars[0] = changed(bars[0], dividend={FEBRUARY: 2.0})
    found = said(bars)
    assert found["AAA"].indicators["dual_return"] == pytest.approx(100 * (104 / 98 - 1), abs=1e-4)
    assert found["AAA"].verdict == Target(1.0)


def test_one_risk_asset_is_held_while_it_beats_bills() -> None:
    rule = DualMomentum(risk_assets=("AAA",), safe="BIL", bonds="AGG", lookback_months=1)
    bars = [one for one in market(110.0, 0.0, 101.0) if one.symbol != "BBB"]
    assert targets(said(bars, rule=rule)) == {"AGG": 0.0, "AAA": 1.0}


def test_bills_may_be_what_is_held_instead_of_bonds_and_are_then_read_once() -> None:
    rule = DualMomentum(risk_assets=("AAA", "BBB"), safe="BIL", bonds="BIL")
    assert (rule.universe(), rule.reads(), rule.problems()) == (("AAA", "BBB", "BIL"), (), ())
    assert (RULE.universe(), RULE.reads()) == (("AAA", "BBB", "AGG"), ("BIL",))
    assert dict(RULE.benchmark) == {"AAA": 1.0, "BBB": 1.0, "AGG": 1.0}


@pytest.mark.parametrize(("months", "sessions"), [(12, 280), (1, 47), (24, 534)])
def test_the_history_reaches_back_to_the_first_close_compared(months: int, sessions: int) -> None:
    assert DualMomentum(lookback_months=months).history_sessions() == sessions


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"risk_assets": ()}, "risk_assets holds 0 tickers; list 1 or more"),
        ({"safe": "bil"}, 'safe holds "bil"; use upper-case tickers such as "SPY"'),
        ({"bonds": ""}, 'bonds holds ""; use upper-case tickers such as "SPY"'),
        ({"bonds": "SPY"}, "bonds is SPY, which is one of risk_assets; name another symbol"),
        ({"safe": "EFA"}, "safe is EFA, which is one of risk_assets; name another symbol"),
        ({"lookback_months": 0}, "lookback_months is 0; use a whole number from 1 to 120"),
        ({"min_trade_usd": -1.0}, "min_trade_usd is -1; use a number from 0 to 1e+12"),
        ({"min_trade_frac": 1.5}, "min_trade_frac is 1.5; use a number from 0 to 1"),
    ],
)
def test_impossible_parameters_are_named_with_their_range(parameters: dict[str, Any], words: str) -> None:
    assert DualMomentum(**parameters).problems() == (words,)
