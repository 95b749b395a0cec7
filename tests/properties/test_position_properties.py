"""Whatever becomes of the orders of several sleeves, their lots and what is external are the broker's position."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from mtum.core.portfolio.fills import Fill, Split, rebased
from mtum.core.portfolio.lots import Lot, lots_of
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.reconcile import balances
from mtum.core.portfolio.tax import tax_record

START = date(2020, 1, 2)
SLEEVES = ("a", "b", "c")
RATIOS = tuple(Decimal(ratio) for ratio in ("2", "1.5", "3", "0.5", "0.1", "1.37"))
SPLIT_AT = START + timedelta(days=2)


def fill(number: int, sleeve: str, shares: int, crossed: str = "") -> Fill:
    """So many shares bought, sold where negative, on the day of that number."""
    day = START + timedelta(days=number)
    at = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
    side = Side.BUY if shares > 0 else Side.SELL
    name = f"{crossed}{number}.{sleeve}.01"
    return Fill(name, f"{number}{sleeve}", "A", sleeve, "S", side, day, at, abs(shares), Decimal(50), Decimal(0))


def own(lots: Sequence[Lot], sleeve: str) -> int:
    return sum(lot.shares for lot in lots if lot.strategy == sleeve)


def ordered(draw: Random, number: int, held: dict[str, int]) -> list[Fill]:
    """One sleeve's order: filled, filled in part, or rejected."""
    sleeve = draw.choice(SLEEVES)
    sells = held[sleeve] > 0 and draw.random() < 0.5
    wanted = draw.randint(1, held[sleeve] if sells else 40)
    filled = draw.choice([wanted, draw.randint(0, wanted), 0])
    return [fill(number, sleeve, -filled if sells else filled)] if filled else []


def crossed(draw: Random, number: int, held: dict[str, int]) -> list[Fill]:
    """Shares that change sleeves at the close."""
    seller, buyer = draw.sample(SLEEVES, 2)
    if not held[seller]:
        return []
    shares = draw.randint(1, held[seller])
    return [fill(number, seller, -shares, "cross:"), fill(number, buyer, shares, "cross:")]


@given(st.integers(0, 2**32))
def test_lots_and_external_are_the_position_after_any_fills_crosses_and_splits(seed: int) -> None:
    draw = Random(seed)
    fills: list[Fill] = []
    splits: list[Split] = []
    position, external = 0, draw.randint(0, 9)
    for number in range(draw.randint(1, 20)):
        held = {sleeve: own(lots_of(rebased(fills, splits)), sleeve) for sleeve in SLEEVES}
        what = draw.random()
        if what < 0.2 and position:
            ratio = draw.choice(RATIOS)
            splits.append(Split("S", START + timedelta(days=number), ratio))
            position = int(position * ratio)
        else:
            made = (crossed if what < 0.4 else ordered)(draw, number, held)
            position += sum(one.signed_shares for one in made if not one.crossed)
            fills += made
        lots = lots_of(rebased(fills, splits))
        assert all(lot.shares > 0 for lot in lots)
        (balance,) = balances(lots, {"S": Decimal(external)}, {"S": Decimal(position + external)}, ("S",))
        assert (balance.lots, balance.surplus) == (position, Decimal(0))
        assert sum(lot.shares for lot in tax_record(fills, splits).held) == position


@given(st.lists(st.integers(1, 60), min_size=1, max_size=3), st.sampled_from(RATIOS))
@example([3, 3], Decimal("1.5"))
@example([1, 5, 9], Decimal("0.1"))
def test_no_sleeve_is_a_share_away_from_its_part_of_a_split(shares: list[int], ratio: Decimal) -> None:
    fills = [fill(0, sleeve, bought) for sleeve, bought in zip(SLEEVES, shares, strict=False)]
    after = lots_of(rebased(fills, [Split("S", SPLIT_AT, ratio)]))
    assert sum(lot.shares for lot in after) == int(sum(shares) * ratio)
    for sleeve, bought in zip(SLEEVES, shares, strict=False):
        assert abs(own(after, sleeve) - bought * ratio) < 1


def test_a_share_that_fractions_make_together_is_the_largest_ones() -> None:
    """3 and 5 shares, three for two, are 4.5 and 7.5; at 13 for 10 they are 3.9 and 6.5."""
    fills = [fill(0, "b", 3), fill(0, "a", 5)]
    for ratio, expected in (("1.5", {"a": 8, "b": 4}), ("1.3", {"a": 6, "b": 4})):
        after = lots_of(rebased(fills, [Split("S", SPLIT_AT, Decimal(ratio))]))
        assert {lot.strategy: lot.shares for lot in after} == expected
