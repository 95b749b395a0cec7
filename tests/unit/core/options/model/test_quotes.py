"""What the model quotes: free of arbitrage, read back as it was made, and the same every time."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from math import exp

import numpy as np
import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Sessions
from mtum.core.options import european
from mtum.core.options.chain import SOLD, illiquid, read
from mtum.core.options.contracts import OptionContract
from mtum.core.options.european import Terms
from mtum.core.options.model.expiries import expiries
from mtum.core.options.model.levels import ILLUSTRATION, Level, level_of, vix_illustration
from mtum.core.options.model.listing import listing
from mtum.core.options.model.quotes import OPEN_INTEREST, ModelChain, ModelMarket, band, quoted
from mtum.core.options.surface import level
from support.values import replace

DAY, AT, RATE = date(2026, 7, 8), datetime(2026, 7, 8, 19, 40, tzinfo=UTC), 0.043
SPOTS = {"SPY": 600.0, "QQQ": 520.0, "IWM": 220.0, "SPX": 6000.0, "SP500": 185.0, "AAPL": 190.0}
MARKET = ModelMarket("SPY", DAY, AT, 600.0, RATE, ((date(2026, 9, 18), 1.9), (date(2026, 12, 18), 2.0)))


@cache
def calendar() -> Sessions:
    return ExchangeCalendar().sessions(date(2026, 1, 2), date(2027, 12, 31))


def known(underlying: str, points: float = 16.5) -> Level:
    own = 0.25 if underlying == "AAPL" else None
    found = level_of(underlying, dict.fromkeys(("VIX", "VXN", "RVX"), points), own)
    assert isinstance(found, Level)
    return found


def market(underlying: str) -> ModelMarket:
    return replace(MARKET, underlying=underlying, spot=SPOTS[underlying], dividends=())


@cache
def model(underlying: str = "SPY", points: float = 16.5) -> ModelChain:
    one = MARKET if underlying == "SPY" else market(underlying)
    listed = listing(underlying, DAY, one.spot, expiries(underlying, DAY, calendar()))
    return quoted(one, listed, known(underlying, points), calendar())


def by_expiry(found: ModelChain, right: Right) -> dict[tuple[str, date], list[OptionContract]]:
    told: dict[tuple[str, date], list[OptionContract]] = {}
    for row in found.chain.rows:
        if row.contract.right is right:
            told.setdefault((row.contract.trading_class, row.contract.expiry), []).append(row.contract)
    return told


@pytest.mark.parametrize(
    ("underlying", "points"),
    [("SPY", 9.0), ("SPY", 16.5), ("QQQ", 16.5), ("IWM", 40.0), ("SP500", 85.0), ("AAPL", 16.5), ("SPX", 16.5)],
)
def test_no_butterfly_pays_without_a_price(underlying: str, points: float) -> None:
    found = model(underlying, points)
    for right, sign in ((Right.CALL, -1.0), (Right.PUT, 1.0)):
        for contracts in by_expiry(found, right).values():
            strikes = np.array([float(one.strike) for one in contracts])
            slopes = np.diff([found.mids[one.con_id] for one in contracts]) / np.diff(strikes)
            assert (np.diff(slopes) > -1e-10).all()
            assert (sign * slopes > -1e-10).all()
            assert (sign * slopes < 1.0).all()


@pytest.mark.parametrize("underlying", SPOTS)
def test_no_later_option_is_cheaper_at_the_same_moneyness(underlying: str) -> None:
    """On every session of 200 days: the clock of trading days gives way to the calendar's among them."""
    one, moneyness = market(underlying), (0.7, 0.85, 0.95, 1.0, 1.05, 1.2)
    days = [session.day for session in calendar().between(DAY, DAY + timedelta(200))]
    contracts = list[OptionContract]()
    for day in days:
        grown = one.spot * exp(RATE * (day - DAY).days / 365)
        for each in moneyness:
            strike = Decimal(f"{each * grown:.6f}")
            contracts.append(OptionContract(len(contracts) + 1, underlying, Right.CALL, strike, day, day, underlying))
    found = quoted(one, contracts, known(underlying), calendar()).volatilities
    years = np.array([(day - DAY).days / 365 for day in days])[:, None]
    variance = np.array([found[each.con_id] for each in contracts]).reshape(len(days), -1) ** 2 * years
    assert (np.diff(variance, axis=0) > -1e-9).all()


