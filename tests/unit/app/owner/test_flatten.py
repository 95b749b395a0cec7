"""A person's wish to sell."""

from pathlib import Path

import pytest

from mtum.app.owner.flatten import request_flatten
from mtum.app.session.confirm_fills import forget_flatten
from mtum.core.portfolio.limits import Restriction
from mtum.errors import UsageError
from support.fakes import FakeBroker, fake_desk


def test_a_request_stops_entries_and_lasts_until_nothing_is_held(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        assert desk.store.statements.flatten_requests() == ()
        request_flatten(desk, "MTUM", "holiday")
        assert desk.store.control.restriction() is Restriction.REDUCE_ONLY
        forget_flatten(desk, {"MTUM": {"mtum_confluence"}})
        assert desk.store.statements.flatten_requests() == ("MTUM",)
        forget_flatten(desk, {})
        assert desk.store.statements.flatten_requests() == ()
        assert desk.store.control.restriction() is Restriction.REDUCE_ONLY


def test_a_symbol_that_is_not_traded_is_refused_and_nothing_is_halted(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        with pytest.raises(UsageError, match="GME is not traded here and not held; the universe is MTUM"):
            request_flatten(desk, "GME", "moon")
        assert desk.store.control.restriction() is Restriction.NONE
