"""What the sleeves earn is what the account earns, whatever happens between them."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtum.app.ledger.sleeve_records import flows_since
from mtum.core.portfolio.equity_points import OfficialEquity, account_points, curve_of, with_capital
from mtum.core.portfolio.returns import changes, curve, together
from mtum.ports.records import CashMovement

NAMES, SYMBOLS = ("a", "b", "c"), ("XXX", "YYY")
FIRST, CAPITAL = date(2026, 1, 5), Decimal(10_000)
DAYS = [FIRST + timedelta(days=number) for number in range(6)]
CENTS = st.integers(1, 900_000).map(lambda cents: Decimal(cents) / 100)
KINDS = ("deposit", "withdrawal", "dividend", "transfer", "trade", "cross")
type Happening = tuple[date, str, str, str, str, int, Decimal]
type Closes = Mapping[tuple[date, str], Decimal]
HAPPENINGS = st.tuples(
    st.sampled_from(DAYS),
    st.sampled_from(KINDS),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.sampled_from(SYMBOLS),
    st.integers(-40, 40),
    CENTS,
)


class Books:
    """The sleeves' movements and shares, and the account as a broker has it, who knows no sleeves."""

    def __init__(self) -> None:
        self.moved = {name: [CashMovement(name, name, FIRST, "capital", CAPITAL)] for name in NAMES}
        self.shares: list[tuple[date, str, str, int]] = []
        self.broker_usd, self.paid_in_usd = 3 * CAPITAL, 3 * CAPITAL

    def move(self, name: str, day: date, kind: str, usd: Decimal, *, outside: bool = True) -> None:
        self.moved[name].append(CashMovement(f"{name}{len(self.moved[name])}", name, day, kind, usd))
        self.broker_usd += usd if outside else 0
        self.paid_in_usd += usd if kind in ("deposit", "withdrawal") else 0

    def trade(self, name: str, day: date, symbol: str, shares: int, price: Decimal, *, outside: bool = True) -> None:
        self.shares.append((day, name, symbol, shares))
        self.move(name, day, "buy" if shares > 0 else "sell", -shares * price, outside=outside)

    def happens(self, what: Happening, close: Closes) -> None:
        day, kind, one, other, symbol, shares, usd = what
        match kind:
            case "transfer":
                self.move(one, day, kind, usd, outside=False)
                self.move(other, day, kind, -usd, outside=False)
            case "cross":
                self.trade(one, day, symbol, shares, close[day, symbol], outside=False)
                self.trade(other, day, symbol, -shares, close[day, symbol], outside=False)
            case "trade":
                self.trade(one, day, symbol, shares, usd)
                self.move(one, day, "commission", Decimal("-1.01"))
            case _:
                self.move(one, day, kind, -usd if kind == "withdrawal" else usd)

    def worth(self, day: date, close: Closes, names: Sequence[str] = NAMES) -> Decimal:
        own = (shares * close[day, symbol] for at, name, symbol, shares in self.shares if at <= day and name in names)
        return sum(own, Decimal(0))

    def points(self, name: str, days: Sequence[date], close: Closes) -> tuple[OfficialEquity, ...]:
        found: list[OfficialEquity] = []
        for day in days:
            until = [one for one in self.moved[name] if one.session <= day]
            equity = sum((one.amount_usd for one in until), self.worth(day, close, (name,)))
            found.append(OfficialEquity(day, equity, flows_since(until, found[-1].session if found else date.min)))
        return with_capital(found, CAPITAL)


def gained(points: Sequence[OfficialEquity]) -> float:
    equity, flows = [float(one.equity_usd) for one in points], [float(one.flows_usd) for one in points]
    return float(np.sum(changes(curve([one.session for one in points], equity, flows))))


@given(
    st.lists(HAPPENINGS, max_size=25),
    st.lists(CENTS, min_size=12, max_size=12),
    st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(DAYS[1:-1]))),
)
def test_the_account_earns_what_its_sleeves_earn_to_the_cent(
    happenings: list[Happening], prices: list[Decimal], unvalued: set[tuple[str, date]]
) -> None:
    close = {(day, symbol): prices[2 * n + k] for n, day in enumerate(DAYS) for k, symbol in enumerate(SYMBOLS)}
    books = Books()
    for one in happenings:
        books.happens(one, close)
    points = {name: books.points(name, [d for d in DAYS if (name, d) not in unvalued], close) for name in NAMES}
    earned = float(books.broker_usd + books.worth(DAYS[-1], close) - books.paid_in_usd)

    assert sum(gained(own) for own in points.values()) == pytest.approx(earned, abs=0.005)
    account = account_points(points)
    assert gained(account) == pytest.approx(earned, abs=0.005)
    # Columns tell the same as points do, to the last digit.
    told, wanted = together([curve_of(own) for own in points.values()]), curve_of(account)
    assert told.days == wanted.days
    assert (told.equity.tolist(), told.flows.tolist()) == (wanted.equity.tolist(), wanted.flows.tolist())
