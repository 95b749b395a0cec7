"""A chain is read: quotes that count, forwards, our volatilities and deltas, and markets too thin to trade."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import exp

import pytest

from mtum.core.market.instruments import Right
from mtum.core.options import european
from mtum.core.options.chain import BOUGHT, SOLD, Chain, Quote, Row, WidthRule, illiquid, read
from mtum.core.options.contracts import OptionContract
from mtum.core.options.european import Terms
from support.option_chains import recorded
from support.values import replace

DAY, AT = date(2026, 7, 10), datetime(2026, 7, 10, 19, 40, tzinfo=UTC)
SPOT, RATE, CARRY, VOLATILITY = 750.0, 0.043, 0.033, 0.16


def contract(number: int, right: Right, strike: float, expiry: date) -> OptionContract:
    return OptionContract(number, "SPY", right, Decimal(str(strike)), expiry, expiry, "SPY")


def quoted(width_frac: float = 0.02, days: Iterable[int] = (42,)) -> Chain:
    """A market whose middles are Black's prices at one volatility."""
    rows: list[Row] = []
    for one in days:
        years, expiry = one / 365, DAY + timedelta(one)
        forward = SPOT * exp(CARRY * years)
        for strike in range(690, 815, 5):
            for right in Right:
                terms = Terms(right is Right.CALL, float(strike), years)
                mid = float(european.price(terms, forward, VOLATILITY, exp(-RATE * years)))
                half = 0.5 * width_frac * mid
                named = contract(len(rows) + 1, right, strike, expiry)
                rows.append(Row(named, Quote(mid - half, mid + half, AT), 100))
    return Chain("SPY", DAY, SPOT, AT, RATE, tuple(rows))


def test_forward_volatility_and_delta_come_back() -> None:
    found = read(quoted(days=(42, 70)))
    assert found.refused is None
    assert found.without == {}
    for days in (42, 70):
        forward = SPOT * exp(CARRY * days / 365)
        assert found.forwards[DAY + timedelta(days)] == pytest.approx(forward, abs=1e-9)
        for one in found.readings.values():
            if one.days == days:
                assert one.volatility == pytest.approx(VOLATILITY, abs=1e-9)
                row = one.row.contract
                years = days / 365
                terms = Terms(row.right is Right.CALL, float(row.strike), years)
                delta = european.greeks(terms, SPOT, forward, VOLATILITY, exp(-RATE * years)).delta
                assert one.delta == pytest.approx(float(delta), abs=1e-9)


def with_quote(chain: Chain, number: int, quote: Quote) -> Chain:
    rows = [replace(row, quote=quote) if row.contract.con_id == number else row for row in chain.rows]
    return replace(chain, rows=tuple(rows))


@pytest.mark.parametrize(
    ("quote", "why"),
    [
        (Quote(None, 1.0, AT), "no bid"),
        (Quote(0.0, 1.0, AT), "no bid"),
        (Quote(-1.0, 1.0, AT), "no bid"),
        (Quote(1.0, None, AT), "no ask above the bid"),
        (Quote(1.0, 1.0, AT), "no ask above the bid"),
        (Quote(1.0, 0.9, AT), "no ask above the bid"),
        (Quote(1.0, 1.1, None), "quote too old"),
        (Quote(1.0, 1.1, AT - timedelta(minutes=5, seconds=1)), "quote too old"),
        (Quote(1.0, 1.1, AT + timedelta(seconds=1)), "quote too old"),
    ],
)
def test_a_quote_that_does_not_count_takes_its_contract_away(quote: Quote, why: str) -> None:
    found = read(with_quote(quoted(), 7, quote))
    assert found.without == {7: why}
    assert 7 not in found.readings


def test_a_quote_of_five_minutes_ago_counts() -> None:
    chain = quoted()
    same = chain.rows[6].quote
    assert 7 in read(with_quote(chain, 7, replace(same, at=AT - timedelta(minutes=5)))).readings


def test_a_price_that_no_volatility_explains_has_no_delta() -> None:
    found = read(with_quote(quoted(), 1, Quote(0.01, 0.02, AT)))  # a call of 690 is worth 60
    assert (found.readings[1].volatility, found.readings[1].delta) == (None, None)


def test_one_wrong_pair_does_not_move_the_forward() -> None:
    chain = quoted()
    near = next(row.contract for row in chain.rows if row.contract.strike == 750 and row.contract.right is Right.CALL)
    found = read(with_quote(chain, near.con_id, Quote(40.0, 41.0, AT)))
    assert found.forwards[near.expiry] == pytest.approx(SPOT * exp(CARRY * 42 / 365), abs=1e-9)


