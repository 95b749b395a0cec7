"""Dividends of the broker's bars that another tells: Yahoo, or a person's file."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.dividends import ToldApart, YahooTeller, file_teller
from mtum.adapters.sources.yahoo import yahoo_source
from mtum.core.market.coverage import Dividends
from mtum.errors import ConfigError
from mtum.gateway.market import MarketClock
from mtum.ports.market_data import SourceCall
from support.bars import bars_of
from support.gateway import Running, running_gateway
from support.ib_adapter import Adapter, adapter
from support.many_bars import DAY, DIVIDEND, EX_DATES, many, names
from support.yahoo import Row, chart_of, yahoo_server

TODAY_TOO = {**dict.fromkeys(EX_DATES, DIVIDEND), DAY: 0.3418}
TABLE = many(names(3), dividends=TODAY_TOO)
SESSION = TABLE.sessions.between(DAY, DAY)[0]
NOW = SESSION.before_close(20)
FIRST, BEFORE = date(2017, 1, 3), date(2017, 10, 3)


@contextmanager
def broker() -> Iterator[tuple[Running, Adapter]]:
    """A gateway and our adapter on it."""
    with (
        running_gateway(source=TABLE, clock=MarketClock(NOW, speed=0.0)) as gateway,
        adapter(gateway, request_seconds=5.0) as ours,
    ):
        yield gateway, ours


def test_yahoo_tells_the_dividends_of_the_brokers_bars(tmp_path: Path) -> None:
    bars = bars_of([30.0 + at for at in range(24)], symbol="S000", first=date(2017, 9, 1))
    with broker() as (_, ours), yahoo_server() as server:
        chart = chart_of(bars, dividends={date(2017, 9, 15): 0.33, DAY: 0.35})
        chart.rows.append(Row(SESSION.open, 50.0, 51.0, 49.0, 50.0, 1000.0))
        server.charts["S000"] = chart
        yahoo = yahoo_source(ExchangeCalendar(), tmp_path, server.url)
        source = ToldApart(ours.source, YahooTeller(yahoo))
        calls = [SourceCall("quote", ("S000", SESSION, NOW)), SourceCall("quote", ("S001", SESSION, NOW))]
        source.ask_ahead(calls, 20.0)
        found = source.quote("S000", SESSION, NOW)
        assert (found.dividend, found.dividend_told, found.close) == (0.35, True, 34.36)
        # Yahoo does not have the other one: its price is as good as before.
        other = source.quote("S001", SESSION, NOW)
        assert (other.dividend_told, other.close) == (False, 35.36)
        history = source.history("S000", date(2017, 9, 11), BEFORE)
        assert {history.day(int(at)): history.dividend[at] for at in np.flatnonzero(history.dividend)} == {
            date(2017, 9, 15): 0.33
        }
        assert source.coverage("S000").told_by == "yahoo"
        source.history("S001", date(2017, 9, 11), BEFORE)
        assert source.coverage("S001").dividends is Dividends.UNKNOWN


def test_a_file_tells_the_dividends_of_the_brokers_bars(tmp_path: Path) -> None:
    path = tmp_path / "dividends.csv"
    path.write_text("symbol,ex_date,usd\nS000,2017-09-15,0.34\nS000,2017-10-04,0.3418\nS001,2017-01-03,0\n")
    with broker() as (gateway, ours):
        gateway.tell("behavior", no_dividends=[*names(3)])
        source = ToldApart(ours.source, file_teller(path))
        found = {symbol: source.quote(symbol, SESSION, NOW) for symbol in names(3)}
        assert [(one.dividend, one.dividend_told) for one in found.values()] == [
            (0.3418, True),
            (0.0, True),
            (0.0, False),
        ]
        assert source.history("S000", EX_DATES[2], BEFORE).dividend[0] == 0.34
        before = source.coverage("S000").told_by
    path.write_text(path.read_text() + "S002,2017-01-03,0\n")
    assert file_teller(path).told_by != before


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("SPY,2017-13-01,0.34", "2: SPY, 2017-13-01, 0.34"),
        (",2017-01-03,0.34", "symbol, ex_date, usd are needed"),
        ("SPY,2017-01-03,-1", "symbol, ex_date, usd are needed"),
        ("SPY,2017-01-03,nan", "symbol, ex_date, usd are needed"),
        ("SPY,2017-01-03,1\nSPY,2017-01-03,2", "SPY 2017-01-03 is there twice, 1 and 2 USD"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "dividends.csv"
    path.write_text(f"symbol,ex_date,usd\n{row}\n")
    with pytest.raises(ConfigError, match=said):
        file_teller(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dividends.csv cannot be read"):
        file_teller(tmp_path / "dividends.csv")
