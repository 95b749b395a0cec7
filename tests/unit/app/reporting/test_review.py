"""Reviews of a year on the embedded market: every statistic recomputed by a slow, independent way."""

import math
import re
import sqlite3
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mtum.app.reporting.audit import Drill, audit
from mtum.app.reporting.indicators import indicator_checks
from mtum.app.reporting.period import Kind, period
from mtum.app.reporting.review import Outside, write_review
from mtum.core.reporting.figures import REPLAYED
from mtum.core.reporting.layout import Facts, Sentence
from mtum.core.reporting.review import Review
from mtum.core.reporting.review import page as review_page
from mtum.core.reporting.text import text
from support.report_history import History, sample_history
from support.slow_rules import Row, SlowRules, play
from support.values import replace

SOME, WHOLE = 90, 1190
AT = datetime(2019, 1, 1, 12, tzinfo=UTC)
FRIDAY = date(2018, 12, 28)
ENTRY = ("close_above_ma", "vix_calm", "rsi_high", "volume_high")


@dataclass
class Played:
    """Played sessions and their database."""

    history: History
    database: sqlite3.Connection

    def rows(self, sql: str, *values: object) -> list[Any]:
        return self.database.execute(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> Any:
        return self.rows(sql, *values)[0][0]

    def review(self, kind: Kind, end: date) -> Review:
        return write_review(self.history.writer(), kind, end, AT).review


@pytest.fixture(scope="module", params=[SOME, pytest.param(WHOLE, marks=pytest.mark.full)])
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder: Path = tmp_path_factory.mktemp("reviews")
    history = sample_history(folder)
    for index in range(len(history.bars) - request.param, len(history.bars)):
        history.play(index)
    database = sqlite3.connect(folder / "mtum.db")
    yield Played(history, database)
    database.close()


def closes_and_flags(played: Played) -> tuple[list[str], list[float], dict[str, list[bool]]]:
    """Conditions on final bars, session by session, by the definitions alone."""
    bars = played.rows("SELECT session, close, volume FROM bars WHERE symbol = 'MTUM' ORDER BY session")
    vix = dict(played.rows("SELECT session, close FROM bars WHERE symbol = 'VIX'"))
    first = played.one("SELECT min(session) FROM decisions")
    days, closes, flags = [], [], {name: list[bool]() for name in (*ENTRY, "close_below_ma", "vix_fear", "rsi_low")}
    for at, (day, close, volume) in enumerate(bars):
        if day < first:
            continue
        before = [row[1] for row in bars[at - 49 : at + 1]]
        ma = round(sum(before) / 50, 6)
        moves = [bars[k][1] - bars[k - 1][1] for k in range(at - 13, at + 1)]
        rise, fall = sum(move for move in moves if move > 0), -sum(move for move in moves if move < 0)
        rsi = round(100 * rise / (rise + fall), 6)
        usual = round(sum(row[2] for row in bars[at - 19 : at + 1]) / 20, 6)
        days.append(day)
        closes.append(close)
        found = {
            "close_above_ma": close > ma,
            "vix_calm": vix[day] < 25,
            "rsi_high": rsi > 50,
            "volume_high": volume > usual,
            "close_below_ma": close < ma,
            "vix_fear": vix[day] > 30,
            "rsi_low": rsi < 30,
        }
        for name, held in found.items():
            flags[name].append(held)
    return days, closes, flags


def test_accuracy_of_every_condition_and_horizon(played: Played) -> None:
    _, closes, flags = closes_and_flags(played)
    review = played.review(Kind.WEEK, date(2018, 12, 31))
    assert {(line.condition, line.horizon_sessions) for line in review.accuracy} == {
        (name, horizon) for name in flags for horizon in (1, 5, 20)
    }
    for line in review.accuracy:
        later = [closes[k + line.horizon_sessions] / closes[k] - 1 for k in range(len(closes) - line.horizon_sessions)]
        entry = line.condition in ENTRY
        when = [k for k in range(len(later)) if flags[line.condition][k]]
        right = [k for k in when if (later[k] > 0 if entry else later[k] < 0)]
        base = [k for k in range(len(later)) if (later[k] > 0 if entry else later[k] < 0)]
        assert (line.sessions, line.held, line.right) == (len(later), len(when), len(right))
        assert line.base_frac == pytest.approx(len(base) / len(later), abs=1e-6)
        if when:
            assert line.mean_frac == pytest.approx(statistics.fmean(later[k] for k in when), abs=1e-6)


def test_win_and_loss_equal_the_view_of_trades(played: Played) -> None:
    review = played.review(Kind.QUARTER, date(2018, 12, 31))
    sql = "SELECT pnl_usd FROM v_trades WHERE exit_session BETWEEN ? AND ?"
    results = [row[0] for row in played.rows(sql, "2018-10-01", "2018-12-31")]
    whole = [row[0] for row in played.rows(sql, "2014-01-01", "2018-12-31")]
    assert review.win_loss is not None
    assert review.win_loss_start is not None
    assert (review.win_loss.closed, review.win_loss.wins) == (len(results), sum(result > 0 for result in results))
    assert review.win_loss.lost_usd == pytest.approx(-sum(result for result in results if result < 0))
    assert review.win_loss_start.gained_usd == pytest.approx(sum(result for result in whole if result > 0))
    assert [trade.pnl_usd for trade in review.trades] == pytest.approx(results)


def test_result_of_the_period_equals_equity_at_its_ends(played: Played) -> None:
    review = played.review(Kind.MONTH, date(2018, 12, 31))
    before = played.one("SELECT equity_usd FROM equity WHERE session < '2018-12-01' ORDER BY session DESC LIMIT 1")
    after = played.one("SELECT equity_usd FROM equity ORDER BY session DESC LIMIT 1")
    held = played.rows(
        "SELECT benchmark_usd FROM equity WHERE session IN ('2018-11-30', '2018-12-31') ORDER BY session"
    )
    assert review.pnl_usd == pytest.approx(after - before)
    assert review.pnl_frac == pytest.approx(after / before - 1, abs=1e-6)
    assert review.benchmark_frac == pytest.approx(held[1][0] / held[0][0] - 1, abs=1e-6)
    assert review.complete


def test_exposure_is_the_mean_part_of_the_equity_in_shares(played: Played) -> None:
    review = played.review(Kind.MONTH, date(2018, 12, 31))
    (mean,) = played.rows("SELECT avg(market_usd / equity_usd) FROM equity WHERE session >= '2018-12-01'")[0]
    assert review.exposure_frac == pytest.approx(mean, abs=1e-6)
    shown = text(review_page(review))
    assert re.search(rf"Exposure, mean +{mean * 100:.2f}%", shown)
    assert "Idle cash earned 0." in shown


def test_risk_against_holding(played: Played) -> None:
    review = played.review(Kind.MONTH, date(2018, 12, 31))
    for line, column in zip(review.standing, ("equity_usd", "benchmark_usd"), strict=True):
        curve = [5000.0, *(row[0] for row in played.rows(f"SELECT {column} FROM equity ORDER BY session"))]
        moves = [now / before - 1 for before, now in pairwise(curve)]
        sharpe = statistics.fmean(moves) / statistics.stdev(moves) * math.sqrt(252)
        worst = min(value / max(curve[: k + 1]) - 1 for k, value in enumerate(curve))
        assert line.volatility_frac == pytest.approx(statistics.stdev(moves) * math.sqrt(252), abs=1e-6)
        assert line.sharpe == pytest.approx(sharpe, abs=1e-6)
        assert line.worst_drawdown_frac == pytest.approx(worst, abs=1e-6)
        assert line.start_frac == pytest.approx(curve[-1] / 5000 - 1, abs=1e-6)
        assert line.sharpe_low is not None
        assert line.sharpe_high is not None
        assert line.sharpe is not None
        assert line.sharpe_low < line.sharpe < line.sharpe_high


def test_costs_equal_sums_over_fills(played: Played) -> None:
    review = played.review(Kind.QUARTER, date(2018, 12, 31))
    span = ("2018-10-01", "2018-12-31")
    fills, traded, paid = played.rows(
        "SELECT count(*), sum(shares * price), sum(commission_usd) FROM fills WHERE session BETWEEN ? AND ?", *span
    )[0]
    assert review.costs is not None
    assert (review.costs.fills, review.costs.unknown) == (fills, 0)
    assert review.costs.traded_usd == pytest.approx(traded)
    assert review.costs.paid_usd == pytest.approx(paid)
    assert review.costs.assumed_usd == pytest.approx(paid)  # the history charges what the settings assume
    slipped = played.one(
        "SELECT sum((CASE f.side WHEN 'BUY' THEN 1 ELSE -1 END) * (f.price - i.reference_price) * f.shares)"
        " FROM fills f JOIN order_intents i ON i.id = f.intent_id WHERE f.session BETWEEN ? AND ?",
        *span,
    )
    assert review.costs.slippage_usd == pytest.approx(slipped, abs=1e-6)
    # A replay that decides on the close and fills at it measures nothing, which is not a cost of nothing.
    told = replace(review.costs, slippage_usd=None, wait_bps=None, auction_bps=None, simulated=False)
    page = review_page(replace(review, costs=told))
    (facts,) = next(section for section in page.further if section.key == "costs").blocks
    assert isinstance(facts, Facts)
    assert [cell.text for name, cell, _ in facts.rows if name.endswith("cost")] == ["not simulated"] * 3


def test_stability_counts_sessions_and_orders(played: Played) -> None:
    review = played.review(Kind.MONTH, date(2018, 12, 31))
    rows = {line.step: (line.expected, line.reached) for line in review.stability}
    sessions = played.one("SELECT count(*) FROM bars WHERE symbol = 'MTUM' AND session LIKE '2018-12%'")
    orders = played.one("SELECT count(*) FROM order_intents WHERE session LIKE '2018-12%'")
    assert rows["decided"] == (sessions, sessions)
    assert rows["ordered"] == rows["acknowledged"] == (orders, orders)
    assert rows["reported"] == (sessions, 0)  # no report was asked for
    assert rows["mailed"] == (0, 0)


def test_second_implementation_agrees_on_the_live_cache(played: Played) -> None:
    review = played.review(Kind.WEEK, date(2018, 12, 31))
    compared = {"ma", "rsi", "atr", "volume_average"}
    assert {check.indicator for check in review.validation} == compared
    for check in review.validation:
        assert check.largest is not None
        assert check.largest < 2e-6
        assert check.warm_up == 0.0


@pytest.mark.parametrize(
    ("variant", "changed"),
    [
        ("all conditions", {}),
        ("without vix_calm", {"vix_entry": 1e9}),
        ("without rsi_high", {"rsi_entry": -1.0}),
        ("without vix_fear", {"vix_exit": 1e9}),
        ("without rsi_low", {"rsi_exit": -1.0}),
        ("without atr_target", {"multiple": 1e9}),
    ],
)
def test_effect_of_a_condition_equals_slow_play(played: Played, variant: str, changed: dict[str, float]) -> None:
    review = played.review(Kind.MONTH, date(2018, 12, 31))
    effect = next(line for line in review.effects if line.variant == variant)
    bars = played.history.bars
    rows = [
        Row(bar.day, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.dividend)
        for bar in (bars.bar(index) for index in range(len(bars)))
    ]
    rules = SlowRules(buffer="0.005", cap="5000", **changed)  # type: ignore[arg-type]  # numbers only
    account = play(rows, played.history.vix, rules, 59, len(rows))
    assert effect.trades == len(account.trades)
    assert effect.return_frac == pytest.approx(float(account.equity[-1]) / 5000 - 1, abs=2e-4)


def test_an_indicator_that_a_short_history_cannot_give_is_not_known(played: Played) -> None:
    """Twenty sessions are enough for RSI and ATR over 14 and the volume's mean over 20, not for a mean over 50."""
    looked_at = period(played.history.writer(), Kind.WEEK, FRIDAY)
    warm_up = {check.indicator: check.warm_up for check in indicator_checks(looked_at, 20)}
    assert warm_up["ma"] is None
    assert warm_up["volume_average"] == 0.0


def test_decisions_on_the_same_bars_leave_nothing_to_regret(played: Played) -> None:
    # The history decides on final prices rounded to the cent: a condition turns on such a tie alone.
    review = played.review(Kind.WEEK, FRIDAY)
    days, _, flags = closes_and_flags(played)
    for line in review.regret:
        decided = dict(played.rows("SELECT session, passed FROM v_signals WHERE condition = ?", line.condition))
        until = [k for k, day in enumerate(days) if day <= str(FRIDAY)]
        turned = [k for k in until if bool(decided[days[k]]) != flags[line.condition][k]]
        assert (line.all_sessions, line.all_turned) == (len(until), len(turned))
    # Prices and VIX turn nothing on a replayed market, because they were final already; the page says so.
    (section,) = [one for one in review_page(review).further if one.key == "partial"]
    assert Sentence(REPLAYED) in section.blocks
    assert (
        Sentence(REPLAYED)
        not in next(one for one in review_page(replace(review, replayed=False)).further if one.key == "partial").blocks
    )


def test_slack_is_minutes_to_the_deadline(played: Played) -> None:
    review = played.review(Kind.WEEK, FRIDAY)
    steps = {line.step: line for line in review.slack}
    assert steps["decided"].least_minutes == 19.0 - 17.0
    assert steps["decided"].sessions == 4  # Christmas is closed


def test_a_week_that_is_not_over_says_so_and_is_not_stored(played: Played) -> None:
    review = played.review(Kind.WEEK, date(2018, 12, 27))
    assert not review.complete
    assert played.one("SELECT count(*) FROM runs WHERE job = 'review' AND session = '2018-12-27'") == 0


def test_a_complete_review_is_stored_once(played: Played) -> None:
    first = write_review(played.history.writer(), Kind.QUARTER, date(2018, 12, 31), AT)
    again = write_review(played.history.writer(), Kind.QUARTER, date(2018, 12, 31), AT)
    assert not again.fresh
    assert again.document == first.document
    assert again.review == first.review
    assert again.text == first.text
    assert max(len(line) for line in first.text.splitlines()) <= 78


def test_quarter_audits_and_sums_tax_lots(played: Played) -> None:
    review = played.review(Kind.QUARTER, date(2018, 12, 31))
    results = {line.check: line.result for line in review.audit}
    assert results["restore drill"] == "attention"  # none was ever made
    assert results["lots and position"] == "ok"
    assert results["dependency vulnerabilities"] == "unknown"
    assert played.one("SELECT shares FROM equity ORDER BY session DESC LIMIT 1") == 0
    # With nothing held, no loss is deferred any more: all years together gain what the trades gained.
    gains = played.one("SELECT sum(pnl_usd) FROM v_trades")
    assert sum((tax.short_usd or 0) + (tax.long_usd or 0) for tax in review.tax) == pytest.approx(gains, abs=0.5)
    assert review.tax[-1].year == 2018


@pytest.mark.parametrize(
    ("drill", "result", "words"),
    [
        (Drill("c.db", None, date(2018, 12, 24), 5, 2), "ok", "c.db restored: 5 decisions, 2 fills"),
        (Drill("c.db", None, date(2018, 12, 23), 5, 2), "attention", "8 days before the end"),
        (Drill("c.db", "c.db is not sound: a page is missing"), "attention", "could not be restored: c.db is not"),
        (None, "attention", "there is no backup"),
    ],
)
def test_restore_drill_is_judged(played: Played, drill: Drill | None, result: str, words: str) -> None:
    looked_at = period(played.history.writer(), Kind.QUARTER, date(2018, 12, 31))
    line = next(line for line in audit(looked_at, {}, None, drill) if line.check == "restore drill")
    assert line.result == result
    assert words in line.detail


def test_age_of_secrets_is_judged(played: Played) -> None:
    looked_at = period(played.history.writer(), Kind.QUARTER, date(2018, 12, 31))
    lines = audit(looked_at, {"mail.password": 400, "notify.urls": None}, "")
    results = {line.check: line.result for line in lines}
    assert results["age of secret mail.password"] == "attention"
    assert results["age of secret notify.urls"] == "unknown"
    assert results["dependency vulnerabilities"] == "ok"
    assert Outside().vulnerabilities is None
