"""Quantities by hand, each at the bound where one contract more or less is taken."""

from decimal import Decimal

import pytest

from mtum.core.options.quantities import (
    BUCKETS,
    Bucket,
    bucket_problems,
    calls_wanted,
    defined_risk,
    hedge_calls,
    hedge_weight,
    paced,
    premium_left,
    puts_wanted,
    secured,
    target_shares,
)


@pytest.mark.parametrize(
    ("equity", "shares", "short_puts", "wanted"),
    [
        (Decimal(100_000), 0, 0, 2),  # 200 shares at 500
        (Decimal("99999.99"), 0, 0, 1),  # 199 of them
        (Decimal(100_000), 1, 0, 1),
        (Decimal(100_000), 100, 0, 1),
        (Decimal(100_000), 0, 2, 0),
        (Decimal(100_000), 150, 1, -1),  # half a contract too many is one too many
        (Decimal(100_000), 0, 4, -2),
    ],
)
def test_puts_that_are_missing(equity: Decimal, shares: int, short_puts: int, wanted: int) -> None:
    assert puts_wanted(1.0, equity, Decimal(500), shares, short_puts) == wanted


def test_a_weight_is_the_number_that_was_written() -> None:
    assert target_shares(0.1, Decimal(3_000), Decimal(1)) == 300  # 0.1 as a float is a hair more, 0.3 a hair less
    assert target_shares(0.3, Decimal(1_000), Decimal(1)) == 300
    assert target_shares(0.3, Decimal(1_000), Decimal(0)) == 0


@pytest.mark.parametrize(
    ("wanted", "equity", "opened"),
    [
        (5, Decimal(1_000_000), 1),  # 0.05 of it is one contract of 50,000
        (5, Decimal(2_000_000), 2),
        (5, Decimal("1999999.99"), 1),
        (5, Decimal(10_000), 1),  # one always
        (1, Decimal(9_000_000), 1),
        (0, Decimal(9_000_000), 0),
        (-1, Decimal(9_000_000), 0),
    ],
)
def test_openings_are_paced(wanted: int, equity: Decimal, opened: int) -> None:
    assert paced(wanted, equity, Decimal(500), 0.05) == opened


@pytest.mark.parametrize(
    ("cash", "puts"),
    [(Decimal(49_000), 1), (Decimal("48999.99"), 0), (Decimal(98_000), 2), (Decimal(0), 0), (Decimal(-1), 0)],
)
def test_free_cash_secures_whole_puts(cash: Decimal, puts: int) -> None:
    assert secured(cash, Decimal(490)) == puts


@pytest.mark.parametrize(
    ("shares", "short_calls", "cap_factor", "target", "wanted"),
    [
        (200, 0, 1.0, None, 2),
        (199, 0, 1.0, None, 1),
        (200, 1, 1.0, None, 1),
        (200, 3, 1.0, None, -1),
        (400, 0, 0.5, None, 2),
        (399, 0, 0.5, None, 1),
        (200, 0, 2.0, None, 2),  # never more than there are
        (350, 0, 1.0, 150, 2),
        (349, 0, 1.0, 150, 1),
        (100, 0, 1.0, 150, 0),
        (0, 0, 1.0, None, 0),
    ],
)
def test_calls_are_covered_by_shares(
    shares: int, short_calls: int, cap_factor: float, target: int | None, wanted: int
) -> None:
    assert calls_wanted(shares, short_calls, cap_factor, target) == wanted


@pytest.mark.parametrize(
    ("equity", "max_loss", "open_loss", "count"),
    [
        (Decimal(50_000), Decimal(4), Decimal(0), 2),  # 1,000 at 400 each
        (Decimal(50_000), Decimal(5), Decimal(0), 2),
        (Decimal(50_000), Decimal("5.01"), Decimal(0), 1),
        (Decimal(50_000), Decimal("10.01"), Decimal(0), 0),
        (Decimal(50_000), Decimal(5), Decimal(4_000), 2),  # 5,000 in all
        (Decimal(50_000), Decimal(5), Decimal("4000.01"), 1),
        (Decimal(50_000), Decimal(5), Decimal("4500.01"), 0),
        (Decimal(50_000), Decimal(5), Decimal(6_000), 0),
        (Decimal(50_000), Decimal(0), Decimal(0), 0),
        (Decimal(50_000), Decimal(-1), Decimal(0), 0),
    ],
)
def test_the_largest_loss_bounds_spreads(equity: Decimal, max_loss: Decimal, open_loss: Decimal, count: int) -> None:
    assert defined_risk(equity, max_loss, open_loss, 0.02, 0.10) == count


@pytest.mark.parametrize(
    ("index", "weight"),
    [(0.0, 0.0), (14.99, 0.0), (15.0, 0.01), (29.99, 0.01), (30.0, 0.005), (49.99, 0.005), (50.0, 0.0), (90.0, 0.0)],
)
def test_a_hedge_costs_what_its_range_says(index: float, weight: float) -> None:
    assert hedge_weight(index) == weight


@pytest.mark.parametrize(
    ("buckets", "problem"),
    [
        (BUCKETS, None),
        ((), "no range of the volatility index is given"),
        ((Bucket(5.0, None, 0.0),), "the first range begins at 5; it has to begin at 0"),
        ((Bucket(0.0, 15.0, 0.0), Bucket(16.0, None, 0.0)), "a range ends at 15 and the next begins at 16"),
        ((Bucket(0.0, 15.0, 0.0), Bucket(14.0, None, 0.0)), "a range ends at 15 and the next begins at 14"),
        ((Bucket(0.0, None, 0.0), Bucket(14.0, None, 0.0)), "a range has no end and the next begins at 14"),
        ((Bucket(0.0, 15.0, 0.0),), "the last range ends at 15; it must have no end"),
        ((Bucket(0.0, 0.0, 0.0), Bucket(0.0, None, 0.0)), "the range from 0 to 0 is empty"),
        ((Bucket(0.0, None, 1.5),), "the weight 1.5 is not from 0 to 1"),
    ],
)
def test_ranges_cover_every_level_once(buckets: tuple[Bucket, ...], problem: str | None) -> None:
    found = bucket_problems(buckets)
    assert (found == ()) if problem is None else (len(found) == 1 and found[0].startswith(problem))


@pytest.mark.parametrize(
    ("budget", "cash", "ask", "left", "calls"),
    [
        (Decimal(2_500), Decimal(9_000), Decimal("1.25"), Decimal(9_000), 20),
        (Decimal("2499.99"), Decimal(9_000), Decimal("1.25"), Decimal(9_000), 19),
        (Decimal(2_500), Decimal(125), Decimal("1.25"), Decimal(9_000), 1),
        (Decimal(2_500), Decimal(9_000), Decimal("1.25"), Decimal("124.99"), 0),
        (Decimal(0), Decimal(9_000), Decimal("1.25"), Decimal(9_000), 0),
        (Decimal(2_500), Decimal(9_000), Decimal(0), Decimal(9_000), 0),
    ],
)
def test_a_hedge_keeps_to_budget_cash_and_the_years_premium(
    budget: Decimal, cash: Decimal, ask: Decimal, left: Decimal, calls: int
) -> None:
    assert hedge_calls(budget, cash, ask, left) == calls


def test_the_years_premium_is_a_fiftieth_of_the_account() -> None:
    assert premium_left(Decimal(250_000), Decimal(4_000), 0.02) == Decimal(1_000)
    assert premium_left(Decimal(250_000), Decimal(6_000), 0.02) == Decimal(0)
