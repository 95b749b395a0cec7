"""What positions could lose, by numbers worked out by hand."""

from datetime import date

import numpy as np

from mtum.core.coordination.risk import STRESSES, Stress, risk_of, stress_replays
from mtum.core.market.bars import Bars
from support.bars import bars_of, changed, weekdays
from support.values import replace
from unit.core.coordination.test_limits import ACCOUNT, losses_of, with_returns

HALF = np.array([0.01, -0.01] * 150)


def test_risk_of_one_position_is_its_own() -> None:
    found = risk_of({"AAA": 5_000.0}, with_returns(AAA=losses_of(300), SPY=losses_of(300) * 2), "SPY")

    # 15 of 300 sessions: the 15th largest loss 0.0286 and the mean of 0.0286 to 0.0300, on half of the equity.
    assert (found.var_historical, found.shortfall_historical) == (0.0143, 0.01465)
    assert found.beta == 0.25
    assert (found.sessions, found.weights, found.concentration) == (300, {"AAA": 0.5}, 1.0)


def test_the_normal_measures_follow_from_mean_and_deviation() -> None:
    found = risk_of({"AAA": 10_000.0}, with_returns(AAA=HALF))

    # Mean 0, deviation 0.01 x sqrt(300 / 299) = 0.0100167; 1.644854 and 2.062713 of it.
    assert (found.var_parametric, found.shortfall_parametric) == (0.016476, 0.020662)


def test_two_equal_positions_halve_the_concentration_and_show_their_likeness() -> None:
    found = risk_of({"BBB": 2_000.0, "AAA": 2_000.0}, with_returns(AAA=HALF, BBB=-HALF))

    assert found.concentration == 0.5
    assert found.correlations == {("AAA", "BBB"): -1.0}
    assert found.volatility == found.var_historical == 0.0


def test_without_history_nothing_is_claimed() -> None:
    found = risk_of({"AAA": 1_000.0}, with_returns(AAA=HALF[:59]), "SPY")

    assert (found.volatility, found.var_historical, found.shortfall_parametric, found.beta) == (None, None, None, None)


def test_an_account_without_positions_risks_nothing() -> None:
    found = risk_of({}, ACCOUNT)

    assert (found.volatility, found.var_historical, found.concentration, found.weights) == (0.0, 0.0, None, {})
    assert (found.var_parametric, found.shortfall_historical) == (None, None)


def fallen() -> Bars:
    """Return bars over the fall of 2020: 100, 80 at the middle, 90 at its end, a dividend of 1 on the second day."""
    first, last = date(2020, 2, 18), date(2020, 3, 24)
    days = [day for day in weekdays(first, 40) if day <= last]
    closes = [100.0, 100.0, *[80.0] * (len(days) - 4), 90.0, 90.0]
    return changed(bars_of(closes, first=first, symbol="AAA"), dividend={2: 1.0})


def test_an_earlier_fall_is_replayed_on_todays_positions() -> None:
    found = {one.name: one for one in stress_replays({"AAA": 4_000.0, "NEW": 1_000.0}, {"AAA": fallen()}, 10_000.0)}

    # 80 / 99 and 90 / 99 of 4,000 USD, in an account of 10,000.
    fall = found["2020"]
    assert (fall.worst_frac, fall.change_frac) == (-0.076768, -0.036364)
    assert fall.unknown == ("NEW",)
    assert (found["2008"].change_frac, found["2008"].unknown) == (None, ("AAA", "NEW"))


def test_a_history_that_misses_an_end_of_the_fall_is_not_used() -> None:
    bars = fallen()
    late = Bars.of("AAA", bars.source, [bars.bar(row) for row in range(5, len(bars))])

    assert {one.change_frac for one in stress_replays({"AAA": 1.0}, {"AAA": late}, 1.0)} == {None}


def test_no_equity_no_fractions() -> None:
    assert risk_of({"AAA": 10.0}, replace(with_returns(AAA=HALF), equity_usd=0.0)).weights == {}


def test_the_falls_are_those_of_the_sp_500() -> None:
    assert {name: (str(first), str(last)) for name, (first, last) in STRESSES.items()} == {
        "2008": ("2007-10-09", "2009-03-09"),
        "2018 Q4": ("2018-09-20", "2018-12-24"),
        "2020": ("2020-02-19", "2020-03-23"),
        "2022": ("2022-01-03", "2022-10-12"),
    }