@pytest.mark.parametrize("underlying", SPOTS)
def test_call_less_put_is_the_forward_within_their_spreads(underlying: str) -> None:
    found, one = model(underlying), MARKET if underlying == "SPY" else market(underlying)
    quotes = {
        (row.contract.local_symbol[:12], row.contract.strike, row.contract.right): row for row in found.chain.rows
    }
    compared = 0
    for (name, strike, right), call in quotes.items():
        put = quotes[name, strike, Right.PUT]
        if right is Right.PUT or call.quote.mid is None or put.quote.mid is None:
            continue
        years = call.contract.days_from(DAY) / 365
        bare = one.spot - sum(
            usd * exp(-RATE * (day - DAY).days / 365) for day, usd in one.dividends if day <= call.contract.expiry
        )
        wide = sum((each.quote.ask or 0) - (each.quote.bid or 0) for each in (call, put))
        assert abs(call.quote.mid - put.quote.mid - bare + float(strike) * exp(-RATE * years)) <= 0.5 * wide + 0.01
        compared += 1
    assert compared > 100


def test_a_reader_finds_the_volatility_and_the_delta_that_the_chain_was_made_of() -> None:
    found = model()
    again = read(found.chain)
    assert again.refused is None
    assert illiquid(again, SOLD) is None
    judged = 0
    for number, reading in again.readings.items():
        if reading.delta is None or reading.volatility is None or not 0.05 <= abs(reading.delta) <= 0.95:
            continue
        one, years = reading.row.contract, reading.days / 365
        terms = Terms(one.right is Right.CALL, float(one.strike), years)
        bare = 600.0 - sum(
            usd * exp(-RATE * (day - DAY).days / 365) for day, usd in MARKET.dividends if day <= one.expiry
        )
        made = found.volatilities[number]
        forward = bare * exp(RATE * years)
        true = european.greeks(terms, 600.0, forward, made, exp(-RATE * years))
        assert again.forwards[one.expiry] == pytest.approx(forward, abs=0.02)
        assert reading.delta == pytest.approx(float(true.delta), abs=0.01)
        # Prices stand on cents: half a cent, and two of the forward, over what a volatility point is worth.
        assert abs(reading.volatility - made) <= 0.01 * 0.03 / float(true.vega)
        judged += 1
    assert judged > 1000


def test_the_level_is_that_of_thirty_days_at_the_forward() -> None:
    day = date(2026, 8, 7)  # 30 days
    at = Decimal(f"{600 * exp(RATE * 30 / 365):.9f}")
    one = OptionContract(1, "SPY", Right.CALL, at, day, day, "SPY")
    found = quoted(MARKET, [one], known("SPY"), calendar())
    assert found.volatilities[1] == pytest.approx(0.82 * 0.165, abs=1e-9)
    # By expiry it is what is known of that one, without growth in time.
    own = replace(known("SPY"), by_expiry={day: 0.2})
    assert quoted(MARKET, [one], own, calendar()).volatilities[1] == pytest.approx(0.2, abs=1e-9)
    with pytest.raises(ValueError, match="no level is known for 2026-08-07"):
        quoted(MARKET, [one], replace(own, by_expiry={}, at_30_days=None), calendar())


def test_days_before_expiry_count_as_sessions() -> None:
    day = date(2026, 7, 10)  # two days and two sessions away, told a year of 365 days
    at = Decimal(f"{600 * exp(RATE * 2 / 365):.9f}")
    one = OptionContract(1, "SPY", Right.CALL, at, day, day, "SPY")
    made = quoted(MARKET, [one], known("SPY"), calendar()).volatilities[1]
    wanted = float(level(0.82 * 0.165, 2, 0.12)) * np.sqrt((2 / 252) / (2 / 365))
    assert made == pytest.approx(wanted, abs=1e-9)


def test_on_the_last_session_an_option_is_worth_what_exercise_pays() -> None:
    one = replace(MARKET, day=date(2026, 7, 10), spot=600.25)
    contracts = listing("SPY", DAY, 600.0, expiries("SPY", DAY, calendar()))
    last = [contract for contract in contracts if contract.expiry == one.day]
    found = quoted(one, last, known("SPY"), calendar())
    for contract in last:
        sign = 1 if contract.right is Right.CALL else -1
        assert found.mids[contract.con_id] == pytest.approx(max(sign * (600.25 - float(contract.strike)), 0.0))


