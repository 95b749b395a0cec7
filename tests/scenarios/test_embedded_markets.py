"""The embedded markets through the whole daily job: splits, dividends, closes alone, late listings, unknown volumes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import structs

from mtum import config
from mtum.app.ledger.book_problems import book_problems
from mtum.app.records.verify import verify
from mtum.app.session.play_session import Replay, play_session
from mtum.core.market.embedded import COMPUTED, MARKETS
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView
from mtum.errors import BarsMissingError, ExitCode, UsageError
from mtum.wiring import desks
from support.commands import call, call_json
from support.parity import by_the_daily_job, by_the_fast_path
from support.practice import settings_of


@dataclass(frozen=True, slots=True)
class Equal(Strategy):
    """An equal part of the money in each symbol, each for itself, for good."""

    name: ClassVar[str] = "equal"
    EACH_BY_ITSELF: ClassVar[bool] = True

    symbols: tuple[str, ...] = ()

    def universe(self) -> tuple[str, ...]:
        """Every symbol."""
        return self.symbols

    def history_sessions(self) -> int:
        """Today's price is enough."""
        return 1

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Buy what is not held yet."""
        seen = (symbol for symbol in self.symbols if symbol in view.bars)
        held = {symbol: own.of(symbol).shares for symbol in seen}
        part = 1 / len(self.symbols)
        return tuple(
            SymbolVerdict(symbol, Keep() if shares else Target(part), ("hold" if shares else "flat",), (), {})
            for symbol, shares in held.items()
        )


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, Equal.name, Equal)


def of_each(market: str, *symbols: str) -> config.Settings:
    plain = settings_of(market__sample=market, portfolio__capital_usd=100_000.0, risk__max_position_usd=1e6)
    portfolio = structs.replace(plain.portfolio, strategy=Equal.name)
    risk = structs.replace(plain.risk, max_daily_loss_usd=1e6)
    strategies = {**plain.strategy, Equal.name: Equal(symbols)}
    return structs.replace(plain, strategy=strategies, portfolio=portfolio, risk=risk)


def holding(symbol: str, market: str = "stocks") -> config.Settings:
    changes = {"portfolio__strategy": "buy_and_hold", "strategy__buy_and_hold__symbol": symbol}
    return settings_of(market__sample=market, **changes)


@contextmanager
def played(
    folder: Path, settings: config.Settings, first: date, last: date
) -> Iterator[tuple[Replay, dict[date, dict[str, Any]]]]:
    """The documents of these sessions by day, after they were played and everything was verified."""
    documents = {}
    with desks.replay_desk(settings, folder) as replay:
        for session in replay.market:
            if first <= session.day <= last:
                documents[session.day] = play_session(replay.desk, session).document
        yield replay, documents
        store = replay.desk.store
        assert verify(store, settings, replay.desk.provenance).exit_code is ExitCode.DONE
        assert list(book_problems(store)) == []


def test_a_split_doubles_the_shares_and_leaves_the_money(tmp_path: Path) -> None:
    """Apple, 2:1 on 28 February 2005: 56 shares bought at 88.23 are 112 at 44.115; it closed at 88.99 and 44.86.

    5,000 / (88.23 x 1.006) = 56.3. Cash 5,000 - 4,940.88 - 4.94 = 54.18; with 56 x 88.99 that is 5,037.62, with
    112 x 44.86 it is 5,078.50.
    """
    with played(tmp_path, holding("AAPL"), date(2005, 2, 23), date(2005, 3, 1)) as (replay, documents):
        lots = replay.desk.store.ledger.lots("buy_and_hold")
        assert [(lot.shares, float(lot.entry_price)) for lot in lots] == [(112, 44.115)]
        equity = {day.isoformat(): document["equity_usd"] for day, document in documents.items()}
        assert (equity["2005-02-25"], equity["2005-02-28"]) == (5037.62, 5078.50)
        assert {document["exit_code"] for document in documents.values()} == {0}


def test_the_largest_dividend_is_booked_and_alarms_nobody(tmp_path: Path) -> None:
    """Microsoft paid 3.08 a share to holders of 12 November 2004: 167 shares, 514.36 USD, a tenth of the account."""
    with played(tmp_path, holding("MSFT"), date(2004, 11, 10), date(2004, 11, 16)) as (replay, documents):
        moved = replay.desk.store.ledger.movements("buy_and_hold")
        found = [(move.session, float(move.amount_usd)) for move in moved if move.kind == "dividend"]
        assert found == [(date(2004, 11, 15), 514.36)]
        assert {document["exit_code"] for document in documents.values()} == {0}
        assert replay.desk.store.control.halts(in_force=True) == ()


def test_a_late_listing_is_left_out_until_it_trades(tmp_path: Path) -> None:
    """Facebook's first session was 18 May 2012; the others do not wait for it."""
    settings = of_each("stocks", "IBM", "FB")
    with played(tmp_path, settings, date(2012, 5, 16), date(2012, 5, 21)) as (_, documents):
        bought = {
            day.isoformat(): [order["symbol"] for order in document["orders"]] for day, document in documents.items()
        }
        assert bought == {"2012-05-16": ["IBM"], "2012-05-17": [], "2012-05-18": ["FB"], "2012-05-21": []}
        assert documents[date(2012, 5, 16)]["degraded"] == ["FB"]
        assert documents[date(2012, 5, 18)]["degraded"] == []


