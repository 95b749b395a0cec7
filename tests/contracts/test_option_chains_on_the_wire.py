"""Chains and quotes over the recorded layouts: few lines, own ticks, and no chain of a market that is none.

TEST_LIBRARY names the library; `test_ib_async_environment.py` runs this file with the other one.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import pairwise, product
from math import exp
from types import SimpleNamespace

import numpy as np
import pytest

from mtum.adapters.ib.messages import PriceTick, SizeTick
from mtum.adapters.ib.options.asked import OPEN_INTEREST, QuoteTick, option_quote
from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import Chain, Quote, read
from mtum.core.options.european import Terms, price
from mtum.core.options.preselecting import Expected, neighbors
from mtum.core.options.selecting import Window
from mtum.core.options.surface import DAYS_PER_YEAR, class_of, curve, moneyness
from mtum.errors import DataError
from support.option_desk import DAY, OptionDesk, contract, option_desk, put
from support.option_wire import NOW, Option, Ticks, Wire
from support.values import replace

SPOT, RATE, LEVEL = 750.0, 0.04, 0.18
FRIDAYS = ("20260821", "20260828", "20260918")
MONTH = Window(30, 60, 45)
PUTS = ChainRequest("SPY", MONTH, frozenset({Right.PUT}), (0.25, 0.30))


def days_to(expiry: str) -> int:
    return (date(int(expiry[:4]), int(expiry[4:6]), int(expiry[6:])) - DAY).days


def priced(one: Option, level: float = LEVEL, spot: float = SPOT) -> Ticks:
    """The model's bid and ask, a cent or 2 % around the middle."""
    years = days_to(one.expiry) / DAYS_PER_YEAR
    forward, strike, known = spot * exp(RATE * years), float(one.strike), class_of("SPY")
    volatility = level * curve(moneyness(forward, strike, years, level), known.rho, known.eta)
    mid = float(price(Terms(one.right == "C", strike, years), forward, volatility, np.exp(-RATE * years)))
    half = max(0.005, 0.02 * mid)
    bid, ask = round(mid - half, 2), round(mid + half, 2)
    return Ticks(f"{bid:.2f}" if bid > 0 else "-1", f"{max(ask, bid + 0.01):.2f}")


def market(level: float = LEVEL, symbol: str = "SPY", **changed: object) -> Wire:
    """Strikes of 5 USD from 640 to 900, on three Fridays; the chain row tells strikes that are not listed."""
    options = [
        Option(800_000 + 1000 * at + 2 * step + (right == "C"), symbol, expiry, f"{640 + 5 * step}.0", right, symbol)
        for at, expiry in enumerate(FRIDAYS)
        for step in range(53)
        for right in "PC"
    ]
    row = ["756733", symbol, "100", str(len(FRIDAYS)), *FRIDAYS, "3", "747.0", "748.0", "749.0"]
    found = Wire(
        options=options,
        classes=[["SMART", *row], ["AMEX", *row]],
        ticks={one.number: priced(one, level) for one in options},
        spot=str(SPOT),
    )
    return replace(found, **changed)


def quoted(desk: OptionDesk) -> list[list[str]]:
    return [fields for fields in desk.wire.of(1) if fields[5] == "OPT"]


def asked(request: ChainRequest, wire: Wire, **login: object) -> tuple[Chain, OptionDesk]:
    with option_desk(wire, **login) as desk:
        chain = desk.chains.chain(request, SPOT, NOW)
        desk.broker.server_time()  # so that what was written before it has arrived
        return chain, desk


def test_a_put_near_its_delta_is_found_with_the_neighbors_of_the_modelled_strike() -> None:
    chain, desk = asked(PUTS, market())
    found = read(chain)
    puts = [one for one in found.readings.values() if one.row.contract.right is Right.PUT and one.delta is not None]
    for expiry in (date(2026, 8, 21), date(2026, 8, 28)):
        deltas = sorted(abs(one.delta or 0.0) for one in puts if one.row.contract.expiry == expiry)
        assert deltas[0] < PUTS.deltas[0]
        assert deltas[-1] > PUTS.deltas[1]
    # Two pairs and 9 to 18 puts for each of two expiries; the strikes of the row's union are never asked.
    strikes = {fields[7] for fields in quoted(desk)}
    assert {"747.0", "748.0", "749.0"}.isdisjoint(strikes)
    assert 2 * (4 + 9) <= len(quoted(desk)) <= 2 * (4 + 18)
    assert {fields[6] for fields in quoted(desk)} == {"20260821", "20260828"}
    assert len({fields[3] for fields in quoted(desk)}) == len(quoted(desk))
    # Every line is given back, and open interest comes with it.
    assert (desk.wire.open_lines, {row.open_interest for row in chain.rows}) == (set(), {500})
    assert {fields[2] for fields in quoted(desk)} == {fields[2] for fields in desk.wire.of(2)}


