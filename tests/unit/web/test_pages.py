"""What pages say that no command says in the same words, without a server."""

import re
from html import unescape
from pathlib import Path

from mtum import config
from mtum.adapters.store.opening import open_store
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import Purpose
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
