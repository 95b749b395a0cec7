"""What pages say that no command says in the same words, without a server."""

import re
import sqlite3
from contextlib import closing
from html import unescape
from pathlib import Path

from mtum import config
from mtum.adapters.store.opening import open_store
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import Purpose
from mtum.web import documents
from mtum.web.frame import Ask, page_of
from mtum.web.records import Records
from support.recorded import ACCOUNT, STRATEGY, UPCOMING, recorded, traded


def trades_page(folder: Path) -> str:
    return unescape(page_of("trades", Ask(Records(config.load(None, {}, {}), folder))))


def test_of_an_open_trade_is_said_what_was_bought_and_what_is_left_of_it(tmp_path: Path) -> None:
    recorded(tmp_path)  # ten bought and sold again, then five bought
    store = open_store(tmp_path / "mtum.db", "practice", ACCOUNT)
    store.ledger.write_lots(STRATEGY, lots_of(store.orders.fills(STRATEGY)), {})
    store.close()
    shares = re.compile(r'<td data-head="shares">(.*?)</td>')
    assert shares.findall(trades_page(tmp_path)) == ["5", "10"]
    store = open_store(tmp_path / "mtum.db", "practice", ACCOUNT)
    traded(store, UPCOMING[0], Purpose.EXIT, 2, "105")
    store.ledger.write_lots(STRATEGY, lots_of(store.orders.fills(STRATEGY)), {})
    store.close()
    assert shares.findall(trades_page(tmp_path)) == ["5 bought, 3 left", "10"]


def test_closes_are_read_again_when_one_has_changed_and_only_then(tmp_path: Path) -> None:
    recorded(tmp_path)
    records = Records(config.load(None, {}, {}), tmp_path)
    first = documents.closes(records)
    with closing(sqlite3.connect(tmp_path / "mtum.db")) as connection:
        with connection:
            connection.execute("UPDATE orders SET text = 'told later'")
        assert documents.closes(records) is first
        with connection:
            connection.execute("UPDATE equity SET equity_usd = equity_usd + 1 WHERE session = '2018-01-02'")
        again = documents.closes(records)
        assert again.rows[-1].equity_usd == first.rows[-1].equity_usd + 1
        with connection:
            connection.execute("UPDATE cash_movements SET amount_usd = 4000 WHERE kind = 'capital'")
        assert documents.closes(records).rows[0].return_frac != again.rows[0].return_frac


def test_closes_of_another_file_in_the_same_place_are_read(tmp_path: Path) -> None:
    recorded(tmp_path)
    recorded(tmp_path / "other")
    records = Records(config.load(None, {}, {}), tmp_path)
    first = documents.closes(records)
    with closing(sqlite3.connect(tmp_path / "other" / "mtum.db")) as connection:
        with connection:
            connection.execute("UPDATE equity SET equity_usd = 7000 WHERE session = '2018-01-02'")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in ("mtum.db-wal", "mtum.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "other" / "mtum.db").replace(tmp_path / "mtum.db")
    assert documents.closes(records).rows[-1].equity_usd == 7000 != first.rows[-1].equity_usd
