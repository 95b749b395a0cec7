"""The few points read of an equity curve tell the limits what the whole curve tells them."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import asdict

from mtum.core.portfolio.equity_points import OfficialEquity, account_points, loss_state, with_capital
from mtum.ports.records import EquityPoint
from support.store import STRATEGY, opened
from support.values import replace

FIRST = date(2018, 1, 1)


NAMES = ("a", "b", "c")


def curve(seed: int, count: int) -> list[EquityPoint]:
    """A random walk with a deposit or withdrawal now and then, twice in a row too."""
    chance, points, equity = Random(seed), [], 5000.0
    for index in range(count):
        flow = chance.choice([250.0, -400.0]) if index and chance.random() < 0.15 else 0.0
        equity = round(equity * chance.uniform(0.93, 1.07) + flow, 2)
        worth = Decimal(str(equity))
        day = FIRST + timedelta(days=index)
        points.append(
            EquityPoint(day, STRATEGY, worth, Decimal(0), Decimal(0), worth, Decimal(str(flow)), None, None, 0)
        )
    return points


def state_of(points: list[EquityPoint], since: date | None) -> object:
    official = [OfficialEquity(point.session, point.equity_usd, point.flows_usd) for point in points]
    return loss_state(official, Decimal(0), paused=False, peak_since=since)


@pytest.mark.parametrize("seed", range(12))
def test_the_outline_of_a_curve_gives_the_state_of_the_whole_curve_bit_for_bit(tmp_path: Path, seed: int) -> None:
    whole = curve(seed, 120)
    store = opened(tmp_path)
    try:
        for point in whole:
            store.ledger.write_equity(point)
        for back in (0, 1, 2, 40, 119):
            before, since = FIRST + timedelta(days=120 - back), FIRST + timedelta(days=seed * 7)
            earlier = [point for point in whole if point.session < before]
            few = store.books.outline([STRATEGY], before)
            assert state_of(list(few), None) == state_of(earlier, None)
            both = {point.session: point for point in (*few, *store.books.outline([STRATEGY], before, since))}
            assert state_of([both[day] for day in sorted(both)], since) == state_of(earlier, since)
            assert len(few) <= 4 * (1 + sum(point.flows_usd != 0 for point in earlier)) + 2
    finally:
        store.close()


def account_of(points: list[EquityPoint]) -> dict[str, object]:
    curves = {
        name: with_capital(
            [OfficialEquity(one.session, one.equity_usd, one.flows_usd) for one in points if one.strategy == name],
            Decimal(5000),
        )
        for name in NAMES
    }
    return asdict(loss_state(account_points(curves), Decimal(0), paused=False))


@pytest.mark.parametrize("seed", range(8))
def test_the_outline_of_an_account_gives_the_state_of_its_whole_curve(tmp_path: Path, seed: int) -> None:
    """Three sleeves, one of which begins later, each without a point on some days."""
    chance = Random(seed)
    whole = [
        replace(point, strategy=name)
        for number, name in enumerate(NAMES)
        for point in curve(seed * 3 + number, 120)[20 * number :]
        if chance.random() > 0.04
    ]
    whole.sort(key=lambda point: point.session)
    store = opened(tmp_path)
    try:
        for point in whole:
            store.ledger.write_equity(point)
        for back in (0, 1, 2, 40, 110, 119):
            before = FIRST + timedelta(days=120 - back)
            few = store.books.outline(NAMES, before)
            assert account_of(list(few)) == pytest.approx(
                account_of([point for point in whole if point.session < before]), abs=2e-6
            )
    finally:
        store.close()


def test_an_account_without_flows_is_told_by_four_days(tmp_path: Path) -> None:
    """The first, the highest, and the last two."""
    store = opened(tmp_path)
    try:
        for day in range(100):
            for name in NAMES:
                worth = Decimal(1000 + (day if day < 50 else -day))
                point = EquityPoint(
                    FIRST + timedelta(days=day), name, worth, Decimal(0), Decimal(0), worth, Decimal(0), None, None, 0
                )
                store.ledger.write_equity(point)
        days = {point.session for point in store.books.outline(NAMES, FIRST + timedelta(days=200))}
        assert days == {FIRST + timedelta(days=day) for day in (0, 49, 98, 99)}
    finally:
        store.close()


def test_nothing_is_there_to_outline_before_the_first_point(tmp_path: Path) -> None:
    store = opened(tmp_path)
    try:
        assert store.books.outline([STRATEGY], FIRST) == store.books.outline(NAMES, FIRST) == ()
    finally:
        store.close()