def test_what_is_sought_is_found_in_a_wider_range_and_by_the_days_that_may_be_opened() -> None:
    whole = Window(30, 180, 45)
    wide = replace(PUTS, window=whole, deltas=(0.05, 0.55), sought=(0.30,), opens=Window(45, 180, 45))
    wide = replace(wide, rights=frozenset(Right))
    chain, desk = asked(wide, market())
    readings = read(chain).readings.values()
    assert {row.contract.expiry for row in chain.rows} == {date(2026, 8, 28), date(2026, 9, 18)}
    for expiry, right in product((date(2026, 8, 28), date(2026, 9, 18)), Right):
        sizes = [
            abs(one.delta or 0)
            for one in readings
            if (one.row.contract.expiry, one.row.contract.right) == (expiry, right)
        ]
        assert min(abs(size - 0.30) for size in sizes) < 0.03
        assert min(sizes) < 0.30 < max(sizes)
    assert len(quoted(desk)) <= 2 * (4 + 2 * 14)


def test_between_two_sought_deltas_a_part_is_asked_so_that_a_wing_may_lie_nearer() -> None:
    listed = [contract(one) for one in market().options if one.expiry == "20260821" and one.right == "P"]
    expected = Expected(SPOT, SPOT, LEVEL, 42)
    found = neighbors(listed, (0.05, 0.30), expected)
    gaps = [float(high.strike - low.strike) for low, high in pairwise(found)]
    assert max(gaps) <= 10.0
    assert len(found) <= 9 + 12 + 9
    alone = neighbors(listed, (0.30,), expected)
    assert len(alone) == 9
    assert set(alone) <= set(found)


@pytest.mark.full
def test_a_market_is_judged_by_its_own_days_where_what_is_opened_lies_beyond_them() -> None:
    far = replace(PUTS, window=Window(30, 120, 70), sought=(0.30,), opens=Window(65, 120, 70))
    chain, _ = asked(far, market())
    assert {row.contract.expiry for row in chain.rows} == {date(2026, 8, 28), date(2026, 9, 18)}


@pytest.mark.full
def test_no_more_lines_are_open_at_once_than_the_login_may_use() -> None:
    both = replace(PUTS, rights=frozenset(Right), deltas=(0.05, 0.30))
    _, desk = asked(both, market(), data_lines=7)
    assert len(quoted(desk)) > 40
    assert desk.wire.most_lines <= 7


@pytest.mark.full
def test_where_the_market_proves_the_model_wrong_it_is_asked_for_more_once() -> None:
    steep = market()
    # Far puts are dearer than any model: the sought delta lies beyond the neighbors.
    for one in steep.options:
        if one.right == "P" and float(one.strike) < 735:
            steep.ticks[one.number] = priced(one, 2.2 * LEVEL)
    plain, before = asked(PUTS, market())
    chain, desk = asked(PUTS, steep)
    assert len(quoted(desk)) > len(quoted(before))
    lowest = min(row.contract.strike for row in chain.rows if row.contract.right is Right.PUT)
    assert lowest < min(row.contract.strike for row in plain.rows if row.contract.right is Right.PUT)


@pytest.mark.full
def test_what_is_held_is_quoted_whatever_its_days_and_delta() -> None:
    far = next(one for one in market().options if (one.expiry, one.strike, one.right) == ("20260918", "900.0", "C"))
    chain, _ = asked(replace(PUTS, held=(contract(far),)), market())
    assert contract(far) in [row.contract for row in chain.rows]
    assert far.number in read(chain).readings


def zeroed(wire: Wire) -> None:
    wire.ticks = {one.number: Ticks("0", "0") for one in wire.options}


def minus_one(wire: Wire) -> None:
    wire.ticks = {one.number: Ticks("-1", "-1") for one in wire.options}


def delayed(wire: Wire) -> None:
    wire.ticks = {number: replace(ticks, kind=3) for number, ticks in wire.ticks.items()}


def frozen(wire: Wire) -> None:
    wire.ticks = {number: replace(ticks, kind=2) for number, ticks in wire.ticks.items()}


def of_yesterday(wire: Wire) -> None:
    wire.ticks = {one.number: priced(one, spot=0.93 * SPOT) for one in wire.options}


def refused(wire: Wire) -> None:
    nothing = Ticks(None, None, None, error=(354, "Requested market data is not subscribed."))
    wire.ticks = {one.number: nothing for one in wire.options}


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (zeroed, "no bid or no ask"),
        pytest.param(minus_one, "no bid or no ask", marks=pytest.mark.full),
        (delayed, "frozen or delayed data (kind 3)"),
        pytest.param(frozen, "frozen or delayed data (kind 2)", marks=pytest.mark.full),
        (of_yesterday, "old quotes"),
        pytest.param(refused, "354 Requested market data is not subscribed.", marks=pytest.mark.full),
    ],
)
def test_a_chain_of_a_market_that_is_none_is_refused_in_one_line_after_its_first_pairs(
    spoil: Callable[[Wire], None], word: str
) -> None:
    wire = market()
    spoil(wire)
    with option_desk(wire) as desk, pytest.raises(DataError) as told:
        desk.chains.chain(PUTS, SPOT, NOW)
    text = str(told.value)
    assert text.startswith("SPY: ")
    assert word in text
    assert "\n" not in text
    assert len(quoted(desk)) == 8