@pytest.mark.parametrize("market", MARKETS)
def test_every_symbol_of_a_market_is_traded(tmp_path: Path, market: str) -> None:
    symbols = tuple(MARKETS[market])
    day = date(2018, 1, 9) if market == "multi" else date(2012, 8, 9)
    with played(tmp_path, of_each(market, *symbols), day, day) as (_, documents):
        orders = documents[day]["orders"]
        assert [(order["symbol"], order["status"]) for order in orders] == [(symbol, "FILLED") for symbol in symbols]


def test_an_unknown_volume_bars_entries_and_nothing_else(tmp_path: Path) -> None:
    """Nobody recorded the NASDAQ's volume of 9 January 2018: it and the mean of 20 are undefined, the rest is not.

    The windows of the 19 sessions behind it hold it too; the first one without it ends on 7 February.
    """
    settings = settings_of(strategy__mtum_confluence__symbol="NDQ")
    with played(tmp_path, settings, date(2018, 1, 9), date(2018, 2, 7)) as (_, documents):
        first = documents[date(2018, 1, 9)]
        assert (first["action"], first["reasons"], first["exit_code"]) == ("hold", ["volume_unproven"], 0)
        assert (first["indicators"]["volume"], first["indicators"]["volume_so_far"]) == (None, None)
        undefined = [day for day, one in documents.items() if one["indicators"]["volume_average"] is None]
        assert (len(undefined), undefined[-1]) == (20, date(2018, 2, 6))
        assert all(one["indicators"]["rsi"] is not None for one in documents.values())
        assert all(not one["orders"] for day, one in documents.items() if day in undefined)


def test_both_paths_trade_alike_across_unknown_volumes() -> None:
    settings = settings_of(market__sample_share="exact", strategy__mtum_confluence__symbol="NDQ")
    first, last = date(2015, 3, 2), date(2015, 7, 31)
    daily, fast = by_the_daily_job(settings, first, last), by_the_fast_path(settings, first, last)
    assert daily.is_same(fast)
    assert len(fast.trades) > 1


def test_a_strategy_that_looks_at_volumes_refuses_closes_alone_in_one_line(tmp_path: Path) -> None:
    settings = settings_of(strategy__mtum_confluence__symbol="TLT")
    said = "mtum_confluence looks at high, low, volume, and TLT of the sample market has closes only"
    with pytest.raises(UsageError, match=said), desks.replay_desk(settings, tmp_path):
        pass
    asked = call_json(tmp_path, "backtest", "--source", "sample", "--symbol", "UST10")
    assert asked.code == 2
    assert "UST10 of the sample market has closes only" in asked.texts


def test_a_symbol_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    said = "GLD: the embedded market multi has SP500, NDQ, .*, and nothing that stands in"
    with pytest.raises(BarsMissingError, match=said), desks.replay_desk(holding("GLD", "multi"), tmp_path):
        pass


def test_computed_series_say_that_no_fund_had_their_prices(tmp_path: Path) -> None:
    found = call_json(tmp_path, "backtest", "--source", "sample", "--strategy", "buy_and_hold", "--symbol", "IEF")
    line = f"7- to 10-year Treasury series of the embedded sample stands in for IEF: {COMPUTED}"
    assert line in found.document["metrics"]["cautions"]


def test_without_a_vix_nothing_is_entered_and_that_is_said(tmp_path: Path) -> None:
    shown = call(tmp_path, "demo", "--market", "stocks", "--sessions", "3", "--out", "played")
    assert shown.code == 0
    assert shown.out.count("the embedded market stocks has no VIX: what waits for it never comes") == 1
    found = call_json(tmp_path, "backtest", "--source", "sample", "--set", "market.sample=stocks", "--symbol", "AAPL")
    assert (found.code, found.document["trades"]) == (0, [])
    (caution,) = [one for one in found.document["metrics"]["cautions"] if "VIX" in one]
    assert caution.endswith("nothing is entered there")


def test_a_market_that_is_not_embedded_is_refused(tmp_path: Path) -> None:
    refused = call_json(tmp_path, "demo", "--market", "gold")
    assert refused.code == 2
    assert "the embedded markets are multi, stocks" in refused.texts
