"""The dashboard shows the account as the broker showed it, and what of its cash is not spoken for."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest

from mtum.web.html import usd
from support.grown_store import grown
from support.recorded import recorded
from support.served import Served, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("broker")
    recorded(folder / "data", account="DUP100001")
    with closing(sqlite3.connect(folder / "data" / "mtum.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO account_snapshots (session, at, account, kind, cash_usd, settled_usd, net_liquidation_usd, "
            "positions) VALUES ('2018-01-02', ?, 'DUP100001', 'margin', ?, ?, ?, '{}')",
            [("2018-01-02T15:00:00Z", 1.0, 2.0, 3.0), ("2018-01-02T20:38:00Z", 4577.0, 4000.0, 5097.0)],
        )
        # Of the purchase of the last session, 5 at 104, two shares have come.
        connection.execute(
            "UPDATE orders SET status = 'PARTIALLY_FILLED', filled = 2 WHERE intent_id = "
            "(SELECT id FROM order_intents WHERE session = '2018-01-02')"
        )
    with served(folder) as found:
        yield found


def test_settled_cash_less_what_working_purchases_reserve_is_free(server: Served) -> None:
    told = json.loads(server.ask("/api/v1/broker").body)["broker"]
    assert (told["kind"], told["cash_usd"], told["net_liquidation_usd"]) == ("margin", 4577.0, 5097.0)
    assert (told["reserved_usd"], told["free_usd"], told["borrowed_usd"]) == (312.0, 3688.0, 0.0)
    page = unescape(server.ask("/risk").text)
    for amount in (4577.0, 4000.0, 5097.0, 312.0, 3688.0):
        assert usd(amount) in page
    assert "The margin account DUP100001 as the broker showed it at 2018-01-02 15:38 New York." in page
    assert "showed the margin account DUP100001 at 2018-01-02 15:38 New York" in server.ask("/system").text


def test_a_database_of_another_account_is_not_said_to_have_no_approved_backtest(tmp_path: Path) -> None:
    grown(tmp_path / "data", 3).close()
    with closing(sqlite3.connect(tmp_path / "data" / "mtum.db")) as connection, connection:
        connection.execute("UPDATE meta SET value = 'DUP100001' WHERE key = 'account'")
    with served(tmp_path) as found:
        page = unescape(found.ask("/strategies").text)
    assert "No backtest of it is approved" not in page
    assert "Whether a backtest of it is approved is not known here: " in page


def test_the_list_of_indicators_is_closed_and_what_is_drawn_can_be_left_out(server: Served) -> None:
    page = server.ask("/market?symbol=MTUM&with=sma").text
    assert "<details open" not in page
    assert '<a href="?symbol=MTUM&amp;bars=125">leave out ' in page
