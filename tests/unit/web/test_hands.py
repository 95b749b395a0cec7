"""What eyes and hands are promised of every page: charts that tell, hands that confirm, an icon to install."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from mtum import config
from mtum.adapters.store.opening import open_store
from mtum.errors import UsageError
from mtum.web.actions import act
from mtum.web.drawing import Chart, Curve, candles, drawn
from mtum.web.frame import STATIC
from mtum.web.records import Records
from support.recorded import ACCOUNT, THIRD, UPCOMING, recorded


def test_every_chart_has_a_title_a_sentence_and_its_values_as_a_table() -> None:
    days = ["2018-01-02", "2018-01-03"]
    chart = Chart("Equity", "From 1 to 2.", days, [Curve("account", [1.0, 2.0])])
    bars = [(1.0, 2.0, 1.0, 2.0), (2.0, 3.0, 2.0, 2.0)]
    for shown in (drawn(chart), candles(chart, bars)):
        assert "<h3>Equity</h3>" in shown
        assert re.search(r"<figcaption>From 1 to 2\.[^<]*</figcaption>", shown)
        assert "<summary>Table</summary>" in shown
        assert shown.count("<tbody><tr>") == 1
        assert 'role="img" aria-label="Equity. From 1 to 2."' in shown


def test_it_can_be_installed_and_moves_nothing_for_who_wants_none() -> None:
    folder = files("mtum.web") / "static"
    manifest = json.loads((folder / "site.webmanifest").read_text())
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    assert all(icon["src"].removeprefix("/static/") in STATIC for icon in manifest["icons"])
    style = (folder / "site.css").read_text()
    moving = [one.strip() for one in re.findall(r"([^{}\n]+)\{[^{}]*animation: (?!none)", style)]
    (still,) = re.findall(r"@media \(prefers-reduced-motion: reduce\) \{(.*)\}", style)
    assert moving
    assert [one for one in moving if f"{one} {{ animation: none; }}" not in still] == []
    assert "transition" not in style


def test_orders_are_approved_from_a_page_as_by_the_command_once_the_word_is_typed(tmp_path: Path) -> None:
    recorded(tmp_path)
    records = Records(config.load(None, {}, {}), tmp_path)
    form = {"session": UPCOMING[0].isoformat(), "way": "enter"}
    for typed in ("", "approved", "resume"):
        with pytest.raises(UsageError, match='type "approve" to confirm'):
            act("approve", records, {**form, "typed": typed}, "127.0.0.1", signed_in=False)
    act("approve", records, {**form, "typed": "approve"}, "127.0.0.1", signed_in=False)
    store = open_store(tmp_path / "mtum.db", "practice", ACCOUNT)
    found = [store.approvals.approved(UPCOMING[0], way) for way in ("enter", "exit")]
    store.close()
    assert found == [True, False]


def test_the_newest_report_is_sent_from_a_page(tmp_path: Path) -> None:
    recorded(tmp_path)
    records = Records(config.load(None, {}, {}), tmp_path)
    sent = act("report/send", records, {}, "127.0.0.1", signed_in=False)
    assert sent == {"session": THIRD.isoformat(), "failed": []}
    with pytest.raises(UsageError, match="name the session as YYYY-MM-DD"):
        act("report/send", records, {"session": "yesterday"}, "127.0.0.1", signed_in=False)
