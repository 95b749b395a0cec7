"""The dashboard shows open groups of options as `mtum options` tells them, and says what priced them."""

import json
from collections import defaultdict
from html import unescape
from pathlib import Path

import pytest

from mtum.core.reporting.figures import minus
from mtum.core.reporting.words import condition
from mtum.web.html import number, ratio, usd
from support.commands import call, call_json
from support.served import served


@pytest.mark.full
def test_the_strategies_page_shows_the_groups_that_the_command_tells(tmp_path: Path) -> None:
    played = call(tmp_path, "demo", "--strategy", "wheel", "--sessions", "3", "--out", str(tmp_path / "data"))
    assert played.code == 0, played.err
    where = ("--config", str(tmp_path / "data" / "config.toml"), "--data-dir", str(tmp_path / "data"))
    told = call_json(tmp_path, "options", *where).document
    assert told["groups"]
    met: dict[str, dict[str, bool]] = defaultdict(dict)
    for row in call_json(tmp_path, "show", "decisions", *where).document["decisions"]:
        day = call_json(tmp_path, "explain", "--session", row["session"], *where).document
        for verdict in day["options"]["verdicts"]:
            about = " ".join(filter(None, (verdict["underlying"], verdict["group"])))
            for one in verdict["conditions"]:
                line = met[f"{about}: {condition(one['name']).words}"]
                line[row["session"]] = one["passed"] and line.get(row["session"], True)
    assert met
    with served(tmp_path, *where) as server:
        assert json.loads(server.ask("/api/v1/options").body) == told
        page = unescape(server.ask("/strategies").text)
    assert "MODEL-PRICED" in page
    for one in told["groups"]:
        _, _, row = page.partition(f"<strong>{one['group']}</strong>")
        row = row.partition("</tr>")[0]
        for leg in one["legs"]:
            assert f"{minus(f'{leg["quantity"]:+}')} {leg['contract']}, delta {ratio(leg['delta'])}" in row
        for words in (
            f'"days">{one["days"]}<',
            f"{number(one['delta_shares'])} shares",
            usd(one["credit_usd"]),
            usd(one["pnl_usd"], sign=True),
            usd(one["collateral_usd"]),
            usd(one["max_loss_usd"]),
        ):
            assert words in row
        assert f"{one['group']}: {one['next']['text']}." in page.replace("<strong>Now: </strong>", "")
    for name, passed in met.items():
        assert f"{name}: met in {sum(passed.values())} of {len(passed)} sessions" in page
