"""The fast path makes the trades of the written rules: checked against a slow second implementation."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.backtest import first_fit, run
from mtum.core.simulation.history import history
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import FillModel, Played, PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence
from support import slow_rules
from support.markets import by_day, made_up_bars, made_up_vix, real_bars
from support.slow_rules import Row, SlowRules

NO_CAP = 1e12


def terms(rules: SlowRules) -> PlayTerms:
    sizing = SizingRules(1.0, float(rules.cap), float(rules.buffer), PercentCosts(Decimal(rules.cost)))
    fill = FillModel.NEXT_OPEN if rules.next_open else FillModel.SAME_CLOSE
    return PlayTerms(float(rules.capital), PortfolioRules(sizing, LossRules(NO_CAP)), fill=fill)


def strategy(rules: SlowRules) -> MtumConfluence:
    return MtumConfluence(
        symbol="AAA",
        ma_sessions=rules.ma,
        rsi_sessions=rules.rsi,
        atr_sessions=rules.atr,
        volume_sessions=rules.volume,
        rsi_smoothing=Smoothing.WILDER if rules.wilder_rsi else Smoothing.SIMPLE,
        atr_smoothing=Smoothing.WILDER if rules.wilder_atr else Smoothing.SIMPLE,
        vix_entry_below=rules.vix_entry,
        vix_exit_above=rules.vix_exit,
        rsi_entry_above=rules.rsi_entry,
        rsi_exit_below=rules.rsi_exit,
        atr_target_multiple=rules.multiple,
        reentry_cooldown_sessions=rules.cooldown,
    )


def rows(bars: Bars) -> list[Row]:
    names = ("open", "high", "low", "close", "volume", "dividend")
    return [
        Row(day, *values)
        for day, *values in zip(
            bars.days.astype(object).tolist(), *(getattr(bars, name).tolist() for name in names), strict=True
        )
    ]


def both(
    bars: Bars, vix: Mapping[date, float], rules: SlowRules, first: int, stop: int
) -> tuple[Played, slow_rules.Account]:
    played = run(history(bars, vix), strategy(rules), terms(rules), Span(first, stop))
    return played, slow_rules.play(rows(bars), vix, rules, first, stop)


def assert_equal(played: Played, slow: slow_rules.Account) -> None:
    mine = [
        [trade.entry_session, trade.entry_price, trade.exit_session, trade.exit_price, trade.shares, trade.reasons]
        for trade in played.trades
    ]
    assert mine == slow.trades
    assert played.equity == pytest.approx([float(amount) for amount in slow.equity], abs=1e-6)


VARIANTS = {
    "defaults": SlowRules(),
    "Wilder": SlowRules(wilder_rsi=True, wilder_atr=True),
    "other lengths": SlowRules(ma=33, rsi=9, atr=21, volume=13, multiple=2.5),
    "other thresholds": SlowRules(vix_entry=18.0, vix_exit=22.5, rsi_entry=57.5, rsi_exit=44.0, multiple=1.5),
    "next open": SlowRules(next_open=True, buffer="0.005"),
    "next open with cooldown": SlowRules(next_open=True, cooldown=3),
    "cooldown": SlowRules(cooldown=5, rsi_exit=45.0),
    "small capital": SlowRules(capital="150", cost="0.004"),
    "no costs, capped": SlowRules(cost="0", cap="1234.5"),
}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", VARIANTS)
def test_trades_reasons_and_equity_equal_the_written_rules(name: str, seed: int) -> None:
    bars = made_up_bars(900, seed)
    played, slow = both(bars, made_up_vix(bars, seed), VARIANTS[name], 450, 900)
    assert_equal(played, slow)
    assert len(played.trades) >= 3, "a market without trades proves nothing"


@pytest.mark.parametrize(
    ("rules", "start", "trades", "first", "price", "final"),
    [
        (SlowRules(), date(2014, 1, 2), 82, date(2014, 1, 3), 59.51, 5336),
        (SlowRules(wilder_rsi=True), date(2015, 1, 2), 80, date(2015, 1, 8), 68.98, 5225),
    ],
)
def test_real_history_gives_the_known_result(
    rules: SlowRules, start: date, trades: int, first: date, price: float, final: int
) -> None:
    bars = real_bars("MTUM")
    ready = history(bars, real_bars("VIX"))
    played = run(ready, strategy(rules), terms(rules), Span(ready.index(start), ready.index(date(2024, 6, 29))))
    assert len(played.trades) == trades
    assert (played.trades[0].entry_session, played.trades[0].entry_price) == (first, price)
    assert (played.trades[-1].entry_session, played.trades[-1].entry_price) == (date(2024, 6, 18), 198.80)
    assert played.trades[-1].exit_session is None
    assert round(played.final_equity_usd) == final


@pytest.mark.parametrize("symbol", ["MTUM", "SPY", "TLT", "GLD", "VNQ", "EFA"])
def test_real_history_equals_the_written_rules(symbol: str) -> None:
    bars, vix = real_bars(symbol), by_day(real_bars("VIX"))
    stop = len(bars)
    assert_equal(*both(bars, vix, SlowRules(), max(60, stop - 2500), stop))


def test_pnl_of_all_trades_is_the_change_of_equity() -> None:
    bars = made_up_bars(700, 5)
    played, _ = both(bars, made_up_vix(bars, 5), SlowRules(), 60, 700)
    total = sum(trade.pnl_usd for trade in played.trades)
    assert total == pytest.approx(played.final_equity_usd - 5000.0, abs=1e-6)


def test_one_trade_by_hand() -> None:
    """60 flat sessions at 100, a rise to 103 on twice the volume, a dividend of 0.50, then 99: below the mean.

    Shares: 5000 / (103 x 1.001) = 48.49 -> 48. Paid 4944 + 4.94 (cent). Dividend 24.00.
    Taken 48 x 99 = 4752 - 4.75. Cash 5000 - 4948.94 + 24 + 4747.25 = 4822.31.
    """
    close = np.array([100.0] * 60 + [103.0, 103.0, 99.0, 99.0])
    volume = np.array([1000.0] * 60 + [2000.0, 1000.0, 1000.0, 1000.0])
    dividend = np.array([0.0] * 61 + [0.5, 0.0, 0.0])
    columns = {"open": close, "high": close, "low": close, "close": close, "volume": volume, "dividend": dividend}
    bars = Bars.from_columns("AAA", "made-up", made_up_bars(64, 1).days, columns)
    vix = dict.fromkeys(bars.days.astype(object).tolist(), 15.0)
    played = run(history(bars, vix), MtumConfluence(symbol="AAA"), terms(SlowRules(multiple=4.0)), Span(60, 64))
    (trade,) = played.trades
    assert (trade.shares, trade.entry_price, trade.exit_price) == (48, 103.0, 99.0)
    assert trade.reasons == ("close_below_ma",)
    assert (trade.costs_usd, trade.dividends_usd, trade.pnl_usd) == (9.69, 24.0, -177.69)
    assert trade.sessions_held == 2
    assert played.equity.tolist() == pytest.approx([4995.06, 5019.06, 4822.31, 4822.31])
    assert played.held.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_first_fit_session_has_the_asked_history_behind_it() -> None:
    bars = made_up_bars(500, 1)
    ready = history(bars, {})
    assert first_fit(ready, MtumConfluence()) == 59
    assert first_fit(ready, MtumConfluence(atr_smoothing=Smoothing.WILDER)) == 399


def test_a_session_without_vix_bars_entries_only() -> None:
    bars = made_up_bars(600, 2)
    played = run(history(bars, {}), MtumConfluence(symbol="AAA"), terms(SlowRules()), Span(60, 600))
    assert played.trades == ()
    assert played.equity.tolist() == [5000.0] * 540
