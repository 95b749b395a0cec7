"""Whatever becomes of symbols, the lots are the broker's shares and cost what was paid for them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mtum.core.coordination.coordinate import pro_rata
from mtum.core.portfolio.fills import Action, ChangeKind, Fill, Split, SymbolChange, rebased
from mtum.core.portfolio.lots import Lot, lots_of
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.tax import tax_record

START = date(2020, 1, 2)
SLEEVES = ("a", "b", "c")
TINY = Decimal("1e-9")


def cost(lots: tuple[Lot, ...]) -> Decimal:
    return sum((lot.paid_usd for lot in lots), Decimal(0))


def held(lots: tuple[Lot, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for lot in lots:
        found[lot.symbol] = found.get(lot.symbol, 0) + lot.shares
    return found


def change(draw: Random, day: date, number: int, lots: tuple[Lot, ...], symbol: str) -> SymbolChange:
    kind, ratio = draw.choice(list(ChangeKind)), Decimal(draw.choice(["0.5", "1", "1.37", "2", "3"]))
    own = {lot.strategy: 0 for lot in lots if lot.symbol == symbol}
    for lot in lots:
        if lot.symbol == symbol:
            own[lot.strategy] += lot.shares
    if kind is ChangeKind.MERGED and draw.random() < 0.3:
        return SymbolChange(kind, symbol, day, cash_usd=Decimal(50))
    into = draw.choice([f"N{number}", "S"])
    if into == symbol or kind is ChangeKind.RENAMED:
        into = f"N{number}"
    if kind is ChangeKind.RENAMED:
        return SymbolChange(kind, symbol, day, into, given=own)
    parts = pro_rata(int(sum(own.values()) * ratio), [*own.values()])
    part = Decimal("0.3") if kind is ChangeKind.SPUN_OFF else Decimal(0)
    return SymbolChange(kind, symbol, day, into, ratio, basis_frac=part, given=dict(zip(own, parts, strict=True)))


@given(st.integers(0, 2**32))
def test_any_sequence_of_trades_and_changes_keeps_shares_and_cost(seed: int) -> None:
    draw = Random(seed)
    fills: list[Fill] = []
    actions: list[Action] = []
    broker: dict[str, int] = {}
    for number in range(draw.randint(1, 14)):
        day = START + timedelta(days=2 * number)
        lots = lots_of(rebased(fills, actions))
        symbol = draw.choice([*held(lots)] or ["S"])
        if lots and draw.random() < 0.4:
            made: Action = change(draw, day, number, lots, symbol)
            if draw.random() < 0.2:
                made = Split(symbol, day, Decimal(2))
            before, after = lots, lots_of(rebased(fills, [*actions, made]))
            actions.append(made)
            if isinstance(made, Split):
                broker[symbol] *= 2
            else:
                shares = broker[symbol]
                broker[symbol] = shares if made.kind is ChangeKind.SPUN_OFF else 0
                if made.into:
                    broker[made.into] = broker.get(made.into, 0) + int(shares * made.ratio)
            lost = sum((lot.paid_usd for lot in before if lot.symbol == symbol), Decimal(0))
            paid_out = isinstance(made, SymbolChange) and not made.into
            # A sleeve that comes to no whole share has its cost paid out with the fraction.
            none = isinstance(made, SymbolChange) and bool(made.into) and 0 in made.given.values()
            if not none:
                assert abs(cost(after) - cost(before) + (lost if paid_out else 0)) < TINY
        else:
            sleeve = draw.choice(SLEEVES)
            own = sum(lot.shares for lot in lots if (lot.strategy, lot.symbol) == (sleeve, symbol))
            sells = own > 0 and draw.random() < 0.5
            shares = draw.randint(1, own if sells else 40)
            broker[symbol] = broker.get(symbol, 0) + (-shares if sells else shares)
            at = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
            side, price = Side.SELL if sells else Side.BUY, Decimal(draw.randint(100, 20_000)) / 100
            fills.append(
                Fill(f"{number}.01", f"i{number}", "A", sleeve, symbol, side, day, at, shares, price, Decimal(0))
            )
        assert held(lots_of(rebased(fills, actions))) == {name: shares for name, shares in broker.items() if shares}
        taxed: dict[str, Decimal] = {}
        for lot in tax_record(fills, actions).held:
            taxed[lot.symbol] = taxed.get(lot.symbol, Decimal(0)) + lot.shares
        assert taxed == {name: shares for name, shares in broker.items() if shares}