@pytest.mark.full
def test_silence_is_waited_for_once_and_is_no_price() -> None:
    wire = market()
    silent = [one for one in wire.options if one.right == "P" and float(one.strike) < 745]
    wire.ticks |= {one.number: Ticks(None, None, None) for one in silent}
    chain, _ = asked(PUTS, wire)
    absent = [row for row in chain.rows if float(row.contract.strike) < 745]
    assert absent
    assert {(row.quote.bid, row.quote.ask, row.open_interest) for row in absent} == {(None, None, None)}


@pytest.mark.full
@pytest.mark.parametrize("error", [(354, "not subscribed"), (10091, "greeks need the underlying")])
def test_prices_that_come_beside_a_word_on_permissions_count(error: tuple[int, str]) -> None:
    wire = market()
    wire.ticks = {number: replace(ticks, error=error) for number, ticks in wire.ticks.items()}
    chain, _ = asked(PUTS, wire)
    assert read(chain).refused is None


@pytest.mark.parametrize(
    ("ticks", "quote"),
    [
        (Ticks("1.10", "1.20"), (1.10, 1.20)),
        (Ticks("-1", "0.05"), (None, 0.05)),  # a last trade of 5.15 is told as well
        (Ticks("0", "0.05"), (None, 0.05)),
        (Ticks("-1.0", "-1.0"), None),
        (Ticks("1.7976931348623157E308", "1.20"), (None, 1.20)),
        (Ticks("nan", "1.20"), (None, 1.20)),
    ],
)
def test_a_quote_is_of_own_ticks_alone(ticks: Ticks, quote: tuple[float | None, float | None] | None) -> None:
    one = put(700001, "740.0")
    with option_desk(Wire(options=[one], ticks={700001: ticks})) as desk:
        found = desk.broker.quotes([contract(one)])
    assert found == ({} if quote is None else {700001: Quote(*quote, NOW)})


def test_open_interest_of_the_other_right_ends_no_wait() -> None:
    asked = option_quote(SimpleNamespace(symbol="SPY"), "a put", OPEN_INTEREST[Right.PUT])
    assert asked.enough is not None
    sides: list[QuoteTick] = [PriceTick(1, 1, 1.10, 10), PriceTick(1, 2, 1.20, 10), SizeTick(1, 27, 0)]
    assert [asked.enough(sides), asked.enough([*sides, SizeTick(1, 28, 500)])] == [False, True]
    assert asked.enough([SizeTick(1, 28, 500), sides[0]]) is False
    plain = option_quote(SimpleNamespace(symbol="SPY"), "a put", None)
    assert plain.enough is not None
    assert plain.enough(sides[:2])


def test_a_second_look_asks_a_line_of_its_own_and_believes_nothing_of_the_first() -> None:
    one = put(700001, "740.0")
    with option_desk(Wire(options=[one], ticks={700001: Ticks("1.10", "1.20")})) as desk:
        assert set(desk.broker.quotes([contract(one)])) == {700001}
        desk.wire.ticks[700001] = Ticks("-1", "-1")
        assert desk.broker.quotes([contract(one)]) == {}
        desk.broker.server_time()
        assert [fields[0] for fields in desk.wire.asked if fields[0] in "12"] == ["1", "2", "1", "2"]


@pytest.mark.full
def test_contracts_and_classes_are_asked_once_a_day() -> None:
    with option_desk(market()) as desk:
        desk.chains.chain(PUTS, SPOT, NOW)
        first = len(desk.wire.of(9)), len(desk.wire.of(78))
        desk.chains.chain(PUTS, SPOT, NOW)
        assert (len(desk.wire.of(9)), len(desk.wire.of(78))) == first
        # The underlying, and both rights of the two expiries in the window.
        assert first == (5, 1)


def test_of_the_vix_the_monthly_class_alone_is_asked() -> None:
    row = ["756733", "VIX", "100", "1", "20260818", "1", "20.0"]
    weekly = ["756733", "VIXW", "100", "1", "20260825", "1", "20.0"]
    with option_desk(market(symbol="VIX", classes=[["SMART", *row], ["SMART", *weekly]])) as desk:
        assert set(desk.chains._contracts.classes("VIX")) == {"VIX"}
        assert desk.wire.of(78)[0][2:] == ["VIX", "", "IND", "756733"]


def test_an_underlying_without_a_listed_expiry_in_the_window_is_named() -> None:
    late = replace(PUTS, window=Window(300, 400, 350))
    with option_desk(market()) as desk, pytest.raises(DataError, match="SPY: no option is listed with 300 to 400 days"):
        desk.chains.chain(late, SPOT, NOW)


@pytest.mark.full
def test_the_chain_is_dated_after_its_quotes_and_holds_the_spot_that_was_given() -> None:
    chain, _ = asked(PUTS, market())
    assert (chain.at, chain.session, chain.spot) == (NOW, DAY, SPOT)
    assert all(row.quote.at == NOW for row in chain.rows)
    assert all(isinstance(row.contract.strike, Decimal) for row in chain.rows)