def closes_of_2020(symbol: str, *closes: float, without: int | None = None, last: date = date(2020, 3, 24)) -> Bars:
    """Bars from the day before the fall to the day after it; the last of these closes stays."""
    days = [day for day in weekdays(date(2020, 2, 18), 40) if day <= last]
    bars = bars_of([*closes, *[closes[-1]] * (len(days) - len(closes))], first=days[0], symbol=symbol)
    return Bars.of(symbol, bars.source, [bars.bar(row) for row in range(len(bars)) if row != without])


def of_2020(values: dict[str, float], *histories: Bars, equity_usd: float = 10_000.0) -> Stress:
    found = stress_replays(values, {bars.symbol: bars for bars in histories}, equity_usd)
    return next(one for one in found if one.name == "2020")


def test_a_symbol_without_a_bar_stands_at_its_last_close_in_a_fall() -> None:
    """On the third day AAA has lost 500 of 1,000, and BBB stands 100 below; in the end 0 and 50."""
    deep = closes_of_2020("AAA", 100.0, 100.0, 90.0, 50.0, 100.0)
    gap = closes_of_2020("BBB", 100.0, 100.0, 90.0, 70.0, 95.0, without=3)
    fall = of_2020({"NEW": 5.0, "ZERO": 0.0, "AAA": 1_000.0, "BBB": 1_000.0}, deep, gap)
    assert (fall.worst_frac, fall.change_frac, fall.unknown) == (-0.06, -0.005, ("NEW",))


def test_only_the_days_of_the_fall_count_and_a_rise_has_no_worst() -> None:
    """Doubled before it, 100 to 150 in it; the history that ends in the middle is not used."""
    rise = closes_of_2020("AAA", 50.0, 100.0, 150.0)
    fall = of_2020({"AAA": 1_000.0}, rise)
    assert (fall.worst_frac, fall.change_frac) == (0.0, 0.05)
    short = closes_of_2020("AAA", 50.0, 100.0, 150.0, last=date(2020, 3, 20))
    assert of_2020({"AAA": 1_000.0}, short).unknown == ("AAA",)
    assert of_2020({"AAA": 1_000.0}, rise, equity_usd=0.0).change_frac is None
    assert of_2020({"AAA": 1.0}, rise, equity_usd=1.0).change_frac == 0.5


def test_beta_needs_a_market_that_moves_and_250_sessions() -> None:
    """A third of the equity in AAA and BBB each: AAA moves as the market does, BBB half as much."""
    third = 10_000.0 / 3
    account = with_returns(AAA=HALF, BBB=HALF / 2 + 0.001, SPY=HALF + 0.002, CASH=np.zeros(300))
    assert risk_of({"AAA": third, "BBB": third}, account, "SPY").beta == 0.5
    assert risk_of({"AAA": third}, account, "SPY").beta == 0.333333
    assert risk_of({"AAA": third}, account, "CASH").beta is None
    assert risk_of({}, account, "SPY").beta is None
    assert risk_of({"AAA": third}, with_returns(AAA=HALF[:250], SPY=HALF[:250]), "SPY").beta == 0.333333
    short = np.concatenate([np.full(51, np.nan), HALF[:249]])
    assert risk_of({"AAA": third}, with_returns(AAA=HALF, SPY=short), "SPY").beta is None


def test_measures_of_a_third_are_told_to_the_sixth_decimal() -> None:
    """ceil(0.05 x 285) = 15: the mean of 0.0271 to 0.0285 is 0.0278."""
    third = 10_000.0 / 3
    found = risk_of({"CCC": third, "AAA": third, "BBB": third, "DDD": 0.0}, ACCOUNT)
    assert list(found.weights.items()) == [("AAA", 0.333333), ("BBB", 0.333333), ("CCC", 0.333333)]
    assert (found.concentration, found.sessions) == (0.333333, 0)
    assert list(risk_of({"AAA": 1.0, "BBB": 3.0}, replace(ACCOUNT, equity_usd=1.0)).weights.items()) == [
        ("BBB", 3.0),
        ("AAA", 1.0),
    ]
    assert risk_of({"AAA": third}, with_returns(AAA=losses_of(285))).shortfall_historical == 0.009267
    # Mean 0.001, deviation 0.01234 x sqrt(300 / 299) = 0.0123606.
    drift = risk_of({"AAA": 10_000.0}, with_returns(AAA=HALF * 1.234 + 0.001))
    assert (drift.var_parametric, drift.shortfall_parametric) == (0.019331, 0.024496)
