"""Switches read from JSON."""

from decimal import Decimal

import pytest

from mtum.core.simulation.admission import LatePolicy
from mtum.gateway.behavior import Behavior, EmptyFilter, changed


def test_switches_of_every_kind_are_read() -> None:
    given = {
        "empty_filter": "own",
        "read_only": True,
        "no_data": ["VIX"],
        "base_rate": 1.1,
        "late_on_close": "next_session",
        "server_version": 176,
    }
    behavior = changed(Behavior(), given)
    assert behavior.empty_filter is EmptyFilter.OWN
    assert behavior.read_only
    assert behavior.no_data == ("VIX",)
    assert behavior.base_rate == Decimal("1.1")
    assert behavior.late_on_close is LatePolicy.NEXT_SESSION
    assert behavior.server_version == 176


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"readonly": True}, "'readonly' is not known here; known: .*, read_only, "),
        ({"read_only": "yes"}, "true or false"),
        ({"no_data": "VIX"}, "list"),
        ({"empty_filter": "some"}, "empty_filter is 'some': input should be 'all', 'own', 'nothing' or 'silent'"),
    ],
)
def test_wrong_switches_are_refused(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        changed(Behavior(), given)
