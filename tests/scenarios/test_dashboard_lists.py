"""Lists of the dashboard: what an address chooses is what the page, its CSV and the API have, part by part."""

import csv
import json
import re
from collections.abc import Iterator
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from support.commands import call_json
from support.kept_studies import kept_study
from support.recorded import recorded
from support.served import Served, served

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("lists")
    recorded(found / "data")  # MTUM: bought, sold, bought
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Served]:
    with served(folder) as found:
        yield found


def read(server: Served, path: str) -> dict[str, Any]:
    found = server.ask(f"/api/v1/{path}")
    assert found.status == 200, found.text
    document: dict[str, Any] = json.loads(found.body)
    return document


def csv_of(server: Served, page: str) -> list[dict[str, str]]:
    """Rows of the file that a page links to."""
    (address,) = {part.partition('"')[0] for part in page.split('href="') if part.startswith("/trades.csv")}
    return list(csv.DictReader(StringIO(server.ask(address).text)))


@pytest.mark.parametrize(
    ("query", "entries"),
    [
        ("", ["2017-12-28", "2018-01-02"]),
        ("symbol=mtum", ["2017-12-28", "2018-01-02"]),
        ("symbol=SPY", []),
        ("symbol=MTUM&since=2017-12-29", ["2018-01-02"]),
        ("symbol=MTUM&side=SELL", ["2017-12-28", "2018-01-02"]),  # a round trip has both sides
    ],
)
def test_a_page_and_its_csv_have_the_round_trips_the_address_chooses(
    server: Served, query: str, entries: list[str]
) -> None:
    page = unescape(server.ask(f"/trades?{query}").text)
    told = re.sub(r"<[^>]+>", "", page.partition("Round trips")[2].partition("Slippage")[0])
    for day in ("2017-12-28", "2018-01-02"):
        assert (f"{day} at " in told) == (day in entries)
    assert ("There is none that fits what is chosen above." in told) == (not entries)
    assert [row["entry_session"] for row in csv_of(server, page)] == entries


def test_orders_and_fills_are_chosen_by_side_too_and_the_form_keeps_what_was_chosen(server: Served) -> None:
    page = unescape(server.ask("/trades?symbol=MTUM&side=SELL").text)
    orders = page.partition("Orders")[2]
    assert "SELL 10 MTUM" in orders
    assert "BUY" not in orders
    assert "fill price against the decision's price in basis points of 1 fill" in page.lower()
    assert '<option value="SELL" selected' in page
    (address,) = {part.partition('"')[0] for part in page.split('href="') if part.startswith("/trades.csv")}
    assert parse_qs(urlsplit(address).query) == {"symbol": ["MTUM"], "side": ["SELL"]}


def test_a_list_is_chosen_by_symbol_and_side_part_by_part(server: Served) -> None:
    bought = [one["session"] for one in read(server, "orders?side=BUY")["orders"]]
    assert bought == ["2017-12-28", "2018-01-02"]
    newest = read(server, "fills?side=BUY&symbol=MTUM&limit=1")
    older = read(server, f"fills?side=BUY&symbol=MTUM&limit=1&cursor={newest['next']}")
    assert [one["session"] for one in (*older["fills"], *newest["fills"])] == bought
    assert older["next"] is None
    assert read(server, "orders?symbol=SPY") == {"orders": [], "count": 0, "source": "sample", "next": None}
    assert server.ask("/api/v1/orders?side=HOLD").status == 422


def test_a_list_without_such_a_column_says_so(server: Served) -> None:
    found = server.ask("/api/v1/equity?symbol=MTUM&side=BUY")
    assert found.status == 400
    assert "equity have no side and no symbol to choose by; leave it out" in found.text


def test_kept_studies_come_part_by_part_though_others_are_added(folder: Path, server: Served) -> None:
    def kept(number: int) -> int:
        return kept_study(folder / "data", made_at=f"2026-01-0{number}T12:00:00Z")

    assert [kept(number) for number in range(1, 6)] == [1, 2, 3, 4, 5]
    parts = [read(server, "backtests?limit=2")]
    assert kept(6) == 6
    while (cursor := parts[-1]["next"]) is not None:
        parts.append(read(server, f"backtests?limit=2&cursor={cursor}"))
    assert [[one["id"] for one in part["backtests"]] for part in parts] == [[4, 5], [2, 3], [1]]
    assert read(server, "backtests")["next"] is None
    assert read(server, "backtests?since=2026-01-03&limit=2&cursor=5")["next"] is None
    assert read(server, "backtests")["backtests"] == call_json(folder, "show", "backtests").document["backtests"]
    for wrong in ("2018-01-02.1", "../..", "-1", "9" * 19):
        assert server.ask(f"/api/v1/backtests?cursor={wrong}").status == 400
