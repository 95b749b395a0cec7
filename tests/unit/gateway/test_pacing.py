"""How many quotes and history requests a login may have, and the dividends it is told, asked by the real client."""

# mypy: disable-error-code="no-untyped-call"

import asyncio
from datetime import date

import pytest
from ib_insync import Stock

from mtum.gateway.behavior import Behavior
from support.gateway import BarTable, market, running_gateway
from support.ib_clients import MTUM, client, codes, until
from support.values import replace

SMART = Stock("MTUM", "SMART", "USD")
EX_DATE = date(2015, 6, 4)


def paying(*days: date) -> BarTable:
    """MTUM pays 0.34 USD on these days."""
    plain = market()
    bars = {day: replace(bar, dividend=0.34 if day in days else 0.0) for day, bar in plain.bars["MTUM"].items()}
    return replace(plain, bars={**plain.bars, "MTUM": bars})


def test_a_quote_beyond_the_data_lines_is_refused_until_one_is_let_go() -> None:
    with running_gateway(behavior=Behavior(data_lines=1)) as gateway, client(gateway) as ib:
        ib.reqMktData(MTUM)
        ib.reqMktData(SMART, "", True)
        assert until(ib, lambda: codes(ib) == [101])
        ib.cancelMktData(MTUM)
        (seen,) = ib.reqTickers(SMART)
        assert (seen.last, codes(ib)) == (75.0, [101])


def test_small_bars_are_paced_and_daily_ones_are_not() -> None:
    asked = ("", "60 S", "30 secs", "TRADES", True)
    with running_gateway() as gateway, client(gateway, seconds=2) as ib:
        ib.reqHistoricalData(MTUM, *asked)
        ib.reqHistoricalData(MTUM, *asked)
        assert codes(ib) == [162]  # the same within 15 seconds
        for seconds in range(61, 65):
            ib.reqHistoricalData(MTUM, "", f"{seconds} S", "30 secs", "TRADES", True)
        assert codes(ib) == [162]  # five in two seconds
        ib.reqHistoricalData(MTUM, "", "90 S", "30 secs", "TRADES", True)
        assert codes(ib) == [162, 162]  # and the sixth
        assert all(ib.reqHistoricalData(MTUM, "", "5 D", "1 day", "TRADES", True) for _ in range(8))
        assert codes(ib) == [162, 162]


def test_more_than_fifty_histories_at_once_are_refused() -> None:
    with running_gateway(behavior=Behavior(history_seconds=1.5)) as gateway, client(gateway) as ib:
        asked = [ib.reqHistoricalDataAsync(MTUM, "", f"{days} D", "1 day", "TRADES", True) for days in range(1, 53)]
        found = ib.run(asyncio.gather(*asked))
        assert codes(ib) == [162, 162]
        assert sum(bool(bars) for bars in found) == 50


def test_adjusted_bars_are_less_than_trades_before_an_ex_date() -> None:
    # 74.50 x (1 - 0.34 / 74.50) = 74.16.
    with running_gateway(source=paying(EX_DATE)) as gateway, client(gateway) as ib:
        plain, adjusted = (
            {f"{bar.date}": bar.close for bar in ib.reqHistoricalData(MTUM, "", "10 D", "1 day", what, True)}
            for what in ("TRADES", "ADJUSTED_LAST")
        )
        assert (plain["2015-06-03"], plain["2015-06-04"]) == (74.5, 74.6)
        assert (adjusted["2015-06-03"], adjusted["2015-06-04"]) == (74.16, 74.6)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ((date(2015, 6, 10),), (0.34, date(2015, 6, 10), 0.34)),
        ((EX_DATE, date(2015, 6, 15)), (0.34, date(2015, 6, 15), 0.34)),
        ((), (None, None, None)),
    ],
)
def test_the_dividend_tick_names_the_next_ex_date(days: tuple[date, ...], told: tuple[object, ...]) -> None:
    with running_gateway(source=paying(*days)) as gateway, client(gateway) as ib:
        ticker = ib.reqMktData(MTUM, "456")
        assert until(ib, lambda: ticker.dividends is not None)
        found = ticker.dividends
        assert found is not None
        assert (found.past12Months, found.nextDate, found.nextAmount) == told


def test_a_quote_asked_once_has_no_dividend_tick() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        ib.reqMktData(MTUM, "456", snapshot=True)
        assert until(ib, lambda: codes(ib) == [321])