def test_an_expiry_without_both_sides_has_no_forward_and_a_chain_without_any_is_refused() -> None:
    chain = quoted(days=(42, 70))
    later = DAY + timedelta(70)
    halved = tuple(row for row in chain.rows if row.contract.expiry != later or row.contract.right is Right.CALL)
    found = read(replace(chain, rows=halved))
    assert [*found.forwards] == [DAY + timedelta(42)]
    assert set(found.without.values()) == {"no forward of its expiry"}
    zero = tuple(replace(row, quote=Quote(0.0, 0.0, AT)) for row in chain.rows)
    found = read(replace(chain, rows=zero))
    assert found.refused == "no expiry has a forward: 0 of 100 quotes count"
    assert illiquid(found, SOLD) == found.refused


@pytest.mark.parametrize(("width_frac", "why"), [(0.1, None), (0.1001, "0 of 40 contracts")])
def test_an_underlying_is_judged_by_its_usual_contracts(width_frac: float, why: str | None) -> None:
    found = illiquid(read(quoted(width_frac, days=(31, 42))), SOLD)
    assert (found is None) if why is None else (found is not None and "within 10% of their middle" in found)


@pytest.mark.parametrize(
    ("quote", "rule", "passed"),
    [
        (Quote(0.95, 1.05, AT), SOLD, True),  # 0.10 of 1.00: in floats a hair more
        (Quote(0.94, 1.05, AT), SOLD, False),
        (Quote(0.875, 1.125, AT), BOUGHT, True),  # 0.25 of 1.00
        (Quote(0.87, 1.13, AT), BOUGHT, False),
        (Quote(0.05, 0.10, AT), BOUGHT, True),  # two thirds of the mid, and 0.05 wide
        (Quote(0.05, 0.11, AT), BOUGHT, False),
        (Quote(0.05, 0.10, AT), WidthRule(0.25), False),
        (Quote(0.0, 0.05, AT), BOUGHT, False),
        (Quote(None, 0.05, AT), SOLD, False),
    ],
)
def test_a_quote_is_tight_enough_at_the_bound_itself(quote: Quote, rule: WidthRule, passed: bool) -> None:
    assert rule.allows(quote).passed is passed


def test_deltas_of_the_volatility_index_are_those_of_its_future() -> None:
    chain = quoted()
    on_spot = read(chain).readings[40]
    on_future = read(replace(chain, underlying="VIX", spot=SPOT / 1.2)).readings[40]
    forward = SPOT * exp(CARRY * 42 / 365)
    assert on_spot.delta is not None
    assert on_future.delta == pytest.approx(on_spot.delta * SPOT / forward, abs=1e-9)


def test_half_of_them_must_be_tight() -> None:
    chain = quoted(0.05)
    judged = [one for one in read(chain).readings.values() if 0.1 <= abs(one.delta or 0) <= 0.5]
    wide = {one.row.contract.con_id for one in judged[: len(judged) // 2]}

    def widened(numbers: set[int]) -> Chain:
        rows = []
        for row in chain.rows:
            mid = row.quote.mid
            assert mid is not None
            far = row.contract.con_id in numbers
            rows.append(replace(row, quote=Quote(0.9 * mid, 1.1 * mid, AT)) if far else row)
        return replace(chain, rows=tuple(rows))

    assert illiquid(read(widened(wide)), SOLD) is None
    more = wide | {one.row.contract.con_id for one in judged[: len(judged) // 2 + 1]}
    assert illiquid(read(widened(more)), SOLD) is not None


def test_without_contracts_to_judge_by_nothing_is_opened() -> None:
    assert illiquid(read(quoted(days=(20, 70))), SOLD) == (
        "no contract of 0.1 to 0.5 delta and 30 to 60 days to judge the market by"
    )


def test_a_real_chain_whose_quotes_were_set_to_zero_is_refused() -> None:
    found = read(recorded("chain_SPY_zeroed_quotes_2026-07-10T0147.csv", "SPY", "2026-07-10"))
    assert found.refused is not None
    assert found.forwards == {}


@pytest.mark.parametrize("day", ["2026-07-11", "2026-07-16", "2026-08-21"])
def test_real_chains_of_mtum_are_too_thin(day: str) -> None:
    found = read(recorded("chains_MTUM_2026-07_2026-08.csv", "MTUM", day))
    assert found.refused is None
    assert "of their middle; half must be" in str(illiquid(found, SOLD))