def test_quotes_stand_on_steps_of_the_price_and_far_ones_have_no_bid() -> None:
    for underlying, small, large in (("SPY", 1, 1), ("SPX", 5, 10), ("AAPL", 5, 10)):
        found = model(underlying)
        for row in found.chain.rows:
            mid, quote, step = found.mids[row.contract.con_id], row.quote, small
            assert quote.ask is not None
            if mid >= 3:
                step = large
            for price in (quote.bid or 0.0, quote.ask):
                assert price * 100 == pytest.approx(round(price * 100 / step) * step, abs=1e-6)
            assert quote.ask - (quote.bid or 0.0) >= step / 100 - 1e-9
            assert quote.bid is None or 0 < quote.bid < quote.ask
            assert (quote.bid or 0.0) - 1e-9 <= mid <= quote.ask + 1e-9
            assert row.open_interest == OPEN_INTEREST
    far = [row.contract for row in model().chain.rows if row.quote.bid is None]
    assert far
    for one in far:
        terms = Terms(one.right is Right.CALL, float(one.strike), max(one.days_from(DAY), 1) / 365)
        made = model().volatilities[one.con_id]
        assert abs(float(european.greeks(terms, 600.0, 600.0, max(made, 0.01)).delta)) < 0.01


def test_the_market_is_as_wide_as_it_was_measured() -> None:
    """A put of 30 delta, 45 days: 0.04 USD for SPY, 0.06 for IWM, 0.27 for QQQ, to a half."""
    for underlying, wide in (("SPY", 0.04), ("IWM", 0.06), ("QQQ", 0.27)):
        found = read(model(underlying).chain)
        near = [one for one in found.readings.values() if 37 <= one.days <= 60 and -0.35 <= (one.delta or 0.0) <= -0.25]
        widths = [(one.row.quote.ask or 0) - (one.row.quote.bid or 0) for one in near]
        assert wide / 2 <= float(np.median(widths)) <= wide * 1.5


def test_the_band_is_a_volatility_point_to_either_side() -> None:
    listed = [one for one in listing("SPY", DAY, 600.0, expiries("SPY", DAY, calendar())) if one.days_from(DAY) == 30]
    low, middle, high = band(MARKET, listed, known("SPY"), calendar())
    assert (low.points, middle.points, high.points) == (-1.0, 0.0, 1.0)
    near = next(one for one in listed if one.strike == 600 and one.right is Right.CALL)
    vega = float(european.greeks(Terms(True, 600.0, 30 / 365), 600.0, 602.1, 0.1353, 0.9965).vega)
    assert middle.mids[near.con_id] - low.mids[near.con_id] == pytest.approx(vega, rel=0.01)
    for one in listed:
        assert low.mids[one.con_id] <= middle.mids[one.con_id] <= high.mids[one.con_id]
    with pytest.raises(ValueError, match="a level is above 0"):
        band(MARKET, listed, replace(known("SPY"), at_30_days=0.01), calendar())


def test_american_options_are_worth_more_and_index_options_are_not() -> None:
    day = date(2026, 9, 18)
    listed = [one for one in listing("SPY", DAY, 600.0, expiries("SPY", DAY, calendar())) if one.expiry == day]
    plain = quoted(MARKET, listed, known("SPY"), calendar())
    tree = quoted(MARKET, listed, known("SPY"), calendar(), early_exercise=True)
    for one in listed:
        sign = 1 if one.right is Right.CALL else -1
        assert tree.mids[one.con_id] >= plain.mids[one.con_id] - 1e-9
        assert tree.mids[one.con_id] >= sign * (600.0 - float(one.strike)) - 1e-9
    deep = next(one for one in listed if one.strike == 700 and one.right is Right.PUT)
    assert tree.mids[deep.con_id] > plain.mids[deep.con_id] + 1.0
    for right, rising in ((Right.CALL, -1.0), (Right.PUT, 1.0)):
        strikes = np.array([float(one.strike) for one in listed if one.right is right])
        mids = np.array([tree.mids[one.con_id] for one in listed if one.right is right])
        slopes = np.diff(mids) / np.diff(strikes)
        assert (np.diff(slopes) * np.diff(strikes)[1:] > -0.06).all()  # the tree's own error
        assert (rising * slopes > -0.02).all()
    index = [one for one in listing("SPX", DAY, 6000.0, expiries("SPX", DAY, calendar())) if one.expiry == day]
    both = [quoted(market("SPX"), index, known("SPX"), calendar(), early_exercise=early) for early in (False, True)]
    assert both[0].mids == both[1].mids


