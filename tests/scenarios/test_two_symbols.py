"""A strategy of two symbols through the whole daily job: two orders, sells first, no cash below zero."""

import re
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from msgspec import structs

from mtum import config
from mtum.adapters.store.opening import SqliteStore
from mtum.app.session.play_session import Replay, play_session
from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.ports.rows import DayRow, EquityRow
from mtum.wiring import desks
from mtum.wiring.resources import opened_reader
from support.practice import exchange_in, sample_market, settings_of, write_market
from support.sixty_forty import SixtyForty
from support.values import replace

FIRST, LAST = date(2017, 10, 2), date(2017, 12, 29)
NAME = SixtyForty.name


def settings() -> config.Settings:
    """The defaults with a strategy that only the tests know."""
    plain = settings_of(market__source="csv", risk__max_position_usd=1e6, risk__max_daily_loss_usd=1e6)
    portfolio = structs.replace(plain.portfolio, strategy=NAME)
    return structs.replace(plain, strategy={**plain.strategy, NAME: SixtyForty()}, portfolio=portfolio)


def trending(bars: Bars, symbol: str, per_session: float) -> Bars:
    """The same sessions, one price a day that grows (or falls) at a steady rate from 50 USD."""
    prices = np.round(50.0 * (1.0 + per_session) ** np.arange(len(bars)), 2)
    columns = {**dict.fromkeys(PRICE_COLUMNS, prices), "volume": bars.volume}
    return Bars.from_columns(symbol, "csv", bars.days, columns)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """Every session of a market in which one symbol rises and the other falls."""
    folder = tmp_path_factory.mktemp("two")
    bars, _ = sample_market(FIRST, LAST)
    write_market(folder / "bars", {"AAA": trending(bars, "AAA", 0.015), "BBB": trending(bars, "BBB", -0.01)})
    documents = []
    with desks.replay_desk(settings(), folder) as replay:
        while (session := replay.upcoming()) is not None:
            documents.append(play_session(replay.desk, session).document)
    return folder, documents


def fills(folder: Path) -> tuple[Fill, ...]:
    with desks.replay_desk(settings(), folder) as replay:
        return tuple(replay.desk.store.orders.fills(NAME))


def test_the_first_session_buys_both_symbols_within_the_cash(history: tuple[Path, list[dict[str, Any]]]) -> None:
    first = history[1][0]
    assert first["session"] == "2017-10-02", "one bar is all the history it needs"
    # 3,000 / (50 x 1.006) = 59.6 and 2,000 / (50 x 1.006) = 39.8
    bought = [(order["symbol"], order["side"], order["shares"], order["status"]) for order in first["orders"]]
    assert bought == [("AAA", "BUY", 59, "FILLED"), ("BBB", "BUY", 39, "FILLED")]
    assert set(first["symbols"]) == {"AAA", "BBB"}
    # 4,900 spent and 0.1 % of it
    assert first["equity_usd"] == 5000 - 4.90


def test_a_session_reads_the_history_of_each_symbol_once(tmp_path: Path) -> None:
    """Refreshing, deciding and settling look at the same bars; after the close the newest alone is read."""
    bars, _ = sample_market(FIRST, LAST)
    write_market(tmp_path / "bars", {"AAA": trending(bars, "AAA", 0.015), "BBB": trending(bars, "BBB", -0.01)})
    asked: list[str] = []
    for _ in range(3):
        with desks.replay_desk(settings(), tmp_path) as replay:
            session = replay.upcoming()
            assert session is not None
            asked.clear()
            cast("SqliteStore", replay.desk.store).database.connection.set_trace_callback(asked.append)
            play_session(replay.desk, session)
            day = str(session.day)
    read = re.compile(r"SELECT open.* WHERE symbol = '(\w+)' AND source = 'csv' AND session >= '(.*)' ORDER")
    parts = [match.groups() for one in asked if (match := read.match(one))]
    assert sorted(symbol for symbol, since in parts if since < day) == ["AAA", "BBB"]
    # The session's own bar is put behind what was read when it is accepted.
    assert [one for one in parts if one[1] >= day] == []


def test_a_rebalancing_sells_what_rose_before_it_buys_what_fell(history: tuple[Path, list[dict[str, Any]]]) -> None:
    rebalanced = [document for document in history[1][1:] if document["orders"]]
    assert rebalanced, "the market must move the weights apart"
    for document in rebalanced:
        assert document["exit_code"] == 0
        assert (document["orders"][0]["symbol"], document["orders"][0]["side"]) == ("AAA", "SELL")
        assert all(order["status"] == OrderStatus.FILLED.value for order in document["orders"])
    assert any(len(document["orders"]) == 2 for document in rebalanced)


def test_cash_never_falls_below_zero_and_adds_up_to_the_cent(history: tuple[Path, list[dict[str, Any]]]) -> None:
    cash = 5000.0
    for fill in fills(history[0]):
        sign = -1 if fill.side is Side.BUY else 1
        cash += sign * fill.shares * float(fill.price) - float(fill.commission_usd or 0)
        # Within one auction the sales come first.
        assert cash >= 0
    assert float(exchange_in(history[0]).accounts[0].cash) == pytest.approx(cash, abs=1e-6)


def test_lots_equal_the_positions_of_the_exchange_and_orders_carry_the_strategy(
    history: tuple[Path, list[dict[str, Any]]],
) -> None:
    with desks.replay_desk(settings(), history[0]) as replay:
        states = replay.desk.store.orders.states()
        held = {fill.symbol: 0 for fill in fills_of(replay)}
        for fill in fills_of(replay):
            held[fill.symbol] += fill.shares if fill.side is Side.BUY else -fill.shares
    assert {state.intent.strategy for state in states} == {NAME}
    assert len({state.intent.id for state in states}) == len(states)
    positions = {one.symbol: int(one.shares) for one in exchange_in(history[0]).accounts[0].positions}
    assert positions == held


def fills_of(replay: Replay) -> tuple[Fill, ...]:
    return tuple(replay.desk.store.orders.fills(NAME))


def test_the_order_of_the_symbols_in_the_universe_does_not_matter_to_sells_first(tmp_path: Path) -> None:
    bars, _ = sample_market(FIRST, LAST)
    write_market(tmp_path / "bars", {"AAA": trending(bars, "AAA", -0.01), "BBB": trending(bars, "BBB", 0.015)})
    turned = settings()
    turned = structs.replace(turned, strategy={**turned.strategy, NAME: replace(SixtyForty())})
    with desks.replay_desk(turned, tmp_path) as replay:
        documents = [play_session(replay.desk, session).document for session in replay.market[:30]]
    pairs = [document["orders"] for document in documents[1:] if len(document["orders"]) == 2]
    assert pairs
    assert all([order["side"] for order in pair] == ["SELL", "BUY"] for pair in pairs)


def test_no_price_and_no_count_of_shares_stands_for_two_symbols(history: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, documents = history
    with opened_reader(settings(), folder / "mtum.db") as reader:
        assert reader is not None
        points, days = reader.rows(EquityRow), reader.rows(DayRow)
    assert {(row.close, row.shares) for row in points} == {(None, None)}
    assert len(points) == len(documents)
    assert {(row.decision_price, row.close) for row in days} == {(None, None)}
    assert {tuple(row.indicators) for row in days} == {("AAA", "BBB")}
