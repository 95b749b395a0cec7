"""Lots made of the fills since a symbol was last flat are those that all fills make."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest

from mtum.core.portfolio.fills import Fill, folded
from mtum.core.portfolio.lots import Lot, lots_of
from mtum.core.portfolio.orders import Side
from support.store import MONDAY, fill, intent, opened, traded


def by_symbol(fills: Sequence[Fill], before: date) -> list[Lot]:
    lots = lots_of(fill for fill in fills if fill.session < before)
    return sorted(lots, key=lambda lot: lot.symbol)


@pytest.mark.parametrize("seed", range(8))
def test_the_fills_of_the_last_round_trips_make_the_lots_of_the_whole_history(tmp_path: Path, seed: int) -> None:
    chance, store = Random(seed), opened(tmp_path)
    held = {"AAA": 0, "BBB": 0}
    try:
        for number in range(60):
            day, symbol = MONDAY + timedelta(days=number), chance.choice(list(held))
            side = Side.SELL if held[symbol] > 0 and chance.random() < 0.6 else Side.BUY
            shares = held[symbol] if side is Side.SELL and chance.random() < 0.7 else chance.randrange(1, 12)
            held[symbol] += shares if side is Side.BUY else -shares
            order = intent(day, side, shares, symbol)
            traded(store, order, fill(order, f"{number}.01", shares, "100", "1"))
            if chance.random() < 0.2:  # the broker corrects the price later
                store.orders.add_fills([fill(order, f"{number}.02", shares, "101", "1")])
        whole = folded(store.orders.fills())
        for back in (None, 0, 1, 7, 30, 59):
            since = None if back is None else MONDAY + timedelta(days=59 - back)
            few = store.books.open_fills(since)
            for day in (MONDAY + timedelta(days=n) for n in range(59 - (back or 0), 61)):
                assert by_symbol(few, day) == by_symbol(whole, day)
        sold = {one.symbol: one.session for one in whole if one.side is Side.SELL}
        last = {one.symbol: one.session for one in store.books.open_fills() if one.side is Side.SELL}
        assert last == sold
        assert len(store.books.open_fills()) < len(whole)
    finally:
        store.close()


def test_nothing_is_open_where_nothing_was_traded(tmp_path: Path) -> None:
    store = opened(tmp_path)
    try:
        assert store.books.open_fills() == ()
    finally:
        store.close()
