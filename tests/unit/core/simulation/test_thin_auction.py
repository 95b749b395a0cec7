"""A closing auction that fills only a part of the session's volume, numbers by hand."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.portfolio.costs import IbTieredCosts, ThirdPartyFees
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.admission import ExchangeRules
from mtum.core.simulation.exchange import advance, place
from mtum.core.simulation.exchange_state import ExchangeStatus
from support.exchange import ACCOUNT, FREE, exchange, moment, ticket
from support.values import replace

THIN = replace(FREE, auction_volume_frac=0.01)


def filled(
    volume: float, *shares: int, rules: ExchangeRules = THIN, kind: OrderType = OrderType.MARKET_ON_CLOSE
) -> list[tuple[int, ExchangeStatus]]:
    """What became of purchases of so many shares each, looked at twice after the close."""
    state = exchange("100000", held="50")
    for number, count in enumerate(shares):
        state, _ = place(state, ticket(shares=count, order_type=kind, ref=f"r-{number}"), moment(20.0), rules)
    for minutes in (-1.0, -2.0):
        state, _ = advance(state, replace(moment(minutes), volumes={"AAA": volume}), rules)
    return [(order.filled, order.status) for order in state.orders]


def test_one_hundredth_of_999_shares_is_nine() -> None:
    assert filled(999.0, 10) == [(9, ExchangeStatus.EXPIRED)]
    assert filled(1000.0, 10) == [(10, ExchangeStatus.FILLED)]


def test_who_came_first_is_served_first() -> None:
    assert filled(1500.0, 10, 10, 10) == [
        (10, ExchangeStatus.FILLED),
        (5, ExchangeStatus.EXPIRED),
        (0, ExchangeStatus.EXPIRED),
    ]


def test_a_sale_takes_part_of_the_auction_too() -> None:
    state = exchange("100000", held="50")
    for number, (side, count) in enumerate(((Side.SELL, 6), (Side.BUY, 6))):
        state, _ = place(state, ticket(side=side, shares=count, ref=f"r-{number}"), moment(20.0), THIN)
    state, _ = advance(state, replace(moment(-1.0), volumes={"AAA": 1000.0}), THIN)
    assert [order.filled for order in state.orders] == [6, 4]


@pytest.mark.parametrize("volume", [0.0, float("nan")])
def test_where_no_volume_is_known_everything_is_filled(volume: float) -> None:
    assert filled(volume, 10) == [(10, ExchangeStatus.FILLED)]


def test_without_the_rule_the_volume_does_not_matter() -> None:
    assert filled(1.0, 10, rules=FREE) == [(10, ExchangeStatus.FILLED)]


def test_continuous_trading_is_not_limited() -> None:
    state, _ = place(exchange("100000"), ticket(shares=10, order_type=OrderType.MARKET), moment(20.0), THIN)
    state, _ = advance(state, replace(moment(19.0), volumes={"AAA": 100.0}), THIN)
    assert [order.filled for order in state.orders] == [10]


def test_a_tiered_account_pays_by_what_it_traded_in_the_month_before() -> None:
    """300,000 shares x 0.0035, then 1,000 x 0.0020; a purchase pays no fee of the regulators."""
    tiered = replace(FREE, costs=IbTieredCosts(ThirdPartyFees(*(Decimal(0),) * 6)))
    state = exchange("100000000")
    for number, count in enumerate((300_000, 1_000)):
        state, _ = place(state, ticket(shares=count, ref=f"r-{number}"), moment(20.0), tiered)
    state, _ = advance(state, moment(-1.0), tiered)
    assert [order.commission for order in state.orders] == [Decimal("1050.00"), Decimal("2.00")]


def test_a_sale_of_a_tiered_account_pays_the_regulators() -> None:
    """At least 0.35; SEC 0.1 % of 50 x 100 = 5.00 and 0.01 for each of 50 shares: 5.85."""
    fees = ThirdPartyFees(Decimal("0.001"), Decimal("0.01"), *(Decimal(0),) * 4)
    rules = replace(FREE, costs=IbTieredCosts(replace(fees, taf_most_usd=Decimal(9))))
    state, _ = place(exchange("0", held="50"), ticket(side=Side.SELL, shares=50), moment(20.0), rules)
    state, _ = advance(state, moment(-1.0), rules)
    assert [order.commission for order in state.orders] == [Decimal("5.85")]


def test_the_months_of_two_accounts_and_of_two_months_are_apart() -> None:
    """1,000 shares x 0.0035 although 300,000 were bought by another account, or a month before."""
    tiered = replace(FREE, costs=IbTieredCosts(ThirdPartyFees(*(Decimal(0),) * 6)))
    state = exchange("100000000")
    other = replace(state.accounts[0], code="DUP100002")
    state = replace(state, accounts=(*state.accounts, other))
    for number, code in enumerate((ACCOUNT, "DUP100002")):
        asked = replace(ticket(shares=(300_000, 1_000)[number], ref=f"r-{number}"), account=code)
        state, _ = place(state, asked, moment(20.0), tiered)
    state, _ = advance(state, moment(-1.0), tiered)
    later = date(2015, 7, 1)
    state, _ = place(state, ticket(shares=1_000, ref="r-2"), moment(20.0, later), tiered)
    state, _ = advance(state, moment(-1.0, later), tiered)
    assert [order.commission for order in state.orders] == [Decimal("1050.00"), Decimal("3.50"), Decimal("3.50")]
