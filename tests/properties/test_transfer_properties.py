"""Cash between sleeves, whatever they own."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mtum.core.coordination.transfers import SleeveMoney, TransferRules, rebalanced, transfers

CENTS = st.integers(-200_000, 5_000_000).map(lambda cents: Decimal(cents) / 100)


@st.composite
def accounts(draw: st.DrawFn) -> list[SleeveMoney]:
    return [
        SleeveMoney(
            name=name,
            weight=draw(st.sampled_from([0.0, 0.05, 0.2, 1 / 3, 0.6])),
            equity_usd=draw(CENTS),
            available_usd=max(Decimal(0), draw(CENTS)),
            receives=draw(st.booleans()),
        )
        for name in "abcd"[: draw(st.integers(2, 4))]
    ]


NOTHING = Decimal(0)
BANDS = st.sampled_from([0.0, 0.05, 0.2])


@given(accounts(), BANDS)
def test_what_moves_adds_up_to_nothing_and_leaves_nobody_short(sleeves: list[SleeveMoney], band: float) -> None:
    moved = transfers(sleeves, band)
    rows = {one.sleeve: one for one in rebalanced(sleeves, {}, TransferRules("month", band))}

    assert sum(moved.values()) == 0
    for one in sleeves:
        usd, target = moved.get(one.name, Decimal(0)), rows[one.name].target_usd
        assert usd == usd.quantize(Decimal("0.01"))
        assert one.available_usd + usd >= 0
        assert one.receives or usd <= 0
        # Nobody crosses its own share, but for the cents that rounding leaves over.
        after = float(one.equity_usd + usd)
        assert usd <= 0 or after <= target + 0.05
        assert usd >= 0 or (after >= target - 0.05 and float(one.equity_usd) > target)


@given(accounts(), BANDS, st.randoms(use_true_random=False))
def test_the_order_of_the_sleeves_changes_no_more_than_a_cent(
    sleeves: list[SleeveMoney], band: float, chance: object
) -> None:
    mixed = list(sleeves)
    chance.shuffle(mixed)  # type: ignore[attr-defined] # a Random of the library
    first, second = transfers(sleeves, band), transfers(mixed, band)

    # A cent that cannot be shared goes to the largest; between equals to the earlier.
    assert all(abs(first.get(one, NOTHING) - second.get(one, NOTHING)) <= Decimal("0.05") for one in {*first, *second})
    assert transfers(sleeves, band) == first