def test_options_on_the_vix_stand_on_its_forward_and_are_called_an_illustration() -> None:
    level_told = vix_illustration([20.0] * 251 + [30.0])
    assert isinstance(level_told, Level)
    one = ModelMarket("VIX", DAY, AT, 30.0, RATE)
    listed = listing("VIX", DAY, 25.0, expiries("VIX", DAY, calendar()))
    found = quoted(one, listed, level_told, calendar())
    assert found.label == ILLUSTRATION
    again = read(found.chain)
    assert [*again.forwards.values()] == pytest.approx([25.0] * len(again.forwards), abs=0.06)
    reading = next(each for each in again.readings.values() if each.days > 30 and each.row.contract.strike == 30)
    years, made = reading.days / 365, volatility_of(level_told)
    upper = np.log(25 / 30) / (made * np.sqrt(years)) + 0.5 * made * np.sqrt(years)
    assert reading.delta == pytest.approx(exp(-RATE * years) * float(european.normal(upper)), abs=0.01)


def volatility_of(told: Level) -> float:
    assert told.at_30_days is not None
    return told.at_30_days


def test_the_same_session_is_quoted_the_same() -> None:
    listed = listing("SPY", DAY, 600.0, expiries("SPY", DAY, calendar()))
    once, twice = (quoted(MARKET, listed, known("SPY"), calendar()) for _ in range(2))
    assert once == twice
    # A contract's price does not depend on what else is asked for, or in which order.
    part = listed[::-37]
    alone = quoted(MARKET, part, known("SPY"), calendar())
    assert alone.mids == {one.con_id: once.mids[one.con_id] for one in part}
    quotes = {row.contract.con_id: row.quote for row in once.chain.rows}
    assert [row.quote for row in alone.chain.rows] == [quotes[one.con_id] for one in part]


def test_a_contract_of_another_underlying_or_of_yesterday_is_refused() -> None:
    one = OptionContract(1, "QQQ", Right.CALL, Decimal(500), date(2026, 8, 7), date(2026, 8, 7), "QQQ")
    with pytest.raises(ValueError, match="QQQ 2026-08-07 500 call is no contract of SPY on 2026-07-08"):
        quoted(MARKET, [one], known("SPY"), calendar())
    over = replace(one, underlying="SPY", expiry=date(2026, 7, 7))
    with pytest.raises(ValueError, match="is no contract of SPY"):
        quoted(MARKET, [over], known("SPY"), calendar())
    assert quoted(MARKET, [], known("SPY"), calendar()).chain.rows == ()


def test_dividends_beyond_the_share_are_refused() -> None:
    one = OptionContract(1, "SPY", Right.CALL, Decimal(500), date(2026, 8, 7), date(2026, 8, 7), "SPY")
    with pytest.raises(ValueError, match="worth more than the share"):
        quoted(replace(MARKET, dividends=((date(2026, 7, 9), 601.0),)), [one], known("SPY"), calendar())


def test_a_quote_at_the_change_of_the_step_still_stands_around_its_worth() -> None:
    """Above 3 USD a share's options move by 10 cents, whatever the width that was fitted says."""
    narrow = replace(known("AAPL"), shape=replace(known("AAPL").shape, spread=(-9.0, 0.0, 0.0)))
    listed = listing("AAPL", DAY, 190.0, expiries("AAPL", DAY, calendar()))
    found = quoted(market("AAPL"), listed, narrow, calendar())
    for row in found.chain.rows:
        mid, ask, bid = found.mids[row.contract.con_id], row.quote.ask, row.quote.bid or 0.0
        assert ask is not None
        assert bid - 1e-9 <= mid <= ask + 1e-9
